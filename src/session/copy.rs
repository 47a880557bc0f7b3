//! COPY: rows that stream into a table or out of a query. The client's bytes come by
//! [`Session::copy_data`]; files are read and written in `copy_file`.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::SchemaRef;
use bytes::BytesMut;
use datafusion::execution::SendableRecordBatchStream;

use crate::base::{Oid, Result, SqlError, SqlState};
use crate::catalog::access::{Access, Demand, Privileges};
use crate::catalog::{RelationName, Snapshot, Table};
use crate::copy::{CopyFormat, Decoder};
use crate::plan::statement::{Copy, CopyDirection, CopyEndpoint, CopySource, Query};
use crate::plan::{Name, OutputColumn, RowsQuery, Statement, quote_identifier};
use crate::store::meta::Mirrored;
use crate::txn::WriteBehind;
use crate::types::{PgType, object_numbers};

use super::connection::Session;
use super::copy_progress::CopyProgress;
use super::outcome::{Mode, Outcome};
use super::temporary::own_schema;
use super::transaction::State;

/// What `pg_stat_progress_copy` calls the client, and a file or an object.
const PIPE: &str = "PIPE";
const FILE: &str = "FILE";

/// A COPY FROM that waits for the client's data.
#[derive(Debug)]
pub struct CopyIn {
    filling: Filling,
    decoder: Decoder,
    binary: bool,
}

impl CopyIn {
    /// Whether the data are binary, and how many columns a row has: what the client is told.
    pub fn shape(&self) -> (bool, usize) {
        (self.binary, self.filling.columns.len())
    }
}

/// A table that rows come into.
#[derive(Debug)]
pub(super) struct Filling {
    /// The columns that come, in order.
    pub(super) columns: Vec<(String, PgType)>,
    /// Whether the statement names them.
    pub(super) listed: bool,
    /// Gives whole rows, where not all of the table's columns come in order.
    completed: Option<RowsQuery>,
    /// WHERE.
    filter: Option<RowsQuery>,
    /// CHECK.
    checks: Option<RowsQuery>,
    target: Arc<Table>,
    snapshot: Arc<Mirrored<Snapshot>>,
    behind: WriteBehind,
    pub(super) progress: Arc<CopyProgress>,
}

impl Filling {
    /// The table's name, for the context of errors.
    pub(super) fn table(&self) -> &str {
        &self.target.definition.name
    }
}

/// Rows that go out.
pub(super) struct Flowing {
    pub(super) columns: Arc<[OutputColumn]>,
    pub(super) stream: SendableRecordBatchStream,
    pub(super) progress: Arc<CopyProgress>,
}

impl Session {
    pub(super) async fn copy(
        &mut self,
        copy: &Copy,
        snapshot: &Arc<Mirrored<Snapshot>>,
    ) -> Result<Outcome> {
        self.permit_endpoint(&copy.endpoint, copy.direction, snapshot)?;
        let file = match &copy.endpoint {
            CopyEndpoint::Client => None,
            CopyEndpoint::File(name) => Some(name),
            CopyEndpoint::Program(_) => {
                let message = "COPY with a program on the server is not supported";
                return Err(SqlError::unsupported(message)
                    .with_hint("Use COPY with STDIN or STDOUT, or psql's \\copy."));
            }
        };
        if file.is_none() && copy.options.format == CopyFormat::Parquet {
            let message = "COPY in format \"parquet\" with STDIN or STDOUT is not supported";
            return Err(SqlError::unsupported(message).with_hint("Name a file or an object."));
        }
        let kind = if file.is_some() { FILE } else { PIPE };
        if let (CopySource::Table { name, columns }, CopyDirection::From) =
            (&copy.source, copy.direction)
        {
            let filling = self.filling(copy, (name, columns.as_deref()), kind, snapshot)?;
            self.activity.copies(&filling.progress);
            if let Some(file) = file {
                return self.copy_from_file(copy, file, filling).await;
            }
            let context = self.text_context();
            let decoder = Decoder::new(filling.table(), &filling.columns, &copy.options, context)?;
            let binary = copy.options.format == CopyFormat::Binary;
            return Ok(Outcome::CopyIn(CopyIn { filling, decoder, binary }));
        }
        let flowing = self.flow(&copy.source, kind, snapshot)?;
        self.activity.copies(&flowing.progress);
        if let Some(file) = file {
            return self.copy_to_file(copy, file, flowing).await;
        }
        let Flowing { columns, stream, progress } = flowing;
        Ok(Outcome::CopyOut { columns, options: copy.options.clone(), stream, progress })
    }

