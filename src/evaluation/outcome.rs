//! The result of one method of removal on one photo.

use std::time::Instant;

use image::{GrayImage, Rgb, RgbImage};

use super::{Marks, PeerWay, Peers, PeersError};
use crate::{
    classifier::EngineError,
    photo::{BoxInPhoto, Photo, PhotoSize},
    removal::{Erasure, Fill, Method, Nets, remove, remove_proven},
};

/// A photo after one method of removal.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The photo without its digits.
    pub after: RgbImage,
    /// What it went by.
    pub marks: Marks,
    /// Time taken.
    pub milliseconds: f64,
}

impl Outcome {
    /// The photo as it is.
    pub fn untouched(photo: &RgbImage) -> Self {
        let marks = Marks::KeyPixels(Vec::new());
        Outcome { after: photo.clone(), marks, milliseconds: 0.0 }
    }

    /// By one of this program's methods.
    ///
    /// # Errors
    /// [`EngineError`] when the device fails.
    pub fn by_method(
        method: &Method,
        photo: &RgbImage,
        boxes: &[BoxInPhoto],
        nets: &Nets,
    ) -> Result<Self, EngineError> {
        Self::by(photo, |photo| pollster::block_on(remove(photo, boxes, method, nets)))
    }

    /// The same with the second look, which fills more if something is left.
    ///
    /// # Errors
    /// [`EngineError`] when the device fails.
    pub fn checked(
        method: &Method,
        photo: &RgbImage,
        boxes: &[BoxInPhoto],
        nets: &Nets,
    ) -> Result<Self, EngineError> {
        let erasure = Erasure::of(boxes);
        let fills = |photo: &Photo| {
            let proven = pollster::block_on(remove_proven(photo, &erasure, method, nets))?;
            Ok(proven.fills)
        };
        Self::by(photo, fills)
    }

    fn by(
        photo: &RgbImage,
        fills_of: impl Fn(&Photo) -> Result<Vec<Fill>, EngineError>,
    ) -> Result<Self, EngineError> {
        let size = PhotoSize { width: photo.width(), height: photo.height() };
        let Some(mut erased) = Photo::from_rgb8(size, photo.as_raw().clone()) else {
            return Ok(Outcome::untouched(photo));
        };
        let started = Instant::now();
        let fills = fills_of(&erased)?;
        let milliseconds = started.elapsed().as_secs_f64() * 1e3;
        let mut key_pixels = Vec::new();
        for fill in &fills {
            fill.lay_on(&mut erased);
            let on_photo = |&(row, column): &(usize, usize)| {
                // Both are below the photo's size, which is 32 bits.
                (fill.area.left + column as u32, fill.area.top + row as u32)
            };
            key_pixels.extend(fill.key_pixels.iter().map(on_photo));
        }
        Ok(Outcome { after: rgb(&erased), marks: Marks::KeyPixels(key_pixels), milliseconds })
    }

    /// By one of the peers; `number` is the photo's, from 0.
    ///
    /// # Errors
    /// [`PeersError`] when the peer did not write it.
    pub fn by_peer(peers: &Peers, way: &PeerWay, number: usize) -> Result<Self, PeersError> {
        let mask: GrayImage = peers.mask(way, number)?;
        Ok(Outcome {
            after: peers.repaired(way, number)?,
            marks: Marks::Mask(mask),
            milliseconds: way.milliseconds.get(number).copied().unwrap_or(f64::NAN),
        })
    }
}

/// The photo's colours, 8 bits each; transparency is left out.
pub fn rgb(photo: &Photo) -> RgbImage {
    let PhotoSize { width, height } = photo.size();
    let rgba = photo.to_rgba8();
    RgbImage::from_fn(width, height, |x, y| {
        let at = 4 * (y as usize * width as usize + x as usize);
        Rgb([rgba[at], rgba[at + 1], rgba[at + 2]])
    })
}
