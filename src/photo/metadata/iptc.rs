//! The part of a JPEG's IPTC data (IIM 4.2) that may be kept after digits are removed. They lie
//! among Photoshop's resources, which hold previews and are left out.

use super::{Report, text::is_text};
use crate::photo::{LeftOut, Metadata};

/// The name of the segments that hold Photoshop's resources.
pub const NAME: &[u8] = b"Photoshop 3.0\0";

/// The resource with IPTC data.
const IPTC: u16 = 0x0404;

/// The checksum of these data, which belongs to them.
const CHECKSUM: u16 = 0x0425;

/// Previews, of versions 4 and 5.
const PREVIEWS: [u16; 2] = [0x0409, 0x040C];

/// The record with texts about the photo.
const APPLICATION: u8 = 2;

/// In that record: content location, city, sublocation, state and country.
const PLACES: [u8; 7] = [26, 27, 90, 92, 95, 100, 101];

/// What `choice` keeps of a file's resources, as resources; `None` if that is nothing.
pub fn kept(mut resources: &[u8], choice: Metadata, report: &mut Report) -> Option<Vec<u8>> {
    let mut kept = Vec::new();
    while !resources.is_empty() {
        let Some((id, content, rest)) = resource(resources) else {
            report.add(LeftOut::Photoshop);
            break;
        };
        match id {
            IPTC => keep_fields(content, choice, &mut kept, report),
            CHECKSUM => {}
            id if PREVIEWS.contains(&id) => report.add(LeftOut::Preview),
            _ => report.add(LeftOut::Photoshop),
        }
        resources = rest;
    }
    let length = u32::try_from(kept.len()).ok().filter(|length| *length > 0)?;
    let mut written = b"8BIM".to_vec();
    written.extend(IPTC.to_be_bytes());
    written.extend([0, 0]);
    written.extend(length.to_be_bytes());
    written.extend_from_slice(&kept);
    written.extend(vec![0; kept.len() % 2]);
    Some(written)
}

/// The first resource: its number, its content, and what follows.
fn resource(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let behind = bytes.strip_prefix(b"8BIM")?;
    let (id, behind) = behind.split_first_chunk::<2>()?;
    // Its name, with its length in a byte, padded to an even length.
    let name = usize::from(*behind.first()?) + 1;
    let behind = behind.get(name + name % 2..)?;
    let (length, behind) = behind.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (content, rest) = behind.split_at_checked(length)?;
    // The last padding may be missing.
    Some((u16::from_be_bytes(*id), content, rest.get(length % 2..).unwrap_or_default()))
}

/// Appends the fields that are kept.
fn keep_fields(mut fields: &[u8], choice: Metadata, kept: &mut Vec<u8>, report: &mut Report) {
    while let [0x1C, record, number, high, low, behind @ ..] = fields {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        // Longer ones have another form; pictures have it.
        let Some((value, rest)) = behind.split_at_checked(length).filter(|_| *high < 0x80) else {
            report.add(LeftOut::Iptc);
            return;
        };
        let whole = fields.get(..fields.len() - rest.len()).unwrap_or_default();
        let is_place = *record == APPLICATION && PLACES.contains(number);
        // The first record says how texts are coded, and the version of both is a number. The
        // preview has numbers from 200.
        let is_known = *record == 1 || *record == APPLICATION && *number < 200;
        // Old ones are in other codes than UTF-8.
        let readable = || value.len() <= 2 || is_text(&String::from_utf8_lossy(value));
        match choice {
            Metadata::None => {
                report.add(LeftOut::Iptc);
                if is_place {
                    report.add(LeftOut::Place);
                }
            }
            Metadata::NoPlace if is_place => report.add(LeftOut::Place),
            _ if is_known && (*record == 1 || readable()) => kept.extend_from_slice(whole),
            _ => report.add(LeftOut::LongFields),
        }
        fields = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(id: u16, content: &[u8]) -> Vec<u8> {
        let mut bytes = b"8BIM".to_vec();
        bytes.extend(id.to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend((content.len() as u32).to_be_bytes());
        bytes.extend_from_slice(content);
        bytes.extend(vec![0; content.len() % 2]);
        bytes
    }

    fn field(record: u8, number: u8, value: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x1C, record, number];
        bytes.extend((value.len() as u16).to_be_bytes());
        bytes.extend_from_slice(value);
        bytes
    }

    #[test]
    fn texts_stay_the_place_goes_by_choice_and_previews_always() {
        let coding = field(1, 90, b"\x1B%G");
        let (city, title) = (field(2, 90, b"London"), field(2, 5, "Größe".as_bytes()));
        let preview = field(2, 202, b"SECRET");
        let fields = [&coding[..], &city, &title, &preview].concat();
        let all =
            [resource(0x040C, b"SECRET"), resource(IPTC, &fields), resource(0x03ED, b"72 dpi")];
        let all = all.concat();

        let mut report = Report::default();
        let expected = resource(IPTC, &[&coding[..], &city, &title].concat());
        assert_eq!(kept(&all, Metadata::All, &mut report), Some(expected));
        let said = [LeftOut::Preview, LeftOut::Photoshop, LeftOut::LongFields];
        assert_eq!(report.into_list(), said);

        let mut report = Report::default();
        let expected = resource(IPTC, &[&coding[..], &title].concat());
        assert_eq!(kept(&all, Metadata::NoPlace, &mut report), Some(expected));
        assert!(report.into_list().contains(&LeftOut::Place));

        let mut report = Report::default();
        assert_eq!(kept(&all, Metadata::None, &mut report), None);
        assert!(report.into_list().contains(&LeftOut::Iptc));
        for cut in 0..all.len() {
            let kept = kept(&all[..cut], Metadata::All, &mut Report::default());
            assert!(!kept.unwrap_or_default().windows(6).any(|part| part == b"SECRET"));
        }
    }
}
