//! Steps of training [`crate::unet::UNet`], whatever it finds.

mod engine;
mod passes;

pub(super) use engine::Engine;
pub(super) use passes::Passes;
