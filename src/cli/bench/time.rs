//! Removal times by box size.

use crate::{
    cli::Result,
    evaluation::{RemovalTime, removal_times},
    removal::Nets,
};

/// Prints the table.
pub fn measure(nets: &Nets) -> Result<()> {
    let times = removal_times(nets)?;
    tell!("Time of one box on one core, key pixels to patch, weights loaded before")?;
    tell!(
        "{:<14}{:>14}{:>9}{:>13}{:>18}{:>20}{:>9}",
        "box, px",
        "doorplate, ms",
        "growth",
        "checked, ms",
        "feature-maps, ms",
        "by Adagrad, ms",
        "ratio"
    )?;
    let mut before: Option<&RemovalTime> = None;
    for time in &times {
        let growth =
            before.map_or_else(String::new, |before| format!("{:.2}", time.growth(before)));
        let number = |value: Option<f64>, decimals: usize| {
            value.map_or_else(|| "-".to_owned(), |value| format!("{value:.decimals$}"))
        };
        tell!(
            "{:<14}{:>14.2}{growth:>9}{:>13.2}{:>18}{:>20}{:>9}",
            format!("{} x {}", time.width, time.height),
            time.doorplate,
            time.checked,
            number(time.report, 2),
            number(time.first_program, 0),
            number(time.first_program.map(|peer| peer / time.doorplate), 0),
        )?;
        before = Some(time);
    }
    tell!(
        "growth: the time grows with this power of area times side, from one row to the next; \
         ratio: Adagrad's time divided by doorplate's"
    )?;
    Ok(())
}
