//! COPY: rows that stream in or out; the protocol reads and writes their formats.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::SchemaRef;

use crate::base::{Result, SqlError, SqlState};
use crate::catalog::access::{Access, Demand, Privileges};
use crate::catalog::{RelationName, SequenceDef, Snapshot, Table};
use crate::plan::statement::{
    Copy, CopyDirection, CopyEndpoint, CopyOptions, CopySource, Query, Truncate,
};
use crate::plan::{Name, RowsQuery, Statement, quote_identifier};
use crate::store::meta::Mirrored;
use crate::txn::WriteBehind;
use crate::types::PgType;

use super::connection::Session;
use super::outcome::{Mode, Outcome};
use super::temporary::own_schema;
use super::transaction::State;

/// A COPY FROM that waits for rows.
#[derive(Debug)]
pub struct CopyIn {
    /// The table's name, for the context of errors.
    pub table: String,
    /// The columns that come, in order.
    pub columns: Vec<(String, PgType)>,
    /// How they are written.
    pub options: CopyOptions,
    /// Gives whole rows, where not all of the table's columns come in order.
    completed: Option<RowsQuery>,
    /// WHERE.
    filter: Option<RowsQuery>,
    /// CHECK.
    checks: Option<RowsQuery>,
    target: Arc<Table>,
    snapshot: Arc<Mirrored<Snapshot>>,
    behind: WriteBehind,
    rows: u64,
}

impl Session {
    pub(super) async fn copy(
        &mut self,
        copy: &Copy,
        snapshot: &Arc<Mirrored<Snapshot>>,
    ) -> Result<Outcome> {
        if copy.endpoint != CopyEndpoint::Client {
            return Err(SqlError::unsupported(
                "COPY with a file or program on the server is not supported",
            )
            .with_hint("Use COPY with STDIN or STDOUT, or psql's \\copy."));
        }
        match (&copy.source, copy.direction) {
            (CopySource::Table { name, columns }, CopyDirection::From) => {
                self.copy_from(copy, name, columns.as_deref(), snapshot)
            }
            (CopySource::Table { name, columns }, CopyDirection::To) => {
                let path = self.search_path();
                let relation = RelationName { schema: name.schema.as_deref(), name: &name.name };
                let table = snapshot.state.require_table(relation, &path).ok();
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
                self.copy_to(&query, &copy.options, snapshot)
            }
            (CopySource::Query(statement), _) => match &**statement {
                Statement::Query(query) => self.copy_to(query, &copy.options, snapshot),
                _ => Err(SqlError::unsupported(
                    "COPY of a statement with RETURNING is not supported",
                )),
            },
        }
    }

    fn copy_to(
        &mut self,
        query: &Query,
        options: &CopyOptions,
        snapshot: &Arc<Mirrored<Snapshot>>,
    ) -> Result<Outcome> {
        let context = self.plan_context(snapshot);
        let plan = self.server.parts.planner.query(&context, query, &[])?;
        self.permit(plan.demands(), snapshot)?;
        let run = self.run_on(snapshot);
        let stream = self.run_query(&plan, &[], &run, snapshot)?;
        let columns = Arc::clone(plan.columns());
        Ok(Outcome::CopyOut { columns, options: options.clone(), stream })
    }

    fn copy_from(
        &mut self,
        copy: &Copy,
        name: &Name,
        columns: Option<&[String]>,
        snapshot: &Arc<Mirrored<Snapshot>>,
    ) -> Result<Outcome> {
        if self.transaction().is_some_and(|transaction| transaction.read_only) {
            let message = "cannot execute COPY FROM in a read-only transaction";
            return Err(SqlError::new(SqlState::READ_ONLY_SQL_TRANSACTION, message));
        }
        let path = self.visible_path(&snapshot.state);
        let schema = own_schema(name.schema.as_deref(), self.settings.temporary())?;
        let relation = RelationName { schema, name: &name.name };
        let target = Arc::clone(snapshot.state.require_changeable(relation, &path)?);
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
        Ok(Outcome::CopyIn(CopyIn {
            table: definition.name.clone(),
            columns,
            options: copy.options.clone(),
            completed,
            filter,
            checks,
            target,
            snapshot: Arc::clone(snapshot),
            behind: WriteBehind::default(),
            rows: 0,
        }))
    }

    /// Takes rows of a COPY FROM.
    ///
    /// # Errors
    /// 23502, 23505, 23514, with the transaction aborted.
    pub async fn copy_in(&mut self, copy: &mut CopyIn, rows: RecordBatch) -> Result<()> {
        let taken = self.take_copied(copy, rows).await.map_err(|error| self.conceal(error));
        if taken.is_err() {
            self.statement_failed();
        }
        taken
    }

