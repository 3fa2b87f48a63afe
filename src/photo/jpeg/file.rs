//! A JPEG's segments: its frame, its tables, and its scans.

use std::rc::Rc;

use super::{JpegError, huffman::HuffmanTable};
use crate::photo::parts::{PartKind, walk_parts};

/// The most scans that are read. Photos have up to 20, and each one takes time for all blocks.
const MAX_SCANS: usize = 100;

/// The length of JFIF's segment without a preview.
const JFIF_LENGTH: u8 = 16;

/// A JPEG, taken apart.
pub struct JpegFile<'a> {
    pub frame: Frame,
    pub scans: Vec<Scan<'a>>,
}

/// The picture's size and colours (ITU-T T.81, B.2.2).
pub struct Frame {
    pub progressive: bool,
    /// Pixels across and down, as stored.
    pub width: u32,
    pub height: u32,
    pub components: Vec<Component>,
    /// How its components are colours.
    pub coding: Coding,
    /// Groups of blocks across and down, in a scan of several components.
    groups: [usize; 2],
}

/// How a frame's components are colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Brightness alone.
    Grey,
    /// Brightness and two differences of colour.
    YCbCr,
    /// Red, green and blue.
    Rgb,
    /// Four inks.
    Cmyk,
    /// Three inks as brightness and differences of colour, and black.
    Ycck,
}

/// One of its colours.
pub struct Component {
    pub id: u8,
    /// Blocks across and down in a group.
    sampling: [usize; 2],
    /// Pixels across and down that share a sample.
    pub step: [u32; 2],
    /// Samples across and down.
    pub samples: [u32; 2],
    /// Blocks across and down that have samples.
    blocks: [usize; 2],
    /// The same, with those that fill up the last groups.
    pub padded: [usize; 2],
    /// Which quantisation table it has, and that table once it is used, in zigzag order.
    table: usize,
    pub quantisation: [u16; 64],
}

/// A scan: some bits of some components' coefficients (T.81, B.2.3).
pub struct Scan<'a> {
    /// The segments before it, without its codes, to be written as they are.
    pub before: Vec<u8>,
    /// Its own segment.
    pub header: &'a [u8],
    /// Its bits, up to the next segment.
    pub data: &'a [u8],
    pub components: Vec<ScanComponent>,
    /// The first and the last coefficient, in zigzag order.
    pub band: [usize; 2],
    /// The lowest bit that was sent before, and the one to which bits are sent now.
    pub high: u32,
    pub low: u32,
    /// Groups of blocks between restarts; 0 if there are none.
    pub interval: usize,
}

/// A component in a scan.
pub struct ScanComponent {
    /// Its number in the frame.
    pub index: usize,
    /// The numbers of its codes, which are `dc` and `ac`.
    pub slots: [usize; 2],
    pub dc: Option<Rc<HuffmanTable>>,
    pub ac: Option<Rc<HuffmanTable>>,
}

/// A block in a scan.
pub struct Step {
    /// The number of its component in the scan.
    pub nth: usize,
    /// Its column and row.
    pub at: [usize; 2],
    /// Its number in the component, row after row.
    pub block: usize,
    /// Whether there is a restart before it.
    pub restart: bool,
}

impl Frame {
    /// Reads a frame's segment.
    pub fn read(code: u8, content: &[u8]) -> Result<Self, JpegError> {
        match code {
            0xC0..=0xC2 => {}
            0xC9..=0xCB => return Err(JpegError::Arithmetic),
            _ => return Err(JpegError::Process),
        }
        let &[depth, h1, h0, w1, w0, count, ref rest @ ..] = content else {
            return Err(JpegError::Damaged);
        };
        if depth != 8 {
            return Err(JpegError::Depth(depth));
        }
        let (width, height) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
        if width == 0 || height == 0 || rest.len() != 3 * usize::from(count) {
            return Err(JpegError::Damaged);
        }
        if !matches!(count, 1 | 3 | 4) {
            return Err(JpegError::Components(count));
        }
        let factors: Vec<[usize; 2]> = rest
            .iter()
            .skip(1)
            .step_by(3)
            .map(|f| [usize::from(f >> 4), (f & 15).into()])
            .collect();
        if !factors.as_flattened().iter().all(|factor| (1..=4).contains(factor)) {
            return Err(JpegError::Damaged);
        }
        let largest = [0, 1].map(|way| factors.iter().map(|f| f[way]).max().unwrap_or(1));
        let pixels = [usize::from(width), usize::from(height)];
        let groups = [0, 1].map(|way| pixels[way].div_ceil(8 * largest[way]));
        let mut components = Vec::new();
        for (&sampling, part) in factors.iter().zip(rest.chunks_exact(3)) {
            if [0, 1].iter().any(|&way| largest[way] % sampling[way] != 0) {
                return Err(JpegError::Sampling);
            }
            let step = [0, 1].map(|way| (largest[way] / sampling[way]) as u32);
            let samples = [u32::from(width).div_ceil(step[0]), u32::from(height).div_ceil(step[1])];
            components.push(Component {
                id: part[0],
                sampling,
                step,
                samples,
                blocks: samples.map(|samples| samples.div_ceil(8) as usize),
                padded: [0, 1].map(|way| groups[way] * sampling[way]),
                table: usize::from(part[2]),
                quantisation: [0; 64],
            });
        }
        let (width, height) = (width.into(), height.into());
        let progressive = code == 0xC2;
        Ok(Frame { progressive, width, height, components, coding: Coding::Grey, groups })
    }

