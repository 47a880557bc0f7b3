//! What a client's bytes reach first: the messages.

use crate::base::mutation::run;
use crate::pg::message::{frontend, startup};

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
