//! What a client's bytes reach first: the messages, and COPY's three formats.

use bytes::BytesMut;

use crate::base::mutation::run;
use crate::pg::copy::Decoder;
use crate::pg::message::{frontend, startup};
use crate::plan::Statement;
use crate::plan::statement::CopyOptions;
use crate::types::{PgType, TextContext};

#[test]
fn startup_packets() {
    let mut packet = 196_608_u32.to_be_bytes().to_vec();
    packet.extend_from_slice(b"user\0redkite\0database\0redkite\0options\0-c a=b\0\0");
    let mut cancel = 80_877_102_u32.to_be_bytes().to_vec();
    cancel.extend_from_slice(&[0, 0, 0, 1, 1, 2, 3, 4]);
    let sasl = b"SCRAM-SHA-256\0\0\0\0\x20n,,n=,r=rOprNGfwEbeRWgbNEkqO".to_vec();
    run("startup", &[packet, cancel, sasl], |bytes| {
        let _ = startup::decode(bytes);
        let _ = startup::sasl_initial_response(bytes);
    });
}

#[test]
fn messages() {
    let seeds: Vec<Vec<u8>> = [
        &b"Qselect 1\0"[..],
        b"Pname\0select $1, $2\0\0\x02\0\0\0\x17\0\0\0\x19",
        b"Bportal\0name\0\0\x02\0\x01\0\0\0\x02\0\0\0\x04\0\0\0\x01\xff\xff\xff\xff\0\x01\0\x01",
        b"DSname\0",
        b"Eportal\0\0\0\0\x0a",
        b"CPportal\0",
        b"S",
        b"H",
        b"d1\t2\n",
        b"c",
        b"fno\0",
        b"X",
        b"F\0\0\0\x01\0\0\0\0\0\0",
    ]
    .map(<[u8]>::to_vec)
    .to_vec();
    run("messages", &seeds, |bytes| {
        let Some((kind, body)) = bytes.split_first() else { return };
        match frontend::decode(*kind, body) {
            Ok(frontend::Message::Parse(parse)) => drop(parse.types()),
            Ok(frontend::Message::Bind(bind)) => {
                assert_eq!(bind.parameters.iter().count(), bind.parameters.count());
                for at in 0..bind.parameters.count() {
                    let _ = bind.formats.is_binary(at);
                }
                for at in 0..bind.results.count() {
                    let _ = bind.results.is_binary(at);
                }
            }
            _ => {}
        }
    });
}

fn options(sql: &str) -> CopyOptions {
    match crate::plan::parse(sql).unwrap().remove(0).statement {
        Statement::Copy(copy) => copy.options,
        other => panic!("not COPY: {other:?}"),
    }
}

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
    let options = options("COPY t FROM STDIN");
    run("copy text", &[text, returns], |bytes| copy(&options, bytes));
}

#[test]
fn copied_csv() {
    let csv = b"\x10id,t,e,a\n1,\"a \"\"b\"\"\nc\",\"[1,2,3]\",\"{1,2}\"\n2,,,\n\\.\n".to_vec();
    let options = options("COPY t FROM STDIN (FORMAT csv, HEADER match, ON_ERROR ignore)");
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
    let options = options("COPY t FROM STDIN (FORMAT binary)");
    run("copy binary", &[binary], |bytes| copy(&options, bytes));
}
