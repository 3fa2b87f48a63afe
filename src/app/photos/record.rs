//! What is kept of the photos for the next visit, beside their files: plain data.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::gallery::{Gallery, PhotoId};
use crate::app::editor::{PhotoBox, Work};
use crate::photo::{BoxInPhoto, LooseBox, PhotoSize};
use crate::removal::{BrushStroke, Erasure};

/// All photos, in their order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The photos.
    pub photos: Vec<KeptPhoto>,
    /// The place of the open one.
    pub open: Option<usize>,
    /// By how many percent of its height each of a photo's boxes is grown, photo by photo. Behind
    /// all else: an earlier version's bytes end before it, and it reads no further.
    #[serde(skip)]
    growths: Vec<u32>,
}

/// One photo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptPhoto {
    /// Where its file is kept.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Its upright size.
    pub size: PhotoSize,
    /// Its boxes, whether each one's digit is to be removed, and which a person says it is.
    pub boxes: Vec<(BoxInPhoto, bool, Option<u8>)>,
    /// The strokes of the brush.
    pub corrections: Vec<Arc<BrushStroke>>,
    /// The digits that were read, each with its box, those of a box round several from left to
    /// right.
    pub digits: Vec<(BoxInPhoto, u8)>,
    /// What was taken out in the file saved last: boxes, and the strokes that acted in them.
    pub saved: Option<(Vec<BoxInPhoto>, Vec<Arc<BrushStroke>>)>,
}

/// What was kept before there was a brush.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordBeforeBrush {
    photos: Vec<KeptBeforeBrush>,
    open: Option<usize>,
}

/// One photo of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct KeptBeforeBrush {
    key: String,
    name: String,
    size: PhotoSize,
    boxes: Vec<(BoxInPhoto, bool, Option<u8>)>,
    digits: Vec<(BoxInPhoto, u8)>,
    saved: Option<Vec<BoxInPhoto>>,
}

impl From<RecordBeforeBrush> for Record {
    fn from(before: RecordBeforeBrush) -> Self {
        let photo = |photo: KeptBeforeBrush| KeptPhoto {
            key: photo.key,
            name: photo.name,
            size: photo.size,
            boxes: photo.boxes,
            corrections: Vec::new(),
            digits: photo.digits,
            saved: photo.saved.map(|areas| (areas, Vec::new())),
        };
        let photos = before.photos.into_iter().map(photo).collect();
        Record { photos, open: before.open, growths: Vec::new() }
    }
}

impl Record {
    /// What is to be kept of the photos whose files are kept under a key.
    pub fn of(gallery: &Gallery, key_of: impl Fn(PhotoId) -> Option<String>) -> Self {
        let mut record = Record::default();
        for entry in gallery.entries().iter().filter(|entry| entry.failure.is_none()) {
            let Some(key) = key_of(entry.id) else { continue };
            if gallery.open() == Some(entry.id) {
                record.open = Some(record.photos.len());
            }
            let digits_of = |area: BoxInPhoto| {
                let digits = entry.digits.get(&area).into_iter().flatten();
                digits.map(move |digit| (area, *digit))
            };
            let mut areas: Vec<BoxInPhoto> = entry.work.boxes.iter().map(|b| b.area).collect();
            // Or the digits of two equal boxes would be taken for those of one.
            areas.dedup();
            record.growths.push(entry.work.growth);
            record.photos.push(KeptPhoto {
                key,
                name: entry.name.clone(),
                size: entry.size,
                boxes: entry.work.boxes.iter().map(|b| (b.area, b.remove, b.label)).collect(),
                corrections: entry.work.corrections.clone(),
                digits: areas.into_iter().flat_map(digits_of).collect(),
                saved: entry.saved().map(|saved| (saved.boxes.clone(), saved.corrections.clone())),
            });
        }
        record
    }

    /// The record as it is kept.
    #[cfg(any(feature = "app", test))]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Plain data can always be written.
        postcard::to_stdvec(&(self, &self.growths)).unwrap_or_default()
    }

    /// A record that was kept, by an earlier version too; none where it is neither.
    #[cfg(any(feature = "app", test))]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (mut record, rest): (Record, &[u8]) = postcard::take_from_bytes(bytes).ok()?;
        record.growths = postcard::from_bytes(rest).unwrap_or_default();
        Some(record)
    }

    /// Puts the work of the photo at a `place` of the record back. Boxes that are not on it are left
    /// out, whoever wrote them. What an earlier version kept is not grown, as it was not then.
    pub fn restore(&self, place: usize, gallery: &mut Gallery, id: PhotoId) {
        let growth = self.growths.get(place).copied().unwrap_or_default();
        if let Some(photo) = self.photos.get(place) {
            photo.restore(growth, gallery, id);
        }
    }
}

