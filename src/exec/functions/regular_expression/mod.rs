//! `~` and the functions named `regexp_..`, over the `regex` crate as DataFusion has it. `redkite_pattern` turns
//! the pattern of `~` and its kin into that crate's words; DataFusion does the rest there.

mod pattern;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanBuilder, Int32Builder, ListBuilder, StringBuilder,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int64Type};
use datafusion::functions::regex::compile_regex;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF};

use super::function::{Arguments, Function, Kind, arrays, internal, result};
use crate::base::{Result, SqlError, SqlState};
use crate::types::PgType;
use pattern::{Options, translated};

/// The functions of this family.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    const TWO: Arguments = Arguments::AndMore(&[Kind::Text, Kind::Text], Kind::Any);
    const THREE: Arguments = Arguments::AndMore(&[Kind::Text, Kind::Text, Kind::Text], Kind::Any);
    let text = |_: &[PgType]| PgType::Text;
    let texts = |_: &[PgType]| PgType::Text.array();
    let integer = |_: &[PgType]| PgType::Int4;
    let list = |of| DataType::List(Arc::new(Field::new("item", of, true)));
    let one = Arguments::Exactly(&[Kind::Text]);
    vec![
        Function::new("redkite_pattern", one, text, |a, _| patterns(a)).build(),
        Function::new("regexp_match", TWO, texts, |a, _| first_match(a)).build(),
        Function::new("regexp_matches", TWO, texts, |a, _| all_matches(a))
            .returns_arrow(list(list(DataType::Utf8)))
            .build(),
        Function::new("regexp_replace", THREE, text, |a, _| replace(a)).build(),
        Function::new("regexp_like", TWO, |_| PgType::Bool, |a, _| like(a)).build(),
        Function::new("regexp_count", TWO, integer, |a, _| count(a)).build(),
        Function::new("regexp_instr", TWO, integer, |a, _| position(a)).build(),
        Function::new("regexp_substr", TWO, text, |a, _| substring(a)).build(),
        Function::new("regexp_split_to_array", TWO, texts, |a, _| {
            split("regexp_split_to_array", a)
        })
        .build(),
        Function::new("regexp_split_to_table", TWO, texts, |a, _| {
            split("regexp_split_to_table", a)
        })
        .build(),
    ]
}

/// What an argument is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slot {
    Text,
    Integer,
}

use Slot::{Integer, Text};

/// The arguments of all rows, one of which is looked at.
struct Rows {
    columns: Vec<ArrayRef>,
    row: usize,
    scalar: bool,
}

impl Rows {
    fn new(arguments: &[ColumnarValue], slots: &[Slot]) -> Result<Self> {
        let (columns, scalar) = arrays(arguments)?;
        if columns.len() > slots.len() {
            let message = "a function of regular expressions has too many arguments";
            return Err(SqlError::new(SqlState::UNDEFINED_FUNCTION, message));
        }
        let of_slot = |(column, slot): (&ArrayRef, &Slot)| {
            let ty = if *slot == Text { DataType::Utf8 } else { DataType::Int64 };
            cast(column, &ty).map_err(internal)
        };
        let columns = columns.iter().zip(slots).map(of_slot).collect::<Result<_>>()?;
        Ok(Self { columns, row: 0, scalar })
    }

    fn len(&self) -> usize {
        self.columns[0].len()
    }

    fn has(&self, at: usize) -> bool {
        at < self.columns.len()
    }

    /// Whether any argument of the row is NULL.
    fn is_null(&self) -> bool {
        self.columns.iter().any(|column| column.is_null(self.row))
    }

    fn text(&self, at: usize) -> &str {
        self.columns.get(at).map_or("", |column| column.as_string::<i32>().value(self.row))
    }

    /// A whole number, at least as large as it must be.
    fn integer(&self, at: usize, name: &str, default: usize, least: usize) -> Result<usize> {
        let Some(column) = self.columns.get(at) else { return Ok(default) };
        let value = column.as_primitive::<Int64Type>().value(self.row);
        usize::try_from(value).ok().filter(|value| *value >= least).ok_or_else(|| {
            let message = format!("invalid value for parameter \"{name}\": {value}");
            SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
        })
    }

