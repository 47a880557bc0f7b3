//! What COPY writes, COPY reads back.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use proptest::prelude::*;

use super::*;
use crate::copy::ForceColumns;
use crate::copy::fields::{Fields, Syntax};
use crate::copy::lines::{Found, Lines, Quoting};

fn options(format: CopyFormat) -> CopyOptions {
    let text = CopyOptions { format, ..CopyOptions::default() };
    match format {
        CopyFormat::Csv => CopyOptions { delimiter: b',', null: String::new(), ..text },
        _ => text,
    }
}

type Row = Vec<Option<String>>;

/// The rows as COPY TO writes them.
fn write(rows: &[Row], options: &CopyOptions) -> BytesMut {
    let width = rows[0].len();
    let columns = (0..width).map(|_| ("c", &PgType::Text));
    let mut encoders: Vec<_> = (0..width)
        .map(|index| {
            let values = rows.iter().map(|row| row[index].as_deref());
            let array: ArrayRef = Arc::new(StringArray::from_iter(values));
            ColumnEncoder::new(&array, &PgType::Text).unwrap()
        })
        .collect();
    let mut out = BytesMut::new();
    let mut encoder = Encoder::new(columns, options, TextContext::default()).unwrap();
    for row in 0..rows.len() {
        encoder.row(&mut out, &mut encoders, row).unwrap();
    }
    out
}

/// What COPY FROM reads of them.
fn read(mut data: &[u8], options: &CopyOptions) -> Vec<Row> {
    let (delimiter, null) = (options.delimiter, options.null.clone());
    let (quote, escape) = (options.quote, options.escape);
    let (quoting, syntax) = match options.format {
        CopyFormat::Csv => {
            (Quoting::Quotes { quote, escape }, Syntax::Csv { delimiter, null, quote, escape })
        }
        _ => (Quoting::Backslash, Syntax::Text { delimiter, null }),
    };
    let (mut lines, mut fields, mut rows) = (Lines::new(quoting), Fields::default(), Vec::new());
    while let Found::Line { end, next } = lines.find(data, true).unwrap() {
        let line = std::str::from_utf8(&data[..end]).unwrap();
        fields.split(line, &syntax).unwrap();
        let values = (0..fields.len()).map(|index| fields.get(line, index).map(str::to_owned));
        rows.push(values.collect());
        data = &data[next..];
    }
    rows
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let value = prop::option::weighted(0.8, "[ab,;'\"\\\\.N\\t\\n\\r\u{b}é]{0,6}");
    (1_usize..4).prop_flat_map(move |width| {
        prop::collection::vec(prop::collection::vec(value.clone(), width), 1..6)
    })
}

proptest! {
    #[test]
    fn what_goes_out_comes_in_again(rows in rows()) {
        let text = options(CopyFormat::Text);
        let odd_text = CopyOptions { delimiter: b';', null: "NULL".to_owned(), ..text.clone() };
        let csv = options(CopyFormat::Csv);
        let odd_csv = CopyOptions {
            delimiter: b';',
            null: "a".to_owned(),
            quote: b'\'',
            escape: b'\\',
            ..csv.clone()
        };
        let all_quoted = CopyOptions { force_quote: ForceColumns::All, ..csv.clone() };
        for options in [text, odd_text, csv, odd_csv, all_quoted] {
            let out = write(&rows, &options);
            prop_assert_eq!(read(&out, &options), rows.clone(), "{:?}", out);
        }
    }
}
