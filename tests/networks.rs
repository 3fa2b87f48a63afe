//! What every network reads, compared with the report's table, which is worked out here by plain loops.
#![cfg(feature = "native")]

use std::collections::HashMap;

use burn::tensor::Device;
use doorplate::classifier::{Architecture, Classifier, Network, seeded};
use safetensors::{SafeTensors, tensor::TensorView};

/// What the report says of a network, and of our own.
struct Table {
    name: &'static str,
    channels: usize,
    side: usize,
    /// Kernel, outputs, pooling.
    stages: &'static [(usize, usize, Pooling)],
    norm: NormPlace,
    head: &'static [Layer],
}

#[derive(Clone, Copy)]
enum Pooling {
    Unpooled,
    Max2,
    /// 3 x 3 with stride 2, sizes rounded up.
    Max3,
    Mean3,
}

#[derive(Clone, Copy, PartialEq)]
enum NormPlace {
    Nowhere,
    /// Between convolution and ReLU, in every stage.
    BeforeRelu,
    /// After pooling, in the first two stages.
    AfterPoolingOfTwo,
}

enum Layer {
    Linear,
    Relu,
}

use Layer::{Linear, Relu};
use NormPlace::{AfterPoolingOfTwo, BeforeRelu, Nowhere};
use Pooling::{Max2, Max3, Mean3, Unpooled};

const fn pytorch(
    name: &'static str,
    stages: &'static [(usize, usize, Pooling)],
    head: &'static [Layer],
) -> Table {
    Table { name, channels: 1, side: 40, stages, norm: BeforeRelu, head }
}

const SMALL_KERNELS: &[(usize, usize, Pooling)] = &[(3, 48, Max2), (3, 64, Max2), (3, 32, Max2)];

const TABLES: &[Table] = &[
    Table {
        name: "TensorFlow",
        channels: 1,
        side: 32,
        stages: &[(5, 32, Max2), (5, 64, Max2)],
        norm: Nowhere,
        head: &[Linear, Relu, Linear],
    },
    Table {
        name: "Caffe",
        channels: 3,
        side: 32,
        stages: &[(5, 32, Max3), (5, 32, Mean3), (5, 64, Mean3)],
        norm: AfterPoolingOfTwo,
        head: &[Linear],
    },
    pytorch("ConvNet32", &[(5, 32, Max2), (5, 64, Max2), (5, 32, Max2)], &[Linear]),
    pytorch("ConvNet48", &[(5, 48, Max2), (5, 64, Max2), (5, 32, Max2)], &[Linear]),
    pytorch("ConvNet32_753", &[(7, 32, Max2), (5, 64, Max2), (3, 32, Max2)], &[Linear]),
    pytorch("ConvNet48_333", SMALL_KERNELS, &[Linear]),
    pytorch("ConvNet48_Dropout", SMALL_KERNELS, &[Linear, Linear]),
    pytorch("ConvNet48_Dropout2", SMALL_KERNELS, &[Linear, Linear]),
    pytorch("ConvNet48_Dropout3", SMALL_KERNELS, &[Linear]),
    pytorch(
        "ConvNet128",
        &[(3, 32, Max2), (3, 64, Max2), (3, 128, Max2), (3, 128, Max2)],
        &[Linear],
    ),
    Table {
        name: "ReaderNet",
        channels: 3,
        side: 32,
        stages: &[
            (3, 24, Unpooled),
            (3, 32, Max2),
            (3, 64, Unpooled),
            (3, 64, Max2),
            (3, 96, Unpooled),
            (3, 128, Max2),
            (3, 128, Max2),
        ],
        norm: BeforeRelu,
        head: &[Linear],
    },
];

type Weights = HashMap<String, (Vec<usize>, Vec<f32>)>;

