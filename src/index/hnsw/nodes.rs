//! How far a graph's nodes are from a query, wherever their vectors lie: in the segment's file, or with
//! the graph.

use super::graph::Graph;
use super::search::Search;
use crate::index::codes::{BitCodes, SparseCodes, elements};
use crate::index::distance::{Metric, distance};
use crate::index::error::IndexError;
use crate::index::kernel::{Kernel, WithKernel};
use crate::index::part::SearchWork;
use crate::index::query::Query;
use crate::index::sparse::{merged, sparse_distance};
use crate::index::{bit_distance, codes::Codes};

/// The nodes of a graph, seen from a query.
pub(in crate::index) trait Nodes {
    /// What orders nodes: less is nearer.
    fn near(&self, node: u32) -> f32;

    /// The same of four at once.
    #[inline]
    fn four_near(&self, nodes: [u32; 4]) -> [f32; 4] {
        nodes.map(|node| self.near(node))
    }

    /// The distance that is shown.
    fn distance(&self, node: u32) -> f64;
}

/// A search of a graph over vectors of numbers.
pub(in crate::index) struct OverNumbers<'a> {
    pub(in crate::index) search: Search<'a>,
    pub(in crate::index) values: &'a [f32],
    pub(in crate::index) metric: Metric,
    pub(in crate::index) query: &'a [f32],
}

impl WithKernel for OverNumbers<'_> {
    type Output = Result<SearchWork, IndexError>;

    fn run(self, kernel: &impl Kernel) -> Self::Output {
        let Self { search, values, metric, query } = self;
        let nodes = Numbers { graph: search.graph, values, kernel, metric, query };
        search.run(&nodes)
    }
}

struct Numbers<'a, K> {
    graph: &'a Graph,
    values: &'a [f32],
    kernel: &'a K,
    metric: Metric,
    query: &'a [f32],
}

impl<K> Numbers<'_, K> {
    #[inline]
    fn vector(&self, node: u32) -> &[f32] {
        let from = self.graph.first_row(node) as usize * self.query.len();
        &self.values[from..from + self.query.len()]
    }
}

impl<K: Kernel> Nodes for Numbers<'_, K> {
    #[inline]
    fn near(&self, node: u32) -> f32 {
        self.kernel.one(self.vector(node))
    }

    #[inline]
    fn four_near(&self, nodes: [u32; 4]) -> [f32; 4] {
        self.kernel.four(nodes.map(|node| self.vector(node)))
    }

    fn distance(&self, node: u32) -> f64 {
        distance(self.metric, self.query, self.vector(node))
    }
}

impl Search<'_> {
    /// Runs over codes with a query that fits them.
    pub(in crate::index) fn over_codes(
        self,
        codes: &Codes,
        metric: Metric,
        query: &Query,
    ) -> Result<SearchWork, IndexError> {
        match (codes, query) {
            (Codes::Bits(codes), Query::Bits { words, .. }) => {
                self.run(&Bits { codes, metric, query: words })
            }
            (Codes::Sparse(codes), Query::Sparse { places, numbers, .. }) => {
                self.run(&Sparse { codes, metric, query: (places, numbers) })
            }
            _ => Err(IndexError::Elements),
        }
    }
}

struct Bits<'a> {
    codes: &'a BitCodes,
    metric: Metric,
    query: &'a [u64],
}

impl Nodes for Bits<'_> {
    #[inline]
    fn near(&self, node: u32) -> f32 {
        self.distance(node) as f32
    }

    #[inline]
    fn distance(&self, node: u32) -> f64 {
        let code = self.codes.words(node as usize).iter().copied();
        bit_distance(self.metric, code, self.query.iter().copied())
    }
}

struct Sparse<'a> {
    codes: &'a SparseCodes,
    metric: Metric,
    query: (&'a [u32], &'a [f32]),
}

impl Nodes for Sparse<'_> {
    fn near(&self, node: u32) -> f32 {
        let (places, numbers) = self.query;
        let pairs = merged(self.codes.elements(node as usize), elements(places, numbers));
        let pairs = pairs.map(|(_, a, b)| (a, b));
        match self.metric {
            Metric::InnerProduct => -pairs.fold(0.0, |sum: f32, (a, b)| sum + a * b),
            // The query's own length is the same for all.
            Metric::Cosine => {
                let (dot, square) = pairs.fold((0.0_f32, 0.0_f32), |(dot, square), (a, b)| {
                    (dot + a * b, square + a * a)
                });
                -dot / square.sqrt()
            }
            Metric::L1 => pairs.fold(0.0, |sum: f32, (a, b)| sum + (a - b).abs()),
            _ => pairs.fold(0.0, |sum: f32, (a, b)| sum + (a - b) * (a - b)),
        }
    }

    fn distance(&self, node: u32) -> f64 {
        let (places, numbers) = self.query;
        sparse_distance(self.metric, self.codes.elements(node as usize), elements(places, numbers))
    }
}