    /// Gives the blocks of a scan to `visit`, in their order in it (T.81, A.2).
    pub fn walk(
        &self,
        scan: &Scan<'_>,
        mut visit: impl FnMut(Step) -> Result<(), JpegError>,
    ) -> Result<(), JpegError> {
        let restart =
            |group: usize| scan.interval > 0 && group > 0 && group.is_multiple_of(scan.interval);
        if let [only] = scan.components.as_slice() {
            // Its blocks one by one, without those that fill up groups.
            let component = &self.components[only.index];
            let [across, down] = component.blocks;
            for y in 0..down {
                for x in 0..across {
                    let block = y * component.padded[0] + x;
                    visit(Step { nth: 0, at: [x, y], block, restart: restart(y * across + x) })?;
                }
            }
            return Ok(());
        }
        for group in 0..self.groups[0] * self.groups[1] {
            let [left, top] = [group % self.groups[0], group / self.groups[0]];
            let mut restart = restart(group);
            for (nth, part) in scan.components.iter().enumerate() {
                let component = &self.components[part.index];
                let [across, down] = component.sampling;
                for i in 0..across * down {
                    let at = [left * across + i % across, top * down + i / across];
                    let block = at[1] * component.padded[0] + at[0];
                    visit(Step { nth, at, block, restart: std::mem::take(&mut restart) })?;
                }
            }
        }
        Ok(())
    }
}

/// What segments have set so far.
#[derive(Default)]
struct State {
    quantisation: [Option<[u16; 64]>; 4],
    codes: [[Option<Rc<HuffmanTable>>; 4]; 2],
    interval: usize,
    /// Adobe's word on the colours: 0 for red, green and blue.
    adobe: Option<u8>,
    jfif: bool,
}

