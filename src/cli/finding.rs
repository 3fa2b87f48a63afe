//! Finding the digits of photos, for the commands that can do so.

use std::path::PathBuf;

use super::{
    Result,
    model::{ModelArgs, NamedFinder},
};
use crate::{
    finder::{
        AT_LEAST, DigitFinder, FINDS, FoundDigit, beside_numbers, completed_by_strokes,
        matters_from, sure_and_unsure,
    },
    numbers::same_digit,
    photo::{BoxInPhoto, Photo},
    removal::Nets,
};

/// How digits are found.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Finding")]
pub struct FinderArgs {
    /// Confidence that a number needs, 0 to 1: the mean confidence of its digits must reach it. A
    /// number of a single digit needs 0.2 more.
    #[arg(long, value_name = "CONFIDENCE", default_value_t = AT_LEAST, value_parser = confidence)]
    pub at_least: f32,
    /// Weights of FinderNet that `doorplate train` wrote [default: the published ones].
    #[arg(long, value_name = "FILE")]
    pub finder: Option<PathBuf>,
}

/// When digits are found, for commands that take boxes, too.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Finding")]
pub struct FindingArgs {
    /// Also find digits that have no box. If no boxes are given, digits are found in any case.
    #[arg(long)]
    find: bool,
    #[command(flatten)]
    pub options: FinderArgs,
}

impl FindingArgs {
    /// Whether digits are to be found in a photo, which `has_none` of boxes or some.
    pub fn finds(&self, has_none: bool) -> bool {
        self.find || has_none
    }
}

fn confidence(text: &str) -> Result<f32, String> {
    let share = text.parse::<f32>().ok().filter(|share| *share > 0.0 && *share < 1.0);
    share.ok_or_else(|| "give a number between 0 and 1, such as 0.5".to_owned())
}

/// What finds the digits of photos.
pub struct Finding {
    finder: DigitFinder,
    sha256: String,
    nets: Nets,
    at_least: f32,
}

/// What was found in a photo.
pub struct Found {
    /// Digits.
    pub sure: Vec<FoundDigit>,
    /// What may be digits.
    pub unsure: Vec<FoundDigit>,
}

impl Finding {
    /// Loads the network that finds; these read and complete what it finds.
    pub fn load(args: &FinderArgs, model: &ModelArgs, nets: Nets) -> Result<Self> {
        Ok(Self::by(model.load_finder(args.finder.as_deref())?, nets, args.at_least))
    }

    /// Finds with this network, and what these nets read and complete, with at least this confidence.
    pub fn by(finder: NamedFinder, nets: Nets, at_least: f32) -> Self {
        let NamedFinder { finder, sha256 } = finder;
        Finding { finder, sha256, nets, at_least }
    }

    /// Finds the digits of a photo. Its parts are searched on all processors.
    pub fn find(&self, photo: &Photo) -> Result<Found> {
        let Nets { classifier, strokes } = &self.nets;
        let least = matters_from(self.at_least);
        let found = self.finder.find_and_read_in_parallel(photo, least, classifier)?;
        let found = completed_by_strokes(photo, found, self.at_least, classifier, strokes.as_ref());
        let found = pollster::block_on(found)?;
        let (sure, unsure) = sure_and_unsure(found, self.at_least);
        Ok(Found { sure, unsure })
    }

    /// The digits that are found where no box is given.
    pub fn find_beside(&self, photo: &Photo, given: &[BoxInPhoto]) -> Result<Vec<BoxInPhoto>> {
        Ok(areas_beside(self.find(photo)?.sure, given))
    }

    /// The same, and what may be more digits of these numbers: it is better to remove too much than to
    /// leave one.
    pub fn find_to_remove(&self, photo: &Photo, given: &[BoxInPhoto]) -> Result<Vec<BoxInPhoto>> {
        let Found { mut sure, unsure } = self.find(photo)?;
        sure.extend(beside_numbers(&sure, unsure));
        Ok(areas_beside(sure, given))
    }

    /// All that decides what is found in a photo, for comparison.
    pub fn made_of(&self) -> String {
        format!("{} from {}, version {FINDS}", self.sha256, self.at_least)
    }
}

fn areas_beside(found: Vec<FoundDigit>, given: &[BoxInPhoto]) -> Vec<BoxInPhoto> {
    let found = found.into_iter().map(|digit| digit.detected.area);
    found.filter(|area| !given.iter().any(|other| same_digit(*other, *area))).collect()
}
