//! Boxes from other tools' files, and back into such files.

use std::ffi::OsStr;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;

use leptos::task::spawn_local;
use wasm_split_helpers::{SplitLoaderError, wasm_split};
use web_sys::Blob;

use super::format::{UniqueNames, stem_of};
use super::gallery::{Gallery, PhotoId};
use super::given::Given;
use super::named::named;
use super::zip::Zip;
use crate::app::browser::{blob_of, bytes_of, describe, download};
use crate::app::later::fetched;
use crate::app::page::Page;
use crate::app::state::messages::Tone;
use crate::boxes::{
    BoxFile, BoxFormat, JSON_SUFFIX, PhotoBoxes, YOLO_CLASSES, box_file_from_bytes, is_class_list,
    plain_name, write_list, write_one, yolo_classes,
};
use crate::photo::BoxInPhoto;

/// Larger box files are refused: they are no person's work on the photos here, and would fill the
/// page's memory.
const MAX_FILE_BYTES: f64 = 20.0 * 1024.0 * 1024.0;

/// More boxes than any photo of a house has; the page would be slow with them.
const MAX_BOXES: usize = 1000;

/// The formats that boxes can be written in here, with their names for people.
pub const WRITTEN: [(BoxFormat, &str); 5] = [
    (BoxFormat::Json, "JSON"),
    (BoxFormat::Csv, "CSV"),
    (BoxFormat::Coco, "COCO"),
    (BoxFormat::Yolo, "YOLO"),
    (BoxFormat::Voc, "VOC"),
];

/// Whether a file's name is that of a box file.
pub fn is_box_file(name: &str) -> bool {
    let extension = Path::new(name).extension().map(OsStr::to_ascii_lowercase);
    extension.is_some_and(|extension| {
        ["json", "csv", "tsv", "txt", "xml", "mat"].into_iter().any(|known| extension == known)
    })
}

/// Puts the boxes of these files on the photos that they name, or on the open photo where one file
/// names none.
pub async fn apply(page: Page, files: Vec<Given>) {
    if let Some(apply) = fetched(page, Box::pin(applying())).await {
        apply(page, files).await;
    }
}

/// Downloads all photos' boxes in a format.
pub fn export(page: Page, format: BoxFormat) {
    spawn_local(async move {
        if let Some(write) = fetched(page, Box::pin(writing())).await {
            write(page, format);
        }
    });
}

type Apply = fn(Page, Vec<Given>) -> Pin<Box<dyn Future<Output = ()>>>;

#[wasm_split(files, fallible)]
fn applying() -> Result<Apply, SplitLoaderError> {
    Ok(|page, files| Box::pin(read_and_place(page, files)))
}

#[wasm_split(files, fallible)]
fn writing() -> Result<fn(Page, BoxFormat), SplitLoaderError> {
    Ok(write)
}

async fn read_and_place(page: Page, files: Vec<Given>) {
    let mut classes = None;
    let mut box_files = Vec::new();
    for Given { name, file } in files {
        match read(&file).await {
            Ok(bytes) if is_class_list(Path::new(&name)) => {
                classes = Some(String::from_utf8_lossy(&bytes).into_owned());
            }
            Ok(bytes) => box_files.push((name, bytes)),
            Err(reason) => page.messages.show(Tone::Error, format!("{name}: {reason}.")),
        }
    }
    let alone = box_files.len() == 1;
    let mut placed = Placed::default();
    for (name, bytes) in box_files {
        // Any text may end so: it is YOLO's if it is named like a photo, or reads as YOLO.
        let other_text = name.to_ascii_lowercase().ends_with(".txt")
            && page.photos.gallery.with_untracked(|all| all.of_stem(stem_of(&name)).is_none());
        let empty = bytes.trim_ascii().is_empty();
        match box_file_from_bytes(Path::new(&name), bytes, None, classes.as_deref()) {
            Ok(file) if !(other_text && empty) => place(page, &name, &file, alone, &mut placed),
            Err(error) if !other_text => placed.problems.push(error.to_string()),
            _ if alone => placed.problems.push(format!(
                "{name} is not a box file. A YOLO file is named like its photo, and has a line for \
                 each box"
            )),
            // Beside other files it was not meant.
            _ => {}
        }
    }
    placed.tell(page);
}

async fn read(file: &Blob) -> Result<Vec<u8>, String> {
    if file.size() > MAX_FILE_BYTES {
        let megabytes = file.size() / (1024.0 * 1024.0);
        return Err(format!(
            "it has {megabytes:.0} MB; box files may have up to 20 MB. Leave out what it lists \
             besides these photos"
        ));
    }
    bytes_of(file).await
}

/// What came of box files.
#[derive(Default)]
struct Placed {
    photos: usize,
    boxes: usize,
    /// Names in box files that no photo here has.
    elsewhere: usize,
    problems: Vec<String>,
}

impl Placed {
    fn tell(self, page: Page) {
        if !self.problems.is_empty() {
            page.messages.show(Tone::Error, format!("{}.", named(&self.problems)));
        }
        let plural = |count: usize, one: &str, many: &str| {
            if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
        };
        if self.photos > 0 {
            let mut text = format!(
                "{} on {} taken from the file. Check them, then save.",
                plural(self.boxes, "box", "boxes"),
                plural(self.photos, "photo", "photos")
            );
            if self.elsewhere > 0 {
                text += &format!(
                    " It lists {} that {} not open here.",
                    plural(self.elsewhere, "other photo", "other photos"),
                    if self.elsewhere == 1 { "is" } else { "are" }
                );
            }
            page.messages.show(Tone::Done, text);
        }
    }
}

