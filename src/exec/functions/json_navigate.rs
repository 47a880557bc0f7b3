//! Reads JSON documents: `->`, `->>`, `#>`, `#>>`, `@>`, `?` and the functions of the kind.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanBuilder, Int32Builder, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF};

use super::function::{Arguments, Call, Function, Kind, arrays, internal, result};
use super::json_text::{elements, first, members};
use crate::base::{Result, SqlError, SqlState};
use crate::types::{PgType, json};

const ONE: Arguments = Arguments::Exactly(&[Kind::Json]);
const TWO: Arguments = Arguments::Exactly(&[Kind::Json, Kind::Json]);
const STEP: Arguments = Arguments::Exactly(&[Kind::Json, Kind::Any]);
const PATH: Arguments = Arguments::AndMore(&[Kind::Json], Kind::Any);

/// The functions of this family. `json_get` is `->`, `json_get_text` `->>`, `json_get_path` `#>`,
/// `json_get_path_text` `#>>`, `jsonb_contains` `@>`, `jsonb_exists` `?`.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let text = |_: &[PgType]| PgType::Text;
    let boolean = |_: &[PgType]| PgType::Bool;
    vec![
        Function::new("json_get", STEP, same, |a, _| get(a, false)).build(),
        Function::new("json_get_text", STEP, text, |a, _| get(a, true)).build(),
        Function::new("json_get_path", PATH, same, |a, _| get_path(a, false))
            .alias("json_extract_path")
            .alias("jsonb_extract_path")
            .build(),
        Function::new("json_get_path_text", PATH, text, |a, _| get_path(a, true))
            .alias("json_extract_path_text")
            .alias("jsonb_extract_path_text")
            .build(),
        Function::new("json_typeof", ONE, text, type_of).alias("jsonb_typeof").build(),
        Function::new("json_array_length", ONE, |_| PgType::Int4, length)
            .alias("jsonb_array_length")
            .build(),
        Function::new("jsonb_contains", TWO, boolean, |a, _| test(a, contains)).build(),
        Function::new("jsonb_contained", TWO, boolean, |a, _| test(a, |a, b| contains(b, a)))
            .build(),
        Function::new(
            "jsonb_exists",
            Arguments::Exactly(&[Kind::Json, Kind::Text]),
            boolean,
            |a, _| test(a, exists),
        )
        .build(),
    ]
}

/// A part of a document has the document's type.
fn same(types: &[PgType]) -> PgType {
    match types.first() {
        Some(PgType::Json) => PgType::Json,
        _ => PgType::Jsonb,
    }
}

fn member<'a>(json: &'a str, key: &str) -> Option<&'a str> {
    let is = |raw: &str| {
        let plain = &raw[1..raw.len() - 1];
        if plain.contains('\\') {
            json::unquote(raw).is_ok_and(|content| content == key)
        } else {
            plain == key
        }
    };
    members(json).filter(|(raw, _)| is(raw)).last().map(|(_, value)| value)
}

/// The element at a position, from the end when it is negative.
fn element(json: &str, position: i64) -> Option<&str> {
    let count = if position < 0 { elements(json).count() } else { 0 };
    let at = usize::try_from(position + i64::try_from(count).ok()?).ok()?;
    elements(json).nth(at)
}

/// One step of a path: a key of an object, a position in an array.
fn step<'a>(json: &'a str, step: &str) -> Option<&'a str> {
    match first(json) {
        b'{' => member(json, step),
        b'[' => element(json, step.parse().ok()?),
        _ => None,
    }
}

fn append(column: &mut StringBuilder, value: Option<&str>, as_text: bool) -> Result<()> {
    match value {
        None => column.append_null(),
        Some("null") if as_text => column.append_null(),
        Some(value) if as_text && value.starts_with('"') => {
            column.append_value(json::unquote(value)?);
        }
        Some(value) => column.append_value(value),
    }
    Ok(())
}

fn get(arguments: &[ColumnarValue], as_text: bool) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let documents = columns[0].as_string::<i32>();
    let mut found = StringBuilder::new();
    let positions = columns[1].data_type().is_integer();
    let wanted = if positions { DataType::Int64 } else { DataType::Utf8 };
    let steps = cast(&columns[1], &wanted).map_err(internal)?;
    for row in 0..documents.len() {
        if documents.is_null(row) || steps.is_null(row) {
            found.append_null();
            continue;
        }
        let document = documents.value(row);
        let value = if positions {
            element(document, steps.as_primitive::<Int64Type>().value(row))
        } else {
            member(document, steps.as_string::<i32>().value(row))
        };
        append(&mut found, value, as_text)?;
    }
    result(Arc::new(found.finish()), scalar)
}

/// Each row's steps: an array, its literal, or one argument a step.
fn steps(columns: &[ArrayRef]) -> Result<Vec<Option<Vec<String>>>> {
    let rows = columns.first().map_or(0, |column| column.len());
    if let [only] = columns {
        let path = PgType::Text.array();
        let lists = match only.data_type() {
            DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(_, _) => {
                cast(only, &path.arrow()).map_err(internal)?
            }
            _ if matches!(PgType::of(only.data_type()), PgType::Text) && is_literal(only) => {
                super::cast_text::parse_column(only, &path)?
            }
            _ => return one_each(columns, rows),
        };
        let lists = lists.as_list::<i32>();
        let row = |row: usize| {
            let list = (!lists.is_null(row)).then(|| lists.value(row))?;
            let texts = list.as_string::<i32>();
            texts.iter().map(|text| text.map(str::to_owned)).collect::<Option<Vec<_>>>()
        };
        return Ok((0..rows).map(row).collect());
    }
    one_each(columns, rows)
}

