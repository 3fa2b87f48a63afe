//! The optimisers. SGD, AdaGrad and Adam are Burn's own; ASGD and Adadelta are implemented here on
//! Burn's [`Optimizer`] trait. All follow PyTorch's definitions, with which the report's networks
//! were trained.
//!
//! Weight decay is L2 in all five: `weight_decay * w` is added to the gradient of every weight w,
//! biases and batch norms' scales included, before the optimiser's own rule.

use std::fmt;

use crate::fault::{AtFault, Fault};
use burn::{
    module::{Module, ModuleVisitor, Param},
    optim::{
        AdaGradConfig, AdamConfig, GradientsParams, LearningRate, ModuleOptimizer, Optimizer,
        RecordState, SgdConfig, StateSink, StateSource,
        decay::{WeightDecay, WeightDecayConfig},
        momentum::MomentumConfig,
    },
    tensor::{Device, Tensor},
};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// The optimisers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerKind {
    /// Stochastic gradient descent, optionally with --momentum.
    Sgd,
    /// Averaged stochastic gradient descent (Polyak and Juditsky, 1992).
    Asgd,
    /// Adadelta (Zeiler, 2012), made for a rate of 1.
    Adadelta,
    /// AdaGrad (Duchi, Hazan and Singer, 2011).
    Adagrad,
    /// Adam (Kingma and Ba, 2014).
    Adam,
}

impl fmt::Display for OptimizerKind {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        // No variant is skipped, so there is always a name.
        self.to_possible_value().map_or(Ok(()), |value| f.write_str(value.get_name()))
    }
}

/// An optimiser with its settings, as a run's record keeps them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OptimizerConfig {
    /// Which one.
    pub kind: OptimizerKind,
    /// SGD's momentum, 0 for none; the others have none.
    pub momentum: f64,
    /// L2 penalty; 0 for none.
    pub weight_decay: f64,
    /// ASGD's t0, the steps before it begins to average; the others do not average.
    pub average_after: usize,
}

/// PyTorch's t0, more steps than most runs have.
pub const AVERAGE_AFTER: usize = 1_000_000;

impl OptimizerConfig {
    /// PyTorch's defaults: no momentum, no weight decay.
    pub fn new(kind: OptimizerKind) -> Self {
        OptimizerConfig { kind, momentum: 0.0, weight_decay: 0.0, average_after: AVERAGE_AFTER }
    }

    /// The optimiser at its first step.
    ///
    /// Its state goes into a checkpoint by [`ModuleOptimizer::into_bytes`] and comes back by
    /// `config.init().from_bytes(bytes)`.
    pub fn init(&self) -> ModuleOptimizer {
        let decay = (self.weight_decay != 0.0)
            .then_some(WeightDecayConfig { penalty: self.weight_decay as f32 });
        match self.kind {
            OptimizerKind::Sgd => {
                // Burn's default dampening of .1 is not part of the usual definition.
                let momentum = (self.momentum != 0.0).then(|| {
                    MomentumConfig::new().with_momentum(self.momentum).with_dampening(0.0)
                });
                SgdConfig::new().with_momentum(momentum).with_weight_decay(decay).init()
            }
            OptimizerKind::Asgd => ModuleOptimizer::from(Asgd {
                average_after: self.average_after,
                weight_decay: decay.as_ref().map(WeightDecay::new),
            }),
            OptimizerKind::Adadelta => ModuleOptimizer::from(Adadelta {
                weight_decay: decay.as_ref().map(WeightDecay::new),
            }),
            // Burn's default epsilons of 1e-5 damp small gradients.
            OptimizerKind::Adagrad => {
                AdaGradConfig::new().with_epsilon(1e-10).with_weight_decay(decay).init()
            }
            OptimizerKind::Adam => {
                AdamConfig::new().with_epsilon(1e-8).with_weight_decay(decay).init()
            }
        }
    }