    /// The rows that go out.
    fn flow(
        &mut self,
        source: &CopySource,
        kind: &'static str,
        snapshot: &Arc<Mirrored<Snapshot>>,
    ) -> Result<Flowing> {
        let (name, columns) = match source {
            CopySource::Table { name, columns } => (name, columns),
            CopySource::Query(statement) => {
                return match &**statement {
                    Statement::Query(query) => self.flow_of(query, Oid(0), kind, snapshot),
                    _ => Err(SqlError::unsupported(
                        "COPY of a statement with RETURNING is not supported",
                    )),
                };
            }
        };
        let path = self.search_path();
        let relation = RelationName { schema: name.schema.as_deref(), name: &name.name };
        let table = snapshot.state.require_table(relation, &path).ok();
        let oid = table.map_or(Oid(0), |table| table.oid());
        let computes = |table: &&Arc<Table>| table.definition.generated().next().is_some();
        let written = table.filter(computes).map(|table| table.definition.written());
        let columns = match columns.as_ref().or(written.as_ref()) {
            None => "*".to_owned(),
            Some(columns) => {
                let quoted = columns.iter().map(|name| quote_identifier(name).to_string());
                quoted.collect::<Vec<_>>().join(", ")
            }
        };
        let sql = format!("SELECT {columns} FROM {}", quoted(name));
        let query = crate::plan::parse_query(&sql)?;
        self.flow_of(&query, oid, kind, snapshot)
    }

    fn flow_of(
        &mut self,
        query: &Query,
        table: Oid,
        kind: &'static str,
        snapshot: &Arc<Mirrored<Snapshot>>,
    ) -> Result<Flowing> {
        let context = self.plan_context(snapshot);
        let plan = self.server.parts.planner.query(&context, query, &[])?;
        self.permit(plan.demands(), snapshot)?;
        let run = self.run_on(snapshot);
        let stream = self.run_query(&plan, &[], &run, snapshot)?;
        let progress = Arc::new(CopyProgress::new(table, false, kind));
        Ok(Flowing { columns: Arc::clone(plan.columns()), stream, progress })
    }

    /// The table that rows come into.
    fn filling(
        &mut self,
        copy: &Copy,
        (name, columns): (&Name, Option<&[String]>),
        kind: &'static str,
        snapshot: &Arc<Mirrored<Snapshot>>,
    ) -> Result<Filling> {
        if self.transaction().is_some_and(|transaction| transaction.read_only) {
            let message = "cannot execute COPY FROM in a read-only transaction";
            return Err(SqlError::new(SqlState::READ_ONLY_SQL_TRANSACTION, message));
        }
        let path = self.visible_path(&snapshot.state);
        let schema = own_schema(name.schema.as_deref(), self.settings.temporary())?;
        let relation = RelationName { schema, name: &name.name };
        let target = Arc::clone(snapshot.state.require_changeable(relation, &path, "copy to")?);
        let definition = &target.definition;
        if Access::new(&snapshot.state, self.role()).is_guarded(definition) {
            let message = "COPY FROM not supported with row-level security";
            return Err(SqlError::unsupported(message).with_hint("Use INSERT statements instead."));
        }
        if let Some(missing) =
            columns.iter().copied().flatten().find(|name| definition.column(name).is_none())
        {
            let message =
                format!("column \"{missing}\" of relation \"{}\" does not exist", definition.name);
            return Err(SqlError::new(SqlState::UNDEFINED_COLUMN, message));
        }
        let computed = |name: &&String| definition.column(name).is_some_and(|c| c.generated);
        if let Some(name) = columns.iter().copied().flatten().find(computed) {
            let message = format!("column \"{name}\" is a generated column");
            return Err(SqlError::new(SqlState::INVALID_COLUMN_REFERENCE, message)
                .with_detail("Generated columns cannot be used in COPY."));
        }
        let listed = columns.is_some();
        let written = definition.generated().next().map(|_| definition.written());
        let columns = columns.or(written.as_deref());
        let all: Vec<&str> = definition.columns.iter().map(|column| &*column.name).collect();
        let partial = columns.filter(|columns| **columns != all);
        let context = self.plan_context(snapshot);
        let planner = &self.server.parts.planner;
        let table = (&**definition, &*target.schema);
        let checks = planner.checks(&context, table)?;
        let completed = match partial {
            None => None,
            Some(columns) => Some(planner.completed(&context, table, columns)?),
        };
        let filter = match &copy.filter {
            None => None,
            Some(filter) => Some(planner.filter(&context, table, filter)?),
        };
        let named = columns.unwrap_or_default().iter().filter_map(|name| definition.column(name));
        let written = match columns {
            None => definition.columns.iter().map(|column| column.id).collect(),
            Some(_) => named.map(|column| column.id).collect(),
        };
        let mut demands = vec![
            Demand::usage(definition.schema),
            Demand::columns(definition.oid, Privileges::INSERT, written),
        ];
        let parts = [&checks, &completed, &filter];
        demands.extend(parts.into_iter().flatten().flat_map(RowsQuery::demands));
        self.permit(&demands, snapshot)?;
        let columns = match columns {
            None => definition.columns.iter().map(|c| (c.name.clone(), c.ty.pg_type())).collect(),
            Some(columns) => columns
                .iter()
                .filter_map(|name| definition.column(name))
                .map(|column| (column.name.clone(), column.ty.pg_type()))
                .collect(),
        };
        let progress = Arc::new(CopyProgress::new(definition.oid, true, kind));
        Ok(Filling {
            columns,
            listed,
            completed,
            filter,
            checks,
            target,
            snapshot: Arc::clone(snapshot),
            behind: WriteBehind::default(),
            progress,
        })
    }

