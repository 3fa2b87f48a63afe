//! Removal times by box size.

use crate::{
    evaluation::{RemovalTime, removal_times},
    removal::Nets,
};

/// Prints the table.
pub fn measure(nets: &Nets) -> anyhow::Result<()> {
    let times = removal_times(nets)?;
    println!("Time of one box on one core, key pixels to patch, weights loaded before");
    println!(
        "{:<14}{:>14}{:>9}{:>20}{:>9}{:>20}{:>9}",
        "box, px",
        "doorplate, ms",
        "growth",
        "feature-maps, ms",
        "growth",
        "by Adagrad, ms",
        "ratio"
    );
    let mut before: Option<&RemovalTime> = None;
    for time in &times {
        let growth = |of: fn(&RemovalTime) -> f64| {
            before.map_or_else(String::new, |before| format!("{:.2}", time.growth(before, of)))
        };
        let number = |value: Option<f64>| {
            value.map_or_else(|| "-".to_owned(), |value| format!("{value:.0}"))
        };
        println!(
            "{:<14}{:>14.2}{:>9}{:>20.2}{:>9}{:>20}{:>9}",
            format!("{} x {}", time.width, time.height),
            time.doorplate,
            growth(|time| time.doorplate),
            time.report,
            growth(|time| time.report),
            number(time.first_program),
            number(time.first_program.map(|peer| peer / time.doorplate)),
        );
        before = Some(time);
    }
    println!(
        "growth: the exponent of area times side from one row to the next; ratio: Adagrad's time \
         to doorplate's"
    );
    Ok(())
}