/// Whether the texts are array literals rather than single steps.
fn is_literal(column: &ArrayRef) -> bool {
    column
        .as_string_opt::<i32>()
        .is_some_and(|texts| texts.iter().flatten().all(|t| t.starts_with('{')))
}

fn one_each(columns: &[ArrayRef], rows: usize) -> Result<Vec<Option<Vec<String>>>> {
    let texts: Vec<ArrayRef> = columns
        .iter()
        .map(|column| cast(column, &DataType::Utf8).map_err(internal))
        .collect::<Result<_>>()?;
    let cell = |column: &ArrayRef, row: usize| {
        let texts = column.as_string::<i32>();
        (!texts.is_null(row)).then(|| texts.value(row).to_owned())
    };
    Ok((0..rows).map(|row| texts.iter().map(|column| cell(column, row)).collect()).collect())
}

fn get_path(arguments: &[ColumnarValue], as_text: bool) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let documents = columns[0].as_string::<i32>();
    let paths = steps(&columns[1..])?;
    let mut found = StringBuilder::new();
    for row in 0..documents.len() {
        // Without steps the path leads to the document itself.
        let path =
            if columns.len() == 1 { Some(Vec::new()) } else { paths.get(row).cloned().flatten() };
        let value = path.filter(|_| !documents.is_null(row)).and_then(|path| {
            path.iter().try_fold(documents.value(row), |document, key| step(document, key))
        });
        append(&mut found, value, as_text)?;
    }
    result(Arc::new(found.finish()), scalar)
}

/// What kind of value a document is.
pub(super) fn type_name(json: &str) -> &'static str {
    match first(json) {
        b'{' => "object",
        b'[' => "array",
        b'"' => "string",
        b't' | b'f' => "boolean",
        b'n' => "null",
        _ => "number",
    }
}

fn type_of(arguments: &[ColumnarValue], _: &Call) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let mut found = StringBuilder::new();
    for document in columns[0].as_string::<i32>() {
        found.append_option(document.map(type_name));
    }
    result(Arc::new(found.finish()), scalar)
}

fn length(arguments: &[ColumnarValue], _: &Call) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let mut found = Int32Builder::new();
    for document in columns[0].as_string::<i32>() {
        let Some(document) = document else {
            found.append_null();
            continue;
        };
        if first(document) != b'[' {
            let what = if first(document) == b'{' { "a non-array" } else { "a scalar" };
            return Err(SqlError::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("cannot get array length of {what}"),
            ));
        }
        found.append_option(i32::try_from(elements(document).count()).ok());
    }
    result(Arc::new(found.finish()), scalar)
}

fn test(arguments: &[ColumnarValue], holds: fn(&str, &str) -> bool) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let mut found = BooleanBuilder::new();
    let (left, right) = (columns[0].as_string::<i32>(), columns[1].as_string::<i32>());
    for (left, right) in left.iter().zip(right) {
        found.append_option(left.zip(right).map(|(left, right)| holds(left, right)));
    }
    result(Arc::new(found.finish()), scalar)
}

/// Whether every part of `b` is found in `a`, as `@>` has it.
fn contains(a: &str, b: &str) -> bool {
    match (first(a), first(b)) {
        (b'{', b'{') => members(b).all(|(raw, wanted)| {
            json::unquote(raw)
                .is_ok_and(|key| member(a, &key).is_some_and(|found| contains_part(found, wanted)))
        }),
        (b'[', b'[') => {
            elements(b).all(|wanted| elements(a).any(|found| contains_part(found, wanted)))
        }
        // An array contains the scalars that are its elements.
        (b'[', other) if other != b'{' => elements(a).any(|found| equal(found, b)),
        _ => equal(a, b),
    }
}

/// Inside of a document an array does not contain a bare scalar.
fn contains_part(a: &str, b: &str) -> bool {
    match (first(a), first(b)) {
        (b'{', b'{') | (b'[', b'[') => contains(a, b),
        (b'{' | b'[', _) | (_, b'{' | b'[') => false,
        _ => equal(a, b),
    }
}

/// Whether two scalars are equal; numbers are whatever zeros they end in.
fn equal(a: &str, b: &str) -> bool {
    let (a, b) = (a.trim_ascii(), b.trim_ascii());
    let number = |text: &str| text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    if number(a) && number(b) {
        return shortest(a) == shortest(b);
    }
    a == b
        || matches!((json::unquote_if_string(a), json::unquote_if_string(b)), (Some(a), Some(b)) if a == b)
}

fn shortest(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

/// Whether a key of the object, a string of the array, or the string itself is this text.
fn exists(json: &str, key: &str) -> bool {
    let is = |raw: &str| json::unquote_if_string(raw).is_some_and(|content| content == key);
    match first(json) {
        b'{' => member(json, key).is_some(),
        b'[' => elements(json).any(is),
        _ => is(json.trim_ascii()),
    }
}
