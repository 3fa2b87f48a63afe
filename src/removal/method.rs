//! The ways to take digits out, behind one function.

use std::{fmt, str::FromStr};

use super::{
    Fill, KeyPixels, Nets, RemovalOptions, ReportOptions, remove_as_reported, remove_digits,
};
use crate::{
    classifier::EngineError,
    photo::{BoxInPhoto, Photo},
};

/// A way to take digits out of a photo, with its parameters.
#[derive(Clone, Debug, PartialEq)]
pub enum Method {
    /// [`remove_digits`].
    Doorplate(RemovalOptions),
    /// The same without the network that finds strokes.
    WholeBoxes(RemovalOptions),
    /// [`remove_as_reported`].
    Report(ReportOptions),
}

/// The names of [`Method::Doorplate`] and [`Method::WholeBoxes`].
const DOORPLATE: &str = "doorplate";
const WHOLE_BOXES: &str = "whole-boxes";

impl Method {
    /// Every method with its default parameters, Doorplate's own first.
    pub fn all() -> Vec<Self> {
        let reported = KeyPixels::ALL.iter().map(|way| Method::Report(ReportOptions::by(*way)));
        let own = [Method::default(), Method::WholeBoxes(RemovalOptions::default())];
        own.into_iter().chain(reported).collect()
    }

    /// The name by which [`FromStr`] knows it.
    pub fn name(&self) -> &'static str {
        match self {
            Method::Doorplate(_) => DOORPLATE,
            Method::WholeBoxes(_) => WHOLE_BOXES,
            Method::Report(options) => options.key_pixels.name(),
        }
    }
}

impl Default for Method {
    fn default() -> Self {
        Method::Doorplate(RemovalOptions::default())
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// There is no method of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no method is called {name:?}; there are {}", names())]
pub struct UnknownMethod {
    /// The name that was asked for.
    pub name: String,
}

fn names() -> String {
    let names: Vec<&str> = Method::all().iter().map(Method::name).collect();
    names.join(", ")
}

impl FromStr for Method {
    type Err = UnknownMethod;

    fn from_str(name: &str) -> Result<Self, UnknownMethod> {
        let found = Method::all().into_iter().find(|method| method.name() == name);
        found.ok_or_else(|| UnknownMethod { name: name.to_owned() })
    }
}

/// Fills all `boxes` of a photo by one method. The fills are meant to be laid over the photo in
/// their order.
///
/// # Errors
/// [`EngineError`] when the device fails.
pub async fn remove(
    photo: &Photo,
    boxes: &[BoxInPhoto],
    method: &Method,
    nets: &Nets,
) -> Result<Vec<Fill>, EngineError> {
    match method {
        Method::Doorplate(options) => remove_digits(photo, boxes, nets, options).await,
        Method::WholeBoxes(options) => {
            let nets = Nets { strokes: None, ..nets.clone() };
            remove_digits(photo, boxes, &nets, options).await
        }
        Method::Report(options) => {
            remove_as_reported(photo, boxes, &nets.classifier, options, |_| {}).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_is_found_by_its_name_and_no_other() {
        let names: Vec<&str> = Method::all().iter().map(Method::name).collect();
        assert_eq!(
            names,
            [
                "doorplate",
                "whole-boxes",
                "feature-maps",
                "gradient-near-average",
                "gradient-value",
                "grid"
            ]
        );
        for method in Method::all() {
            assert_eq!(method.to_string().parse(), Ok(method));
        }
        let error = "Grid".parse::<Method>().expect_err("names are in small letters");
        assert!(error.to_string().ends_with("gradient-value, grid"), "{error}");
    }
}
