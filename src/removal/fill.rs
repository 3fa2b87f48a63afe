//! The result of a removal, and the networks that it uses.

use super::Lattice;
use crate::{
    classifier::{BoxReading, Classifier, EngineError},
    photo::{BoxInPhoto, Change, Mask, Photo, Planes},
    strokes::StrokeFinder,
};

/// A filled region of a photo.
#[derive(Clone, Debug, PartialEq)]
pub struct Fill {
    /// Where it lies.
    pub area: BoxInPhoto,
    /// The boxes whose digits it removes.
    pub boxes: Vec<BoxInPhoto>,
    /// The probability of each of the area's pixels to be a stroke, 0 to 1, row after row, with
    /// which it was filled; empty for methods that do not find strokes.
    pub strokes: Vec<f32>,
    /// The new samples, in the photo's channels; outside `inside` the photo's own.
    pub planes: Planes,
    /// Which of the area's pixels are filled, row after row. They lie in the boxes, except where a
    /// stroke is followed out of one, up to [`stroke_reach`](super::stroke_reach).
    pub inside: Mask,
    /// Key pixels of the area, from which the background behind the digits was predicted, as row
    /// and column in it, without folded-in ones. With StrokeNet, one for each cell of the finest
    /// level that counts.
    pub key_pixels: Vec<(usize, usize)>,
    /// Rounds of fold-in until the lattice was full; with StrokeNet, the number of levels.
    pub rounds: usize,
}

impl Fill {
    /// Copies the filled pixels onto a photo; all other pixels keep their exact values.
    pub fn lay_on(&self, photo: &mut Photo) {
        photo.lay(self.area, &self.planes, &self.inside);
    }

    /// The pixels that [`Fill::lay_on`] changes.
    pub fn change(&self) -> Change<'_> {
        Change { area: self.area, pixels: &self.inside }
    }

    /// The area's 8-bit RGBA samples after [`Fill::lay_on`].
    pub fn rgba8(&self, photo: &Photo) -> Vec<u8> {
        let mut part = photo.part(self.area);
        part.lay(BoxInPhoto { left: 0, top: 0, ..self.area }, &self.planes, &self.inside);
        part.to_rgba8()
    }
}

/// The networks that the removal uses.
#[derive(Clone, Debug)]
pub struct Nets {
    /// Reads digits; the feature maps of its first convolution show which pixels are quiet.
    pub classifier: Classifier,
    /// With it only strokes are filled, without it whole boxes.
    pub strokes: Option<StrokeFinder>,
}

#[cfg(test)]
impl Nets {
    /// Networks that learned nothing, the same ones each time.
    pub(crate) fn untrained() -> Self {
        use crate::{
            classifier::{Architecture, Network, seeded},
            strokes::STROKE_NET,
            unet::{UNet, UNetModel},
        };
        let device = burn::tensor::Device::flex();
        let net = Network::new(Architecture::named("Caffe").expect("a network"), &device);
        let strokes = seeded(UNet::new(&STROKE_NET, &device), 2);
        Nets {
            classifier: Classifier::new(seeded(net, 2), device.clone())
                .expect("the CPU's own weights"),
            strokes: Some(UNetModel::new(&STROKE_NET, strokes, device).expect("weights").into()),
        }
    }
}

impl Nets {
    /// Reads boxes. Boxes round whole numbers are split into digits, if there is a network that
    /// finds strokes.
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

/// The state of one fill after one round of fold-in.
#[derive(Clone, Copy, Debug)]
pub struct Round<'a> {
    /// Where the fill lies.
    pub area: BoxInPhoto,
    /// 0 for the key pixels alone, then the rounds from 1.
    pub number: usize,
    /// Where the crossings lie in the area. With StrokeNet, each level has its own lattice, with a
    /// crossing at each cell's first pixel.
    pub lattice: &'a Lattice,
    /// Which crossings of the lattice are nodes, row after row.
    pub nodes: &'a [bool],
    /// A plane with a value for each crossing, 0 to 1, for each of the photo's channels, or one
    /// plane for its light. Only values at nodes count.
    pub values: &'a [f32],
}
