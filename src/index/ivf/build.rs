//! Builds lists: each row goes to its nearest centroid's.

use super::lists::Lists;
use super::model::{Model, is_angular};
use crate::index::definition::IndexSpec;
use crate::index::distance::Metric;
use crate::index::error::IndexError;
use crate::index::faiss::{self, Coding};
use crate::index::points::Points;
use crate::index::work::Work;

/// The bytes of a part.
pub(in crate::index) fn build(
    spec: &IndexSpec,
    model: &Model,
    points: &Points,
    work: &Work<'_>,
) -> Result<Vec<u8>, IndexError> {
    let nearest = faiss::assign(
        points.values(),
        points.rows().map(AsRef::as_ref),
        &model.centroids,
        spec.dimensions,
        is_angular(spec.metric),
        work,
    )?;
    let (ends, places) = by_list(&nearest, model.lists);
    let rows: Vec<u32> = places.into_iter().map(|at| points.row(at as usize)).collect();
    let codes = if model.subspaces() == 0 {
        Vec::new()
    } else {
        let coding = Coding {
            dimensions: spec.dimensions,
            subspaces: model.subspaces(),
            centroids: &model.centroids,
            codebooks: &model.codebooks,
            normalised: spec.metric == Metric::Cosine,
        };
        let ends: Vec<u64> = ends.iter().map(|end| u64::from(*end)).collect();
        faiss::encode(&coding, points.values(), &rows, &ends, work)?
    };
    Ok(Lists::encode(spec, model, points.segment_rows(), (&ends, &rows, &codes)))
}

/// Where each list ends, and the numbers of the indexed rows list by list, ascending in each.
pub(super) fn by_list(nearest: &[u32], lists: usize) -> (Vec<u32>, Vec<u32>) {
    let mut ends = vec![0_u32; lists];
    for list in nearest {
        ends[*list as usize] += 1;
    }
    // First where each list begins; once its rows are in, where it ends.
    let mut begin = 0;
    for end in &mut ends {
        begin += std::mem::replace(end, begin);
    }
    let mut places = vec![0; nearest.len()];
    for (at, list) in nearest.iter().enumerate() {
        let place = &mut ends[*list as usize];
        places[*place as usize] = at as u32;
        *place += 1;
    }
    (ends, places)
}
