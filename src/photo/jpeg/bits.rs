//! The bits of a scan: read from, and written to, bytes in which a zero stands behind each 0xFF
//! (ITU-T T.81, F.1.2.3 and F.2.2.5).

use super::JpegError;

/// Reads the bits of one scan.
pub struct BitReader<'a> {
    data: &'a [u8],
    /// The next byte that is not in `bits` yet.
    at: usize,
    /// The next bits, the first one at the top.
    bits: u64,
    count: u32,
    /// Restart markers so far.
    restarts: u8,
}

impl<'a> BitReader<'a> {
    /// Reads a scan's data, which may end in a marker.
    pub fn new(data: &'a [u8]) -> Self {
        BitReader { data, at: 0, bits: 0, count: 0, restarts: 0 }
    }

    /// Takes in bytes, up to a marker or the end.
    fn refill(&mut self) {
        while self.count <= 56 {
            let byte = match self.data.get(self.at..) {
                Some([0xFF, 0, ..]) => {
                    self.at += 2;
                    0xFF
                }
                Some([0xFF, ..] | []) | None => return,
                Some([byte, ..]) => {
                    self.at += 1;
                    *byte
                }
            };
            self.bits |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    /// The next 16 bits, without taking them; zeros behind the end.
    pub fn peek_16(&mut self) -> u16 {
        if self.count < 16 {
            self.refill();
        }
        (self.bits >> 48) as u16
    }

    /// Takes bits, at most 16, that were looked at before.
    pub fn skip(&mut self, bits: u32) -> Result<(), JpegError> {
        self.count = self.count.checked_sub(bits).ok_or(JpegError::Damaged)?;
        self.bits <<= bits;
        Ok(())
    }

    /// The next bits, at most 16, as a number.
    pub fn take(&mut self, bits: u32) -> Result<u32, JpegError> {
        let value = u32::from(self.peek_16()) >> (16 - bits);
        self.skip(bits)?;
        Ok(value)
    }

    /// The next bit.
    pub fn flag(&mut self) -> Result<bool, JpegError> {
        Ok(self.take(1)? == 1)
    }

    /// A number of `bits` bits, at most 15, as it is coded: those that begin with a zero are
    /// negative (T.81, F.2.2.1).
    pub fn signed(&mut self, bits: u32) -> Result<i32, JpegError> {
        if bits > 15 {
            return Err(JpegError::Damaged);
        }
        let value = self.take(bits)? as i32;
        let half = (1 << bits) >> 1;
        Ok(if value < half { value + 1 - (1 << bits) } else { value })
    }

    /// Goes on behind the next restart marker.
    pub fn restart(&mut self) -> Result<(), JpegError> {
        // What is left of the last byte.
        (self.bits, self.count) = (0, 0);
        while let Some([0xFF, 0xFF, ..]) = self.data.get(self.at..) {
            self.at += 1;
        }
        match self.data.get(self.at..) {
            Some([0xFF, code, ..]) if *code == 0xD0 + self.restarts % 8 => {
                self.at += 2;
                self.restarts = (self.restarts + 1) % 8;
                Ok(())
            }
            _ => Err(JpegError::Damaged),
        }
    }
}

/// Writes the bits of one scan.
#[derive(Default)]
pub struct BitWriter {
    bytes: Vec<u8>,
    /// Bits that are no whole byte yet, at the bottom.
    bits: u64,
    count: u32,
    restarts: u8,
}

impl BitWriter {
    /// Writes the lowest `count` bits of `value`, at most 16.
    pub fn put(&mut self, value: u32, count: u32) {
        self.bits = self.bits << count | u64::from(value & ((1 << count) - 1));
        self.count += count;
        while self.count >= 8 {
            self.count -= 8;
            let byte = (self.bits >> self.count) as u8;
            self.bytes.push(byte);
            if byte == 0xFF {
                self.bytes.push(0);
            }
        }
    }

    /// Fills the last byte with ones.
    fn align(&mut self) {
        let missing = (8 - self.count) % 8;
        self.put((1 << missing) - 1, missing);
    }

    /// Writes a restart marker.
    pub fn restart(&mut self) {
        self.align();
        self.bytes.extend([0xFF, 0xD0 + self.restarts]);
        self.restarts = (self.restarts + 1) % 8;
    }

    /// All bytes.
    pub fn finish(mut self) -> Vec<u8> {
        self.align();
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_come_back_over_stuffed_bytes_and_restarts() {
        let values: Vec<(u32, u32)> =
            (0..4_000u32).map(|i| (i * 40_503 % 65_536, i % 17)).collect();
        let mut writer = BitWriter::default();
        for (i, &(value, bits)) in values.iter().enumerate() {
            if i % 100 == 99 {
                writer.restart();
            }
            // Now and then a byte of ones.
            writer.put(if i % 5 == 0 { 0xFFFF } else { value }, bits);
        }
        let bytes = writer.finish();
        assert!(bytes.windows(2).any(|pair| pair == [0xFF, 0]));
        let mut reader = BitReader::new(&bytes);
        for (i, &(value, bits)) in values.iter().enumerate() {
            if i % 100 == 99 {
                reader.restart().expect("a marker");
            }
            let value = if i % 5 == 0 { 0xFFFF } else { value };
            assert_eq!(reader.take(bits), Ok(value & ((1 << bits) - 1)), "number {i}");
        }
        // Less than a byte is left.
        assert_eq!(reader.take(8), Err(JpegError::Damaged));
        assert_eq!(reader.restart(), Err(JpegError::Damaged));
    }

    #[test]
    fn signed_numbers_are_read_as_the_standard_says() {
        let mut reader = BitReader::new(&[0b0100_0111]);
        assert_eq!(reader.signed(0), Ok(0));
        assert_eq!(reader.signed(2), Ok(-2));
        assert_eq!(reader.signed(3), Ok(-7));
        assert_eq!(reader.signed(3), Ok(7));
        assert_eq!(reader.signed(16), Err(JpegError::Damaged));
    }
}
