//! PostgreSQL's hashes of texts, `hashtext` and `hashtextextended`: what applications make the keys of
//! advisory locks by, so that they must be the same here as there (`hash_bytes` of
//! `src/common/hashfn.c`, Bob Jenkins' lookup3).

use std::sync::Arc;

use arrow::array::{AsArray, Int32Array, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF};

use super::function::{Arguments, Call, Function, Kind, arrays, internal, result};
use crate::base::Result;
use crate::types::PgType;

/// The functions of this family.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    vec![
        Function::new("hashtext", Arguments::Exactly(&[Kind::Text]), |_| PgType::Int4, hash_text)
            .build(),
        Function::new(
            "hashtextextended",
            Arguments::Exactly(&[Kind::Text, Kind::Any]),
            |_| PgType::Int8,
            hash_text_extended,
        )
        .build(),
    ]
}

fn hash_text(arguments: &[ColumnarValue], _: &Call) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let texts = columns[0].as_string::<i32>().iter();
    let hashes = texts.map(|text| text.map(|text| signed(hash(text.as_bytes(), 0).1)));
    result(Arc::new(Int32Array::from_iter(hashes)), scalar)
}

fn hash_text_extended(arguments: &[ColumnarValue], _: &Call) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let seeds = cast(&columns[1], &DataType::Int64).map_err(internal)?;
    let pairs = columns[0].as_string::<i32>().iter().zip(seeds.as_primitive::<Int64Type>());
    let hashes = pairs.map(|(text, seed)| {
        let (high, low) = hash(text?.as_bytes(), u64::from_ne_bytes(seed?.to_ne_bytes()));
        let both = (u64::from(high) << 32) | u64::from(low);
        Some(i64::from_ne_bytes(both.to_ne_bytes()))
    });
    result(Arc::new(Int64Array::from_iter(hashes)), scalar)
}

fn signed(hash: u32) -> i32 {
    i32::from_ne_bytes(hash.to_ne_bytes())
}

/// The two halves of a hash of 64 bits, of which the lower is that of 32.
fn hash(bytes: &[u8], seed: u64) -> (u32, u32) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let start = 0x9e37_79b9_u32.wrapping_add(length).wrapping_add(3_923_095);
    let mut state = [start; 3];
    if seed != 0 {
        let half = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).unwrap_or_default();
        state[0] = state[0].wrapping_add(half(seed >> 32));
        state[1] = state[1].wrapping_add(half(seed));
        mix(&mut state);
    }
    let mut chunks = bytes.chunks_exact(12);
    for chunk in &mut chunks {
        add(&mut state, chunk, 0);
        mix(&mut state);
    }
    let rest = chunks.remainder();
    // The lowest byte of the last word is the length's.
    add(&mut state, &rest[..rest.len().min(8)], 0);
    add(&mut state, rest.get(8..).unwrap_or_default(), 9);
    finish(&mut state);
    (state[1], state[2])
}

/// Adds bytes to the words of the state, from a byte of it on.
fn add(state: &mut [u32; 3], bytes: &[u8], from: usize) {
    for (at, byte) in bytes.iter().enumerate() {
        let at = from + at;
        let word = &mut state[at / 4];
        *word = word.wrapping_add(u32::from(*byte) << (8 * (at % 4)));
    }
}

fn mix(state: &mut [u32; 3]) {
    let [mut a, mut b, mut c] = *state;
    for turns in [[4, 6, 8], [16, 19, 4]] {
        a = a.wrapping_sub(c) ^ c.rotate_left(turns[0]);
        c = c.wrapping_add(b);
        b = b.wrapping_sub(a) ^ a.rotate_left(turns[1]);
        a = a.wrapping_add(c);
        c = c.wrapping_sub(b) ^ b.rotate_left(turns[2]);
        b = b.wrapping_add(a);
    }
    *state = [a, b, c];
}

fn finish(state: &mut [u32; 3]) {
    let [mut a, mut b, mut c] = *state;
    c = (c ^ b).wrapping_sub(b.rotate_left(14));
    a = (a ^ c).wrapping_sub(c.rotate_left(11));
    b = (b ^ a).wrapping_sub(a.rotate_left(25));
    c = (c ^ b).wrapping_sub(b.rotate_left(16));
    a = (a ^ c).wrapping_sub(c.rotate_left(4));
    b = (b ^ a).wrapping_sub(a.rotate_left(14));
    c = (c ^ b).wrapping_sub(b.rotate_left(24));
    *state = [a, b, c];
}
