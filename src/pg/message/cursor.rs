//! Reads one message's body, never past its end.

use crate::base::{Result, SqlError, SqlState};
use crate::types::utf8;

/// What is left of a message's body.
#[derive(Clone, Copy, Debug)]
pub(in crate::pg) struct Cursor<'a> {
    rest: &'a [u8],
}

fn insufficient() -> SqlError {
    SqlError::new(SqlState::PROTOCOL_VIOLATION, "insufficient data left in message")
}

impl<'a> Cursor<'a> {
    /// At the start of this body.
    pub(in crate::pg) fn new(body: &'a [u8]) -> Self {
        Self { rest: body }
    }

    /// The next `count` bytes.
    pub(in crate::pg) fn bytes(&mut self, count: usize) -> Result<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(count).ok_or_else(insufficient)?;
        self.rest = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or_else(insufficient)?;
        self.rest = rest;
        Ok(*head)
    }

    /// The next byte.
    pub(in crate::pg) fn u8(&mut self) -> Result<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// The next two bytes as an unsigned count.
    pub(in crate::pg) fn u16(&mut self) -> Result<u16> {
        self.array().map(u16::from_be_bytes)
    }

    /// The next four bytes, signed.
    pub(in crate::pg) fn i32(&mut self) -> Result<i32> {
        self.array().map(i32::from_be_bytes)
    }

    /// The next four bytes, unsigned.
    pub(in crate::pg) fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// A string up to its NUL.
    pub(in crate::pg) fn string(&mut self) -> Result<&'a str> {
        let end = memchr::memchr(0, self.rest).ok_or_else(|| {
            SqlError::new(SqlState::PROTOCOL_VIOLATION, "invalid string in message")
        })?;
        let text = utf8(&self.rest[..end])?;
        self.rest = &self.rest[end + 1..];
        Ok(text)
    }

    /// All that is left.
    pub(in crate::pg) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// An error unless all is read: a longer message means that we misunderstood it.
    pub(in crate::pg) fn end(self) -> Result<()> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(SqlError::new(SqlState::PROTOCOL_VIOLATION, "invalid message format"))
        }
    }
}
