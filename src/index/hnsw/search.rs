//! Searches a graph: greedily down the upper levels, then on the lowest until the best `ef` nodes
//! that the selection takes are known. With a selection the search goes on until there are `ef`
//! of its rows, so it finds as much of what is wanted as one without.

use std::cmp::Reverse;
use std::sync::atomic::AtomicBool;

use super::graph::{Graph, NONE};
use super::nodes::Nodes;
use super::visited::{Scratch, with_scratch};
use crate::index::candidate::Candidate;
use crate::index::error::IndexError;
use crate::index::part::{SearchOptions, SearchWork};
use crate::index::selection::Selection;
use crate::index::work;

/// Nodes expanded between two looks at the flag that cancels.
const CHECK_EVERY: u64 = 64;

/// A search of a graph.
pub(in crate::index) struct Search<'a> {
    pub(in crate::index) graph: &'a Graph,
    pub(in crate::index) options: &'a SearchOptions<'a>,
    pub(in crate::index) chosen: Selection<'a>,
    /// Takes the rows that were found and their distances, the order being no particular one.
    pub(in crate::index) show: &'a mut dyn FnMut(f64, u32),
}

impl Search<'_> {
    /// Runs over nodes whose vectors lie where `nodes` knows.
    pub(in crate::index) fn run(self, nodes: &impl Nodes) -> Result<SearchWork, IndexError> {
        if self.graph.nodes == 0 || self.options.k == 0 {
            return Ok(SearchWork::default());
        }
        with_scratch(self.graph.nodes, |scratch| {
            let mut walk = Walk {
                graph: self.graph,
                nodes,
                chosen: self.chosen,
                width: self
                    .options
                    .k
                    .max(self.options.effort as usize)
                    .min(self.chosen.count_max(self.graph.len())),
                scratch,
                work: SearchWork::default(),
            };
            walk.descend();
            walk.explore(self.options.cancelled)?;
            walk.harvest(self.show);
            Ok(walk.work)
        })
    }
}

struct Walk<'a, N> {
    graph: &'a Graph,
    nodes: &'a N,
    chosen: Selection<'a>,
    /// Nodes to find.
    width: usize,
    scratch: &'a mut Scratch,
    work: SearchWork,
}

impl<N: Nodes> Walk<'_, N> {
    fn distance(&mut self, node: u32) -> Candidate {
        self.work.distances += 1;
        Candidate::new(self.nodes.near(node), node)
    }

    /// Finds where to enter the lowest level.
    fn descend(&mut self) {
        let graph = self.graph;
        let mut place = graph.entry;
        for (at, level) in graph.levels.iter().enumerate().rev() {
            let mut best = self.distance(level.nodes[place as usize]);
            loop {
                let from = place as usize * graph.m;
                let before = place;
                for link in &level.links[from..from + graph.m] {
                    if *link == NONE {
                        break;
                    }
                    let candidate = self.distance(level.nodes[*link as usize]);
                    if candidate < best {
                        (best, place) = (candidate, *link);
                    }
                }
                if place == before {
                    break;
                }
            }
            let node = level.nodes[place as usize];
            // A node of a level is on all below: if not, the graph is not ours, and any start is right.
            place = match at.checked_sub(1).and_then(|below| graph.levels.get(below)) {
                Some(below) => below.nodes.binary_search(&node).unwrap_or(0) as u32,
                None => node,
            };
        }
        self.enter(place);
    }

    /// Begins, or begins again, at a node.
    fn enter(&mut self, node: u32) {
        if self.scratch.visited.meet(node) {
            let candidate = self.distance(node);
            self.consider(candidate);
        }
    }

    /// Takes a node whose distance is known into account.
    #[inline]
    fn consider(&mut self, candidate: Candidate) {
        let found = &mut self.scratch.found;
        let full = found.len() >= self.width;
        if full && found.peek().is_some_and(|worst| candidate >= *worst) {
            return;
        }
        self.scratch.frontier.push(Reverse(candidate));
        let node = candidate.number();
        if !self.graph.any_row(node, |row| self.chosen.takes(row)) {
            return;
        }
        if full {
            found.pop();
        }
        found.push(candidate);
    }

    /// Looks at neighbours of the nearest nodes until no nearer ones can be met.
    fn explore(&mut self, cancelled: &AtomicBool) -> Result<(), IndexError> {
        let mut swept = 0;
        loop {
            while let Some(Reverse(nearest)) = self.scratch.frontier.pop() {
                let found = &self.scratch.found;
                if found.len() >= self.width
                    && found.peek().is_some_and(|worst| nearest.is_farther_than(*worst))
                {
                    return Ok(());
                }
                self.work.expanded += 1;
                if self.work.expanded.is_multiple_of(CHECK_EVERY) {
                    work::check(cancelled)?;
                }
                self.expand(nearest.number());
            }
            // All that can be reached from here was seen: begin again at a node that was not.
            if self.scratch.found.len() >= self.width || swept >= self.graph.nodes {
                return Ok(());
            }
            self.enter(swept as u32);
            swept += 1;
            if swept.is_multiple_of(CHECK_EVERY as usize) {
                work::check(cancelled)?;
            }
        }
    }

    /// Meets the neighbours of a node, four at a time.
    #[inline]
    fn expand(&mut self, node: u32) {
        let graph = self.graph;
        let degree = graph.m * 2;
        let from = node as usize * degree;
        let mut four = [0; 4];
        let mut waiting = 0;
        for link in &graph.links[from..from + degree] {
            if *link == NONE {
                break;
            }
            if !self.scratch.visited.meet(*link) {
                continue;
            }
            four[waiting] = *link;
            waiting += 1;
            if waiting == 4 {
                waiting = 0;
                let distances = self.nodes.four_near(four);
                self.work.distances += 4;
                for (node, distance) in four.iter().zip(distances) {
                    self.consider(Candidate::new(distance, *node));
                }
            }
        }
        for node in &four[..waiting] {
            let candidate = self.distance(*node);
            self.consider(candidate);
        }
    }

    /// Shows the rows that were found.
    fn harvest(&mut self, show: &mut dyn FnMut(f64, u32)) {
        for candidate in self.scratch.found.drain() {
            let distance = self.nodes.distance(candidate.number());
            self.graph.any_row(candidate.number(), |row| {
                if self.chosen.takes(row) {
                    self.work.candidates += 1;
                    show(distance, row);
                }
                false
            });
        }
    }
}
