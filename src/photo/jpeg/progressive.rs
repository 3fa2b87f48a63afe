//! Progressive scans, which send some coefficients of all blocks, or one more bit of them (ITU-T
//! T.81, annex G).

use super::{
    Block, JpegError,
    bits::BitReader,
    coder::{Coder, Codes, coded, slot},
    file::{Frame, JpegFile, Scan},
    huffman::HuffmanTable,
    sequential::{LARGEST_DC, coded_bits, read_dc, write_dc},
};

/// Correction bits that wait for the run of blocks they belong to; as in other programs, so that
/// runs are as long as theirs.
const MOST_WAITING_BITS: usize = 937;

/// The longest run of blocks without new coefficients: 15 bits.
const LONGEST_RUN: u32 = 0x7FFF;

/// The coefficients of each component's blocks, row after row, with those that fill up groups.
pub type Coefficients = Vec<Vec<Block>>;

/// Reads all scans.
///
/// # Errors
/// [`JpegError::Script`] also when a bit is sent twice, or after a lower one.
pub fn read(file: &JpegFile<'_>) -> Result<Coefficients, JpegError> {
    Ok(read_scans(file)?.0)
}

/// Reads all scans of a file in which nothing is missing.
///
/// # Errors
/// As [`read`], and [`JpegError::Incomplete`] when a bit of a coefficient is never sent: then it
/// is a first, coarse version of the picture.
pub fn read_whole(file: &JpegFile<'_>) -> Result<Coefficients, JpegError> {
    let (all, sent) = read_scans(file)?;
    let is_sent = |bit: &Option<u32>| *bit == Some(0);
    if sent.as_flattened().iter().all(is_sent) { Ok(all) } else { Err(JpegError::Incomplete) }
}

/// The coefficients, and the lowest bit of each that has been sent.
type Sent = Vec<[Option<u32>; 64]>;

fn read_scans(file: &JpegFile<'_>) -> Result<(Coefficients, Sent), JpegError> {
    let frame = &file.frame;
    let blocks = |component: &super::file::Component| component.padded[0] * component.padded[1];
    let mut all: Coefficients =
        frame.components.iter().map(|component| vec![[0; 64]; blocks(component)]).collect();
    let mut sent: Sent = vec![[None; 64]; frame.components.len()];
    for scan in &file.scans {
        let before = (scan.high > 0).then_some(scan.high);
        for component in &scan.components {
            for bit in &mut sent[component.index][scan.band[0]..=scan.band[1]] {
                if *bit != before {
                    return Err(JpegError::Script);
                }
                *bit = Some(scan.low);
            }
        }
        read_scan(frame, scan, &mut all)?;
    }
    Ok((all, sent))
}

fn read_scan(frame: &Frame, scan: &Scan<'_>, all: &mut Coefficients) -> Result<(), JpegError> {
    let mut reader = BitReader::new(scan.data);
    let mut last = vec![0; scan.components.len()];
    // Blocks to come without new coefficients.
    let mut run = 0;
    frame.walk(scan, |step| {
        if step.restart {
            reader.restart()?;
            last.fill(0);
            run = 0;
        }
        let component = &scan.components[step.nth];
        let block = &mut all[component.index][step.block];
        let table =
            |table: &'_ Option<std::rc::Rc<HuffmanTable>>| table.clone().ok_or(JpegError::Damaged);
        match (scan.band[0], scan.high) {
            (0, 0) => {
                let value = read_dc(&mut reader, &*table(&component.dc)?, &mut last[step.nth])?;
                block[0] = shifted(value, scan.low)?;
            }
            (0, _) => block[0] |= i16::from(reader.flag()?) << scan.low,
            (_, 0) => read_first(&mut reader, &*table(&component.ac)?, scan, &mut run, block)?,
            _ => read_refined(&mut reader, &*table(&component.ac)?, scan, &mut run, block)?,
        }
        Ok(())
    })
}

