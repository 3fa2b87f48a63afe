//! Burn's errors and panics when a device is lost.

use std::{
    cell::Cell,
    fmt,
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

use crate::classifier::EngineError;

/// Turns Burn's message, which has several lines, into an error.
pub(super) fn lost(said: impl fmt::Display) -> EngineError {
    EngineError::Device(said.to_string().split_whitespace().collect::<Vec<_>>().join(" "))
}

thread_local! {
    /// Whether a panic of this thread becomes an error, so that it is not printed as well.
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// The result of `work`, or the message of its panic as an error. Burn mostly reports a lost device
/// by an error, but its code that writes optimisers and records reads tensors back with `expect`.
///
/// # Errors
/// [`EngineError`] with the panic's message.
pub(super) fn contained<T>(work: impl FnOnce() -> T) -> Result<T, EngineError> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let tell = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !CONTAINED.get() {
                tell(panic);
            }
        }));
    });
    let outer = CONTAINED.replace(true);
    // What a panic leaves half done is dropped with `work`, or was on the device that is lost.
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    CONTAINED.set(outer);
    done.map_err(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
        lost(said.unwrap_or("it panicked without a message"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_with_its_words() {
        assert_eq!(contained(|| 3), Ok(3));
        let step = 7;
        let lost = contained(|| panic!("lost in step {step}")).expect_err("a panic");
        assert!(lost.to_string().contains("lost in step 7"), "{lost}");
        let lost = contained(|| contained(|| panic!("within")).is_err());
        assert_eq!(lost, Ok(true));
        assert!(!CONTAINED.get(), "later panics are told of again");
    }
}
