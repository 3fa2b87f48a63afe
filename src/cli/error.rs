//! What ends a command early, and the exit codes.

use std::{error::Error as StdError, fmt, io};

use axum::http::header::{InvalidHeaderName, InvalidHeaderValue};

use crate::fault::{AtFault, Fault, with_causes};

/// The exit codes, each with whose fault it is and its meaning, as the help and
/// docs/command-line.md list them.
pub const EXIT_CODES: [(u8, Fault, &str); 9] = [
    (1, Fault::Other, "a file could not be written, or any error not listed here"),
    (2, Fault::Arguments, "wrong arguments"),
    (3, Fault::Input, "the photo, its boxes, the data or a run cannot be used"),
    (4, Fault::Model, "a model cannot be used"),
    (5, Fault::Device, "the device failed"),
    (
        6,
        Fault::SomeFailed,
        "some photos of many failed, the rest is done; or `--verify` found results that are not \
         whole",
    ),
    (7, Fault::Left, "everything is written, but something of a digit may still be visible"),
    (
        130,
        Fault::Stopped,
        "stopped by Ctrl-C or SIGTERM: `train` has written a checkpoint; `erase` has finished the \
         photos that it had begun, except those that needed more than 4 seconds; `data fetch` has \
         kept what it had received",
    ),
    // That of a program which the system ends for it: 128 and SIGPIPE's number.
    (
        141,
        Fault::Unheard,
        "standard output was closed, as `head` does once it has read enough; `erase` has finished \
         the photos it had begun",
    ),
];

/// The part of the help that lists the exit codes.
pub fn exit_codes_help() -> String {
    EXIT_CODES.iter().fold("Exit codes:\n    0  done".to_owned(), |help, (code, _, meaning)| {
        format!("{help}\n  {code:>3}  {meaning}")
    })
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Whatever ended a command, and whose fault it is.
#[derive(Debug)]
pub struct Error {
    fault: Fault,
    /// What was being done, each part with a colon behind it.
    context: String,
    cause: Box<dyn StdError + Send + Sync>,
}

impl Error {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        self.fault
    }

    /// The exit code that [`EXIT_CODES`] gives for it.
    pub fn exit_code(&self) -> u8 {
        let of_fault = EXIT_CODES.iter().find(|(_, fault, _)| *fault == self.fault);
        of_fault.map_or(1, |(code, ..)| *code)
    }

    /// The same error, with what was being done when it came, or with which file.
    pub fn context(self, context: impl fmt::Display) -> Self {
        Error { context: format!("{context}: {}", self.context), ..self }
    }

    /// The system's error among its causes.
    pub fn as_io(&self) -> Option<&io::Error> {
        let mut cause: Option<&(dyn StdError + 'static)> = Some(&*self.cause);
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref() {
                return Some(error);
            }
            cause = error.source();
        }
        None
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.context, with_causes(&*self.cause))
    }
}

impl<E: AtFault + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        Error { fault: error.fault(), context: String::new(), cause: error.into() }
    }
}

/// A message alone, about nothing that [`Fault`] names.
impl From<String> for Error {
    fn from(message: String) -> Self {
        Error { fault: Fault::Other, context: String::new(), cause: message.into() }
    }
}

impl From<&str> for Error {
    fn from(message: &str) -> Self {
        message.to_owned().into()
    }
}

/// [`Error::context`] for results.
pub trait Context<T> {
    fn context(self, context: impl fmt::Display) -> Result<T>;
}

impl<T, E: Into<Error>> Context<T> for Result<T, E> {
    fn context(self, context: impl fmt::Display) -> Result<T> {
        self.map_err(|error| error.into().context(context))
    }
}

/// Arguments that are wrong in a way that clap cannot see.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct WrongArgument(pub String);

impl AtFault for WrongArgument {
    fn fault(&self) -> Fault {
        Fault::Arguments
    }
}

