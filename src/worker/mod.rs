//! The engine behind typed messages: everything of the classifier and the removal that the page
//! uses runs here, in a worker, so that the page never waits. It knows nothing of the page.

pub mod protocol;
