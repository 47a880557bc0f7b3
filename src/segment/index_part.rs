//! What metadata keeps of an index over one segment, and of what an index has learnt from its
//! table: JSON with a version.
//!
//! An index is one object a segment: a *part*. It is derived from the segment's vectors, so that
//! losing one costs time, never rows: a segment without a part is searched exactly.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{ObjectRef, Part, SegmentMeta};
use crate::base::limits::INDEX_ROWS_MIN;
use crate::base::{ColumnId, Oid, Result, SegmentId, SqlError, SqlState};
use crate::index::{Calibration, IndexSpec};

/// The version that is written. Older ones are read forever.
const VERSION: u32 = 1;

/// An index over one segment, as metadata lists it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IndexPart {
    /// The index.
    pub index: Oid,
    /// The segment.
    pub segment: SegmentId,
    /// The column that is indexed.
    pub column: ColumnId,
    /// How it was built.
    pub spec: IndexSpec,
    /// Its bytes.
    pub object: ObjectRef,
    /// The first bytes of these, which tell where the rest is, where it can be read piece by piece.
    #[serde(default)]
    pub front: Option<Part>,
    /// What was learnt from the table before, where the kind learns.
    pub model: Option<ObjectRef>,
    /// How many rows it indexes: those with a vector that were not deleted.
    pub rows: u32,
    /// Which effort gives which recall.
    pub calibration: Option<Calibration>,
    /// How far its vectors lie from the model's centroids ([`Model::spread`](crate::index::Model::spread)).
    #[serde(default)]
    pub spread: Option<f32>,
}

/// What an index has learnt from its table: centroids and the like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IndexModel {
    /// The index.
    pub index: Oid,
    /// How it was trained.
    pub spec: IndexSpec,
    /// Its bytes.
    pub object: ObjectRef,
    /// How many rows the table had then.
    pub rows: u64,
    /// How far vectors of the table that it was not trained from lay from its centroids then.
    #[serde(default)]
    pub spread: Option<f32>,
}

#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    version: u32,
    #[serde(flatten)]
    value: T,
}

#[derive(Deserialize)]
struct VersionOnly {
    version: u32,
}

fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(&Versioned { version: VERSION, value })
        .map_err(|error| SqlError::internal(format!("index metadata: {error}")))
}

fn decode<T: for<'a> Deserialize<'a>>(bytes: &[u8]) -> Result<T> {
    let corrupt = |what: String| {
        SqlError::new(SqlState::DATA_CORRUPTED, format!("index metadata is corrupt: {what}"))
    };
    let found: VersionOnly =
        serde_json::from_slice(bytes).map_err(|error| corrupt(error.to_string()))?;
    if found.version != VERSION {
        return Err(corrupt(format!("version {} is not known", found.version)));
    }
    let versioned: Versioned<T> =
        serde_json::from_slice(bytes).map_err(|error| corrupt(error.to_string()))?;
    Ok(versioned.value)
}

impl IndexPart {
    /// The JSON for metadata.
    ///
    /// # Errors
    /// Never for a part that was built.
    pub fn encode(&self) -> Result<Vec<u8>> {
        encode(self)
    }

    /// Reads the JSON of any version.
    ///
    /// # Errors
    /// When it isn't such JSON (XX001), or a newer Redkite's.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        decode(bytes)
    }

    /// Whether it was made with this model.
    pub fn is_of(&self, model: &IndexModel) -> bool {
        self.model.as_ref().is_some_and(|object| object.path == model.object.path)
    }

    /// The objects that it needs.
    pub fn objects(&self) -> impl Iterator<Item = &ObjectRef> {
        std::iter::once(&self.object).chain(&self.model)
    }
}

impl SegmentMeta {
    /// Whether an index is to be built over this segment, which has these, and isn't yet.
    pub fn lacks_index(&self, parts: &[Arc<IndexPart>], index: Oid) -> bool {
        u64::from(self.rows) >= INDEX_ROWS_MIN && parts.iter().all(|part| part.index != index)
    }
}

/// A model is trained again when the table has so many times the rows that it had: the number of
/// lists goes with the rows.
const GROWTH_MAX: u64 = 4;
/// Or when vectors lie so many times as far (squared) from their centroids as they did.
const DRIFT_MAX: f32 = 1.5;

impl IndexModel {
    /// Whether a table has grown or changed so much, by the parts made of it so far, that the model
    /// is to be trained anew.
    pub fn is_outgrown<'a>(&self, rows: u64, parts: impl Iterator<Item = &'a IndexPart>) -> bool {
        if rows >= self.rows.max(1).saturating_mul(GROWTH_MAX) {
            return true;
        }
        let Some(before) = self.spread.filter(|spread| *spread > 0.0) else { return false };
        let (mut sum, mut count) = (0.0, 0.0);
        for part in parts.filter(|part| part.is_of(self)) {
            if let Some(spread) = part.spread {
                sum += f64::from(spread) * f64::from(part.rows);
                count += f64::from(part.rows);
            }
        }
        count > 0.0 && sum / count > f64::from(before * DRIFT_MAX)
    }

    /// The JSON for metadata.
    ///
    /// # Errors
    /// Never for a model that was trained.
    pub fn encode(&self) -> Result<Vec<u8>> {
        encode(self)
    }

    /// Reads the JSON of any version.
    ///
    /// # Errors
    /// When it isn't such JSON (XX001), or a newer Redkite's.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        decode(bytes)
    }
}
