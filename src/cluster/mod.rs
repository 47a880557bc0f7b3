//! Rank 3: who is alive.
//!
//! **Promise.** A process is a member of its cluster under its [`Incarnation`]: one key, under one
//! lease, that only this start of this process ever puts. While the key is there, its
//! objects are not garbage, and nobody removes what its oldest snapshot can read; once the key is
//! gone, no commit of it can succeed ([`Membership::fence_key`]), and it stops reading before
//! that ([`Membership::is_alive`]): a node that can't prove its lease waits
//! ([`Membership::proven`]) until the store says that it has lasted, or that it is gone for good
//! ([`Membership::gone`]).
//!
//! What their sessions tell each other is on the [`Board`]: locks that they take, questions that one
//! node asks another. It is under the same lease, and so never tells of who is dead.
//!
//! May use `base` and `store`. Never decides what a node does when it has lost its lease.

mod board;
mod letters;
mod locks;
mod membership;
mod node;

#[cfg(test)]
mod tests;

pub use board::{Board, BoardConfig};
pub use letters::Question;
pub use locks::{Acquired, Edge, Hold, Leaving, Lock, LockTag, Wanted};
pub use membership::{Membership, MembershipConfig};
pub use node::{LiveNode, live_nodes, nodes_range};

#[cfg(doc)]
use crate::base::Incarnation;