    /// The network to read with, after the steps that `optimizer` has made on `net`: without
    /// autodiff, and with ASGD's averaged weights where the optimiser is ASGD.
    ///
    /// The average is the point of Polyak and Juditsky's method; PyTorch keeps it (as `ax`) but
    /// leaves it unused in the optimiser's state. Until averaging begins both are the same, so
    /// with PyTorch's t0 of a million steps the report's networks are what this gives.
    /// Batch-norm statistics are those of `net`, and so belong to its latest weights.
    pub fn net_for_reading<M: Module>(&self, optimizer: &ModuleOptimizer, net: &M) -> M {
        // valid() gives batch norms statistics of their own; a plain clone would share them.
        let net = net.valid();
        if self.kind != OptimizerKind::Asgd {
            return net;
        }
        // A module optimiser gives access to its state only to an optimiser. So an optimiser is
        // used that returns the average as the weights. It must get a gradient for each weight, but
        // ignores it.
        let mut weights = Weights(GradientsParams::new());
        net.visit(&mut weights);
        let mut averages = ModuleOptimizer::from(AsgdAverage).load_record(optimizer.to_record());
        averages.step(0.0, net.train(), weights.0).valid()
    }
}

/// Collects a module's weights where gradients are expected.
struct Weights(GradientsParams);

impl ModuleVisitor for Weights {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.register(param.id, param.val().without_autodiff());
    }
}

/// Averaged stochastic gradient descent (Polyak and Juditsky, "Acceleration of stochastic
/// approximation by averaging", 1992), as PyTorch defines it. At step t, from 1, with rate r:
///
/// ```text
/// eta = r / (1 + lambda * r * (t - 1))^alpha
/// w  <- w - eta * (g + lambda * w)
/// ax <- ax + (w - ax) / max(1, t - 1 - t0)
/// ```
///
/// Where the rate changes from step to step, PyTorch's eta lags one step behind; here it is that
/// of its own step.
#[derive(Clone)]
struct Asgd {
    /// t0.
    average_after: usize,
    weight_decay: Option<WeightDecay>,
}

impl Asgd {
    /// Decay of the weights.
    const LAMBDA: f64 = 1e-4;
    /// Power by which eta falls.
    const ALPHA: f64 = 0.75;
}

/// State of [`Asgd`] for one parameter.
#[derive(Clone)]
struct AsgdState<const D: usize> {
    /// Steps made.
    steps: usize,
    /// ax.
    average: Tensor<D>,
}

impl Optimizer for Asgd {
    type State<const D: usize> = AsgdState<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        mut grad: Tensor<D>,
        state: Option<AsgdState<D>>,
    ) -> (Tensor<D>, Option<AsgdState<D>>) {
        if let Some(decay) = &self.weight_decay {
            grad = decay.transform(grad, tensor.clone());
        }
        let steps_before = state.as_ref().map_or(0, |state| state.steps);
        let eta = lr / (1.0 + Self::LAMBDA * lr * steps_before as f64).powf(Self::ALPHA);
        // Not w * (1 - eta * lambda) as PyTorch writes it: that factor is so near 1 that rounding
        // it to f32 would change the decay by a tenth at rates like .005.
        let decayed = grad + tensor.clone().mul_scalar(Self::LAMBDA);
        let tensor = tensor - decayed.mul_scalar(eta);
        let averaged = steps_before.saturating_sub(self.average_after).max(1);
        let average = match state {
            Some(AsgdState { average, .. }) if averaged > 1 => {
                average.clone() + (tensor.clone() - average).div_scalar(averaged as f64)
            }
            _ => tensor.clone(),
        };
        (tensor, Some(AsgdState { steps: steps_before + 1, average }))
    }

    fn to_device<const D: usize>(state: AsgdState<D>, device: &Device) -> AsgdState<D> {
        AsgdState { average: state.average.to_device(device), ..state }
    }
}

