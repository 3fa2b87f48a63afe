//! How the learning rate changes over a run.

use std::{f64::consts::PI, fmt, num::NonZeroUsize, str::FromStr};

use crate::fault::{AtFault, Fault};
use serde::{Deserialize, Serialize};

/// The learning rate of every step of a run: the highest rate, a warm-up, and the schedule after
/// it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LearningRate {
    /// Highest rate.
    pub highest: f64,
    /// The course once warm.
    pub schedule: Schedule,
    /// How long the rate rises before its course begins.
    pub warm_up: WarmUp,
}

/// How the rate changes after the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// The same rate throughout.
    Constant,
    /// Exponential decay in a staircase: times `factor` after every `every_steps` steps.
    Staircase {
        /// What a stair multiplies the rate by.
        factor: f64,
        /// Length of a stair in steps.
        every_steps: NonZeroUsize,
    },
    /// Half a cosine, from the highest rate to zero where the run ends (Loshchilov and Hutter,
    /// "SGDR", 2017, without restarts).
    Cosine,
    /// Up from a 25th of the highest rate over the first .3 of the run, then down to a 10,000th of
    /// where it began, both along half a cosine (Smith and Topin, "Super-convergence", 2018; shape
    /// and constants are those of PyTorch's `OneCycleLR`, the momentum is unchanged).
    OneCycle,
}

/// One-cycle: the share of the run in which the rate rises.
const RISE: f64 = 0.3;
/// One-cycle: the highest rate over the first.
const FIRST_DIVISOR: f64 = 25.0;
/// One-cycle: the first rate over the last.
const LAST_DIVISOR: f64 = 1e4;

/// How long the rate rises in a straight line before its course begins.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WarmUp {
    /// This many steps.
    Steps(usize),
    /// This share of all steps, 0 to 1, but at least one step unless it is 0.
    Share(f64),
}

impl WarmUp {
    /// No warm-up.
    pub const NONE: WarmUp = WarmUp::Steps(0);

    /// Its length in a run of `steps` steps.
    fn steps(self, steps: usize) -> usize {
        let wanted = match self {
            WarmUp::Steps(wanted) => wanted,
            // Casting saturates, and takes NaN for 0; steps stay far below 2^52.
            WarmUp::Share(share) if share > 0.0 => ((share * steps as f64) as usize).max(1),
            WarmUp::Share(_) => 0,
        };
        wanted.min(steps)
    }
}

/// A whole number is a number of steps, any other a share of the run.
impl FromStr for WarmUp {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(steps) = text.parse() {
            return Ok(WarmUp::Steps(steps));
        }
        match text.parse() {
            Ok(share) if (0.0..1.0).contains(&share) => Ok(WarmUp::Share(share)),
            _ => Err("give a number of steps (500) or a share of the run from 0 up to, but not \
                      including, 1 (0.05)"
                .to_owned()),
        }
    }
}

impl fmt::Display for WarmUp {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            WarmUp::Steps(steps) => write!(f, "{steps}"),
            // Debug keeps the point of 0.0, so that it is read back as a share.
            WarmUp::Share(share) => write!(f, "{share:?}"),
        }
    }
}

impl LearningRate {
    /// The rate at `step`, from 0, in a run of `steps` steps.
    ///
    /// Over w steps of warm-up it rises in a straight line to the schedule's first rate, starting
    /// at a w-th of it; the schedule covers the rest of the run.
    pub fn rate(&self, step: usize, steps: usize) -> f64 {
        let warm_up = self.warm_up.steps(steps);
        if step < warm_up {
            let first = self.schedule.share_of_highest(0, steps - warm_up);
            self.highest * first * ((step + 1) as f64 / warm_up as f64)
        } else {
            self.highest * self.schedule.share_of_highest(step - warm_up, steps - warm_up)
        }
    }
}

