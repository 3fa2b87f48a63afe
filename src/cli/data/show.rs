//! `doorplate data show`

use std::path::{Path, PathBuf};

use clap::Parser;

use crate::{
    cli::{Context as _, Result, WrongArgument},
    dataset::{
        contact_sheet::{box_sheet, crop_sheet, draw_indices, photo_sheet},
        format2::{CROP_BYTES, Format2, SIDE},
        is_format2, open_photos,
    },
    files::write_whole,
};

/// Draw a sheet of photos with their boxes and labels, and a sheet of crops.
#[derive(Debug, Parser)]
#[command(after_help = crate::cli::examples!(
    "doorplate data show svhn/train --count 24 -o sheet.png"
))]
pub struct Args {
    /// Format 1 folder, folder with folders 0 to 9 of cropped digits, or Format 2 file (.mat).
    data: PathBuf,
    /// Photo names, separated by commas, instead of a random choice.
    #[arg(long, value_delimiter = ',', conflicts_with_all = ["count", "seed"])]
    photos: Vec<String>,
    /// Number of photos or, for a Format 2 file, of crops.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// Seed of the choice.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The sheet of photos, a PNG file; for a Format 2 file, the sheet of crops.
    #[arg(short, long)]
    output: PathBuf,
    /// Also draw a sheet of the photos' crops, as a PNG file.
    #[arg(long, value_name = "FILE")]
    crops: Option<PathBuf>,
    /// Number of photos in a row.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u16).range(1..))]
    columns: u16,
}

/// Number of crops that take the width of one photo.
const CROPS_A_PHOTO: usize = 3;

pub fn run(args: &Args) -> Result<()> {
    let columns = usize::from(args.columns);
    let count = args.count as usize;
    if is_format2(&args.data) {
        if !args.photos.is_empty() || args.crops.is_some() {
            return Err(WrongArgument(
                "a Format 2 file has no photos: leave out --photos and --crops".into(),
            )
            .into());
        }
        let data = Format2::open(&args.data)?;
        let crops: Vec<_> = draw_indices(data.digits.len(), count, args.seed)
            .into_iter()
            .filter_map(|i| {
                let crop = data.crops.chunks_exact(CROP_BYTES).nth(i)?;
                Some((i + 1, crop, *data.digits.get(i)?))
            })
            .collect();
        let sheet = crop_sheet(crops.into_iter(), SIDE as u32, CROPS_A_PHOTO * columns)?;
        return put(&args.output, &sheet);
    }
    let data = open_photos(&args.data)?;
    let photos = if args.photos.is_empty() {
        draw_indices(data.photos.len(), count, args.seed)
    } else {
        args.photos.iter().map(|name| data.position(name)).collect::<Result<_, _>>()?
    };
    put(&args.output, &photo_sheet(&data, &photos, columns)?)?;
    match &args.crops {
        Some(path) => put(path, &box_sheet(&data, &photos, CROPS_A_PHOTO * columns)?),
        None => Ok(()),
    }
}

fn put(path: &Path, png: &[u8]) -> Result<()> {
    write_whole(path, png).context(path.display())
}
