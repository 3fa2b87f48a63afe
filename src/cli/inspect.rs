//! `doorplate inspect`

use std::{path::PathBuf, str::FromStr};

use clap::Parser;

use super::{
    Context as _, Result, WrongArgument,
    boxes::BoxesError,
    model::ModelArgs,
    places::{keep, keep_out_of},
    read::open_photo,
};
use crate::{
    evaluation::{DigitPlace, FoundDigit, Inspection, find_digit},
    files::write_whole,
    photo::{BoxInPhoto, LooseBox, Photo},
};

/// Draw what a network computes when it reads one digit: crop, input, gradient, confidences,
/// feature maps.
///
/// The gradient is that of the read digit's logit with respect to the network's input, summed over
/// colours: red where a brighter pixel raises the logit, blue where it lowers it. Below are the feature maps of
/// the first convolution, their mean, their standard deviation, and mean minus deviation with its
/// histogram. The feature-maps method of removal finds background by that histogram.
#[derive(Debug, Parser)]
#[command(after_help = super::examples!(
    "doorplate inspect photo.png --box 60,40,20,40 -o digit.png"
))]
pub struct Args {
    /// The photo.
    #[arg(required_unless_present = "data", requires = "area", conflicts_with = "data")]
    photo: Option<PathBuf>,
    /// The digit's box on the photo: left, top, width, height, in pixels.
    #[arg(
        long = "box",
        id = "area",
        value_name = "L,T,W,H",
        requires = "photo",
        allow_hyphen_values = true
    )]
    area: Option<BoxArg>,
    /// Instead of a photo: a Format 1 folder, or a Format 2 file (.mat).
    #[arg(long, requires = "digit")]
    data: Option<PathBuf>,
    /// The digit's number in --data, counted from 1, as `doorplate evaluate` prints it.
    #[arg(long, value_name = "N", requires = "data")]
    digit: Option<usize>,
    /// The picture, a PNG file.
    #[arg(short, long)]
    output: PathBuf,
    #[command(flatten)]
    model: ModelArgs,
}

/// A box on the command line.
#[derive(Clone, Copy, Debug)]
struct BoxArg(LooseBox);

impl FromStr for BoxArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Result<Vec<f64>, _> = text.split(',').map(|n| n.trim().parse()).collect();
        match numbers.as_deref() {
            Ok(&[left, top, width, height]) => Ok(BoxArg(LooseBox { left, top, width, height })),
            _ => Err("a box is four numbers, such as 12,5,20,40".to_owned()),
        }
    }
}

/// The digit to look into.
struct Subject {
    photo: Photo,
    area: BoxInPhoto,
    truth: Option<u8>,
    name: String,
}

pub fn run(args: &Args) -> Result<()> {
    if let Some(photo) = &args.photo {
        keep(&args.output, &[(photo, "the photo")])?;
    }
    if let Some(data) = &args.data {
        keep_out_of(data, "the data set", &args.output)?;
    }
    let classifier = args.model.load()?;
    let architecture = classifier.architecture();
    let subject = match (&args.photo, args.area, &args.data, args.digit) {
        (Some(path), Some(BoxArg(area)), ..) => {
            let photo = open_photo(path)?;
            let area =
                area.clamp_to(photo.size()).map_err(|source| BoxesError::Given { source })?;
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
            Subject { photo, area, truth: None, name: name.into_owned() }
        }
        (_, _, Some(data), Some(number)) => {
            let FoundDigit { photo, area, truth, place } = find_digit(architecture, data, number)?
                .ok_or_else(|| {
                    WrongArgument(format!(
                        "{} has no digit {number}; they are counted from 1",
                        data.display()
                    ))
                })?;
            let name = match place {
                DigitPlace::OnPhoto { photo, .. } => format!("digit {number}, {photo}"),
                DigitPlace::Crop(_) => format!("digit {number}"),
            };
            Subject { photo, area, truth: Some(truth), name }
        }
        _ => {
            let wanted = "give a photo with --box, or --data with --digit";
            return Err(WrongArgument(wanted.to_owned()).into());
        }
    };
    let Subject { photo, area, truth, name } = subject;
    let inspection = Inspection::of(&classifier, &photo, area)?;
    let (digit, confidence) = inspection.reading.best();
    let shows = truth.map_or_else(String::new, |truth| format!("; it shows {truth}"));
    let said = format!(
        "{name}, box {},{},{},{}: read as {digit}, {:.1} %{shows}",
        area.left,
        area.top,
        area.width,
        area.height,
        100.0 * confidence
    );
    let network = format!("{architecture}: {}", architecture.input);
    let png = inspection.png(&[said.clone(), network], truth)?;
    write_whole(&args.output, &png).context(args.output.display())?;
    tell!("{said}")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_is_four_numbers() {
        let BoxArg(area) = "12, 5,20.5,-1".parse().expect("four numbers");
        assert_eq!((area.left, area.top, area.width, area.height), (12.0, 5.0, 20.5, -1.0));
        for text in ["", "1,2,3", "1,2,3,4,5", "1,2,3,x", "1,,2,3"] {
            assert!(text.parse::<BoxArg>().is_err(), "{text}");
        }
    }
}
