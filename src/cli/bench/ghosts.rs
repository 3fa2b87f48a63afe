//! What a general OCR still reads on real photos where numbers were removed.

use std::path::{Path, PathBuf};

use image::{RgbImage, imageops};
use indicatif::ProgressBar;

use super::removal::{Args, outcome, own_ways};
use crate::{
    cli::{
        Context as _, Result,
        boxes::{BoxSource, BoxesError, grow},
        read::open_photo,
    },
    evaluation::{GhostCrops, Outcome, PeersError, rgb},
    numbers::house_numbers,
    photo::{BoxInPhoto, PhotoSize, is_photo},
    removal::{Method, Nets},
};

/// A number is cut out with a margin of its height divided by this.
const MARGIN_PART: u32 = 4;

/// What is left of the numbers after one method.
struct Ghosts {
    name: String,
    any: usize,
    same: usize,
}

/// Prints the table.
pub fn measure(args: &Args, folder: &Path, nets: &Nets) -> Result<()> {
    let source = BoxSource::open(Some(folder), None)?;
    let mut photos: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder).context(folder.display())? {
        let path = entry?.path();
        let name = path.strip_prefix(folder).unwrap_or(&path).to_owned();
        if is_photo(&path) && source.find(&path, &name).is_ok_and(|(_, it)| !it.boxes.is_empty()) {
            photos.push(path);
        }
    }
    photos.sort_unstable();
    let every = photos.len().div_ceil(args.sign_photos.max(1)).max(1);
    let photos: Vec<PathBuf> = photos.into_iter().step_by(every).collect();

    let mut own = own_ways();
    own.retain(|(_, method)| !matches!(method, Some(Method::Report(_))));
    let mut names: Vec<String> = own.iter().map(|(name, _)| name.clone()).collect();
    names.push("doorplate, checked".to_owned());
    let mut crops = GhostCrops::new()?;
    let mut numbers = 0;
    let bar = ProgressBar::new(photos.len() as u64);
    for path in &photos {
        let photo = open_photo(path)?;
        let name = path.strip_prefix(folder).unwrap_or(path);
        let (file, boxes) = source.find(path, name)?;
        let given =
            boxes.on(photo.size()).map_err(|source| BoxesError::OnPhoto { path: file, source })?;
        let boxes = grow(&given, args.grow, photo.size());
        let before = rgb(&photo);
        let mut outcomes = Vec::new();
        for (_, method) in &own {
            outcomes.push(outcome(method.as_ref(), &before, &boxes, nets)?);
        }
        outcomes.push(Outcome::checked(&Method::default(), &before, &boxes, nets)?);
        for number in house_numbers(&given) {
            numbers += 1;
            let hull = number.iter().filter_map(|&i| given.get(i)).copied();
            let Some(hull) = hull.reduce(|a, b| a.union(&b)) else { continue };
            for outcome in &outcomes {
                crops.add(cut(&outcome.after, hull, photo.size()))?;
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let readings = match crops.read() {
        Ok(readings) => readings,
        Err(error @ PeersError::NoPython { .. }) => {
            tell!("The OCR is left out: {error}")?;
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    let ghosts = names.into_iter().enumerate().map(|(i, name)| {
        let mut ghosts = Ghosts { name, any: 0, same: 0 };
        for of_number in readings.chunks_exact(own.len() + 1) {
            // The first outcome is the unchanged photo.
            ghosts.any += usize::from(!of_number[i].is_empty());
            ghosts.same += usize::from(of_number[i].iter().any(|it| of_number[0].contains(it)));
        }
        ghosts
    });
    tell!(
        "Ghosts: what RapidOCR reads in {numbers} numbers on {} photos, unchanged or with contrast \
         stretched",
        photos.len()
    )?;
    tell!("{:<36}{:>12}{:>18}", "", "any digit", "the number itself")?;
    for Ghosts { name, any, same } in ghosts {
        let percent = |count: usize| 100.0 * count as f64 / numbers.max(1) as f64;
        tell!("{name:<36}{:>10.1} %{:>16.1} %", percent(any), percent(same))?;
    }
    tell!("")?;
    Ok(())
}

fn cut(photo: &RgbImage, number: BoxInPhoto, size: PhotoSize) -> RgbImage {
    let area = number.grown(number.height / MARGIN_PART, size);
    imageops::crop_imm(photo, area.left, area.top, area.width, area.height).to_image()
}
