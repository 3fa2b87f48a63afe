//! The inspector's controls: the removal method and its parameters.

use leptos::prelude::*;

use super::parameters::{Parameter, Range, adaptive, set_adaptive, title};
use crate::app::lean::{text, truth, when};
use crate::app::page::Page;
use crate::removal::Method;

/// The removal method for the whole photo, and its sliders.
#[component]
pub fn MethodControls(page: Page) -> impl IntoView {
    let name = Memo::new(move |_| page.removal.method.with(Method::name));
    let is_default = truth(move || page.removal.method.with(|method| *method == Method::default()));
    view! {
        <fieldset class="method">
            <legend>"How digits are removed"</legend>
            <label class="field">
                <span>"Method"</span>
                <select
                    data-testid="method"
                    on:change=move |event| {
                        if let Ok(method) = event_target_value(&event).parse::<Method>() {
                            page.change_method(|old| *old = method);
                        }
                    }
                    prop:value=text(move || name.get().to_owned())
                >
                    {Method::all()
                        .into_iter()
                        .map(|method| {
                            view! { <option value=method.name()>{title(&method)}</option> }
                        })
                        .collect_view()}
                </select>
            </label>
            {move || {
                name.track();
                let parameters = page.removal.method.with_untracked(Parameter::of);
                parameters
                    .iter()
                    .map(|parameter| view! { <Slider page=page parameter=*parameter /> })
                    .collect_view()
            }}
            <Show when=when(move || page.removal.method.with(adaptive).is_some())>
                <label class="field is-check">
                    <input
                        type="checkbox"
                        data-testid="adaptive"
                        prop:checked=truth(move || page.removal.method.with(adaptive) == Some(true))
                        on:change=move |event| {
                            let on = event_target_checked(&event);
                            page.change_method(|method| set_adaptive(method, on));
                        }
                    />
                    <span>"A width for each node, by its distance to the nearest"</span>
                </label>
            </Show>
            <p class="method-note">"Used for all boxes and for the saved picture."</p>
            <button
                type="button"
                data-testid="reset-method"
                disabled=is_default
                on:click=move |_| page.change_method(|method| *method = Method::default())
            >
                "Reset to default"
            </button>
        </fieldset>
    }
}

#[component]
fn Slider(page: Page, parameter: Parameter) -> impl IntoView {
    let Range { min, max, step } = parameter.range();
    let value = Memo::new(move |_| page.removal.method.with(|method| parameter.get(method)));
    let decimals = if step < 0.1 { 2 } else { usize::from(step < 1.0) };
    let shown =
        text(move || value.get().map_or("–".to_owned(), |value| format!("{value:.decimals$}")));
    view! {
        <label class="field">
            <span>{parameter.label()} <output>{shown}</output></span>
            <input
                type="range"
                data-testid="parameter"
                data-name=format!("{parameter:?}")
                min=min.to_string()
                max=max.to_string()
                step=step.to_string()
                disabled=truth(move || value.get().is_none())
                prop:value=text(move || value.get().unwrap_or(min).to_string())
                on:input=move |event| {
                    if let Ok(number) = event_target_value(&event).parse::<f64>() {
                        page.change_method(|method| parameter.set(method, number));
                    }
                }
            />
        </label>
    }
}
