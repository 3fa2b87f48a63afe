//! The page's whole state, by subject. What changes several subjects is in `actions`, and the parts
//! above those show it.

use super::state::asking::Asking;
use super::state::boxes::Boxes;
use super::state::brush::BrushInHand;
use super::state::dialogs::Dialogs;
use super::state::engine::EngineSide;
use super::state::inspector::Inspector;
use super::state::keeping::Keeping;
use super::state::messages::Messages;
use super::state::models::ModelChoice;
use super::state::open_photo::OpenPhoto;
use super::state::photos::Photos;
use super::state::removal::Removal;
use super::state::saving::Saving;
use super::state::stage::Stage;
use super::state::version::Version;

/// Everything on the page. Copies are the same page.
#[derive(Clone, Copy)]
pub struct Page {
    /// All photos.
    pub photos: Photos,
    /// The one on the stage.
    pub open: OpenPhoto,
    /// The boxes on it, and what is read in them.
    pub boxes: Boxes,
    /// How digits are taken out, and what shows of it.
    pub removal: Removal,
    /// How the photo lies on the stage.
    pub stage: Stage,
    /// The brush that corrects what is filled.
    pub brush: BrushInHand,
    /// The engine.
    pub engine: EngineSide,
    /// What it was asked about the boxes.
    pub asking: Asking,
    /// The models that it can use.
    pub models: ModelChoice,
    /// What the inspector shows.
    pub inspector: Inspector,
    /// Which dialog is open.
    pub dialogs: Dialogs,
    /// Lines for the user.
    pub messages: Messages,
    /// How pictures are saved.
    pub saving: Saving,
    /// What keeps the work for the next visit.
    pub keeping: Keeping,
    /// Whether there is a new version of the page.
    pub version: Version,
}

impl Page {
    /// The empty page, its engine not started.
    pub fn new() -> Self {
        let boxes = Boxes::new();
        Page {
            photos: Photos::new(),
            open: OpenPhoto::new(),
            boxes,
            removal: Removal::new(boxes),
            stage: Stage::new(),
            brush: BrushInHand::new(),
            engine: EngineSide::new(),
            asking: Asking::new(),
            models: ModelChoice::new(),
            inspector: Inspector::new(),
            dialogs: Dialogs::new(),
            messages: Messages::new(),
            saving: Saving::new(),
            keeping: Keeping::new(),
            version: Version::new(),
        }
    }
}
