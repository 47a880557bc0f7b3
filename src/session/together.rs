//! Executions of one prepared INSERT that have come together are inserted together: one snapshot,
//! one batch, one check of constraints and keys for all of them.
//!
//! That is what running them one by one comes to. Each would take a snapshot not older than its
//! message, and this one is not older than any of them; none would see what another has inserted,
//! but for keys, which the batch is checked for within itself; and defaults are evaluated row by
//! row, in order. What is different is only what a failure leaves of a sequence: it may have given
//! values to rows behind the one that failed, which are lost with the transaction.
//!
//! All or nothing: either all rows are in the write set, or nothing has changed and the executions
//! run one by one, which finds the row that is wrong and the words for it. A `statement_timeout`,
//! too, is each one's own. Only a failure amid a change of the write set can't be taken back; it
//! is the first execution's, and with it the transaction's.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::concat_batches;
use futures::TryStreamExt;

use crate::base::Result;
use crate::plan::Executions;
use crate::types::PgType;

use super::connection::Session;
use super::copy::with_schema;
use super::modify::{Modification, arrow_error};
use super::plan_cache::Plan;
use super::prepare::Prepared;
use super::transaction::State;

/// A prepared INSERT whose executions may go together.
#[derive(Debug)]
pub struct Together {
    prepared: Arc<Prepared>,
    change: Arc<Modification>,
    types: Vec<PgType>,
}

/// Whether a failure leaves the write set as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writes {
    Untouched,
    Changing,
}

impl Together {
    /// The types in which the parameters are read, modifiers included.
    pub fn types(&self) -> &[PgType] {
        &self.types
    }
}

impl Session {
    /// The same statement as one whose executions may go together: a plain INSERT of one row.
    pub fn together(&self, prepared: &Arc<Prepared>) -> Option<Together> {
        if matches!(self.state, State::Failed(_)) {
            return None;
        }
        let planned = prepared.planned();
        let Plan::Modify(change) = &planned.plan else { return None };
        let known = prepared.parameters();
        // A plan that was made anew may want other types than the client was told.
        if change.parameters().get(..known.len()) != Some(known) {
            return None;
        }
        let types = change.column_types(known.len())?;
        Some(Together { prepared: Arc::clone(prepared), change: Arc::clone(change), types })
    }

    /// Runs so many executions, a column of values for each parameter. False: nothing has changed,
    /// and they must run one by one.
    ///
    /// # Errors
    /// What stopped them, with the transaction failed: it counts for the first execution.
    pub async fn execute_together(
        &mut self,
        together: &Together,
        columns: &[ArrayRef],
        count: usize,
    ) -> Result<bool> {
        self.take_over_settings()?;
        self.take_over_effects()?;
        if self.check_may_write("INSERT").is_err() {
            return Ok(false);
        }
        let begins = matches!(self.state, State::Idle);
        if begins {
            self.state = State::Implicit(self.new_transaction());
        }
        let interrupt = self.begin_statement();
        let began = self.server.engine().clock().monotonic();
        let (types, constants) = (together.types(), &[][..]);
        let executions = Executions { count, columns, types, constants };
        let mut writes = Writes::Untouched;
        let done = tokio::select! {
            biased;
            done = Box::pin(self.insert_together(together, executions, &mut writes)) => done,
            error = interrupt.raised() => Err(error),
        };
        match done {
            Ok(true) => {
                let runs = u32::try_from(count).unwrap_or(u32::MAX);
                self.meter(&together.prepared, began).count_runs(1, runs);
                Ok(true)
            }
            Err(error) if writes == Writes::Changing || interrupt.is_requested() => {
                self.statement_failed();
                Err(error)
            }
            Ok(false) | Err(_) => {
                self.end_statement();
                if begins {
                    self.state = State::Idle;
                }
                Ok(false)
            }
        }
    }

    async fn insert_together(
        &mut self,
        together: &Together,
        executions: Executions<'_>,
        state: &mut Writes,
    ) -> Result<bool> {
        let Together { prepared, change, .. } = together;
        let snapshot = self.snapshot_for(prepared.statement()).await?;
        let bound = self.current_plan(prepared, &snapshot)?;
        if !matches!(&bound.planned.plan, Plan::Modify(current) if Arc::ptr_eq(current, change)) {
            return Ok(false);
        }
        let table = Arc::clone(snapshot.state.require_table_by_oid(change.plan.table)?);
        let engine = Arc::clone(self.server.engine());
        *state = Writes::Changing;
        engine.follow_merges(self.writes(&table)?, &table).await?;
        *state = Writes::Untouched;
        let run = self.run_on(&snapshot);
        let executions = Executions { constants: bound.constants(), ..executions };
        let rows = change.plan.source.execute_columns(&executions, &run)?;
        let schema = rows.schema();
        let rows: Vec<RecordBatch> = rows.try_collect().await.map_err(crate::plan::sql_error)?;
        let rows = match rows.as_slice() {
            [all] => all.clone(),
            parts => concat_batches(&schema, parts).map_err(arrow_error)?,
        };
        let rows = with_schema(&rows, &table.schema.arrow())?;
        self.check_rows_of(&table, change.checks(), &rows, &run).await?;
        let writes = self.writes(&table)?;
        // Keys are checked before anything is added, and nothing is waited for after that.
        writes.insert(&engine, &table, rows).await?;
        *state = Writes::Changing;
        engine.relieve(writes).await?;
        Ok(true)
    }
}
