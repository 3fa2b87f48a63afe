//! Choosing the device that computes.

use anyhow::bail;
use burn::tensor::Device;
use clap::ValueEnum;

/// Devices that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DeviceArg {
    /// The best one that this build has.
    Auto,
    /// This machine's processor.
    Cpu,
    /// A GPU through Vulkan, Metal or DirectX (a build with `--features wgpu`).
    Wgpu,
    /// An NVIDIA GPU (a build with `--features cuda`).
    Cuda,
}

impl DeviceArg {
    /// Opens the device.
    pub fn open(self) -> anyhow::Result<Device> {
        match self {
            DeviceArg::Auto if cfg!(feature = "cuda") => DeviceArg::Cuda.open(),
            DeviceArg::Auto if cfg!(feature = "wgpu") => DeviceArg::Wgpu.open(),
            DeviceArg::Auto | DeviceArg::Cpu => Ok(Device::flex()),
            #[cfg(feature = "wgpu")]
            DeviceArg::Wgpu => Device::wgpu_options().init().map_err(|error| {
                anyhow::anyhow!("no GPU could be opened ({error:?}); use --device cpu")
            }),
            #[cfg(not(feature = "wgpu"))]
            DeviceArg::Wgpu => {
                bail!(
                    "this build has no wgpu; build it with `cargo build --release --features wgpu`"
                )
            }
            #[cfg(feature = "cuda")]
            DeviceArg::Cuda => Ok(Device::cuda(0)),
            #[cfg(not(feature = "cuda"))]
            DeviceArg::Cuda => {
                bail!(
                    "this build has no CUDA; build it with `cargo build --release --features cuda`"
                )
            }
        }
    }
}
