//! What a client sends once it is in.

use super::cursor::Cursor;
use crate::base::limits::MESSAGE_BYTES_MAX;
use crate::base::{Oid, Result, SqlError, SqlState};

/// PostgreSQL's limit for the messages that have no business being long.
const SMALL_MESSAGE_BYTES_MAX: usize = 10_000;

/// The longest body that a message of this kind may have; `None` when there is no such kind.
/// Known before the first byte of the body is read, so a stranger's number allocates nothing.
pub(in crate::pg) fn body_bytes_max(kind: u8) -> Option<usize> {
    match kind {
        b'Q' | b'P' | b'B' | b'F' | b'd' => Some(MESSAGE_BYTES_MAX),
        b'E' | b'D' | b'C' | b'H' | b'S' | b'X' | b'c' | b'f' | b'p' => {
            Some(SMALL_MESSAGE_BYTES_MAX)
        }
        _ => None,
    }
}

/// What Describe and Close point to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pg) enum Target<'a> {
    /// A prepared statement.
    Statement(&'a str),
    /// A portal.
    Portal(&'a str),
}

/// A message, borrowing from its bytes.
#[derive(Clone, Copy, Debug)]
pub(in crate::pg) enum Message<'a> {
    Query {
        sql: &'a str,
    },
    Parse(Parse<'a>),
    Bind(Bind<'a>),
    Describe(Target<'a>),
    Execute {
        portal: &'a str,
        rows_max: i32,
    },
    Close(Target<'a>),
    Flush,
    Sync,
    Terminate,
    FunctionCall,
    /// CopyData, CopyDone, CopyFail: outside COPY they are ignored.
    Copy,
}

/// Parse: text to a prepared statement.
#[derive(Clone, Copy, Debug)]
pub(in crate::pg) struct Parse<'a> {
    pub(in crate::pg) name: &'a str,
    pub(in crate::pg) sql: &'a str,
    types: &'a [u8],
}

impl Parse<'_> {
    /// The parameter types that the client gave; zero means that it leaves one to us.
    pub(in crate::pg) fn types(&self) -> Vec<Oid> {
        let (chunks, _) = self.types.as_chunks::<4>();
        chunks.iter().map(|bytes| Oid(u32::from_be_bytes(*bytes))).collect()
    }
}

/// Bind: a prepared statement with values is a portal.
#[derive(Clone, Copy, Debug)]
pub(in crate::pg) struct Bind<'a> {
    pub(in crate::pg) portal: &'a str,
    pub(in crate::pg) statement: &'a str,
    pub(in crate::pg) formats: Formats<'a>,
    pub(in crate::pg) parameters: Parameters<'a>,
    pub(in crate::pg) results: Formats<'a>,
}

/// Format codes as they were sent: none (all text), one (for all) or one each.
#[derive(Clone, Copy, Debug)]
pub(in crate::pg) struct Formats<'a> {
    codes: &'a [[u8; 2]],
}

impl<'a> Formats<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self> {
        let count = usize::from(cursor.u16()?);
        let (codes, _) = cursor.bytes(count * 2)?.as_chunks();
        Ok(Self { codes })
    }

    /// How many codes were sent.
    pub(in crate::pg) fn count(&self) -> usize {
        self.codes.len()
    }

    /// Whether the value at this index is binary. Fewer codes than values can't index past the
    /// end: the callers check the count, and beyond it the format is text.
    pub(in crate::pg) fn is_binary(&self, index: usize) -> Result<bool> {
        let code = match self.codes {
            [all] => *all,
            codes => codes.get(index).copied().unwrap_or_default(),
        };
        match i16::from_be_bytes(code) {
            0 => Ok(false),
            1 => Ok(true),
            code => Err(SqlError::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("unsupported format code: {code}"),
            )),
        }
    }
}

/// The values of a Bind: walked in place, already known to be whole.
#[derive(Clone, Copy, Debug)]
pub(in crate::pg) struct Parameters<'a> {
    count: usize,
    values: Cursor<'a>,
}

impl<'a> Parameters<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self> {
        let count = usize::from(cursor.u16()?);
        let values = *cursor;
        for _ in 0..count {
            value(cursor)?;
        }
        Ok(Self { count, values })
    }

    /// How many values were sent.
    pub(in crate::pg) fn count(&self) -> usize {
        self.count
    }

    /// The values in order; `None` is NULL.
    pub(in crate::pg) fn iter(&self) -> impl Iterator<Item = Option<&'a [u8]>> {
        let mut values = self.values;
        // `read` has walked the same bytes.
        (0..self.count).map(move |_| value(&mut values).unwrap_or(None))
    }
}

fn value<'a>(cursor: &mut Cursor<'a>) -> Result<Option<&'a [u8]>> {
    match cursor.i32()? {
        -1 => Ok(None),
        length => match usize::try_from(length) {
            Ok(length) => cursor.bytes(length).map(Some),
            Err(_) => Err(SqlError::new(SqlState::PROTOCOL_VIOLATION, "invalid message format")),
        },
    }
}

/// Decodes one message from exactly its body. The kind is one that [`body_bytes_max`] knows.
pub(in crate::pg) fn decode(kind: u8, body: &[u8]) -> Result<Message<'_>> {
    let mut cursor = Cursor::new(body);
    let message = match kind {
        b'Q' => Message::Query { sql: cursor.string()? },
        b'P' => Message::Parse(parse(&mut cursor)?),
        b'B' => Message::Bind(Bind {
            portal: cursor.string()?,
            statement: cursor.string()?,
            formats: Formats::read(&mut cursor)?,
            parameters: Parameters::read(&mut cursor)?,
            results: Formats::read(&mut cursor)?,
        }),
        b'D' => Message::Describe(target(&mut cursor, "DESCRIBE")?),
        b'C' => Message::Close(target(&mut cursor, "CLOSE")?),
        b'E' => Message::Execute { portal: cursor.string()?, rows_max: cursor.i32()? },
        b'H' => Message::Flush,
        b'S' => Message::Sync,
        b'X' => return Ok(Message::Terminate),
        b'F' => return Ok(Message::FunctionCall),
        b'c' | b'd' | b'f' => return Ok(Message::Copy),
        kind => return Err(unknown(kind)),
    };
    cursor.end()?;
    Ok(message)
}

/// The error for a message type that does not exist, or not here. Framing is lost: it's FATAL.
pub(in crate::pg) fn unknown(kind: u8) -> SqlError {
    SqlError::fatal(SqlState::PROTOCOL_VIOLATION, format!("invalid frontend message type {kind}"))
}

fn parse<'a>(cursor: &mut Cursor<'a>) -> Result<Parse<'a>> {
    let (name, sql) = (cursor.string()?, cursor.string()?);
    let count = usize::from(cursor.u16()?);
    Ok(Parse { name, sql, types: cursor.bytes(count * 4)? })
}

fn target<'a>(cursor: &mut Cursor<'a>, message: &str) -> Result<Target<'a>> {
    match (cursor.u8()?, cursor.string()?) {
        (b'S', name) => Ok(Target::Statement(name)),
        (b'P', name) => Ok(Target::Portal(name)),
        (kind, _) => Err(SqlError::new(
            SqlState::PROTOCOL_VIOLATION,
            format!("invalid {message} message subtype {kind}"),
        )),
    }
}