/// A network's weights, drawn by `net`, with batch norms that do something.
fn weights(net: &Classifier) -> Weights {
    let bytes = net.to_safetensors().expect("written");
    let file = SafeTensors::deserialize(&bytes).expect("read");
    let mut weights = Weights::new();
    for (name, tensor) in file.tensors() {
        let (values, rest) = tensor.data().as_chunks::<4>();
        assert!(rest.is_empty());
        let mut values: Vec<f32> = values.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        let varied = |from: f32, step: f32| move |i: usize| from + step * (i % 7) as f32;
        let vary = |values: &mut [f32], of: &dyn Fn(usize) -> f32| {
            values.iter_mut().enumerate().for_each(|(i, value)| *value = of(i));
        };
        match name.rsplit('.').next() {
            Some("running_mean") => vary(&mut values, &varied(-0.1, 0.05)),
            Some("running_var") => vary(&mut values, &varied(0.4, 0.1)),
            Some("gamma") => vary(&mut values, &varied(0.7, 0.1)),
            Some("beta") => vary(&mut values, &varied(-0.2, 0.07)),
            _ => {}
        }
        weights.insert(name, (tensor.shape().to_vec(), values));
    }
    weights
}

fn to_bytes(weights: &Weights) -> Vec<u8> {
    let bytes: HashMap<&str, Vec<u8>> = weights
        .iter()
        .map(|(name, (_, values))| {
            (name.as_str(), values.iter().flat_map(|value| value.to_le_bytes()).collect())
        })
        .collect();
    let views = weights.iter().map(|(name, (shape, _))| {
        let view = TensorView::new(safetensors::Dtype::F32, shape.clone(), &bytes[name.as_str()]);
        (name, view.expect("the shape fits"))
    });
    safetensors::serialize(views, None).expect("written")
}

/// Planes of one image.
struct Planes {
    side: usize,
    planes: Vec<Vec<f64>>,
}

impl Planes {
    fn at(&self, plane: usize, y: isize, x: isize) -> f64 {
        let inside = 0..self.side as isize;
        if inside.contains(&y) && inside.contains(&x) {
            self.planes[plane][y as usize * self.side + x as usize]
        } else {
            0.0
        }
    }

    fn convolved(&self, kernel: usize, weights: &[f32], biases: &[f32]) -> Planes {
        let (side, reach) = (self.side, (kernel / 2) as isize);
        let plane_of = |out: usize| {
            let mut plane = vec![f64::from(biases[out]); side * side];
            for (i, value) in plane.iter_mut().enumerate() {
                let (y, x) = ((i / side) as isize, (i % side) as isize);
                for c in 0..self.planes.len() {
                    for (k, weight) in weights[(out * self.planes.len() + c) * kernel * kernel..]
                        [..kernel * kernel]
                        .iter()
                        .enumerate()
                    {
                        let (dy, dx) = ((k / kernel) as isize, (k % kernel) as isize);
                        *value += f64::from(*weight) * self.at(c, y + dy - reach, x + dx - reach);
                    }
                }
            }
            plane
        };
        Planes { side, planes: (0..biases.len()).map(plane_of).collect() }
    }

    fn normed(mut self, weights: &Weights, stage: usize) -> Planes {
        let of = |name: &str| &weights[&format!("stages.{stage}.norm.{name}")].1;
        let (gamma, beta) = (of("gamma"), of("beta"));
        let (mean, variance) = (of("running_mean"), of("running_var"));
        for (c, plane) in self.planes.iter_mut().enumerate() {
            let deviation = (f64::from(variance[c]) + 1e-5).sqrt();
            for value in plane {
                let normal = (*value - f64::from(mean[c])) / deviation;
                *value = f64::from(gamma[c]) * normal + f64::from(beta[c]);
            }
        }
        self
    }

    fn rectified(mut self) -> Planes {
        self.planes.iter_mut().flatten().for_each(|value| *value = value.max(0.0));
        self
    }

