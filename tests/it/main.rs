//! The integration tests, in one binary: real processes, real clients, real stores.
//! How to run and extend them: `docs/testing.md`.

mod blocks;
mod command_line;
mod copy_files;
mod drivers;
mod families;
mod fleet;
mod guard;
mod open_files;
mod peer;
mod pipeline;
mod process;
mod program;
#[path = "../cluster/mod.rs"]
mod promises;
mod slt;
mod snapshots;
mod stores;
mod telemetry;
mod tokio_driver;
mod tools;
mod tour;