    /// The options that an argument tells; `g` is refused where it has no meaning.
    fn options(&self, at: usize, refuses_global: Option<&str>) -> Result<Options> {
        let options = Options::parse(self.text(at))?;
        let Some(function) = refuses_global.filter(|_| options.global) else { return Ok(options) };
        let message = format!("{function}() does not support the \"global\" option");
        let error = SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message);
        Err(match function {
            "regexp_match" => error.with_hint("Use the regexp_matches function instead."),
            _ => error,
        })
    }

    /// What is looked for in each row, where no argument is NULL, and what is found.
    fn found(
        &mut self,
        wanted: impl Fn(&Self) -> Result<(Options, usize, usize)>,
    ) -> Result<Vec<Option<Vec<Groups>>>> {
        let mut all = Vec::with_capacity(self.len());
        let mut compiled = None;
        for row in 0..self.len() {
            self.row = row;
            if self.is_null() {
                all.push(None);
                continue;
            }
            let (options, start, most) = wanted(self)?;
            let pattern = translated(self.text(1), options)?;
            if compiled.as_ref().is_none_or(|(known, _)| *known != pattern) {
                let regex = compile_regex(&pattern, None).map_err(not_compiled)?;
                compiled = Some((pattern, regex));
            }
            let (Some((_, regex)), text) = (&compiled, self.text(0)) else { continue };
            let found = matches_from(text, start, most, |at| {
                let captures = regex.captures_at(text, at)?;
                Some(captures.iter().map(|group| Some((group?.start(), group?.end()))).collect())
            });
            all.push(Some(found));
        }
        Ok(all)
    }
}

/// From a byte to another.
type Span = (usize, usize);

/// Where a match and its groups lie: all of it first.
type Groups = Vec<Option<Span>>;

fn not_compiled(error: impl std::fmt::Display) -> SqlError {
    let told = error.to_string();
    let what = told.lines().last().unwrap_or_default().trim_start_matches("error: ");
    let message = format!("invalid regular expression: {what}");
    SqlError::new(SqlState::INVALID_REGULAR_EXPRESSION, message)
}

/// Where a character begins, counted from one.
fn byte_of(text: &str, character: usize) -> Option<usize> {
    let mut starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    starts.nth(character - 1)
}

/// The matches from a character on, those of nothing included; `next` finds the first from a byte on.
fn matches_from(
    text: &str,
    start: usize,
    most: usize,
    next: impl Fn(usize) -> Option<Groups>,
) -> Vec<Groups> {
    let mut found = Vec::new();
    let Some(mut at) = byte_of(text, start) else { return found };
    let mut last_end = None;
    while at <= text.len() && found.len() < most {
        let Some(groups) = next(at) else { break };
        let (start, end) = groups.first().copied().flatten().unwrap_or((at, at));
        let empty = start == end;
        at = match text[end..].chars().next() {
            Some(c) if empty => end + c.len_utf8(),
            None if empty => text.len() + 1,
            _ => end,
        };
        // Nothing is not found where something has just ended.
        if !(empty && last_end == Some(end)) {
            found.push(groups);
        }
        last_end = Some(end);
    }
    found
}

fn part(text: &str, span: Option<Span>) -> Option<&str> {
    span.map(|(start, end)| &text[start..end])
}

/// What is in parentheses, or all of it where there are none.
fn append_groups(text: &str, groups: &Groups, into: &mut ListBuilder<StringBuilder>) {
    for group in groups.iter().skip(usize::from(groups.len() > 1)) {
        into.values().append_option(part(text, *group));
    }
    into.append(true);
}

fn patterns(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let (columns, scalar) = arrays(arguments)?;
    let mut column = StringBuilder::new();
    for pattern in columns[0].as_string::<i32>() {
        let pattern = pattern.map(|pattern| translated(pattern, Options::default()));
        column.append_option(pattern.transpose()?);
    }
    result(Arc::new(column.finish()), scalar)
}

