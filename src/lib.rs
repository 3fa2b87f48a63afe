//! Doorplate reads the house numbers in a street photo and removes them, in the browser; the photo
//! never leaves the machine. A native program of the same crate does the same for many photos,
//! trains the networks and publishes the weights that the page fetches.
//!
//! A photo takes one path: bytes → [`photo::Photo`] → boxes → crops → [`classifier::Classifier`] →
//! readings, and → key pixels → [`removal::Grnn`] → patches → [`photo::Photo`]. Each step is a
//! plain function or a small struct.
//!
//! | room | what it is for | where it runs |
//! |---|---|---|
//! | [`photo`] | a decoded photo, boxes, crops, resampling, copying patches back | everywhere; pixels with `codecs` |
//! | [`numbers`] | which boxes make a house number, and in which order | everywhere |
//! | [`boxes`] | other tools' files of boxes, read and written | everywhere with `boxes` |
//! | [`dataset`] | SVHN's formats, fetching, statistics, sheets, splits | native |
//! | [`synthetic`] | drawn photos of house numbers, and numbers drawn on photos | native |
//! | [`classifier`] | the networks, their input, readings, feature maps | `engine` |
//! | [`unet`] | the small network that finds strokes and digits | `engine` |
//! | [`finder`] | finds digits in whole photos | `engine` |
//! | [`strokes`] | the network that finds a digit's strokes | `engine` |
//! | [`removal`] | key pixels, the GRNN, fold-in, the fill | parameters everywhere, the rest with `engine` |
//! | [`onnx`] | networks as ONNX files | native |
//! | [`publication`] | the manifest, weights by hash, publishing, loading | `engine` |
//! | [`training`] | runs, checkpoints, the files a run leaves | native |
//! | [`fault`] | whose fault an error is | everywhere |
//! | [`evaluation`] | confusion, precision, recall, F1, reports | everywhere |
//! | [`cli`] | one file for each command | native |
//! | [`worker`] | the engine behind typed messages | protocol everywhere, engine with `worker` |
//! | [`app`] | the page | editor state everywhere, components with `app` |

pub mod app;
#[cfg(feature = "boxes")]
pub mod boxes;
pub mod classifier;
#[cfg(feature = "native")]
pub mod cli;
#[cfg(feature = "dataset")]
pub mod dataset;
#[cfg(feature = "dataset")]
mod drawing;
pub mod evaluation;
pub mod fault;
#[cfg(feature = "dataset")]
mod files;
#[cfg(feature = "engine")]
pub mod finder;
pub mod numbers;
#[cfg(feature = "native")]
pub mod onnx;
pub mod photo;
#[cfg(feature = "engine")]
pub mod publication;
pub mod removal;
#[cfg(feature = "engine")]
pub mod strokes;
#[cfg(feature = "dataset")]
pub mod synthetic;
#[cfg(feature = "native")]
pub mod training;
#[cfg(feature = "engine")]
pub mod unet;
pub mod worker;
