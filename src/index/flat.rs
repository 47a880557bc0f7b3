//! Exact search over vectors that lie one behind the other: bound by memory, not by arithmetic.

use super::distance::{Metric, cosine_of, distance, dot, dot_and_square, l1, l2_squared};
use super::selection::Selection;
use super::top_k::Keep;

/// Shows `keep` the vectors of `data`, each `query.len()` long, as rows `first_row + position`.
/// Positions beyond the data are ignored.
///
/// The loop compares what was summed in 32 bits (squares for L2) and computes pgvector's 64-bit
/// distance only for a vector that may be kept.
pub fn search_flat(
    metric: Metric,
    query: &[f32],
    data: &[f32],
    first_row: u64,
    selection: Selection<'_>,
    keep: &mut impl Keep,
) {
    if query.is_empty() || keep.is_closed() {
        return;
    }
    match metric {
        Metric::L2 => search(query, data, first_row, selection, keep, |keep, vector, row| {
            let square = f64::from(l2_squared(query, vector));
            // The root is for candidates only; the margin is for its rounding.
            let limit = keep.threshold();
            if square > limit * limit * (1.0 + 1e-9) {
                return;
            }
            keep.push(square.sqrt(), row);
        }),
        Metric::InnerProduct => {
            search(query, data, first_row, selection, keep, |keep, vector, row| {
                keep.push(-f64::from(dot(query, vector)), row);
            })
        }
        Metric::Cosine => {
            let query_square = dot(query, query);
            search(query, data, first_row, selection, keep, |keep, vector, row| {
                let (dot, square) = dot_and_square(query, vector);
                keep.push(cosine_of(dot, query_square, square), row);
            });
        }
        Metric::L1 => search(query, data, first_row, selection, keep, |keep, vector, row| {
            keep.push(l1(query, vector), row);
        }),
        Metric::Hamming | Metric::Jaccard => {
            search(query, data, first_row, selection, keep, |keep, vector, row| {
                keep.push(distance(metric, query, vector), row);
            });
        }
    }
}

#[inline(always)]
fn search<K: Keep>(
    query: &[f32],
    data: &[f32],
    first_row: u64,
    selection: Selection<'_>,
    keep: &mut K,
    show: impl Fn(&mut K, &[f32], u64),
) {
    let dimensions = query.len();
    let count = data.len() / dimensions;
    let range = |keep: &mut K, from: usize, to: usize| {
        let vectors = data[from * dimensions..to * dimensions].chunks_exact(dimensions);
        for (row, vector) in (first_row + from as u64..).zip(vectors) {
            show(keep, vector, row);
        }
    };
    match selection {
        Selection::All => range(keep, 0, count),
        Selection::Except(excluded) => {
            let mut from = 0;
            for position in excluded {
                let position = position as usize;
                if position >= count {
                    break;
                }
                range(keep, from, position);
                from = position + 1;
            }
            range(keep, from, count);
        }
        Selection::Bits(..) => {
            for position in (0..count).filter(|at| selection.takes(*at as u32)) {
                range(keep, position, position + 1);
            }
        }
        Selection::Only(allowed) => {
            for position in allowed {
                let position = position as usize;
                if position >= count {
                    break;
                }
                range(keep, position, position + 1);
            }
        }
    }
}
