//! Each line of `postgres.jsonl`: a type, a literal, and the server's text and binary output, or
//! its error.

use serde_json::Value;

use super::super::{ColumnBuilder, ColumnEncoder, PgType, TextContext, TimeZone};
use crate::base::{Result, SqlError};

/// Where we differ on purpose: type, literal, why.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    ("numeric", "NaN", "refused"),
    ("numeric", "-1.50", "an unconstrained numeric drops trailing zeros"),
    ("\"char\"", "", "an empty string has no byte"),
    ("timestamp", "294276-12-31 23:59:59", "64 bits from 1970 end earlier than from 2000"),
    ("timestamptz", "294276-12-31 23:59:59", "the same"),
    ("timestamptz", "294277-01-01", "the same"),
    ("interval", "2562047788:00:54.775807", "64 bits of nanoseconds end at 292 years"),
    ("integer[]", "[0:1]={1,2}", "arrays count from one"),
    ("vector[]", "{\"[1,2]\",\"[3,4]\"}", "the server's own oid of vector"),
];

fn ty(name: &str) -> PgType {
    let (name, array) = match name.strip_suffix("[]") {
        Some(name) => (name, true),
        None => (name, false),
    };
    let (bare, modifiers) = name.split_once('(').unwrap_or((name, ""));
    let modifiers: Vec<i64> = modifiers
        .trim_end_matches(')')
        .split(',')
        .filter(|part| !part.is_empty())
        .map(|part| part.parse().unwrap())
        .collect();
    let ty = PgType::from_name(bare).unwrap().with_modifiers(&modifiers).unwrap();
    if array { ty.array() } else { ty }
}

fn context() -> TextContext {
    TextContext {
        time_zone: TimeZone::parse_name("Europe/Berlin").unwrap(),
        ..TextContext::default()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The value's text and binary output.
fn show(column: &mut ColumnBuilder, ty: &PgType) -> Result<(String, Vec<u8>)> {
    let encoder = ColumnEncoder::new(&column.finish(), ty)?;
    let (mut text, mut binary) = (bytes::BytesMut::new(), bytes::BytesMut::new());
    encoder.write_text(0, &mut text, &context());
    encoder.write_binary(0, &mut binary);
    Ok((String::from_utf8(text.to_vec()).unwrap(), binary.to_vec()))
}

fn describe(error: &SqlError) -> String {
    let fields = error.fields();
    let optional = |field: &Option<String>| field.clone().unwrap_or_default();
    let (detail, hint) = (optional(&fields.detail), optional(&fields.hint));
    format!("{} {} [{detail}] [{hint}]", fields.code, fields.message)
}

/// What is wrong with our answer to a line, if anything.
fn check(line: &Value) -> Option<String> {
    let field = |name: &str| line[name].as_str().unwrap_or_default();
    let ty = ty(field("type"));
    let mut column = ColumnBuilder::new(&ty, 1);
    let ours = column.append_text(field("text"), &context()).and_then(|()| show(&mut column, &ty));
    let (found, expected) = match (&ours, line.get("code")) {
        (Ok((text, binary)), None) => {
            let mut again = ColumnBuilder::new(&ty, 1);
            again.append_binary(binary).unwrap();
            assert_eq!(show(&mut again, &ty).unwrap().1, *binary, "{line}");
            (format!("{text} {}", hex(binary)), format!("{} {}", field("out"), field("binary")))
        }
        (Ok((text, _)), Some(_)) => (text.clone(), field("message").to_owned()),
        (Err(error), _) => (
            describe(error),
            format!(
                "{} {} [{}] [{}]{}",
                field("code"),
                field("message"),
                field("detail"),
                field("hint"),
                field("out")
            ),
        ),
    };
    (found != expected).then(|| format!("{line}\n  ours     {found}\n  expected {expected}"))
}

#[test]
fn every_literal_is_answered_as_postgresql_does() {
    let lines = include_str!("postgres.jsonl").lines();
    let mut wrong = Vec::new();
    for line in lines {
        let line: Value = serde_json::from_str(line).unwrap();
        let known =
            DIFFERENCES.iter().any(|(ty, text, _)| line["type"] == *ty && line["text"] == *text);
        if let Some(difference) = check(&line).filter(|_| !known) {
            wrong.push(difference);
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
