//! What remains visible on real photos after a removal.

use std::path::Path;

use indicatif::ProgressBar;
use rayon::iter::{
    IndexedParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _,
};

use super::removal::{Args, outcome, own_ways, run_peers};
use crate::{
    cli::{Result, boxes::grow, model::NamedModel},
    dataset::{
        digit_struct::PhotoEntry,
        format1::{Digit, Format1},
    },
    evaluation::{ChanceReadings, Outcome, PeerExamples, PeerWay, Traces, rgb},
    photo::BoxInPhoto,
    removal::Nets,
};

/// Whether a peer can do this without knowing the true strokes.
fn needs_no_truth(way: &PeerWay) -> bool {
    way.mask != "true strokes"
}

/// Prints the table. It shows the peers' settings in `best`, or all of them without `best`.
pub fn measure(
    args: &Args,
    folder: &Path,
    judge: &NamedModel,
    nets: &Nets,
    best: Option<&[PeerWay]>,
) -> Result<()> {
    let data = Format1::open(folder)?;
    let load = |entry: &PhotoEntry| -> Result<_> {
        let (photo, digits) = data.load(entry)?;
        let boxes: Vec<BoxInPhoto> = digits.iter().map(|digit| digit.area).collect();
        let boxes = grow(&boxes, args.grow, photo.size());
        Ok((rgb(&photo), digits, boxes))
    };
    let mut examples = PeerExamples::new()?;
    for entry in &data.photos {
        let (photo, _, boxes) = load(entry)?;
        examples.add(&photo, &boxes, None)?;
    }
    let peers = run_peers(examples)?;
    let shown = |way: &&PeerWay| {
        let alike = |other: &PeerWay| other.name() == way.name();
        needs_no_truth(way) && best.is_none_or(|best| best.iter().any(alike))
    };
    let mut peer_ways: Vec<&PeerWay> =
        peers.iter().flat_map(|peers| &peers.ways).filter(shown).collect();
    peer_ways.sort_by_key(|way| way.algorithm.clone());

    let own = own_ways();
    let bar = ProgressBar::new(data.photos.len() as u64);
    let of_photo = |(number, entry): (usize, &PhotoEntry)| -> Result<_> {
        let (photo, digits, boxes): (_, Vec<Digit>, _) = load(entry)?;
        let seed = u64::from(args.seed) << 32 | number as u64;
        let judge = &judge.classifier;
        let chance = ChanceReadings::measure(&photo, &digits, &boxes, judge, seed)?;
        let mut traces = Vec::new();
        let mut add = |outcome: &Outcome| -> Result<()> {
            traces.push(Traces::measure(&photo, &outcome.after, &digits, &boxes, judge)?);
            Ok(())
        };
        for (_, method) in &own {
            add(&outcome(method.as_ref(), &photo, &boxes, nets)?)?;
        }
        for way in &peer_ways {
            if let Some(peers) = &peers {
                add(&Outcome::by_peer(peers, way, number)?)?;
            }
        }
        bar.inc(1);
        Ok((chance, traces))
    };
    let of_photos = data.photos.par_iter().enumerate().map(of_photo);
    let of_photos = of_photos.collect::<Result<Vec<_>>>()?;
    bar.finish_and_clear();

    let names = own.into_iter().map(|(name, _)| name);
    let names: Vec<String> = names.chain(peer_ways.iter().map(|way| way.name())).collect();
    let mut chance = ChanceReadings::default();
    let mut sums = vec![Traces::default(); names.len()];
    for (of_patches, traces) in &of_photos {
        chance.add(of_patches);
        sums.iter_mut().zip(traces).for_each(|(sum, traces)| sum.add(traces));
    }
    print_table(data.photos.len(), &judge.name, &chance, &names, &sums)?;
    Ok(())
}

fn print_table(
    photos: usize,
    judge: &str,
    chance: &ChanceReadings,
    names: &[String],
    sums: &[Traces],
) -> Result<()> {
    let digits = sums.first().map_or(0, Traces::digits);
    let percent = |share: Option<f64>| {
        share.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", 100.0 * share))
    };
    let figure = |value: Option<f64>, decimals: usize| {
        value.map_or_else(|| "-".to_owned(), |value| format!("{value:.decimals$}"))
    };
    tell!("Traces on {photos} real photos with {digits} digits, judged by {judge}")?;
    tell!(
        "{:<36}{:>12}{:>26}{:>22}",
        "",
        "still read",
        "change outside, levels",
        "step at the seam"
    )?;
    for (name, traces) in names.iter().zip(sums) {
        tell!(
            "{name:<36}{:>12}{:>26}{:>22}",
            percent(traces.still_read()),
            figure(traces.change_outside(), 3),
            figure(traces.seam(), 2),
        )?;
    }
    tell!(
        "{:<36}{:>12}\n",
        format!("in {} patches without digits", chance.patches()),
        percent(chance.share())
    )?;
    Ok(())
}
