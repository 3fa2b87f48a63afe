//! The page. It shows a photo, lets boxes be edited, and asks the engine in its worker; it holds
//! no engine code.
//!
//! # The order of its files
//! A file uses only files of its own level or below, and no two use each other, not even through
//! others; `tests/layers.rs` checks this.
//!
//! 1. *Plain data and plain functions*, tested without a browser: [`comparison`], [`dialogue`],
//!    [`editor`], [`erasing`], [`fetched`], [`house_number`], [`pieces`], [`questions`],
//!    [`second_look`], and in [`models`], [`inside`] and [`photos`] what is public there. They
//!    decide what is asked of the engine, what shows, and what a gesture does.
//! 2. *Helpers*, which know the browser but not the page: `browser`, `engine` (messages to
//!    and from the worker), `focus`, `icons`, `kept`, `lean`, `modal`, `progress`, `theme`, and `given`, `named`,
//!    `store` and `zip` of the photos.
//! 3. *State*: `state` has a file for each subject, with signals that all code may read and only the
//!    file's methods change; `page` puts them together.
//! 4. *Actions*: what changes several subjects, such as opening a photo or an answer of the engine.
//! 5. *Parts*: the components, one part of the page each, which show the state and call actions.
//! 6. *The shell*, which puts the parts together and starts the page.
//!
//! # For tests in a browser
//! Elements carry `data-testid`:
//!
//! | test id | what | more attributes |
//! |---|---|---|
//! | `file-input` | the file input | |
//! | `sample` | a sample picture's button, while no photo is open | |
//! | `stage` | where boxes are drawn | |
//! | `stage` with Shift held | a drag always draws, even where it begins inside the selected box | |
//! | `box` | a box on the stage | `data-box-id`, `data-digit` and `data-confidence` (0 to 1) once read, `data-remove` |
//! | `box-reading` | the digit, with `?` where it is unsure, and the confidence in a box's label | |
//! | `grown` | how far beyond its box a digit is removed, where that is beyond it | |
//! | `checked` | what the second look at the removal came to; empty until then | |
//! | `warning` | what is wrong with the removal in a box, below the list | |
//! | `widen` | its button that makes the box larger | |
//! | `digit-place` | where a digit lies in a box round several | |
//! | `growth` | the slider of how far that is, in percent of a box's height | |
//! | `box-remove` | the switch in a box's label; hidden on narrow boxes unless selected | `aria-checked` |
//! | `house-number` | all house numbers in reading order | `data-number`, a space between two, with `?` for what is not read yet |
//! | `number` | the heading of a house number in the list | `data-number` |
//! | `number-remove` | its switch | `aria-checked` |
//! | `compare` | shows the original while it is held | `aria-pressed` |
//! | `before-after` | switches the divider on and off | `aria-pressed` |
//! | `divider` | the slider between before and after | `aria-valuenow`, 0 to 100 |
//! | `side-by-side` | switches the original beside the result on and off | `aria-pressed` |
//! | `original-beside` | that original | |
//! | `brush` | switches the brush on and off | `aria-pressed` |
//! | `brush-bar` | the brush's bar, while it is up, with `brush-adds`, `brush-takes`, `brush-width` and `brush-done` | |
//! | `filled` | what is filled, tinted, while the brush is up | |
//! | `changed` | the share of the photo's pixels that changed | |
//! | `strip` | the film strip, where there are several photos | |
//! | `photo` | a photo in it | `data-name`, `data-photo-id`, `data-state` (`untouched`, `unfinished`, `done`, `failed`), `aria-current` |
//! | `save-all`, `cancel-saving`, `save-format`, `save-quality`, `save-metadata` | how and how many photos are saved | |
//! | `more`, `export`, `forget` | box files and kept work, on demand | |
//! | `restored`, `discard` | the last work is back, and away again | |
//! | `camera-input` | the input of the camera | |
//! | `find`, `finds-unasked` | finds the digits; whether that is done unasked in new photos | |
//! | `suggestion`, `seen` | what may be a digit; what was seen so far of a photo | |
//! | `suggested`, `take-all`, `dismiss-all` | how many suggestions there are, and what becomes of all | |
//! | `undo`, `redo`, `save`, `theme` | buttons | `disabled` while there is nothing to do |
//! | `engine-status` | which engine runs | |
//! | `progress` | the progress bar while the engine loads | `value`, `max` |
//! | `choose-model` | opens the list of models | |
//! | `models` | the dialog with that list and what is below | `open` |
//! | `help` | the dialog that lists the keys | `open` |
//! | `model` | a model's button in the list | `data-model` is its name; `aria-current` on the one in use, `aria-disabled` where it cannot be used |
//! | `tick` | has a model looked at more closely | `data-model` |
//! | `compared-boxes` | the table of what two or more of these read in the boxes | |
//! | `compared-box` | a box in it | `data-disagree`; its cells have `data-model`, and `data-digit` and `data-confidence` once read |
//! | `compared-state` | how far a model is there | `data-model`, `data-state` (`waiting`, `loading`, `read`, `failed`) |
//! | `disagreement` | on how many boxes they disagree | |
//! | `chart` | a chart | `data-name` (`Precision`, `Recall`, `Confusion of <model>`) |
//! | `said` | what the chart says of the place that is pointed at | |
//! | `closer` | a model's figures, matrix, curves and card | `data-model` |
//! | `card` | what else it was published with | `open` |
//! | `model-progress` | the progress bar while another model loads | `value`, `max` |
//! | `model-failure` | why the model chosen last is not in use | |
//! | `retry` | "Try again" after a failed start | |
//! | `inspect` | opens the inspector on the selected box | |
//! | `inside` | the inspector | `open`; `data-area`, `data-method` and `data-digit` (of the gradient) once it shows an answer |
//! | `picture` | a picture in it | `data-name`; its `canvas` has a pixel a value |
//! | `parameter` | a slider in it | `data-name` |
//! | `timing` | how long the last answers took | `data-read-milliseconds` of the last reading |
//! | `message` | a one-line message | |
//! | `update`, `reload` | the line about a new version, and its button | |
//! | `stays` | opens the list of what was fetched | |
//! | `fetches` | the dialog with that list | `open` |
//! | `fetches-total`, `fetches-policy`, `fetch` | its sum, what the content policy says, and a file each | |
//!
//! The root element carries `data-engine` (`starting`, `ready`, `failed`) and `data-busy`
//! (`true` while a photo or another model is being loaded or an answer is missing). `?engine=cpu`, `?engine=webgpu`
//! and `?engine=auto` in the page's address choose the device.

pub mod comparison;
pub mod dialogue;
pub mod editor;
pub mod erasing;
pub mod fetched;
pub mod house_number;
pub mod inside;
pub mod models;
pub mod photos;
pub mod pieces;
pub mod questions;
pub mod second_look;

cfg_if::cfg_if! {
    if #[cfg(feature = "app")] {
        mod actions;
        mod bars;
        mod beside;
        mod box_on_stage;
        mod browser;
        mod brush;
        mod canvas;
        mod changed;
        mod divider;
        mod empty;
        mod engine;
        mod fetch_list;
        mod focus;
        mod help;
        mod icons;
        mod kept;
        mod keys;
        mod later;
        mod layout;
        mod lean;
        mod marks;
        mod messages;
        mod modal;
        mod offline;
        mod page;
        mod panel;
        mod progress;
        mod reading;
        mod samples;
        mod shell;
        mod stage;
        mod state;
        mod suggestions;
        mod theme;

        pub use shell::start;
    }
}
