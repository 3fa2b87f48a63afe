//! The engine's state and its answers.

use burn::tensor::Device;
use web_time::Instant;

use super::{
    devices::{cpu_info, open_gpu, patiently, prove},
    fetching,
    protocol::{
        Answer, Ask, DeviceChoice, DeviceInfo, EngineInfo, Failure, FailureKind, Patch, Progress,
    },
};
use crate::{
    classifier::{Classifier, EngineError},
    photo::{BoxInPhoto, Photo},
    removal::{Fill, RemovalOptions, remove_digits},
};

/// What the worker holds between requests.
#[derive(Default)]
pub(super) struct Engine {
    started: Option<Started>,
    photo: Option<Photo>,
}

/// A loaded model on its devices.
struct Started {
    cpu: Classifier,
    /// Gone once it has failed.
    gpu: Option<(Classifier, DeviceInfo)>,
}

/// Sends an answer before the last one.
type Reply<'a> = &'a dyn Fn(Answer);

fn failed(kind: FailureKind, message: impl Into<String>) -> Answer {
    Answer::Failed(Failure { kind, message: message.into() })
}

impl Engine {
    /// Answers one request; `reply` takes what comes before the answer itself.
    pub(super) async fn answer(&mut self, ask: Ask, reply: Reply<'_>) -> Answer {
        match ask {
            Ask::Start { models_url, model, device } => {
                match start(&models_url, model.as_deref(), device, reply).await {
                    Ok((started, info)) => {
                        self.started = Some(started);
                        Answer::Started(info)
                    }
                    Err(message) => failed(FailureKind::Model, message),
                }
            }
            Ask::Open { file } => match Photo::decode(&file) {
                Ok(photo) => {
                    let size = photo.size();
                    self.photo = Some(photo);
                    Answer::Opened { size }
                }
                Err(error) => failed(FailureKind::Photo, capitalised(&error.to_string())),
            },
            Ask::Preview => match &self.photo {
                Some(photo) => Answer::Preview { size: photo.size(), rgba: photo.to_rgba8() },
                None => no_photo(),
            },
            Ask::Read { boxes } => self.read(&boxes, reply).await,
            Ask::Erase { boxes } => self.erase(&boxes, reply).await,
            Ask::Save { boxes } => self.save(&boxes, reply).await,
        }
    }

    fn ready(&mut self, boxes: &[BoxInPhoto]) -> Result<(&mut Started, &Photo), Answer> {
        let (Some(started), Some(photo)) = (&mut self.started, &self.photo) else {
            return Err(if self.photo.is_none() {
                no_photo()
            } else {
                failed(FailureKind::Request, "The engine has not started yet.")
            });
        };
        let size = photo.size();
        match boxes.iter().find(|b| b.right() > size.width || b.bottom() > size.height) {
            Some(_) => Err(failed(FailureKind::Request, "A box lies outside the open photo.")),
            None => Ok((started, photo)),
        }
    }

    async fn read(&mut self, boxes: &[BoxInPhoto], reply: Reply<'_>) -> Answer {
        let begun = Instant::now();
        let (started, photo) = match self.ready(boxes) {
            Ok(ready) => ready,
            Err(answer) => return answer,
        };
        let result =
            started.compute(reply, async |classifier| classifier.read(photo, boxes).await).await;
        match result {
            Ok((readings, device)) => {
                Answer::Readings { readings, milliseconds: since(begun), device }
            }
            Err(error) => failed(FailureKind::Engine, capitalised(&error.to_string())),
        }
    }

    /// Fills all boxes and says which device did.
    async fn fill(
        &mut self,
        boxes: &[BoxInPhoto],
        reply: Reply<'_>,
    ) -> Result<(Vec<Fill>, DeviceInfo), Answer> {
        let (started, photo) = self.ready(boxes)?;
        let options = RemovalOptions::default();
        started
            .compute(reply, async |classifier| {
                remove_digits(photo, boxes, classifier, &options).await
            })
            .await
            .map_err(|error| failed(FailureKind::Engine, capitalised(&error.to_string())))
    }

    async fn erase(&mut self, boxes: &[BoxInPhoto], reply: Reply<'_>) -> Answer {
        let begun = Instant::now();
        match (self.fill(boxes, reply).await, &self.photo) {
            (Ok((fills, device)), Some(photo)) => Answer::Erased {
                patches: fills
                    .iter()
                    .map(|fill| Patch { area: fill.area, rgba: fill.rgba8(photo) })
                    .collect(),
                milliseconds: since(begun),
                device,
            },
            (Err(answer), _) => answer,
            (Ok(_), None) => no_photo(),
        }
    }