/// Gives out the average that [`Asgd`] keeps, in place of the weights.
#[derive(Clone)]
struct AsgdAverage;

impl Optimizer for AsgdAverage {
    type State<const D: usize> = AsgdState<D>;

    fn step<const D: usize>(
        &self,
        _: LearningRate,
        tensor: Tensor<D>,
        _: Tensor<D>,
        state: Option<AsgdState<D>>,
    ) -> (Tensor<D>, Option<AsgdState<D>>) {
        // What was never stepped, batch-norm statistics among it, has no average.
        (state.as_ref().map_or(tensor, |state| state.average.clone()), state)
    }

    fn to_device<const D: usize>(state: AsgdState<D>, device: &Device) -> AsgdState<D> {
        Asgd::to_device(state, device)
    }
}

// Burn derives this trait for its own optimisers only: the derived code names private paths.
impl<const D: usize> RecordState for AsgdState<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        out.push_scalar(prefix, "steps", self.steps.into());
        out.push_tensor(prefix, "average", self.average.to_data());
    }

    fn state_unflatten(prefix: &str, src: &mut StateSource, device: &Device) -> Option<Self> {
        Some(AsgdState {
            steps: src.take_scalar(prefix, "steps")?.try_into().ok()?,
            average: Tensor::from_data(src.take_tensor(prefix, "average")?, device),
        })
    }
}

/// Adadelta (Zeiler, "ADADELTA: an adaptive learning rate method", 2012), as PyTorch defines it,
/// with a rate r that is 1 in the paper:
///
/// ```text
/// v <- rho * v + (1 - rho) * g^2
/// d  = g * sqrt(u + epsilon) / sqrt(v + epsilon)
/// u <- rho * u + (1 - rho) * d^2
/// w <- w - r * d
/// ```
#[derive(Clone)]
struct Adadelta {
    weight_decay: Option<WeightDecay>,
}

impl Adadelta {
    /// How long both averages remember.
    const RHO: f64 = 0.9;
    /// Starts the movement, and bounds it where gradients vanish.
    const EPSILON: f64 = 1e-6;
}

/// State of [`Adadelta`] for one parameter.
#[derive(Clone)]
struct AdadeltaState<const D: usize> {
    /// v, the running average of squared gradients.
    squared_gradients: Tensor<D>,
    /// u, the running average of squared movements.
    squared_moves: Tensor<D>,
}

impl Optimizer for Adadelta {
    type State<const D: usize> = AdadeltaState<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        mut grad: Tensor<D>,
        state: Option<AdadeltaState<D>>,
    ) -> (Tensor<D>, Option<AdadeltaState<D>>) {
        if let Some(decay) = &self.weight_decay {
            grad = decay.transform(grad, tensor.clone());
        }
        let state = state.unwrap_or_else(|| AdadeltaState {
            squared_gradients: grad.zeros_like(),
            squared_moves: grad.zeros_like(),
        });
        let remember = |average: Tensor<D>, value: Tensor<D>| {
            average.mul_scalar(Self::RHO) + value.square().mul_scalar(1.0 - Self::RHO)
        };
        let squared_gradients = remember(state.squared_gradients, grad.clone());
        let reach = state.squared_moves.clone().add_scalar(Self::EPSILON).sqrt();
        let size = squared_gradients.clone().add_scalar(Self::EPSILON).sqrt();
        let movement = grad * reach / size;
        let squared_moves = remember(state.squared_moves, movement.clone());
        let tensor = tensor - movement.mul_scalar(lr);
        (tensor, Some(AdadeltaState { squared_gradients, squared_moves }))
    }

    fn to_device<const D: usize>(state: AdadeltaState<D>, device: &Device) -> AdadeltaState<D> {
        AdadeltaState {
            squared_gradients: state.squared_gradients.to_device(device),
            squared_moves: state.squared_moves.to_device(device),
        }
    }
}

