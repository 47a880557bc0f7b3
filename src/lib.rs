//! Redkite: a distributed vector database that any PostgreSQL client can use.

pub mod base;
pub mod catalog;
pub mod cluster;
pub mod copy;
pub mod exec;
pub mod index;
pub mod maintenance;
pub mod node;
pub mod pg;
pub mod plan;
pub mod segment;
pub mod session;
pub mod store;
pub mod txn;
pub mod types;
