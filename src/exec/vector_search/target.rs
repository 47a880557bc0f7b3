//! What is searched and what comes of it, apart from the query: the same for one vector and for many.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::common::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::PhysicalExpr;

use super::VectorSearch;
use super::filter::Filter;
use super::search::Search;
use super::within::Within;
use super::work::Work;
use crate::base::Oid;
use crate::exec::leaf::{Access, Leaf};
use crate::exec::run::Bound;
use crate::exec::source::{self, Reads};
use crate::exec::{external, read};
use crate::index::{Metric, Query};
use crate::segment::{Column, Reader, TableVersion};
use crate::types::PgType;

/// A table's column to search, and the winners' columns to read.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) oid: Oid,
    pub(super) name: String,
    pub(super) column: Column,
    cast: Option<PgType>,
    pub(super) metric: Metric,
    pub(super) k: usize,
    pub(super) within: Option<Within>,
    unset_first: bool,
    pub(super) filter: Option<Arc<Filter>>,
    /// The columns that the filter reads.
    filter_reads: Option<Reads>,
    /// The columns of the winners.
    reads: Reads,
    reorder: Vec<usize>,
    /// Rows are to be changed: a search for all within a distance has to find all.
    changes: bool,
    /// What the searches of this operator did, for EXPLAIN ANALYZE.
    pub(super) work: Arc<Work>,
}

impl Target {
    pub(super) fn of(
        node: &VectorSearch,
        filter: Option<source::Filter>,
        within: Option<Within>,
    ) -> Result<Self> {
        let source = &node.source;
        let hidden_from = source.table().columns.len();
        let (mut places, mut hidden): (Vec<usize>, Vec<usize>) =
            node.projection.iter().partition(|place| **place < hidden_from);
        hidden.sort_unstable();
        let changes = !hidden.is_empty();
        places.extend(hidden);
        let reorder = node
            .projection
            .iter()
            .map(|place| places.iter().position(|at| at == place).unwrap_or_default())
            .collect();
        let filter_reads = filter.as_ref().map(|filter| {
            let mut reads = source.reads(&filter.places);
            reads.address = true;
            reads
        });
        let filter = match (filter, &filter_reads) {
            (Some(filter), Some(reads)) => {
                Some(Arc::new(Filter::new(filter.predicate, &reads.schema)?))
            }
            _ => None,
        };
        Ok(Self {
            oid: source.oid(),
            name: node.name.to_string(),
            column: node.column.clone(),
            cast: node.cast.clone(),
            metric: node.metric,
            k: node.k,
            within,
            unset_first: node.unset_first,
            filter,
            filter_reads,
            reads: source.reads(&places),
            reorder,
            changes,
            work: Arc::default(),
        })
    }

    /// What EXPLAIN shows of a search for what an expression gives.
    pub(super) fn leaf(&self, query: &Arc<dyn PhysicalExpr>) -> Leaf {
        let access = Access::VectorSearch {
            column: self.column.field.name().clone(),
            cast: self.cast.clone(),
            metric: self.metric,
            query: Arc::clone(query),
            within: self.within.as_ref().map(|within| Arc::clone(&within.predicate)),
            work: self.work.so_far(),
        };
        let filter = self.filter.as_ref().map(|filter| Arc::clone(&filter.predicate));
        let limit = (self.k < usize::MAX).then_some(self.k);
        Leaf { table: self.oid, access, filter, limit }
    }

    /// The search for one vector, NULL where there is none, in a run.
    pub(super) fn search(
        &self,
        bound: &Bound,
        version: &Arc<TableVersion>,
        context: &TaskContext,
        query: Option<Query>,
    ) -> Result<Search> {
        let mut settings = bound.search();
        settings.use_indexes &= !(self.changes && self.k == usize::MAX);
        let within = self.within.clone();
        let takes_undefined = match &within {
            Some(within) => self.metric == Metric::Cosine && within.takes_undefined()?,
            None => self.unset_first,
        };
        Ok(Search {
            reader: Arc::clone(bound.reader()),
            version: Arc::clone(version),
            column: self.column.clone(),
            cast: self.cast.clone(),
            metric: self.metric,
            query: query.map(Arc::new),
            k: self.k,
            within,
            takes_undefined,
            unset_first: self.unset_first,
            filter: self.filter.clone().zip(self.filter_reads.clone()),
            settings,
            cancelled: bound.cancelled(),
            work: Arc::clone(&self.work),
            threads: context.session_config().target_partitions(),
            batch_rows: context.session_config().batch_size(),
        })
    }

    /// The expressions that are evaluated, but the query.
    pub(super) fn expressions(&self) -> impl Iterator<Item = &Arc<dyn PhysicalExpr>> {
        let filter = self.filter.as_ref().map(|filter| &filter.predicate);
        filter.into_iter().chain(self.within.as_ref().map(|within| &within.predicate))
    }

    /// The output's columns of rows, in the order of their addresses.
    pub(super) async fn take(
        &self,
        reader: &Arc<Reader>,
        version: &TableVersion,
        addresses: &[u64],
    ) -> Result<Vec<ArrayRef>> {
        let batch: RecordBatch =
            read::take(reader, version, addresses, &self.reads).await.map_err(external)?;
        Ok(self.reorder.iter().map(|&at| Arc::clone(batch.column(at))).collect())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, column) = (&self.name, self.column.field.name());
        write!(f, "table={name}, column={column}, metric={}", self.metric)?;
        if self.k < usize::MAX {
            write!(f, ", k={}", self.k)?;
        }
        if let Some(within) = &self.within {
            write!(f, ", within={}", within.predicate)?;
        }
        match &self.filter {
            Some(filter) => write!(f, ", filter={}", filter.predicate),
            None => Ok(()),
        }
    }
}
