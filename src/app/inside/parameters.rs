//! The parameters of the removal methods, as sliders show them: plain data.

use crate::removal::{KeyPixels, Method, Sigma};

/// A number that a method depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Parameter {
    /// Pixels by which found strokes are grown.
    Grow,
    /// How much of the surroundings' grain is added.
    Grain,
    /// Pixels round the boxes that take part.
    Context,
    /// How far quiet pixels may differ from the surroundings.
    Tolerance,
    /// Bins of the feature maps' histogram.
    Bins,
    /// Pixels from one lattice row or column to the next.
    Spacing,
    /// Width of the Gaussians.
    Sigma,
    /// Share of pixels that are quiet by their gradients.
    Percentile,
    /// Range of the light/dark filter.
    Filter,
    /// Rounds of fold-in.
    Rounds,
}

/// Where a slider begins and ends, and its step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The lowest value.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// From one value to the next.
    pub step: f64,
}

impl Parameter {
    /// The parameters that a method depends on.
    pub fn of(method: &Method) -> &'static [Parameter] {
        use Parameter::{
            Bins, Context, Filter, Grain, Grow, Percentile, Rounds, Sigma, Spacing, Tolerance,
        };
        match method {
            Method::Doorplate(_) => &[Grow, Grain, Context],
            Method::WholeBoxes(_) => &[Bins, Spacing, Sigma, Context, Tolerance],
            Method::Report(options) => match options.key_pixels {
                KeyPixels::FeatureMaps => &[Bins, Spacing, Sigma, Rounds],
                KeyPixels::GradientNearAverage | KeyPixels::GradientValue => {
                    &[Percentile, Filter, Spacing, Sigma, Rounds]
                }
                KeyPixels::Grid => &[Filter, Spacing, Sigma, Rounds],
            },
        }
    }

    /// What it is called, with its unit.
    pub fn label(self) -> &'static str {
        match self {
            Parameter::Grow => "Grow strokes, px",
            Parameter::Grain => "Grain",
            Parameter::Context => "Context, px",
            Parameter::Tolerance => "Tolerance, deviations",
            Parameter::Bins => "Bins",
            Parameter::Spacing => "Spacing, px",
            Parameter::Sigma => "Sigma, px",
            Parameter::Percentile => "Percentile, %",
            Parameter::Filter => "Light/dark filter, deviations",
            Parameter::Rounds => "Rounds at most",
        }
    }

    /// Its range.
    pub fn range(self) -> Range {
        let (min, max, step) = match self {
            Parameter::Grow => (-3.0, 6.0, 1.0),
            Parameter::Grain => (0.0, 1.0, 0.1),
            Parameter::Context => (3.0, 30.0, 1.0),
            Parameter::Tolerance => (0.5, 6.0, 0.25),
            Parameter::Bins => (2.0, 80.0, 1.0),
            Parameter::Spacing => (2.0, 10.0, 1.0),
            Parameter::Sigma => (1.0, 6.0, 0.1),
            Parameter::Percentile => (1.0, 60.0, 1.0),
            Parameter::Filter => (0.0, 2.0, 0.05),
            Parameter::Rounds => (0.0, 40.0, 1.0),
        };
        Range { min, max, step }
    }

    /// Its value in a method; none where the method has no such number, as with adaptive widths.
    pub fn get(self, method: &Method) -> Option<f64> {
        match method {
            Method::Doorplate(options) | Method::WholeBoxes(options) => match self {
                Parameter::Grow => Some(f64::from(options.grow)),
                Parameter::Grain => Some(f64::from(options.grain)),
                Parameter::Context => Some(f64::from(options.context)),
                Parameter::Tolerance => Some(f64::from(options.tolerance)),
                Parameter::Bins => Some(options.bins as f64),
                Parameter::Spacing => Some(options.spacing as f64),
                Parameter::Sigma => Some(options.sigma),
                Parameter::Percentile | Parameter::Filter | Parameter::Rounds => None,
            },
            Method::Report(options) => match self {
                Parameter::Bins => Some(options.bins as f64),
                Parameter::Spacing => Some(options.spacing as f64),
                Parameter::Sigma => match options.sigma {
                    Sigma::Fixed(sigma) => Some(sigma),
                    Sigma::Adaptive => None,
                },
                Parameter::Percentile => Some(f64::from(options.percentile)),
                Parameter::Filter => Some(f64::from(options.filter)),
                Parameter::Rounds => Some(options.rounds as f64),
                Parameter::Grow | Parameter::Grain | Parameter::Context | Parameter::Tolerance => {
                    None
                }
            },
        }
    }

    /// Sets it, within its range; does nothing where the method has no such number.
    pub fn set(self, method: &mut Method, value: f64) {
        let Range { min, max, .. } = self.range();
        if !value.is_finite() || self.get(method).is_none() {
            return;
        }
        let value = value.clamp(min, max);
        let whole = value.round();
        match method {
            Method::Doorplate(options) | Method::WholeBoxes(options) => match self {
                Parameter::Grow => options.grow = whole as i8,
                Parameter::Grain => options.grain = value as f32,
                Parameter::Context => options.context = whole as u32,
                Parameter::Tolerance => options.tolerance = value as f32,
                Parameter::Bins => options.bins = whole as usize,
                Parameter::Spacing => options.spacing = whole as usize,
                Parameter::Sigma => options.sigma = value,
                Parameter::Percentile | Parameter::Filter | Parameter::Rounds => {}
            },
            Method::Report(options) => match self {
                Parameter::Bins => options.bins = whole as usize,
                Parameter::Spacing => options.spacing = whole as usize,
                Parameter::Sigma => options.sigma = Sigma::Fixed(value),
                Parameter::Percentile => options.percentile = value as f32,
                Parameter::Filter => options.filter = value as f32,
                Parameter::Rounds => options.rounds = whole as usize,
                Parameter::Grow | Parameter::Grain | Parameter::Context | Parameter::Tolerance => {}
            },
        }
    }
}

