//! What a run is made of.

use std::{fmt, num::NonZeroUsize, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{Augmentation, LearningRate, OptimizerConfig, material::Source};
use crate::{finder::FINDER_NET, strokes::STROKE_NET};

/// What a run is made of; `run.json` in its folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunConfig {
    /// The network's name.
    pub net: String,
    /// The digits; the share for validation is held back from the first source. Of StrokeNet,
    /// photos with the same without their digits; their share is held back from all sources.
    pub data: Vec<Source>,
    /// Photos in which places without digits are shown, too, and how many of each at random; of
    /// classifiers.
    #[serde(default)]
    pub no_digits: Vec<Source>,
    /// Weights of a network that finds digits; what it takes for some in these photos is shown, too.
    #[serde(default)]
    pub finder: Option<PathBuf>,
    /// Passes over the training data.
    pub epochs: usize,
    /// Digits per step; for StrokeNet, patches.
    pub batch: usize,
    /// The learning rate of every step.
    pub learning_rate: LearningRate,
    /// The optimiser.
    pub optimizer: OptimizerConfig,
    /// Share of the target spread over all digits.
    pub smoothing: f32,
    /// The probability with which dropout drops a feature; `None` is the network's own.
    #[serde(default)]
    pub dropout: Option<f64>,
    /// Weights of an earlier run to begin with; `None` draws them.
    #[serde(default)]
    pub start: Option<PathBuf>,
    /// Weights of trained networks whose readings of each input are the target. Of FinderNet, those
    /// of one that finds the digits of numbers, and of photos without boxes.
    #[serde(default)]
    pub teachers: Vec<PathBuf>,
    /// Of FinderNet: weights of StrokeNet, by whose strokes numbers are split in which the teacher does
    /// not find all digits.
    #[serde(default)]
    pub strokes: Option<PathBuf>,
    /// Share of the target that is the mean of the teachers' readings; the rest is the label.
    #[serde(default)]
    pub teaching: f32,
    /// Share held back for validation.
    pub validation: f64,
    /// Data to validate on instead.
    pub validate_on: Option<PathBuf>,
    /// Epochs without a better validation accuracy after which the run ends, with the best
    /// epoch's weights; `None` runs all epochs and keeps the last one's.
    pub patience: Option<NonZeroUsize>,
    /// Decay of the weights' moving average that is read with; `None` reads with the last step's.
    pub averaging: Option<f64>,
    /// How inputs are varied.
    pub augmentation: Augmentation,
    /// Steps between checkpoints within an epoch; there is one after each epoch in any case.
    pub checkpoint_every: Option<NonZeroUsize>,
    /// Draws the split, the order, the augmentation, the first weights and the dropout.
    pub seed: u64,
    /// The files' common stem: id (if any), program, date and time.
    pub stem: String,
}

/// Writes the command that trains the same weights again, without the options for the folder, the
/// device and checkpoints.
impl fmt::Display for RunConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "doorplate train")?;
        for source in &self.data {
            write!(f, " --data {source}")?;
        }
        for source in &self.no_digits {
            write!(f, " --no-digits {source}")?;
        }
        if let Some(finder) = &self.finder {
            write!(f, " --finder {}", finder.display())?;
        }
        write!(
            f,
            " --net {} --epochs {} --batch {} {} {} --validation {} --seed {}",
            self.net,
            self.epochs,
            self.batch,
            self.learning_rate,
            self.optimizer,
            self.validation,
            self.seed
        )?;
        // The networks that do not read digits have neither.
        let reads = ![STROKE_NET.name, FINDER_NET.name].contains(&self.net.as_str());
        if reads {
            write!(f, " --smoothing {} {}", self.smoothing, self.augmentation)?;
        }
        if let Some(probability) = self.dropout {
            write!(f, " --dropout {probability}")?;
        }
        if let Some(start) = &self.start {
            write!(f, " --start {}", start.display())?;
        }
        for teacher in &self.teachers {
            write!(f, " --teacher {}", teacher.display())?;
        }
        if let Some(strokes) = &self.strokes {
            write!(f, " --strokes {}", strokes.display())?;
        }
        if reads && !self.teachers.is_empty() {
            write!(f, " --teaching {}", self.teaching)?;
        }
        if let Some(path) = &self.validate_on {
            write!(f, " --validate-on {}", path.display())?;
        }
        if let Some(patience) = self.patience {
            write!(f, " --patience {patience}")?;
        }
        if let Some(decay) = self.averaging {
            write!(f, " --averaging {decay}")?;
        }
        Ok(())
    }
}
