//! A step of training in which several devices share the batch, with Burn's autodiff.

use std::{slice, thread};

use burn::{
    module::Module,
    optim::{GradientsAccumulator, GradientsParams},
    tensor::{Device, Tensor},
};

use super::{
    copies::{gradients_on, net_on},
    cpu::Step,
    lost_device::{contained, lost},
};
use crate::classifier::EngineError;

/// Whether this machine's processor alone computes: by passes of our own, not by autodiff.
pub(super) fn on_host(devices: &[Device]) -> bool {
    devices == slice::from_ref(&Device::flex())
}

/// Each device takes its part of a batch through a copy of the network, all at the same time:
/// `loss` is a part's share of the batch's loss. The gradients are gathered on the first device,
/// which holds `net`. Batch norms see their device's part, and the first device's statistics are
/// kept, as Burn's own data-parallel strategy has it.
pub(super) fn data_parallel_step<M: Module, P>(
    devices: &[Device],
    net: &M,
    parts: Vec<P>,
    seed: u64,
    loss: impl Fn(&M, &Device, P) -> Result<Tensor<1>, EngineError>,
) -> Result<Step, EngineError> {
    let forward = |i: usize, device: &Device, part: P| {
        device.seed(seed.wrapping_add(i as u64));
        let net = if i == 0 { net.clone() } else { net_on(device, net)? };
        Ok::<(Tensor<1>, M), EngineError>((loss(&net, device, part)?, net))
    };
    let backward = &|i: usize, (loss, part_net): (Tensor<1>, M)| {
        let mut gradients = GradientsParams::from_grads(loss.backward(), &part_net);
        // Read when all is asked for: the device need not wait for this thread.
        let value = loss.try_into_scalar::<f32>().map_err(lost)?;
        if i > 0 {
            gradients = gradients_on(&devices[0], &part_net, gradients)?;
        }
        Ok::<(f32, GradientsParams), EngineError>((value, gradients))
    };
    let steps = thread::scope(|scope| {
        let mut steps = Vec::new();
        let mut others = Vec::new();
        // Forward passes are asked for by this thread alone: they draw dropout, for which devices
        // of a kind share one random number generator. The first device comes last, as one that
        // computes while it is asked keeps this thread busy.
        for (i, (device, part)) in devices.iter().zip(parts).enumerate().rev() {
            let passed = forward(i, device, part)?;
            if i > 0 {
                others.push(scope.spawn(move || contained(|| backward(i, passed))?));
            } else {
                steps.push(backward(i, passed)?);
            }
        }
        for other in others.into_iter().rev() {
            let ended = |_| Err(EngineError::Device("a device's thread ended".to_owned()));
            steps.push(other.join().unwrap_or_else(ended)?);
        }
        Ok::<_, EngineError>(steps)
    })?;
    let mut loss = 0.0;
    let mut gathered = GradientsAccumulator::new();
    for (part_loss, gradients) in steps {
        loss += part_loss;
        gathered.accumulate(net, gradients);
    }
    Ok(Step { loss, gradients: gathered.grads() })
}
