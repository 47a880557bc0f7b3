//! A COPY stream to batches, and where in the stream an error is.

use arrow::array::RecordBatch;
use bytes::{Buf, BytesMut};

use super::batch::Batch;
use super::binary::{self, Read};
use super::fields::{Fields, Syntax};
use super::lines::{Found, Lines, Quoting, bad};
use super::names::ColumnSet;
use super::options::{CopyFormat, CopyHeader, CopyOptions, check_encoding};
use crate::base::limits::MESSAGE_BYTES_MAX;
use crate::base::{Result, Severity, SqlError, SqlState};
use crate::types::{PgType, TextContext, utf8};

/// PostgreSQL shows so much of a line or a value in an error.
const SHOWN_BYTES_MAX: usize = 100;

/// A COPY FROM's state between two messages.
#[derive(Debug)]
pub struct Decoder {
    table: String,
    pending: BytesMut,
    batch: Batch,
    reader: Reader,
    /// Whether the end-of-data marker has been seen: the rest is ignored.
    ended: bool,
    ignore_errors: bool,
    reject_limit: Option<u64>,
    skipped: u64,
}

#[derive(Debug)]
enum Reader {
    Lines(Box<LineReader>),
    Binary(BinaryReader),
}

#[derive(Debug)]
struct BinaryReader {
    header_seen: bool,
    tuples: u64,
}

#[derive(Debug)]
struct LineReader {
    lines: Lines,
    fields: Fields,
    syntax: Syntax,
    header: CopyHeader,
    null: String,
    force_not_null: ColumnSet,
    force_null: ColumnSet,
    context: TextContext,
}

impl Decoder {
    /// For rows of these columns.
    ///
    /// # Errors
    /// 0A000 for what is not supported.
    pub fn new(
        table: &str,
        columns: &[(String, PgType)],
        options: &CopyOptions,
        context: TextContext,
    ) -> Result<Self> {
        check_encoding(options)?;
        if options.default.is_some() {
            return Err(SqlError::unsupported("COPY option DEFAULT is not supported"));
        }
        let (quoting, syntax) = match options.format {
            CopyFormat::Binary => {
                let reader = Reader::Binary(BinaryReader { header_seen: false, tuples: 0 });
                return Ok(Self::with_reader(table, columns, options, reader));
            }
            CopyFormat::Parquet => {
                return Err(SqlError::internal("Parquet is no stream of rows"));
            }
            CopyFormat::Text => (
                Quoting::Backslash,
                Syntax::Text { delimiter: options.delimiter, null: options.null.clone() },
            ),
            CopyFormat::Csv => (
                Quoting::Quotes { quote: options.quote, escape: options.escape },
                Syntax::Csv {
                    delimiter: options.delimiter,
                    null: options.null.clone(),
                    quote: options.quote,
                    escape: options.escape,
                },
            ),
        };
        let names = || columns.iter().map(|(name, _)| name.as_str());
        let reader = Reader::Lines(Box::new(LineReader {
            lines: Lines::new(quoting),
            fields: Fields::default(),
            syntax,
            header: options.header,
            null: options.null.clone(),
            force_not_null: ColumnSet::new(&options.force_not_null, names()),
            force_null: ColumnSet::new(&options.force_null, names()),
            context,
        }));
        Ok(Self::with_reader(table, columns, options, reader))
    }

    fn with_reader(
        table: &str,
        columns: &[(String, PgType)],
        options: &CopyOptions,
        reader: Reader,
    ) -> Self {
        Self {
            table: table.to_owned(),
            pending: BytesMut::new(),
            batch: Batch::new(columns),
            reader,
            ended: false,
            ignore_errors: options.ignore_errors,
            reject_limit: options.reject_limit,
            skipped: 0,
        }
    }

    /// How many rows `ON_ERROR ignore` has left out.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Another file follows, of the same rows: what was left out counts on.
    pub fn next_file(&mut self, label: &str) {
        self.pending.clear();
        self.ended = false;
        label.clone_into(&mut self.table);
        match &mut self.reader {
            Reader::Lines(reader) => reader.lines = reader.lines.at_start(),
            Reader::Binary(reader) => *reader = BinaryReader { header_seen: false, tuples: 0 },
        }
    }

    /// What to say of the rows that `ON_ERROR ignore` has left out.
    pub fn skipped_notice(&self) -> Option<SqlError> {
        let rows = match self.skipped {
            0 => return None,
            1 => "1 row was".to_owned(),
            rows => format!("{rows} rows were"),
        };
        let message = format!("{rows} skipped due to data type incompatibility");
        Some(
            SqlError::new(SqlState::SUCCESSFUL_COMPLETION, message).with_severity(Severity::Notice),
        )
    }

