//! The part of a photo's XMP data (ISO 16684-1) that may be kept after digits are removed.

use std::fmt::Write as _;

use roxmltree::{Document, Node, ParsingOptions};

use super::{
    Report,
    text::{is_text, names_place},
};
use crate::photo::{LeftOut, Metadata};

const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const XML: &str = "http://www.w3.org/XML/1998/namespace";
const PANORAMA: &str = "http://ns.google.com/photos/1.0/panorama/";
const PHOTOSHOP: &str = "http://ns.adobe.com/photoshop/1.0/";
const IPTC_CORE: &str = "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/";
const WGS84: &str = "http://www.w3.org/2003/01/geo/wgs84_pos#";

/// What a panorama's viewer needs (Photo Sphere XMP), by the beginnings of its properties' names.
const GEOMETRY: [&str; 7] = [
    "ProjectionType",
    "UsePanoramaViewer",
    "Pose",
    "Initial",
    "Cropped",
    "FullPano",
    "LargestValidInterior",
];

/// Properties that are about pictures in or behind the file, which are left out: namespace, the
/// beginning of the name, and what it is.
const ABOUT_PICTURES: [(&str, &str, LeftOut); 8] = [
    ("http://ns.adobe.com/xap/1.0/", "Thumbnails", LeftOut::Preview),
    ("http://ns.adobe.com/hdr-gain-map/1.0/", "", LeftOut::GainMap),
    ("http://ns.apple.com/HDRGainMap/1.0/", "", LeftOut::GainMap),
    ("http://ns.google.com/photos/1.0/container/", "", LeftOut::Pictures),
    ("http://ns.google.com/photos/1.0/image/", "", LeftOut::Pictures),
    ("http://ns.google.com/photos/1.0/depthmap/", "", LeftOut::Pictures),
    ("http://ns.google.com/photos/1.0/camera/", "MotionPhoto", LeftOut::Behind),
    ("http://ns.google.com/photos/1.0/camera/", "MicroVideo", LeftOut::Behind),
];

/// Properties that are not true of the saved file, and that nobody misses.
const OUTDATED: [(&str, &str); 2] = [
    ("http://ns.adobe.com/tiff/1.0/", "Orientation"),
    ("http://ns.adobe.com/xmp/note/", "HasExtendedXMP"),
];

/// The longest value of a panorama's geometry.
const LONGEST_VALUE: usize = 40;

/// More elements are not in a photo's XMP, and would take memory.
const MAX_NODES: u32 = 100_000;

/// A new packet of what `choice` keeps; `None` if that is nothing, or if the packet cannot be read.
pub fn kept(packet: &[u8], choice: Metadata, report: &mut Report) -> Option<String> {
    let unreadable = |report: &mut Report| report.add(LeftOut::Xmp);
    let Ok(text) = std::str::from_utf8(packet) else {
        unreadable(report);
        return None;
    };
    let text = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\0' | '\u{FEFF}'));
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document = match Document::parse_with_options(text, options) {
        Ok(document) => document,
        Err(_) => {
            unreadable(report);
            return None;
        }
    };
    let descriptions = document
        .descendants()
        .filter(|node| node.has_tag_name((RDF, "RDF")))
        .flat_map(|rdf| rdf.children())
        .filter(|node| node.has_tag_name((RDF, "Description")));
    let mut body = String::new();
    for description in descriptions {
        match choice {
            Metadata::None => put_geometry(&mut body, description, report),
            _ => put_description(&mut body, text, description, choice, report),
        }
    }
    (!body.is_empty()).then(|| {
        format!(
            "<?xpacket begin=\"\u{FEFF}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\
             <x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"{RDF}\">{body}</rdf:RDF>\
             </x:xmpmeta><?xpacket end=\"w\"?>"
        )
    })
}

/// A description's properties: in attributes and in elements, as namespace, name and node.
fn properties<'a>(
    description: Node<'a, 'a>,
) -> impl Iterator<Item = (Option<&'a str>, &'a str, std::ops::Range<usize>, Property<'a>)> {
    let attributes = description
        .attributes()
        .filter(|attribute| !matches!(attribute.namespace(), None | Some(RDF | XML)))
        .map(|it| (it.namespace(), it.name(), it.range(), Property::Text(it.value())));
    let elements = description.children().filter(Node::is_element).map(|node| {
        let name = node.tag_name();
        (name.namespace(), name.name(), node.range(), Property::Element(node))
    });
    attributes.chain(elements)
}

/// A property's value.
enum Property<'a> {
    Text(&'a str),
    Element(Node<'a, 'a>),
}