    async fn save(&mut self, boxes: &[BoxInPhoto], reply: Reply<'_>) -> Answer {
        match (self.fill(boxes, reply).await, &self.photo) {
            (Ok((fills, _)), Some(photo)) => {
                let mut result = photo.clone();
                for fill in &fills {
                    fill.lay_on(&mut result);
                }
                match result.to_png() {
                    Ok(png) => Answer::Saved { png },
                    Err(error) => failed(FailureKind::Photo, capitalised(&error.to_string())),
                }
            }
            (Err(answer), _) => answer,
            (Ok(_), None) => no_photo(),
        }
    }
}

impl Started {
    /// Runs `work` on the GPU; when it fails there, gives the GPU up, says so, and runs it on the
    /// CPU.
    async fn compute<T>(
        &mut self,
        reply: Reply<'_>,
        work: impl AsyncFn(&Classifier) -> Result<T, EngineError>,
    ) -> Result<(T, DeviceInfo), EngineError> {
        if let Some((gpu, info)) = &self.gpu {
            match patiently(work(gpu)).await {
                Ok(value) => return Ok((value, info.clone())),
                Err(error) => {
                    // The driver's whole chain of causes is for the console, not for a line.
                    web_sys::console::warn_1(&error.0.as_str().into());
                    let reason = error.0.lines().next().unwrap_or_default();
                    reply(Answer::Notice(format!(
                        "The GPU ({}) stopped working ({reason}); the CPU has taken over.",
                        info.name
                    )));
                    self.gpu = None;
                }
            }
        }
        Ok((work(&self.cpu).await?, cpu_info()))
    }
}

/// Fetches, loads, chooses a device, proves it.
async fn start(
    models_url: &str,
    model: Option<&str>,
    choice: DeviceChoice,
    reply: Reply<'_>,
) -> Result<(Started, EngineInfo), String> {
    reply(Answer::Progress(Progress::Manifest));
    let manifest = fetching::manifest(models_url)
        .await
        .map_err(|error| format!("The list of models cannot be used: {error}."))?;
    let entry = manifest.entry(model).map_err(|error| capitalised(&error.to_string()))?;
    let total = entry.bytes;
    reply(Answer::Progress(Progress::Weights { received: 0, total }));
    let (weights, weights_from_cache) = fetching::weights(models_url, entry, &mut |received| {
        reply(Answer::Progress(Progress::Weights { received, total }));
    })
    .await
    .map_err(|error| capitalised(&error))?;
    let load = |device: &Device| {
        let classifier = entry.classifier(weights.clone(), device);
        classifier.map_err(|error| capitalised(&error.to_string()))
    };
    let cpu = load(&Device::flex())?;
    reply(Answer::Progress(Progress::Proving));
    let gpu = match choice {
        DeviceChoice::Cpu => None,
        DeviceChoice::Auto | DeviceChoice::WebGpu => proven_gpu(&cpu, &load, choice, reply).await,
    };
    let info = EngineInfo {
        device: gpu.as_ref().map_or_else(cpu_info, |(_, info)| info.clone()),
        model: entry.name.clone(),
        architecture: entry.architecture.clone(),
        accuracy: Some((entry.accuracy, entry.measured_digits)),
        models: manifest.models.iter().map(|model| model.name.clone()).collect(),
        weights_from_cache,
    };
    Ok((Started { cpu, gpu }, info))
}

/// The GPU, if there is one, its answers are right and, unless it was asked for, it is the
/// faster one; says why not otherwise.
async fn proven_gpu(
    cpu: &Classifier,
    load: &dyn Fn(&Device) -> Result<Classifier, String>,
    choice: DeviceChoice,
    reply: Reply<'_>,
) -> Option<(Classifier, DeviceInfo)> {
    let notice = |text: String| reply(Answer::Notice(text));
    let (device, info) = match open_gpu().await {
        Ok(Some(found)) => found,
        Ok(None) => {
            notice("This browser offers no WebGPU; the CPU does the work.".to_owned());
            return None;
        }
        Err(error) => {
            notice(format!("WebGPU could not be started ({}); the CPU does the work.", error.0));
            return None;
        }
    };
    let gpu = match load(&device) {
        Ok(gpu) => gpu,
        Err(message) => {
            notice(format!("The GPU ({}) could not be used: {message}", info.name));
            return None;
        }
    };
    match prove(cpu, &gpu).await {
        Ok(proof) if choice == DeviceChoice::Auto && proof.speedup < 1.0 => {
            notice(format!(
                "The CPU does the work: it is {:.1} times as fast as the GPU ({}) here.",
                1.0 / proof.speedup,
                info.name
            ));
            None
        }
        Ok(_) => Some((gpu, info)),
        Err(error) => {
            notice(format!(
                "The GPU ({}) failed its test ({}); the CPU does the work.",
                info.name, error.0
            ));
            None
        }
    }
}

fn no_photo() -> Answer {
    failed(FailureKind::Request, "No photo is open.")
}

fn since(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1e3
}

/// An error's text as a sentence.
fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}