impl<'a> JpegFile<'a> {
    /// Takes a file apart. `exif` takes the place of its EXIF data; all other metadata are left out,
    /// but for the colour profile.
    ///
    /// # Errors
    /// [`JpegError`] when the file is damaged or of a kind that cannot be changed.
    pub fn read(bytes: &'a [u8], exif: Option<&[u8]>) -> Result<Self, JpegError> {
        let mut parts = Vec::new();
        // One more than there may be, so that it is known.
        let mut see = |part| {
            if parts.len() <= MAX_SEGMENTS {
                parts.push(part);
            }
        };
        walk_parts(bytes, &mut see).ok_or(JpegError::CutShort)?;
        if parts.len() > MAX_SEGMENTS {
            return Err(JpegError::Damaged);
        }
        let (mut frame, mut scans) = (None, Vec::new());
        let (mut state, mut exif) = (State::default(), exif);
        let mut before = vec![0xFF, 0xD8];
        for part in parts {
            let code = bytes.get(part.whole.start + 1).copied().unwrap_or(0);
            let whole = bytes.get(part.whole.clone()).unwrap_or_default();
            let content = bytes.get(part.content).unwrap_or_default();
            match (code, part.kind) {
                (_, PartKind::Exif) => {
                    if let Some(exif) = exif.take() {
                        put_exif(&mut before, exif)?;
                    }
                }
                (_, PartKind::Other) => {}
                (_, PartKind::Profile) => before.extend_from_slice(whole),
                (0xE0, _) => {
                    // One that is shorter says nothing.
                    if let Some(head) = content.get(..12) {
                        state.jfif = true;
                        put_jfif(&mut before, head);
                    }
                }
                (0xEE, _) => {
                    // Its last byte is how colours are coded.
                    if let (true, Some(&how)) = (content.starts_with(b"Adobe"), content.get(11)) {
                        state.adobe = Some(how);
                        before.extend_from_slice(whole);
                    }
                }
                (0xDB, _) => {
                    state.read_quantisation(content)?;
                    before.extend_from_slice(whole);
                }
                (0xC4, _) => state.read_codes(content)?,
                (0xDD, _) => {
                    let &[high, low] = content else { return Err(JpegError::Damaged) };
                    state.interval = u16::from_be_bytes([high, low]).into();
                    before.extend_from_slice(whole);
                }
                (0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF, _) => {
                    let read = Frame::read(code, content)?;
                    if frame.replace(read).is_some() {
                        return Err(JpegError::Process);
                    }
                    before.extend_from_slice(whole);
                }
                (0xDA, _) => {
                    let frame = frame.as_mut().ok_or(JpegError::Damaged)?;
                    if scans.len() == MAX_SCANS {
                        return Err(JpegError::Script);
                    }
                    scans.push(state.read_scan(frame, whole, std::mem::take(&mut before))?);
                }
                // Heights that come later, and frames that build on each other.
                (0xDC | 0xDE | 0xDF, _) => return Err(JpegError::Process),
                _ => {}
            }
        }
        let mut frame = frame.ok_or(JpegError::Damaged)?;
        // It would be lost, and with it the orientation.
        if exif.is_some() {
            return Err(JpegError::Metadata);
        }
        if scans.is_empty() {
            return Err(JpegError::Damaged);
        }
        frame.coding = state.coding(&frame);
        check_scans(&frame, &scans)?;
        Ok(JpegFile { frame, scans })
    }
}

/// The most segments of a file; photos have some hundreds, with a large profile.
const MAX_SEGMENTS: usize = 10_000;

/// Writes EXIF data as a segment.
fn put_exif(file: &mut Vec<u8>, exif: &[u8]) -> Result<(), JpegError> {
    const NAME: &[u8] = b"Exif\0\0";
    let length = u16::try_from(2 + NAME.len() + exif.len()).map_err(|_| JpegError::Metadata)?;
    file.extend([0xFF, 0xE1]);
    file.extend(length.to_be_bytes());
    file.extend_from_slice(NAME);
    file.extend_from_slice(exif);
    Ok(())
}

/// Writes JFIF's segment without the preview that it may hold: `head` is its name, version, unit, and a
/// pixel's width and height.
fn put_jfif(file: &mut Vec<u8>, head: &[u8]) {
    file.extend([0xFF, 0xE0, 0, JFIF_LENGTH]);
    file.extend_from_slice(head);
    file.extend([0, 0]);
}

impl State {
    /// Reads a segment of quantisation tables (T.81, B.2.4.1).
    fn read_quantisation(&mut self, mut content: &[u8]) -> Result<(), JpegError> {
        while let Some((&head, behind)) = content.split_first() {
            let wide = head >> 4 != 0;
            let (values, rest) =
                behind.split_at_checked(if wide { 128 } else { 64 }).ok_or(JpegError::Damaged)?;
            let table: [u16; 64] = match wide {
                true => {
                    std::array::from_fn(|i| u16::from_be_bytes([values[2 * i], values[2 * i + 1]]))
                }
                false => std::array::from_fn(|i| values[i].into()),
            };
            let slot = self.quantisation.get_mut(usize::from(head & 15));
            *slot.ok_or(JpegError::Damaged)? = Some(table);
            content = rest;
        }
        Ok(())
    }

    /// Reads a segment of Huffman codes (T.81, B.2.4.2).
    fn read_codes(&mut self, mut content: &[u8]) -> Result<(), JpegError> {
        while let Some((&head, behind)) = content.split_first() {
            let (counts, behind) = behind.split_first_chunk::<16>().ok_or(JpegError::Damaged)?;
            let symbols = counts.iter().map(|&count| usize::from(count)).sum();
            let (symbols, rest) = behind.split_at_checked(symbols).ok_or(JpegError::Damaged)?;
            let table = HuffmanTable::new(*counts, symbols).ok_or(JpegError::Damaged)?;
            let class = self.codes.get_mut(usize::from(head >> 4));
            let slot = class.and_then(|class| class.get_mut(usize::from(head & 15)));
            *slot.ok_or(JpegError::Damaged)? = Some(Rc::new(table));
            content = rest;
        }
        Ok(())
    }

