//! Equal vectors share a node.

use std::hash::BuildHasher;

use crate::index::error::IndexError;
use crate::index::points::Indexed;
use crate::index::work::Work;

/// Which rows each node stands for: `rows[starts[node]..starts[node + 1]]`, ascending; nodes are
/// in the order of their first rows. Without `starts` each node stands for one row, without
/// `rows` either for the row of its own number.
#[derive(Debug, Default)]
pub(super) struct Groups {
    pub(super) nodes: usize,
    pub(super) rows: Vec<u32>,
    pub(super) starts: Vec<u32>,
    /// The number among the indexed rows of each node's first one; without `starts` its own number.
    pub(super) firsts: Vec<u32>,
}

impl Groups {
    /// Finds equal vectors by their bytes.
    pub(super) fn of(points: &impl Indexed, work: &Work<'_>) -> Result<Self, IndexError> {
        let hasher = foldhash::fast::FixedState::default();
        let count = points.count();
        let mut hashes: Vec<(u64, u32)> = Vec::with_capacity(count);
        for at in 0..count {
            if at.is_multiple_of(4096) {
                work.check()?;
            }
            hashes.push((hasher.hash_one(points.bytes_at(at)), at as u32));
        }
        hashes.sort_unstable();
        let row = |at: u32| points.row_at(at as usize);
        if hashes.windows(2).all(|pair| pair[0].0 != pair[1].0) {
            let rows = match points.are_all() {
                true => Vec::new(),
                false => (0..count as u32).map(row).collect(),
            };
            return Ok(Self { nodes: count, rows, ..Self::default() });
        }
        // Each with the first one that has its vector.
        let mut members: Vec<(u32, u32)> = Vec::with_capacity(count);
        let mut firsts = Vec::new();
        for run in hashes.chunk_by(|a, b| a.0 == b.0) {
            firsts.clear();
            for (_, at) in run {
                let bytes = points.bytes_at(*at as usize);
                let same = |first: &&u32| points.bytes_at(**first as usize) == bytes;
                let first = firsts.iter().find(same).copied().unwrap_or(*at);
                if first == *at {
                    firsts.push(first);
                }
                members.push((first, *at));
            }
        }
        drop(hashes);
        members.sort_unstable();
        let (mut starts, mut firsts) = (Vec::new(), Vec::new());
        for (place, (first, at)) in members.iter().enumerate() {
            if first == at {
                starts.push(place as u32);
                firsts.push(*at);
            }
        }
        let nodes = starts.len();
        starts.push(members.len() as u32);
        let rows = members.into_iter().map(|(_, at)| row(at)).collect();
        Ok(Self { nodes, rows, starts, firsts })
    }

    /// The first row of each node; `None`: the row of its own number.
    pub(super) fn first_rows(&self) -> Option<Vec<u32>> {
        if self.starts.is_empty() {
            return (!self.rows.is_empty()).then(|| self.rows.clone());
        }
        Some(self.starts[..self.nodes].iter().map(|start| self.rows[*start as usize]).collect())
    }
}