    /// Takes the body of one CopyData. Where one message ends and the next begins means
    /// nothing: rows may span them.
    ///
    /// # Errors
    /// 22P04 for data behind the end marker of the binary format.
    pub fn push(&mut self, data: BytesMut) -> Result<()> {
        if self.ended {
            return self.after_end(&data);
        }
        if self.pending.is_empty() {
            self.pending = data;
        } else {
            self.pending.extend_from_slice(&data);
        }
        Ok(())
    }

    /// The next full batch, `None` when the data at hand does not fill one. `last` says that
    /// nothing follows.
    ///
    /// # Errors
    /// What is wrong with the data, and where it is.
    pub fn next_batch(&mut self, last: bool) -> Result<Option<RecordBatch>> {
        while !self.ended {
            match self.row(last)? {
                Row::Read => {
                    if self.batch.end_row() {
                        return self.batch.take().map(Some);
                    }
                }
                Row::Skipped => {}
                Row::Missing => break,
            }
        }
        if self.pending.len() > MESSAGE_BYTES_MAX {
            return Err(SqlError::new(
                SqlState::PROGRAM_LIMIT_EXCEEDED,
                format!("a row of COPY data is longer than {MESSAGE_BYTES_MAX} bytes"),
            )
            .with_context(self.position()));
        }
        Ok(None)
    }

    /// The rows that do not fill a batch, at the end.
    ///
    /// # Errors
    /// None that the data could cause.
    pub fn last_batch(&mut self) -> Result<Option<RecordBatch>> {
        if self.batch.rows() == 0 { Ok(None) } else { self.batch.take().map(Some) }
    }

    /// Where the stream is: for errors that come from the table rather than the stream.
    pub fn position(&self) -> String {
        let line = match &self.reader {
            Reader::Lines(reader) => reader.lines.number(),
            Reader::Binary(reader) => reader.tuples,
        };
        format!("COPY {}, line {line}", self.table)
    }

    fn after_end(&self, data: &[u8]) -> Result<()> {
        match self.reader {
            Reader::Binary(_) if !data.is_empty() => {
                Err(bad("received copy data after EOF marker").with_context(self.position()))
            }
            _ => Ok(()),
        }
    }

    fn row(&mut self, last: bool) -> Result<Row> {
        let Self { table, pending, batch, reader, ended, .. } = self;
        match reader {
            Reader::Binary(reader) => {
                let row = reader.row(pending, batch, last, ended, table)?;
                if *ended && !self.pending.is_empty() {
                    return self.after_end(&self.pending).map(|()| Row::Missing);
                }
                Ok(row)
            }
            Reader::Lines(reader) => {
                let row = reader.row(pending, batch, last, ended, table, self.ignore_errors)?;
                if matches!(row, Row::Skipped) && self.ignore_errors && reader.header_done() {
                    self.skipped += 1;
                    self.check_reject_limit()?;
                }
                Ok(row)
            }
        }
    }

    fn check_reject_limit(&self) -> Result<()> {
        match self.reject_limit {
            Some(limit) if self.skipped > limit => Err(SqlError::new(
                SqlState::INVALID_TEXT_REPRESENTATION,
                format!(
                    "skipped more than REJECT_LIMIT ({limit}) rows due to data type \
                     incompatibility"
                ),
            )
            .with_context(self.position())),
            _ => Ok(()),
        }
    }
}

/// What looking for a row came to.
#[derive(Clone, Copy, Debug)]
enum Row {
    Read,
    Skipped,
    Missing,
}

impl BinaryReader {
    fn row(
        &mut self,
        pending: &mut BytesMut,
        batch: &mut Batch,
        last: bool,
        ended: &mut bool,
        table: &str,
    ) -> Result<Row> {
        let mut column = None;
        let read = if self.header_seen {
            if pending.is_empty() {
                // PostgreSQL accepts a stream without its trailer.
                return Ok(Row::Missing);
            }
            self.tuples += 1;
            binary::tuple(pending, batch, &mut column)
        } else {
            binary::header(pending)
        };
        let read = match read {
            Ok(Read::Incomplete) if last && self.header_seen => {
                Err(bad("unexpected EOF in COPY data"))
            }
            Ok(Read::Incomplete) if last => Err(bad("COPY file signature not recognized")),
            read => read,
        };
        let read = read.map_err(|error| {
            if !self.header_seen {
                return error;
            }
            let mut context = format!("COPY {table}, line {}", self.tuples);
            if let Some(column) = column {
                context.push_str(", column ");
                context.push_str(batch.name(column));
            }
            error.with_context(context)
        })?;
        match read {
            Read::Consumed(bytes) => {
                pending.advance(bytes);
                if std::mem::replace(&mut self.header_seen, true) {
                    Ok(Row::Read)
                } else {
                    Ok(Row::Skipped)
                }
            }
            Read::Trailer(bytes) => {
                pending.advance(bytes);
                *ended = true;
                Ok(Row::Missing)
            }
            Read::Incomplete => {
                self.tuples -= u64::from(self.header_seen);
                Ok(Row::Missing)
            }
        }
    }
}