    /// Reads a scan's segment, with the tables that it uses (T.81, B.2.3).
    fn read_scan<'a>(
        &self,
        frame: &mut Frame,
        whole: &'a [u8],
        before: Vec<u8>,
    ) -> Result<Scan<'a>, JpegError> {
        let damaged = || JpegError::Damaged;
        let &[_, _, high, low, ref behind @ ..] = whole else { return Err(damaged()) };
        let length = 2 + usize::from(u16::from_be_bytes([high, low]));
        let (header, data) = whole.split_at_checked(length).ok_or_else(damaged)?;
        let content = behind.get(..length.saturating_sub(4)).ok_or_else(damaged)?;
        let (&count, rest) = content.split_first().ok_or_else(damaged)?;
        let (list, [first, last, bits]) = rest.split_last_chunk::<3>().ok_or_else(damaged)?;
        if count == 0 || list.len() != 2 * usize::from(count) {
            return Err(damaged());
        }
        let mut components: Vec<ScanComponent> = Vec::new();
        for pair in list.chunks_exact(2) {
            let index = frame.components.iter().position(|component| component.id == pair[0]);
            let index = index.ok_or_else(damaged)?;
            if components.iter().any(|other| other.index == index) {
                return Err(damaged());
            }
            let component = &mut frame.components[index];
            // The table that stands there when a component is first sent is its own.
            if component.quantisation == [0; 64] {
                let table = self.quantisation.get(component.table).copied().flatten();
                component.quantisation = table.ok_or_else(damaged)?;
                if component.quantisation.contains(&0) {
                    return Err(damaged());
                }
            }
            let slots = [usize::from(pair[1] >> 4), usize::from(pair[1] & 15)];
            let code = |class: usize| {
                let own = self.codes[class].get(slots[class]).cloned().flatten();
                // Films of JPEGs, and pictures taken from them, leave the usual ones out.
                own.or_else(|| HuffmanTable::usual(class, slots[class]).map(Rc::new))
            };
            components.push(ScanComponent { index, slots, dc: code(0), ac: code(1) });
        }
        let scan = Scan {
            before,
            header,
            data,
            components,
            band: [usize::from(*first), usize::from(*last)],
            high: u32::from(bits >> 4),
            low: u32::from(bits & 15),
            interval: self.interval,
        };
        let fits = match (frame.progressive, scan.band) {
            (false, band) => band == [0, 63] && (scan.high, scan.low) == (0, 0),
            (true, [0, last]) => last == 0,
            (true, [first, last]) => first <= last && last < 64 && scan.components.len() == 1,
        };
        // Bits are sent from the top, and one at a time after the first ones.
        let in_order = scan.low <= 13 && (scan.high == 0 || scan.high == scan.low + 1);
        if fits && in_order { Ok(scan) } else { Err(JpegError::Script) }
    }

    /// How a frame's components are colours. The rules for files that say nothing, or contradict
    /// themselves, are libjpeg's, because browsers go by them.
    fn coding(&self, frame: &Frame) -> Coding {
        let named_rgb = || frame.components.iter().map(|component| component.id).eq(*b"RGB");
        match (frame.components.len(), self.adobe) {
            (1, _) => Coding::Grey,
            (4, None | Some(0)) => Coding::Cmyk,
            (4, Some(_)) => Coding::Ycck,
            (_, _) if self.jfif => Coding::YCbCr,
            (_, Some(0)) => Coding::Rgb,
            (_, None) if named_rgb() => Coding::Rgb,
            _ => Coding::YCbCr,
        }
    }
}

/// Refuses a file without some of its components, and a baseline one that has some twice. What is
/// missing of a progressive one is known once its bits are read.
fn check_scans(frame: &Frame, scans: &[Scan<'_>]) -> Result<(), JpegError> {
    let mut seen = vec![0usize; frame.components.len()];
    for component in scans.iter().flat_map(|scan| &scan.components) {
        seen[component.index] += 1;
    }
    if seen.contains(&0) {
        return Err(JpegError::Incomplete);
    }
    if !frame.progressive && seen.iter().any(|&times| times > 1) {
        return Err(JpegError::Script);
    }
    Ok(())
}
