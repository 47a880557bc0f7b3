//! RFC 7677's example, forgeries, and malformed messages.

use super::*;
use crate::base::OsRandom;
use crate::base::scram::salted_password;

/// A source whose bytes, in base64, are RFC 7677's server nonce.
#[derive(Debug)]
struct Rfc;

impl Random for Rfc {
    fn fill(&self, bytes: &mut [u8]) {
        // 24 characters, of which the example's nonce has other characters than base64 can
        // make: the test replaces the nonce below instead.
        bytes.fill(7);
    }
}

/// What both sides derive from a password.
pub(in crate::pg) struct Keys {
    pub(in crate::pg) salt: Vec<u8>,
    pub(in crate::pg) stored: [u8; 32],
    pub(in crate::pg) server: [u8; 32],
    client: [u8; 32],
}

pub(in crate::pg) fn keys(password: &str, salt: &[u8], iterations: u32) -> Keys {
    let salted = salted_password(password.as_bytes(), salt, iterations);
    let client = sign(&salted, b"Client Key");
    Keys {
        salt: salt.to_vec(),
        stored: Sha256::digest(client).into(),
        server: sign(&salted, b"Server Key"),
        client,
    }
}

impl Keys {
    fn verifier(&self) -> Verifier<'_> {
        Verifier {
            iterations: 4096,
            salt: &self.salt,
            stored_key: &self.stored,
            server_key: &self.server,
        }
    }
}

#[test]
fn rfc_7677_example() {
    let keys = keys("pencil", &BASE64.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap(), 4096);
    let mut challenge =
        challenge(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO", keys.verifier(), &Rfc).unwrap();
    challenge.nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0".to_owned();
    challenge.message = format!("r={},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", challenge.nonce);
    let last = b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                 p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    assert_eq!(
        challenge.verify(last, keys.verifier()).unwrap().as_deref(),
        Some("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    );
    let wrong = b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                  p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVU=";
    assert_eq!(challenge.verify(wrong, keys.verifier()).unwrap(), None);
}

fn answer(challenge: &Challenge, keys: &Keys, header: &str) -> String {
    let without_proof = format!("c={},r={}", BASE64.encode(header), challenge.nonce);
    let signed = format!("{},{},{without_proof}", challenge.client_first_bare, challenge.message);
    let signature = sign(&keys.stored, signed.as_bytes());
    let proof: Vec<u8> = keys.client.iter().zip(signature).map(|(a, b)| a ^ b).collect();
    format!("{without_proof},p={}", BASE64.encode(proof))
}

#[test]
fn a_whole_exchange_and_its_forgeries() {
    let keys = keys("secret", b"salt and pepper", 4096);
    let challenge = challenge(b"y,,n=,r=abc", keys.verifier(), &OsRandom).unwrap();
    let good = answer(&challenge, &keys, "y,,");
    assert!(challenge.verify(good.as_bytes(), keys.verifier()).unwrap().is_some());
    // Another header than the one at the start: somebody in the middle changed it.
    let changed = answer(&challenge, &keys, "n,,");
    assert!(challenge.verify(changed.as_bytes(), keys.verifier()).is_err());
    // An answer to another challenge.
    let replayed = good.replace(&challenge.nonce, "abcabcabc");
    assert!(challenge.verify(replayed.as_bytes(), keys.verifier()).is_err());
}

#[test]
fn malformed_messages_are_errors() {
    let keys = keys("secret", b"salt", 4096);
    for first in [
        &b""[..],
        b"n",
        b"n,",
        b"n,,",
        b"n,,n=",
        b"n,,n=,",
        b"n,,n=,r=",
        b"n,,n=,r=a b",
        b"n,a=root,n=,r=abc",
        b"p=tls-unique,,n=,r=abc",
        b"n,,m=x,n=,r=abc",
        b"x,,n=,r=abc",
        b"\xff,,n=,r=abc",
    ] {
        assert!(challenge(first, keys.verifier(), &OsRandom).is_err(), "{first:?}");
    }
    let challenge = challenge(b"n,,n=,r=abc", keys.verifier(), &OsRandom).unwrap();
    let nonce = &challenge.nonce;
    for last in [
        String::new(),
        "c=".to_owned(),
        "c=biws".to_owned(),
        format!("c=biws,r={nonce}"),
        format!("c=biws,r={nonce},p="),
        format!("c=biws,r={nonce},p=????"),
        format!("c=biws,r={nonce},p=AAAA"),
        format!("r={nonce},c=biws,p=AAAA"),
    ] {
        assert!(challenge.verify(last.as_bytes(), keys.verifier()).is_err(), "{last:?}");
    }
}
