//! A declared network as a Burn module.

use burn::{
    module::{Module, Param, ParamId},
    nn::{
        BatchNorm, BatchNormConfig, Dropout, DropoutConfig, Initializer, Linear, LinearConfig,
        PaddingConfig2d,
        conv::{Conv2d, Conv2dConfig},
        pool::{AvgPool2dConfig, MaxPool2dConfig},
    },
    tensor::{Device, Tensor, activation::relu},
};

use super::architecture::{Architecture, HeadLayer, Norm, Normalisation, Pool, Start};

/// A stage's weights.
#[derive(Module, Debug)]
pub struct StageLayers {
    /// The convolution: weights `[channels out, channels in, kernel, kernel]`.
    pub conv: Conv2d,
    /// The batch normalisation, where the stage has one.
    pub norm: Option<BatchNorm>,
}

/// A network: weights, and the normalisation of its input.
#[derive(Module, Debug)]
pub struct Network {
    /// The training digits' mean, `[channels, side, side]`, on the scale 0 to 1; for networks
    /// that are declared with one.
    pub mean: Option<Param<Tensor<3>>>,
    /// Their standard deviation, in the same form.
    pub deviation: Option<Param<Tensor<3>>>,
    /// The stages' layers, first to last.
    pub stages: Vec<StageLayers>,
    /// The head's linear layers, first to last.
    pub linears: Vec<Linear>,
    dropouts: Vec<Dropout>,
    #[module(skip)]
    architecture: &'static Architecture,
}

impl Network {
    /// A freshly initialised network; its input's mean is 0 and the deviation 1, until they are
    /// measured.
    pub fn new(architecture: &'static Architecture, device: &Device) -> Self {
        let input = architecture.input;
        let statistic = |value: f32| {
            let values = Tensor::full([input.channels(), input.side, input.side], value, device);
            Param::initialized(ParamId::new(), values).set_require_grad(false)
        };
        let initializer = match architecture.start {
            Start::Xavier => Initializer::XavierUniform { gain: 1.0 },
            Start::Uniform => {
                Initializer::KaimingUniform { gain: 1.0 / 3f64.sqrt(), fan_out_only: false }
            }
        };
        let mut channels = input.channels();
        let stages = architecture
            .stages
            .iter()
            .map(|stage| {
                let kernel = [stage.kernel, stage.kernel];
                let conv = Conv2dConfig::new([channels, stage.channels], kernel)
                    .with_padding(PaddingConfig2d::Same)
                    .with_initializer(initializer.clone())
                    .init(device);
                channels = stage.channels;
                let norm = BatchNormConfig::new(stage.channels);
                StageLayers { conv, norm: (stage.norm != Norm::None).then(|| norm.init(device)) }
            })
            .collect();
        let mut features = architecture.features();
        let mut linears = Vec::new();
        let mut dropouts = Vec::new();
        for layer in architecture.head {
            match *layer {
                HeadLayer::Linear(outputs) => {
                    let config = LinearConfig::new(features, outputs);
                    linears.push(config.with_initializer(initializer.clone()).init(device));
                    features = outputs;
                }
                HeadLayer::Dropout(probability) => {
                    dropouts.push(DropoutConfig::new(probability).init());
                }
                HeadLayer::Relu => {}
            }
        }
        let normalisation = input.normalisation;
        Network {
            mean: (normalisation != Normalisation::Centred).then(|| statistic(0.0)),
            deviation: (normalisation == Normalisation::MeanAndDeviation).then(|| statistic(1.0)),
            stages,
            linears,
            dropouts,
            architecture,
        }
    }

    /// The network with this probability of dropping a feature in training, from 0 to below 1, in
    /// place of the declared one.
    #[must_use]
    pub fn with_dropout(mut self, probability: f64) -> Self {
        for dropout in &mut self.dropouts {
            dropout.prob = probability;
        }
        self
    }

    /// The network whose logits are these over `temperature`, which is above 0: what it reads stays the
    /// same, but lower temperatures make it surer.
    #[cfg(feature = "native")]
    #[must_use]
    pub fn at_temperature(mut self, temperature: f64) -> Self {
        if let Some(last) = self.linears.last_mut() {
            last.weight = last.weight.clone().map(|weights| weights / temperature);
            last.bias = last.bias.take().map(|biases| biases.map(|biases| biases / temperature));
        }
        self
    }

    /// Its probabilities of dropping a feature, layer by layer.
    #[cfg(feature = "native")]
    pub(crate) fn dropout_chances(&self) -> impl Iterator<Item = f64> {
        self.dropouts.iter().map(|dropout| dropout.prob)
    }

    /// Its declaration.
    pub fn architecture(&self) -> &'static Architecture {
        self.architecture
    }

    /// Logits `[n, 10]` of normalised inputs `[n, channels, side, side]`.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<2> {
        let mut x = input;
        for (layers, stage) in self.stages.iter().zip(self.architecture.stages) {
            x = layers.conv.forward(x);
            x = match (&layers.norm, stage.norm) {
                (Some(norm), Norm::BeforeRelu) => pooled(relu(norm.forward(x)), stage.pool),
                (Some(norm), _) => norm.forward(pooled(relu(x), stage.pool)),
                (None, _) => pooled(relu(x), stage.pool),
            };
        }
        let mut x: Tensor<2> = x.flatten(1, 3);
        let (mut linears, mut dropouts) = (self.linears.iter(), self.dropouts.iter());
        for layer in self.architecture.head {
            x = match layer {
                HeadLayer::Linear(_) => match linears.next() {
                    Some(linear) => linear.forward(x),
                    None => x,
                },
                HeadLayer::Dropout(_) => match dropouts.next() {
                    Some(dropout) => dropout.forward(x),
                    None => x,
                },
                HeadLayer::Relu => relu(x),
            };
        }
        x
    }

    /// Weights, biases and batch-norm statistics, counted as the report counts them: PyTorch
    /// keeps one more number, the batches seen, with each batch norm. The input's mean and
    /// deviation are not counted.
    pub fn reported_parameter_count(&self) -> usize {
        let of_input: usize = [&self.mean, &self.deviation]
            .into_iter()
            .flatten()
            .map(|statistic| statistic.shape().num_elements())
            .sum();
        let norms = self.stages.iter().filter(|layers| layers.norm.is_some()).count();
        self.num_params() - of_input + norms
    }
}

