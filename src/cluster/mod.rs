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
//! May use `base` and `store`. Never decides what a node does when it has lost its lease.

mod membership;
mod node;

#[cfg(test)]
mod tests;

pub use membership::{Membership, MembershipConfig};
pub use node::{LiveNode, live_nodes, nodes_range};

#[cfg(doc)]
use crate::base::Incarnation;