impl<'a> Property<'a> {
    /// All names in it and their namespaces, and all texts.
    fn parts(&self) -> (Vec<(Option<&'a str>, &'a str)>, Vec<&'a str>) {
        let node = match self {
            Property::Text(text) => return (Vec::new(), vec![text]),
            Property::Element(node) => node,
        };
        let (mut names, mut texts) = (Vec::new(), Vec::new());
        for node in node.descendants() {
            if node.is_element() {
                names.push((node.tag_name().namespace(), node.tag_name().name()));
                for attribute in node.attributes() {
                    names.push((attribute.namespace(), attribute.name()));
                    texts.push(attribute.value());
                }
            } else {
                // Comments, too: what is written is the source.
                texts.extend(node.text());
            }
        }
        (names, texts)
    }

    /// Its text, if it is nothing else.
    fn simple(&self) -> Option<&'a str> {
        match self {
            Property::Text(text) => Some(text),
            Property::Element(node) => node.text().filter(|_| node.children().count() == 1),
        }
    }
}

/// Writes a panorama's geometry alone.
fn put_geometry(body: &mut String, description: Node<'_, '_>, report: &mut Report) {
    let mut geometry = String::new();
    for (namespace, name, _, property) in properties(description) {
        let value = property.simple().map(str::trim).filter(|value| {
            namespace == Some(PANORAMA)
                && GEOMETRY.iter().any(|beginning| name.starts_with(beginning))
                && name.chars().all(|c| c.is_ascii_alphanumeric())
                && value.len() <= LONGEST_VALUE
                && value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+'))
        });
        match value {
            Some(value) => geometry.push_str(&format!(" GPano:{name}=\"{value}\"")),
            None => {
                report.add(LeftOut::Xmp);
                let (names, _) = property.parts();
                if is_place(namespace, name) || names.iter().any(|(of, name)| is_place(*of, name)) {
                    report.add(LeftOut::Place);
                }
            }
        }
    }
    if !geometry.is_empty() {
        let about = format!("<rdf:Description rdf:about=\"\" xmlns:GPano=\"{PANORAMA}\"");
        body.extend([about.as_str(), geometry.as_str(), "/>"]);
    }
}

/// Writes a description with the properties that may stay, as they are in the source.
fn put_description(
    body: &mut String,
    source: &str,
    description: Node<'_, '_>,
    choice: Metadata,
    report: &mut Report,
) {
    let (mut attributes, mut elements) = (String::new(), String::new());
    for (namespace, name, range, property) in properties(description) {
        let (names, texts) = property.parts();
        let is_outdated = |(of, other): &(&str, &str)| namespace == Some(*of) && name == *other;
        if OUTDATED.iter().any(is_outdated) {
            continue;
        }
        let about_pictures = |(of, other): (Option<&str>, &str)| {
            let known = ABOUT_PICTURES
                .iter()
                .find(|(space, beginning, _)| of == Some(*space) && other.starts_with(beginning));
            known.map(|(_, _, what)| *what)
        };
        let all_names = || std::iter::once((namespace, name)).chain(names.iter().copied());
        let dropped = if let Some(what) = all_names().find_map(about_pictures) {
            Some(what)
        } else if texts.iter().any(|text| !is_text(text)) {
            Some(LeftOut::LongFields)
        } else if choice == Metadata::NoPlace
            && (all_names().any(|(of, name)| is_place(of, name))
                || texts.iter().any(|text| names_place(text)))
        {
            Some(LeftOut::Place)
        } else {
            None
        };
        if let Some(what) = dropped {
            report.add(what);
            continue;
        }
        let written = source.get(range).unwrap_or_default();
        match property {
            Property::Text(_) => attributes.extend([" ", written]),
            Property::Element(_) => elements.push_str(written),
        }
    }
    if attributes.is_empty() && elements.is_empty() {
        return;
    }
    body.push_str("<rdf:Description rdf:about=\"\"");
    for namespace in description.namespaces() {
        let uri = namespace.uri().replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
        // Cannot fail on a string.
        let _ = match namespace.name() {
            Some("xml") => Ok(()),
            // The same again, where it is declared already.
            Some(name) => write!(body, " xmlns:{name}=\"{uri}\""),
            None => write!(body, " xmlns=\"{uri}\""),
        };
    }
    body.extend([attributes.as_str(), ">", elements.as_str(), "</rdf:Description>"]);
}

