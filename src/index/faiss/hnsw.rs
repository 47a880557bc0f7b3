//! HNSW graphs as FAISS builds them.

#![expect(unsafe_code, reason = "calls the C++ shim")]

use std::ptr;

use super::{ffi, status};
use crate::index::distance::Metric;
use crate::index::error::IndexError;
use crate::index::work::Work;

/// A graph that was built.
#[derive(Debug)]
pub(in crate::index) struct HnswGraph {
    graph: ptr::NonNull<ffi::Hnsw>,
    nodes: usize,
}

impl HnswGraph {
    /// Builds a graph of `nodes` over vectors of `dimensions` numbers in `values`: node i is the
    /// vector of row `rows[i]`, or row i.
    pub(in crate::index) fn build(
        values: &[f32],
        rows: Option<&[u32]>,
        (dimensions, nodes): (usize, usize),
        metric: Metric,
        (m, ef_construction): (u32, u32),
        work: &Work<'_>,
    ) -> Result<Self, IndexError> {
        let all_rows = values.len() / dimensions.max(1);
        let inside = match rows {
            Some(rows) => rows.len() == nodes && rows.iter().all(|row| (*row as usize) < all_rows),
            None => nodes <= all_rows,
        };
        if !inside || dimensions == 0 || nodes >= i32::MAX as usize {
            return Err(IndexError::TooManyRows);
        }
        let points = ffi::Points {
            values: values.as_ptr(),
            dimensions,
            rows: rows.map_or(ptr::null(), <[u32]>::as_ptr),
            nodes,
        };
        let mut out = ptr::null_mut();
        let mut message = status::message();
        let ties = status::work(work);
        // SAFETY: `points` describes arrays that outlive the call, every node's row lying inside
        // `values` as checked above; the flag and the count of `work` are atomics that outlive it.
        let code = unsafe {
            ffi::redkite_hnsw_build(
                &raw const points,
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
