//! Rank 8: the PostgreSQL wire protocol, versions 3.0 and 3.2.
//!
//! `serve` accepts connections; each has a task: `startup` lets it in, `connection` reads its
//! messages and answers, `extended` has the extended protocol's part of that, `pipeline`
//! what of it goes together, `copy_out` the rows of COPY TO, `rows` turns Arrow batches into rows. `wire` is the socket, `message` the codec,
//! and `backend` the narrow seam to [`crate::session`].
//!
//! May use the session, types and plan's plain values. Never plans, never touches storage, and
//! trusts nothing that a client says: not a length, not a count, not an encoding.

mod back_off;
mod backend;
mod certificate;
mod connection;
mod copy_out;
mod extended;
mod failure;
mod listener;
mod message;
mod options;
mod parameters;
mod pipeline;
mod portal;
mod rows;
mod scram;
mod startup;
mod tls;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use backend::{
    Authentication, Mode, Origin, Outcome, OutputColumn, Server, Session, Startup, Status,
};
pub use tls::{Tls, TlsFiles, TlsMode};

/// Serves connections until `shutdown` is cancelled. Then idle clients are told (57P01), busy
/// ones have `grace` to finish, what still runs is stopped, and it returns.
pub async fn serve<B: Server>(
    listener: TcpListener,
    server: Arc<B>,
    tls: Option<Arc<Tls>>,
    (shutdown, grace): (CancellationToken, Duration),
) {
    listener::accept(listener, server, tls, (shutdown, grace)).await;
}

#[cfg(test)]
mod tests;
