//! What a removal lays over a photo, and what it asks for that.

use super::Lattice;
use crate::{
    classifier::{BoxReading, Classifier, EngineError},
    photo::{BoxInPhoto, Mask, Photo, Planes},
    strokes::StrokeFinder,
};

/// A filled region, to be laid over the photo.
#[derive(Clone, Debug, PartialEq)]
pub struct Fill {
    /// Where it lies.
    pub area: BoxInPhoto,
    /// The boxes whose digits it takes away.
    pub boxes: Vec<BoxInPhoto>,
    /// How likely each of the area's pixels is a stroke's, 0 to 1, row after row, as it was filled
    /// by; empty where strokes are not looked for.
    pub strokes: Vec<f32>,
    /// The new samples, in the photo's channels; the photo's own elsewhere.
    pub planes: Planes,
    /// Which of the area's pixels are laid, row after row; they lie in the boxes, but where a stroke
    /// is followed out of one, up to [`stroke_reach`](super::stroke_reach).
    pub inside: Mask,
    /// Key pixels of the area, from which what is behind the digits was told, as row and column in
    /// it; folded-in ones are not among them. Where strokes are found, one for each of the finest
    /// level's cells that counts.
    pub key_pixels: Vec<(usize, usize)>,
    /// Rounds of fold-in until the lattice was full; where strokes are found, levels.
    pub rounds: usize,
}

impl Fill {
    /// Lays the fill over a photo; all other pixels keep their exact values.
    pub fn lay_on(&self, photo: &mut Photo) {
        photo.lay(self.area, &self.planes, &self.inside);
    }

    /// The area's 8-bit RGBA samples as they are after [`Fill::lay_on`].
    pub fn rgba8(&self, photo: &Photo) -> Vec<u8> {
        let mut part = photo.part(self.area);
        part.lay(BoxInPhoto { left: 0, top: 0, ..self.area }, &self.planes, &self.inside);
        part.to_rgba8()
    }
}

/// The networks that removal asks.
#[derive(Clone, Debug)]
pub struct Nets {
    /// Its first convolution's feature maps say what is quiet.
    pub classifier: Classifier,
    /// With it only the strokes are filled, without it the whole boxes.
    pub strokes: Option<StrokeFinder>,
}

impl Nets {
    /// Reads boxes; those round whole numbers are split into their digits where strokes can be found.
    ///
    /// # Errors
    /// [`EngineError`] when the device fails.
    pub async fn read(
        &self,
        photo: &Photo,
        boxes: &[BoxInPhoto],
    ) -> Result<Vec<BoxReading>, EngineError> {
        let mut all = Vec::with_capacity(boxes.len());
        for &area in boxes {
            all.push(match &self.strokes {
                Some(finder) => finder.digits_in(photo, area).await?,
                None => vec![area],
            });
        }
        let flat: Vec<BoxInPhoto> = all.iter().flatten().copied().collect();
        let mut readings = self.classifier.read(photo, &flat).await?.into_iter();
        let read = boxes.iter().zip(all).map(|(&area, digits)| {
            let digits = digits.into_iter().zip(readings.by_ref()).collect();
            BoxReading { area, digits }
        });
        Ok(read.collect())
    }
}

/// What one round of fold-in has reached in one fill.
#[derive(Clone, Copy, Debug)]
pub struct Round<'a> {
    /// Where the fill lies.
    pub area: BoxInPhoto,
    /// 0 of the key pixels alone, then the rounds from 1.
    pub number: usize,
    /// Where the crossings lie in the area; where strokes are found, each level has its own, with a
    /// crossing at each cell's first pixel.
    pub lattice: &'a Lattice,
    /// Which crossings of the lattice are nodes, row after row.
    pub nodes: &'a [bool],
    /// A plane with a value a crossing, 0 to 1, for each of the photo's channels, or one of its
    /// light; those at nodes count.
    pub values: &'a [f32],
}
