//! Who waits for something that the engine will give or refuse.

use futures::channel::oneshot;

/// Who waits; dropped where it never comes.
pub type Waiting<T> = Option<oneshot::Sender<Result<T, String>>>;

/// Answers who waits, if anybody does.
pub fn answer<T>(waiting: Waiting<T>, answer: Result<T, String>) {
    if let Some(sender) = waiting {
        // Who waited may have turned away.
        let _ = sender.send(answer);
    }
}
