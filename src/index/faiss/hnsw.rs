//! HNSW graphs as FAISS builds them.

#![expect(unsafe_code, reason = "calls the C++ shim")]

use std::ptr;

use super::{ffi, status};
use crate::index::codes::{BitCodes, Codes, SparseCodes};
use crate::index::distance::Metric;
use crate::index::error::IndexError;
use crate::index::work::Work;

/// FAISS numbers nodes with 31 bits.
const NODES_END: usize = i32::MAX as usize;

/// A graph that was built.
#[derive(Debug)]
pub(in crate::index) struct HnswGraph {
    graph: ptr::NonNull<ffi::Hnsw>,
    nodes: usize,
}

/// The vectors of a graph's nodes.
#[derive(Debug, Clone, Copy)]
pub(in crate::index) enum NodeVectors<'a> {
    /// Node i is the vector of row `rows[i]`, or row i, of `dimensions` numbers in `values`.
    Numbers { values: &'a [f32], rows: Option<&'a [u32]>, dimensions: usize, nodes: usize },
    /// Node i is code i.
    Codes(&'a Codes),
}

impl HnswGraph {
    /// Builds a graph.
    pub(in crate::index) fn build(
        vectors: NodeVectors<'_>,
        metric: Metric,
        parameters: (u32, u32),
        work: &Work<'_>,
    ) -> Result<Self, IndexError> {
        match vectors {
            NodeVectors::Numbers { values, rows, dimensions, nodes } => {
                Self::of_numbers(values, rows, (dimensions, nodes), metric, parameters, work)
            }
            NodeVectors::Codes(Codes::Bits(bits)) => Self::of_bits(bits, metric, parameters, work),
            NodeVectors::Codes(Codes::Sparse(sparse)) => {
                Self::of_sparse(sparse, metric, parameters, work)
            }
        }
    }

    fn of_numbers(
        values: &[f32],
        rows: Option<&[u32]>,
        (dimensions, nodes): (usize, usize),
        metric: Metric,
        parameters: (u32, u32),
        work: &Work<'_>,
    ) -> Result<Self, IndexError> {
        let all_rows = values.len() / dimensions.max(1);
        let inside = match rows {
            Some(rows) => rows.len() == nodes && rows.iter().all(|row| (*row as usize) < all_rows),
            None => nodes <= all_rows,
        };
        if !inside || dimensions == 0 || nodes >= NODES_END {
            return Err(IndexError::TooManyRows);
        }
        let points = ffi::Points {
            values: values.as_ptr(),
            dimensions,
            rows: rows.map_or(ptr::null(), <[u32]>::as_ptr),
            nodes,
        };
        // SAFETY: `points` describes arrays that outlive the call, every node's row lying inside `values` as
        // checked above.
        unsafe { Self::call(ffi::redkite_hnsw_build, &points, nodes, metric, parameters, work) }
    }

    fn of_bits(
        bits: &BitCodes,
        metric: Metric,
        parameters: (u32, u32),
        work: &Work<'_>,
    ) -> Result<Self, IndexError> {
        let nodes = bits.words.len() / bits.stride.max(1);
        if bits.stride == 0 || nodes >= NODES_END {
            return Err(IndexError::TooManyRows);
        }
        let codes = ffi::Bits { words: bits.words.as_ptr(), stride: bits.stride, nodes };
        // SAFETY: `codes` describes words that outlive the call, `stride` of them for each of `nodes`.
        unsafe { Self::call(ffi::redkite_hnsw_build_bits, &codes, nodes, metric, parameters, work) }
    }

    fn of_sparse(
        sparse: &SparseCodes,
        metric: Metric,
        parameters: (u32, u32),
        work: &Work<'_>,
    ) -> Result<Self, IndexError> {
        let SparseCodes { starts, places, numbers } = sparse;
        let nodes = starts.len().saturating_sub(1);
        let inside = starts.is_sorted()
            && starts.last().is_some_and(|end| *end == places.len() as u64)
            && places.len() == numbers.len();
        if !inside || nodes >= NODES_END {
            return Err(IndexError::TooManyRows);
        }
        let vectors = ffi::Sparse {
            starts: starts.as_ptr(),
            places: places.as_ptr(),
            numbers: numbers.as_ptr(),
            nodes,
        };
        // SAFETY: `vectors` describes arrays that outlive the call, what `starts` says lying inside the others
        // as checked above.
        unsafe {
            Self::call(ffi::redkite_hnsw_build_sparse, &vectors, nodes, metric, parameters, work)
        }
    }

    /// Calls one of the shim's builders.
    ///
    /// # Safety
    /// `vectors` describes `nodes` vectors, all that it points to being there until this returns.
    unsafe fn call<V>(
        builder: ffi::HnswBuilder<V>,
        vectors: &V,
        nodes: usize,
        metric: Metric,
        (m, ef_construction): (u32, u32),
        work: &Work<'_>,
    ) -> Result<Self, IndexError> {
        let mut out = ptr::null_mut();
        let mut message = status::message();
        let ties = status::work(work);
        // SAFETY: the caller vouches for `vectors`; the flag and the count of `work` are atomics that
        // outlive the call.
        let code = unsafe {
            builder(
                ptr::from_ref(vectors),
                status::metric_number(metric),
                m as i32,
                ef_construction as i32,
                &raw const ties,
                &raw mut out,
                &raw mut message,
            )
        };
        status::result(code, &message)?;
        let graph = ptr::NonNull::new(out).ok_or(IndexError::OutOfMemory)?;
        Ok(Self { graph, nodes })
    }

    /// Where a search begins, and the highest level; `None` for a graph without nodes.
    pub(in crate::index) fn entry(&self) -> Option<(u32, u8)> {
        // SAFETY: the graph lives as long as `self`.
        let (entry, level) = unsafe {
            (
                ffi::redkite_hnsw_entry(self.graph.as_ptr()),
                ffi::redkite_hnsw_max_level(self.graph.as_ptr()),
            )
        };
        Some((u32::try_from(entry).ok()?, u8::try_from(level).ok()?))
    }

    /// The highest level of each node.
    pub(in crate::index) fn levels(&self) -> Vec<u8> {
        let mut levels = vec![0; self.nodes];
        // SAFETY: the graph lives as long as `self`, and has as many nodes as there is room for.
        unsafe { ffi::redkite_hnsw_levels(self.graph.as_ptr(), levels.as_mut_ptr()) };
        levels
    }

    /// Writes the neighbours of a node on a level to the front of `list`.
    pub(in crate::index) fn neighbours(&self, node: usize, level: u8, list: &mut [u32]) -> usize {
        // SAFETY: the graph lives as long as `self`; node, level and room are checked there.
        unsafe {
            ffi::redkite_hnsw_neighbours(
                self.graph.as_ptr(),
                node,
                level.into(),
                list.as_mut_ptr(),
                list.len(),
            )
        }
    }
}

impl Drop for HnswGraph {
    fn drop(&mut self) {
        // SAFETY: it came from `redkite_hnsw_build`, and nobody else frees it.
        unsafe { ffi::redkite_hnsw_free(self.graph.as_ptr()) }
    }
}
