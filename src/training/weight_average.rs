//! An exponential moving average of a network's weights, which often reads better than the last
//! weights do.

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    optim::GradientsParams,
    store::{ModuleRecord, RecordError},
    tensor::{Bytes, Tensor},
};

/// The average of a network's weights over its steps (Polyak averaging with exponential decay).
///
/// At its n-th update, from 1, each weight's average a moves to the weight w:
///
/// ```text
/// a <- a + (1 - d) * (w - a),   d = min(decay, (1 + n) / (10 + n))
/// ```
///
/// It begins with the weights it is made with. In the first updates d is lower, so that these are
/// soon forgotten (the rule of TensorFlow's `ExponentialMovingAverage` with a count of updates).
/// Running statistics of batch norms are averages already, and are unchanged.
#[derive(Clone, Debug)]
pub struct WeightAverage<M> {
    decay: f64,
    updates: u64,
    /// Never on autodiff; its statistics are not used.
    average: M,
}

impl<M: Module> WeightAverage<M> {
    /// An average that begins at `net`'s weights; `decay` is 0 (no memory) to 1 (never moves).
    pub fn new(decay: f64, net: &M) -> Self {
        WeightAverage { decay, updates: 0, average: net.valid() }
    }

    /// Takes in `net`'s weights; to be called after each step.
    pub fn update(&mut self, net: &M) {
        self.updates += 1;
        let n = self.updates as f64;
        let decay = self.decay.min((1.0 + n) / (10.0 + n));
        self.average = moved(self.average.clone(), net, 1.0 - decay);
    }

    /// `net`, without autodiff, with the averaged weights in place of its own; its batch norms'
    /// statistics are unchanged.
    pub fn apply_to(&self, net: &M) -> M {
        // valid() gives batch norms statistics of their own; a plain clone would share them.
        moved(net.valid(), &self.average, 1.0)
    }

    /// Updates so far.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// The averaged weights for a checkpoint; [`updates`](Self::updates) has to be kept too.
    ///
    /// # Errors
    /// [`RecordError`] when they cannot be written.
    pub fn to_bytes(&self) -> Result<Bytes, RecordError> {
        self.average.clone().into_record().into_bytes()
    }

    /// The average from a checkpoint. `net` is the network that was loaded from the same one:
    /// weights are matched by their parameters' ids, which checkpoints keep.
    ///
    /// # Errors
    /// [`RecordError`] when the bytes are damaged or belong to another network.
    pub fn from_bytes(
        decay: f64,
        updates: u64,
        net: &M,
        bytes: Bytes,
    ) -> Result<Self, RecordError> {
        let average = net.valid().try_load_record(ModuleRecord::from_bytes(bytes)?)?;
        Ok(WeightAverage { decay, updates, average })
    }
}

/// `from`, which is not on autodiff, with each weight moved by `share` towards that of the same
/// parameter in `to`. Batch norms' statistics are unchanged.
fn moved<M: Module>(from: M, to: &M, share: f64) -> M {
    let mut targets = Targets(GradientsParams::new());
    to.visit(&mut targets);
    from.map(&mut Mover { targets: targets.0, share, fields: Vec::new() })
}

/// Collects weights by their parameters; gradients' container is the one for tensors of all ranks.
struct Targets(GradientsParams);

impl ModuleVisitor for Targets {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.register(param.id, param.val().without_autodiff());
    }
}

struct Mover {
    targets: GradientsParams,
    share: f64,
    /// For each level from the module to the mapper's position: whether it is a batch norm's
    /// statistic.
    fields: Vec<bool>,
}

impl ModuleMapper for Mover {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        // Burn presents statistics like weights; only their names differ.
        let statistic = matches!(name, "running_mean" | "running_var");
        self.fields.push(statistic && container_type == "Struct:BatchNorm");
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.fields.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.fields.last() == Some(&true) {
            return param;
        }
        match self.targets.remove::<D>(param.id) {
            Some(target) if self.share < 1.0 => param.map(|from| {
                // In this form a weight that rests is its own average, without rounding.
                from.clone() + (target - from).mul_scalar(self.share)
            }),
            Some(target) => param.map(|_| target),
            None => param,
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::{
        nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig},
        tensor::Device,
    };

    use super::*;

    #[derive(Module, Debug)]
    struct Net {
        linear: Linear,
        norm: BatchNorm,
    }

    fn fresh() -> Net {
        let device = Device::flex().autodiff();
        Net {
            linear: LinearConfig::new(3, 2).init(&device),
            norm: BatchNormConfig::new(2).init(&device),
        }
    }

    /// The linear layer's weights and bias, and the batch norm's scale and shift.
    fn weights(net: &Net) -> Vec<f32> {
        let bias = net.linear.bias.as_ref().expect("a layer with a bias").val().into_data();
        [
            net.linear.weight.val().into_data(),
            bias,
            net.norm.gamma.val().into_data(),
            net.norm.beta.val().into_data(),
        ]
        .into_iter()
        .flat_map(|data| data.try_into_vec::<f32>().expect("weights of f32"))
        .collect()
    }

