//! Executions of one prepared statement that have arrived together.
//!
//! Clients that have many rows send Bind, perhaps Describe, and Execute of one INSERT again and
//! again and read the answers later: pipelines, `executemany`, batches of JDBC. What of that is
//! in the input already is read into columns, as rows of COPY are, and handed to the session at
//! once; each execution gets the answers that it would have got alone.
//!
//! Nothing is waited for, and nothing leaves the input before it is done. So whatever is unusual
//! ends the group or dissolves it: another statement, a portal with a name, a value that can't be
//! read, a row that can't be stored. Then the messages run one by one, and that says which of them
//! was wrong, in the words that it would have had.

use arrow::array::ArrayRef;
use tokio::io::{AsyncRead, AsyncWrite};

use super::backend::{Server, Session, Status};
use super::connection::Connection;
use super::failure::Step;
use super::message::backend;
use super::message::frontend::{self, Bind, Message, Target};
use super::portal::{Portal, Progress, ResultFormats, Statement};
use crate::base::limits::{BATCH_ROWS, COPY_BATCH_BYTES_MAX};
use crate::base::{Result, SqlError};
use crate::types::{ColumnBuilder, PgType, TextContext, utf8};

/// One execution alone is better off without a group.
const EXECUTIONS_MIN: usize = 2;

/// Messages at the front of the input: Bind, perhaps Describe, and Execute of the unnamed portal.
struct Execution<'a> {
    bind: Bind<'a>,
    described: bool,
    bytes: usize,
}

/// Executions of one statement at the front of the input.
struct Group {
    /// A column of values for each parameter.
    columns: Vec<ArrayRef>,
    /// For each execution, whether its portal is described in between.
    described: Vec<bool>,
    bytes: usize,
}

/// Which executions belong to a group.
struct Reading<'a> {
    statement: &'a str,
    types: &'a [PgType],
    context: &'a TextContext,
    /// Outside a block: the last execution before a Sync commits them all before it is answered,
    /// so it stays behind.
    outside: bool,
}

impl<S, B> Connection<S, B>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    B: Server,
{
    /// Runs the executions at the front of the input that go together. False: there are none, and
    /// nothing has changed.
    pub(super) async fn run_together(&mut self) -> Step<bool> {
        if self.one_by_one > 0 {
            self.one_by_one -= 1;
            return Ok(false);
        }
        let input = self.wire.arrived();
        let Some(first) = execution(input).filter(|first| goes_on(input, first)) else {
            return Ok(false);
        };
        let Ok(Statement::Planned(prepared)) = self.statement(first.bind.statement) else {
            return Ok(false);
        };
        let Some(together) = self.session.together(&prepared) else { return Ok(false) };
        let context = self.session.text_context();
        let reading = Reading {
            statement: first.bind.statement,
            types: B::Session::together_types(&together),
            context: &context,
            outside: self.session.status() == Status::Idle,
        };
        let Some(group) = reading.group(input) else { return Ok(false) };
        let Group { columns, described, bytes } = group;
        let outside = reading.outside;
        let executions = described.len();
        let run =
            self.attend(|session| session.execute_together(&together, columns, executions)).await;
        if matches!(run, Ok(false)) {
            self.one_by_one = executions - 1;
            return Ok(false);
        }
        self.ready = false;
        self.wire.consume(bytes);
        if let Err(failure) = run {
            self.bound(described[0]);
            self.report(failure)?;
            self.skipping = true;
            return Ok(true);
        }
        // More of the same is likely on its way.
        self.wire.expect_bulk(true);
        self.implicit |= outside;
        for (number, described) in described.into_iter().enumerate() {
            self.bound(described);
            match number {
                0 => self.complete(Some("INSERT 0 1".to_owned())),
                _ => backend::command_complete(&mut self.wire.output, "INSERT 0 1"),
            }
        }
        self.wire.mark_whole();
        // The last one's portal is still there, and has been run.
        let statement = Statement::Planned(prepared);
        let portal =
            Portal { statement, formats: ResultFormats::TEXT, progress: Progress::Done(None) };
        self.portals.bind("", portal)?;
        Ok(true)
    }