impl Schedule {
    /// The rate at `step` of `steps`, as a share of the highest.
    fn share_of_highest(self, step: usize, steps: usize) -> f64 {
        match self {
            Schedule::Constant => 1.0,
            Schedule::Staircase { factor, every_steps } => {
                let stairs = i32::try_from(step / every_steps).unwrap_or(i32::MAX);
                factor.powi(stairs)
            }
            Schedule::Cosine => between(1.0, 0.0, step as f64 / steps.max(1) as f64),
            Schedule::OneCycle => {
                let first = 1.0 / FIRST_DIVISOR;
                let last_step = steps as f64 - 1.0;
                let highest_step = RISE * steps as f64 - 1.0;
                let step = (step as f64).min(last_step.max(0.0));
                if step < highest_step {
                    between(first, 1.0, step / highest_step)
                } else {
                    let fall = (last_step - highest_step).max(f64::MIN_POSITIVE);
                    between(1.0, first / LAST_DIVISOR, (step - highest_step) / fall)
                }
            }
        }
    }
}

/// Half a cosine from `from` at `done` 0 to `to` at 1.
fn between(from: f64, to: f64, done: f64) -> f64 {
    to + (from - to) * 0.5 * (1.0 + (PI * done.clamp(0.0, 1.0)).cos())
}

/// The courses, by their names on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ScheduleKind {
    /// The same rate throughout.
    Constant,
    /// Multiplied by --decay after every --decay-every steps.
    Staircase,
    /// Falls to zero along half a cosine.
    Cosine,
    /// Rises and falls along half cosines, like PyTorch's OneCycleLR.
    OneCycle,
}

/// The learning rate on the command line.
#[derive(Clone, Copy, Debug, PartialEq, clap::Args)]
#[command(next_help_heading = "Learning rate")]
pub struct LearningRateArgs {
    /// Highest learning rate.
    #[arg(long, default_value_t = 0.003, value_parser = positive)]
    pub rate: f64,
    /// How the learning rate changes over the run.
    #[arg(long, value_enum, default_value_t = ScheduleKind::Cosine)]
    pub schedule: ScheduleKind,
    /// For staircase: the factor of each decay [default: 0.96].
    #[arg(long, value_name = "FACTOR", value_parser = positive)]
    pub decay: Option<f64>,
    /// For staircase: steps between two decays [default: 10000].
    #[arg(long, value_name = "STEPS")]
    pub decay_every: Option<NonZeroUsize>,
    /// Steps (such as 500), or share of the run (such as 0.05), over which the rate rises at the
    /// start [default: 0.05 with cosine, otherwise 0].
    #[arg(long, value_name = "STEPS|SHARE")]
    pub warm_up: Option<WarmUp>,
}

/// Why the options of the learning rate cannot be combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LearningRateError {
    /// An option of the staircase with another course.
    #[error("{option} goes with --schedule staircase only; leave one of the two out")]
    OnlyStaircase {
        /// The option.
        option: &'static str,
    },
}

impl AtFault for LearningRateError {
    fn fault(&self) -> Fault {
        Fault::Arguments
    }
}

impl LearningRateArgs {
    /// The rate that these options ask for.
    ///
    /// # Errors
    /// [`LearningRateError`] when an option does not go with the chosen course.
    pub fn learning_rate(&self) -> Result<LearningRate, LearningRateError> {
        let schedule = match self.schedule {
            ScheduleKind::Staircase => Schedule::Staircase {
                // The report's decay for its TensorFlow network.
                factor: self.decay.unwrap_or(0.96),
                every_steps: self
                    .decay_every
                    .unwrap_or(const { NonZeroUsize::new(10_000).expect("10,000 is not zero") }),
            },
            _ if self.decay.is_some() => {
                return Err(LearningRateError::OnlyStaircase { option: "--decay" });
            }
            _ if self.decay_every.is_some() => {
                return Err(LearningRateError::OnlyStaircase { option: "--decay-every" });
            }
            ScheduleKind::Constant => Schedule::Constant,
            ScheduleKind::Cosine => Schedule::Cosine,
            ScheduleKind::OneCycle => Schedule::OneCycle,
        };
        let warm_up = self.warm_up.unwrap_or(match schedule {
            Schedule::Cosine => WarmUp::Share(0.05),
            _ => WarmUp::NONE,
        });
        Ok(LearningRate { highest: self.rate, schedule, warm_up })
    }
}

