//! Which of the published models is loaded, and the page's description of each.

use super::protocol::{Figure, ModelInfo};
use crate::{
    classifier::Architecture,
    publication::{MANIFEST, Manifest, Measurement, ModelEntry},
};

/// Which model is to be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish<'a> {
    /// The first that this program can use.
    Any,
    /// The one of this name if it can be had, else the first that this program can use.
    Preferably(&'a str),
    /// The one of this name.
    Only(&'a str),
}

/// A model to load.
#[derive(Debug, PartialEq)]
pub(super) struct Pick<'a> {
    /// The model.
    pub(super) entry: &'a ModelEntry,
    /// Why it is not the one wished for, where it is not.
    pub(super) notice: Option<String>,
}

/// Why this program cannot use a model, in a sentence; `None` if it can. A page that was open while
/// a newer version was published may find networks that came with the newer one.
fn obstacle(entry: &ModelEntry) -> Option<String> {
    let known = Architecture::named(&entry.architecture).is_ok();
    (!known).then(|| {
        format!(
            "It needs the network {}, which this version of Doorplate does not know; reload the \
             page for a newer one.",
            entry.architecture
        )
    })
}

/// The description of a model for the page.
pub(super) fn info(entry: &ModelEntry) -> ModelInfo {
    ModelInfo {
        name: entry.name.clone(),
        architecture: entry.architecture.clone(),
        input: entry.input.clone(),
        accuracy: entry.measured.accuracy,
        measured_digits: entry.measured.measured_digits,
        measured_on: entry.measured.measured_on.clone(),
        confusion: entry.measured.confusion.clone().map(Box::new),
        also_measured: entry.also_measured.iter().map(figure).collect(),
        trained_on: entry.trained_on.clone(),
        trained_digits: entry.trained_digits,
        bytes: entry.bytes,
        sha256: entry.sha256.clone(),
        command: entry.command.clone(),
        curves: entry.curves.clone(),
        obstacle: obstacle(entry),
    }
}

/// A further measurement, without its readings.
fn figure(measurement: &Measurement) -> Figure {
    Figure {
        accuracy: measurement.accuracy,
        measured_digits: measurement.measured_digits,
        measured_on: measurement.measured_on.clone(),
    }
}

/// The model to load.
///
/// # Errors
/// A message for the user if no model can be used, or if the requested one cannot.
pub(super) fn pick<'a>(manifest: &'a Manifest, wish: Wish<'_>) -> Result<Pick<'a>, String> {
    let named = |name: &str| {
        let entry = manifest
            .entry(Some(name))
            .map_err(|_| format!("The model {name} is not published any more."))?;
        match obstacle(entry) {
            Some(reason) => Err(format!("The model {name} cannot be used. {reason}")),
            None => Ok(Pick { entry, notice: None }),
        }
    };
    let first = || {
        let usable = manifest.models.iter().find(|entry| obstacle(entry).is_none());
        usable.ok_or_else(|| match manifest.models.first() {
            Some(entry) => format!(
                "None of the models in {MANIFEST} can be used. The first is {}. {}",
                entry.name,
                obstacle(entry).unwrap_or_default()
            ),
            None => format!("{MANIFEST} has no model at all."),
        })
    };
    match wish {
        Wish::Any => Ok(Pick { entry: first()?, notice: None }),
        Wish::Only(name) => named(name),
        Wish::Preferably(name) => named(name).or_else(|reason| {
            let entry = first()?;
            Ok(Pick { entry, notice: Some(format!("{reason} {} is used instead.", entry.name)) })
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(models: &[(&str, &str)]) -> Manifest {
        let entry = |(name, architecture): &(&str, &str)| ModelEntry {
            name: (*name).into(),
            architecture: (*architecture).into(),
            input: String::new(),
            file: "a.safetensors".into(),
            sha256: String::new(),
            bytes: 7,
            trained_on: String::new(),
            trained_digits: 0,
            measured: Measurement {
                measured_on: "test photos".into(),
                measured_digits: 971,
                accuracy: 0.9,
                confusion: None,
            },
            also_measured: vec![Measurement {
                measured_on: "street photos".into(),
                measured_digits: 380,
                accuracy: 0.95,
                confusion: None,
            }],
            command: String::new(),
            card: "a.md".into(),
            curves: "a.svg".into(),
        };
        Manifest {
            format: 1,
            models: models.iter().map(entry).collect(),
            strokes: None,
            finder: None,
        }
    }

    const KNOWN: &str = "ConvNet48_Dropout3";

    #[test]
    fn the_wish_is_met_where_it_can_be() {
        let manifest = manifest(&[("a", KNOWN), ("b", KNOWN)]);
        for (wish, name) in [(Wish::Any, "a"), (Wish::Preferably("b"), "b"), (Wish::Only("b"), "b")]
        {
            let pick = pick(&manifest, wish).expect("it is there");
            assert_eq!((pick.entry.name.as_str(), pick.notice), (name, None));
        }
    }

    #[test]
    fn a_preferred_model_that_is_gone_gives_way_and_the_reason_is_told() {
        let manifest = manifest(&[("new", "Net_Of_2031"), ("a", KNOWN)]);
        let gone = pick(&manifest, Wish::Preferably("b")).expect("another");
        assert_eq!(gone.entry.name, "a");
        assert_eq!(
            gone.notice.as_deref(),
            Some("The model b is not published any more. a is used instead.")
        );
        let unknown = pick(&manifest, Wish::Preferably("new")).expect("another");
        assert_eq!(unknown.entry.name, "a");
        let notice = unknown.notice.expect("a reason");
        assert!(
            notice.contains("Net_Of_2031") && notice.ends_with("a is used instead."),
            "{notice}"
        );
        assert!(pick(&manifest, Wish::Only("b")).is_err_and(|reason| reason.contains("model b")));
        assert!(pick(&manifest, Wish::Only("new")).is_err_and(|r| r.contains("Net_Of_2031")));
    }

    #[test]
    fn models_of_unknown_networks_are_passed_over_and_listed_with_the_reason() {
        let models = manifest(&[("new", "Net_Of_2031"), ("a", KNOWN)]);
        assert_eq!(pick(&models, Wish::Any).expect("the second").entry.name, "a");
        let infos: Vec<ModelInfo> = models.models.iter().map(info).collect();
        assert!(infos[0].obstacle.as_ref().is_some_and(|reason| reason.contains("Net_Of_2031")));
        assert_eq!(infos[1].obstacle, None);
        assert_eq!((infos[1].measured_digits, infos[1].bytes), (971, 7));
        let further = infos[1].also_measured.iter().map(|it| (it.accuracy, it.measured_digits));
        assert_eq!(further.collect::<Vec<_>>(), [(0.95, 380)]);

        let none = manifest(&[("new", "Net_Of_2031")]);
        assert!(pick(&none, Wish::Any).is_err_and(|reason| reason.contains("Net_Of_2031")));
        assert!(pick(&none, Wish::Preferably("a")).is_err());
        assert!(pick(&manifest(&[]), Wish::Any).is_err_and(|reason| reason.contains("no model")));
    }
}