// Errors of libraries that name no fault of their own.
impl AtFault for InvalidHeaderName {}
impl AtFault for InvalidHeaderValue {}
impl AtFault for ctrlc::Error {}
impl AtFault for image::ImageError {}
impl AtFault for indicatif::style::TemplateError {}
impl AtFault for serde_json::Error {}
impl AtFault for time::error::Format {}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::{
        classifier::{EngineError, UnknownNetwork, WeightsError},
        cli::{
            boxes::BoxesError,
            erase::{LeftError, archive::ArchiveError, batch::BatchError, records::ClaimError},
            output::OutputError,
            read::OpenPhotoError,
            scenes::ScenesError,
        },
        dataset::{
            contact_sheet::ContactSheetError, digit_struct_writer::DigitStructWriteError,
            fetch::FetchError, format1::Format1Error, format2::Format2Error,
            format2_writer::Format2WriteError, store::StoreError,
        },
        evaluation::{PeersError, ReadError, SheetError},
        photo::{HeaderError, PhotoError},
        publication::{ModelsFolderError, Place, PublicationError},
        synthetic::{SyntheticError, TypefaceError, WallError},
        training::{DataError, LearningRateError, OptimizerError, OptimizerKind, TrainingError},
    };

    fn path() -> PathBuf {
        PathBuf::from("here")
    }

    fn full() -> io::Error {
        io::ErrorKind::StorageFull.into()
    }

    fn engine() -> EngineError {
        EngineError::Device("lost".to_owned())
    }

    /// The exit codes of these errors.
    fn codes<const N: usize>(errors: [Error; N]) -> [u8; N] {
        errors.map(|error| error.exit_code())
    }

    #[test]
    fn arguments_input_and_models_have_codes_of_their_own() {
        let option = "--momentum";
        let arguments = [
            WrongArgument(String::new()).into(),
            UnknownNetwork(String::new()).into(),
            OptimizerError::OnlyWith { option, only: OptimizerKind::Sgd }.into(),
            LearningRateError::OnlyStaircase { option }.into(),
            ClaimError::NotOurs { path: path(), what: "results" }.into(),
            ClaimError::NoRecords { path: path() }.into(),
            TrainingError::Network(UnknownNetwork(String::new())).into(),
            TrainingError::NothingToJudgeBy.into(),
            TrainingError::RunExists { folder: path() }.into(),
            TrainingError::OtherRun { folder: path() }.into(),
        ];
        assert_eq!(codes(arguments), [2; 10]);

        let no_photo = || Format1Error::Empty { folder: path() };
        let twice = DataError::Twice { path: path() };
        let input = [
            PhotoError::Header(HeaderError::Empty).into(),
            OpenPhotoError::File { path: path(), source: full() }.into(),
            BoxesError::NoFile { path: path() }.into(),
            BatchError::NoPhotos { path: path() }.into(),
            BatchError::Folder { path: path(), source: full() }.into(),
            ArchiveError::NoEndMark { members: 1 }.into(),
            ArchiveError::Damaged { members: 1, reason: String::new() }.into(),
            ScenesError::NoPhotos { folder: path() }.into(),
            no_photo().into(),
            Format2Error::Counts { path: path(), crops: 1, digits: 2 }.into(),
            StoreError::Photos(no_photo()).into(),
            TypefaceError::NotPinned { path: path(), found: String::new() }.into(),
            WallError::None.into(),
            SyntheticError::Walls(WallError::None).into(),
            ContactSheetError::Photo(no_photo()).into(),
            ReadError::Format1(no_photo()).into(),
            SheetError::Read(ReadError::Format1(no_photo())).into(),
            TrainingError::Data(twice).into(),
            TrainingError::Checkpoint { path: path(), reason: String::new() }.into(),
        ];
        assert_eq!(codes(input), [3; 19]);

        let source = PublicationError::Format(9);
        let models = [
            WeightsError::Foreign { reason: String::new() }.into(),
            ModelsFolderError::File { path: path(), source: full() }.into(),
            ModelsFolderError::Publication { place: Place::Inside, source }.into(),
            ModelsFolderError::NoModel { name: String::new(), places: Vec::new() }.into(),
            ModelsFolderError::NoStrokes.into(),
            TrainingError::Weights { path: path(), reason: String::new() }.into(),
        ];
        assert_eq!(codes(models), [4; 6]);
    }

    #[test]
    fn the_device_the_rest_and_how_a_run_ended_have_codes_of_their_own() {
        let device = [
            engine().into(),
            EngineError::Numbers(String::new()).into(),
            EngineError::Input(String::new()).into(),
            ReadError::Engine(engine()).into(),
            SheetError::Read(ReadError::Engine(engine())).into(),
            TrainingError::Engine(engine()).into(),
            TrainingError::Device { reason: engine(), folder: path() }.into(),
        ];
        assert_eq!(codes(device), [5; 7]);

        let other = [
            full().into(),
            "no GPU".into(),
            FetchError::Busy { path: path() }.into(),
            PeersError::Answer { path: path(), reason: String::new() }.into(),
            Format2WriteError::Amount { path: path(), digits: 0 }.into(),
            DigitStructWriteError::NoPhotos { path: path() }.into(),
            SyntheticError::Write { path: path(), reason: full() }.into(),
            ContactSheetError::TooMany { pictures: 9, most: 8 }.into(),
            BatchError::Write { path: path(), source: full() }.into(),
            ClaimError::File { path: path(), source: full() }.into(),
            OutputError::from(full()).into(),
            ModelsFolderError::Write { path: path(), reason: full() }.into(),
            TrainingError::File { path: path(), source: full() }.into(),
            TrainingError::Diverged { loss: f32::NAN, epoch: 1, step: 1, folder: path() }.into(),
        ];
        assert_eq!(codes(other), [1; 14]);

        let ended = [
            BatchError::SomeFailed { failed: 1, all: 2 }.into(),
            BatchError::NotWhole { bad: 1, all: 2 }.into(),
            LeftError::OnPhoto { photo: path(), boxes: 1 }.into(),
            LeftError::OnSome { photos: 1, all: 2 }.into(),
            BatchError::Stopped.into(),
            ArchiveError::Stopped.into(),
            TrainingError::Stopped { epoch: 1, step: 1, folder: path() }.into(),
            FetchError::Stopped { path: path() }.into(),
            OutputError::from(io::Error::from(io::ErrorKind::BrokenPipe)).into(),
        ];
        assert_eq!(codes(ended), [6, 6, 7, 7, 130, 130, 130, 130, 141]);
    }

    #[test]
    fn context_and_causes_are_said_once_and_the_class_stays() {
        let error = Error::from(WeightsError::Foreign { reason: "cut short".to_owned() });
        let told = error.to_string();
        let error = error.context("a.safetensors").context("run 2");
        assert_eq!(error.to_string(), format!("run 2: a.safetensors: {told}"));
        assert_eq!(error.exit_code(), 4);
        let file = Error::from(StoreError::File { path: path(), source: full() });
        assert_eq!(file.to_string(), format!("here: {}", full()));
        assert!(file.as_io().is_some());
    }

    #[test]
    fn the_documentation_lists_the_same_exit_codes() {
        let documented = include_str!("../../docs/command-line.md");
        for (code, _, meaning) in EXIT_CODES {
            assert!(documented.contains(&format!("\n| {code} | {meaning} |\n")), "{code}");
        }
    }
}