/// Whether a property of this name tells where the photo was taken.
fn is_place(namespace: Option<&str>, name: &str) -> bool {
    names_place(name)
        || match namespace {
            Some(PHOTOSHOP) => matches!(name, "City" | "State" | "Country"),
            Some(IPTC_CORE) => name == "CountryCode",
            Some(WGS84) => true,
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKET: &str = r#"<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="a tool">
 <!-- a comment -->
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:GPano="http://ns.google.com/photos/1.0/panorama/"
    xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"
    xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:xmpGImg="http://ns.adobe.com/xap/1.0/g/img/"
    xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"
    xmlns:ext="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    GPano:ProjectionType="equirectangular" GPano:FirstPhotoDate="2026-01-02"
    exif:GPSLatitude="51,30.0N" photoshop:City="London" tiff:Orientation="6" tiff:Model="A &amp; B"
    hdrgm:Version="1.0">
   <GPano:FullPanoWidthPixels>4096</GPano:FullPanoWidthPixels>
   <dc:creator><rdf:Seq><rdf:li>Somebody</rdf:li></rdf:Seq></dc:creator>
   <xmp:Thumbnails><rdf:Alt><rdf:li rdf:parseType="Resource"><xmpGImg:image>SECRET</xmpGImg:image>
   </rdf:li></rdf:Alt></xmp:Thumbnails>
   <ext:ArtworkOrObject><rdf:Bag><rdf:li ext:LocationId="7"/></rdf:Bag></ext:ArtworkOrObject>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>   "#;

    fn kept_by(choice: Metadata) -> (String, Vec<LeftOut>) {
        let mut report = Report::default();
        let kept = kept(PACKET.as_bytes(), choice, &mut report).expect("something");
        (kept, report.into_list())
    }

    #[test]
    fn a_panorama_keeps_its_geometry_and_nothing_else() {
        let (kept, said) = kept_by(Metadata::None);
        assert!(kept.contains(r#"GPano:ProjectionType="equirectangular""#));
        assert!(kept.contains(r#"GPano:FullPanoWidthPixels="4096""#));
        for gone in
            ["2026", "51,30", "London", "A &amp; B", "Somebody", "SECRET", "tool", "Location"]
        {
            assert!(!kept.contains(gone), "{gone}");
        }
        assert_eq!(said, [LeftOut::Place, LeftOut::Xmp]);
        // What is written can be read, and has nothing more to lose.
        let mut report = Report::default();
        assert_eq!(super::kept(kept.as_bytes(), Metadata::None, &mut report), Some(kept));
        assert!(report.into_list().is_empty());
    }

    #[test]
    fn all_but_the_place_stays_and_pictures_never_do() {
        for choice in [Metadata::NoPlace, Metadata::All] {
            let (kept, said) = kept_by(choice);
            for stays in
                ["equirectangular", "2026", "A &amp; B", "<rdf:li>Somebody</rdf:li>", "4096"]
            {
                assert!(kept.contains(stays), "{stays}");
            }
            for gone in ["SECRET", "Orientation", "hdrgm:Version", "comment"] {
                assert!(!kept.contains(gone), "{gone}");
            }
            for place in ["51,30", "London", "LocationId"] {
                assert_eq!(kept.contains(place), choice == Metadata::All, "{place}");
            }
            let mut expected = vec![LeftOut::Preview, LeftOut::GainMap];
            expected.extend((choice == Metadata::NoPlace).then_some(LeftOut::Place));
            expected.sort();
            assert_eq!(said, expected);
            assert_eq!(super::kept(kept.as_bytes(), choice, &mut Report::default()), Some(kept));
        }
    }

    #[test]
    fn pictures_written_as_text_are_found_everywhere_and_damage_does_no_harm() {
        let picture = "/9j/4AAQSkZJRgABAQ".repeat(100);
        for packet in [
            PACKET.replace("Somebody", &picture),
            PACKET.replace("51,30.0N", &picture),
            PACKET.replace("<rdf:li>Somebody", &format!("<!--{picture}--><rdf:li>Somebody")),
        ] {
            for choice in [Metadata::None, Metadata::NoPlace, Metadata::All] {
                let kept = kept(packet.as_bytes(), choice, &mut Report::default());
                assert!(!kept.expect("something").contains("/9j/"));
            }
        }
        for cut in (0..PACKET.len()).filter(|cut| PACKET.is_char_boundary(*cut)) {
            let mut report = Report::default();
            if kept(&PACKET.as_bytes()[..cut], Metadata::All, &mut report).is_none() {
                assert!(!report.into_list().is_empty(), "cut at {cut}");
            }
        }
        let mut report = Report::default();
        let no_xml = b"\xFF\xFE<\0x\0";
        assert_eq!(kept(no_xml, Metadata::All, &mut report), None);
        assert_eq!(report.into_list(), [LeftOut::Xmp]);
    }
}
