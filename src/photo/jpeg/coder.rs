//! Writes the symbols of a scan with the file's own Huffman codes, or with new ones where these
//! have no code for a symbol.

use std::rc::Rc;

use super::{JpegError, bits::BitWriter, file::Scan, huffman::HuffmanTable};

/// Codes are for first coefficients or for the others, and four of each at a time.
pub const SLOTS: usize = 8;

/// The codes of a scan, by slot: those for first coefficients, then the others.
pub type Codes = [Option<Rc<HuffmanTable>>; SLOTS];

/// Writes one scan.
pub struct Coder {
    bits: BitWriter,
    codes: Codes,
    /// How often each symbol occurs, by slot.
    frequencies: Box<[[u32; 256]; SLOTS]>,
    /// Slots whose codes lack a symbol.
    lacking: [bool; SLOTS],
}

/// The slot of a scan's code; `class` is 0 for first coefficients, and 1 for others.
pub fn slot(scan: &Scan<'_>, nth: usize, class: usize) -> usize {
    4 * class + scan.components[nth].slots[class] % 4
}

impl Coder {
    fn new(codes: Codes) -> Self {
        let frequencies = Box::new([[0; 256]; SLOTS]);
        Coder { bits: BitWriter::default(), codes, frequencies, lacking: [false; SLOTS] }
    }

    /// Writes a symbol, and `bits` bits of `value` behind it.
    pub fn symbol(&mut self, slot: usize, symbol: u8, value: i32, bits: u32) {
        let count = &mut self.frequencies[slot][usize::from(symbol)];
        *count = count.saturating_add(1);
        match self.codes[slot].as_ref().and_then(|table| table.code(symbol)) {
            Some((code, length)) => {
                self.bits.put(code.into(), length.into());
                self.bits.put(value as u32, bits);
            }
            None => self.lacking[slot] = true,
        }
    }

    /// Writes bits as they are.
    pub fn raw(&mut self, value: u32, bits: u32) {
        self.bits.put(value, bits);
    }

    /// Writes a restart marker.
    pub fn restart(&mut self) {
        self.bits.restart();
    }
}

/// Writes a scan by `code`, which is called again with new codes if the scan's own lack one.
/// Returns the codes in use, and the scan's data.
pub fn coded(
    scan: &Scan<'_>,
    mut code: impl FnMut(&mut Coder) -> Result<(), JpegError>,
) -> Result<(Codes, Vec<u8>), JpegError> {
    let mut codes = Codes::default();
    for (nth, component) in scan.components.iter().enumerate() {
        codes[slot(scan, nth, 0)].clone_from(&component.dc);
        codes[slot(scan, nth, 1)].clone_from(&component.ac);
    }
    let mut coder = Coder::new(codes);
    code(&mut coder)?;
    if coder.lacking.contains(&true) {
        let Coder { mut codes, frequencies, lacking, .. } = coder;
        for ((code, frequencies), lacks) in codes.iter_mut().zip(frequencies.iter()).zip(lacking) {
            if lacks {
                *code = HuffmanTable::shortest(frequencies).map(Rc::new);
            }
        }
        coder = Coder::new(codes);
        code(&mut coder)?;
    }
    let Coder { bits, mut codes, frequencies, .. } = coder;
    // What no symbol was written with need not be in the file.
    for (code, frequencies) in codes.iter_mut().zip(frequencies.iter()) {
        if frequencies.iter().all(|count| *count == 0) {
            *code = None;
        }
    }
    Ok((codes, bits.finish()))
}