impl<const D: usize> RecordState for AdadeltaState<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        out.push_tensor(prefix, "squared_gradients", self.squared_gradients.to_data());
        out.push_tensor(prefix, "squared_moves", self.squared_moves.to_data());
    }

    fn state_unflatten(prefix: &str, src: &mut StateSource, device: &Device) -> Option<Self> {
        let mut take = |leaf| Some(Tensor::from_data(src.take_tensor(prefix, leaf)?, device));
        Some(AdadeltaState {
            squared_gradients: take("squared_gradients")?,
            squared_moves: take("squared_moves")?,
        })
    }
}

/// The optimiser on the command line.
#[derive(Clone, Copy, Debug, PartialEq, clap::Args)]
#[command(next_help_heading = "Optimiser")]
pub struct OptimizerArgs {
    /// The optimiser.
    #[arg(long, value_enum, default_value_t = OptimizerKind::Adam)]
    pub optimizer: OptimizerKind,
    /// For SGD: share of a step's movement that is added to the next one, from 0 to below 1
    /// [default: 0].
    #[arg(long, value_name = "SHARE", value_parser = below_one)]
    pub momentum: Option<f64>,
    /// L2 penalty that is added to the gradients.
    #[arg(long, value_name = "PENALTY", default_value_t = 0.0, value_parser = not_negative)]
    pub weight_decay: f64,
    /// For ASGD: steps before averaging of the weights begins [default: 1000000].
    #[arg(long, value_name = "STEPS")]
    pub average_after: Option<usize>,
}

/// Why the options of the optimiser cannot be combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptimizerError {
    /// An option of one optimiser with another.
    #[error("{option} goes with --optimizer {only} only; leave it out, or change the optimiser")]
    OnlyWith {
        /// The option.
        option: &'static str,
        /// Whose it is.
        only: OptimizerKind,
    },
}

impl AtFault for OptimizerError {
    fn fault(&self) -> Fault {
        Fault::Arguments
    }
}

impl OptimizerArgs {
    /// The optimiser that these options ask for.
    ///
    /// # Errors
    /// [`OptimizerError`] when an option does not go with the chosen optimiser.
    pub fn config(&self) -> Result<OptimizerConfig, OptimizerError> {
        let kind = self.optimizer;
        for (option, given, only) in [
            ("--momentum", self.momentum.is_some(), OptimizerKind::Sgd),
            ("--average-after", self.average_after.is_some(), OptimizerKind::Asgd),
        ] {
            if given && kind != only {
                return Err(OptimizerError::OnlyWith { option, only });
            }
        }
        Ok(OptimizerConfig {
            kind,
            momentum: self.momentum.unwrap_or(0.0),
            weight_decay: self.weight_decay,
            average_after: self.average_after.unwrap_or(AVERAGE_AFTER),
        })
    }
}

/// Writes the options that give this optimiser, as in `--optimizer sgd --momentum 0.9`; what is
/// at its default is left out.
impl fmt::Display for OptimizerConfig {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "--optimizer {}", self.kind)?;
        if self.kind == OptimizerKind::Sgd && self.momentum != 0.0 {
            write!(f, " --momentum {}", self.momentum)?;
        }
        if self.weight_decay != 0.0 {
            write!(f, " --weight-decay {}", self.weight_decay)?;
        }
        if self.kind == OptimizerKind::Asgd && self.average_after != AVERAGE_AFTER {
            write!(f, " --average-after {}", self.average_after)?;
        }
        Ok(())
    }
}

fn below_one(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if (0.0..1.0).contains(&value) => Ok(value),
        _ => Err("give a number from 0 up to, but not including, 1".to_owned()),
    }
}