/// Whether a method's Gaussians are as wide as their nodes lie apart; none where that is no choice.
pub fn adaptive(method: &Method) -> Option<bool> {
    match method {
        Method::Report(options) => Some(options.sigma == Sigma::Adaptive),
        Method::Doorplate(_) | Method::WholeBoxes(_) => None,
    }
}

/// Makes them so, or as wide as the report's.
pub fn set_adaptive(method: &mut Method, adaptive: bool) {
    if let Method::Report(options) = method {
        let fixed = crate::removal::ReportOptions::by(options.key_pixels).sigma;
        options.sigma = if adaptive { Sigma::Adaptive } else { fixed };
    }
}

/// A method for people.
pub fn title(method: &Method) -> &'static str {
    match method {
        Method::Doorplate(_) => "Strokes alone (Doorplate)",
        Method::WholeBoxes(_) => "Whole boxes",
        Method::Report(options) => match options.key_pixels {
            KeyPixels::FeatureMaps => "Report: feature maps",
            KeyPixels::GradientNearAverage => "Report: gradient near average",
            KeyPixels::GradientValue => "Report: gradient value",
            KeyPixels::Grid => "Report: grid",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_of_a_method_is_set_and_got_within_its_range() {
        for mut method in Method::all() {
            for &parameter in Parameter::of(&method) {
                let Range { min, max, step } = parameter.range();
                let default = parameter.get(&method).expect("a parameter of the method");
                assert!((min..=max).contains(&default), "{method}: {parameter:?}");
                for (given, kept) in
                    [(min, min), (max + 7.0, max), (min - 7.0, min), (min + step, min + step)]
                {
                    parameter.set(&mut method, given);
                    let got = parameter.get(&method).expect("still there");
                    assert!((got - kept).abs() < 1e-6, "{method}: {parameter:?} {given}: {got}");
                }
                parameter.set(&mut method, f64::NAN);
                assert!(parameter.get(&method).is_some_and(f64::is_finite));
            }
        }
    }

    #[test]
    fn what_a_method_lacks_is_neither_got_nor_set() {
        let mut method = Method::default();
        Parameter::Rounds.set(&mut method, 3.0);
        assert_eq!((method.clone(), Parameter::Rounds.get(&method)), (Method::default(), None));
        let mut grid: Method = "grid".parse().expect("a method");
        assert_eq!(adaptive(&grid), Some(false));
        set_adaptive(&mut grid, true);
        assert_eq!((adaptive(&grid), Parameter::Sigma.get(&grid)), (Some(true), None));
        Parameter::Sigma.set(&mut grid, 3.0);
        assert_eq!(adaptive(&grid), Some(true));
        set_adaptive(&mut grid, false);
        assert_eq!(Parameter::Sigma.get(&grid), Some(1.8));
        assert_eq!(adaptive(&Method::default()), None);
    }
}
