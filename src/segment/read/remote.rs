//! Indexes that are searched where they lie, list by list, because bringing them here whole takes long:
//! their objects are far away, and neither they nor the vectors are in the cache on disk.
//!
//! Three rounds of reads find the nearest rows: what tells where things are, the lists, the pages with
//! the vectors of their best rows. Meanwhile all of it is brought here, if there is room for it.

use std::sync::Arc;

use bytes::Bytes;

use super::Reader;
use super::indexes::damaged;
use super::reader::index_name;
use super::vectors::vectors_name;
use crate::base::{Result, SegmentId, SqlState};
use crate::index::{IndexError, RemoteList, RemoteLists};
use crate::segment::schema::vector_dimensions;
use crate::segment::version::ObjectUnit;
use crate::segment::{Column, IndexPart, Part};

/// A part of an index that is far away.
#[derive(Debug)]
pub struct RemotePart {
    part: Arc<IndexPart>,
    /// What is known of its lists.
    pub lists: RemoteLists,
}

/// A list and its bytes.
pub(crate) type ReadList = (RemoteList, Bytes);

impl Reader {
    /// The index over a segment, to be searched where it lies; `None` where it had better be brought
    /// here ([`Reader::index`]), or is damaged, which the log says.
    ///
    /// # Errors
    /// When an object can't be read now, or the segment's own is damaged.
    pub async fn remote_index(
        &self,
        unit: &ObjectUnit,
        part: &Arc<IndexPart>,
        column: &Column,
    ) -> Result<Option<Arc<RemotePart>>> {
        let Some(front) = part.front.filter(|_| self.is_remote(unit, part, column)) else {
            return Ok(None);
        };
        let path = &part.object.path;
        if let Some(open) = self.cached.remote_parts.get(path) {
            return Ok(Some(open));
        }
        let opening = Box::pin(async {
            if let Some(open) = self.cached.remote_parts.get(path) {
                return Ok(Some(open));
            }
            // What the next steps need is asked for at once.
            let (pages, lists) = tokio::join!(
                self.vector_pages(&unit.meta, column.id),
                self.remote_lists(unit, part, front)
            );
            pages?;
            let Some(lists) = self.unless_damaged(part, unit.meta.id, lists)? else {
                return Ok(None);
            };
            let open = Arc::new(RemotePart { part: Arc::clone(part), lists });
            self.cached.remote_parts.insert(path.clone(), Arc::clone(&open));
            self.bring(unit, part, column);
            Ok(Some(open))
        });
        self.cached.opening.alone(path.clone(), opening).await
    }

    /// Whether an index is to be searched where it lies.
    fn is_remote(&self, unit: &ObjectUnit, part: &IndexPart, column: &Column) -> bool {
        let meta = &unit.meta;
        let here = || {
            let vectors = self.cache.contains(&vectors_name(meta.id, column.id));
            vectors && self.cache.contains(index_name(&part.object))
        };
        !self.objects.is_local()
            && self.bytes_of(unit, part) >= self.remote_bytes_min
            && meta.vector_pages.iter().any(|pages| pages.column == column.id)
            && vector_dimensions(column.data_type()) == Some(part.spec.dimensions)
            && !self.cached.damaged_indexes.contains_key(&part.object.path)
            && !here()
    }

    /// The bytes of a part and of the vectors that it is over.
    fn bytes_of(&self, unit: &ObjectUnit, part: &IndexPart) -> u64 {
        let numbers = u64::from(unit.meta.rows) * part.spec.dimensions as u64;
        part.object.length + numbers * size_of::<f32>() as u64
    }

    async fn remote_lists(
        &self,
        unit: &ObjectUnit,
        part: &IndexPart,
        front: Part,
    ) -> Result<RemoteLists> {
        let model = async {
            match &part.model {
                Some(object) => self.model_of(&part.spec, object).await,
                None => Err(damaged(&part.object, &IndexError::ModelMissing)),
            }
        };
        let front = [front];
        let (model, front) = tokio::join!(model, self.index_parts(part, &front));
        let front = front?.into_iter().next().unwrap_or_default();
        RemoteLists::decode(&part.spec, model?, &front, unit.meta.rows as usize)
            .map_err(|error| damaged(&part.object, &error))
    }

    /// The bytes of some lists, and the segment's row ids, which every search needs then; `None` where
    /// the index is damaged, which the log says.
    ///
    /// # Errors
    /// When objects can't be read now, or the segment's own is damaged.
    pub async fn read_lists(
        &self,
        unit: &ObjectUnit,
        remote: &RemotePart,
        lists: Vec<RemoteList>,
    ) -> Result<Option<Vec<ReadList>>> {
        let part = |list: &RemoteList| Part {
            offset: list.offset,
            length: list.length,
            crc32: list.crc32,
        };
        let parts: Vec<Part> = lists.iter().map(part).collect();
        let (ids, read) =
            tokio::join!(self.warm_row_ids(&unit.meta), self.index_parts(&remote.part, &parts));
        ids?;
        let read = self.unless_damaged(&remote.part, unit.meta.id, read)?;
        Ok(read.map(|read| lists.into_iter().zip(read).collect()))
    }

    /// Verified parts of an index's object, through the cache on disk.
    async fn index_parts(&self, part: &IndexPart, parts: &[Part]) -> Result<Vec<Bytes>> {
        let name = |at: &Part| format!("{}.{}.part", index_name(&part.object), at.offset);
        self.fetch_through(&part.object, parts, name).await
    }

    /// Notes what is damaged, so that segments are searched without it for a while.
    pub(super) fn unless_damaged<T>(
        &self,
        part: &IndexPart,
        segment: SegmentId,
        outcome: Result<T>,
    ) -> Result<Option<T>> {
        match outcome {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.code() == SqlState::DATA_CORRUPTED => {
                tracing::error!(%error, %segment, "a segment without its index");
                self.cached.remote_parts.invalidate(&part.object.path);
                self.cached.damaged_indexes.insert(part.object.path.clone(), ());
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Brings an index and its vectors here while it is searched from far away, one at a time, as long as
    /// nothing else has to leave the cache for them.
    fn bring(&self, unit: &ObjectUnit, part: &Arc<IndexPart>, column: &Column) {
        let room = self.cache.bytes_max().saturating_sub(self.cache.counters().bytes);
        if self.bytes_of(unit, part) > room {
            return;
        }
        let reader = self.in_background();
        let (unit, part, column) = (unit.clone(), Arc::clone(part), column.clone());
        tokio::spawn(async move {
            let Ok(_turn) = reader.cached.bringing.acquire().await else { return };
            match reader.index(&unit, &part, &column).await {
                Ok(_) => reader.cached.remote_parts.invalidate(&part.object.path),
                // A merge may have taken its place already.
                Err(error) => tracing::debug!(segment = %unit.meta.id, %error, "not brought here"),
            }
        });
    }
}
