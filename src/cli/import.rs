//! `doorplate import`

use std::path::PathBuf;

use clap::Parser;

use super::{Context as _, Result};
use crate::{
    classifier::{Architecture, Classifier, TensorNames},
    files::{open_regular, write_whole},
};

/// Turn weights that were trained with PyTorch into a file that --weights takes.
///
/// The file is what torch.save(net.state_dict(), FILE) writes. Its tensors must have the names and
/// shapes of the network's; docs/training.md lists them. Names can be changed with --rename.
#[derive(Debug, Parser)]
#[command(after_help = super::examples!(
    "doorplate import --pytorch mine.pt --net ReaderNet -o mine.safetensors",
    "doorplate import --pytorch mine.pt --net ConvNet48 -o mine.safetensors --rename '^conv(\\d)=stages.$1.conv'",
    "doorplate evaluate --data svhn/test --weights mine.safetensors",
))]
pub struct Args {
    /// The PyTorch file (.pt, .pth).
    #[arg(long, value_name = "FILE")]
    pytorch: PathBuf,
    /// The network that was trained.
    #[arg(long, value_name = "NETWORK")]
    net: String,
    /// The file to write, as safetensors.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// The entry of the file's dictionary that holds the tensors, for example state_dict; without it the
    /// dictionary itself holds them.
    #[arg(long, value_name = "NAME")]
    key: Option<String>,
    /// Replace what a regular expression matches in the tensors' names; $1 is its first group. May be
    /// given several times, to be applied in this order.
    #[arg(long, value_name = "FROM=TO", value_parser = rename)]
    rename: Vec<(String, String)>,
}

fn rename(text: &str) -> Result<(String, String), String> {
    let (from, to) = text.split_once('=').ok_or("this is not FROM=TO")?;
    Ok((from.to_owned(), to.to_owned()))
}

pub fn run(args: &Args) -> Result<()> {
    let architecture = Architecture::named(&args.net)?;
    let path = args.pytorch.display();
    // A pipe would be waited for.
    open_regular(&args.pytorch).context(path)?;
    let names = TensorNames { key: args.key.clone(), renames: args.rename.clone() };
    let classifier = Classifier::from_pytorch(architecture, &args.pytorch, &names)
        .context(args.pytorch.display())?;
    let output = args.output.display();
    write_whole(&args.output, &classifier.to_safetensors()?)
        .context(format_args!("{output}: could not be written"))?;
    tell!("{output}: {} with the weights of {}", architecture.name, args.pytorch.display())?;
    Ok(())
}
