//! Random values of every type survive text and binary, both ways.

use arrow::array::ArrayRef;
use bytes::BytesMut;
use proptest::prelude::*;

use super::super::{ColumnBuilder, ColumnEncoder, PgType, TextContext, TimeZone};

/// A value's binary form in and out, then its text form in and out: always the same value.
fn survives(ty: &PgType, binary: &[u8]) {
    let context = TextContext {
        time_zone: TimeZone::parse_name("America/New_York").unwrap(),
        ..TextContext::default()
    };
    let column = |fill: &dyn Fn(&mut ColumnBuilder)| -> ArrayRef {
        let mut column = ColumnBuilder::new(ty, 1);
        fill(&mut column);
        column.finish()
    };
    let from_binary = column(&|column| column.append_binary(binary).unwrap());
    let encoder = ColumnEncoder::new(&from_binary, ty).unwrap();
    let (mut text, mut again) = (BytesMut::new(), BytesMut::new());
    encoder.write_text(0, &mut text, &context);
    encoder.write_binary(0, &mut again);
    assert_eq!(again, binary, "binary form of {ty}");
    let text = std::str::from_utf8(&text).unwrap();
    let from_text = column(&|column| column.append_text(text, &context).unwrap());
    assert_eq!(&from_text, &from_binary, "{text} of {ty}");
}

fn array(oid: u32, elements: &[Option<Vec<u8>>]) -> Vec<u8> {
    let mut out = Vec::new();
    let nulls = elements.iter().any(Option::is_none);
    out.extend(i32::from(!elements.is_empty()).to_be_bytes());
    out.extend(i32::from(nulls).to_be_bytes());
    out.extend(oid.to_be_bytes());
    if !elements.is_empty() {
        out.extend(i32::try_from(elements.len()).unwrap().to_be_bytes());
        out.extend(1i32.to_be_bytes());
    }
    for element in elements {
        match element {
            None => out.extend((-1i32).to_be_bytes()),
            Some(bytes) => {
                out.extend(i32::try_from(bytes.len()).unwrap().to_be_bytes());
                out.extend(bytes);
            }
        }
    }
    out
}

proptest! {
    #[test]
    fn integers(small: i16, middle: i32, large: i64) {
        survives(&PgType::Int2, &small.to_be_bytes());
        survives(&PgType::Int4, &middle.to_be_bytes());
        survives(&PgType::Int8, &large.to_be_bytes());
    }

    #[test]
    fn floats(single in prop::num::f32::NORMAL | prop::num::f32::SUBNORMAL | prop::num::f32::INFINITE,
              double in prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::INFINITE) {
        survives(&PgType::Float4, &single.to_be_bytes());
        survives(&PgType::Float8, &double.to_be_bytes());
    }

    #[test]
    fn strings(text in "[^\0]*") {
        survives(&PgType::Text, text.as_bytes());
        survives(&PgType::Varchar(Some(1000)), text.as_bytes());
    }

    #[test]
    fn bytes(bytes: Vec<u8>, uuid: [u8; 16]) {
        survives(&PgType::Bytea, &bytes);
        survives(&PgType::Uuid, &uuid);
    }

    #[test]
    fn times(days in -700_000i32..3_000_000, us in 0i64..86_400_000_000) {
        survives(&PgType::Date, &days.to_be_bytes());
        survives(&PgType::Time, &us.to_be_bytes());
        survives(&PgType::Timestamp, &(i64::from(days) * 86_400_000_000 + us).to_be_bytes());
    }

    // Local times that a transition repeats have no text of their own only without an offset.
    #[test]
    fn instants(us in -60_000_000_000_000_000i64..250_000_000_000_000_000) {
        survives(&PgType::Timestamptz, &us.to_be_bytes());
    }

    #[test]
    fn intervals(us in -9_000_000_000_000_000i64..9_000_000_000_000_000, days: i32, months in -2_000_000_000i32..2_000_000_000) {
        let mut binary = us.to_be_bytes().to_vec();
        binary.extend(days.to_be_bytes());
        binary.extend(months.to_be_bytes());
        survives(&PgType::Interval, &binary);
    }

    #[test]
    fn vectors(elements in prop::collection::vec(prop::num::f32::NORMAL | prop::num::f32::ZERO, 1..64)) {
        let mut binary = u16::try_from(elements.len()).unwrap().to_be_bytes().to_vec();
        binary.extend([0, 0]);
        elements.iter().for_each(|element| binary.extend(element.to_be_bytes()));
        survives(&PgType::Vector(None), &binary);
        survives(&PgType::Vector(u16::try_from(elements.len()).ok()), &binary);
    }

    #[test]
    fn halves(elements in prop::collection::vec(-60_000f32..60_000.0, 1..64)) {
        let mut binary = u16::try_from(elements.len()).unwrap().to_be_bytes().to_vec();
        binary.extend([0, 0]);
        elements.iter().for_each(|e| binary.extend(half::f16::from_f32(*e).to_be_bytes()));
        survives(&PgType::Halfvec(None), &binary);
        survives(&PgType::Halfvec(u16::try_from(elements.len()).ok()), &binary);
    }

    #[test]
    fn bit_strings(bytes: Vec<u8>) {
        let length = i32::try_from(bytes.len() * 8).unwrap();
        let binary = [&length.to_be_bytes(), bytes.as_slice()].concat();
        survives(&PgType::Varbit(None), &binary);
        survives(&PgType::Bit(None), &binary);
    }

    #[test]
    fn arrays(texts: Vec<Option<String>>, numbers: Vec<Option<i32>>) {
        let texts: Vec<_> = texts
            .into_iter()
            .map(|text| text.map(|text| text.replace('\0', "").into_bytes()))
            .collect();
        survives(&PgType::Text.array(), &array(25, &texts));
        let numbers: Vec<_> =
            numbers.into_iter().map(|n| n.map(|n| n.to_be_bytes().to_vec())).collect();
        survives(&PgType::Int4.array(), &array(23, &numbers));
    }

    #[test]
    fn numerics(value in -10i128.pow(18)..10i128.pow(18), scale in 0i8..18) {
        let ty = PgType::Numeric(Some((38, scale)));
        let mut column = ColumnBuilder::new(&ty, 1);
        let text = format!("{value}e-{scale}");
        column.append_text(&text, &TextContext::default()).unwrap();
        let encoder = ColumnEncoder::new(&column.finish(), &ty).unwrap();
        let mut binary = BytesMut::new();
        encoder.write_binary(0, &mut binary);
        survives(&ty, &binary);
        survives(&PgType::Numeric(Some((60, scale))), &binary);
    }

    #[test]
    fn json_texts(text in "[^\0]*", number in -1e15f64..1e15) {
        let document = serde_json::json!({ "text": text, "list": [number, null, true, {}] });
        let mut binary = vec![1];
        let ty = PgType::Jsonb;
        let mut column = ColumnBuilder::new(&ty, 1);
        column.append_text(&document.to_string(), &TextContext::default()).unwrap();
        let encoder = ColumnEncoder::new(&column.finish(), &ty).unwrap();
        let mut text = BytesMut::new();
        encoder.write_text(0, &mut text, &TextContext::default());
        let read: serde_json::Value = serde_json::from_slice(&text).unwrap();
        prop_assert_eq!(&read["text"], &document["text"]);
        binary.extend(text);
        survives(&ty, &binary);
    }
}
