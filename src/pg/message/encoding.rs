//! Text from a client must be UTF-8 without NUL, as PostgreSQL demands.

use std::fmt::Write as _;

use crate::base::{Result, SqlError, SqlState};

/// The bytes as text, or PostgreSQL's 22021 that shows the first offending bytes.
pub(in crate::pg) fn utf8(bytes: &[u8]) -> Result<&str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if memchr::memchr(0, bytes).is_none() => Ok(text),
        Ok(_) => Err(invalid(&[0])),
        Err(error) => {
            let at =
                memchr::memchr(0, &bytes[..error.valid_up_to()]).unwrap_or(error.valid_up_to());
            Err(invalid(&bytes[at..]))
        }
    }
}

/// PostgreSQL shows as many bytes as the first one promises, or fewer at the end.
fn invalid(bytes: &[u8]) -> SqlError {
    let promised = match bytes.first().copied().unwrap_or(0) {
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf7 => 4,
        _ => 1,
    };
    let mut message = String::from("invalid byte sequence for encoding \"UTF8\":");
    for byte in bytes.iter().take(promised) {
        // Writing to a String can't fail.
        let _ = write!(message, " 0x{byte:02x}");
    }
    SqlError::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, message)
}
