//! Opening the indexes over segments: their objects are copied to the cache on disk once and
//! mapped from there.

use std::sync::Arc;

use bytes::Bytes;

use super::Reader;
use super::reader::index_name;
use super::vectors::Vectors;
use crate::base::{Result, SqlError, SqlState};
use crate::index::{Elements, IndexError, IndexSpec, Model, Part};
use crate::segment::corrupt::broken;
use crate::segment::version::ObjectUnit;
use crate::segment::{Column, IndexModel, IndexPart, SegmentMeta};
use crate::store::object::ObjectRef;

/// A part's bytes, and what the index has learnt where its kind learns.
type PartBytes = (Bytes, Option<Arc<Model>>);

impl Reader {
    /// The index over a segment if it is open already: costs no I/O.
    pub fn open_index(&self, part: &IndexPart) -> Option<Arc<Part>> {
        self.cached.index_parts.get(&part.object.path)
    }

    /// The index over a segment. None where the segment's vectors are not of the index's
    /// dimension, or where an object of the index is damaged or missing, which the log says: then
    /// search exactly.
    ///
    /// # Errors
    /// When an object can't be read now, or the segment's own is damaged.
    pub async fn index(
        &self,
        unit: &ObjectUnit,
        part: &Arc<IndexPart>,
        column: &Column,
    ) -> Result<Option<Arc<Part>>> {
        if let Some(open) = self.open_index(part) {
            return Ok(Some(open));
        }
        let path = part.object.path.clone();
        // Seldom done, and large: searches that find the index open don't carry it about.
        let opening = Box::pin(async {
            if let Some(open) = self.open_index(part) {
                return Ok(Some(open));
            }
            if self.cached.damaged_indexes.contains_key(&path) {
                return Ok(None);
            }
            let over_numbers = part.spec.elements == Elements::Numbers;
            let vectors = async {
                match over_numbers {
                    true => self.object_vectors(&unit.meta, column).await,
                    false => Ok(None),
                }
            };
            // What is far away is asked for at once; row ids too, which every search needs.
            let (vectors, ids, bytes) =
                tokio::join!(vectors, self.warm_row_ids(&unit.meta), self.part_bytes(part));
            ids?;
            let dimensions = part.spec.dimensions;
            let vectors = vectors?.filter(|vectors| vectors.dimensions() == dimensions);
            if over_numbers && vectors.is_none() {
                return Ok(None);
            }
            match self.open_part(&unit.meta, part, bytes, vectors).await {
                Ok(open) => {
                    self.cached.index_parts.insert(path, Arc::clone(&open));
                    Ok(Some(open))
                }
                Err(error) => self.unless_damaged(part, unit.meta.id, Err(error)),
            }
        });
        self.cached.opening.alone(part.object.path.clone(), opening).await
    }

    /// The bytes of a part, and what it was made with.
    async fn part_bytes(&self, part: &IndexPart) -> Result<PartBytes> {
        let model = async {
            match &part.model {
                Some(object) => self.model_of(&part.spec, object).await.map(Some),
                None => Ok(None),
            }
        };
        let (model, bytes) = tokio::join!(model, self.index_bytes(&part.object));
        Ok((bytes?, model?))
    }

    /// Opens a part, over the segment's vectors where it needs them.
    async fn open_part(
        &self,
        meta: &SegmentMeta,
        part: &Arc<IndexPart>,
        bytes: Result<PartBytes>,
        vectors: Option<Arc<Vectors>>,
    ) -> Result<Arc<Part>> {
        let (bytes, model) = bytes?;
        let (wanted, rows) = (Arc::clone(part), meta.rows as usize);
        let open = move || {
            let spec = &wanted.spec;
            let open = match vectors {
                Some(vectors) => Part::open(spec, model, &bytes, vectors.shared()),
                None => Part::open_coded(spec, model, &bytes, rows),
            };
            open.map_err(|error| damaged(&wanted.object, &error))
        };
        let open = tokio::task::spawn_blocking(open)
            .await
            .map_err(|error| broken("opening an index", error))??;
        Ok(Arc::new(open))
    }

    /// What an index has learnt from its table.
    ///
    /// # Errors
    /// When the object can't be read, or is damaged.
    pub async fn model(&self, model: &IndexModel) -> Result<Arc<Model>> {
        self.model_of(&model.spec, &model.object).await
    }

    pub(super) async fn model_of(
        &self,
        spec: &IndexSpec,
        object: &ObjectRef,
    ) -> Result<Arc<Model>> {
        if let Some(model) = self.cached.index_models.get(&object.path) {
            return Ok(model);
        }
        let bytes = self.index_bytes(object).await?;
        let model = Model::decode(spec, bytes).map_err(|error| damaged(object, &error))?;
        let model = Arc::new(model);
        self.cached.index_models.insert(object.path.clone(), Arc::clone(&model));
        Ok(model)
    }

    /// The object's bytes, mapped from the cache where that has room for them.
    async fn index_bytes(&self, object: &ObjectRef) -> Result<Bytes> {
        let name = index_name(object);
        if let Some(bytes) = self.cached_index(name, object).await? {
            return Ok(bytes);
        }
        let bytes = self.objects.get(object).await?;
        self.cache_index(object, bytes.clone()).await?;
        Ok(self.cached_index(name, object).await?.unwrap_or(bytes))
    }

    async fn cached_index(&self, name: &str, object: &ObjectRef) -> Result<Option<Bytes>> {
        if !self.cache.contains(name) {
            return Ok(None);
        }
        let (cache, name) = (Arc::clone(&self.cache), name.to_owned());
        let found = tokio::task::spawn_blocking(move || cache.get(&name))
            .await
            .map_err(|error| broken("reading an index from the cache", error))?;
        Ok(found.filter(|bytes| bytes.len() as u64 == object.length))
    }

    /// Keeps the bytes of an index's object at hand, where they are about to be asked for.
    ///
    /// # Errors
    /// When the task that writes ends badly; a full disk is none.
    pub async fn cache_index(&self, object: &ObjectRef, bytes: Bytes) -> Result<()> {
        let (cache, name) = (Arc::clone(&self.cache), index_name(object).to_owned());
        tokio::task::spawn_blocking(move || cache.put(&name, &bytes))
            .await
            .map_err(|error| broken("writing an index to the cache", error))
    }

    /// Forgets an object of an index that no version has any more, on disk too.
    pub fn forget_index(&self, object: &ObjectRef) {
        self.cached.index_parts.invalidate(&object.path);
        self.cached.remote_parts.invalidate(&object.path);
        self.cached.index_models.invalidate(&object.path);
        self.cache.remove_prefix(index_name(object));
    }
}

pub(super) fn damaged(object: &ObjectRef, error: &IndexError) -> SqlError {
    SqlError::new(SqlState::DATA_CORRUPTED, format!("object \"{}\" is corrupt", object.path))
        .with_detail(error.to_string())
}
