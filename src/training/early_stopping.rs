//! Ends a run whose validation accuracy has stopped rising.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

/// Watches the validation accuracy; goes into the checkpoint with the run's state.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EarlyStopping {
    patience: NonZeroUsize,
    best: Option<BestEpoch>,
}

/// The epoch with the highest validation accuracy so far.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BestEpoch {
    /// From 1.
    pub epoch: usize,
    /// Its accuracy, 0 to 1.
    pub accuracy: f64,
}

/// What an epoch means for the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The best so far: its weights are worth keeping.
    Best,
    /// Not better than the best, but within patience.
    Wait,
    /// Patience has run out: the run ends.
    Stop,
}

impl EarlyStopping {
    /// Stops after `patience` epochs in a row without a new best.
    pub fn new(patience: NonZeroUsize) -> Self {
        EarlyStopping { patience, best: None }
    }

    /// Takes in the accuracy, 0 to 1, of `epoch`, from 1; each epoch once, in their order.
    ///
    /// An accuracy equal to the best does not count as a new best, and neither does NaN.
    pub fn judge(&mut self, epoch: usize, accuracy: f64) -> Verdict {
        let improved = match self.best {
            Some(best) => accuracy > best.accuracy,
            None => !accuracy.is_nan(),
        };
        if improved {
            self.best = Some(BestEpoch { epoch, accuracy });
            return Verdict::Best;
        }
        let best = self.best.map_or(0, |best| best.epoch);
        if epoch.saturating_sub(best) >= self.patience.get() {
            Verdict::Stop
        } else {
            Verdict::Wait
        }
    }

    /// The best epoch so far; `None` before the first.
    pub fn best(&self) -> Option<BestEpoch> {
        self.best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patient(epochs: usize) -> EarlyStopping {
        EarlyStopping::new(NonZeroUsize::new(epochs).expect("some patience"))
    }

    /// The verdicts on these accuracies, up to the first `Stop`.
    fn verdicts(stopping: &mut EarlyStopping, from: usize, accuracies: &[f64]) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        for (epoch, &accuracy) in (from..).zip(accuracies) {
            verdicts.push(stopping.judge(epoch, accuracy));
            if verdicts.last() == Some(&Verdict::Stop) {
                break;
            }
        }
        verdicts
    }

    use Verdict::{Best, Stop, Wait};

    #[test]
    fn it_stops_when_patience_runs_out_and_knows_the_best() {
        let mut stopping = patient(3);
        let accuracies = [0.5, 0.7, 0.6, 0.7, 0.71, 0.7, 0.71, 0.2, 0.9];
        assert_eq!(
            verdicts(&mut stopping, 1, &accuracies),
            [Best, Best, Wait, Wait, Best, Wait, Wait, Stop]
        );
        assert_eq!(stopping.best(), Some(BestEpoch { epoch: 5, accuracy: 0.71 }));
    }

    #[test]
    fn rising_accuracy_never_stops_a_run() {
        assert_eq!(verdicts(&mut patient(1), 1, &[0.1, 0.2, 0.3]), [Best, Best, Best]);
        assert_eq!(verdicts(&mut patient(1), 1, &[0.1, 0.2, 0.2]), [Best, Best, Stop]);
    }

    #[test]
    fn an_accuracy_that_is_no_number_is_no_best() {
        let mut stopping = patient(2);
        assert_eq!(verdicts(&mut stopping, 1, &[f64::NAN, 0.3, f64::NAN]), [Wait, Best, Wait]);
        assert_eq!(stopping.best(), Some(BestEpoch { epoch: 2, accuracy: 0.3 }));
        assert_eq!(verdicts(&mut patient(2), 1, &[f64::NAN, f64::NAN]), [Wait, Stop]);
    }

    #[test]
    fn patience_goes_on_where_a_checkpoint_left_it() {
        let mut stopping = patient(3);
        assert_eq!(verdicts(&mut stopping, 1, &[0.4, 0.8, 0.7]), [Best, Best, Wait]);
        let json = serde_json::to_string(&stopping).expect("plain data");
        let mut resumed: EarlyStopping = serde_json::from_str(&json).expect("what was written");
        assert_eq!(resumed, stopping);
        assert_eq!(verdicts(&mut resumed, 4, &[0.75, 0.79]), [Wait, Stop]);
    }
}
