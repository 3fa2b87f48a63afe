//! The method by which digits are removed.

use clap::Args;

use super::WrongArgument;
use crate::removal::{KeyPixels, Method, ReportOptions, Sigma};

/// The options of every command that removes digits.
#[derive(Debug, Args)]
#[command(next_help_heading = "Removal method")]
pub struct MethodArgs {
    /// doorplate fills the strokes that StrokeNet finds; whole-boxes fills whole boxes, without
    /// StrokeNet. The report's methods are feature-maps, gradient-near-average, gradient-value and
    /// grid, named after their choice of key pixels; the options below are theirs.
    #[arg(long, value_name = "NAME", default_value_t)]
    method: Method,
    /// Number of bins of the feature maps' histogram [default: 35].
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..))]
    bins: Option<u16>,
    /// Distance of the grid's rows and columns, in pixels [default: 3].
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u16).range(1..))]
    spacing: Option<u16>,
    /// Percentage of the pixels that become key pixels: those that the gradient methods rank as
    /// most likely background [default: 8].
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    percentile: Option<f32>,
    /// The light/dark filter drops key pixels that are darker, or lighter, than the median by more
    /// than this number of standard deviations [default: 0.2; for grid 0.1].
    #[arg(long, value_name = "FACTOR", value_parser = factor)]
    filter: Option<f32>,
    /// Width of the GRNN's Gaussians in pixels, at least 1 [default: 1.8].
    #[arg(long, value_name = "PIXELS", value_parser = sigma)]
    sigma: Option<f64>,
    /// Give each node its own width, by its distance to the nearest other node.
    #[arg(long, conflicts_with = "sigma")]
    adaptive_sigma: bool,
}

/// A number in a range, or an error that says which range.
fn number<T: std::str::FromStr>(
    text: &str,
    fits: impl Fn(&T) -> bool,
    wanted: &str,
) -> Result<T, String> {
    text.parse().ok().filter(fits).ok_or_else(|| format!("give {wanted}"))
}

fn percent(text: &str) -> Result<f32, String> {
    number(text, |value| (0.0..=100.0).contains(value), "a number from 0 to 100")
}

fn factor(text: &str) -> Result<f32, String> {
    number(text, |value: &f32| *value >= 0.0 && value.is_finite(), "a number that is 0 or more")
}

fn sigma(text: &str) -> Result<f64, String> {
    number(text, |value| (1.0..=1_000.0).contains(value), "a number from 1 to 1000")
}

impl MethodArgs {
    /// The method with its parameters.
    pub fn method(&self) -> Result<Method, WrongArgument> {
        let reported = match self.method {
            Method::Report(options) => Some(options),
            Method::Doorplate(_) | Method::WholeBoxes(_) => None,
        };
        let by =
            |ways: &[KeyPixels]| reported.is_some_and(|options| ways.contains(&options.key_pixels));
        let gradients = by(&[KeyPixels::GradientNearAverage, KeyPixels::GradientValue]);
        let given = [
            ("--bins", self.bins.is_some(), by(&[KeyPixels::FeatureMaps]), "feature-maps"),
            ("--spacing", self.spacing.is_some(), reported.is_some(), "the report's methods"),
            (
                "--percentile",
                self.percentile.is_some(),
                gradients,
                "gradient-near-average and gradient-value",
            ),
            (
                "--filter",
                self.filter.is_some(),
                gradients || by(&[KeyPixels::Grid]),
                "gradient-near-average, gradient-value and grid",
            ),
            ("--sigma", self.sigma.is_some(), reported.is_some(), "the report's methods"),
            ("--adaptive-sigma", self.adaptive_sigma, reported.is_some(), "the report's methods"),
        ];
        for (option, given, fits, whose) in given {
            if given && !fits {
                let method = &self.method;
                return Err(WrongArgument(format!(
                    "{option} is a parameter of {whose}; --method {method} does not have it"
                )));
            }
        }
        let Some(defaults) = reported else { return Ok(self.method.clone()) };
        Ok(Method::Report(ReportOptions {
            bins: self.bins.map_or(defaults.bins, usize::from),
            spacing: self.spacing.map_or(defaults.spacing, usize::from),
            percentile: self.percentile.unwrap_or(defaults.percentile),
            filter: self.filter.unwrap_or(defaults.filter),
            sigma: match self.sigma {
                _ if self.adaptive_sigma => Sigma::Adaptive,
                Some(sigma) => Sigma::Fixed(sigma),
                None => defaults.sigma,
            },
            ..defaults
        }))
    }
}