fn place(page: Page, name: &str, file: &BoxFile, alone: bool, placed: &mut Placed) {
    let gallery = page.photos.gallery;
    match file {
        BoxFile::One(boxes) => {
            let target = gallery.with_untracked(|gallery| {
                gallery.of_stem(stem_of_boxes(name)).or(gallery.open().filter(|_| alone))
            });
            match target {
                Some(id) => put(page, name, id, boxes, placed),
                None => placed.problems.push(format!(
                    "{name}: no photo is open whose name begins like the file's; open the photo \
                     first"
                )),
            }
        }
        BoxFile::Many(list) => {
            let targets: Vec<(PhotoId, PhotoBoxes)> = gallery.with_untracked(|gallery| {
                gallery
                    .unique_names()
                    .into_iter()
                    .filter_map(|(id, photo)| {
                        let of_name = |listed: &str| {
                            listed.rsplit('/').next().is_some_and(|file| file == photo)
                        };
                        let plain = plain_name(&photo);
                        let key = list.get(&plain).map(|_| plain.as_str());
                        let key = key.or_else(|| list.names().find(|listed| of_name(listed)))?;
                        Some((id, list.get(key)?.clone()))
                    })
                    .collect()
            });
            if targets.is_empty() {
                let listed = list.names().take(3).collect::<Vec<_>>().join(", ");
                let listed = if listed.is_empty() { "no photo".to_owned() } else { listed };
                placed
                    .problems
                    .push(format!("{name}: none of the open photos is in it; it lists {listed}"));
            }
            placed.elsewhere += list.names().count().saturating_sub(targets.len());
            for (id, boxes) in targets {
                put(page, name, id, &boxes, placed);
            }
        }
    }
}

/// The stem of the photo that a file of one photo's boxes belongs to.
fn stem_of_boxes(name: &str) -> &str {
    name.strip_suffix(JSON_SUFFIX).unwrap_or_else(|| stem_of(name))
}

fn put(page: Page, name: &str, id: PhotoId, boxes: &PhotoBoxes, placed: &mut Placed) {
    let Some((photo, size)) = page
        .photos
        .gallery
        .with_untracked(|gallery| gallery.get(id).map(|entry| (entry.name.clone(), entry.size)))
    else {
        return;
    };
    let areas = match boxes.on(size) {
        Ok(areas) if areas.len() <= MAX_BOXES => areas,
        Ok(areas) => {
            let count = areas.len();
            placed.problems.push(format!(
                "{name}: it has {count} boxes for {photo}; up to {MAX_BOXES} a photo are taken"
            ));
            return;
        }
        Err(error) => {
            placed.problems.push(format!("{name}: for {photo}, {error}"));
            return;
        }
    };
    placed.photos += 1;
    placed.boxes += areas.len();
    let stays = areas.iter().zip(&boxes.boxes).filter(|(_, given)| given.keep);
    let kept: Vec<BoxInPhoto> = stays.map(|(area, _)| *area).collect();
    let on_stage =
        page.open.photo.with_untracked(|shown| shown.as_ref().is_some_and(|shown| shown.id == id));
    if on_stage {
        page.edit(|editor| editor.replace_all(&areas, &kept, &boxes.strokes));
    } else {
        page.photos.change(|gallery| gallery.replace_boxes(id, &areas, &kept, &boxes.strokes));
    }
}

fn write(page: Page, format: BoxFormat) {
    match make(&page.photos.gallery.get_untracked(), format)
        .and_then(|(file, name)| download(&file, &name).map(|()| name))
    {
        Ok(name) => page
            .messages
            .show(Tone::Done, format!("Boxes saved as {name}. Open it here to get them back.")),
        Err(reason) => {
            page.messages
                .show(Tone::Error, format!("Could not save the boxes: {reason}. Try again."));
        }
    }
}

fn make(gallery: &Gallery, format: BoxFormat) -> Result<(Blob, String), String> {
    let photos = gallery.labelled();
    let stem = match photos.as_slice() {
        [photo] => stem_of(&photo.name).to_owned(),
        _ => "doorplate".to_owned(),
    };
    let text_file =
        |text: &str, kind: &str| blob_of(text.as_bytes(), kind).map_err(|error| describe(&error));
    if let Some(text) = write_list(format, &photos) {
        let (ending, kind) = match format {
            BoxFormat::Csv => (".csv", "text/csv"),
            BoxFormat::Coco => (".coco.json", "application/json"),
            _ => (JSON_SUFFIX, "application/json"),
        };
        return Ok((text_file(&text, kind)?, stem + ending));
    }
    let suffix = format.suffix().unwrap_or_default();
    // YOLO's numbers mean something only beside their list.
    if let ([photo], BoxFormat::Voc) = (photos.as_slice(), format) {
        let text = write_one(format, photo).unwrap_or_default();
        return Ok((text_file(&text, "application/xml")?, stem + suffix));
    }
    let mut zip = Zip::new();
    // Photos may differ in nothing but their ending.
    let mut names = UniqueNames::default();
    for photo in &photos {
        let text = write_one(format, photo).unwrap_or_default();
        let name = names.take(&format!("{}{suffix}", stem_of(&photo.name)));
        zip.add(&name, text.as_bytes())?;
    }
    if format == BoxFormat::Yolo {
        zip.add(YOLO_CLASSES, yolo_classes().as_bytes())?;
    }
    Ok((zip.finish()?, format!("{stem}-{format}.zip")))
}
