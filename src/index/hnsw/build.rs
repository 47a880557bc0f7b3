//! Builds a graph and lays it out for the search.

use super::graph::{Graph, Level, NONE};
use super::groups::Groups;
use crate::index::definition::IndexSpec;
use crate::index::error::IndexError;
use crate::index::faiss::{HnswGraph, NodeVectors};
use crate::index::points::{CodedPoints, Points};
use crate::index::work::Work;

/// The bytes of a part over numbers.
pub(in crate::index) fn build(
    spec: &IndexSpec,
    parameters: (u32, u32),
    points: &Points,
    work: &Work<'_>,
) -> Result<Vec<u8>, IndexError> {
    let groups = Groups::of(points, work)?;
    let first_rows = groups.first_rows();
    let vectors = NodeVectors::Numbers {
        values: points.values(),
        rows: first_rows.as_deref(),
        dimensions: spec.dimensions,
        nodes: groups.nodes,
    };
    let graph = graph(spec, parameters, vectors, (groups, points.len()), work)?;
    Ok(graph.encode(spec, points.segment_rows(), &[]))
}

/// The bytes of a part over codes, which it has itself.
pub(in crate::index) fn build_coded(
    spec: &IndexSpec,
    parameters: (u32, u32),
    points: &CodedPoints,
    work: &Work<'_>,
) -> Result<Vec<u8>, IndexError> {
    let groups = Groups::of(points, work)?;
    let selected;
    let codes = if groups.firsts.is_empty() {
        points.codes()
    } else {
        selected = points.codes().select(&groups.firsts);
        &selected
    };
    let vectors = NodeVectors::Codes(codes);
    let graph = graph(spec, parameters, vectors, (groups, points.len()), work)?;
    Ok(graph.encode(spec, points.segment_rows(), &codes.sections()))
}

/// The graph over nodes that stand for so many rows in all.
fn graph(
    spec: &IndexSpec,
    (m, ef_construction): (u32, u32),
    vectors: NodeVectors<'_>,
    (groups, rows): (Groups, usize),
    work: &Work<'_>,
) -> Result<Graph<Vec<u32>>, IndexError> {
    let mut graph = Graph {
        m: m as usize,
        nodes: groups.nodes,
        entry: 0,
        links: Vec::new(),
        rows: Vec::new(),
        starts: Vec::new(),
        levels: Vec::new(),
    };
    if groups.nodes > 0 {
        let built = HnswGraph::build(vectors, spec.metric, (m, ef_construction), work)?;
        lay_out(&built, &mut graph)?;
        // Before the bytes of the part are put together: that is the most that is held at once.
        drop(built);
        // Rows that share a node with an earlier one.
        let shared = (rows - groups.nodes) as u64;
        work.done.fetch_add(shared, std::sync::atomic::Ordering::Relaxed);
    }
    graph.rows = groups.rows;
    graph.starts = groups.starts;
    Ok(graph)
}

/// Copies FAISS's lists, level by level.
fn lay_out(built: &HnswGraph, graph: &mut Graph<Vec<u32>>) -> Result<(), IndexError> {
    let node_levels = built.levels();
    let (entry, max_level) =
        built.entry().ok_or(IndexError::Corrupt("a graph that was built without an entry"))?;
    let degree = graph.m * 2;
    graph.links = vec![NONE; graph.nodes * degree];
    for (node, list) in graph.links.chunks_exact_mut(degree).enumerate() {
        built.neighbours(node, 0, list);
    }
    for level in 1..=max_level {
        let nodes: Vec<u32> =
            (0..graph.nodes as u32).filter(|node| node_levels[*node as usize] >= level).collect();
        let mut links = vec![NONE; nodes.len() * graph.m];
        for (node, list) in nodes.iter().zip(links.chunks_exact_mut(graph.m)) {
            built.neighbours(*node as usize, level, list);
            for link in list.iter_mut().filter(|link| **link != NONE) {
                *link = place(&nodes, *link)?;
            }
        }
        graph.levels.push(Level { nodes, links });
    }
    graph.entry = match graph.levels.last() {
        Some(top) => place(&top.nodes, entry)?,
        None => entry,
    };
    Ok(())
}

fn place(nodes: &[u32], node: u32) -> Result<u32, IndexError> {
    let found = nodes.binary_search(&node);
    found.map(|at| at as u32).map_err(|_| IndexError::Corrupt("a link to a node of a lower level"))
}
