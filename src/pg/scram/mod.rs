//! SCRAM-SHA-256 (RFC 5802, RFC 7677), the server's side, from a stored verifier: neither the
//! password nor anything equivalent to it is needed or kept.
//!
//! Without channel binding: `SCRAM-SHA-256-PLUS` needs TLS and is not offered, because libpq
//! refuses a plain connection that offers it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};

use crate::base::scram::sign;
use crate::base::{Random, Result, SqlError, SqlState};

#[cfg(test)]
pub(super) mod tests;

/// The one mechanism that is offered.
pub(super) const MECHANISM: &str = "SCRAM-SHA-256";

/// What is stored of a password, as the exchange needs it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verifier<'a> {
    pub(super) iterations: u32,
    pub(super) salt: &'a [u8],
    pub(super) stored_key: &'a [u8],
    pub(super) server_key: &'a [u8],
}

/// An exchange that has sent its challenge and waits for the proof.
#[derive(Debug)]
pub(super) struct Challenge {
    /// `r=..,s=..,i=..`: what goes to the client.
    pub(super) message: String,
    nonce: String,
    client_first_bare: String,
    /// The client's header in base64: its last message must repeat it.
    header: String,
}

fn malformed(detail: &str) -> SqlError {
    SqlError::fatal(SqlState::PROTOCOL_VIOLATION, "malformed SCRAM message")
        .with_detail(format!("{detail}."))
}

/// An attribute `name=value` at the start of a message: the value up to the next comma, and
/// what follows that comma.
fn attribute(message: &str, name: u8) -> Result<(&str, &str)> {
    let rest = message
        .strip_prefix(char::from(name))
        .and_then(|rest| rest.strip_prefix('='))
        .ok_or_else(|| malformed(&format!("Expected attribute \"{}\"", char::from(name))))?;
    Ok(rest.split_once(',').unwrap_or((rest, "")))
}

/// Answers the client's first message with a challenge.
pub(super) fn challenge(
    client_first: &[u8],
    verifier: Verifier<'_>,
    random: &dyn Random,
) -> Result<Challenge> {
    let message = std::str::from_utf8(client_first)
        .map_err(|_| malformed("The message is not valid UTF-8"))?;
    let bare = without_header(message)?;
    if bare.starts_with("m=") {
        return Err(SqlError::fatal(
            SqlState::FEATURE_NOT_SUPPORTED,
            "client requires an unsupported SCRAM extension",
        ));
    }
    // The name in here is ignored, as PostgreSQL does: the startup message has it.
    let (_, rest) = attribute(bare, b'n')?;
    let (client_nonce, _) = attribute(rest, b'r')?;
    if client_nonce.is_empty() || !client_nonce.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(malformed("Non-printable characters in SCRAM nonce"));
    }
    let mut server_nonce = [0; 18];
    random.fill(&mut server_nonce);
    let nonce = format!("{client_nonce}{}", BASE64.encode(server_nonce));
    Ok(Challenge {
        message: format!("r={nonce},s={},i={}", BASE64.encode(verifier.salt), verifier.iterations),
        nonce,
        client_first_bare: bare.to_owned(),
        header: BASE64.encode(&message[..message.len() - bare.len()]),
    })
}

/// Takes the header (`n,,` or `y,,`) off the client's first message.
fn without_header(message: &str) -> Result<&str> {
    let rest = match message.as_bytes() {
        [b'n' | b'y', b',', ..] => &message[2..],
        [b'p', b'=', ..] => {
            return Err(malformed(
                "The client selected SCRAM-SHA-256 without channel binding, but the SCRAM \
                 message includes channel binding data",
            ));
        }
        _ => return Err(malformed("Unexpected channel-binding flag")),
    };
    match rest.strip_prefix(',') {
        Some(bare) => Ok(bare),
        None if rest.starts_with("a=") => Err(SqlError::fatal(
            SqlState::FEATURE_NOT_SUPPORTED,
            "client uses authorization identity, but it is not supported",
        )),
        None => Err(malformed("Unexpected attribute in the first message")),
    }
}

impl Challenge {
    /// Checks the client's proof: `v=..`, which proves us to the client, or `None` when the
    /// password is wrong. A message that makes no sense is an error.
    pub(super) fn verify(
        &self,
        client_final: &[u8],
        verifier: Verifier<'_>,
    ) -> Result<Option<String>> {
        let message = std::str::from_utf8(client_final)
            .map_err(|_| malformed("The message is not valid UTF-8"))?;
        let (header, rest) = attribute(message, b'c')?;
        if header != self.header {
            return Err(malformed("Unexpected SCRAM channel-binding attribute"));
        }
        let (nonce, rest) = attribute(rest, b'r')?;
        if nonce != self.nonce {
            return Err(malformed("Nonce does not match"));
        }
        // Extensions may stand between the nonce and the proof, which is last.
        let proof_at = if rest.starts_with("p=") {
            message.len() - rest.len()
        } else {
            message.rfind(",p=").ok_or_else(|| malformed("The proof is missing"))? + 1
        };
        let without_proof = &message[..proof_at - 1];
        let proof = BASE64
            .decode(&message[proof_at + 2..])
            .ok()
            .and_then(|proof| <[u8; 32]>::try_from(proof).ok())
            .ok_or_else(|| malformed("Malformed proof"))?;

        let signed = format!("{},{},{without_proof}", self.client_first_bare, self.message);
        let client_signature = sign(verifier.stored_key, signed.as_bytes());
        let client_key: [u8; 32] = std::array::from_fn(|i| proof[i] ^ client_signature[i]);
        let stored_key = Sha256::digest(client_key);
        Ok(equal(&stored_key, verifier.stored_key)
            .then(|| format!("v={}", BASE64.encode(sign(verifier.server_key, signed.as_bytes())))))
    }
}

/// Compares in a time that does not tell where they differ.
pub(super) fn equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differences, (a, b)| differences | (a ^ b)) == 0
}