/// A coefficient, of which the lowest bits are not sent yet.
fn shifted(value: i32, low: u32) -> Result<i16, JpegError> {
    let value = value << low;
    if value.abs() > LARGEST_DC { Err(JpegError::Damaged) } else { Ok(value as i16) }
}

/// The blocks of a run, with the present one, by the bits of its length.
fn run_length(reader: &mut BitReader<'_>, bits: u32) -> Result<u32, JpegError> {
    Ok((1 << bits) + reader.take(bits)?)
}

/// Reads the first bits of a band (G.1.2.2).
fn read_first(
    reader: &mut BitReader<'_>,
    ac: &HuffmanTable,
    scan: &Scan<'_>,
    run: &mut u32,
    block: &mut Block,
) -> Result<(), JpegError> {
    let mut at = scan.band[0];
    while *run == 0 && at <= scan.band[1] {
        let symbol = ac.read(reader)?;
        let (zeros, bits) = (usize::from(symbol >> 4), u32::from(symbol & 15));
        match (zeros, bits) {
            (15, 0) => at += 16,
            (_, 0) => *run = run_length(reader, zeros as u32)?,
            _ => {
                at += zeros;
                if at > scan.band[1] {
                    return Err(JpegError::Damaged);
                }
                block[at] = shifted(reader.signed(bits)?, scan.low)?;
                at += 1;
            }
        }
    }
    *run = run.saturating_sub(1);
    Ok(())
}

/// Reads one more bit of a band (G.1.2.3).
fn read_refined(
    reader: &mut BitReader<'_>,
    ac: &HuffmanTable,
    scan: &Scan<'_>,
    run: &mut u32,
    block: &mut Block,
) -> Result<(), JpegError> {
    let bit = 1i16 << scan.low;
    let refine = |reader: &mut BitReader<'_>, value: &mut i16| {
        if reader.flag()? {
            *value += bit * value.signum();
        }
        Ok::<_, JpegError>(())
    };
    let mut rest = block[scan.band[0]..=scan.band[1]].iter_mut();
    while *run == 0 && rest.len() > 0 {
        let symbol = ac.read(reader)?;
        let mut zeros = symbol >> 4;
        let new = match symbol & 15 {
            0 if zeros < 15 => {
                *run = run_length(reader, zeros.into())?;
                break;
            }
            0 => 0,
            1 if reader.flag()? => bit,
            1 => -bit,
            _ => return Err(JpegError::Damaged),
        };
        // Behind so many zeros, past those that are not zero already.
        let mut placed = false;
        for value in rest.by_ref() {
            if *value != 0 {
                refine(reader, value)?;
            } else if zeros > 0 {
                zeros -= 1;
            } else {
                *value = new;
                placed = true;
                break;
            }
        }
        if !placed && new != 0 {
            return Err(JpegError::Damaged);
        }
    }
    if *run > 0 {
        for value in rest.filter(|value| **value != 0) {
            refine(reader, value)?;
        }
        *run -= 1;
    }
    Ok(())
}

/// Writes a scan of these coefficients.
pub fn write(
    frame: &Frame,
    scan: &Scan<'_>,
    all: &Coefficients,
) -> Result<(Codes, Vec<u8>), JpegError> {
    let longest = longest_run(scan);
    coded(scan, |coder| {
        let mut last = vec![0; scan.components.len()];
        let mut run = Run { slot: slot(scan, 0, 1), longest, blocks: 0, bits: Vec::new() };
        frame.walk(scan, |step| {
            if step.restart {
                run.end(coder);
                coder.restart();
                last.fill(0);
            }
            let block = &all[scan.components[step.nth].index][step.block];
            match (scan.band[0], scan.high) {
                (0, 0) => {
                    let value = i32::from(block[0] >> scan.low);
                    write_dc(coder, slot(scan, step.nth, 0), &mut last[step.nth], value);
                }
                (0, _) => coder.raw(u32::from(block[0] >> scan.low & 1 == 1), 1),
                (_, 0) => run.write_first(coder, scan, block),
                _ => run.write_refined(coder, scan, block),
            }
            Ok(())
        })?;
        run.end(coder);
        Ok(())
    })
}

