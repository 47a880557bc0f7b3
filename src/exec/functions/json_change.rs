//! Takes JSON documents apart into arrays, and changes them: `||`, `-`, `#-`, `jsonb_set`.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanBuilder, ListBuilder, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF};

use super::function::{Arguments, Call, Function, Kind, arrays, internal, result};
use super::json_text::{elements, first, members};
use crate::base::{Result, SqlError, SqlState};
use crate::types::{PgType, json};

const ONE: Arguments = Arguments::Exactly(&[Kind::Json]);
const TWO: Arguments = Arguments::Exactly(&[Kind::Json, Kind::Json]);
const PATH: Arguments = Arguments::Exactly(&[Kind::Json, Kind::Any]);
const KEYS: Arguments = Arguments::Exactly(&[Kind::Json, Kind::Any]);

/// The functions of this family. `jsonb_concat` is `||`, `jsonb_delete` `-`, `jsonb_delete_path`
/// `#-`, `jsonb_exists_any` `?|`, `jsonb_exists_all` `?&`.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let texts = |_: &[PgType]| PgType::Text.array();
    let jsonb = |_: &[PgType]| PgType::Jsonb;
    let boolean = |_: &[PgType]| PgType::Bool;
    let set = Arguments::AndMore(&[Kind::Json, Kind::Any, Kind::Json], Kind::Bool);
    vec![
        Function::new("jsonb_array_elements", ONE, texts, |a, _| parts(a, Part::Element, false))
            .alias("json_array_elements")
            .build(),
        Function::new("jsonb_array_elements_text", ONE, texts, |a, _| {
            parts(a, Part::Element, true)
        })
        .alias("json_array_elements_text")
        .build(),
        Function::new("jsonb_object_keys", ONE, texts, |a, _| parts(a, Part::Key, true))
            .alias("json_object_keys")
            .build(),
        Function::new("redkite_each_key", ONE, texts, |a, _| parts(a, Part::Key, true)).build(),
        Function::new("redkite_each_value", ONE, texts, |a, _| parts(a, Part::Value, false))
            .alias("redkite_each_json")
            .build(),
        Function::new("redkite_each_text", ONE, texts, |a, _| parts(a, Part::Value, true)).build(),
        Function::new("redkite_json_array", ONE, |_| PgType::Text, |a, _| one(a, array_literal))
            .build(),
        Function::new("jsonb_concat", TWO, jsonb, |a, _| change(a, concat)).build(),
        Function::new("jsonb_delete", KEYS, jsonb, delete).build(),
        Function::new("jsonb_delete_path", PATH, jsonb, |a, _| at_path(a, Change::Delete)).build(),
        Function::new("jsonb_exists_any", KEYS, boolean, |a, _| exists(a, true)).build(),
        Function::new("jsonb_exists_all", KEYS, boolean, |a, _| exists(a, false)).build(),
        Function::new("jsonb_set", set, jsonb, |a, _| at_path(a, Change::Set)).build(),
        Function::new("jsonb_insert", set, jsonb, |a, _| at_path(a, Change::Insert)).build(),
        Function::new("jsonb_strip_nulls", ONE, jsonb, |a, _| one(a, strip_nulls))
            .alias("json_strip_nulls")
            .build(),
        Function::new("jsonb_pretty", ONE, |_| PgType::Text, |a, _| one(a, pretty)).build(),
    ]
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Element,
    Key,
    Value,
}