fn first_match(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let mut rows = Rows::new(arguments, &[Text, Text, Text])?;
    let mut column = ListBuilder::new(StringBuilder::new());
    let all = rows.found(|rows| Ok((rows.options(2, Some("regexp_match"))?, 1, 1)))?;
    for (row, found) in all.iter().enumerate() {
        rows.row = row;
        match found.as_ref().and_then(|found| found.first()) {
            Some(groups) => append_groups(rows.text(0), groups, &mut column),
            None => column.append_null(),
        }
    }
    result(Arc::new(column.finish()), rows.scalar)
}

fn all_matches(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let mut rows = Rows::new(arguments, &[Text, Text, Text])?;
    let mut column = ListBuilder::new(ListBuilder::new(StringBuilder::new()));
    let all = rows.found(|rows| {
        let options = rows.options(2, None)?;
        Ok((options, 1, if options.global { usize::MAX } else { 1 }))
    })?;
    for (row, found) in all.iter().enumerate() {
        rows.row = row;
        for groups in found.iter().flatten() {
            append_groups(rows.text(0), groups, column.values());
        }
        column.append(true);
    }
    result(Arc::new(column.finish()), rows.scalar)
}

/// Writes a replacement: `\1` to `\9` are groups, `\&` is all that matched.
fn write_replacement(template: &str, text: &str, groups: &Groups, out: &mut String) {
    let group =
        |number: usize| part(text, groups.get(number).copied().flatten()).unwrap_or_default();
    let mut characters = template.chars();
    while let Some(c) = characters.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match characters.next() {
            Some('&') => out.push_str(group(0)),
            Some(digit @ '1'..='9') => out.push_str(group((digit as usize) - ('0' as usize))),
            Some('\\') | None => out.push('\\'),
            Some(other) => out.extend(['\\', other]),
        }
    }
}

fn replace(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let by_place = arguments.get(3).is_some_and(|fourth| fourth.data_type().is_integer());
    let slots: &[Slot] = match by_place {
        true => &[Text, Text, Text, Integer, Integer, Text],
        false => &[Text, Text, Text, Text],
    };
    let mut rows = Rows::new(arguments, slots)?;
    // Which match is replaced; all for 0.
    let nth = |rows: &Rows, options: Options| match by_place && rows.has(4) {
        true => rows.integer(4, "n", 1, 0),
        false => Ok(usize::from(!options.global)),
    };
    let flags = if by_place { 5 } else { 3 };
    let all = rows.found(|rows| {
        let options = rows.options(flags, None)?;
        let start = if by_place { rows.integer(3, "start", 1, 1)? } else { 1 };
        let nth = nth(rows, options)?;
        Ok((options, start, if nth == 0 { usize::MAX } else { nth }))
    })?;
    let mut column = StringBuilder::new();
    for (row, found) in all.iter().enumerate() {
        rows.row = row;
        let Some(found) = found else {
            column.append_null();
            continue;
        };
        let nth = nth(&rows, rows.options(flags, None)?)?;
        let (text, template) = (rows.text(0), rows.text(2));
        let (mut out, mut copied) = (String::new(), 0);
        for groups in found.iter().skip(nth.saturating_sub(1)) {
            let Some((start, end)) = groups.first().copied().flatten() else { continue };
            out.push_str(&text[copied..start]);
            write_replacement(template, text, groups, &mut out);
            copied = end;
        }
        out.push_str(&text[copied..]);
        column.append_value(out);
    }
    result(Arc::new(column.finish()), rows.scalar)
}

fn like(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let mut rows = Rows::new(arguments, &[Text, Text, Text])?;
    let all = rows.found(|rows| Ok((rows.options(2, Some("regexp_like"))?, 1, 1)))?;
    let mut column = BooleanBuilder::new();
    for found in all {
        column.append_option(found.map(|found| !found.is_empty()));
    }
    result(Arc::new(column.finish()), rows.scalar)
}