/// The longest run that the file's own code has a symbol for: some programs write none, and their
/// code can be kept then.
fn longest_run(scan: &Scan<'_>) -> u32 {
    let code = scan.components.first().and_then(|component| component.ac.as_ref());
    let Some(code) = code else { return LONGEST_RUN };
    let most_bits = (0..15u32).rev().find(|&bits| code.code((bits << 4) as u8).is_some());
    most_bits.map_or(1, |bits| (2 << bits) - 1)
}

/// A run of blocks without new coefficients, which is not written yet.
struct Run {
    slot: usize,
    longest: u32,
    blocks: u32,
    /// Further bits of those of their coefficients that are not new.
    bits: Vec<bool>,
}

impl Run {
    /// Writes the run, if there is one.
    fn end(&mut self, coder: &mut Coder) {
        if self.blocks > 0 {
            let bits = self.blocks.ilog2();
            coder.symbol(self.slot, (bits << 4) as u8, self.blocks as i32, bits);
            self.blocks = 0;
        }
        put_all(coder, &mut self.bits);
    }

    /// Counts a block that has nothing more.
    fn add(&mut self, coder: &mut Coder, bits: &mut Vec<bool>) {
        self.blocks += 1;
        self.bits.append(bits);
        if self.blocks >= self.longest || self.bits.len() > MOST_WAITING_BITS {
            self.end(coder);
        }
    }

    /// Writes the first bits of a block's band.
    fn write_first(&mut self, coder: &mut Coder, scan: &Scan<'_>, block: &Block) {
        let mut zeros = 0u8;
        for value in &block[scan.band[0]..=scan.band[1]] {
            let value = without_bits(*value, scan.low);
            if value == 0 {
                zeros += 1;
                continue;
            }
            self.end(coder);
            while zeros > 15 {
                coder.symbol(self.slot, 0xF0, 0, 0);
                zeros -= 16;
            }
            let (bits, coded) = coded_bits(value);
            coder.symbol(self.slot, zeros << 4 | bits as u8, coded, bits);
            zeros = 0;
        }
        if zeros > 0 {
            self.add(coder, &mut Vec::new());
        }
    }

    /// Writes one more bit of a block's band.
    fn write_refined(&mut self, coder: &mut Coder, scan: &Scan<'_>, block: &Block) {
        let band = &block[scan.band[0]..=scan.band[1]];
        let of = |value: &i16| without_bits(*value, scan.low);
        let behind_new = band.iter().rposition(|value| of(value).abs() == 1).map_or(0, |at| at + 1);
        let (mut zeros, mut waiting) = (0u8, Vec::new());
        for (at, value) in band.iter().enumerate() {
            let value = of(value);
            if value == 0 {
                zeros += 1;
                continue;
            }
            // Not behind the last new one, where zeros need no symbol.
            while zeros > 15 && at < behind_new {
                self.end(coder);
                coder.symbol(self.slot, 0xF0, 0, 0);
                zeros -= 16;
                put_all(coder, &mut waiting);
            }
            if value.abs() > 1 {
                waiting.push(value & 1 == 1);
                continue;
            }
            self.end(coder);
            coder.symbol(self.slot, zeros << 4 | 1, i32::from(value > 0), 1);
            put_all(coder, &mut waiting);
            zeros = 0;
        }
        if zeros > 0 || !waiting.is_empty() {
            self.add(coder, &mut waiting);
        }
    }
}

/// Writes bits, and forgets them.
fn put_all(coder: &mut Coder, bits: &mut Vec<bool>) {
    bits.drain(..).for_each(|bit| coder.raw(bit.into(), 1));
}

/// A coefficient without its lowest bits, rounded to zero.
fn without_bits(value: i16, low: u32) -> i32 {
    i32::from(value) / (1 << low)
}