fn invalid(message: &str) -> SqlError {
    SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

/// The elements, keys or values of each document.
fn parts(arguments: &[ColumnarValue], part: Part, as_text: bool) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let documents = columns[0].as_string::<i32>();
    let mut found = ListBuilder::new(StringBuilder::new());
    for document in documents {
        let Some(document) = document else {
            found.append_null();
            continue;
        };
        let out = found.values();
        let mut push = |value: &str| match value {
            "null" if as_text => {
                out.append_null();
                Ok(())
            }
            value if as_text && value.starts_with('"') => {
                out.append_value(json::unquote(value)?);
                Ok(())
            }
            value => {
                out.append_value(value);
                Ok::<(), SqlError>(())
            }
        };
        match (part, first(document)) {
            (Part::Element, b'[') => elements(document).try_for_each(&mut push)?,
            (Part::Element, b'{') => return Err(invalid("cannot extract elements from an object")),
            (Part::Element, _) => return Err(invalid("cannot extract elements from a scalar")),
            (Part::Key, b'{') => members(document).try_for_each(|(key, _)| push(key))?,
            (Part::Value, b'{') => members(document).try_for_each(|(_, value)| push(value))?,
            (Part::Key, b'[') => {
                return Err(invalid("cannot call jsonb_object_keys on an array"));
            }
            (Part::Key, _) => return Err(invalid("cannot call jsonb_object_keys on a scalar")),
            (Part::Value, _) => return Err(invalid("cannot call jsonb_each on a non-object")),
        }
        found.append(true);
    }
    result(Arc::new(found.finish()), scalar)
}

/// A JSON array as an array's literal; what is none stays as it is, for the cast to refuse.
fn array_literal(document: &str) -> Result<String> {
    if first(document) != b'[' {
        return Ok(document.to_owned());
    }
    let mut literal = String::from("{");
    for (at, element) in elements(document).enumerate() {
        if at > 0 {
            literal.push(',');
        }
        match first(element) {
            b'[' => literal.push_str(&array_literal(element)?),
            b'n' => literal.push_str("NULL"),
            b'"' => json::quote(&json::unquote(element)?, &mut literal),
            b'{' => json::quote(element, &mut literal),
            _ => literal.push_str(element),
        }
    }
    literal.push('}');
    Ok(literal)
}

fn one(arguments: &[ColumnarValue], of: fn(&str) -> Result<String>) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let mut found = StringBuilder::new();
    for document in columns[0].as_string::<i32>() {
        found.append_option(document.map(of).transpose()?);
    }
    result(Arc::new(found.finish()), scalar)
}

fn change(
    arguments: &[ColumnarValue],
    of: fn(&str, &str) -> Result<String>,
) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let mut found = StringBuilder::new();
    for pair in columns[0].as_string::<i32>().iter().zip(columns[1].as_string::<i32>()) {
        found.append_option(pair.0.zip(pair.1).map(|(a, b)| of(a, b)).transpose()?);
    }
    result(Arc::new(found.finish()), scalar)
}

fn array_text(elements: impl Iterator<Item = String>) -> String {
    format!("[{}]", elements.collect::<Vec<_>>().join(", "))
}

fn owned_members(document: &str) -> Result<Vec<(String, String)>> {
    members(document).map(|(key, value)| Ok((json::unquote(key)?, value.to_owned()))).collect()
}

fn object_text(members: Vec<(String, String)>) -> String {
    let mut out = String::new();
    json::write_object(members, &mut out);
    out
}

fn concat(left: &str, right: &str) -> Result<String> {
    match (first(left), first(right)) {
        (b'{', b'{') => {
            let mut all = owned_members(left)?;
            all.extend(owned_members(right)?);
            Ok(object_text(all))
        }
        (a, b) => {
            let list = |document: &str, kind| match kind {
                b'[' => elements(document).map(str::to_owned).collect(),
                _ => vec![document.to_owned()],
            };
            if a == b'{' && b != b'[' || b == b'{' && a != b'[' {
                return Err(invalid("invalid concatenation of jsonb objects"));
            }
            Ok(array_text(list(left, a).into_iter().chain(list(right, b))))
        }
    }
}

/// The keys of each row: an array of text, or one text.
fn keys(column: &arrow::array::ArrayRef) -> Result<Vec<Option<Vec<String>>>> {
    let list = match column.data_type() {
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => {
            cast(column, &PgType::Text.array().arrow()).map_err(internal)?
        }
        _ => {
            let texts = cast(column, &DataType::Utf8).map_err(internal)?;
            return Ok(texts
                .as_string::<i32>()
                .iter()
                .map(|t| Some(vec![t?.to_owned()]))
                .collect());
        }
    };
    let list = list.as_list::<i32>();
    let row = |row: usize| {
        let list = (!list.is_null(row)).then(|| list.value(row))?;
        Some(list.as_string::<i32>().iter().flatten().map(str::to_owned).collect())
    };
    Ok((0..list.len()).map(row).collect())
}

