//! Which nodes a search can't reach.

use super::graph::NONE;

/// One node of each part of the lowest level that can't be reached from `entries`, the nodes at
/// which a search may enter that level.
pub(super) fn islands(links: &[u32], degree: usize, entries: &[u32]) -> Vec<u32> {
    let nodes = links.len() / degree;
    let mut reached = vec![false; nodes];
    let mut stack = Vec::new();
    let mut flood = |from: u32, reached: &mut Vec<bool>| {
        reached[from as usize] = true;
        stack.push(from);
        while let Some(node) = stack.pop() {
            let from = node as usize * degree;
            for next in links[from..from + degree].iter().take_while(|next| **next != NONE) {
                if !std::mem::replace(&mut reached[*next as usize], true) {
                    stack.push(*next);
                }
            }
        }
    };
    for entry in entries {
        flood(*entry, &mut reached);
    }
    let mut islands = Vec::new();
    for node in 0..nodes as u32 {
        if !reached[node as usize] {
            flood(node, &mut reached);
            islands.push(node);
        }
    }
    islands
}
