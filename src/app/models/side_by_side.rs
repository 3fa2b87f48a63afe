//! Several models' readings of the same boxes.

use crate::photo::BoxInPhoto;
use crate::worker::protocol::{Column, ColumnState};

/// What each model reads in the boxes of the open photo, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SideBySide {
    boxes: Vec<BoxInPhoto>,
    columns: Vec<Column>,
}

/// One box in the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The box.
    pub area: BoxInPhoto,
    /// The digit that each model reads and its confidence, 0 to 1; none until it has.
    pub digits: Vec<Option<(u8, f32)>>,
    /// Whether any two of them differ.
    pub disagree: bool,
}

impl SideBySide {
    /// Turns to these boxes; what was read in others is forgotten.
    pub fn turn_to(&mut self, boxes: &[BoxInPhoto]) {
        if self.boxes != boxes {
            self.boxes = boxes.to_vec();
            self.columns.clear();
        }
    }

    /// Those of these models that have neither read the boxes nor said why they cannot.
    pub fn missing(&self, models: &[String]) -> Vec<String> {
        let open =
            |state: Option<&ColumnState>| matches!(state, None | Some(ColumnState::Loading(_)));
        models.iter().filter(|model| open(self.state(model))).cloned().collect()
    }

    /// Takes in how far a model is.
    pub fn take(&mut self, column: Column) {
        match self.columns.iter_mut().find(|known| known.model == column.model) {
            Some(known) => *known = column,
            None => self.columns.push(column),
        }
    }

    /// Forgets why a model could not read, so that it is asked again.
    pub fn forget_failure(&mut self, model: &str) {
        let failed = |column: &Column| matches!(column.state, ColumnState::Failed(_));
        self.columns.retain(|column| column.model != model || !failed(column));
    }

    /// How far a model is.
    pub fn state(&self, model: &str) -> Option<&ColumnState> {
        self.columns.iter().find(|column| column.model == model).map(|column| &column.state)
    }

    /// The boxes, each with what these models read in it.
    pub fn rows(&self, models: &[String]) -> Vec<Row> {
        let row = |(i, &area): (usize, &BoxInPhoto)| {
            let digit = |model: &String| match self.state(model)? {
                ColumnState::Read { readings, .. } => Some(readings.get(i)?.best()),
                _ => None,
            };
            let digits: Vec<Option<(u8, f32)>> = models.iter().map(digit).collect();
            let mut read = digits.iter().flatten().map(|(digit, _)| digit);
            let first = read.next();
            let disagree = read.any(|digit| Some(digit) != first);
            Row { area, digits, disagree }
        };
        self.boxes.iter().enumerate().map(row).collect()
    }
}

/// On how many boxes the models disagree that have read them; none before two have.
pub fn disagreement(rows: &[Row]) -> Option<String> {
    let read = rows.first()?.digits.iter().flatten().count();
    if read < 2 {
        return None;
    }
    let they = if read == 2 { "The two models".to_owned() } else { format!("The {read} models") };
    let differ = rows.iter().filter(|row| row.disagree).count();
    Some(match (differ, rows.len()) {
        (0, 1) => format!("{they} agree on the box."),
        (0, 2) => format!("{they} agree on both boxes."),
        (0, of) => format!("{they} agree on all {of} boxes."),
        (_, 1) => format!("{they} disagree on the box."),
        (differ, of) => format!("{they} disagree on {differ} of {of} boxes."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::protocol::{Progress, Reading};

    const LEFT: BoxInPhoto = BoxInPhoto { left: 1, top: 2, width: 3, height: 4 };
    const RIGHT: BoxInPhoto = BoxInPhoto { left: 9, ..LEFT };

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn read(model: &str, digits: &[usize]) -> Column {
        let reading = |&digit: &usize| {
            let mut confidences = [0.0; 10];
            confidences[digit] = 0.75;
            Reading { confidences }
        };
        let readings = digits.iter().map(reading).collect();
        let state = ColumnState::Read { readings, milliseconds: 1.0 };
        Column { model: model.into(), state }
    }

    fn in_state(model: &str, state: ColumnState) -> Column {
        Column { model: model.into(), state }
    }

    #[test]
    fn rows_hold_what_each_reads_and_who_disagrees() {
        let mut table = SideBySide::default();
        table.turn_to(&[LEFT, RIGHT]);
        let models = names(&["a", "b", "c"]);
        assert_eq!(disagreement(&table.rows(&models)), None);
        table.take(read("a", &[1, 4]));
        assert_eq!(disagreement(&table.rows(&models)), None, "one alone agrees with nobody");
        table.take(read("c", &[1, 9]));
        let rows = table.rows(&models);
        assert_eq!(rows[0].digits, [Some((1, 0.75)), None, Some((1, 0.75))]);
        assert_eq!(rows.iter().map(|row| row.disagree).collect::<Vec<_>>(), [false, true]);
        assert_eq!(
            disagreement(&rows).as_deref(),
            Some("The two models disagree on 1 of 2 boxes.")
        );
        table.take(read("b", &[1, 9]));
        let rows = table.rows(&models);
        assert_eq!(disagreement(&rows).as_deref(), Some("The 3 models disagree on 1 of 2 boxes."));
        let of_two = table.rows(&names(&["b", "c"]));
        assert_eq!(disagreement(&of_two).as_deref(), Some("The two models agree on both boxes."));
    }

    #[test]
    fn what_is_asked_is_what_is_missing() {
        let mut table = SideBySide::default();
        table.turn_to(&[LEFT]);
        let models = names(&["a", "b", "c"]);
        table.take(read("a", &[1]));
        table.take(in_state("b", ColumnState::Loading(Progress::Manifest)));
        assert_eq!(table.missing(&models), ["b", "c"]);
        table.take(in_state("b", ColumnState::Failed("gone".into())));
        assert_eq!(table.missing(&models), ["c"], "a failure is an answer");
        table.forget_failure("a");
        table.forget_failure("b");
        assert_eq!(table.missing(&models), ["b", "c"], "tried again");
        table.turn_to(&[LEFT]);
        assert_eq!(table.missing(&models), ["b", "c"]);
        table.turn_to(&[RIGHT]);
        assert_eq!(table.missing(&models), models, "other boxes");
        assert_eq!(disagreement(&SideBySide::default().rows(&models)), None);
    }
}
