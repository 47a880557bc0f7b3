//! How far vectors lie from the centroids of their lists: what tells that the data have moved away
//! from what a model was trained for.

use super::model::{Model, is_angular, normalise};
use crate::index::definition::IndexSpec;
use crate::index::distance::{Metric, l2_squared};
use crate::index::error::IndexError;
use crate::index::faiss;
use crate::index::points::Points;
use crate::index::work::Work;

/// Vectors that are looked at: enough for a mean that is right to a few percent.
const LOOKED_AT: usize = 4_096;

impl Model {
    /// The mean squared distance of indexed vectors to the nearest centroid, by an even sample of
    /// them; of directions, for cosine. `None` when there are none.
    ///
    /// # Errors
    /// When the points have another dimension than the model, or the work was cancelled.
    pub fn spread(
        &self,
        spec: &IndexSpec,
        points: &Points,
        work: &Work<'_>,
    ) -> Result<Option<f32>, IndexError> {
        let dimensions = self.dimensions;
        if points.dimensions() != dimensions {
            return Err(IndexError::Dimensions {
                expected: dimensions,
                found: points.dimensions(),
            });
        }
        let mut sample = Vec::new();
        for row in points.spaced(LOOKED_AT, 0) {
            sample.extend_from_slice(points.vector(row));
        }
        let mut owned = Vec::new();
        if spec.metric == Metric::Cosine {
            normalise(&sample, dimensions, &mut owned);
            sample = owned;
        }
        // Progress counts rows of parts only.
        let uncounted = std::sync::atomic::AtomicU64::new(0);
        let quiet = Work { done: &uncounted, ..*work };
        let angular = is_angular(spec.metric);
        let nearest = faiss::assign(&sample, None, &self.centroids, dimensions, angular, &quiet)?;
        let count = nearest.len();
        let squares = sample.chunks_exact(dimensions).zip(nearest).map(|(vector, list)| {
            let from = list as usize * dimensions;
            f64::from(l2_squared(vector, &self.centroids[from..from + dimensions]))
        });
        let sum: f64 = squares.sum();
        Ok((count > 0).then(|| (sum / count as f64) as f32))
    }
}
