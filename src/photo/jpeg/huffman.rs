//! Huffman codes: those of a file, and the best one for given symbols.

use super::{JpegError, bits::BitReader};

/// Bits that are looked up at once; longer codes are rare.
const FAST_BITS: u32 = 9;

/// A Huffman code with at most 16 bits a symbol (ITU-T T.81, annex C).
#[derive(Clone)]
pub struct HuffmanTable {
    /// Symbols with 1 to 16 bits.
    counts: [u8; 16],
    /// All symbols, by their codes.
    symbols: Vec<u8>,
    /// Of each symbol its code and length; the length is 0 if it has none.
    codes: [(u16, u8); 256],
    /// By the next bits, a symbol and its length; the length is 0 if the code is longer.
    fast: Vec<(u8, u8)>,
}

impl PartialEq for HuffmanTable {
    fn eq(&self, other: &Self) -> bool {
        // All else follows from these.
        self.counts == other.counts && self.symbols == other.symbols
    }
}

/// The code that T.81 proposes for first coefficients of brightness (table K.3), and of colour (K.4).
const USUAL_DC: [[u8; 16]; 2] = [
    [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0],
    [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0],
];

/// The same for the others (K.5 and K.6).
const USUAL_AC: [[u8; 16]; 2] = [
    [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7D],
    [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77],
];

/// The symbols of these codes, up to those of the longest one, which all others have.
const USUAL_AC_SYMBOLS: [&[u8]; 2] = [
    b"\x01\x02\x03\x00\x04\x11\x05\x12\x21\x31\x41\x06\x13\x51\x61\x07\x22\x71\x14\x32\x81\x91\xA1\x08\
      \x23\x42\xB1\xC1\x15\x52\xD1\xF0\x24\x33\x62\x72\x82",
    b"\x00\x01\x02\x03\x11\x04\x05\x21\x31\x06\x12\x41\x51\x07\x61\x71\x13\x22\x32\x81\x08\x14\x42\x91\
      \xA1\xB1\xC1\x09\x23\x33\x52\xF0\x15\x62\x72\xD1\x0A\x16\x24\x34\xE1\x25\xF1",
];

impl HuffmanTable {
    /// The code that a file without codes of its own has: for first coefficients (class 0) or others (1),
    /// of brightness (slot 0) or colour (1).
    pub fn usual(class: usize, slot: usize) -> Option<Self> {
        if class == 0 {
            return Self::new(*USUAL_DC.get(slot)?, &(0..12).collect::<Vec<u8>>());
        }
        let mut symbols = USUAL_AC_SYMBOLS.get(slot)?.to_vec();
        let zeros_and_bits =
            (0..16u8).flat_map(|zeros| (1..11u8).map(move |bits| zeros << 4 | bits));
        let rest: Vec<u8> = zeros_and_bits.filter(|symbol| !symbols.contains(symbol)).collect();
        symbols.extend(rest);
        Self::new(*USUAL_AC.get(slot)?, &symbols)
    }

    /// A table as a file gives it; `None` if there are more codes than bits for them.
    pub fn new(counts: [u8; 16], symbols: &[u8]) -> Option<Self> {
        if counts.iter().map(|&count| usize::from(count)).sum::<usize>() != symbols.len() {
            return None;
        }
        let mut codes = [(0, 0); 256];
        let mut fast = vec![(0, 0); 1 << FAST_BITS];
        let (mut code, mut rest) = (0u32, symbols);
        for (length, &count) in (1..).zip(&counts) {
            let (these, later) = rest.split_at_checked(count.into())?;
            rest = later;
            for &symbol in these {
                if code >= 1 << length {
                    return None;
                }
                codes[usize::from(symbol)] = (code as u16, length);
                if let Some(free) = FAST_BITS.checked_sub(length.into()) {
                    let first = (code as usize) << free;
                    fast[first..first + (1 << free)].fill((symbol, length));
                }
                code += 1;
            }
            code <<= 1;
        }
        Some(HuffmanTable { counts, symbols: symbols.to_vec(), codes, fast })
    }

    /// The next symbol.
    pub fn read(&self, reader: &mut BitReader<'_>) -> Result<u8, JpegError> {
        let next = reader.peek_16();
        let (symbol, length) = self.fast[usize::from(next >> (16 - FAST_BITS))];
        if length > 0 {
            reader.skip(length.into())?;
            return Ok(symbol);
        }
        let (mut code, mut first) = (0u32, 0usize);
        for (length, &count) in (1u32..).zip(&self.counts) {
            let bits = u32::from(next) >> (16 - length);
            // Codes of one length follow each other.
            if let Some(nth) = bits.checked_sub(code)
                && nth < u32::from(count)
            {
                reader.skip(length)?;
                return self.symbols.get(first + nth as usize).copied().ok_or(JpegError::Damaged);
            }
            first += usize::from(count);
            code = (code + u32::from(count)) << 1;
        }
        Err(JpegError::Damaged)
    }

    /// A symbol's code and its length in bits; `None` if it has none.
    pub fn code(&self, symbol: u8) -> Option<(u16, u8)> {
        let (code, length) = self.codes[usize::from(symbol)];
        (length > 0).then_some((code, length))
    }

