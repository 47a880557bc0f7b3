//! What a search remembers and a thread keeps for its next search, so that a search allocates
//! nothing that grows with the graph.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::index::candidate::Candidate;

/// The nodes that were met: a mark each, of the search that set it.
#[derive(Debug, Default)]
pub(super) struct Visited {
    marks: Vec<u8>,
    mark: u8,
}

impl Visited {
    /// Forgets all; from now on there are `nodes` of them.
    pub(super) fn reset(&mut self, nodes: usize) {
        if self.marks.len() < nodes {
            self.marks.resize(nodes, 0);
        }
        self.mark = self.mark.wrapping_add(1);
        if self.mark == 0 {
            self.marks.fill(0);
            self.mark = 1;
        }
    }

    /// Marks a node; whether it was not marked before.
    #[inline]
    pub(super) fn meet(&mut self, node: u32) -> bool {
        std::mem::replace(&mut self.marks[node as usize], self.mark) != self.mark
    }
}

/// What a search works with.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) visited: Visited,
    /// Nodes whose neighbours were not looked at yet, the nearest first.
    pub(super) frontier: BinaryHeap<Reverse<Candidate>>,
    /// The best nodes that the selection takes, the farthest first.
    pub(super) found: BinaryHeap<Candidate>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Runs with this thread's scratch, emptied, for a graph of `nodes`.
pub(super) fn with_scratch<T>(nodes: usize, run: impl FnOnce(&mut Scratch) -> T) -> T {
    SCRATCH.with_borrow_mut(|scratch| {
        scratch.visited.reset(nodes);
        scratch.frontier.clear();
        scratch.found.clear();
        run(scratch)
    })
}