fn pooled(input: Tensor<4>, pool: Pool) -> Tensor<4> {
    let window = [pool.window(), pool.window()];
    let rounded_up = pool != Pool::Max2;
    match pool {
        Pool::None => input,
        Pool::Max2 | Pool::Max3 => MaxPool2dConfig::new(window)
            .with_strides([2, 2])
            .with_ceil_mode(rounded_up)
            .init()
            .forward(input),
        Pool::Mean3 => AvgPool2dConfig::new(window)
            .with_strides([2, 2])
            .with_ceil_mode(rounded_up)
            .with_count_include_pad(false)
            .init()
            .forward(input),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classifier::DIGITS;

    fn network(name: &str) -> Network {
        Network::new(Architecture::named(name).expect("a network"), &Device::flex())
    }

    #[test]
    fn sizes_are_the_reports() {
        assert_eq!(network("ConvNet48_Dropout3").reported_parameter_count(), 55_245);
        assert_eq!(network("ConvNet48").reported_parameter_count(), 137_933);
    }

    #[test]
    fn layers_have_the_reports_shapes() {
        // Weights of the convolutions, then of the linear layers, inputs before outputs there.
        let convnet = |k: [usize; 3], c: [usize; 3]| {
            vec![
                vec![c[0], 1, k[0], k[0]],
                vec![c[1], c[0], k[1], k[1]],
                vec![c[2], c[1], k[2], k[2]],
            ]
        };
        let wide = [48, 64, 32];
        let one = vec![vec![800, 10]];
        let expected = [
            (
                "TensorFlow",
                vec![vec![32, 1, 5, 5], vec![64, 32, 5, 5]],
                vec![vec![4096, 256], vec![256, 10]],
            ),
            (
                "Caffe",
                vec![vec![32, 3, 5, 5], vec![32, 32, 5, 5], vec![64, 32, 5, 5]],
                vec![vec![1024, 10]],
            ),
            ("ConvNet32", convnet([5; 3], [32, 64, 32]), one.clone()),
            ("ConvNet48", convnet([5; 3], wide), one.clone()),
            ("ConvNet32_753", convnet([7, 5, 3], [32, 64, 32]), one.clone()),
            ("ConvNet48_333", convnet([3; 3], wide), one.clone()),
            ("ConvNet48_Dropout", convnet([3; 3], wide), vec![vec![800, 500], vec![500, 10]]),
            ("ConvNet48_Dropout2", convnet([3; 3], wide), vec![vec![800, 800], vec![800, 10]]),
            ("ConvNet48_Dropout3", convnet([3; 3], wide), one),
            (
                "ConvNet128",
                vec![
                    vec![32, 1, 3, 3],
                    vec![64, 32, 3, 3],
                    vec![128, 64, 3, 3],
                    vec![128, 128, 3, 3],
                ],
                vec![vec![512, 10]],
            ),
            (
                "ReaderNet",
                vec![
                    vec![24, 3, 3, 3],
                    vec![32, 24, 3, 3],
                    vec![64, 32, 3, 3],
                    vec![64, 64, 3, 3],
                    vec![96, 64, 3, 3],
                    vec![128, 96, 3, 3],
                    vec![128, 128, 3, 3],
                ],
                vec![vec![512, 10]],
            ),
        ];
        assert_eq!(expected.len(), Architecture::ALL.len());
        for (name, convolutions, linears) in expected {
            let net = network(name);
            let found: Vec<Vec<usize>> =
                net.stages.iter().map(|stage| stage.conv.weight.dims().to_vec()).collect();
            assert_eq!(found, convolutions, "{name}");
            let found: Vec<Vec<usize>> =
                net.linears.iter().map(|linear| linear.weight.dims().to_vec()).collect();
            assert_eq!(found, linears, "{name}");
            let input = net.architecture().input;
            let shape = [3, input.channels(), input.side, input.side];
            assert_eq!(net.forward(Tensor::zeros(shape, &Device::flex())).dims(), [3, DIGITS]);
        }
    }

    #[test]
    fn caffes_poolings_round_sizes_up() {
        let caffe = Architecture::named("caffe").expect("a network");
        assert_eq!(caffe.sides(), [32, 16, 8, 4]);
        // By hand: 4 x 4 of 0..16, windows of 3 x 3 from rows and columns 0 and 2.
        let input = Tensor::<1>::from_floats(
            std::array::from_fn::<f32, 16, _>(|i| i as f32),
            &Device::flex(),
        );
        let input: Tensor<4> = input.reshape([1, 1, 4, 4]);
        let values = |pool| pooled(input.clone(), pool).into_data().try_into_vec::<f32>();
        assert_eq!(values(Pool::Max3).expect("f32"), [10.0, 11.0, 14.0, 15.0]);
        assert_eq!(values(Pool::Mean3).expect("f32"), [5.0, 6.5, 11.0, 12.5]);
    }

    #[test]
    fn other_names_are_refused_with_the_list() {
        let error = Architecture::named("ConvNet99").expect_err("no such network").to_string();
        assert!(error.contains("ConvNet99") && error.contains("ConvNet48_Dropout3"), "{error}");
    }
}
