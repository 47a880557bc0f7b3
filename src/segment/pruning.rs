//! Statistics in the form that DataFusion's `PruningPredicate` asks for: of segments, without
//! I/O, and of a segment's row groups.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, UInt64Array};
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column as ColumnName, ScalarValue};

use super::bounds::{self, ColumnStatistics};
use super::{Column, SegmentMeta};
use crate::base::ColumnId;

/// The statistics of one container: a segment or a row group.
#[derive(Debug, Clone)]
pub struct GroupStatistics<'a> {
    /// How many rows.
    pub rows: u64,
    columns: Lookup<'a>,
}

#[derive(Debug, Clone)]
enum Lookup<'a> {
    Segment(&'a SegmentMeta),
    Group(&'a [ColumnId], &'a [ColumnStatistics]),
}

impl<'a> GroupStatistics<'a> {
    /// Of a whole segment.
    pub fn of_segment(meta: &'a SegmentMeta) -> Self {
        Self { rows: u64::from(meta.rows), columns: Lookup::Segment(meta) }
    }

    pub(super) fn of_group(
        rows: u64,
        ids: &'a [ColumnId],
        statistics: &'a [ColumnStatistics],
    ) -> Self {
        Self { rows, columns: Lookup::Group(ids, statistics) }
    }

    fn statistics(&self, id: ColumnId) -> Option<&'a ColumnStatistics> {
        match self.columns {
            Lookup::Segment(meta) => meta.statistics.get(&id),
            Lookup::Group(ids, statistics) => {
                statistics.get(ids.iter().position(|&column| column == id)?)
            }
        }
    }

    fn has(&self, id: ColumnId) -> bool {
        match self.columns {
            Lookup::Segment(meta) => meta.columns.contains(&id),
            Lookup::Group(ids, _) => ids.contains(&id),
        }
    }
}

/// Statistics of several containers for the columns of a scan, which predicates know by name.
#[derive(Debug)]
pub struct Statistics<'a> {
    columns: &'a [Column],
    groups: Vec<GroupStatistics<'a>>,
}

impl<'a> Statistics<'a> {
    /// Statistics of these containers.
    pub fn new(columns: &'a [Column], groups: Vec<GroupStatistics<'a>>) -> Self {
        Self { columns, groups }
    }

    /// Statistics of whole segments.
    pub fn of_segments(
        columns: &'a [Column],
        segments: impl IntoIterator<Item = &'a SegmentMeta>,
    ) -> Self {
        Self::new(columns, segments.into_iter().map(GroupStatistics::of_segment).collect())
    }

    fn column(&self, name: &ColumnName) -> Option<&'a Column> {
        self.columns.iter().find(|column| column.field.name() == name.name())
    }

    fn values(
        &self,
        name: &ColumnName,
        side: impl Fn(&'a ColumnStatistics) -> Option<&'a bounds::Bound>,
    ) -> Option<ArrayRef> {
        let column = self.column(name)?;
        let known = self.groups.iter().map(|group| group.statistics(column.id).and_then(&side));
        let array = bounds::to_array(known, column.data_type())?;
        (array.data_type() == column.data_type()).then_some(array)
    }
}

impl PruningStatistics for Statistics<'_> {
    fn min_values(&self, column: &ColumnName) -> Option<ArrayRef> {
        self.values(column, |statistics| statistics.min.as_ref())
    }

    fn max_values(&self, column: &ColumnName) -> Option<ArrayRef> {
        self.values(column, |statistics| statistics.max.as_ref())
    }

    fn num_containers(&self) -> usize {
        self.groups.len()
    }

    fn null_counts(&self, name: &ColumnName) -> Option<ArrayRef> {
        let column = self.column(name)?;
        let counts = self.groups.iter().map(|group| match group.statistics(column.id) {
            Some(statistics) => Some(statistics.nulls),
            // Added after the container was written: all rows have the missing value.
            None if !group.has(column.id) && column.missing.is_null() => Some(group.rows),
            None => None,
        });
        Some(Arc::new(counts.collect::<UInt64Array>()))
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        let counts = self.groups.iter().map(|group| group.rows);
        Some(Arc::new(UInt64Array::from_iter_values(counts)))
    }

    fn contained(&self, _: &ColumnName, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
