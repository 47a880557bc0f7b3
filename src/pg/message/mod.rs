//! The messages of the protocol, version 3: bytes to values and values to bytes, no I/O.
//!
//! Redkite has its own codec, and pgwire's reads its output in the tests. pgwire 0.41's
//! decoders panic on a message that ends early (`get_u16` and `split_to` past the end), read
//! beyond a message's length into its successor, replace invalid UTF-8 silently and copy each
//! string (`docs/adr/0001-own-wire-codec.md`). Here a message is decoded from exactly its own
//! bytes, borrows from them, and every malformed one is an error with PostgreSQL's SQLSTATE.

pub(super) mod backend;
mod cursor;
pub(super) mod frontend;
pub(super) mod startup;
