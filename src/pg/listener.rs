//! Accepts connections, each in a task of its own, and ends them in good order.

use std::future::Future;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::backend::{Server, Session as _};
use super::connection::Connection;
use super::failure::Failure;
use super::startup::{Policy, fatal, greet};
use super::tls::{Secured, Tls, secure};
use super::wire::Wire;
use crate::base::limits::CONNECTIONS_UNAUTHENTICATED_MAX;
use crate::base::{OsRandom, SqlError, SqlState, SystemClock};

/// A stranger has so long to prove who it is (PostgreSQL's `authentication_timeout`).
const AUTHENTICATION_TIMEOUT: Duration = Duration::from_mins(1);
/// Statements that were stopped when the server stops have so long to say so.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);
/// What a connection holds on other nodes is waited for so long at its end.
const END_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection that is silent for so long is probed.
const KEEPALIVE_IDLE: Duration = Duration::from_mins(1);
/// And so often, until it counts as dead.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// After a failed accept (no file descriptors left), before the next.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves connections until `shutdown`; then tells the idle ones, waits a while for the busy
/// ones, and returns.
pub(super) async fn accept<B: Server>(
    listener: TcpListener,
    server: Arc<B>,
    tls: Option<Arc<Tls>>,
    (shutdown, grace): (CancellationToken, Duration),
) {
    let policy = Policy {
        authentication_timeout: AUTHENTICATION_TIMEOUT,
        tls_required: tls.as_ref().is_some_and(|tls| tls.is_required()),
        back_off: Arc::default(),
        clock: Arc::new(SystemClock::new()),
        random: Arc::new(OsRandom),
    };
    let strangers = Arc::new(Semaphore::new(CONNECTIONS_UNAUTHENTICATED_MAX));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(stranger) = Arc::clone(&strangers).try_acquire_owned() else {
            debug!(%peer, "too many connections before authentication");
            continue;
        };
        prepare_socket(&stream);
        let (server, policy, shutdown) = (Arc::clone(&server), policy.clone(), shutdown.clone());
        let tls = tls.clone();
        connections.spawn(async move {
            let secured = secure(stream, tls.as_deref());
            match tokio::time::timeout(policy.authentication_timeout, secured).await {
                Ok(Ok((stream, secured))) => {
                    let came = (Some(peer), secured);
                    converse(stream, came, server, policy, shutdown, stranger).await;
                }
                Ok(Err(error)) => debug!(%peer, ?error, "no connection came about"),
                Err(_) => debug!(%peer, "a connection said nothing"),
            }
        });
    }
    drop(listener);
    let count = connections.len();
    if count > 0 {
        info!(count, "waiting for connections to end");
    }
    if !ended_within(&mut connections, grace).await {
        warn!(count = connections.len(), "stopping statements that still run");
        server.stop_all();
        if !ended_within(&mut connections, STOP_TIMEOUT).await {
            warn!(count = connections.len(), "ending connections that are still busy");
            connections.shutdown().await;
        }
    }
}

/// Whether all connections have ended in time.
async fn ended_within(connections: &mut JoinSet<()>, time: Duration) -> bool {
    let all = async { while connections.join_next().await.is_some() {} };
    tokio::time::timeout(time, all).await.is_ok()
}

/// Small messages go out at once, and a client whose machine is gone is found out.
fn prepare_socket(stream: &TcpStream) {
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_IDLE).with_interval(KEEPALIVE_INTERVAL);
    let set =
        stream.set_nodelay(true).and_then(|()| SockRef::from(stream).set_tcp_keepalive(&keepalive));
    if let Err(error) = set {
        debug!(%error, "cannot set a socket's options");
    }
}

/// One connection from its first byte to its last. A panic in here is this connection's only.
pub(super) async fn converse<S, B>(
    stream: S,
    (peer, mut secured): (Option<SocketAddr>, Secured),
    server: Arc<B>,
    policy: Policy,
    shutdown: CancellationToken,
    stranger: impl Send,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    B: Server,
{
    let mut wire = Wire::new(stream);
    wire.has_read(&std::mem::take(&mut secured.read));
    let greeted = tokio::select! {
        biased;
        () = shutdown.cancelled() => Ok(Err(starting_or_stopping())),
        greeted = tokio::time::timeout(
            policy.authentication_timeout,
            caught(greet(&mut wire, &server, (peer, &secured), &policy)),
        ) => greeted,
    };
    drop(stranger);
    let session = match greeted {
        Ok(Ok(Some(session))) => session,
        Ok(Ok(None)) => return wire.close().await,
        Ok(Err(failure)) => return farewell(&mut wire, fatal(failure)).await,
        // As PostgreSQL: who has not said who it is, is told nothing.
        Err(_) => return,
    };
    let mut connection = Connection::new(wire, server, session, shutdown);
    let ended = caught(connection.run()).await;
    let Connection { mut wire, mut session, .. } = connection;
    // Before the client can see the end of the connection, what it held is given back.
    if tokio::time::timeout(END_TIMEOUT, session.end()).await.is_err() {
        warn!("what a connection held is given back later");
    }
    drop(session);
    match ended {
        Ok(()) => wire.close().await,
        Err(failure) => farewell(&mut wire, failure).await,
    }
}

/// Catches a panic as an error that ends this connection. What the connection owned is dropped
/// and nothing of it is looked at again, so no broken state can be seen.
async fn caught<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(result) => result,
        Err(panic) => {
            let message = panic
                .downcast_ref::<&str>()
                .map(ToString::to_string)
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_default();
            error!(message, "a connection has panicked; it ends");
            Err(Failure::Sql(
                SqlError::fatal(SqlState::INTERNAL_ERROR, "internal error: the connection ends")
                    .with_detail(format!("A bug in Redkite: {message}.")),
            ))
        }
    }
}

fn starting_or_stopping() -> Failure {
    Failure::Sql(SqlError::fatal(
        SqlState::CANNOT_CONNECT_NOW,
        "the database system is shutting down",
    ))
}

/// Says why the connection ends, as well as that goes.
async fn farewell<S: AsyncRead + AsyncWrite + Unpin>(wire: &mut Wire<S>, failure: Failure) {
    if let Failure::Sql(error) = failure {
        wire.discard_partial();
        wire.put_error(&error);
        wire.close().await;
        wire.drain().await;
    }
}
