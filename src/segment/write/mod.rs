//! Making segments: [`Writer`] buffers, sorts and writes objects; [`merge()`] makes few of many.

mod draft;
mod encode;
mod merge;
#[cfg(test)]
mod tests;
mod writer;

pub use draft::{Draft, Drafts};
pub use merge::{MergeMap, Merged, Moved, merge};
pub use writer::{Writer, WriterOptions};
