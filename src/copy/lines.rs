//! Finds the lines of a text or csv stream, wherever its chunks are cut.
//!
//! The first line's ending is the stream's; other endings later are errors, as in
//! PostgreSQL, because they mean that something between us has changed the data. A line `\.`
//! ends the data.

use crate::base::{Result, SqlError, SqlState};

/// How lines end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Newline,
    Return,
    ReturnNewline,
}

/// What stands at the front of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A line, without its ending; the next one starts at `next`.
    Line { end: usize, next: usize },
    /// `\.`: no more lines, whatever follows.
    EndOfData,
    /// No whole line yet.
    Incomplete,
}

/// The quoting rules that matter for finding lines.
#[derive(Clone, Copy, Debug)]
pub(super) enum Quoting {
    /// Text: a backslash takes the next character with it.
    Backslash,
    /// Csv: endings inside quotes are data.
    Quotes { quote: u8, escape: u8 },
}

/// A stream's state between chunks.
#[derive(Debug)]
pub(super) struct Lines {
    quoting: Quoting,
    ending: Option<Ending>,
    /// Whether the line at the front has been looked at.
    started: bool,
    /// How much of it.
    scanned: usize,
    in_quotes: bool,
    after_escape: bool,
    /// The number of the line at the front, from one.
    number: u64,
    /// Endings inside quotes of the line at the front.
    inner: u64,
}

impl Lines {
    /// The same at the start of another stream.
    pub(super) fn at_start(&self) -> Self {
        Self::new(self.quoting)
    }

    /// At the start of a stream.
    pub(super) fn new(quoting: Quoting) -> Self {
        Self {
            quoting,
            ending: None,
            started: false,
            scanned: 0,
            in_quotes: false,
            after_escape: false,
            number: 0,
            inner: 0,
        }
    }

    /// The number of the line that was found last, or is being looked for.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Looks for the end of the line that starts at the front of `data`. `last` says that
    /// nothing will follow.
    pub(super) fn find(&mut self, data: &[u8], last: bool) -> Result<Found> {
        if data.is_empty() {
            return Ok(Found::Incomplete);
        }
        if !self.started {
            self.started = true;
            self.number += 1 + std::mem::take(&mut self.inner);
        }
        if let Some(found) = self.end_of_data(data, last)? {
            return Ok(found);
        }
        let mut at = self.scanned;
        while let Some(offset) = self.interesting(&data[at..]) {
            at += offset;
            match data[at] {
                b'\n' | b'\r' if self.in_quotes => {
                    let counted = match self.ending {
                        None | Some(Ending::Newline) => b'\n',
                        Some(_) => b'\r',
                    };
                    self.inner += u64::from(data[at] == counted);
                    self.after_escape = false;
                    at += 1;
                }
                b'\n' => return self.line(Ending::Newline, at, at + 1),
                b'\r' => match data.get(at + 1) {
                    None if !last => break,
                    Some(b'\n') if self.ending != Some(Ending::Return) => {
                        return self.line(Ending::ReturnNewline, at, at + 2);
                    }
                    _ => return self.line(Ending::Return, at, at + 1),
                },
                byte => match self.quoting {
                    Quoting::Backslash if at + 1 == data.len() && !last => break,
                    Quoting::Backslash => {
                        if data.get(at + 1) == Some(&b'.') {
                            return Err(bad("end-of-copy marker corrupt"));
                        }
                        at = data.len().min(at + 2);
                    }
                    Quoting::Quotes { quote, escape } => {
                        self.quote(byte, quote, escape);
                        at += 1;
                    }
                },
            }
        }
        if last {
            self.reset();
            return Ok(Found::Line { end: data.len(), next: data.len() });
        }
        // A carriage return or backslash at the very end is looked at again with its
        // successor; everything else before the end is done with.
        self.scanned = match data.last() {
            Some(b'\r' | b'\\') if at < data.len() => at,
            _ => data.len(),
        };
        Ok(Found::Incomplete)
    }

    /// The next byte that may end the line or change how it is read.
    fn interesting(&self, data: &[u8]) -> Option<usize> {
        match self.quoting {
            Quoting::Backslash => memchr::memchr3(b'\n', b'\r', b'\\', data),
            Quoting::Quotes { quote, escape } if quote == escape => {
                memchr::memchr3(b'\n', b'\r', quote, data)
            }
            // Whether an escape counts depends on the byte before it: look at each.
            Quoting::Quotes { .. } => (!data.is_empty()).then_some(0),
        }
    }

    fn quote(&mut self, byte: u8, quote: u8, escape: u8) {
        if quote == escape {
            self.in_quotes = !self.in_quotes;
            return;
        }
        if self.in_quotes && byte == escape {
            self.after_escape = !self.after_escape;
        }
        if byte == quote && !self.after_escape {
            self.in_quotes = !self.in_quotes;
        }
        if byte != escape {
            self.after_escape = false;
        }
    }

    /// Whether the line at the front is `\.`.
    fn end_of_data(&self, data: &[u8], last: bool) -> Result<Option<Found>> {
        if self.in_quotes || data.first() != Some(&b'\\') {
            return Ok(None);
        }
        match data.get(1) {
            None if !last => return Ok(Some(Found::Incomplete)),
            Some(b'.') => {}
            _ => return Ok(None),
        }
        let found = match (data.get(2), data.get(3)) {
            (None, _) if last => true,
            (None, _) => return Ok(Some(Found::Incomplete)),
            (Some(b'\r'), None) if !last && self.ending != Some(Ending::Return) => {
                return Ok(Some(Found::Incomplete));
            }
            (Some(b'\n' | b'\r'), _) => true,
            _ => false,
        };
        match (found, self.quoting) {
            (true, _) => Ok(Some(Found::EndOfData)),
            (false, Quoting::Backslash) => Err(bad("end-of-copy marker corrupt")),
            // In csv it is data unless it stands alone.
            (false, Quoting::Quotes { .. }) => Ok(None),
        }
    }

    fn line(&mut self, ending: Ending, end: usize, next: usize) -> Result<Found> {
        let expected = *self.ending.get_or_insert(ending);
        if expected != ending {
            return Err(self.wrong_ending(ending));
        }
        self.reset();
        Ok(Found::Line { end, next })
    }

    fn reset(&mut self) {
        self.started = false;
        self.scanned = 0;
        self.in_quotes = false;
        self.after_escape = false;
    }

    fn wrong_ending(&self, found: Ending) -> SqlError {
        let csv = matches!(self.quoting, Quoting::Quotes { .. });
        let name = if found == Ending::Newline { "newline" } else { "carriage return" };
        if csv {
            bad(format!("unquoted {name} found in data"))
                .with_hint(format!("Use quoted CSV field to represent {name}."))
        } else {
            let escape = if found == Ending::Newline { "\\n" } else { "\\r" };
            bad(format!("literal {name} found in data"))
                .with_hint(format!("Use \"{escape}\" to represent {name}."))
        }
    }
}

/// The error for a stream that is not what its format promises.
pub(super) fn bad(message: impl Into<String>) -> SqlError {
    SqlError::new(SqlState::BAD_COPY_FILE_FORMAT, message)
}

#[cfg(test)]
mod tests;