fn delete(arguments: &[ColumnarValue], _: &Call) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let documents = columns[0].as_string::<i32>();
    let mut found = StringBuilder::new();
    if columns[1].data_type().is_integer() {
        let places = cast(&columns[1], &DataType::Int64).map_err(internal)?;
        for (document, place) in documents.iter().zip(places.as_primitive::<Int64Type>()) {
            let deleted = document.zip(place).map(|(document, place)| {
                if first(document) != b'[' {
                    return Err(invalid("cannot delete from object using integer index"));
                }
                let all: Vec<&str> = elements(document).collect();
                let at = position(place, all.len());
                let kept = all.iter().enumerate().filter(|(i, _)| Some(*i) != at);
                Ok(array_text(kept.map(|(_, element)| (*element).to_owned())))
            });
            found.append_option(deleted.transpose()?);
        }
        return result(Arc::new(found.finish()), scalar);
    }
    for (document, keys) in documents.iter().zip(keys(&columns[1])?) {
        let deleted = document.zip(keys).map(|(document, keys)| without(document, &keys));
        found.append_option(deleted.transpose()?);
    }
    result(Arc::new(found.finish()), scalar)
}

fn without(document: &str, keys: &[String]) -> Result<String> {
    match first(document) {
        b'{' => {
            let mut all = owned_members(document)?;
            all.retain(|(key, _)| !keys.contains(key));
            Ok(object_text(all))
        }
        b'[' => {
            let gone = |element: &str| {
                json::unquote_if_string(element).is_some_and(|text| keys.contains(&text))
            };
            Ok(array_text(elements(document).filter(|e| !gone(e)).map(str::to_owned)))
        }
        _ => Err(invalid("cannot delete from scalar")),
    }
}

/// A place in an array, from its end when negative.
fn position(place: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    let at = if place < 0 { place + length } else { place };
    usize::try_from(at).ok().filter(|at| i64::try_from(*at).is_ok_and(|at| at < length))
}

fn exists(arguments: &[ColumnarValue], any: bool) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let mut found = BooleanBuilder::new();
    for (document, keys) in columns[0].as_string::<i32>().iter().zip(keys(&columns[1])?) {
        let Some((document, keys)) = document.zip(keys) else {
            found.append_null();
            continue;
        };
        let mut has = Vec::with_capacity(keys.len());
        for key in &keys {
            let is = |text: &str| json::unquote_if_string(text).as_ref() == Some(key);
            has.push(match first(document) {
                b'{' => members(document).any(|(name, _)| is(name)),
                b'[' => elements(document).any(is),
                _ => is(document),
            });
        }
        found.append_value(if any { has.contains(&true) } else { !has.contains(&false) });
    }
    result(Arc::new(found.finish()), scalar)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Set,
    Insert,
    Delete,
}

/// `jsonb_set(document, path, value, create)`, `jsonb_insert(.., after)`, `document #- path`.
fn at_path(arguments: &[ColumnarValue], what: Change) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let documents = columns[0].as_string::<i32>();
    let paths = match columns[1].data_type() {
        DataType::Utf8 => {
            keys(&super::cast_text::parse_column(&columns[1], &PgType::Text.array())?)?
        }
        _ => keys(&columns[1])?,
    };
    let values = columns.get(2).map(|column| column.as_string::<i32>());
    let flags = columns.get(3).map(|column| column.as_boolean());
    let mut found = StringBuilder::new();
    for (row, path) in paths.iter().enumerate() {
        let value = values.map(|values| (!values.is_null(row)).then(|| values.value(row)));
        let missing = documents.is_null(row) || value == Some(None);
        let (Some(path), false) = (path, missing) else {
            found.append_null();
            continue;
        };
        if !matches!(first(documents.value(row)), b'{' | b'[') {
            let verb = if what == Change::Delete { "delete" } else { "set" };
            return Err(invalid(&format!("cannot {verb} path in scalar")));
        }
        let flag = flags.map_or(what == Change::Set, |flags| flags.value(row));
        let changed = edit(documents.value(row), path, value.flatten(), what, flag)?;
        found.append_value(changed);
    }
    result(Arc::new(found.finish()), scalar)
}

