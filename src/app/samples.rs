//! The sample pictures.

use serde::Deserialize;

use super::browser::fetch_blob;
use super::page::Page;
use super::photos::adding::add_all;
use super::photos::given::Given;
use super::state::messages::Tone;

/// The folder of the sample pictures, relative to the page.
const SAMPLES: &str = "samples/";

/// A sample picture as `samples/index.json` lists it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Sample {
    /// Its file in the folder.
    pub file: String,
    /// What it shows.
    pub title: String,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

impl Sample {
    /// Its URL, relative to the page.
    pub fn url(&self) -> String {
        format!("{SAMPLES}{}", self.file)
    }
}

/// The sample pictures; none when the list is not there or cannot be read, as the page is whole
/// without them.
pub async fn fetch_samples() -> Vec<Sample> {
    let Ok(response) = gloo::net::http::Request::get(&format!("{SAMPLES}index.json")).send().await
    else {
        return Vec::new();
    };
    if !response.ok() {
        return Vec::new();
    }
    let list = response.binary().await.unwrap_or_default();
    serde_json::from_slice(&list).unwrap_or_default()
}

/// Opens a sample picture.
pub fn open_sample(page: Page, sample: Sample) {
    page.read_chosen(|ticket| async move {
        match fetch_blob(&sample.url()).await {
            Ok(file) => add_all(page, ticket, vec![Given { name: sample.file, file }], &[]).await,
            Err(reason) => page
                .messages
                .show(Tone::Error, format!("Could not load {}: {reason}. Try again.", sample.file)),
        }
    });
}