    fn statistics(net: &Net) -> Vec<f32> {
        [net.norm.running_mean.value_sync(), net.norm.running_var.value_sync()]
            .into_iter()
            .flat_map(|t| t.into_data().try_into_vec::<f32>().expect("statistics of f32"))
            .collect()
    }

    /// Weights as after a step of training: each moved by an amount of its own.
    struct Shift(f32);

    impl ModuleMapper for Shift {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            // Statistics do not require gradients; training moves them by forward passes alone.
            if !param.is_require_grad() {
                return param;
            }
            param.map(|weight| {
                let count = weight.shape().num_elements();
                let by = (0..count).map(|i| self.0 * (i as f32 + 1.0)).collect::<Vec<_>>();
                let device = weight.device().inner();
                let by = Tensor::<1>::from_data(by.as_slice(), &device).reshape(weight.dims());
                Tensor::from_inner(weight.inner() + by).require_grad()
            })
        }
    }

    /// A step of training: a forward pass for the statistics, then moved weights.
    fn trained(net: Net, step: usize) -> Net {
        let input = Tensor::<2>::from_data(
            [[step as f32, 1.0, 2.0], [0.5, -1.0, 3.0]],
            &Device::flex().autodiff(),
        );
        net.norm.forward(net.linear.forward(input));
        net.map(&mut Shift((step as f32).sin()))
    }

    fn follow(average: &mut [f64], net: &Net, decay: f64) {
        for (average, weight) in average.iter_mut().zip(weights(net)) {
            *average = decay * *average + (1.0 - decay) * f64::from(weight);
        }
    }

    fn assert_near(found: &[f32], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            let error = (f64::from(*found) - expected).abs();
            assert!(error < 1e-5 * (1.0 + expected.abs()), "{found} is not {expected}");
        }
    }

    #[test]
    fn the_average_follows_its_rule_and_goes_over_a_checkpoint() {
        let mut net = fresh();
        let mut average = WeightAverage::new(0.5, &net);
        let mut expected: Vec<f64> = weights(&net).into_iter().map(f64::from).collect();
        // (1 + n) / (10 + n), until it passes the decay at the eighth update.
        let decays = [2.0 / 11.0, 3.0 / 12.0, 4.0 / 13.0, 5.0 / 14.0, 6.0 / 15.0];
        let later = [7.0 / 16.0, 8.0 / 17.0, 0.5, 0.5, 0.5];
        for (step, decay) in decays.into_iter().chain(later).enumerate() {
            net = trained(net, step + 1);
            average.update(&net);
            follow(&mut expected, &net, decay);
            assert_near(&weights(&average.apply_to(&net)), &expected);
            if step == 4 {
                let net_bytes = net.valid().into_record().into_bytes().expect("a record");
                let bytes = average.to_bytes().expect("a record");
                let record = ModuleRecord::from_bytes(net_bytes).expect("what was written");
                net = fresh().try_load_record(record).expect("the same network");
                average = WeightAverage::from_bytes(0.5, average.updates(), &net, bytes)
                    .expect("what was written");
            }
        }
        assert_eq!(average.updates(), 10);
        // The average trails the weights, or nothing was shown.
        let trail = weights(&net).into_iter().zip(&expected).map(|(w, e)| (f64::from(w) - e).abs());
        assert!(trail.fold(0.0, f64::max) > 0.1);
    }

    #[test]
    fn statistics_are_the_nets_own_and_the_net_is_left_alone() {
        let start = fresh();
        let mut average = WeightAverage::new(0.9, &start);
        let before = statistics(&start);
        let mut net = start;
        for step in 1..=3 {
            net = trained(net, step);
            average.update(&net);
        }
        let (trained_weights, trained_statistics) = (weights(&net), statistics(&net));
        assert_ne!(trained_statistics, before, "training moved no statistics");
        let reading = average.apply_to(&net);
        assert_eq!(statistics(&reading), trained_statistics);
        assert_ne!(weights(&reading), trained_weights);
        assert_eq!((weights(&net), statistics(&net)), (trained_weights, trained_statistics));
        assert!(net.linear.weight.is_require_grad());
        assert!(!reading.linear.weight.val().is_autodiff());
        // Later training does not reach into what was given out.
        let given_out = statistics(&reading);
        let _later = trained(net, 9);
        assert_eq!(statistics(&reading), given_out);
    }

    #[test]
    fn a_net_at_rest_is_its_own_average() {
        let net = fresh();
        let mut average = WeightAverage::new(0.99, &net);
        for _ in 0..5 {
            average.update(&net);
        }
        assert_eq!(weights(&average.apply_to(&net)), weights(&net));
    }
}
