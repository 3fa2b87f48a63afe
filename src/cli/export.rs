//! `doorplate export`

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Parser;

use super::{
    Context as _, Result, WrongArgument,
    model::{AnyNamedNet, AnyNet, WhichModels},
};
use crate::{
    files::write_whole,
    onnx::{self, Source},
};

/// Write networks as ONNX files, for other programs.
///
/// A file is given a photo's samples, 0 to 1, and normalises them itself; it says how the crop is
/// made, and of which weights it consists. StrokeNet and FinderNet are exported by --all, or by
/// their names in the manifest.
#[derive(Debug, Parser)]
#[command(after_help = super::examples!(
    "doorplate export --onnx convnet128.onnx --model convnet128",
    "doorplate export --onnx networks --all",
    "doorplate export --onnx mine.onnx --weights runs/RUN/RUN.safetensors",
))]
pub struct Args {
    /// The file to write; for several networks a folder, which is created if needed, with a file
    /// NAME.onnx for each.
    #[arg(long, value_name = "FILE|FOLDER")]
    onnx: PathBuf,
    #[command(flatten)]
    which: WhichModels,
}

pub fn run(args: &Args) -> Result<()> {
    let nets = args.which.load_any()?;
    let into_folder = args.which.several() || args.onnx.is_dir();
    let paths = if into_folder { paths_in(&args.onnx, &nets)? } else { vec![args.onnx.clone()] };
    if into_folder {
        fs::create_dir_all(&args.onnx)
            .context(format_args!("{}: cannot be created", args.onnx.display()))?;
    }
    for (AnyNamedNet { name, sha256, net }, path) in nets.iter().zip(paths) {
        let source = Source { name, sha256 };
        let file = match net {
            AnyNet::Classifier(classifier) => onnx::of_classifier(classifier, &source),
            AnyNet::Strokes(finder) => onnx::of_strokes(finder, &source),
            AnyNet::Finder(finder) => onnx::of_finder(finder, &source),
        };
        let file = file?;
        write_whole(&path, &file)
            .context(format_args!("{}: could not be written", path.display()))?;
        tell!("{name}: {} ({} kB)", path.display(), file.len().div_ceil(1000))?;
    }
    Ok(())
}

/// A file in the folder for each network.
fn paths_in(folder: &Path, nets: &[AnyNamedNet]) -> Result<Vec<PathBuf>, WrongArgument> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for AnyNamedNet { name, .. } in nets {
        let file = format!("{name}.onnx");
        // Another program's manifest may name its models as it likes.
        if Path::new(&file).file_name() != Some(file.as_ref()) {
            let reason = "is not a file name; export this network alone, with --onnx FILE";
            return Err(WrongArgument(format!("{name:?} {reason}")));
        }
        let path = folder.join(file);
        if paths.contains(&path) {
            let reason = "is the name of two networks; export each alone, with --onnx FILE";
            return Err(WrongArgument(format!("{name} {reason}")));
        }
        paths.push(path);
    }
    Ok(paths)
}
