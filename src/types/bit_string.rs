//! `bit(n)` and `bit varying(n)`: text `101` or `x1F`, in binary a 32-bit length before the bits.
//!
//! A value lies in `LargeBinary` in a form whose bytes order as PostgreSQL orders bit strings, so
//! that sorting, grouping, keys and statistics need to know nothing of it: blocks of 64 bits, the
//! first bit highest, each followed by one byte: 255 where another block follows, otherwise how
//! many bits of the block count. The rest of the last block is zero. (docs/format.md)

use bytes::{BufMut, BytesMut};

use super::{PgType, errors};
use crate::base::{Result, SqlError, SqlState};

/// Bits of a block.
const BLOCK: usize = 64;
/// Bytes of a block with its mark.
const MARKED: usize = 9;
/// The mark of a block that another one follows.
const MORE: u8 = 255;

/// A bit string apart from a column. What lies behind its last bit is zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BitString {
    length: usize,
    words: Vec<u64>,
}

/// The bits of a stored value, by blocks.
pub(crate) fn stored_blocks(stored: &[u8]) -> impl Iterator<Item = u64> {
    let (blocks, _) = stored.as_chunks::<MARKED>();
    blocks
        .iter()
        .map(|[a, b, c, d, e, f, g, h, _]| u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]))
}

/// How many bits a stored value has.
pub(crate) fn stored_length(stored: &[u8]) -> usize {
    let blocks = stored.len() / MARKED;
    let last = stored.last().copied().unwrap_or_default();
    blocks.saturating_sub(1) * BLOCK + usize::from(last)
}

impl BitString {
    /// So many bits, all zero.
    fn zeros(length: usize) -> Self {
        Self { length, words: vec![0; length.div_ceil(BLOCK)] }
    }

    /// A stored value's bits.
    pub(crate) fn of(stored: &[u8]) -> Self {
        let length = stored_length(stored);
        let words = stored_blocks(stored).take(length.div_ceil(BLOCK)).collect();
        Self { length, words }
    }

