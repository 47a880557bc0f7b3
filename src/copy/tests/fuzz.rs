//! COPY's formats of lines and tuples.

use bytes::BytesMut;

use crate::base::mutation::run;
use crate::copy::{CopyFormat, CopyHeader, CopyOptions, Decoder};
use crate::types::{PgType, TextContext};

/// Reads a stream in pieces, whose length its first byte says.
fn copy(options: &CopyOptions, bytes: &[u8]) {
    let Some((piece, data)) = bytes.split_first() else { return };
    let columns = [
        ("id".to_owned(), PgType::Int8),
        ("t".to_owned(), PgType::Text),
        ("e".to_owned(), PgType::Vector(Some(3))),
        ("a".to_owned(), PgType::Int4.array()),
    ];
    let mut decoder = Decoder::new("t", &columns, options, TextContext::default()).unwrap();
    for piece in data.chunks(usize::from(*piece) + 1) {
        if decoder.push(BytesMut::from(piece)).is_err() {
            return;
        }
        loop {
            match decoder.next_batch(false) {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
    if decoder.next_batch(true).is_ok() {
        let _ = decoder.last_batch();
    }
}

#[test]
fn copied_text() {
    let text =
        b"\x081\ttab\\tnew\\nline\\x41\\101\t[1,2,3]\t{1,NULL,3}\n2\t\\N\t\\N\t\\N\n\\.\n".to_vec();
    let returns = b"\xff1\ta\t[1,2,3]\t{}\r\n2\tb\t[0,0,0]\t{4}\r\n".to_vec();
    let options = CopyOptions::default();
    run("copy text", &[text, returns], |bytes| copy(&options, bytes));
}

#[test]
fn copied_csv() {
    let csv = b"\x10id,t,e,a\n1,\"a \"\"b\"\"\nc\",\"[1,2,3]\",\"{1,2}\"\n2,,,\n\\.\n".to_vec();
    let options = CopyOptions {
        format: CopyFormat::Csv,
        delimiter: b',',
        null: String::new(),
        header: CopyHeader::Match,
        ignore_errors: true,
        ..CopyOptions::default()
    };
    run("copy csv", &[csv], |bytes| copy(&options, bytes));
}

#[test]
fn copied_binary() {
    let mut binary = b"\x07PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
    binary.extend_from_slice(b"\0\x04\0\0\0\x08\0\0\0\0\0\0\0\x01\0\0\0\x02hi");
    binary.extend_from_slice(b"\0\0\0\x10\0\x03\0\0\x3f\x80\0\0\x40\0\0\0\x40\x40\0\0");
    binary.extend_from_slice(b"\0\0\0\x14\0\0\0\x01\0\0\0\0\0\0\0\x17\0\0\0\0\0\0\0\x01");
    binary.extend_from_slice(b"\0\x04\0\0\0\x08\0\0\0\0\0\0\0\x02\xff\xff\xff\xff\xff\xff\xff\xff");
    binary.extend_from_slice(b"\xff\xff\xff\xff\xff\xff");
    let options = CopyOptions { format: CopyFormat::Binary, ..CopyOptions::default() };
    run("copy binary", &[binary], |bytes| copy(&options, bytes));
}