impl KeptPhoto {
    fn restore(&self, growth: u32, gallery: &mut Gallery, id: PhotoId) {
        let fits = |area: BoxInPhoto| LooseBox::from(area).clamp_to(self.size) == Ok(area);
        let boxes: Vec<PhotoBox> = (1..)
            .zip(&self.boxes)
            .map(|(id, &(area, remove, label))| PhotoBox { id, area, remove, label })
            .filter(|b| fits(b.area))
            .collect();
        // Boxes that stayed when the file was saved are those that stay now.
        let others = boxes.iter().filter(|b| !b.remove).map(|b| b.area).collect();
        let corrections = self.corrections.clone();
        let work = Work { boxes, corrections, growth, ..Work::default() };
        gallery.note(id, self.size, &work);
        let of_box = |of_box: &[(BoxInPhoto, u8)]| {
            Some((of_box.first()?.0, of_box.iter().map(|(_, digit)| *digit).collect()))
        };
        let digits: Vec<_> = self.digits.chunk_by(|a, b| a.0 == b.0).filter_map(of_box).collect();
        gallery.note_digits(id, &digits);
        if let Some((areas, corrections)) = &self.saved {
            let (boxes, corrections) = (areas.clone(), corrections.clone());
            gallery.saved(id, Erasure { boxes, others, corrections });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::photos::Progress;
    use crate::removal::Brush;

    const SIZE: PhotoSize = PhotoSize { width: 100, height: 50 };

    fn area(left: u32) -> BoxInPhoto {
        BoxInPhoto { left, top: 5, width: 10, height: 20 }
    }

    #[test]
    fn what_is_kept_comes_back() {
        let mut gallery = Gallery::default();
        let [a, b, lost] = ["a.png", "b.png", "c.png"].map(|name| gallery.add(name.into(), SIZE));
        let boxes = vec![
            PhotoBox { id: 4, area: area(1), remove: true, label: None },
            PhotoBox { id: 9, area: area(30), remove: false, label: Some(4) },
        ];
        // One in the box that is removed, one elsewhere.
        let dab = |x| BrushStroke { brush: Brush::Takes, radius: 5, points: vec![(x, 40)] };
        let corrections = [dab(20), dab(300)].map(Arc::new).to_vec();
        let work = Work { boxes, corrections, growth: 25, ..Work::default() };
        gallery.note(b, SIZE, &work);
        gallery.note_digits(b, &[(area(1), vec![7, 0])]);
        gallery.saved(b, work.erasure(SIZE));
        gallery.set_open(Some(b));
        let key = |id: PhotoId| (id != lost).then(|| format!("key {id}"));
        let record = Record::of(&gallery, key);
        assert_eq!((record.photos.len(), record.open), (2, Some(1)));
        assert_eq!(record.photos[0].key, format!("key {a}"));
        assert_eq!(Record::from_bytes(&record.to_bytes()), Some(record.clone()));

        let mut again = Gallery::default();
        let restored = |(place, photo): (usize, &KeptPhoto)| {
            let id = again.add(photo.name.clone(), photo.size);
            record.restore(place, &mut again, id);
            id
        };
        let ids: Vec<PhotoId> = record.photos.iter().enumerate().map(restored).collect();
        let entry = again.get(ids[1]).expect("added");
        assert_eq!(entry.progress(), Progress::Done);
        assert_eq!((entry.work.boxes[0].area, entry.work.growth), (area(1), 25));
        assert_eq!((entry.work.boxes.len(), &entry.work.corrections), (2, &work.corrections));
        again.set_open(Some(ids[1]));
        assert_eq!(Record::of(&again, key), record);
    }

    #[test]
    fn boxes_beside_the_photo_are_left_out() {
        let mut gallery = Gallery::default();
        let id = gallery.add("a.png".into(), SIZE);
        let photo = KeptPhoto {
            key: String::new(),
            name: "a.png".into(),
            size: SIZE,
            boxes: vec![
                (area(95), true, None),
                (area(u32::MAX), true, None),
                (area(3), true, None),
            ],
            corrections: Vec::new(),
            digits: vec![(area(95), 3)],
            saved: None,
        };
        photo.restore(0, &mut gallery, id);
        assert_eq!(gallery.get(id).expect("added").work.erasure(SIZE).boxes, [area(3)]);
    }

    #[test]
    fn what_was_kept_before_boxes_were_grown_stays_as_it_was() {
        let mut gallery = Gallery::default();
        let id = gallery.add("a.png".into(), SIZE);
        let b = PhotoBox { id: 1, area: area(3), remove: true, label: None };
        gallery.note(id, SIZE, &Work { boxes: vec![b], ..Work::default() });
        let record = Record::of(&gallery, |_| Some("k".into()));
        let before = postcard::to_stdvec(&record).expect("plain data");
        let earlier = Record::from_bytes(&before).expect("an earlier record");
        earlier.restore(0, &mut gallery, id);
        assert_eq!(gallery.get(id).expect("added").work.growth, 0);
        let later: Record = postcard::from_bytes(&record.to_bytes()).expect("as it was read then");
        assert_eq!(later.photos, record.photos);
        assert_eq!(Record::from_bytes(&before[..3]), None);
    }

    #[test]
    fn what_was_kept_before_the_brush_is_taken_up() {
        let before = RecordBeforeBrush {
            photos: vec![KeptBeforeBrush {
                key: "k".into(),
                name: "a.png".into(),
                size: SIZE,
                boxes: vec![(area(3), true, Some(8))],
                digits: vec![(area(3), 3)],
                saved: Some(vec![area(3)]),
            }],
            open: Some(0),
        };
        let mut gallery = Gallery::default();
        let id = gallery.add("a.png".into(), SIZE);
        let record = Record::from(before);
        record.restore(0, &mut gallery, id);
        let entry = gallery.get(id).expect("added");
        assert_eq!((entry.progress(), record.open), (Progress::Done, Some(0)));
        assert_eq!(entry.work.boxes[0].label, Some(8));
    }
}
