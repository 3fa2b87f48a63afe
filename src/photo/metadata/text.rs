//! Texts in metadata: whether they are texts, and whether they tell the place.

use serde_json::Value;

/// The most letters and digits in a row. Pictures are written as text in longer ones (base64).
const LONGEST_WORD: usize = 1_000;

/// What in a name says that its value is a place; in lower case.
const PLACE_NAMES: [&str; 6] =
    ["gps", "latitude", "longitude", "longtitude", "altitude", "location"];

/// Whether a text can be read, and is not a picture written as text.
pub fn is_text(text: &str) -> bool {
    let readable = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r');
    let text = text.trim_end_matches('\0');
    let of_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '-' | '_');
    text.chars().all(readable)
        && text.split(|c| !of_base64(c)).all(|word| word.len() <= LONGEST_WORD)
}

/// Whether a value of this name tells where the photo was taken.
pub fn names_place(name: &str) -> bool {
    let name = name.to_lowercase();
    PLACE_NAMES.iter().any(|part| name.contains(part))
}

/// A text without what tells the place: of JSON, which some apps write into a photo's description,
/// the values whose names say so. `None` if another text speaks of a place.
pub fn without_place(text: &str) -> Option<String> {
    if !names_place(text) {
        return Some(text.to_owned());
    }
    let mut value: Value = serde_json::from_str(text.trim_end_matches('\0')).ok()?;
    let objects = matches!(value, Value::Object(_) | Value::Array(_));
    remove_place(&mut value);
    let text = value.to_string();
    // It may still speak of one.
    (objects && !names_place(&text)).then_some(text)
}

fn remove_place(value: &mut Value) {
    match value {
        Value::Object(values) => {
            values.retain(|name, _| !names_place(name));
            values.values_mut().for_each(remove_place);
        }
        Value::Array(values) => values.iter_mut().for_each(remove_place),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_no_text() {
        assert!(is_text("A wall,\r\nwith a lamp. Größe: 3 m\0\0"));
        assert!(!is_text("a\0b") && !is_text("\u{1}"));
        assert!(is_text(&"A wall. ".repeat(1_000)));
        assert!(!is_text(&"/9j/4AAQSkZJRgABAQ".repeat(60)));
    }

    #[test]
    fn a_place_goes_and_the_rest_stays() {
        for text in ["a wall", r#"{"a": 1}"#, ""] {
            assert_eq!(without_place(text).as_deref(), Some(text));
        }
        let json = r#"{"MAPLatitude":1,"a":[{"b":2,"gpsTime":"x"}],"MAPAltitude":3,"c":"d"}"#;
        assert_eq!(without_place(json).as_deref(), Some(r#"{"a":[{"b":2}],"c":"d"}"#));
        for text in ["GPS 51.5 N", r#""latitude 5""#, r#"{"a":"at latitude 5"}"#] {
            assert_eq!(without_place(text), None, "{text}");
        }
    }
}
