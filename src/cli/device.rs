//! Choosing the device that computes.

use std::{fmt, str::FromStr};

use burn::tensor::Device;

use super::{Result, lend::LentDevice};

/// Devices that can be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceArg {
    /// The best one that this build has.
    Auto,
    /// This machine's processor.
    Cpu,
    /// A GPU through Vulkan, Metal or DirectX.
    Wgpu,
    /// An NVIDIA GPU, by its number.
    Cuda(usize),
    /// A device that another machine lends.
    Lent(LentDevice),
}

/// What `--device` takes.
const DEVICES: &str = "auto, cpu, wgpu, cuda, cuda:NUMBER or ws://HOST:PORT";

/// The help of `--device`.
pub const WHAT_COMPUTES: &str =
    "What computes: auto, cpu, wgpu, cuda, cuda:NUMBER or ws://HOST:PORT (lend-device)";

impl FromStr for DeviceArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str| text.strip_prefix("cuda:").and_then(|n| n.parse().ok());
        match text {
            "auto" => Ok(DeviceArg::Auto),
            "cpu" => Ok(DeviceArg::Cpu),
            "wgpu" => Ok(DeviceArg::Wgpu),
            "cuda" => Ok(DeviceArg::Cuda(0)),
            _ if text.starts_with("ws://") => text.parse().map(DeviceArg::Lent),
            _ => match number(text) {
                Some(number) => Ok(DeviceArg::Cuda(number)),
                None => Err(format!("give {DEVICES}")),
            },
        }
    }
}

impl fmt::Display for DeviceArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceArg::Auto => f.write_str("auto"),
            DeviceArg::Cpu => f.write_str("cpu"),
            DeviceArg::Wgpu => f.write_str("wgpu"),
            DeviceArg::Cuda(number) => write!(f, "cuda:{number}"),
            DeviceArg::Lent(lent) => lent.fmt(f),
        }
    }
}

impl DeviceArg {
    /// Opens the device.
    pub fn open(&self) -> Result<Device> {
        match self {
            DeviceArg::Lent(lent) => lent.open(),
            DeviceArg::Auto if cfg!(feature = "cuda") => DeviceArg::Cuda(0).open(),
            DeviceArg::Auto if cfg!(feature = "wgpu") => DeviceArg::Wgpu.open(),
            DeviceArg::Auto | DeviceArg::Cpu => Ok(Device::flex()),
            #[cfg(feature = "wgpu")]
            DeviceArg::Wgpu => Device::wgpu_options().init().map_err(|error| {
                format!("no GPU could be opened ({error:?}); use --device cpu").into()
            }),
            #[cfg(not(feature = "wgpu"))]
            DeviceArg::Wgpu => {
                Err("this build has no wgpu; build it with `cargo build --release --features wgpu`"
                    .into())
            }
            #[cfg(feature = "cuda")]
            DeviceArg::Cuda(number) => Ok(Device::cuda(*number)),
            #[cfg(not(feature = "cuda"))]
            DeviceArg::Cuda(_) => {
                Err("this build has no CUDA; build it with `cargo build --release --features cuda`"
                    .into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_known_by_their_names() {
        for name in ["auto", "cpu", "wgpu", "cuda:3", "ws://host:3000/1"] {
            let device: DeviceArg = name.parse().expect("a device");
            assert_eq!(device.to_string(), name);
        }
        assert_eq!("cuda".parse(), Ok(DeviceArg::Cuda(0)));
        for wrong in ["", "gpu", "cuda:", "cuda:x", "http://host", "ws://"] {
            let problem = wrong.parse::<DeviceArg>().expect_err("no device");
            assert!(problem.contains("ws://HOST:PORT"), "{problem}");
        }
    }
}
