//! What a client sends first: packets without a type byte.

use super::cursor::Cursor;
use crate::base::{Result, SqlError, SqlState};
use crate::types::utf8;

const CANCEL_REQUEST: u32 = 80_877_102;
const SSL_REQUEST: u32 = 80_877_103;
const GSSENC_REQUEST: u32 = 80_877_104;

/// Protocol versions: the major number in the upper half.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::pg) struct Version(pub(in crate::pg) u32);

impl Version {
    /// PostgreSQL 18's: cancel keys of variable length.
    pub(in crate::pg) const V3_2: Self = Self(0x0003_0002);
}

/// A packet before authentication.
#[derive(Debug)]
pub(in crate::pg) enum Packet<'a> {
    /// May I encrypt with TLS?
    Ssl,
    /// May I encrypt with GSSAPI?
    Gssenc,
    /// Stop what that other connection runs.
    Cancel { pid: i32, secret: &'a [u8] },
    /// Let me in.
    Startup { version: Version, parameters: Vec<(&'a str, &'a str)> },
}

/// Decodes a packet from exactly its body (without the length).
pub(in crate::pg) fn decode(body: &[u8]) -> Result<Packet<'_>> {
    let mut cursor = Cursor::new(body);
    match cursor.u32()? {
        CANCEL_REQUEST => {
            let pid = cursor.i32()?;
            Ok(Packet::Cancel { pid, secret: cursor.rest() })
        }
        SSL_REQUEST => cursor.end().map(|()| Packet::Ssl),
        GSSENC_REQUEST => cursor.end().map(|()| Packet::Gssenc),
        version if version >> 16 == 3 => Ok(Packet::Startup {
            version: Version(version),
            parameters: parameters(cursor.rest())?,
        }),
        version => Err(SqlError::fatal(
            SqlState::FEATURE_NOT_SUPPORTED,
            format!(
                "unsupported frontend protocol {}.{}: server supports 3.0 to 3.2",
                version >> 16,
                version & 0xffff
            ),
        )),
    }
}

/// Names and values, each up to its NUL, then one more NUL as the last byte.
fn parameters(bytes: &[u8]) -> Result<Vec<(&str, &str)>> {
    let layout = || {
        SqlError::fatal(
            SqlState::PROTOCOL_VIOLATION,
            "invalid startup packet layout: expected terminator as last byte",
        )
    };
    let mut parameters = Vec::new();
    let mut parts = bytes.split(|byte| *byte == 0);
    while let Some(name) = parts.next() {
        if name.is_empty() {
            // The terminator: what follows it must be the end of the packet.
            return match (parts.next(), parts.next()) {
                (Some([]), None) => Ok(parameters),
                _ => Err(layout()),
            };
        }
        let value = parts.next().ok_or_else(layout)?;
        parameters.push((utf8(name)?, utf8(value)?));
    }
    Err(layout())
}

/// A SASLInitialResponse: the mechanism and its first message, if the client sends one now.
pub(in crate::pg) fn sasl_initial_response(body: &[u8]) -> Result<(&str, Option<&[u8]>)> {
    let mut cursor = Cursor::new(body);
    let mechanism = cursor.string()?;
    let message = match usize::try_from(cursor.i32()?) {
        Ok(length) => Some(cursor.bytes(length)?),
        Err(_) => None,
    };
    cursor.end()?;
    Ok((mechanism, message))
}
