//! The rows of a segment that an index is built over, whatever its vectors are made of.

use std::sync::Arc;

use bytes::Bytes;

use crate::base::limits::INDEX_SAMPLE_BYTES_MAX;
use crate::base::{Result, SqlError, SqlState};
use crate::index::{
    self, Calibration, CodedPoints, Elements, IndexError, IndexSpec, Metric, Model, Part, Points,
    Work,
};
use crate::segment::{Column, ObjectUnit, Reader, Unit, Vectors};

/// Vectors of a segment by which a model is measured, at most.
pub(super) const MEASURED: usize = 4_096;

/// Those with a vector that are not deleted.
pub(super) enum IndexedRows {
    Numbers(Points),
    Codes(CodedPoints),
}

impl IndexedRows {
    /// The rows of a segment.
    pub(super) async fn of(
        reader: &Arc<Reader>,
        unit: &ObjectUnit,
        column: &Column,
        spec: &IndexSpec,
    ) -> Result<Self> {
        if spec.elements != Elements::Numbers {
            return reader.codes(unit, column, spec).await.map(Self::Codes);
        }
        let vectors = reader.vectors(&Unit::Object(unit.clone()), column).await?;
        numbers(unit, vectors.as_deref(), spec).map(Self::Numbers).map_err(failed)
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Numbers(points) => points.len(),
            Self::Codes(points) => points.len(),
        }
    }

    /// The bytes of a part.
    pub(super) fn build(
        &self,
        spec: &IndexSpec,
        model: Option<&Model>,
        work: &Work<'_>,
    ) -> Result<Bytes, IndexError> {
        let bytes = match self {
            Self::Numbers(points) => index::build(spec, model, points, work),
            Self::Codes(points) => index::build_coded(spec, model, points, work),
        };
        bytes.map(Bytes::from)
    }

    /// Opens a part that was built, and measures it.
    pub(super) fn calibrate(
        &self,
        spec: &IndexSpec,
        model: Option<Arc<Model>>,
        bytes: &Bytes,
        seed: u64,
        work: &Work<'_>,
    ) -> Result<Calibration, IndexError> {
        match self {
            Self::Numbers(points) => {
                let part = Part::open(spec, model, bytes, points.values().clone())?;
                index::calibrate(&part, points, seed, work)
            }
            Self::Codes(points) => {
                let part = Part::open_coded(spec, model, bytes, points.segment_rows())?;
                index::calibrate_coded(&part, points, seed, work)
            }
        }
    }

    /// How far they lie from a model's centers.
    pub(super) fn spread(
        &self,
        spec: &IndexSpec,
        model: &Model,
        work: &Work<'_>,
    ) -> Result<Option<f32>, IndexError> {
        match self {
            Self::Numbers(points) => model.spread(spec, points, work),
            Self::Codes(points) => {
                let count = MEASURED.min(fitting(spec.dimensions));
                model.spread(spec, &points.ones(count, 0)?, work)
            }
        }
    }

    /// Adds so many vectors, spread evenly over the rows and moved on by a part of the way between them;
    /// bits as ones and zeros.
    pub(super) fn sample(
        &self,
        count: usize,
        shift: usize,
        sample: &mut Vec<f32>,
    ) -> Result<(), IndexError> {
        match self {
            Self::Numbers(points) => {
                for row in points.spaced(count, shift) {
                    sample.extend_from_slice(points.vector(row));
                }
            }
            Self::Codes(points) => {
                let count = count.min(fitting(points.dimensions()));
                sample.extend_from_slice(points.ones(count, shift)?.values());
            }
        }
        Ok(())
    }
}

/// How many vectors of ones and zeros fit into what a sample may take.
fn fitting(dimensions: usize) -> usize {
    INDEX_SAMPLE_BYTES_MAX / (dimensions.max(1) * size_of::<f32>())
}

/// The rows of a segment where an index is over numbers.
fn numbers(
    unit: &ObjectUnit,
    vectors: Option<&Vectors>,
    spec: &IndexSpec,
) -> Result<Points, IndexError> {
    let dimensions = spec.dimensions;
    let Some(vectors) = vectors.filter(|vectors| vectors.dimensions() == dimensions) else {
        return Points::new(Vec::new().into(), dimensions, Some(Arc::from([])));
    };
    let cosine = spec.metric == Metric::Cosine;
    let takes_part = |row: &u32| {
        let vector = vectors.vector(*row as usize);
        let vector = vector.filter(|_| !unit.deleted.contains(*row));
        vector.is_some_and(|vector| !cosine || vector.iter().any(|number| *number != 0.0))
    };
    let all = unit.meta.rows;
    let rows: Vec<u32> = (0..all).filter(takes_part).collect();
    let rows = (rows.len() < all as usize).then(|| Arc::from(rows));
    Points::new(vectors.shared(), dimensions, rows)
}

/// What a build says of what the index said.
pub(super) fn failed(error: IndexError) -> SqlError {
    match error {
        IndexError::Cancelled => {
            SqlError::new(SqlState::QUERY_CANCELED, "canceling an index build")
        }
        IndexError::OutOfMemory => SqlError::new(SqlState::OUT_OF_MEMORY, "out of memory"),
        error => SqlError::internal(format!("building an index: {error}")),
    }
}
