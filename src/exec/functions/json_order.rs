//! How `jsonb` compares: objects above arrays, above truth values, numbers, strings and null; larger arrays
//! and objects above smaller ones, then element by element. A document becomes bytes that compare as it does.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BinaryBuilder, BooleanBuilder};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF};

use super::function::{Arguments, Function, Kind, arrays, result};
use super::json_path::Number;
use super::json_text::{elements, first, members};
use crate::base::Result;
use crate::types::{PgType, json};

const TWO: Arguments = Arguments::Exactly(&[Kind::Json, Kind::Json]);

/// The functions of this family: the comparisons, and `redkite_jsonb_key`, which others sort by.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let boolean = |_: &[PgType]| PgType::Bool;
    let one = Arguments::Exactly(&[Kind::Json]);
    vec![
        Function::new("jsonb_eq", TWO, boolean, |a, _| compare(a, |l, r| l == r)).build(),
        Function::new("jsonb_ne", TWO, boolean, |a, _| compare(a, |l, r| l != r)).build(),
        Function::new("jsonb_lt", TWO, boolean, |a, _| compare(a, |l, r| l < r)).build(),
        Function::new("jsonb_le", TWO, boolean, |a, _| compare(a, |l, r| l <= r)).build(),
        Function::new("jsonb_gt", TWO, boolean, |a, _| compare(a, |l, r| l > r)).build(),
        Function::new("jsonb_ge", TWO, boolean, |a, _| compare(a, |l, r| l >= r)).build(),
        Function::new("redkite_jsonb_key", one, |_| PgType::Bytea, |a, _| keys(a)).build(),
    ]
}

fn compare(arguments: &[ColumnarValue], holds: fn(&[u8], &[u8]) -> bool) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let pairs = columns[0].as_string::<i32>().iter().zip(columns[1].as_string::<i32>());
    let mut found = BooleanBuilder::with_capacity(columns[0].len());
    for (left, right) in pairs {
        let pair = left.zip(right);
        let pair =
            pair.map(|(left, right)| Ok::<_, crate::base::SqlError>((key(left)?, key(right)?)));
        found.append_option(pair.transpose()?.map(|(left, right)| holds(&left, &right)));
    }
    result(Arc::new(found.finish()), scalar)
}

fn keys(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let mut found = BinaryBuilder::new();
    for document in columns[0].as_string::<i32>() {
        found.append_option(document.map(key).transpose()?);
    }
    result(Arc::new(found.finish()), scalar)
}

/// The bytes that stand for a document.
fn key(document: &str) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(document.len() + 8);
    // An empty array at the top is below everything: PostgreSQL never mended it.
    let empty = first(document) == b'[' && elements(document).next().is_none();
    match empty {
        true => out.push(0),
        false => write(document.trim(), &mut out)?,
    }
    Ok(out)
}

fn write(value: &str, out: &mut Vec<u8>) -> Result<()> {
    match first(value) {
        b'{' => {
            out.push(6);
            write_count(members(value).count(), out);
            for (name, value) in members(value) {
                write_text(&json::unquote(name)?, out);
                write(value, out)?;
            }
        }
        b'[' => {
            out.push(5);
            write_count(elements(value).count(), out);
            elements(value).try_for_each(|element| write(element, out))?;
        }
        b't' => out.extend([4, 1]),
        b'f' => out.extend([4, 0]),
        b'"' => {
            out.push(2);
            write_text(&json::unquote(value)?, out);
        }
        b'n' => out.push(1),
        _ => {
            out.push(3);
            write_number(value, out);
        }
    }
    Ok(())
}

fn write_count(count: usize, out: &mut Vec<u8>) {
    out.extend((count as u64).to_be_bytes());
}

/// A text and its end, which is below any character.
fn write_text(text: &str, out: &mut Vec<u8>) {
    out.extend(text.as_bytes());
    out.push(0);
}

/// A number as its sign, the power of ten of its first digit, and its digits.
fn write_number(text: &str, out: &mut Vec<u8>) {
    let Some(number) = Number::parse(text) else { return };
    let shown = number.trimmed().shown();
    let (negative, plain) = match shown.strip_prefix('-') {
        Some(plain) => (true, plain),
        None => (false, shown.as_str()),
    };
    let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
    let all = format!("{whole}{fraction}");
    let digits = all.trim_start_matches('0');
    if digits.is_empty() {
        out.push(1);
        return;
    }
    let leading = all.len() - digits.len();
    let power = whole.len() as i64 - leading as i64;
    let mut bytes = (power.wrapping_sub(i64::MIN)).cast_unsigned().to_be_bytes().to_vec();
    bytes.extend(digits.trim_end_matches('0').bytes());
    bytes.push(0);
    if negative {
        bytes.iter_mut().for_each(|byte| *byte = !*byte);
    }
    out.push(if negative { 0 } else { 2 });
    out.extend(bytes);
}

#[cfg(test)]
mod tests {
    use super::key;

    /// Each document is below the next.
    #[test]
    fn documents_in_order() {
        let rising = [
            "[]",
            "null",
            "\"\"",
            "\"a\"",
            "\"ab\"",
            "\"b\"",
            "-10",
            "-9.5",
            "-0.001",
            "0",
            "0.001",
            "0.5",
            "1",
            "9",
            "9.5",
            "10",
            "100000000000000000000",
            "false",
            "true",
            "[1]",
            "[2]",
            "[\"a\", 1]",
            "[1, 1]",
            "{}",
            "{\"a\": 1}",
            "{\"a\": 2}",
            "{\"b\": 0}",
            "{\"a\": 1, \"b\": 2}",
        ];
        for pair in rising.windows(2) {
            assert!(key(pair[0]).unwrap() < key(pair[1]).unwrap(), "{} < {}", pair[0], pair[1]);
        }
        assert_eq!(key("[1.0, -2.50]").unwrap(), key("[1, -2.5]").unwrap());
    }
}
