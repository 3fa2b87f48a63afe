//! The page as a whole: its parts, and what reaches it from outside them (drop and paste).

use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::bars::{Header, Tools};
use super::empty::Empty;
use super::focus::is_typing;
use super::icons::Icon;
use super::later::{later, later_dialog};
use super::lean::{text, truth};
use super::page::Page;
use super::panel::Panel;
use super::photos::adding::{add, add_dropped};
use super::photos::files::follow_stage;
use super::photos::given::given_of;
use super::photos::keeping;
use super::photos::saving::SavingAllDialog;
use super::photos::strip;
use super::stage::Stage;
use super::state::dialogs::Dialog;
use super::state::engine::EngineState;
use super::{beside, brush, changed, fetch_list, help, inside, keys, models, offline, theme};

/// Puts the page in the place of the plain HTML that was there before it, and loads the engine.
pub fn start() {
    console_error_panic_hook::set_once();
    let Some(root) = document()
        .get_element_by_id("app")
        .and_then(|element| element.dyn_into::<HtmlElement>().ok())
    else {
        leptos::logging::error!("the page has no element with the id `app`");
        return;
    };
    root.set_text_content(None);
    leptos::mount::mount_to(root, Shell).forget();
}

#[component]
fn Shell() -> impl IntoView {
    let page = Page::new();
    keys::listen(page);
    listen_for_photos(page);
    offline::listen(page);
    changed::follow(page);
    follow_stage(page);
    keeping::start(page);
    tell_tests(page);
    page.start_engine();
    let strip_wanted = strip::wanted(page);
    let brushing = truth(move || page.brush.does.get().is_some());
    view! {
        <Header page=page />
        <main class="work">
            <div class="desk">
                <Tools page=page />
                <div
                    class="stage-frame"
                    class:is-split=truth(move || page.stage.beside.get())
                    class:is-brushing=brushing
                >
                    {later(page, page.stage.beside.into(), Callback::new(move |()| page.stage.set_beside(false)), || Box::pin(beside::part()))}
                    <Stage page=page />
                    <Show when=move || page.open.photo.with(Option::is_none)>
                        <Empty page=page />
                    </Show>
                    <p class="stage-hint" class:is-hidden=move || !wants_hint(page)>
                        {text(move || match page.finding.looks.get() {
                            true => "Looking for numbers…".to_owned(),
                            false => "Drag a box round each digit".to_owned(),
                        })}
                    </p>
                    <Show when=move || page.stage.comparing.get()>
                        <p class="stage-badge">{Icon::Eye.view()} "Original"</p>
                    </Show>
                    {later(page, brushing, Callback::new(move |()| page.brush.take(None)), || Box::pin(brush::part()))}
                </div>
                <div class="strip-room" class:is-wanted=strip_wanted>
                    {later(page, strip_wanted, Callback::new(|()| ()), || Box::pin(strip::part()))}
                </div>
            </div>
            <Panel page=page />
        </main>
        {later_dialog(page, Dialog::Help, || Box::pin(help::part()))}
        {later_dialog(page, Dialog::Models, || Box::pin(models::part()))}
        {later_dialog(page, Dialog::Inspector, || Box::pin(inside::part()))}
        {later_dialog(page, Dialog::Fetches, || Box::pin(fetch_list::part()))}
        <SavingAllDialog page=page />
        <div class="drop-veil" class:is-hidden=move || !page.stage.dropping.get() aria-hidden="true">
            <p>"Drop photos or box files"</p>
        </div>
        <div class="visually-hidden" role="status" aria-live="polite">
            {move || page.messages.announcement.get()}
        </div>
    }
}

/// Until the first box is begun.
fn wants_hint(page: Page) -> bool {
    page.boxes.editor.with(|editor| {
        editor.as_ref().is_some_and(|editor| editor.boxes().is_empty() && !editor.has_gesture())
    })
}

fn listen_for_photos(page: Page) {
    // Without this on every move the browser would open the file in place of the page.
    let over = window_event_listener(ev::dragover, move |event| {
        event.prevent_default();
        if !page.stage.dropping.get_untracked() {
            page.stage.drag_over(true);
        }
    });
    let leave = window_event_listener(ev::dragleave, move |event| {
        // Between elements the pointer comes from somewhere; only at the window's edge from
        // nowhere.
        if event.related_target().is_none() {
            page.stage.drag_over(false);
        }
    });
    let drop = window_event_listener(ev::drop, move |event| {
        event.prevent_default();
        page.stage.drag_over(false);
        if let Some(transfer) = event.data_transfer() {
            add_dropped(page, &transfer);
        }
    });
    let paste = window_event_listener(ev::paste, move |event| {
        let files = event.clipboard_data().and_then(|clipboard| clipboard.files());
        if let Some(files) = files.filter(|files| files.length() > 0) {
            event.prevent_default();
            add(page, given_of(&files));
        } else if !is_typing(event.target()) {
            page.paste();
        }
    });
    on_cleanup(move || {
        over.remove();
        leave.remove();
        drop.remove();
        paste.remove();
    });
}

/// Lets tests wait for the engine and for answers.
fn tell_tests(page: Page) {
    Effect::new(move |_| {
        let engine = page.engine.state.with(|state| match state {
            EngineState::Starting(_) => "starting",
            EngineState::Ready(_) => "ready",
            EngineState::Failed(_) => "failed",
        });
        let busy = page.engine.busy.get();
        if let Some(root) = theme::root() {
            // Cannot fail: both names are valid.
            let _ = root.dataset().set("busy", if busy { "true" } else { "false" });
            let _ = root.dataset().set("engine", engine);
        }
    });
}
