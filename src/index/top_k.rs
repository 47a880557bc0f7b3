//! The best k of many: a bounded heap ordered by distance, then by row id, so that the same rows
//! win whatever order they come in.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A candidate: a row and how far it is.
#[derive(Clone, Copy, Debug)]
pub struct Neighbour {
    /// How far; NaN is farther than everything, as PostgreSQL sorts it.
    pub distance: f64,
    /// The row: whatever number names it where the search runs.
    pub row: u64,
}

impl Neighbour {
    /// PostgreSQL's order of floats (NaN last, zeros equal), then the row.
    fn order(&self, other: &Self) -> Ordering {
        let distances = match self.distance.partial_cmp(&other.distance) {
            Some(ordering) => ordering,
            None => self.distance.is_nan().cmp(&other.distance.is_nan()),
        };
        distances.then_with(|| self.row.cmp(&other.row))
    }
}

impl PartialEq for Neighbour {
    fn eq(&self, other: &Self) -> bool {
        self.order(other) == Ordering::Equal
    }
}

impl Eq for Neighbour {}

impl PartialOrd for Neighbour {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Neighbour {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order(other)
    }
}

/// What exact search shows rows to.
pub trait Keep {
    /// Whether nothing that is shown can be kept.
    fn is_closed(&self) -> bool;

    /// The distance that a row must not exceed to be kept.
    fn threshold(&self) -> f64;

    /// Shows a row.
    fn push(&mut self, distance: f64, row: u64);
}

/// Everything is kept, in the order in which it comes.
impl Keep for Vec<Neighbour> {
    fn is_closed(&self) -> bool {
        false
    }

    #[inline]
    fn threshold(&self) -> f64 {
        f64::INFINITY
    }

    #[inline]
    fn push(&mut self, distance: f64, row: u64) {
        Vec::push(self, Neighbour { distance, row });
    }
}

impl Keep for TopK {
    fn is_closed(&self) -> bool {
        self.k == 0
    }

    #[inline]
    fn threshold(&self) -> f64 {
        Self::threshold(self)
    }

    #[inline]
    fn push(&mut self, distance: f64, row: u64) {
        Self::push(self, distance, row);
    }
}

/// Keeps the k nearest of the candidates it is shown.
#[derive(Debug)]
pub struct TopK {
    k: usize,
    heap: BinaryHeap<Neighbour>,
}

impl TopK {
    /// Room made before the first candidate comes: k is the client's number.
    const CAPACITY_MAX: usize = 4096;

    /// Keeps the `k` nearest.
    pub fn new(k: usize) -> Self {
        Self { k, heap: BinaryHeap::with_capacity(k.min(Self::CAPACITY_MAX)) }
    }

    /// How many are kept at most.
    pub fn k(&self) -> usize {
        self.k
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// The distance that a candidate must not exceed to be kept: infinity until there are k.
    #[inline]
    pub fn threshold(&self) -> f64 {
        if self.heap.len() < self.k {
            return f64::INFINITY;
        }
        self.heap.peek().map_or(f64::NEG_INFINITY, |worst| worst.distance)
    }

    /// Whether a candidate at this distance might be kept; NaN might until there are k numbers.
    #[inline]
    pub fn might_keep(&self, distance: f64) -> bool {
        let threshold = self.threshold();
        distance <= threshold || (self.k > 0 && (threshold.is_nan() || self.heap.len() < self.k))
    }

    /// Shows a candidate.
    #[inline]
    pub fn push(&mut self, distance: f64, row: u64) {
        if self.might_keep(distance) {
            self.keep(Neighbour { distance, row });
        }
    }

    #[cold]
    fn keep(&mut self, candidate: Neighbour) {
        if self.heap.len() < self.k {
            self.heap.push(candidate);
        } else if let Some(mut worst) = self.heap.peek_mut()
            && candidate < *worst
        {
            *worst = candidate;
        }
    }

    /// Shows all that another one kept.
    pub fn merge(&mut self, other: Self) {
        for neighbour in other.heap {
            self.push(neighbour.distance, neighbour.row);
        }
    }

    /// The nearest first.
    pub fn into_sorted(self) -> Vec<Neighbour> {
        self.heap.into_sorted_vec()
    }
}
