//! MERGE: its plan tells what happens with each row.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::{Int32Type, UInt64Type};
use datafusion::scalar::ScalarValue;
use futures::TryStreamExt;

use crate::base::{Result, SqlError, SqlState};
use crate::catalog::Table;
use crate::exec::Run;
use crate::plan::MergeKind;
use crate::segment::TableVersion;

use super::connection::Session;
use super::copy::with_schema;
use super::modify::{Modification, arrow_error};
use super::references::Gone;

/// The rows of the target that change or go, and the rows that come.
#[derive(Default)]
struct Merged {
    updated: Vec<u64>,
    deleted: Vec<u64>,
    /// What the changed rows become.
    new: Vec<RecordBatch>,
    inserted: Vec<RecordBatch>,
    /// RETURNING's rows; only how many, where nobody asks for more.
    returned: Vec<RecordBatch>,
}

impl Session {
    /// Runs a MERGE. Returns RETURNING's rows, or as many without columns.
    pub(super) async fn merge(
        &mut self,
        change: &Modification,
        parameters: &[ScalarValue],
        table: &Arc<Table>,
        version: &TableVersion,
        run: &Run,
    ) -> Result<Vec<RecordBatch>> {
        let schema = table.schema.arrow();
        let mut merged = Merged::default();
        let mut seen = HashSet::new();
        let mut stream = change.plan.source.execute(parameters, run)?;
        while let Some(batch) = stream.try_next().await.map_err(crate::plan::sql_error)? {
            merged.add(&batch, schema.fields().len(), &mut seen)?;
        }
        let all = |batches: &[RecordBatch]| {
            let batches = batches.iter().map(|batch| with_schema(batch, &schema));
            let batches = batches.collect::<Result<Vec<_>>>()?;
            concat_batches(&schema, &batches).map_err(arrow_error)
        };
        for rows in merged.new.iter().chain(&merged.inserted) {
            let rows = with_schema(rows, &schema)?;
            self.check_rows_of(table, change.checks(), &rows, run).await?;
        }
        let (new, inserted) = (all(&merged.new)?, all(&merged.inserted)?);
        let engine = Arc::clone(self.server.engine());
        let writes = self.writes(table)?;
        let gone = merged.updated.iter().chain(&merged.deleted).copied();
        writes.delete(&engine, version, gone, true).await?;
        let rows = concat_batches(&schema, [&new, &inserted]).map_err(arrow_error)?;
        writes.insert(&engine, table, rows).await?;
        engine.relieve(writes).await?;
        self.follow_references(Gone::new(table, version, merged.updated, Some(new)), run).await?;
        self.follow_references(Gone::new(table, version, merged.deleted, None), run).await?;
        Ok(merged.returned)
    }
}

impl Merged {
    fn add(&mut self, batch: &RecordBatch, width: usize, seen: &mut HashSet<u64>) -> Result<()> {
        let malformed = || SqlError::internal("a MERGE without addresses and kinds");
        let addresses = batch.columns().first().and_then(|c| c.as_primitive_opt::<UInt64Type>());
        let kinds = batch.columns().get(1).and_then(|c| c.as_primitive_opt::<Int32Type>());
        let (addresses, kinds) = addresses.zip(kinds).ok_or_else(malformed)?;
        for row in 0..batch.num_rows() {
            let kind = MergeKind::of(kinds.value(row)).ok_or_else(malformed)?;
            let (target, of_kind) = match kind {
                MergeKind::Insert => continue,
                MergeKind::Update => (addresses.value(row), &mut self.updated),
                MergeKind::Delete => (addresses.value(row), &mut self.deleted),
            };
            if !seen.insert(target) {
                return Err(second_time());
            }
            of_kind.push(target);
        }
        let part = |places: std::ops::Range<usize>| {
            batch.project(&places.collect::<Vec<_>>()).map_err(arrow_error)
        };
        let rows = part(2..width + 2)?;
        let of = |wanted: MergeKind| {
            let rows_of_kind: BooleanArray = kinds
                .iter()
                .map(|kind| Some(kind.and_then(MergeKind::of) == Some(wanted)))
                .collect();
            filter_record_batch(&rows, &rows_of_kind).map_err(arrow_error)
        };
        self.new.push(of(MergeKind::Update)?);
        self.inserted.push(of(MergeKind::Insert)?);
        self.returned.push(part(width + 2..batch.num_columns())?);
        Ok(())
    }
}

/// 21000.
fn second_time() -> SqlError {
    let message = "MERGE command cannot affect row a second time";
    let hint = "Ensure that not more than one source row matches any one target row.";
    SqlError::new(SqlState::CARDINALITY_VIOLATION, message).with_hint(hint)
}