impl LineReader {
    /// Whether the lines that are left are rows.
    fn header_done(&self) -> bool {
        self.header == CopyHeader::None || self.lines.number() > 1
    }

    fn row(
        &mut self,
        pending: &mut BytesMut,
        batch: &mut Batch,
        last: bool,
        ended: &mut bool,
        table: &str,
        ignore_errors: bool,
    ) -> Result<Row> {
        let position = |number: u64| format!("COPY {table}, line {number}");
        let (end, next) = match self.lines.find(pending, last) {
            Ok(Found::Line { end, next }) => (end, next),
            Ok(Found::Incomplete) => return Ok(Row::Missing),
            Ok(Found::EndOfData) => {
                *ended = true;
                pending.clear();
                return Ok(Row::Missing);
            }
            Err(error) => return Err(error.with_context(position(self.lines.number()))),
        };
        let number = self.lines.number();
        let line = utf8(&pending[..end]).map_err(|error| error.with_context(position(number)))?;
        let read = self.line(line, batch, ignore_errors).map_err(|(error, column)| {
            let mut context = position(number);
            match column.map(|column| (batch.name(column), self.value(line, column))) {
                Some((name, Some(value))) => {
                    context.push_str(&format!(", column {name}: \"{}\"", shown(value)));
                }
                Some((name, None)) => context.push_str(&format!(", column {name}: null input")),
                None => context.push_str(&format!(": \"{}\"", shown(line))),
            }
            error.with_context(context)
        })?;
        pending.advance(next);
        Ok(if read { Row::Read } else { Row::Skipped })
    }

    /// Reads one line; says whether it was a row. An error comes with its column.
    fn line(
        &mut self,
        line: &str,
        batch: &mut Batch,
        ignore_errors: bool,
    ) -> Result<bool, (SqlError, Option<usize>)> {
        let is_header = !self.header_done();
        if is_header && self.header == CopyHeader::Line {
            return Ok(false);
        }
        self.fields.split(line, &self.syntax).map_err(|error| (error, None))?;
        if is_header {
            return self.match_header(line, batch).map(|()| false).map_err(|error| (error, None));
        }
        // PostgreSQL takes an empty line for a row of a table without columns.
        let count = if batch.width() == 0 && line.is_empty() { 0 } else { self.fields.len() };
        if count > batch.width() {
            return Err((bad("extra data after last expected column"), None));
        }
        if count < batch.width() {
            let name = batch.name(count);
            return Err((bad(format!("missing data for column \"{name}\"")), None));
        }
        if ignore_errors {
            let values = (0..batch.width()).map(|column| self.value(line, column));
            if !batch.accepts(values, &self.context) {
                return Ok(false);
            }
        }
        for column in 0..batch.width() {
            let value = self.value(line, column);
            batch.text(column, value, &self.context).map_err(|error| (error, Some(column)))?;
        }
        Ok(true)
    }

    /// A column's text after FORCE_NOT_NULL and FORCE_NULL.
    #[inline]
    fn value<'a>(&'a self, line: &'a str, column: usize) -> Option<&'a str> {
        match self.fields.get(line, column) {
            None if self.force_not_null.contains(column) => Some(&self.null),
            Some(text) if self.force_null.contains(column) && text == self.null => None,
            value => value,
        }
    }

    fn match_header(&self, line: &str, batch: &Batch) -> Result<()> {
        let (got, expected) = (self.fields.len(), batch.width());
        if got != expected {
            return Err(bad(format!(
                "wrong number of fields in header line: got {got}, expected {expected}"
            )));
        }
        for column in 0..expected {
            let (field, name) = (column + 1, batch.name(column));
            match self.fields.get(line, column) {
                Some(text) if text == name => {}
                Some(text) => {
                    return Err(bad(format!(
                        "column name mismatch in header line field {field}: got \"{text}\", \
                         expected \"{name}\""
                    )));
                }
                None => {
                    return Err(bad(format!(
                        "column name mismatch in header line field {field}: got null value \
                         (\"{}\"), expected \"{name}\"",
                        self.null
                    )));
                }
            }
        }
        Ok(())
    }
}

/// The text as far as an error shows it.
fn shown(text: &str) -> String {
    if text.len() <= SHOWN_BYTES_MAX {
        return text.to_owned();
    }
    let end = (0..=SHOWN_BYTES_MAX).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}...", &text[..end])
}
