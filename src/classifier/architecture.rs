//! The declaration of a network: its input, its stages, its head.

use std::fmt;

use super::networks;
use crate::{
    fault::{AtFault, Fault},
    photo::{BoxInPhoto, Colours, CropShape, Photo},
};

/// A network's declaration; a file in `networks/` each.
#[derive(Debug, PartialEq)]
pub struct Architecture {
    /// Its name, as files and people write it.
    pub name: &'static str,
    /// What it is given.
    pub input: Input,
    /// How its weights start.
    pub start: Start,
    /// Its convolutions, first to last.
    pub stages: &'static [Stage],
    /// What follows the last stage's flattened features; its last layer gives the ten logits.
    pub head: &'static [HeadLayer],
}

/// A network's input: a square crop of one digit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Input {
    /// Rows and columns.
    pub side: usize,
    /// Grey or colour.
    pub colours: Colours,
    /// How the digit's box becomes a square.
    pub crop: CropShape,
    /// What is done to the samples (0 to 1) before the first convolution.
    pub normalisation: Normalisation,
}

/// How samples are normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normalisation {
    /// (x - .5) / .5.
    Centred,
    /// Minus the training digits' mean, pixel by pixel and channel by channel.
    Mean,
    /// Minus that mean, over their standard deviation there.
    MeanAndDeviation,
}

/// How weights are drawn at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Uniform within one over the square root of the inputs' number, as PyTorch does.
    Uniform,
    /// Uniform after Glorot and Bengio (2010), known as Xavier.
    Xavier,
}

/// A convolution (stride 1, "same" padding), ReLU, and a pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// The kernel's rows and columns; odd.
    pub kernel: usize,
    /// Output channels.
    pub channels: usize,
    /// Where batch normalisation is applied.
    pub norm: Norm,
    /// The pooling.
    pub pool: Pool,
}

/// Where a stage's batch normalisation is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// It has none.
    None,
    /// Between convolution and ReLU.
    BeforeRelu,
    /// Behind the pooling.
    AfterPool,
}

/// A pooling, with stride 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// None: all values stay.
    None,
    /// The largest of 2 x 2; a last odd row or column is left out.
    Max2,
    /// The largest of 3 x 3, cut off at the last row and column: sizes are rounded up, as Caffe
    /// does.
    Max3,
    /// The mean of 3 x 3, cut off in the same way.
    Mean3,
}

impl Pool {
    /// Rows and columns of a window.
    pub fn window(self) -> usize {
        match self {
            Pool::None => 1,
            Pool::Max2 => 2,
            Pool::Max3 | Pool::Mean3 => 3,
        }
    }

    /// Rows (or columns) that remain of `side`.
    pub fn output_side(self, side: usize) -> usize {
        match self {
            Pool::None => side,
            Pool::Max2 => side / 2,
            // The last window starts inside.
            Pool::Max3 | Pool::Mean3 => side.saturating_sub(3).div_ceil(2) + 1,
        }
    }
}

/// A layer of the head.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum HeadLayer {
    /// Drops each feature with this probability while training.
    Dropout(f64),
    /// A linear layer with this number of outputs.
    Linear(usize),
    /// Rectified linear units.
    Relu,
}

impl Input {
    /// Colour channels.
    pub fn channels(&self) -> usize {
        self.colours.channels()
    }

    /// Samples of one input.
    pub fn len(&self) -> usize {
        self.channels() * self.side * self.side
    }

    /// Whether it is made of a photo as `other` is, whatever is done to the samples afterwards.
    pub fn sees_what(&self, other: &Input) -> bool {
        Input { normalisation: other.normalisation, ..*self } == *other
    }

    /// Whether there is no sample, which never happens for a declared network.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The samples of a digit's box, 0 to 1 and not normalised: plane after plane, row after row.
    pub fn crop_of(&self, photo: &Photo, area: BoxInPhoto) -> Vec<f32> {
        photo.square(area, self.crop, self.colours, self.side as u32)
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let colours = match self.colours {
            Colours::Grey => "grey",
            Colours::Rgb => "RGB",
        };
        let crop = match self.crop {
            CropShape::Stretched => "the box stretched to a square (bilinear)",
            CropShape::Widened => "the box widened to a square about its centre (bicubic)",
            CropShape::Surrounded => "a square around the box, a quarter longer (bilinear)",
        };
        let normalisation = match self.normalisation {
            Normalisation::Centred => "(x - 0.5) / 0.5",
            Normalisation::Mean => "minus the training digits' mean",
            Normalisation::MeanAndDeviation => {
                "minus the training digits' mean, over their standard deviation"
            }
        };
        write!(f, "{0} x {0} {colours}, {crop}, {normalisation}", self.side)
    }
}

impl Architecture {
    /// All networks, in the report's order.
    pub const ALL: &[&Architecture] = networks::ALL;

    /// The network of this name; capitals don't matter.
    ///
    /// # Errors
    /// [`UnknownNetwork`], which lists those there are.
    pub fn named(name: &str) -> Result<&'static Architecture, UnknownNetwork> {
        Self::ALL
            .iter()
            .copied()
            .find(|known| known.name.eq_ignore_ascii_case(name))
            .ok_or_else(|| UnknownNetwork(name.to_owned()))
    }

    /// Rows (and columns) of the input of each stage, and of the last stage's output.
    pub fn sides(&self) -> Vec<usize> {
        let mut sides = vec![self.input.side];
        for stage in self.stages {
            let side = sides.last().copied().unwrap_or(0);
            sides.push(stage.pool.output_side(side));
        }
        sides
    }

    /// The flattened features that the head is given.
    pub fn features(&self) -> usize {
        let side = self.sides().last().copied().unwrap_or(0);
        side * side * self.stages.last().map_or(self.input.channels(), |stage| stage.channels)
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// No network has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no network is called {0}; there are: {known}",
    known = Architecture::ALL.iter().map(|known| known.name).collect::<Vec<_>>().join(", ")
)]
pub struct UnknownNetwork(pub String);

impl AtFault for UnknownNetwork {
    fn fault(&self) -> Fault {
        Fault::Arguments
    }
}
