//! The hash of key values that filters are made of. It is part of the format: docs/format.md,
//! "Key hash". Equal values of a key column hash alike whatever the width of their integer
//! type, and on every machine.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, Time64MicrosecondType, TimeUnit, TimestampMicrosecondType, UInt32Type, UInt64Type,
};

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
const MULTIPLIER: u64 = 0xd6e8_feb8_6659_fd93;

/// The hashes of keys, and which keys have a NULL (and so equal no key).
#[derive(Debug, Clone)]
pub(super) struct KeyHashes {
    pub(super) hashes: Vec<u64>,
    pub(super) nulls: Option<NullBuffer>,
}

impl KeyHashes {
    /// Hashes the rows of a key's columns; `None` for a type that has no hash.
    pub(super) fn of(columns: &[ArrayRef]) -> Option<Self> {
        let rows = columns.first()?.len();
        let mut hashes = vec![SEED; rows];
        let mut nulls = None;
        for column in columns {
            fold_column(&mut hashes, column)?;
            nulls = NullBuffer::union(nulls.as_ref(), column.nulls());
        }
        for hash in &mut hashes {
            *hash = finish(*hash);
        }
        Some(Self { hashes, nulls })
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }
}

/// The high and the low half of the product, folded.
#[expect(clippy::cast_possible_truncation, reason = "the two halves of 128 bits")]
fn fold(hash: u64, word: u64) -> u64 {
    let product = u128::from(hash ^ word).wrapping_mul(u128::from(MULTIPLIER));
    (product as u64) ^ ((product >> 64) as u64) ^ hash.rotate_left(23)
}

fn fold_bytes(mut hash: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        hash = fold(hash, u64::from_le_bytes(*word));
    }
    if !rest.is_empty() {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        hash = fold(hash, u64::from_le_bytes(last));
    }
    fold(hash, bytes.len() as u64)
}

/// Every bit of the result depends on every bit before (MurmurHash3's finalizer).
fn finish(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

macro_rules! fold_integers {
    ($hashes:ident, $column:ident, $($pattern:pat => $type:ty),* ; $($rest:tt)*) => {
        match $column.data_type() {
            $($pattern => {
                let values = $column.as_primitive::<$type>().values();
                for (hash, value) in $hashes.iter_mut().zip(values.iter()) {
                    *hash = fold(*hash, i64::from(*value).cast_unsigned());
                }
            })*
            $($rest)*
        }
    };
}

#[expect(clippy::cast_possible_truncation, reason = "the two halves of 128 bits")]
fn fold_column(hashes: &mut [u64], column: &ArrayRef) -> Option<()> {
    fold_integers! { hashes, column,
        DataType::Int8 => Int8Type,
        DataType::Int16 => Int16Type,
        DataType::Int32 => Int32Type,
        DataType::Int64 => Int64Type,
        DataType::UInt32 => UInt32Type,
        DataType::Date32 => Date32Type,
        DataType::Time64(TimeUnit::Microsecond) => Time64MicrosecondType,
        DataType::Timestamp(TimeUnit::Microsecond, _) => TimestampMicrosecondType;
        DataType::UInt64 => {
            let values = column.as_primitive::<UInt64Type>().values();
            for (hash, value) in hashes.iter_mut().zip(values.iter()) {
                *hash = fold(*hash, *value);
            }
        }
        DataType::Decimal128(_, _) => {
            let values = column.as_primitive::<Decimal128Type>().values();
            for (hash, value) in hashes.iter_mut().zip(values.iter()) {
                let bits = value.cast_unsigned();
                *hash = fold(fold(*hash, bits as u64), (bits >> 64) as u64);
            }
        }
        DataType::Boolean => {
            let values = column.as_boolean().values();
            for (hash, value) in hashes.iter_mut().zip(values.iter()) {
                *hash = fold(*hash, u64::from(value));
            }
        }
        DataType::Float32 => {
            let values = column.as_primitive::<Float32Type>().values();
            for (hash, value) in hashes.iter_mut().zip(values.iter()) {
                *hash = fold(*hash, float_bits(f64::from(*value)));
            }
        }
        DataType::Float64 => {
            let values = column.as_primitive::<Float64Type>().values();
            for (hash, value) in hashes.iter_mut().zip(values.iter()) {
                *hash = fold(*hash, float_bits(*value));
            }
        }
        DataType::Utf8 => {
            let column = column.as_string::<i32>();
            for (row, hash) in hashes.iter_mut().enumerate() {
                *hash = fold_bytes(*hash, column.value(row).as_bytes());
            }
        }
        DataType::Binary => {
            let column = column.as_binary::<i32>();
            for (row, hash) in hashes.iter_mut().enumerate() {
                *hash = fold_bytes(*hash, column.value(row));
            }
        }
        DataType::LargeBinary => {
            let column = column.as_binary::<i64>();
            for (row, hash) in hashes.iter_mut().enumerate() {
                *hash = fold_bytes(*hash, column.value(row));
            }
        }
        DataType::FixedSizeBinary(_) => {
            let column = column.as_fixed_size_binary();
            for (row, hash) in hashes.iter_mut().enumerate() {
                *hash = fold_bytes(*hash, column.value(row));
            }
        }
        _ => return None,
    }
    Some(())
}

/// The zeros are equal, and so are all NaNs.
fn float_bits(value: f64) -> u64 {
    if value == 0.0 {
        0
    } else if value.is_nan() {
        f64::NAN.to_bits()
    } else {
        value.to_bits()
    }
}
