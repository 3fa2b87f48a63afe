//! Copies weights and gradients from one device to another.
//!
//! They are copied through this machine's memory. Burn would copy them directly between lenders,
//! but these may not reach each other, and Burn panics if a device is lost meanwhile.

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    optim::GradientsParams,
    tensor::{Device, Tensor},
};

use super::lost_device::lost;
use crate::classifier::EngineError;

/// A copy of `net` on `device`, to be trained there by autodiff: its parameters have the ids of
/// `net`'s, its statistics are its own.
///
/// # Errors
/// [`EngineError`] when the device that holds `net` is lost.
pub(super) fn net_on<M: Module>(device: &Device, net: &M) -> Result<M, EngineError> {
    let mut mapper = CopiedWeights { device: device.clone().without_autodiff(), problem: None };
    // valid() gives batch norms statistics of their own; a clone shares them, and mapping it would
    // move those of both.
    let copy = net.valid().map(&mut mapper);
    mapper.problem.map_or_else(|| Ok(copy.train()), Err)
}

/// A copy on `device` of the gradients of `net`'s parameters.
///
/// # Errors
/// [`EngineError`] when the device that holds them is lost.
pub(super) fn gradients_on<M: Module>(
    device: &Device,
    net: &M,
    gradients: GradientsParams,
) -> Result<GradientsParams, EngineError> {
    // Gradients are plain tensors, whatever device their network is on.
    let device = device.clone().without_autodiff();
    let mut visitor =
        CopiedGradients { device, from: gradients, to: GradientsParams::new(), problem: None };
    net.visit(&mut visitor);
    visitor.problem.map_or(Ok(visitor.to), Err)
}

fn copy_on<const D: usize>(device: &Device, tensor: Tensor<D>) -> Result<Tensor<D>, EngineError> {
    let data = tensor.try_into_data().map_err(lost)?;
    Ok(Tensor::from_data(data, device))
}

struct CopiedWeights {
    device: Device,
    problem: Option<EngineError>,
}

impl ModuleMapper for CopiedWeights {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| {
            copy_on(&self.device, tensor.clone()).unwrap_or_else(|problem| {
                self.problem = Some(problem);
                tensor
            })
        })
    }
}

struct CopiedGradients {
    device: Device,
    from: GradientsParams,
    to: GradientsParams,
    problem: Option<EngineError>,
}

impl ModuleVisitor for CopiedGradients {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.from.remove::<D>(param.id) {
            match copy_on(&self.device, gradient) {
                Ok(copy) => self.to.register(param.id, copy),
                Err(problem) => self.problem = Some(problem),
            }
        }
    }
}
