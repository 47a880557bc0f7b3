//! Values as clients write them, in both formats, for every type: vectors first of all.

use crate::base::mutation::run;
use crate::types::{PgType, TextContext, parse_binary, parse_text, to_text};

/// Reads the bytes as a value of each type, in both formats; what is read can be written, and its
/// text reads back.
fn read(types: &[PgType], bytes: &[u8]) {
    let context = TextContext::default();
    for ty in types {
        let _ = parse_binary(ty, bytes).map(|value| to_text(ty, &value, &context));
        let Ok(text) = std::str::from_utf8(bytes) else { continue };
        let Ok(value) = parse_text(ty, text, &context) else { continue };
        if let Ok(Some(again)) = to_text(ty, &value, &context) {
            assert!(parse_text(ty, &again, &context).is_ok(), "{ty}: {text:?} gave {again:?}");
        }
    }
}

#[test]
fn vectors() {
    let types = [
        PgType::Vector(None),
        PgType::Vector(Some(3)),
        PgType::Float4.array(),
        PgType::Halfvec(Some(3)),
        PgType::Sparsevec(None),
        PgType::Varbit(Some(7)),
    ];
    let seeds = [
        b"{1:1.5,3:-2e-3}/5".to_vec(),
        b"\0\0\0\x05\0\0\0\x02\0\0\0\0\0\0\0\0\0\0\0\x02\x3f\x80\0\0\x40\0\0\0".to_vec(),
        b"x1F".to_vec(),
        b"\0\0\0\x05\xa8".to_vec(),
        b"[1,2.5,-3e-7]".to_vec(),
        b" [ 1 , 2 , 3 ] ".to_vec(),
        b"{1,NULL,Infinity}".to_vec(),
        b"\0\x03\0\0\x3f\x80\0\0\x40\0\0\0\x40\x40\0\0".to_vec(),
    ];
    run("vectors", &seeds, |bytes| read(&types, bytes));
}

#[test]
fn scalars_and_arrays() {
    let mut types = PgType::scalars().to_vec();
    types.push(PgType::Int4.array());
    types.push(PgType::Text.array());
    types.push(PgType::Numeric(Some((12, 4))));
    let seeds: Vec<Vec<u8>> = [
        "-9223372036854775808",
        "1.5e-300",
        "-12345.6700",
        "2024-02-29 23:59:59.999999+05:30",
        "1999-12-31 BC",
        "infinity",
        "1 year 2 mons -3 days 04:05:06.789",
        "P1Y2M3DT4H5M6.7S",
        "12345678-1234-5678-1234-567812345678",
        r#"{"a": [1, null, "x\u00e9"], "b": {"c": 1e5}}"#,
        r#"{1,NULL,"a \"b\"",{2}}"#,
        r"\xdeadbeef",
        r"\\001a",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    run("values", &seeds, |bytes| read(&types, bytes));
}
