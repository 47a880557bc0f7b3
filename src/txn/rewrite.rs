//! All rows of a table made anew, for a definition under which the old ones can't be read: they go and
//! the new ones come with the definition, in one metadata transaction.

use std::sync::Arc;

use arrow::array::RecordBatch;

use crate::base::{Result, RowIds};
use crate::catalog::{Edit, Table};
use crate::segment::{Draft, Writer};
use crate::store::meta::Operation;

use super::engine::Engine;

/// The new rows of a table, on their way into objects that nobody can reach yet.
#[derive(Debug)]
pub struct Rewrite {
    writer: Writer,
    draft: Arc<Draft>,
    rows: u64,
}

impl Engine {
    /// Starts to make a table's rows anew; `table` is as it will be.
    pub fn rewrite(&self, table: &Table) -> Rewrite {
        let draft = self.drafts().begin();
        Rewrite { writer: self.writer(table, &draft), draft, rows: 0 }
    }
}

impl Rewrite {
    /// Takes some of the rows.
    ///
    /// # Errors
    /// When an object can't be written.
    pub async fn write(&mut self, batch: RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        self.writer.write(batch).await
    }

    /// Puts the rows in the place of those that `before` has, which must not change meanwhile.
    /// Returns what the objects were written under.
    ///
    /// # Errors
    /// When an object can't be written, or there are no row ids.
    pub async fn finish(
        self,
        engine: &Engine,
        before: &Table,
        edit: &mut Edit,
    ) -> Result<Arc<Draft>> {
        let mut row_ids = engine.allocate_row_ids(self.rows).await?;
        let written = self
            .writer
            .finish(|count| {
                let taken = RowIds { first: row_ids.first, count };
                row_ids.first += count;
                Ok(taken)
            })
            .await?;
        let (keys, oid) = (engine.keys(), before.oid());
        edit.unchanged(keys.appends(oid), before.appends);
        edit.unchanged(keys.deletes(oid), before.deletes);
        edit.touch(keys.appends(oid));
        edit.touch(keys.deletes(oid));
        let commit = engine.fresh_commit();
        edit.operations.push(Operation::put(keys.generation(oid), commit.to_string()));
        for segment in &written {
            let key = keys.segment(oid, segment.id);
            edit.operations.push(Operation::put(key, segment.encode()?));
        }
        Ok(self.draft)
    }
}