fn edit(
    document: &str,
    path: &[String],
    value: Option<&str>,
    what: Change,
    flag: bool,
) -> Result<String> {
    let Some((step, rest)) = path.split_first() else { return Ok(document.to_owned()) };
    match first(document) {
        b'{' => edit_object(document, (step, rest), value, what, flag),
        b'[' => edit_array(document, (step, rest), value, what, flag),
        _ => Ok(document.to_owned()),
    }
}

fn edit_object(
    document: &str,
    (step, rest): (&String, &[String]),
    value: Option<&str>,
    what: Change,
    flag: bool,
) -> Result<String> {
    let mut all = owned_members(document)?;
    let at = all.iter().position(|(key, _)| key == step);
    match (at, rest.is_empty(), value) {
        (Some(at), true, None) => {
            all.remove(at);
        }
        (Some(at), true, Some(value)) if what == Change::Set => value.clone_into(&mut all[at].1),
        (Some(_), true, Some(_)) => return Err(invalid("cannot replace existing key")),
        (Some(at), false, value) => all[at].1 = edit(&all[at].1, rest, value, what, flag)?,
        (None, true, Some(value)) if flag || what == Change::Insert => {
            all.push((step.clone(), value.to_owned()));
        }
        (None, ..) => {}
    }
    Ok(object_text(all))
}

fn edit_array(
    document: &str,
    (step, rest): (&String, &[String]),
    value: Option<&str>,
    what: Change,
    flag: bool,
) -> Result<String> {
    let mut all: Vec<String> = elements(document).map(str::to_owned).collect();
    let place: i64 = step.parse().map_err(|_| {
        let message = format!("path element at position 1 is not an integer: \"{step}\"");
        SqlError::new(SqlState::INVALID_TEXT_REPRESENTATION, message)
    })?;
    match (position(place, all.len()), rest.is_empty(), value) {
        (Some(at), true, None) => {
            all.remove(at);
        }
        (Some(at), true, Some(value)) if what == Change::Set => value.clone_into(&mut all[at]),
        (Some(at), true, Some(value)) => all.insert(at + usize::from(flag), value.to_owned()),
        (Some(at), false, value) => all[at] = edit(&all[at], rest, value, what, flag)?,
        (None, true, Some(value)) if flag || what == Change::Insert => {
            let at = if place < 0 { 0 } else { all.len() };
            all.insert(at, value.to_owned());
        }
        (None, ..) => {}
    }
    Ok(array_text(all.into_iter()))
}

fn strip_nulls(document: &str) -> Result<String> {
    match first(document) {
        b'{' => {
            let kept = owned_members(document)?.into_iter().filter(|(_, value)| value != "null");
            let kept = kept.map(|(key, value)| Ok((key, strip_nulls(&value)?)));
            Ok(object_text(kept.collect::<Result<_>>()?))
        }
        b'[' => {
            let all = elements(document).map(strip_nulls).collect::<Result<Vec<_>>>()?;
            Ok(array_text(all.into_iter()))
        }
        _ => Ok(document.to_owned()),
    }
}

fn pretty(document: &str) -> Result<String> {
    let mut out = String::new();
    write_pretty(document, 0, &mut out);
    Ok(out)
}

fn write_pretty(document: &str, depth: usize, out: &mut String) {
    let line = |depth: usize, out: &mut String| {
        out.push('\n');
        out.extend(std::iter::repeat_n("    ", depth));
    };
    match first(document) {
        b'{' => {
            out.push('{');
            for (at, (key, value)) in members(document).enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                line(depth + 1, out);
                out.push_str(key);
                out.push_str(": ");
                write_pretty(value, depth + 1, out);
            }
            line(depth, out);
            out.push('}');
        }
        b'[' => {
            out.push('[');
            for (at, element) in elements(document).enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                line(depth + 1, out);
                write_pretty(element, depth + 1, out);
            }
            line(depth, out);
            out.push(']');
        }
        _ => out.push_str(document),
    }
}
