//! Rank 9: the composition root. It builds the layers bottom-up, owns their tasks, and takes them
//! down again; the only place that knows all concrete types.

mod bootstrap;
mod configuration;
mod configuration_file;
mod drain;
mod guard;
mod http;
mod inspect;
mod serve;
mod telemetry;
#[cfg(test)]
mod tests;

pub use crate::pg::{TlsFiles, TlsMode};
pub use configuration::{Configuration, Metadata};
pub use configuration_file::with_configuration_file;
pub use drain::drain;
pub use guard::Guard;
pub use inspect::{check, status};
pub use serve::{Node, StartError};
pub use telemetry::{Telemetry, TelemetryOptions};