    /// The table as in a segment, behind its class and number.
    pub fn content(&self) -> impl Iterator<Item = u8> + '_ {
        self.counts.iter().chain(&self.symbols).copied()
    }

    /// The shortest code for symbols that occur this often (T.81, K.2); the code of ones alone
    /// stays free. `None` is never the case: the lengths are those of a tree.
    pub fn shortest(frequencies: &[u32; 256]) -> Option<Self> {
        // The last one stands for the code that stays free, which is the longest.
        let mut weights: Vec<u64> = frequencies.iter().map(|&count| count.into()).collect();
        weights.push(1);
        // Symbols, then the nodes that join two of them.
        let mut parents: Vec<usize> = vec![0; weights.len()];
        let mut open: Vec<usize> = (0..weights.len()).filter(|&i| weights[i] > 0).collect();
        while open.len() > 1 {
            // The rarest two, the later ones first, at the end.
            open.sort_by_key(|&i| (std::cmp::Reverse(weights[i]), i));
            let pair = open.split_off(open.len() - 2);
            let joined = weights.len();
            weights.push(pair.iter().map(|&i| weights[i]).sum());
            parents.push(0);
            pair.into_iter().for_each(|i| parents[i] = joined);
            open.push(joined);
        }
        let root = weights.len() - 1;
        let depth = |symbol: usize| {
            let (mut at, mut depth) = (symbol, 0usize);
            while at != root {
                at = parents[at];
                depth += 1;
            }
            depth
        };
        let depths: Vec<usize> =
            (0..=256).map(|i| if weights[i] > 0 { depth(i) } else { 0 }).collect();
        let mut counts = vec![0usize; 258];
        depths.iter().filter(|&&depth| depth > 0).for_each(|&depth| counts[depth] += 1);
        // Codes of more than 16 bits come in pairs: one takes the place of their common beginning,
        // the other that of a shorter code, which gets a bit longer with it.
        for length in (17..counts.len()).rev() {
            while counts[length] > 0 {
                let shorter = (1..length - 1).rev().find(|&shorter| counts[shorter] > 0);
                let Some(shorter) = shorter else { break };
                counts[length] -= 2;
                counts[length - 1] += 1;
                counts[shorter + 1] += 2;
                counts[shorter] -= 1;
            }
        }
        // The code that stays free.
        if let Some(longest) = (1..=16).rev().find(|&length| counts[length] > 0) {
            counts[longest] -= 1;
        }
        let mut symbols: Vec<usize> = (0..256).filter(|&i| depths[i] > 0).collect();
        symbols.sort_by_key(|&i| depths[i]);
        let symbols: Vec<u8> = symbols.into_iter().map(|i| i as u8).collect();
        let counts = std::array::from_fn(|i| counts[i + 1] as u8);
        Self::new(counts, &symbols)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::bits::BitWriter, *};

    #[test]
    fn any_frequencies_give_a_code_of_16_bits_that_reads_itself() {
        let of = |frequency: &dyn Fn(u32) -> u32| std::array::from_fn(|i| frequency(i as u32));
        let fibonacci = |i: u32| (0..i.min(40)).fold((1, 1), |(a, b), _| (b, a + b)).0;
        let all: [[u32; 256]; 5] = [
            of(&|_| 1),
            of(&|i| i * i),
            // A tree as deep as trees get.
            of(&|i| if i < 40 { fibonacci(i) } else { 0 }),
            of(&|i| u32::from(i == 7)),
            of(&|i| if i % 3 == 0 { u32::MAX } else { 0 }),
        ];
        for frequencies in all {
            let table = HuffmanTable::shortest(&frequencies).expect("a code");
            let used: Vec<u8> = (0..=255).filter(|&i| frequencies[usize::from(i)] > 0).collect();
            let mut writer = BitWriter::default();
            for &symbol in &used {
                let (code, length) = table.code(symbol).expect("a code for what occurs");
                assert!(length <= 16 && u32::from(code) != (1 << length) - 1, "{symbol}");
                writer.put(code.into(), length.into());
            }
            assert_eq!((0..=255).filter(|&i| table.code(i).is_some()).count(), used.len());
            let bytes = writer.finish();
            let mut reader = BitReader::new(&bytes);
            for &symbol in &used {
                assert_eq!(table.read(&mut reader), Ok(symbol));
            }
        }
        // Two that are as rare share the longest codes, and the code that is kept free is one.
        let skewed =
            HuffmanTable::shortest(&of(&|i| [8, 4, 2, 1].get(i as usize).map_or(0, |n| *n)));
        let skewed = skewed.expect("a code");
        assert_eq!(skewed.content().take(5).collect::<Vec<u8>>(), [1, 1, 1, 1, 0]);
    }

    #[test]
    fn a_table_with_more_codes_than_bits_is_none() {
        let counts = |first: [u8; 3]| std::array::from_fn(|i| first.get(i).map_or(0, |n| *n));
        assert!(HuffmanTable::new(counts([2, 0, 0]), &[1, 2]).is_some());
        assert!(HuffmanTable::new(counts([3, 0, 0]), &[1, 2, 3]).is_none());
        assert!(HuffmanTable::new(counts([2, 1, 0]), &[1, 2, 3]).is_none());
        assert!(HuffmanTable::new(counts([1, 1, 0]), &[1]).is_none());
    }
}
