//! The key derivation of SCRAM-SHA-256 (RFC 5802): what a stored password is made by and a
//! client's proof is checked with.

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// HMAC-SHA-256.
pub fn sign(key: &[u8], message: &[u8]) -> [u8; 32] {
    // A key may have any length; were one refused, the empty result matches no stored key.
    Hmac::<Sha256>::new_from_slice(key).map_or([0; 32], |mut mac| {
        mac.update(message);
        mac.finalize().into_bytes().into()
    })
}

/// `SaltedPassword`: PBKDF2 with one block.
pub fn salted_password(password: &[u8], salt: &[u8], iterations: u32) -> [u8; 32] {
    let mut block = sign(password, &[salt, &1_u32.to_be_bytes()].concat());
    let mut salted = block;
    for _ in 1..iterations {
        block = sign(password, &block);
        for (byte, other) in salted.iter_mut().zip(block) {
            *byte ^= other;
        }
    }
    salted
}
