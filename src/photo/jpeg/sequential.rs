//! Baseline scans, in which a block's coefficients follow each other (ITU-T T.81, F.1 and F.2).

use super::{
    Block, JpegError,
    bits::BitReader,
    coder::{Coder, Codes, coded, slot},
    file::{Frame, Scan, Step},
    huffman::HuffmanTable,
};

/// The largest first coefficient, either way: those of 8-bit samples have a ninth of it.
pub const LARGEST_DC: i32 = (1 << 14) - 1;

/// Reads a scan, and gives each block with its component to `see`.
pub fn read(
    frame: &Frame,
    scan: &Scan<'_>,
    see: &mut dyn FnMut(usize, &Step, &mut Block),
) -> Result<(), JpegError> {
    let mut reader = BitReader::new(scan.data);
    let mut last = vec![0; scan.components.len()];
    frame.walk(scan, |step| {
        if step.restart {
            reader.restart()?;
            last.fill(0);
        }
        let component = &scan.components[step.nth];
        let (Some(dc), Some(ac)) = (&component.dc, &component.ac) else {
            return Err(JpegError::Damaged);
        };
        let mut block = read_block(&mut reader, dc, ac, &mut last[step.nth])?;
        see(component.index, &step, &mut block);
        Ok(())
    })
}

/// Reads a scan, gives each block with its component to `edit`, and writes the scan again. Only one
/// block is in memory at a time.
pub fn recode(
    frame: &Frame,
    scan: &Scan<'_>,
    edit: &mut dyn FnMut(usize, &Step, &mut Block),
) -> Result<(Codes, Vec<u8>), JpegError> {
    coded(scan, |coder| {
        // The last block's first coefficient, by which the next is coded.
        let mut last = vec![0; scan.components.len()];
        read(frame, scan, &mut |component, step, block| {
            if step.restart {
                coder.restart();
                last.fill(0);
            }
            edit(component, step, block);
            let slots = [0, 1].map(|class| slot(scan, step.nth, class));
            write_block(coder, slots, &mut last[step.nth], block);
        })
    })
}

/// The next first coefficient; `last` is the one before, by which it is coded.
pub fn read_dc(
    reader: &mut BitReader<'_>,
    dc: &HuffmanTable,
    last: &mut i32,
) -> Result<i32, JpegError> {
    let bits = dc.read(reader)?;
    *last += reader.signed(bits.into())?;
    if last.abs() > LARGEST_DC { Err(JpegError::Damaged) } else { Ok(*last) }
}

fn read_block(
    reader: &mut BitReader<'_>,
    dc: &HuffmanTable,
    ac: &HuffmanTable,
    last: &mut i32,
) -> Result<Block, JpegError> {
    let mut block = [0i16; 64];
    block[0] = read_dc(reader, dc, last)? as i16;
    let mut at = 1;
    while at < 64 {
        let symbol = ac.read(reader)?;
        let (zeros, bits) = (usize::from(symbol >> 4), u32::from(symbol & 15));
        match (zeros, bits) {
            (0, 0) => break,
            (15, 0) => at += 16,
            (_, 0) => return Err(JpegError::Damaged),
            _ => {
                at += zeros;
                *block.get_mut(at).ok_or(JpegError::Damaged)? = reader.signed(bits)? as i16;
                at += 1;
            }
        }
    }
    Ok(block)
}

/// The bits of a number, and the number as those bits.
pub fn coded_bits(value: i32) -> (u32, i32) {
    let bits = 32 - value.unsigned_abs().leading_zeros();
    (bits, if value < 0 { value - 1 } else { value })
}

/// Writes a first coefficient by the one before.
pub fn write_dc(coder: &mut Coder, slot: usize, last: &mut i32, value: i32) {
    let (bits, coded) = coded_bits(value - *last);
    coder.symbol(slot, bits as u8, coded, bits);
    *last = value;
}

/// Writes a block's coefficients; `last` is the first one of the block before.
pub fn write_block(coder: &mut Coder, [dc, ac]: [usize; 2], last: &mut i32, block: &Block) {
    write_dc(coder, dc, last, block[0].into());
    let mut zeros = 0u8;
    for &value in &block[1..] {
        if value == 0 {
            zeros += 1;
            continue;
        }
        while zeros > 15 {
            coder.symbol(ac, 0xF0, 0, 0);
            zeros -= 16;
        }
        let (bits, coded) = coded_bits(value.into());
        coder.symbol(ac, zeros << 4 | bits as u8, coded, bits);
        zeros = 0;
    }
    if zeros > 0 {
        coder.symbol(ac, 0, 0, 0);
    }
}