fn whole(number: usize) -> Result<i32> {
    i32::try_from(number).map_err(internal)
}

fn count(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let mut rows = Rows::new(arguments, &[Text, Text, Integer, Text])?;
    let all = rows.found(|rows| {
        let start = rows.integer(2, "start", 1, 1)?;
        Ok((rows.options(3, Some("regexp_count"))?, start, usize::MAX))
    })?;
    let mut column = Int32Builder::new();
    for found in all {
        column.append_option(found.map(|found| whole(found.len())).transpose()?);
    }
    result(Arc::new(column.finish()), rows.scalar)
}

/// Each row's nth match from a place on: a group of it, or all of it (0). `None` for NULL.
fn nth_matches(
    rows: &mut Rows,
    function: &str,
    flags: usize,
    subexpression: usize,
) -> Result<Vec<Option<Option<Span>>>> {
    let all = rows.found(|rows| {
        let (start, nth) = (rows.integer(2, "start", 1, 1)?, rows.integer(3, "n", 1, 1)?);
        Ok((rows.options(flags, Some(function))?, start, nth))
    })?;
    let mut spans = Vec::with_capacity(all.len());
    for (row, found) in all.iter().enumerate() {
        rows.row = row;
        let Some(found) = found else {
            spans.push(None);
            continue;
        };
        let nth = rows.integer(3, "n", 1, 1)?;
        let group = rows.integer(subexpression, "subexpr", 0, 0)?;
        let groups = found.get(nth - 1);
        spans.push(Some(groups.and_then(|groups| groups.get(group).copied().flatten())));
    }
    Ok(spans)
}

fn position(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let slots = &[Text, Text, Integer, Integer, Integer, Text, Integer];
    let mut rows = Rows::new(arguments, slots)?;
    let mut column = Int32Builder::new();
    for (row, found) in nth_matches(&mut rows, "regexp_instr", 5, 6)?.into_iter().enumerate() {
        rows.row = row;
        let Some(span) = found else {
            column.append_null();
            continue;
        };
        let behind = rows.integer(4, "endoption", 0, 0)?;
        if behind > 1 {
            let message = format!("invalid value for parameter \"endoption\": {behind}");
            return Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        let byte = span.map(|(start, end)| if behind == 1 { end } else { start });
        let characters = byte.map_or(0, |byte| rows.text(0)[..byte].chars().count() + 1);
        column.append_value(whole(characters)?);
    }
    result(Arc::new(column.finish()), rows.scalar)
}

fn substring(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let slots = &[Text, Text, Integer, Integer, Text, Integer];
    let mut rows = Rows::new(arguments, slots)?;
    let mut column = StringBuilder::new();
    for (row, found) in nth_matches(&mut rows, "regexp_substr", 4, 5)?.into_iter().enumerate() {
        rows.row = row;
        column.append_option(part(rows.text(0), found.flatten()).filter(|_| !rows.is_null()));
    }
    result(Arc::new(column.finish()), rows.scalar)
}

fn split(name: &str, arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let mut rows = Rows::new(arguments, &[Text, Text, Text])?;
    let all = rows.found(|rows| Ok((rows.options(2, Some(name))?, 1, usize::MAX)))?;
    let mut column = ListBuilder::new(StringBuilder::new());
    for (row, found) in all.iter().enumerate() {
        rows.row = row;
        let Some(found) = found else {
            column.append_null();
            continue;
        };
        let text = rows.text(0);
        let mut from = 0;
        for (start, end) in found.iter().filter_map(|groups| groups.first().copied().flatten()) {
            // Nothing separates nothing at the ends.
            if start == end && (start == 0 || end == text.len() || end == from) {
                continue;
            }
            column.values().append_value(&text[from..start]);
            from = end;
        }
        column.values().append_value(&text[from..]);
        column.append(true);
    }
    result(Arc::new(column.finish()), rows.scalar)
}
