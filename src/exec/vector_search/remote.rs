//! Search through an index that is far away: only the lists that are looked into are read, and of the
//! vectors only the pages with those of the best rows ([`crate::segment::RemotePart`]).

use std::sync::Arc;

use datafusion::common::Result as FusionResult;

use super::indexed::failed;
use super::search::Search;
use crate::base::Result;
use crate::exec::external;
use crate::index::{Query, SearchOptions, TopK, distance};
use crate::segment::{ObjectUnit, RemotePart, Unit};

/// How many times more lists are looked into where the first ones had too few rows.
const WIDER: u32 = 4;

impl Search {
    /// As [`Search::through`](super::indexed), list by list.
    pub(super) async fn through_remote(
        &self,
        remote: &RemotePart,
        unit: &ObjectUnit,
        query: &Arc<Query>,
        mut options: SearchOptions<'_>,
        recall: Option<f32>,
    ) -> FusionResult<TopK> {
        let mut nearest = TopK::new(options.k);
        let Query::Numbers(numbers) = &**query else { return Ok(nearest) };
        let (rows, done) = loop {
            self.check_cancelled()?;
            let lists = remote.lists.probes(numbers, options.effort).map_err(failed)?;
            let read = self.reader.read_lists(unit, remote, lists).await.map_err(external)?;
            // Without its index, all of the segment's rows are compared.
            let Some(read) = read else { return Ok(nearest) };
            let found = remote.lists.candidates(numbers, &options, &read).map_err(failed)?;
            let are_all = options.effort as usize >= remote.lists.lists();
            if found.0.len() >= options.k || are_all {
                break found;
            }
            options.effort = options.effort.max(1).saturating_mul(WIDER);
        };
        self.compare_at(unit, numbers, &rows, &mut nearest).await.map_err(external)?;
        self.work.indexed(done.distances + rows.len() as u64, recall);
        Ok(nearest)
    }

    /// Compares rows by their vectors.
    async fn compare_at(
        &self,
        unit: &ObjectUnit,
        query: &[f32],
        rows: &[u32],
        nearest: &mut TopK,
    ) -> Result<()> {
        let mut show = |row: u32, vector: &[f32]| {
            nearest.push(distance(self.metric, query, vector), row.into());
        };
        if let Some(numbers) = self.reader.vectors_at(&unit.meta, &self.column, rows).await? {
            let vectors = numbers.chunks_exact(query.len());
            rows.iter().zip(vectors).for_each(|(row, vector)| show(*row, vector));
            return Ok(());
        }
        let unit = Unit::Object(unit.clone());
        if let Some(vectors) = self.reader.vectors(&unit, &self.column).await? {
            let vector = |row: &u32| vectors.vector(*row as usize).map(|vector| (*row, vector));
            rows.iter().filter_map(vector).for_each(|(row, vector)| show(row, vector));
        }
        Ok(())
    }
}
