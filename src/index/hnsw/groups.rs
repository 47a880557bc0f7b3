//! Equal vectors share a node.

use std::hash::BuildHasher;

use crate::index::Points;
use crate::index::error::IndexError;
use crate::index::work::Work;

/// Which rows each node stands for: `rows[starts[node]..starts[node + 1]]`, ascending; nodes are
/// in the order of their first rows. Without `starts` each node stands for one row, without
/// `rows` either for the row of its own number.
#[derive(Debug, Default)]
pub(super) struct Groups {
    pub(super) nodes: usize,
    pub(super) rows: Vec<u32>,
    pub(super) starts: Vec<u32>,
}

impl Groups {
    /// Finds equal vectors by their bits.
    pub(super) fn of(points: &Points, work: &Work<'_>) -> Result<Self, IndexError> {
        let hasher = foldhash::fast::FixedState::default();
        let mut hashes: Vec<(u64, u32)> = Vec::with_capacity(points.len());
        for at in 0..points.len() {
            if at.is_multiple_of(4096) {
                work.check()?;
            }
            let row = points.row(at);
            let bits = arrow::datatypes::ToByteSlice::to_byte_slice(points.vector(row));
            hashes.push((hasher.hash_one(bits), row));
        }
        hashes.sort_unstable();
        if hashes.windows(2).all(|pair| pair[0].0 != pair[1].0) {
            let rows = points.rows().map(|rows| rows.to_vec()).unwrap_or_default();
            return Ok(Self { nodes: points.len(), rows, starts: Vec::new() });
        }
        // Each row with the first one that has its vector.
        let mut members: Vec<(u32, u32)> = Vec::with_capacity(points.len());
        let mut firsts = Vec::new();
        for run in hashes.chunk_by(|a, b| a.0 == b.0) {
            firsts.clear();
            for (_, row) in run {
                let vector = points.vector(*row);
                let same = |first: &&u32| same_bits(points.vector(**first), vector);
                let first = firsts.iter().find(same).copied().unwrap_or(*row);
                if first == *row {
                    firsts.push(first);
                }
                members.push((first, *row));
            }
        }
        drop(hashes);
        members.sort_unstable();
        let mut starts = Vec::new();
        for (at, (first, row)) in members.iter().enumerate() {
            if first == row {
                starts.push(at as u32);
            }
        }
        let nodes = starts.len();
        starts.push(members.len() as u32);
        let rows = members.into_iter().map(|(_, row)| row).collect();
        Ok(Self { nodes, rows, starts })
    }

    /// The first row of each node; `None`: the row of its own number.
    pub(super) fn first_rows(&self) -> Option<Vec<u32>> {
        if self.starts.is_empty() {
            return (!self.rows.is_empty()).then(|| self.rows.clone());
        }
        Some(self.starts[..self.nodes].iter().map(|start| self.rows[*start as usize]).collect())
    }
}

fn same_bits(a: &[f32], b: &[f32]) -> bool {
    a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}