    /// The answers to Bind, and to Describe of what returns no rows.
    fn bound(&mut self, described: bool) {
        backend::bind_complete(&mut self.wire.output);
        if described {
            backend::no_data(&mut self.wire.output);
        }
        self.wire.mark_whole();
    }
}

impl Reading<'_> {
    /// The executions at the front of the input that go together.
    fn group(&self, input: &[u8]) -> Option<Group> {
        let found = match self.read(input, BATCH_ROWS) {
            // What can't be read may have left half a row behind.
            Err(before) if before >= EXECUTIONS_MIN => self.read(input, before),
            found => found,
        };
        found.ok().filter(|group| group.described.len() >= EXECUTIONS_MIN)
    }

    /// Reads at most so many executions. The error is the number of those before one that can't be
    /// read.
    fn read(&self, input: &[u8], executions_max: usize) -> Result<Group, usize> {
        let mut builders: Vec<ColumnBuilder> = Vec::new();
        let mut described = Vec::new();
        let mut bytes = 0;
        while described.len() < executions_max && bytes < COPY_BATCH_BYTES_MAX {
            let Some(execution) = execution(&input[bytes..]) else { break };
            let after = bytes + execution.bytes;
            let last = self.outside && input.get(after) != Some(&b'B');
            if last || execution.bind.statement != self.statement {
                break;
            }
            if builders.is_empty() {
                let expected = (input.len() / execution.bytes + 1).min(executions_max);
                builders = self.types.iter().map(|ty| ColumnBuilder::new(ty, expected)).collect();
            }
            self.take(&execution.bind, &mut builders).map_err(|_| described.len())?;
            described.push(execution.described);
            bytes = after;
        }
        let columns = builders.into_iter().map(|mut builder| builder.finish()).collect();
        Ok(Group { columns, described, bytes })
    }

    /// Appends the values of a Bind, as [`super::parameters::decode`] would decode them.
    fn take(&self, bind: &Bind<'_>, builders: &mut [ColumnBuilder]) -> Result<()> {
        let (formats, values) = (bind.formats.count(), bind.parameters.count());
        if values != builders.len() || (formats > 1 && formats != values) {
            return Err(SqlError::internal("a Bind with too many or too few values"));
        }
        for (index, (builder, value)) in builders.iter_mut().zip(bind.parameters.iter()).enumerate()
        {
            match value {
                None => builder.append_null(),
                Some(bytes) if bind.formats.is_binary(index)? => builder.append_binary(bytes)?,
                Some(bytes) => builder.append_text(utf8(bytes)?, self.context)?,
            }
        }
        Ok(())
    }
}

/// The execution at the front of the input, if it has arrived whole.
fn execution(input: &[u8]) -> Option<Execution<'_>> {
    let (bind, mut bytes) = message(input)?;
    let Message::Bind(bind) = bind else { return None };
    // Wrong format codes are an error even where no rows are returned.
    ResultFormats::new(bind.results, None).ok()?;
    let (mut next, length) = message(&input[bytes..])?;
    bytes += length;
    let described = matches!(next, Message::Describe(Target::Portal("")));
    if described {
        let (after, length) = message(&input[bytes..])?;
        bytes += length;
        next = after;
    }
    // How many rows are wanted at most is nothing to what returns none.
    let executed = matches!(next, Message::Execute { portal: "", .. });
    (bind.portal.is_empty() && executed).then_some(Execution { bind, described, bytes })
}

/// Whether another Bind follows an execution.
fn goes_on(input: &[u8], first: &Execution<'_>) -> bool {
    input.get(first.bytes) == Some(&b'B')
}

/// The message at the front of the input and how many bytes it has, if it has arrived whole.
fn message(input: &[u8]) -> Option<(Message<'_>, usize)> {
    let (kind, rest) = input.split_first()?;
    let length = usize::try_from(i32::from_be_bytes(*rest.first_chunk()?)).ok()?;
    let body = rest.get(4..length)?;
    if body.len() > frontend::body_bytes_max(*kind)? {
        return None;
    }
    Some((frontend::decode(*kind, body).ok()?, 1 + length))
}
