//! Trains classifiers on digits.

use burn::{
    module::Param,
    tensor::{Device, Tensor, TensorData},
};

use super::{
    RunConfig, TrainingError, Watcher,
    cpu::Step,
    engine::Engine,
    finder::load as load_finder,
    material::Material,
    no_digits, targets,
    task::{Task, Validation},
    teacher::{self, Teacher},
};
use crate::{
    classifier::{
        Architecture, Classifier, EngineError, Input, Network, Precision, safetensors_of,
    },
    dataset::store::PatchFormat,
    evaluation::Confusion,
};

/// A classifier's training: digits, and teachers whose readings are the targets.
pub(super) struct Classifiers {
    config: RunConfig,
    /// Holds the network.
    device: Device,
    material: Material,
    teachers: Vec<Teacher>,
}

impl Task for Classifiers {
    type Net = Network;
    type Engine = Engine;

    const EXAMPLES: &'static str = "digits";
    const MEASURE: &'static str = "accuracy on the validation digits";

    fn load(
        config: &RunConfig,
        devices: &[Device],
        watcher: &mut dyn Watcher,
    ) -> Result<Self, TrainingError> {
        let architecture = Architecture::named(&config.net)?;
        let device = devices.first().cloned().unwrap_or_else(Device::flex);
        let teachers =
            config.teachers.iter().map(|path| Teacher::load(path, architecture, &device));
        let teachers = teachers.collect::<Result<_, _>>()?;
        let mut photos = 0;
        let mut read = |more: usize| {
            photos += more;
            watcher.photos_read(photos);
        };
        let validate_on = config.validate_on.as_deref();
        let RunConfig { data, validation, seed, .. } = config;
        let mut material =
            Material::load(data, architecture, *validation, validate_on, *seed, &mut read)?;
        if !config.no_digits.is_empty() {
            let finder = config.finder.as_deref().map(load_finder).transpose()?;
            let Input { colours, crop, side, .. } = architecture.input;
            let patches = PatchFormat::around(colours, crop, side);
            material.add(no_digits::cut(&config.no_digits, finder.as_ref(), patches, *seed, read)?);
        }
        Ok(Classifiers { config: config.clone(), device, material, teachers })
    }

    fn untrained(config: &RunConfig, device: &Device) -> Result<Network, TrainingError> {
        Ok(Network::new(Architecture::named(&config.net)?, device))
    }

    fn from_safetensors(
        config: &RunConfig,
        bytes: Vec<u8>,
        device: &Device,
    ) -> Result<Network, String> {
        let architecture = Architecture::named(&config.net).map_err(|error| error.to_string())?;
        let classifier = Classifier::from_safetensors(architecture, bytes, device);
        classifier.map(Classifier::into_network).map_err(|error| error.to_string())
    }

    fn to_safetensors(net: &Network) -> Result<Vec<u8>, EngineError> {
        safetensors_of(net, net.architecture().name, Precision::Single)
    }

    fn facts(net: &Network) -> String {
        let input = net.architecture().input;
        format!(
            "Input: {input}\nImage size: ({side}, {side})\nTotal network weights + biases: {}\n",
            net.reported_parameter_count(),
            side = input.side,
        )
    }

    fn fitted(&self, mut net: Network) -> Network {
        if let Some((mean, deviation)) = self.material.measure_standardisation() {
            net.mean = net.mean.map(|param| with_values(param, mean));
            net.deviation = net.deviation.map(|param| with_values(param, deviation));
        }
        net
    }

    fn with_options(&self, net: Network) -> Network {
        match self.config.dropout {
            Some(probability) => net.with_dropout(probability),
            None => net,
        }
    }

    fn engine(&self, net: &Network, devices: &[Device]) -> Result<Engine, EngineError> {
        Engine::new(net, devices)
    }

    fn trained_on(&self) -> u64 {
        self.material.train_len() as u64
    }

    fn epoch_len(&self) -> usize {
        self.material.epoch_len()
    }

    fn step_len(&self) -> usize {
        self.config.batch
    }

    fn validates(&self) -> bool {
        self.material.validation_len() > 0
    }

    fn step(
        &self,
        engine: &mut Engine,
        net: &Network,
        positions: &[usize],
        seed: u64,
    ) -> Result<Step, TrainingError> {
        let RunConfig { augmentation, smoothing, teaching, .. } = &self.config;
        let (inputs, digits) = self.material.batch(positions, augmentation, seed);
        let mut targets = targets::of_digits(&digits, *smoothing);
        teacher::teach(&self.teachers, &inputs, *teaching, &mut targets)?;
        Ok(engine.step(net, inputs, &targets, seed)?)
    }

    fn validate(&self, net: &Network) -> Result<Option<Validation>, EngineError> {
        let reader = Classifier::new(net.clone(), self.device.clone())?;
        let mut confusion = Confusion::default();
        for (inputs, digits) in self.material.validation(reader.standardisation()) {
            let readings = pollster::block_on(reader.read_inputs(&inputs))?;
            for (digit, reading) in digits.iter().zip(readings) {
                confusion.count(*digit, reading.best().0);
            }
        }
        Ok(confusion.accuracy().map(|share| Validation {
            share,
            report: format!("On the validation digits:\n{}", confusion.report()),
        }))
    }
}

fn with_values(param: Param<Tensor<3>>, values: Vec<f32>) -> Param<Tensor<3>> {
    param.map(|old| {
        let data = TensorData::new(values, old.dims());
        Tensor::from_data(data, &old.device()).set_require_grad(false)
    })
}