    /// The value as columns have it.
    pub(crate) fn stored(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.words.len().max(1) * MARKED);
        for (at, word) in self.words.iter().enumerate() {
            out.extend_from_slice(&word.to_be_bytes());
            let left = self.length - at * BLOCK;
            out.push(u8::try_from(left).ok().filter(|_| left <= BLOCK).unwrap_or(MORE));
        }
        if self.words.is_empty() {
            out.resize(MARKED, 0);
        }
        out
    }

    /// Reads `101`, `b101` or `x1F`.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let invalid = |digit: char, kind: &str| {
            let message = format!("\"{digit}\" is not a valid {kind} digit");
            SqlError::new(SqlState::INVALID_TEXT_REPRESENTATION, message)
        };
        if let Some(digits) = text.strip_prefix(['x', 'X']) {
            let mut bits = Self::zeros(digits.len() * 4);
            for (at, digit) in digits.chars().enumerate() {
                let value = digit.to_digit(16).ok_or_else(|| invalid(digit, "hexadecimal"))?;
                bits.words[at / 16] |= u64::from(value) << (60 - at % 16 * 4);
            }
            return Ok(bits);
        }
        let digits = text.strip_prefix(['b', 'B']).unwrap_or(text);
        let mut bits = Self::zeros(digits.len());
        for (at, digit) in digits.chars().enumerate() {
            match digit {
                '0' => {}
                '1' => bits.set(at, true),
                other => return Err(invalid(other, "binary")),
            }
        }
        Ok(bits)
    }

    /// Reads the binary form.
    pub(super) fn parse_binary(bytes: &[u8], ty: &PgType) -> Result<Self> {
        let (length, bytes) =
            bytes.split_first_chunk::<4>().ok_or_else(|| errors::invalid_binary(ty))?;
        let length = usize::try_from(i32::from_be_bytes(*length)).map_err(|_| {
            let message = "invalid length in external bit string";
            SqlError::new(SqlState::INVALID_BINARY_REPRESENTATION, message)
        })?;
        if bytes.len() != length.div_ceil(8) {
            return Err(errors::invalid_binary(ty));
        }
        let mut bits = Self::zeros(length);
        for (at, byte) in bytes.iter().enumerate() {
            bits.words[at / 8] |= u64::from(*byte) << (56 - at % 8 * 8);
        }
        bits.clear_rest();
        Ok(bits)
    }

    /// Writes `101`.
    pub(super) fn write(&self, out: &mut BytesMut) {
        out.reserve(self.length);
        for at in 0..self.length {
            out.put_u8(b'0' + u8::from(self.bit(at)));
        }
    }

    /// Writes the binary form.
    pub(super) fn write_binary(&self, out: &mut BytesMut) {
        out.put_i32(i32::try_from(self.length).unwrap_or(i32::MAX));
        let bytes = self.words.iter().flat_map(|word| word.to_be_bytes());
        out.extend(bytes.take(self.length.div_ceil(8)));
    }

    /// The value where a column of the type is to have it: `bit(n)` takes n bits only, `bit
    /// varying(n)` no more.
    pub(crate) fn assigned(self, ty: &PgType) -> Result<Self> {
        let found = self.length;
        let fits = |wanted: &u32| usize::try_from(*wanted).unwrap_or(usize::MAX);
        match ty {
            PgType::Bit(Some(wanted)) if fits(wanted) != found => Err(SqlError::new(
                SqlState::STRING_DATA_LENGTH_MISMATCH,
                format!("bit string length {found} does not match type bit({wanted})"),
            )),
            PgType::Varbit(Some(wanted)) if fits(wanted) < found => Err(SqlError::new(
                SqlState::STRING_DATA_RIGHT_TRUNCATION,
                format!("bit string too long for type bit varying({wanted})"),
            )),
            _ => Ok(self),
        }
    }

    /// The value after a cast that was asked for: cut off, or filled with zeros, at the end.
    pub(crate) fn cast(self, ty: &PgType) -> Self {
        let wanted = match ty {
            PgType::Bit(Some(wanted)) => usize::try_from(*wanted).unwrap_or(usize::MAX),
            PgType::Varbit(Some(most)) => {
                self.length.min(usize::try_from(*most).unwrap_or(usize::MAX))
            }
            _ => return self,
        };
        self.resized(wanted)
    }

    fn resized(mut self, length: usize) -> Self {
        self.length = length;
        self.words.resize(length.div_ceil(BLOCK), 0);
        self.clear_rest();
        self
    }

    /// The lowest bits of a number in two's complement.
    pub(crate) fn of_integer(value: i64, length: usize) -> Self {
        let mut bits = Self::zeros(length);
        for at in 0..length {
            let place = u32::try_from(length - 1 - at).unwrap_or(u32::MAX).min(63);
            bits.set(at, value >> place & 1 == 1);
        }
        bits
    }

    /// The number that the bits write; none if they are more than 64.
    pub(crate) fn to_integer(&self) -> Option<u64> {
        match self.length {
            0 => Some(0),
            length @ 1..=BLOCK => Some(self.words[0] >> (BLOCK - length)),
            _ => None,
        }
    }

    /// How many bits there are.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// A bit within the length, the first one being 0.
    pub(crate) fn bit(&self, at: usize) -> bool {
        self.words[at / BLOCK] >> (BLOCK - 1 - at % BLOCK) & 1 == 1
    }

    /// Sets a bit within the length.
    pub(crate) fn set(&mut self, at: usize, value: bool) {
        let mask = 1 << (BLOCK - 1 - at % BLOCK);
        match value {
            true => self.words[at / BLOCK] |= mask,
            false => self.words[at / BLOCK] &= !mask,
        }
    }

    /// Bit by bit with another one of the same length.
    pub(crate) fn merged(mut self, other: &Self, merge: fn(u64, u64) -> u64) -> Self {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word = merge(*word, *other);
        }
        self.clear_rest();
        self
    }

    /// The opposite of each bit.
    pub(crate) fn inverted(mut self) -> Self {
        self.words.iter_mut().for_each(|word| *word = !*word);
        self.clear_rest();
        self
    }

    /// The bits moved towards the first one, or the other way; zeros take their places.
    pub(crate) fn shifted(&self, left: i64) -> Self {
        let mut bits = Self::zeros(self.length);
        let distance = usize::try_from(left.unsigned_abs()).unwrap_or(usize::MAX);
        if distance >= self.length {
            return bits;
        }
        for at in 0..self.length - distance {
            let (from, to) = if left >= 0 { (at + distance, at) } else { (at, at + distance) };
            bits.set(to, self.bit(from));
        }
        bits
    }

    /// This one, then the other.
    pub(crate) fn followed_by(&self, other: &Self) -> Self {
        let mut bits = self.clone().resized(self.length + other.length);
        for at in 0..other.length {
            bits.set(self.length + at, other.bit(at));
        }
        bits
    }

    /// The bits from `from` to before `to`, both within the length.
    pub(crate) fn part(&self, from: usize, to: usize) -> Self {
        (from..to).map(|at| self.bit(at)).collect()
    }

    /// Where another one is found first.
    pub(crate) fn find(&self, wanted: &Self) -> Option<usize> {
        let last = self.length.checked_sub(wanted.length)?;
        let found =
            |start: usize| (0..wanted.length).all(|at| self.bit(start + at) == wanted.bit(at));
        (0..=last).find(|start| found(*start))
    }

    fn clear_rest(&mut self) {
        let rest = self.length % BLOCK;
        if rest > 0
            && let Some(last) = self.words.last_mut()
        {
            *last &= u64::MAX << (BLOCK - rest);
        }
    }
}

