//! The dialog that lists what page and engine have fetched, so that "your photo stays on this
//! machine" need not be believed.

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_split_helpers::{SplitLoaderError, wasm_split};
use web_sys::Response;

use super::fetched::{self, Fetch, Fetcher, size};
use super::later::View;
use super::modal::Modal;
use super::page::Page;
use super::state::dialogs::Dialog;

/// The dialog, for [`later`](super::later::later).
#[wasm_split(dialogs, fallible)]
pub fn part() -> Result<View, SplitLoaderError> {
    Ok(|page| FetchDialog(FetchDialogProps { page }).into_any())
}

/// The dialog.
#[component]
fn FetchDialog(page: Page) -> impl IntoView {
    let fetches = RwSignal::new(Vec::<Fetch>::new());
    // Whether the browser was told to forbid other addresses; none while that is not known.
    let forbidden = RwSignal::new(None::<bool>);
    let offline = RwSignal::new(String::new());
    Effect::new(move |_| {
        if page.dialogs.is_open(Dialog::Fetches) {
            spawn_local(async move { forbidden.set(policy_forbids_others().await) });
            spawn_local(async move { offline.set(use_offline().await.unwrap_or_default()) });
            fetches.set(all_fetches(&page.engine.fetched.get()));
        }
    });
    let total = move || fetches.with(|fetches| fetched::total(fetches));
    view! {
        <Modal
            name="fetches"
            title="What this page has fetched"
            shown=page.dialogs.shown(Dialog::Fetches)
            close=page.dialogs.closer(Dialog::Fetches)
        >
            <p class="fetches-lead" data-testid="fetches-total">
                {move || {
                    let total = total();
                    let foreign = match total.foreign {
                        0 => "and none from anywhere else".to_owned(),
                        count => format!("and {count} from elsewhere"),
                    };
                    format!(
                        "{} files from {}, {foreign}: {} in all, of which {} came over the network and \
                         the rest from this machine. Your photo is not among them: it is read and changed here.",
                        total.own,
                        window().location().host().unwrap_or_default(),
                        size(total.bytes),
                        size(total.over_network),
                    )
                }}
            </p>
            <p class="fetches-lead" data-testid="fetches-policy">
                {move || match forbidden.get() {
                    Some(true) => {
                        "The page’s content policy forbids everything else: your browser lets it speak to its own address only."
                    }
                    Some(false) => {
                        "The server sends no content policy, so your browser does not enforce that; the list above is what it recorded."
                    }
                    None => "",
                }}
            </p>
            <p class="fetches-lead" data-testid="fetches-offline">
                {move || offline.get()}
            </p>
            <table>
                <thead>
                    <tr>
                        <th scope="col">"File"</th>
                        <th scope="col">"Size"</th>
                        <th scope="col">"Network"</th>
                    </tr>
                </thead>
                {[(Fetcher::Page, "The page"), (Fetcher::Engine, "The engine’s worker")]
                    .map(|(by, title)| {
                        view! {
                            <tbody>
                                <tr>
                                    <th scope="rowgroup" colspan="3">
                                        {title}
                                    </th>
                                </tr>
                                {move || {
                                    let mut all = fetches.get();
                                    all.retain(|fetch| fetch.by == by);
                                    all.into_iter().map(row).collect_view()
                                }}
                            </tbody>
                        }
                    })
                    .collect_view()}
            </table>
        </Modal>
    }
}

fn row(fetch: Fetch) -> impl IntoView {
    // Kept weights have no size in the browser's records, as nothing was fetched.
    let bytes = if fetch.bytes == 0 { "–".to_owned() } else { size(fetch.bytes) };
    let network = if fetch.over_network == 0 { "–".to_owned() } else { size(fetch.over_network) };
    view! {
        <tr class:is-foreign=!fetch.own data-testid="fetch">
            <td>{fetch.file}</td>
            <td>{bytes}</td>
            <td>{network}</td>
        </tr>
    }
}

/// What the browser has recorded until now.
fn all_fetches(by_engine: &[String]) -> Vec<Fetch> {
    let base = base().unwrap_or_default();
    let mut known = Vec::new();
    if let Some(performance) = window().performance() {
        for kind in ["navigation", "resource"] {
            let entries: JsValue = performance.get_entries_by_type(kind).into();
            let json = js_sys::JSON::stringify(&entries).map(String::from).unwrap_or_default();
            fetched::add(&mut known, &json, Fetcher::Page, &base);
        }
    }
    for json in by_engine {
        fetched::add(&mut known, json, Fetcher::Engine, &base);
    }
    known
}

/// Whether the page is kept for use without a network, or why not, as `www/service-worker.js` left
/// it; none where that is not known, or not yet.
async fn use_offline() -> Option<String> {
    let caches = window().caches().ok()?;
    let kept = async |name: &str| -> Option<Response> {
        // Undefined, and so no response, where there is none.
        let kept = JsFuture::from(caches.match_with_str(&format!("{}{name}", base()?))).await;
        kept.ok()?.dyn_into().ok()
    };
    if kept("?whole").await.is_some() {
        return Some("The page is kept on this machine, and works without a network.".to_owned());
    }
    let reason = kept("?not-kept").await?;
    JsFuture::from(reason.text().ok()?).await.ok()?.as_string()
}

/// The address that the page's files are relative to.
fn base() -> Option<String> {
    let base = document().base_uri().ok().flatten()?;
    Some(web_sys::Url::new_with_base(".", &base).ok()?.href())
}

/// Whether the policy that the page came with keeps it to its own origin; none where that cannot
/// be found out.
async fn policy_forbids_others() -> Option<bool> {
    let page = gloo::net::http::Request::get("index.html").send().await.ok()?;
    let policy = page.headers().get("content-security-policy").unwrap_or_default();
    let directives = || policy.split(';').map(str::trim);
    Some(
        directives().any(|directive| directive == "default-src 'none'")
            && directives().any(|directive| directive == "connect-src 'self'"),
    )
}
