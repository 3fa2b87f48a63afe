//! Batch normalisation; input and output have one plane for each channel and image.

use rayon::prelude::*;

use crate::classifier::host;

/// A batch's statistics, with a value for each channel.
#[derive(Clone, Debug, Default)]
pub(super) struct Statistics {
    pub(super) mean: Vec<f32>,
    /// Not corrected for the sample's size.
    pub(super) variance: Vec<f32>,
}

/// Sums of each image's planes are taken in `f64` and added in the images' order, so that they
/// don't depend on the number of threads.
fn sums<T: Sync>(
    images: &[T],
    of_image: impl Fn(&T) -> Vec<[f64; 2]> + Sync + Send,
) -> Vec<[f64; 2]> {
    let of_images: Vec<Vec<[f64; 2]>> = images.par_iter().map(of_image).collect();
    let mut sums = of_images.first().map_or(Vec::new(), |first| vec![[0.0; 2]; first.len()]);
    for image in &of_images {
        for (sum, part) in sums.iter_mut().zip(image) {
            sum[0] += part[0];
            sum[1] += part[1];
        }
    }
    sums
}

/// Mean and variance of each channel of `values`, `[n, channels, plane]`.
pub(super) fn statistics(values: &[f32], channels: usize, plane: usize) -> Statistics {
    let images: Vec<&[f32]> = values.chunks_exact(channels * plane).collect();
    let count = (images.len() * plane) as f64;
    let means: Vec<f64> = sums(&images, |image| {
        image.chunks_exact(plane).map(|plane| [sum(plane, |v| v), 0.0]).collect()
    })
    .into_iter()
    .map(|[total, _]| total / count)
    .collect();
    let variance = sums(&images, |image| {
        let planes = image.chunks_exact(plane).zip(&means);
        planes.map(|(plane, &mean)| [sum(plane, |v| (v - mean as f32).powi(2)), 0.0]).collect()
    })
    .into_iter()
    .map(|[total, _]| (total / count) as f32)
    .collect();
    Statistics { mean: means.into_iter().map(|mean| mean as f32).collect(), variance }
}

/// Sums in eight lanes, which the compiler turns into vector instructions.
fn sum(values: &[f32], of: impl Fn(f32) -> f32) -> f64 {
    let mut lanes = [0.0f32; 8];
    let mut chunks = values.chunks_exact(8);
    for chunk in &mut chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane += of(value);
        }
    }
    let rest: f32 = chunks.remainder().iter().map(|&value| of(value)).sum();
    lanes.iter().map(|&lane| f64::from(lane)).sum::<f64>() + f64::from(rest)
}

impl Statistics {
    /// The scale and shift of each channel that normalise it, then apply `gamma` and `beta`.
    pub(super) fn affine(&self, gamma: &[f32], beta: &[f32], epsilon: f32) -> Vec<[f32; 2]> {
        host::affine([&self.mean, &self.variance], [gamma, beta], epsilon)
    }
}

/// The gradients of one batch normalisation.
#[derive(Debug)]
pub(super) struct Gradients {
    pub(super) gamma: Vec<f32>,
    pub(super) beta: Vec<f32>,
}

/// Turns `gradient` (of the outputs, `[n, channels, plane]`) into that of the inputs `values`.
pub(super) fn backward(
    values: &[f32],
    gradient: &mut [f32],
    plane: usize,
    statistics: &Statistics,
    gamma: &[f32],
    epsilon: f32,
) -> Gradients {
    let channels = gamma.len();
    let image = channels * plane;
    let deviations: Vec<f32> =
        statistics.variance.iter().map(|variance| (variance + epsilon).sqrt()).collect();
    let pairs: Vec<(&[f32], &[f32])> =
        values.chunks_exact(image).zip(gradient.chunks_exact(image)).collect();
    let count = (pairs.len() * plane) as f32;
    let totals = sums(&pairs, |(values, gradient)| {
        let planes = values.chunks_exact(plane).zip(gradient.chunks_exact(plane));
        planes
            .zip(statistics.mean.iter().zip(&deviations))
            .map(|((values, gradient), (&mean, &deviation))| {
                let mut lanes = [0.0f32; 8];
                for (v, g) in values.chunks(8).zip(gradient.chunks(8)) {
                    for ((lane, v), g) in lanes.iter_mut().zip(v).zip(g) {
                        *lane += (v - mean) * g;
                    }
                }
                let product = lanes.iter().map(|&lane| f64::from(lane)).sum::<f64>();
                [sum(gradient, |g| g), product / f64::from(deviation)]
            })
            .collect()
    });
    values.par_chunks_exact(image).zip(gradient.par_chunks_exact_mut(image)).for_each(
        |(values, gradient)| {
            let planes = values.chunks_exact(plane).zip(gradient.chunks_exact_mut(plane));
            for (c, (values, gradient)) in planes.enumerate() {
                let [of_beta, of_gamma] = totals[c].map(|total| total as f32 / count);
                let (mean, deviation) = (statistics.mean[c], deviations[c]);
                let scale = gamma[c] / deviation;
                for (g, v) in gradient.iter_mut().zip(values) {
                    *g = scale * (*g - of_beta - (v - mean) / deviation * of_gamma);
                }
            }
        },
    );
    Gradients {
        beta: totals.iter().map(|total| total[0] as f32).collect(),
        gamma: totals.iter().map(|total| total[1] as f32).collect(),
    }
}
