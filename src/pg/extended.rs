//! The extended protocol: Parse, Bind, Describe, Execute, Close.

use std::borrow::Cow;
use std::sync::Arc;

use datafusion::scalar::ScalarValue;
use tokio::io::{AsyncRead, AsyncWrite};

use super::backend::{Outcome, OutputColumn, Server, Session, Status};
use super::connection::{Connection, counted};
use super::failure::Step;
use super::message::backend;
use super::message::frontend::{Bind, Parse, Target};
use super::parameters;
use super::portal::{Portal, Progress, ResultFormats, Statement};
use super::rows::{Rows, Sent, changed_result_type, row_description};
use crate::base::{Result, SqlError, SqlState};

type Planned<B> = <<B as Server>::Session as Session>::Prepared;

impl<S, B> Connection<S, B>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    B: Server,
{
    pub(super) async fn parse(&mut self, message: Parse<'_>) -> Step {
        let name = message.name;
        if name.is_empty() {
            self.unnamed = None;
        } else if self.statement(name).is_ok() {
            return Err(SqlError::new(
                SqlState::DUPLICATE_PREPARED_STATEMENT,
                format!("prepared statement \"{name}\" already exists"),
            )
            .into());
        }
        let mut parsed = self.session.parse(message.sql)?.into_iter();
        let statement = match (parsed.next(), parsed.next()) {
            (None, _) => Statement::Empty,
            (Some(parsed), None) => {
                let types = message.types();
                let prepared = self.attend(|session| session.prepare(parsed, &types)).await?;
                Statement::Planned(prepared)
            }
            (Some(_), Some(_)) => {
                return Err(SqlError::new(
                    SqlState::SYNTAX_ERROR,
                    "cannot insert multiple commands into a prepared statement",
                )
                .into());
            }
        };
        match (name.is_empty(), statement) {
            (true, statement) => self.unnamed = Some(statement),
            (false, Statement::Empty) => self.empty.push(name.to_owned()),
            (false, Statement::Planned(prepared)) => self.session.put_statement(name, prepared)?,
        }
        backend::parse_complete(&mut self.wire.output);
        self.wire.mark_whole();
        Ok(())
    }

    pub(super) fn statement(&self, name: &str) -> Result<Statement<Planned<B>>> {
        if name.is_empty() {
            return self.unnamed.clone().ok_or_else(|| {
                SqlError::new(
                    SqlState::INVALID_SQL_STATEMENT_NAME,
                    "unnamed prepared statement does not exist",
                )
            });
        }
        if let Some(prepared) = self.session.statement(name) {
            return Ok(Statement::Planned(prepared));
        }
        if self.empty.iter().any(|empty| empty == name) {
            return Ok(Statement::Empty);
        }
        Err(SqlError::new(
            SqlState::INVALID_SQL_STATEMENT_NAME,
            format!("prepared statement \"{name}\" does not exist"),
        ))
    }

    pub(super) fn bind(&mut self, message: Bind<'_>) -> Step {
        let statement = self.statement(message.statement)?;
        if message.portal.is_empty() {
            self.portals.close("");
        }
        let (types, columns) = match &statement {
            Statement::Empty => (Cow::Borrowed(&[][..]), None),
            Statement::Planned(prepared) => {
                (self.session.parameters_now(prepared), B::Session::columns(prepared))
            }
        };
        let values = parameters::decode(&message, &types, &self.session.text_context())?;
        let formats = ResultFormats::new(message.results, columns.map(|columns| columns.len()))?;
        let portal = Portal { statement, formats, progress: Progress::Bound(values) };
        self.portals.bind(message.portal, portal)?;
        backend::bind_complete(&mut self.wire.output);
        self.wire.mark_whole();
        Ok(())
    }

    pub(super) fn describe(&mut self, target: Target<'_>) -> Step {
        match target {
            Target::Statement(name) => {
                let statement = self.statement(name)?;
                let out = &mut self.wire.output;
                match &statement {
                    Statement::Empty => backend::parameter_description(out, [].into_iter()),
                    Statement::Planned(prepared) => {
                        let types = B::Session::parameters(prepared).iter();
                        backend::parameter_description(out, types.map(|ty| ty.oid().0));
                    }
                }
                self.describe_result(&statement, &ResultFormats::TEXT);
            }
            Target::Portal(name) => match self.portals.get(name) {
                Ok(portal) => {
                    let (statement, formats) = (portal.statement.clone(), portal.formats.clone());
                    self.describe_result(&statement, &formats);
                }
                // A cursor that DECLARE made is a portal, too: psycopg asks for its columns.
                Err(missing) => {
                    let columns = self.session.cursor_columns(name).ok_or(missing)?;
                    row_description(&mut self.wire.output, &columns, &ResultFormats::TEXT);
                }
            },
        }
        self.wire.mark_whole();
        Ok(())
    }

