//! Places in photos where there is no digit, so that a classifier learns to be unsure there
//! (Hendrycks, Mazeika and Dietterich, 2019, "Deep anomaly detection with outlier exposure").

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{
    Source, TrainingError,
    material::mixed,
    photos::{Labelled, Scene, open},
    targets::NO_DIGIT,
};
use crate::{
    dataset::{
        format1::Digit,
        store::{PatchFormat, Store},
    },
    finder::DigitFinder,
    photo::{BoxInPhoto, LooseBox, PhotoSize},
};

/// What the finder finds with a confidence between these, and is in no box, is taken for a mistake.
/// Surer ones may be digits that nobody drew a box round.
const MISTAKES: std::ops::Range<f32> = 0.2..0.8;

/// Mistakes that are shown of one photo at most, the surest first.
const MISTAKES_OF_A_PHOTO: usize = 12;

/// Heights of places in pixels, at least and, as a share of the photo's, at most.
const LEAST_HEIGHT: f64 = 10.0;
const MOST_HEIGHT: f64 = 0.7;

/// Widths over heights.
const ASPECTS: std::ops::Range<f64> = 0.3..1.1;

/// Places tried for each that is wanted: in a photo full of digits there are none.
const TRIES: usize = 20;

/// The share of a place that may be covered by a digit.
const COVERED: f64 = 0.08;

/// Cuts places without digits out of photos; how many of each photo at random, its source says.
///
/// # Errors
/// [`TrainingError`] at the first photo or box file that cannot be used.
pub(super) fn cut(
    sources: &[Source],
    finder: Option<&DigitFinder>,
    patches: PatchFormat,
    seed: u64,
    mut progress: impl FnMut(usize),
) -> Result<Store, TrainingError> {
    let mut values = Vec::new();
    for source in sources {
        let photos = open(&source.path, false)?;
        let numbered: Vec<(u64, &Labelled)> = (0..).zip(&photos).collect();
        for some in numbered.chunks(64) {
            let cut = some.par_iter().map(|&(number, labelled)| {
                let scene = labelled.load()?;
                let mut rng = ChaCha8Rng::seed_from_u64(mixed(seed, number));
                let mut places = mistakes(&scene, finder)?;
                places.extend(random_places(&scene, source.times, &mut rng));
                let cut =
                    |area: BoxInPhoto| patches.cut(&scene.photo, &Digit { area, digit: NO_DIGIT });
                Ok(places.into_iter().flat_map(cut).collect::<Vec<u8>>())
            });
            for of_photo in cut.collect::<Result<Vec<_>, TrainingError>>()? {
                values.extend(of_photo);
            }
            progress(some.len());
        }
    }
    let count = values.len() / patches.values();
    Ok(Store::in_memory(patches, vec![NO_DIGIT; count], Vec::new(), values))
}

/// Whether hardly any of this place is covered by a digit, or may be.
fn is_free(place: &LooseBox, scene: &Scene) -> bool {
    let digits = scene.digits.iter().chain(&scene.numbers);
    digits.map(|digit| place.shared_area(digit)).sum::<f64>()
        <= COVERED * place.width * place.height
}

/// What a finder takes for digits, but is none.
fn mistakes(scene: &Scene, finder: Option<&DigitFinder>) -> Result<Vec<BoxInPhoto>, TrainingError> {
    let Some(finder) = finder else { return Ok(Vec::new()) };
    let found = pollster::block_on(finder.find(&scene.photo, MISTAKES.start))?;
    let mistakes = found
        .into_iter()
        .filter(|digit| MISTAKES.contains(&digit.confidence) && is_free(&digit.area.into(), scene));
    Ok(mistakes.map(|digit| digit.area).take(MISTAKES_OF_A_PHOTO).collect())
}

/// Places anywhere beside the digits, at most this many.
fn random_places(scene: &Scene, wanted: usize, rng: &mut ChaCha8Rng) -> Vec<BoxInPhoto> {
    let PhotoSize { width, height } = scene.photo.size();
    let (photo_width, photo_height) = (f64::from(width), f64::from(height));
    let most = MOST_HEIGHT * photo_height;
    let mut places = Vec::new();
    if most <= LEAST_HEIGHT {
        return places;
    }
    for _ in 0..TRIES * wanted {
        // As many of each octave.
        let height = LEAST_HEIGHT * (most / LEAST_HEIGHT).powf(rng.random::<f64>());
        let width = height * rng.random_range(ASPECTS);
        let place = LooseBox {
            left: (photo_width - width) * rng.random::<f64>(),
            top: (photo_height - height) * rng.random::<f64>(),
            width,
            height,
        };
        if width < photo_width
            && is_free(&place, scene)
            && let Ok(area) = place.clamp_to(scene.photo.size())
        {
            places.push(area);
            if places.len() == wanted {
                break;
            }
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photo::Photo;

    #[test]
    fn places_lie_beside_digits_and_within_the_photo() {
        let size = PhotoSize { width: 200, height: 120 };
        let photo = Photo::from_rgb8(size, vec![90; 200 * 120 * 3]).expect("the samples fit");
        let digit = LooseBox { left: 60.0, top: 20.0, width: 50.0, height: 80.0 };
        let none = Vec::new;
        let scene = Scene { photo, digits: vec![digit], numbers: none(), mistakes: none() };
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let places = random_places(&scene, 50, &mut rng);
        assert_eq!(places.len(), 50);
        for place in places {
            assert!(place.right() <= 200 && place.bottom() <= 120);
            let place = LooseBox::from(place);
            assert!(place.shared_area(&digit) <= 0.15 * place.width * place.height, "{place:?}");
        }
        let whole = LooseBox { left: 0.0, top: 0.0, width: 200.0, height: 120.0 };
        let full = Scene { digits: vec![whole], ..scene };
        assert!(random_places(&full, 50, &mut rng).is_empty());
    }
}
