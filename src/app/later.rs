//! Parts of the page whose code is fetched when they are first needed.
//!
//! A function marked `wasm_split` gives such a part. The build (`pkg-config/bindgen.sh`) cuts what
//! only it reaches out of the page's wasm, into `dist/parts/`, and calling it fetches that file the
//! first time. A part that cannot be fetched is asked for again the next time.

use std::{future::Future, pin::Pin};

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_split_helpers::SplitLoaderError;

use super::page::Page;
use super::state::dialogs::Dialog;
use super::state::messages::Tone;

/// A part of the page, once its code is there.
pub type View = fn(Page) -> AnyView;

/// A part that is being fetched.
pub type Coming<T> = Pin<Box<dyn Future<Output = Result<T, SplitLoaderError>>>>;

/// The part that shows itself while `shown`, from the first time on that this is true. `give_up`
/// makes it false where the part cannot be had.
pub fn later(
    page: Page,
    shown: Signal<bool>,
    give_up: Callback<()>,
    part: fn() -> Coming<View>,
) -> AnyView {
    let view = RwSignal::new(None::<View>);
    let coming = StoredValue::new(false);
    Effect::new(move |_| {
        if shown.get() && view.with_untracked(Option::is_none) && !coming.get_value() {
            coming.set_value(true);
            spawn_local(async move {
                match fetched(page, part()).await {
                    Some(part) => view.set(Some(part)),
                    None => give_up.run(()),
                }
                coming.set_value(false);
            });
        }
    });
    (move || view.get().map(|view| view(page))).into_any()
}

/// The same for a dialog.
pub fn later_dialog(page: Page, dialog: Dialog, part: fn() -> Coming<View>) -> AnyView {
    later(page, page.dialogs.shown(dialog), page.dialogs.closer(dialog), part)
}

/// The part, or a message that it cannot be had.
pub async fn fetched<T>(page: Page, part: Coming<T>) -> Option<T> {
    let part = part.await;
    if part.is_err() {
        page.messages.show(
            Tone::Error,
            "This part of the page could not be loaded. Try again, or reload the page: your photos \
             and boxes are kept."
                .to_owned(),
        );
    }
    part.ok()
}