impl FromIterator<bool> for BitString {
    fn from_iter<T: IntoIterator<Item = bool>>(bits: T) -> Self {
        let mut all = Self::zeros(0);
        for bit in bits {
            if all.length.is_multiple_of(BLOCK) {
                all.words.push(0);
            }
            all.length += 1;
            all.set(all.length - 1, bit);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_stored_orders_as_the_bits_do(
            a in prop::collection::vec(any::<bool>(), 0..200),
            b in prop::collection::vec(any::<bool>(), 0..200),
            shared in prop::collection::vec(prop::bool::weighted(0.1), 0..200),
        ) {
            let (a, b) = ([shared.clone(), a].concat(), [shared, b].concat());
            let stored = |bits: &[bool]| bits.iter().copied().collect::<BitString>().stored();
            prop_assert_eq!(stored(&a).cmp(&stored(&b)), a.cmp(&b));
            let read = BitString::of(&stored(&a));
            prop_assert_eq!(read.len(), a.len());
            prop_assert!((0..a.len()).all(|at| read.bit(at) == a[at]));
        }

        #[test]
        fn text_and_binary_survive(bits in prop::collection::vec(any::<bool>(), 0..200)) {
            let bits: BitString = bits.into_iter().collect();
            let mut out = BytesMut::new();
            bits.write(&mut out);
            prop_assert_eq!(&BitString::parse(std::str::from_utf8(&out).unwrap()).unwrap(), &bits);
            let mut out = BytesMut::new();
            bits.write_binary(&mut out);
            let read = BitString::parse_binary(&out, &PgType::Varbit(None)).unwrap();
            prop_assert_eq!(read, bits);
        }
    }

    #[test]
    fn a_prefix_of_zeros_sorts_first() {
        let stored = |text: &str| BitString::parse(text).unwrap().stored();
        let sorted = ["", "0", "00", &"0".repeat(64), &"0".repeat(65), "01", "1", "10", "11"];
        for pair in sorted.windows(2) {
            assert!(stored(pair[0]) < stored(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn numbers_are_twos_complement() {
        assert_eq!(BitString::of_integer(-44, 12), BitString::parse("111111010100").unwrap());
        assert_eq!(BitString::of_integer(-1, 70), BitString::parse(&"1".repeat(70)).unwrap());
        assert_eq!(BitString::parse("1110").unwrap().to_integer(), Some(14));
        assert_eq!(BitString::parse("").unwrap().to_integer(), Some(0));
    }
}