    /// Takes the body of one CopyData. Where one ends and the next begins means nothing.
    ///
    /// # Errors
    /// What is wrong with the data, 23502, 23505, 23514, with the transaction aborted.
    pub async fn copy_data(&mut self, copy: &mut CopyIn, data: BytesMut) -> Result<()> {
        let CopyIn { filling, decoder, .. } = copy;
        let taken = self.take_data(filling, decoder, Some(data)).await;
        self.unless_failed(taken)
    }

    fn unless_failed<T>(&mut self, done: Result<T>) -> Result<T> {
        done.map_err(|error| {
            self.statement_failed();
            self.conceal(error)
        })
    }

    /// Takes some data, or none: they are at their end then.
    pub(super) async fn take_data(
        &mut self,
        filling: &mut Filling,
        decoder: &mut Decoder,
        data: Option<BytesMut>,
    ) -> Result<()> {
        let last = data.is_none();
        if let Some(data) = data {
            filling.progress.add_bytes(data.len() as u64);
            decoder.push(data)?;
        }
        while let Some(rows) = decoder.next_batch(last)? {
            self.take_rows(filling, rows, || decoder.position()).await?;
        }
        if last && let Some(rows) = decoder.last_batch()? {
            self.take_rows(filling, rows, || decoder.position()).await?;
        }
        filling.progress.skipped(decoder.skipped());
        Ok(())
    }

    /// Takes rows of the columns that come; `position` tells where they stood.
    pub(super) async fn take_rows(
        &mut self,
        filling: &mut Filling,
        rows: RecordBatch,
        position: impl Fn() -> String,
    ) -> Result<()> {
        self.store_rows(filling, rows).await.map_err(|error| {
            let located = error.fields().context.is_some();
            if located { error } else { error.with_context(position()) }
        })
    }

    async fn store_rows(&mut self, filling: &mut Filling, rows: RecordBatch) -> Result<()> {
        let run = self.run_on(&filling.snapshot);
        let rows = match &filling.completed {
            None => rows,
            Some(completed) => completed.execute(rows, &[], &run).await?,
        };
        let schema = filling.target.schema.arrow();
        let mut rows = with_schema(&rows, &schema)?;
        if let Some(filter) = &filling.filter {
            let before = rows.num_rows();
            rows = with_schema(&filter.execute(rows, &[], &run).await?, &schema)?;
            filling.progress.add_excluded((before - rows.num_rows()) as u64);
        }
        filling.progress.add_rows(rows.num_rows() as u64);
        self.check_rows_of(&filling.target, filling.checks.as_ref(), &rows, &run).await?;
        let engine = Arc::clone(self.server.engine());
        let transaction = self
            .transaction()
            .ok_or_else(|| SqlError::internal("COPY outside of a transaction"))?;
        let writes = transaction.writes.open(&filling.target)?;
        writes.insert(&engine, &filling.target, rows).await?;
        filling.behind.relieve(&engine, writes).await
    }

    /// All data have come. Returns the tag.
    ///
    /// # Errors
    /// What is wrong with the last of them; as COMMIT, in [`Mode::Autocommit`].
    pub async fn copy_done(&mut self, mut copy: CopyIn, mode: Mode) -> Result<String> {
        let CopyIn { filling, decoder, .. } = &mut copy;
        let taken = self.take_data(filling, decoder, None).await;
        self.unless_failed(taken)?;
        if let Some(notice) = decoder.skipped_notice() {
            self.notice(notice);
        }
        let finished = self.finish_filling(filling).await;
        self.unless_failed(finished)?;
        if mode == Mode::Autocommit && matches!(self.state, State::Implicit(_)) {
            self.commit(false).await?;
        }
        Ok(copy_tag(&copy.filling.progress))
    }

    /// Waits for the rows that are still being written.
    pub(super) async fn finish_filling(&mut self, filling: &mut Filling) -> Result<()> {
        match self.transaction() {
            Some(transaction) if filling.behind.is_writing() => {
                filling.behind.finish(transaction.writes.open(&filling.target)?).await
            }
            _ => Ok(()),
        }
    }
}

/// CommandComplete's tag.
pub(super) fn copy_tag(progress: &CopyProgress) -> String {
    format!("COPY {}", progress.rows())
}

fn quoted(name: &Name) -> String {
    let schema = name.schema.iter().map(|schema| format!("{}.", quote_identifier(schema)));
    format!("{}{}", schema.collect::<String>(), quote_identifier(&name.name))
}

/// A batch with the fields of another schema, whose types its arrays are cast to.
pub(super) fn with_schema(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let internal = |error: arrow::error::ArrowError| SqlError::internal(error.to_string());
    let arrays = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(array, field)| {
            // Tables keep objects' numbers, not their names.
            let numbers = object_numbers(array);
            let array = numbers.as_ref().unwrap_or(array);
            if array.data_type() == field.data_type() {
                Ok(Arc::clone(array))
            } else {
                cast(array, field.data_type()).map_err(internal)
            }
        })
        .collect::<Result<Vec<ArrayRef>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options).map_err(internal)
}
