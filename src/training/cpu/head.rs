//! The head's passes and the loss.

use burn::optim::GradientsParams;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::register;
use crate::classifier::{
    Architecture, DIGITS, EngineError, HeadLayer, Network,
    host::matrix::{Into, Matrix, multiply},
    host_values,
};

/// Rows of a matrix that one thread takes at a time.
const ROWS: usize = 16;

/// The layers behind the flattened features.
#[derive(Debug)]
pub(super) struct Head {
    layers: &'static [HeadLayer],
    features: usize,
}

/// A layer's forward pass, as its backward pass needs it.
enum Passed {
    /// The inputs, the weights `[inputs, outputs]`, and which of the network's linear layers.
    Linear { inputs: Vec<f32>, weights: Vec<f32>, which: usize },
    /// What each value was multiplied by.
    Scaled(Vec<f32>),
}

impl Head {
    pub(super) fn new(architecture: &'static Architecture) -> Self {
        Head { layers: architecture.head, features: architecture.features() }
    }

    /// Logits, and each layer's pass; `rng` draws the dropout.
    fn forward(
        &self,
        net: &Network,
        features: &[f32],
        rng: &mut ChaCha8Rng,
    ) -> Result<(Vec<f32>, Vec<Passed>), EngineError> {
        let images = features.len() / self.features;
        let mut width = self.features;
        let mut x = features.to_vec();
        let mut passed = Vec::with_capacity(self.layers.len());
        let mut linears = net.linears.iter().enumerate();
        let mut dropouts = net.dropout_chances();
        for layer in self.layers {
            match *layer {
                HeadLayer::Linear(outputs) => {
                    let Some((which, linear)) = linears.next() else { continue };
                    let weights = host_values(linear.weight.val())?;
                    let mut out = match &linear.bias {
                        Some(bias) => host_values(bias.val())?.repeat(images),
                        None => vec![0.0; images * outputs],
                    };
                    let of_weights = Matrix::new(&weights, width, outputs);
                    out.par_chunks_mut(ROWS * outputs).zip(x.par_chunks(ROWS * width)).for_each(
                        |(out, rows)| {
                            let rows = Matrix::new(rows, rows.len() / width, width);
                            multiply(out, rows, of_weights, Into::Add);
                        },
                    );
                    let inputs = std::mem::replace(&mut x, out);
                    passed.push(Passed::Linear { inputs, weights, which });
                    width = outputs;
                }
                HeadLayer::Dropout(_) => {
                    let probability = dropouts.next().unwrap_or(0.0);
                    let kept = (1.0 / (1.0 - probability)) as f32;
                    let probability = probability as f32;
                    let draw = |_| if rng.random::<f32>() < probability { 0.0 } else { kept };
                    passed.push(scaled(&mut x, (0..images * width).map(draw).collect()));
                }
                HeadLayer::Relu => {
                    let open = x.iter().map(|&x| if x > 0.0 { 1.0 } else { 0.0 }).collect();
                    passed.push(scaled(&mut x, open));
                }
            }
        }
        Ok((x, passed))
    }

    /// The batch's mean loss against `targets` `[n, 10]`, and the features' gradient; registers
    /// that of the linear layers.
    pub(super) fn step(
        &self,
        net: &Network,
        features: &[f32],
        targets: &[f32],
        rng: &mut ChaCha8Rng,
        gradients: &mut GradientsParams,
    ) -> Result<(f32, Vec<f32>), EngineError> {
        let images = features.len() / self.features;
        let (logits, passed) = self.forward(net, features, rng)?;
        let (loss, mut gradient) = cross_entropy(&logits, targets);
        for passed in passed.into_iter().rev() {
            match passed {
                Passed::Scaled(scales) => {
                    gradient.iter_mut().zip(scales).for_each(|(g, scale)| *g *= scale);
                }
                Passed::Linear { inputs, weights, which } => {
                    let (width, outputs) = (inputs.len() / images, gradient.len() / images);
                    let of_outputs = Matrix::new(&gradient, images, outputs);
                    let mut of_weights = vec![0.0; weights.len()];
                    let inputs = Matrix::new(&inputs, images, width);
                    // A share of the weights' rows each: those rows' inputs, as columns.
                    let rows = width.div_ceil(8);
                    of_weights.par_chunks_mut(rows * outputs).enumerate().for_each(|(i, out)| {
                        let columns = inputs.columns(i * rows, out.len() / outputs).transposed();
                        multiply(out, columns, of_outputs, Into::Replace);
                    });
                    let mut below = vec![0.0; images * width];
                    let turned = Matrix::new(&weights, width, outputs).transposed();
                    let of_rows = gradient.par_chunks(ROWS * outputs);
                    below.par_chunks_mut(ROWS * width).zip(of_rows).for_each(|(out, rows)| {
                        let rows = Matrix::new(rows, rows.len() / outputs, outputs);
                        multiply(out, rows, turned, Into::Replace);
                    });
                    if let Some(linear) = net.linears.get(which) {
                        register(gradients, &linear.weight, of_weights);
                        if let Some(bias) = &linear.bias {
                            let mut of_bias = vec![0.0; outputs];
                            for row in gradient.chunks_exact(outputs) {
                                of_bias.iter_mut().zip(row).for_each(|(sum, g)| *sum += g);
                            }
                            register(gradients, bias, of_bias);
                        }
                    }
                    gradient = below;
                }
            }
        }
        Ok((loss, gradient))
    }
}

fn scaled(x: &mut [f32], scales: Vec<f32>) -> Passed {
    x.iter_mut().zip(&scales).for_each(|(x, scale)| *x *= scale);
    Passed::Scaled(scales)
}

/// The mean cross entropy of logits and targets, both `[n, 10]`, and the logits' gradient.
fn cross_entropy(logits: &[f32], targets: &[f32]) -> (f32, Vec<f32>) {
    let mut loss = 0.0f64;
    let mut gradient = Vec::with_capacity(logits.len());
    let share = DIGITS as f32 / logits.len() as f32;
    for (logits, targets) in logits.chunks_exact(DIGITS).zip(targets.chunks_exact(DIGITS)) {
        let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let total: f32 = logits.iter().map(|logit| (logit - highest).exp()).sum();
        for (logit, target) in logits.iter().zip(targets) {
            let log_share = logit - highest - total.ln();
            loss -= f64::from(target * log_share);
            gradient.push((log_share.exp() - target) * share);
        }
    }
    (loss as f32 * share, gradient)
}