    fn describe_result(&mut self, statement: &Statement<Planned<B>>, formats: &ResultFormats) {
        let columns = match statement {
            Statement::Empty => None,
            Statement::Planned(prepared) => B::Session::columns(prepared),
        };
        match columns {
            Some(columns) => row_description(&mut self.wire.output, columns, formats),
            None => backend::no_data(&mut self.wire.output),
        }
    }

    /// Closing what does not exist is no error.
    pub(super) fn close(&mut self, target: Target<'_>) {
        match target {
            Target::Statement("") => self.unnamed = None,
            Target::Statement(name) => {
                self.session.remove_statement(name);
                self.empty.retain(|empty| empty != name);
            }
            Target::Portal(name) => {
                self.portals.close(name);
                self.session.close_cursor(name);
            }
        }
        backend::close_complete(&mut self.wire.output);
        self.wire.mark_whole();
    }

    pub(super) async fn execute(&mut self, name: &str, rows_max: i32) -> Step {
        let limit = u64::try_from(rows_max).ok().filter(|limit| *limit > 0);
        let portal = match self.portals.get_mut(name) {
            Ok(portal) => portal,
            // A failed transaction has taken its portals with it: say that first.
            Err(_) if self.session.status() == Status::Failed => return Err(aborted().into()),
            Err(error) => return Err(error.into()),
        };
        // The portal counts as run whatever happens now.
        match std::mem::replace(&mut portal.progress, Progress::Done(None)) {
            Progress::Bound(values) => {
                let (statement, formats) = (portal.statement.clone(), portal.formats.clone());
                match statement {
                    Statement::Empty => {
                        backend::empty_query_response(&mut self.wire.output);
                        self.wire.mark_whole();
                        Ok(())
                    }
                    Statement::Planned(prepared) => {
                        self.start(name, &prepared, values, formats, limit).await
                    }
                }
            }
            Progress::Suspended(rows) => {
                self.session.resume_statement();
                self.resume(name, rows, limit).await
            }
            Progress::Done(Some(tag)) => {
                portal.progress = Progress::Done(Some(tag));
                self.complete(Some(counted(tag, 0)));
                Ok(())
            }
            Progress::Done(None) => Err(SqlError::new(
                SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("portal \"{name}\" cannot be run"),
            )
            .into()),
        }
    }

    async fn start(
        &mut self,
        name: &str,
        prepared: &Arc<Planned<B>>,
        values: Vec<ScalarValue>,
        formats: ResultFormats,
        limit: Option<u64>,
    ) -> Step {
        // Inside a block nothing depends on what follows, so nothing is waited for.
        let outside = self.session.status() == Status::Idle;
        let alone = outside && !self.implicit && self.next_is_sync().await?;
        let (outcome, mode) = self.run_statement(prepared, values, alone).await?;
        match outcome {
            Outcome::Rows { columns, stream, tag } => {
                if !same_shape(B::Session::columns(prepared), &columns) {
                    return Err(changed_result_type().into());
                }
                let context = self.session.text_context();
                let rows = Rows::new(columns, formats, stream, tag, context)?;
                self.resume(name, Box::new(rows), limit).await
            }
            other => {
                let tag = self.other_outcome(other, mode).await?;
                self.finish(tag).await
            }
        }
    }

    async fn resume(&mut self, name: &str, mut rows: Box<Rows>, limit: Option<u64>) -> Step {
        match self.send_rows(&mut rows, limit).await? {
            Sent::Limit => {
                if let Ok(portal) = self.portals.get_mut(name) {
                    portal.progress = Progress::Suspended(rows);
                }
                self.session.end_statement();
                self.put_notices();
                backend::portal_suspended(&mut self.wire.output);
                self.wire.mark_whole();
                Ok(())
            }
            Sent::All(count) => {
                if let Ok(portal) = self.portals.get_mut(name) {
                    portal.progress = Progress::Done(Some(rows.tag));
                }
                self.finish(Some(counted(rows.tag, count))).await
            }
        }
    }

    /// A statement is done. When Sync is next its commit belongs before the tag: a client
    /// that was told of success must not be told of failure after.
    async fn finish(&mut self, tag: Option<String>) -> Step {
        if self.implicit && self.wire.peek_past_closes()? == Some(b'S') {
            self.commit_implicit().await?;
        }
        self.complete(tag);
        if self.session.status() == Status::Idle && !self.implicit {
            // The transaction has ended, and with it all portals.
            self.portals.clear();
        }
        Ok(())
    }
}

fn aborted() -> SqlError {
    SqlError::new(
        SqlState::IN_FAILED_SQL_TRANSACTION,
        "current transaction is aborted, commands ignored until end of transaction block",
    )
}

/// Whether a result still is what its description said.
fn same_shape(described: Option<&Arc<[OutputColumn]>>, columns: &Arc<[OutputColumn]>) -> bool {
    let Some(described) = described else {
        return false;
    };
    Arc::ptr_eq(described, columns)
        || (described.len() == columns.len()
            && described.iter().zip(columns.iter()).all(|(was, is)| was.ty == is.ty))
}
