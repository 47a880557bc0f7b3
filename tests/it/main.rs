//! The integration tests, in one binary: real processes, real clients, real stores.
//! How to run and extend them: `docs/testing.md`.

mod fleet;
mod peer;
mod process;
mod slt;
mod stores;