fn not_negative(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value >= 0.0 && value.is_finite() => Ok(value),
        _ => Err("give 0 or a positive number".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    const KINDS: [OptimizerKind; 5] = [
        OptimizerKind::Sgd,
        OptimizerKind::Asgd,
        OptimizerKind::Adadelta,
        OptimizerKind::Adagrad,
        OptimizerKind::Adam,
    ];

    const STEPS: usize = 15;
    /// Weights that start at 0 show what small gradients do, which the epsilons rule.
    const START: [f32; 6] = [0.5, -1.25, 2.0, 0.0, 0.0, 0.0];
    const GRADIENT_SIZES: [f64; 6] = [1.0, 0.03, 2.0, 1e-3, 1e-6, 1e-9];

    #[derive(Module, Debug)]
    struct Vector {
        weights: Param<Tensor<1>>,
    }

    fn start() -> Vector {
        Vector { weights: Param::from_data(START, &Device::flex().autodiff()) }
    }

    fn values(net: &Vector) -> Vec<f32> {
        net.weights.val().into_data().try_into_vec::<f32>().expect("weights of f32")
    }

    /// Gradients that change size and sign from step to step (from 1) and weight to weight.
    fn gradients(step: usize) -> [f32; 6] {
        let mut gradients = [0.0; 6];
        for (i, (gradient, size)) in gradients.iter_mut().zip(GRADIENT_SIZES).enumerate() {
            *gradient = (size * (0.4 + (1.3 * step as f64 + i as f64).sin())) as f32;
        }
        gradients
    }

    fn make_step(optimizer: &mut ModuleOptimizer, net: Vector, step: usize, rate: f64) -> Vector {
        let mut registered = GradientsParams::new();
        let gradients = Tensor::<1>::from_data(gradients(step), &Device::flex());
        registered.register(net.weights.id, gradients);
        optimizer.step(rate, net, registered)
    }

    /// A published rule for one weight: step (from 1), rate, weight, gradient, state (from 0).
    type Rule<'a> = &'a dyn Fn(usize, f64, &mut f64, f64, &mut [f64; 2]);

    /// How far the optimiser strays from `rule` over the steps: largest difference of a weight,
    /// relative to how far from 0 the weight has been.
    fn worst_error(config: OptimizerConfig, rate: &dyn Fn(usize) -> f64, rule: Rule) -> f64 {
        let (mut net, mut optimizer) = (start(), config.init());
        let mut expected = START.map(|w| (f64::from(w), [0.0; 2], f64::from(w.abs())));
        let mut worst: f64 = 0.0;
        for step in 1..=STEPS {
            net = make_step(&mut optimizer, net, step, rate(step));
            for (i, (weight, state, reach)) in expected.iter_mut().enumerate() {
                let gradient = f64::from(gradients(step)[i]);
                rule(step, rate(step), weight, gradient, state);
                let found = f64::from(values(&net)[i]);
                assert!(found.is_finite(), "{config}: weight {i} is {found} after step {step}");
                *reach = reach.max(weight.abs());
                worst = worst.max((found - *weight).abs() / *reach);
            }
        }
        worst
    }

    /// Rounding to f32 comes to some 2e-7; Burn's Adam keeps its betas in f32, where 1 - .999 and
    /// the correction of the averages lose more.
    const SAME: f64 = 1e-5;
    /// What a wrong constant must at least change.
    const DIFFERENT: f64 = 1e-3;

    fn falling(step: usize) -> f64 {
        0.05 / (1.0 + 0.1 * step as f64)
    }

    #[track_caller]
    fn assert_follows(config: OptimizerConfig, rate: &dyn Fn(usize) -> f64, rule: Rule) {
        let error = worst_error(config, rate, rule);
        assert!(error <= SAME, "{config} strays from its rule by {error:e}");
    }

    #[track_caller]
    fn assert_strays(config: OptimizerConfig, rate: &dyn Fn(usize) -> f64, rule: Rule) {
        let error = worst_error(config, rate, rule);
        assert!(error >= DIFFERENT, "{config} cannot be told from a wrong rule: {error:e}");
    }

    #[test]
    fn sgd_follows_its_rule() {
        // Momentum as Polyak's heavy ball in PyTorch's form: b <- m b + g, w <- w - r b.
        let rule = |momentum: f64, decay: f64, dampening: f64| {
            move |step: usize, rate: f64, w: &mut f64, g: f64, s: &mut [f64; 2]| {
                let g = g + decay * *w;
                s[0] = if step == 1 { g } else { momentum * s[0] + (1.0 - dampening) * g };
                *w -= rate * s[0];
            }
        };
        let sgd = OptimizerConfig::new(OptimizerKind::Sgd);
        let heavy = OptimizerConfig { momentum: 0.9, ..sgd };
        let decayed = OptimizerConfig { momentum: 0.5, weight_decay: 0.01, ..sgd };
        assert_follows(sgd, &falling, &rule(0.0, 0.0, 0.0));
        assert_follows(heavy, &falling, &rule(0.9, 0.0, 0.0));
        assert_follows(decayed, &falling, &rule(0.5, 0.01, 0.0));
        assert_strays(sgd, &falling, &rule(0.9, 0.0, 0.0));
        assert_strays(heavy, &falling, &rule(0.9, 0.0, 0.1));
        assert_strays(decayed, &falling, &rule(0.5, 0.0, 0.0));
    }

    #[test]
    fn adagrad_follows_its_rule() {
        let rule = |decay: f64, epsilon: f64| {
            move |_: usize, rate: f64, w: &mut f64, g: f64, s: &mut [f64; 2]| {
                let g = g + decay * *w;
                s[0] += g * g;
                *w -= rate * g / (s[0].sqrt() + epsilon);
            }
        };
        let adagrad = OptimizerConfig::new(OptimizerKind::Adagrad);
        let decayed = OptimizerConfig { weight_decay: 0.1, ..adagrad };
        assert_follows(adagrad, &falling, &rule(0.0, 1e-10));
        assert_follows(decayed, &falling, &rule(0.1, 1e-10));
        assert_strays(adagrad, &falling, &rule(0.0, 1e-8));
        assert_strays(decayed, &falling, &rule(0.0, 1e-10));
    }

    #[test]
    fn adam_follows_its_rule() {
        let rule = |decay: f64, epsilon: f64| {
            move |step: usize, rate: f64, w: &mut f64, g: f64, s: &mut [f64; 2]| {
                let g = g + decay * *w;
                s[0] = 0.9 * s[0] + 0.1 * g;
                s[1] = 0.999 * s[1] + 0.001 * g * g;
                let mean = s[0] / (1.0 - 0.9f64.powi(step as i32));
                let square = s[1] / (1.0 - 0.999f64.powi(step as i32));
                *w -= rate * mean / (square.sqrt() + epsilon);
            }
        };
        let adam = OptimizerConfig::new(OptimizerKind::Adam);
        let decayed = OptimizerConfig { weight_decay: 0.1, ..adam };
        assert_follows(adam, &falling, &rule(0.0, 1e-8));
        assert_follows(decayed, &falling, &rule(0.1, 1e-8));
        assert_strays(adam, &falling, &rule(0.0, 1e-5));
        assert_strays(decayed, &falling, &rule(0.0, 1e-8));
    }

    #[test]
    fn adadelta_follows_its_rule() {
        let rule = |decay: f64, rho: f64, epsilon: f64| {
            move |_: usize, rate: f64, w: &mut f64, g: f64, s: &mut [f64; 2]| {
                let g = g + decay * *w;
                s[0] = rho * s[0] + (1.0 - rho) * g * g;
                let movement = ((s[1] + epsilon) / (s[0] + epsilon)).sqrt() * g;
                s[1] = rho * s[1] + (1.0 - rho) * movement * movement;
                *w -= rate * movement;
            }
        };
        let adadelta = OptimizerConfig::new(OptimizerKind::Adadelta);
        let decayed = OptimizerConfig { weight_decay: 0.1, ..adadelta };
        let one = |_: usize| 1.0;
        assert_follows(adadelta, &one, &rule(0.0, 0.9, 1e-6));
        assert_follows(adadelta, &falling, &rule(0.0, 0.9, 1e-6));
        assert_follows(decayed, &one, &rule(0.1, 0.9, 1e-6));
        assert_strays(adadelta, &one, &rule(0.0, 0.95, 1e-6));
        assert_strays(adadelta, &one, &rule(0.0, 0.9, 1e-5));
        assert_strays(decayed, &one, &rule(0.0, 0.9, 1e-6));
    }

    /// The weights' rule at a constant rate, where PyTorch's eta and ours are the same.
    fn asgd(decay: f64, lambda: f64) -> impl Fn(usize, f64, &mut f64, f64, &mut [f64; 2]) {
        move |step, rate, w, g, s| {
            // s[0] is the eta that PyTorch works out at the end of the step before.
            let eta = if step == 1 { rate } else { s[0] };
            let g = g + decay * *w;
            *w *= 1.0 - lambda * eta;
            *w -= eta * g;
            s[0] = rate / (1.0 + lambda * rate * step as f64).powf(0.75);
        }
    }

    #[test]
    fn asgd_follows_its_rule() {
        let plain = OptimizerConfig::new(OptimizerKind::Asgd);
        let decayed = OptimizerConfig { weight_decay: 0.1, ..plain };
        assert_follows(plain, &|_| 0.05, &asgd(0.0, 1e-4));
        assert_follows(decayed, &|_| 0.05, &asgd(0.1, 1e-4));
        // So high a rate shows lambda and the fall of eta.
        assert_follows(plain, &|_| 2.0, &asgd(0.0, 1e-4));
        assert_strays(plain, &|_| 2.0, &asgd(0.0, 0.0));
        assert_strays(decayed, &|_| 0.05, &asgd(0.0, 1e-4));
    }

    #[test]
    fn asgds_net_for_reading_is_the_average_of_the_weights() {
        let rate = 0.05;
        let config =
            OptimizerConfig { average_after: 4, ..OptimizerConfig::new(OptimizerKind::Asgd) };
        let (mut net, mut optimizer) = (start(), config.init());
        let rule = asgd(0.0, 1e-4);
        let mut weights = START.map(f64::from);
        let mut states = [[0.0; 2]; 6];
        let mut averages = [0.0; 6];
        for step in 1..=STEPS {
            net = make_step(&mut optimizer, net, step, rate);
            for i in 0..6 {
                rule(step, rate, &mut weights[i], f64::from(gradients(step)[i]), &mut states[i]);
                // PyTorch's mu, worked out at the end of the step before: 1 / max(1, t - 1 - t0).
                let mu = if step <= 6 { 1.0 } else { 1.0 / (step as f64 - 5.0) };
                averages[i] += (weights[i] - averages[i]) * mu;
            }
            let reading = config.net_for_reading(&optimizer, &net);
            assert_eq!(reading.weights.id, net.weights.id);
            assert!(!reading.weights.val().is_autodiff());
            for (i, found) in values(&reading).into_iter().enumerate() {
                let size = averages[i].abs() + f64::from(START[i].abs());
                let error = (f64::from(found) - averages[i]).abs() / size;
                assert!(error <= SAME, "step {step}: {found} is not {}", averages[i]);
                if step <= 6 {
                    assert_eq!(found, values(&net)[i], "averaging began at step {step}");
                }
            }
        }
        // The average has left the weights by now, or nothing was shown.
        assert!((averages[0] - weights[0]).abs() > 0.01);
        // Training continues with the unaveraged weights, and with gradients.
        assert!((f64::from(values(&net)[0]) - weights[0]).abs() < 1e-5);
        assert!(net.weights.is_require_grad());
    }

    #[test]
    fn the_other_optimisers_nets_are_read_as_they_are() {
        for kind in KINDS {
            let config = OptimizerConfig::new(kind);
            let mut optimizer = config.init();
            let net = make_step(&mut optimizer, start(), 1, 0.1);
            let reading = config.net_for_reading(&optimizer, &net);
            assert_eq!(values(&reading), values(&net), "{kind}");
            assert!(!reading.weights.val().is_autodiff(), "{kind}");
        }
    }

    #[test]
    fn a_resumed_optimiser_makes_the_same_steps() {
        for kind in KINDS {
            let momentum = if kind == OptimizerKind::Sgd { 0.9 } else { 0.0 };
            // The checkpoint falls into ASGD's averaging.
            let config = OptimizerConfig {
                momentum,
                weight_decay: 0.01,
                average_after: 2,
                ..OptimizerConfig::new(kind)
            };
            let (mut net, mut optimizer) = (start(), config.init());
            for step in 1..=6 {
                net = make_step(&mut optimizer, net, step, 0.05);
            }
            let bytes = optimizer.into_bytes().expect("a state that can be written");
            let mut resumed = config.init().from_bytes(bytes).expect("what was just written");
            let mut forgetful = config.init();
            let (mut unbroken, mut other, mut third) = (net.clone(), net.clone(), net);
            for step in 7..=12 {
                unbroken = make_step(&mut optimizer, unbroken, step, 0.05);
                other = make_step(&mut resumed, other, step, 0.05);
                third = make_step(&mut forgetful, third, step, 0.05);
                let read = |optimizer, net| values(&config.net_for_reading(optimizer, net));
                assert_eq!(values(&unbroken), values(&other), "{kind}, step {step}");
                assert_eq!(read(&optimizer, &unbroken), read(&resumed, &other), "{kind}");
                let forgotten = read(&forgetful, &third);
                // Forgetting its state must show, or the test shows nothing.
                assert_ne!(read(&optimizer, &unbroken), forgotten, "{kind}, step {step}");
            }
        }
    }

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        optimizer: OptimizerArgs,
    }

    fn parse(options: &str) -> Result<OptimizerArgs, clap::Error> {
        let words = std::iter::once("program").chain(options.split_whitespace());
        Program::try_parse_from(words).map(|program| program.optimizer)
    }

    #[test]
    fn what_is_written_is_read_back() {
        for options in [
            "--optimizer sgd",
            "--optimizer sgd --momentum 0.9 --weight-decay 0.0005",
            "--optimizer asgd",
            "--optimizer asgd --average-after 500",
            "--optimizer adadelta",
            "--optimizer adagrad",
            "--optimizer adam --weight-decay 0.0001",
        ] {
            let config = parse(options).expect("options that parse").config().expect("that agree");
            assert_eq!(config.to_string(), options);
            let json = serde_json::to_string(&config).expect("plain data");
            let back: OptimizerConfig = serde_json::from_str(&json).expect("what was written");
            assert_eq!(back, config, "{json}");
        }
        let default = parse("").expect("no option is needed").config().expect("defaults agree");
        assert_eq!(default, OptimizerConfig::new(OptimizerKind::Adam));
    }

    #[test]
    fn options_that_mean_nothing_are_refused() {
        for options in [
            "--optimizer lion",
            "--optimizer sgd --momentum 1",
            "--optimizer sgd --momentum nan",
            "--weight-decay -1",
            "--weight-decay inf",
            "--optimizer asgd --average-after some",
        ] {
            assert!(parse(options).is_err(), "{options}");
        }
        let refusal = |options: &str| {
            let parsed = parse(options).expect("options that parse");
            parsed.config().expect_err("options that do not agree")
        };
        assert_eq!(
            refusal("--optimizer adam --momentum 0.9"),
            OptimizerError::OnlyWith { option: "--momentum", only: OptimizerKind::Sgd }
        );
        assert_eq!(
            refusal("--optimizer sgd --average-after 10"),
            OptimizerError::OnlyWith { option: "--average-after", only: OptimizerKind::Asgd }
        );
    }
}
