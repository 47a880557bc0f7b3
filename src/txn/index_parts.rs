//! Publishing indexes: what was built over a segment is listed as long as both the segment and
//! the index are there, and nobody sees a difference but in time.

use std::sync::Arc;

use bytes::Bytes;

use crate::base::{Oid, Result, SqlState};
use crate::catalog::Table;
use crate::segment::{Draft, IndexModel, IndexPart, ObjectRef};
use crate::store::meta::{Compare, Operation};

use super::engine::Engine;
use super::publish::{Verdict, Work};

impl Engine {
    /// Writes an object of an index of a table; it belongs to the draft until it is published.
    ///
    /// # Errors
    /// When the object store can't take it.
    pub async fn write_index(&self, table: Oid, draft: &Draft, bytes: Bytes) -> Result<ObjectRef> {
        let path = draft.name_index(table, self.random().uuid());
        let object = self.reader().objects().put(&path, bytes.clone()).await?;
        self.reader().cache_index(&object, bytes).await?;
        Ok(object)
    }

    /// Lists an index over a segment; false when the segment or the index is gone meanwhile.
    ///
    /// # Errors
    /// When the metadata store is unavailable, or it can't be known what became of it.
    pub async fn publish_index_part(
        &self,
        table: &Table,
        part: &IndexPart,
        draft: &Arc<Draft>,
    ) -> Result<bool> {
        let oid = table.oid();
        let Some(there) = self.is_there(table, part.segment) else { return Ok(false) };
        let generation =
            Compare::Modified { key: self.keys().generation(oid), at: table.generation };
        let compares = vec![there, generation, self.index_is_defined(oid, part.index)];
        let key = self.keys().index_part(oid, part.index, part.segment);
        self.publish_index(compares, Operation::put(key, part.encode()?), draft).await
    }

    /// Lists what an index has learnt, unless another node was first; false then, or when the
    /// index is gone.
    ///
    /// # Errors
    /// As [`Engine::publish_index_part`].
    pub async fn publish_index_model(
        &self,
        table: &Table,
        model: &IndexModel,
        draft: &Arc<Draft>,
    ) -> Result<bool> {
        let oid = table.oid();
        let key = self.keys().index_model(oid, model.index);
        // What the last one was trained on is another matter: parts name the model they need.
        let generation =
            Compare::Modified { key: self.keys().generation(oid), at: table.generation };
        let compares = vec![generation, self.index_is_defined(oid, model.index)];
        self.publish_index(compares, Operation::put(key, model.encode()?), draft).await
    }

    fn index_is_defined(&self, table: Oid, index: Oid) -> Compare {
        Compare::Present(self.keys().index_exists(table, index))
    }

    async fn publish_index(
        &self,
        compares: Vec<Compare>,
        put: Operation,
        draft: &Arc<Draft>,
    ) -> Result<bool> {
        draft.submitted();
        let work = Work::Edit { compares, operations: vec![put] };
        match self.submit(work).await {
            Ok(Verdict::Committed(_)) => {
                draft.published();
                Ok(true)
            }
            Ok(Verdict::Stale(..)) => {
                draft.refused();
                Ok(false)
            }
            Err(error) => {
                if error.code() != SqlState::TRANSACTION_RESOLUTION_UNKNOWN {
                    draft.refused();
                }
                Err(error)
            }
        }
    }
}