    async fn take_copied(&mut self, copy: &mut CopyIn, rows: RecordBatch) -> Result<()> {
        let run = self.run_on(&copy.snapshot);
        let rows = match &copy.completed {
            None => rows,
            Some(completed) => completed.execute(rows, &[], &run).await?,
        };
        let schema = copy.target.schema.arrow();
        let mut rows = with_schema(&rows, &schema)?;
        if let Some(filter) = &copy.filter {
            rows = with_schema(&filter.execute(rows, &[], &run).await?, &schema)?;
        }
        copy.rows += rows.num_rows() as u64;
        self.check_rows_of(&copy.target, copy.checks.as_ref(), &rows, &run).await?;
        let engine = Arc::clone(self.server.engine());
        let transaction = self
            .transaction()
            .ok_or_else(|| SqlError::internal("COPY outside of a transaction"))?;
        let writes = transaction.writes.open(&copy.target)?;
        writes.insert(&engine, &copy.target, rows).await?;
        copy.behind.relieve(&engine, writes).await
    }

    /// All rows have come. Returns the tag.
    ///
    /// # Errors
    /// As COMMIT, in [`Mode::Autocommit`].
    pub async fn copy_done(&mut self, mut copy: CopyIn, mode: Mode) -> Result<String> {
        if let Err(error) = self.finish_behind(&mut copy).await {
            self.statement_failed();
            return Err(error);
        }
        if mode == Mode::Autocommit && matches!(self.state, State::Implicit(_)) {
            self.commit(false).await?;
        }
        Ok(format!("COPY {}", copy.rows))
    }

    /// Waits for the rows that are still being written.
    async fn finish_behind(&mut self, copy: &mut CopyIn) -> Result<()> {
        match self.transaction() {
            Some(transaction) if copy.behind.is_writing() => {
                copy.behind.finish(transaction.writes.open(&copy.target)?).await
            }
            _ => Ok(()),
        }
    }

    /// TRUNCATE.
    pub(super) async fn truncate(
        &mut self,
        truncate: &Truncate,
        snapshot: &Arc<Mirrored<Snapshot>>,
    ) -> Result<Outcome> {
        let path = self.visible_path(&snapshot.state);
        let mut tables = Vec::new();
        for name in &truncate.tables {
            let schema = own_schema(name.schema.as_deref(), self.settings.temporary())?;
            let relation = RelationName { schema, name: &name.name };
            tables.push(Arc::clone(snapshot.state.require_changeable(relation, &path)?));
        }
        let mut added = true;
        while std::mem::take(&mut added) {
            for child in snapshot.state.tables.values() {
                if tables.iter().any(|table| table.oid() == child.oid()) {
                    continue;
                }
                let refers = |table: &Arc<Table>| {
                    child.definition.foreign_keys.iter().any(|foreign| foreign.table == table.oid())
                };
                let Some(parent) = tables.iter().find(|table| refers(table)) else { continue };
                if !truncate.cascade {
                    return Err(referenced(parent, child));
                }
                tables.push(Arc::clone(child));
                added = true;
                break;
            }
        }
        let demand = |table: &Arc<Table>| {
            let usage = Demand::usage(table.definition.schema);
            [usage, Demand::whole(table.oid(), Privileges::TRUNCATE)]
        };
        let demands: Vec<Demand> = tables.iter().flat_map(demand).collect();
        self.permit(&demands, snapshot)?;
        let transaction = self
            .transaction()
            .ok_or_else(|| SqlError::internal("TRUNCATE outside of a transaction"))?;
        for table in &tables {
            transaction.writes.open(table)?.truncate()?;
        }
        if truncate.restart_identity {
            // As `nextval` does, this takes effect at once.
            for sequence in owned_sequences(snapshot, &tables) {
                self.server.engine().setval(sequence, sequence.start, false).await?;
            }
        }
        Ok(Outcome::command("TRUNCATE TABLE"))
    }
}

/// The sequences behind the serial and identity columns of tables.
fn owned_sequences<'a>(
    snapshot: &'a Mirrored<Snapshot>,
    tables: &[Arc<Table>],
) -> Vec<&'a SequenceDef> {
    let owned = |owner: crate::base::Oid| tables.iter().any(|table| table.oid() == owner);
    let sequences = snapshot.state.sequences.values();
    sequences
        .filter(|sequence| sequence.owned_by.is_some_and(|(table, _)| owned(table)))
        .map(|sequence| &**sequence)
        .collect()
}

fn referenced(parent: &Table, child: &Table) -> SqlError {
    SqlError::unsupported("cannot truncate a table referenced in a foreign key constraint")
        .with_detail(format!(
            "Table \"{}\" references \"{}\".",
            child.definition.name, parent.definition.name
        ))
        .with_hint(format!(
            "Truncate table \"{}\" at the same time, or use TRUNCATE ... CASCADE.",
            child.definition.name
        ))
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