    fn pooled(&self, pooling: Pooling) -> Planes {
        let (window, side) = match pooling {
            Unpooled => return Planes { side: self.side, planes: self.planes.clone() },
            Max2 => (2, self.side / 2),
            Max3 | Mean3 => (3, self.side.div_ceil(2)),
        };
        let pooled = |plane: &Vec<f64>| {
            let value_at = |i: usize| {
                let rows = (2 * (i / side)..2 * (i / side) + window).filter(|&y| y < self.side);
                let values: Vec<f64> = rows
                    .flat_map(|y| (0..window).map(move |dx| (y, 2 * (i % side) + dx)))
                    .filter(|&(_, x)| x < self.side)
                    .map(|(y, x)| plane[y * self.side + x])
                    .collect();
                match pooling {
                    Mean3 => values.iter().sum::<f64>() / values.len() as f64,
                    Unpooled | Max2 | Max3 => values.into_iter().fold(f64::NEG_INFINITY, f64::max),
                }
            };
            (0..side * side).map(value_at).collect()
        };
        Planes { side, planes: self.planes.iter().map(pooled).collect() }
    }
}

/// The softmax of what the table's network makes of one input.
fn worked_out(table: &Table, weights: &Weights, input: &[f32]) -> Vec<f64> {
    let plane = table.side * table.side;
    let mut x = Planes {
        side: table.side,
        planes: input.chunks(plane).map(|p| p.iter().copied().map(f64::from).collect()).collect(),
    };
    for (i, &(kernel, outputs, pooling)) in table.stages.iter().enumerate() {
        let (shape, kernels) = &weights[&format!("stages.{i}.conv.weight")];
        assert_eq!(*shape, [outputs, x.planes.len(), kernel, kernel], "{}", table.name);
        x = x.convolved(kernel, kernels, &weights[&format!("stages.{i}.conv.bias")].1);
        if table.norm == BeforeRelu {
            x = x.normed(weights, i);
        }
        x = x.rectified().pooled(pooling);
        if table.norm == AfterPoolingOfTwo && i < 2 {
            x = x.normed(weights, i);
        }
    }
    let mut x: Vec<f64> = x.planes.into_iter().flatten().collect();
    let mut linears = 0;
    for layer in table.head {
        match layer {
            Relu => x.iter_mut().for_each(|value| *value = value.max(0.0)),
            Linear => {
                // Inputs before outputs.
                let (shape, weight) = &weights[&format!("linears.{linears}.weight")];
                assert_eq!(shape[0], x.len(), "{}", table.name);
                let bias = &weights[&format!("linears.{linears}.bias")].1;
                let output = |o: usize| {
                    let products = x.iter().enumerate();
                    let sum: f64 =
                        products.map(|(i, x)| x * f64::from(weight[i * bias.len() + o])).sum();
                    sum + f64::from(bias[o])
                };
                x = (0..bias.len()).map(output).collect();
                linears += 1;
            }
        }
    }
    let exps: Vec<f64> = x.iter().map(|logit| logit.exp()).collect();
    let sum: f64 = exps.iter().sum();
    exps.iter().map(|exp| exp / sum).collect()
}

#[test]
fn every_network_gives_the_values_of_the_reports_table() {
    let names: Vec<&str> = Architecture::ALL.iter().map(|known| known.name).collect();
    assert_eq!(TABLES.iter().map(|table| table.name).collect::<Vec<_>>(), names);
    let device = Device::flex();
    for table in TABLES {
        let architecture = Architecture::named(table.name).expect("a network");
        let net = seeded(Network::new(architecture, &device), 8);
        let drawn = Classifier::new(net, device.clone());
        let weights = weights(&drawn.expect("the CPU reads its own weights"));
        let net = Classifier::from_safetensors(architecture, to_bytes(&weights), &device)
            .expect("the weights fit");
        let samples = table.channels * table.side * table.side;
        let inputs: Vec<f32> =
            (0..2 * samples).map(|i| ((i * 7919) % 1009) as f32 / 252.0 - 2.0).collect();
        let readings = pollster::block_on(net.read_inputs(&inputs)).expect("read");
        assert_eq!(readings.len(), 2);
        for (input, reading) in inputs.chunks(samples).zip(readings) {
            let expected = worked_out(table, &weights, input);
            for (found, expected) in reading.confidences.iter().zip(expected) {
                let error = (f64::from(*found) - expected).abs();
                assert!(error < 1e-5, "{}: {found} instead of {expected}", table.name);
            }
        }
    }
}