/// Writes the options that give this rate, as in `--rate 0.003 --schedule cosine --warm-up 0.05`.
impl fmt::Display for LearningRate {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "--rate {} --schedule ", self.highest)?;
        match self.schedule {
            Schedule::Constant => write!(f, "constant")?,
            Schedule::Staircase { factor, every_steps } => {
                write!(f, "staircase --decay {factor} --decay-every {every_steps}")?;
            }
            Schedule::Cosine => write!(f, "cosine")?,
            Schedule::OneCycle => write!(f, "one-cycle")?,
        }
        write!(f, " --warm-up {}", self.warm_up)
    }
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value > 0.0 && value.is_finite() => Ok(value),
        _ => Err("give a number above 0".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        rate: LearningRateArgs,
    }

    fn parse(options: &str) -> Result<LearningRateArgs, clap::Error> {
        let words = std::iter::once("program").chain(options.split_whitespace());
        Program::try_parse_from(words).map(|program| program.rate)
    }

    fn rate_of(options: &str) -> LearningRate {
        parse(options).expect("options that parse").learning_rate().expect("options that agree")
    }

    #[track_caller]
    fn assert_rates(options: &str, steps: usize, expected: &[(usize, f64)]) {
        let rate = rate_of(options);
        for &(step, expected) in expected {
            let found = rate.rate(step, steps);
            assert!(
                (found - expected).abs() <= 1e-12 * expected.abs(),
                "{options}: step {step} of {steps} has {found}, not {expected}"
            );
        }
    }

    #[test]
    fn a_constant_rate_stays() {
        assert_rates("--rate 0.005 --schedule constant", 9, &[(0, 0.005), (4, 0.005), (8, 0.005)]);
    }

    /// The report's rate for its TensorFlow network, .05 times .96 every 10,000 steps, by hand.
    #[test]
    fn the_staircase_goes_down_at_its_stairs() {
        assert_rates(
            "--rate 0.05 --schedule staircase --decay .96 --decay-every 10000",
            50_000,
            &[
                (0, 0.05),
                (9_999, 0.05),
                (10_000, 0.048),
                (19_999, 0.048),
                (20_000, 0.04608),
                (30_000, 0.0442368),
                (40_000, 0.042467328),
                (49_999, 0.042467328),
            ],
        );
    }

    /// cos 0, 60, 90 and 120 degrees by hand.
    #[test]
    fn the_cosine_falls_to_zero() {
        let options = "--rate 2 --schedule cosine --warm-up 0";
        assert_rates(options, 12, &[(0, 2.0), (4, 1.5), (6, 1.0), (8, 0.5)]);
        assert!(rate_of(options).rate(12, 12) < 1e-15);
    }

    /// PyTorch's formula: the rise ends at step .3 * 20 - 1 = 5, the fall at step 19. From 1 / 25
    /// to 1 the amplitude is .48 around .52.
    #[test]
    fn one_cycle_rises_and_falls_as_pytorchs() {
        let (first, last) = (0.04, 0.04 / 1e4);
        let fall = |step: f64| {
            let done = (step - 5.0) / 14.0;
            last + (1.0 - last) / 2.0 * (1.0 + (PI * done).cos())
        };
        assert_rates(
            "--rate 1 --schedule one-cycle",
            20,
            &[
                (0, first),
                // A fifth and two fifths of the way, cos 36 and cos 72 degrees.
                (1, 0.52 - 0.48 * 0.809_016_994_374_947_5),
                (2, 0.52 - 0.48 * 0.309_016_994_374_947_45),
                (5, 1.0),
                (6, fall(6.0)),
                // Halfway down.
                (12, (1.0 + last) / 2.0),
                (18, fall(18.0)),
                (19, last),
            ],
        );
        // The highest step need not be whole: with 7 steps it is 1.1.
        assert_rates(
            "--rate 1 --schedule one-cycle",
            7,
            &[(0, first), (2, last + (1.0 - last) / 2.0 * (1.0 + (PI * 0.9 / 4.9).cos()))],
        );
    }

    #[test]
    fn warm_up_rises_to_the_first_rate_and_leaves_the_rest_to_the_course() {
        // 4 of 16 steps, then a cosine over 12.
        let expected =
            [(0, 0.5), (1, 1.0), (2, 1.5), (3, 2.0), (4, 2.0), (8, 1.5), (10, 1.0), (12, 0.5)];
        assert_rates("--rate 2 --schedule cosine --warm-up 0.25", 16, &expected);
        assert_rates("--rate 2 --schedule cosine --warm-up 4", 16, &expected);
        // Stairs are counted from the end of the warm-up.
        assert_rates(
            "--rate 1 --schedule staircase --decay 0.5 --decay-every 3 --warm-up 2",
            10,
            &[(0, 0.5), (1, 1.0), (2, 1.0), (4, 1.0), (5, 0.5), (8, 0.25)],
        );
        // One-cycle begins at a 25th.
        assert_rates(
            "--rate 1 --schedule one-cycle --warm-up 4",
            24,
            &[(0, 0.01), (3, 0.04), (4, 0.04), (9, 1.0)],
        );
        // A share that comes to less than a step is one step.
        assert_rates("--rate 1 --schedule constant --warm-up 0.05", 10, &[(0, 1.0)]);
    }

    #[test]
    fn every_step_of_the_shortest_runs_has_a_rate() {
        for kind in ["constant", "staircase", "cosine", "one-cycle"] {
            for warm_up in ["0", "0.5", "3", "999"] {
                let rate = rate_of(&format!("--schedule {kind} --warm-up {warm_up}"));
                for steps in 0..5 {
                    for step in 0..steps + 3 {
                        let found = rate.rate(step, steps);
                        let possible = (0.0..=rate.highest).contains(&found);
                        assert!(possible, "{rate}: step {step} of {steps} has {found}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for options in [
            "",
            "--schedule constant --rate 0.01",
            "--schedule staircase",
            "--schedule staircase --decay 0.5 --decay-every 7 --warm-up 500",
            "--schedule cosine --warm-up 0",
            "--schedule cosine --warm-up 0.00001",
            "--schedule one-cycle --warm-up 0.0",
        ] {
            let rate = rate_of(options);
            assert_eq!(rate_of(&rate.to_string()), rate, "{options}");
            let json = serde_json::to_string(&rate).expect("plain data");
            let back: LearningRate = serde_json::from_str(&json).expect("what was just written");
            assert_eq!(back, rate, "{json}");
        }
        assert_eq!(rate_of("").to_string(), "--rate 0.003 --schedule cosine --warm-up 0.05");
    }

    #[test]
    fn options_that_mean_nothing_are_refused() {
        for options in [
            "--rate 0",
            "--rate nan",
            "--rate -1",
            "--decay 0",
            "--decay-every 0",
            "--warm-up 1.0",
            "--warm-up -0.1",
            "--warm-up soon",
            "--schedule linear",
        ] {
            assert!(parse(options).is_err(), "{options}");
        }
        let refusal = |options: &str| {
            let parsed = parse(options).expect("options that parse");
            parsed.learning_rate().expect_err("options that do not agree")
        };
        assert_eq!(
            refusal("--schedule cosine --decay 0.9"),
            LearningRateError::OnlyStaircase { option: "--decay" }
        );
        assert_eq!(
            refusal("--decay-every 5"),
            LearningRateError::OnlyStaircase { option: "--decay-every" }
        );
    }
}
