//! Lines of text and csv streams, however the stream is cut.

use proptest::prelude::*;

use super::*;

/// All lines of `data`, fed in pieces of `chunk` bytes.
fn lines(quoting: Quoting, data: &[u8], chunk: usize) -> Result<Vec<(u64, Vec<u8>)>> {
    let mut finder = Lines::new(quoting);
    let mut found = Vec::new();
    let mut pending = Vec::new();
    let mut pieces = data.chunks(chunk.max(1)).peekable();
    loop {
        let piece = pieces.next();
        let last = piece.is_none();
        pending.extend_from_slice(piece.unwrap_or_default());
        loop {
            match finder.find(&pending, last)? {
                Found::Line { end, next } => {
                    found.push((finder.number(), pending[..end].to_vec()));
                    pending.drain(..next);
                }
                Found::EndOfData => return Ok(found),
                Found::Incomplete => break,
            }
        }
        if last {
            return Ok(found);
        }
    }
}

fn text(data: &str) -> Vec<String> {
    lines(Quoting::Backslash, data.as_bytes(), 3)
        .unwrap()
        .into_iter()
        .map(|(_, line)| String::from_utf8(line).unwrap())
        .collect()
}

const CSV: Quoting = Quoting::Quotes { quote: b'"', escape: b'"' };

#[test]
fn endings_of_every_kind() {
    assert_eq!(text("a\nb\n"), ["a", "b"]);
    assert_eq!(text("a\r\nb\r\n"), ["a", "b"]);
    assert_eq!(text("a\rb\r"), ["a", "b"]);
    assert_eq!(text("a\nb"), ["a", "b"]);
    assert_eq!(text("\n\n"), ["", ""]);
    assert_eq!(text(""), Vec::<String>::new());
}

#[test]
fn mixed_endings_are_errors() {
    let message = |quoting, data: &str| {
        lines(quoting, data.as_bytes(), 2).unwrap_err().fields().message.clone()
    };
    assert_eq!(message(Quoting::Backslash, "a\nb\rc\n"), "literal carriage return found in data");
    assert_eq!(message(Quoting::Backslash, "a\rb\nc"), "literal newline found in data");
    assert_eq!(message(Quoting::Backslash, "a\r\nb\nc"), "literal newline found in data");
    assert_eq!(message(CSV, "a\nb\rc\n"), "unquoted carriage return found in data");
    assert_eq!(message(CSV, "a\r\nb\nc\n"), "unquoted newline found in data");
}

#[test]
fn a_backslash_takes_the_ending_with_it() {
    assert_eq!(text("a\\\nb\nc\\\\\nd\n"), ["a\\\nb", "c\\\\", "d"]);
}

#[test]
fn the_end_of_data_marker() {
    assert_eq!(text("a\n\\.\nb\n"), ["a"]);
    assert_eq!(text("a\n\\."), ["a"]);
    assert_eq!(text("\\.\r\nb\r\n"), Vec::<String>::new());
    for data in ["\\.x\n", "a\\.\n", "a\n\\.b\n"] {
        let error = lines(Quoting::Backslash, data.as_bytes(), 1).unwrap_err();
        assert_eq!(error.fields().message, "end-of-copy marker corrupt", "{data:?}");
    }
    let csv = lines(CSV, b"a\n\\.x\n\"\n\\.\n\"\n\\.\nb\n", 1).unwrap();
    let csv: Vec<_> = csv.iter().map(|(_, line)| line.as_slice()).collect();
    assert_eq!(csv, [&b"a"[..], b"\\.x", b"\"\n\\.\n\""]);
}

#[test]
fn quotes_hold_endings_and_lines_are_counted() {
    let found = lines(CSV, b"a\n\"x\ny\n\"\"z\",1\nb\n", 4).unwrap();
    let numbers: Vec<_> = found.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [1, 2, 5]);
    assert_eq!(found[1].1, b"\"x\ny\n\"\"z\",1");
    let other = Quoting::Quotes { quote: b'\'', escape: b'\\' };
    let found = lines(other, b"'a\\'\nb'\nc\n", 2).unwrap();
    assert_eq!(found[0].1, b"'a\\'\nb'");
    assert_eq!(found.len(), 2);
}

proptest! {
    #[test]
    fn chunks_change_nothing(
        data in proptest::collection::vec(
            prop::sample::select(b"ab,\\\".\n\r\t".to_vec()), 0..60),
        chunk in 1_usize..9,
        csv: bool,
    ) {
        let quoting = if csv { CSV } else { Quoting::Backslash };
        let whole = lines(quoting, &data, data.len());
        let cut = lines(quoting, &data, chunk);
        match (whole, cut) {
            (Ok(whole), Ok(cut)) => prop_assert_eq!(whole, cut),
            (Err(whole), Err(cut)) => {
                prop_assert_eq!(&whole.fields().message, &cut.fields().message);
            }
            (whole, cut) => prop_assert!(false, "{:?} but {:?}", whole, cut),
        }
    }
}
