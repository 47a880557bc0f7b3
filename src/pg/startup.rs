//! From the first byte to the first ReadyForQuery: encryption refused, version and options
//! negotiated, the role authenticated, the session made.
//!
//! One message is read, answered and only then the next one looked at. Nothing a client
//! pipelines behind its startup message is executed before it is in, and any failure here
//! ends the connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

use super::back_off::BackOff;
use super::backend::{Authentication, Origin, Server, Session, Startup};
use super::failure::{Failure, Step};
use super::message::backend;
use super::message::startup::{self, Packet, Version};
use super::tls::Secured;
use super::wire::Wire;
use super::{options, scram};
use crate::base::limits::{IDENTIFIER_BYTES_MAX, SASL_MESSAGE_BYTES_MAX};
use crate::base::{Clock, Random, Severity, SqlError, SqlState};

/// How strangers are treated.
#[derive(Clone, Debug)]
pub(super) struct Policy {
    /// A stranger has so long to prove who it is.
    pub(super) authentication_timeout: Duration,
    /// Only encrypted connections are let in.
    pub(super) tls_required: bool,
    /// How long a wrong password is answered after: guessing takes time.
    pub(super) back_off: Arc<BackOff>,
    /// What that is counted by.
    pub(super) clock: Arc<dyn Clock>,
    /// Where nonces come from.
    pub(super) random: Arc<dyn Random>,
}

/// Lets a client in: its session, or `None` when it wanted only to cancel.
pub(super) async fn greet<S, B>(
    wire: &mut Wire<S>,
    server: &Arc<B>,
    (peer, secured): (Option<SocketAddr>, &Secured),
    policy: &Policy,
) -> Step<Option<B::Session>>
where
    S: AsyncRead + AsyncWrite + Unpin,
    B: Server,
{
    let Some((version, startup)) = request(wire, server, peer).await? else {
        return Ok(None);
    };
    if policy.tls_required && !secured.encrypted {
        let message = "connections must be encrypted: this server requires TLS";
        let error = SqlError::fatal(SqlState::INVALID_AUTHORIZATION_SPECIFICATION, message);
        return Err(error.with_hint("Connect with sslmode=require.").into());
    }
    authenticate(wire, server.as_ref(), (&startup, secured), policy).await?;
    backend::authentication_ok(&mut wire.output);
    wire.mark_whole();
    let mut session = server.connect(startup).await?;
    for (name, value) in session.initial_parameters() {
        backend::parameter_status(&mut wire.output, &name, &value);
    }
    let (pid, secret) = session.backend_key();
    let secret = if version >= Version::V3_2 { &secret[..] } else { short_key(&secret) };
    backend::backend_key_data(&mut wire.output, pid, secret);
    for notice in session.take_notices() {
        wire.put_error(&notice);
    }
    Ok(Some(session))
}

/// What fits protocol 3.0's BackendKeyData.
fn short_key(secret: &[u8]) -> &[u8] {
    &secret[..secret.len().min(4)]
}

/// Reads packets up to the startup message.
async fn request<S, B>(
    wire: &mut Wire<S>,
    server: &Arc<B>,
    peer: Option<SocketAddr>,
) -> Step<Option<(Version, Startup)>>
where
    S: AsyncRead + AsyncWrite + Unpin,
    B: Server,
{
    // A client may ask for TLS, for GSSAPI, and then go on without.
    for _ in 0..3 {
        let packet = wire.packet().await?;
        match startup::decode(&packet)? {
            Packet::Ssl | Packet::Gssenc => wire.send_byte(b'N').await?,
            Packet::Cancel { pid, secret } => {
                server.cancel(pid, secret);
                return Ok(None);
            }
            Packet::Startup { version, parameters } => {
                let version = negotiate(wire, version, &parameters);
                let startup = read_parameters(&parameters, peer, version >= Version::V3_2)?;
                return Ok(Some((version, startup)));
            }
        }
    }
    Err(SqlError::fatal(
        SqlState::PROTOCOL_VIOLATION,
        "expected a startup message after the requests for encryption",
    )
    .into())
}

/// Settles on a version, and tells the client when it asked for more than there is.
fn negotiate<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut Wire<S>,
    asked: Version,
    parameters: &[(&str, &str)],
) -> Version {
    let version = asked.min(Version::V3_2);
    let unknown: Vec<_> =
        parameters.iter().map(|(name, _)| *name).filter(|name| name.starts_with("_pq_.")).collect();
    if asked > version || !unknown.is_empty() {
        backend::negotiate_protocol_version(&mut wire.output, version, &unknown);
        wire.mark_whole();
    }
    version
}

fn read_parameters(
    parameters: &[(&str, &str)],
    peer: Option<SocketAddr>,
    long_key: bool,
) -> Step<Startup> {
    let (mut user, mut database, mut settings, mut from_options) = ("", "", Vec::new(), Vec::new());
    for (name, value) in parameters {
        match *name {
            "user" => user = value,
            "database" => database = value,
            "options" => from_options = options::parse(value)?,
            "replication" if matches!(*value, "0" | "false" | "off" | "no") => {}
            "replication" => {
                return Err(SqlError::fatal(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    "replication connections are not supported",
                )
                .into());
            }
            name if name.starts_with("_pq_.") => {}
            name => settings.push((name.to_owned(), (*value).to_owned())),
        }
    }
    if user.is_empty() {
        return Err(SqlError::fatal(
            SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
            "no PostgreSQL user name specified in startup packet",
        )
        .into());
    }
    let database = if database.is_empty() { user } else { database };
    from_options.extend(settings);
    Ok(Startup {
        user: identifier(user),
        database: identifier(database),
        parameters: from_options,
        peer,
        long_key,
    })
}

/// Names are cut as in SQL.
fn identifier(name: &str) -> String {
    let mut end = name.len().min(IDENTIFIER_BYTES_MAX);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name[..end].to_owned()
}

async fn authenticate<S, B>(
    wire: &mut Wire<S>,
    server: &B,
    (startup, secured): (&Startup, &Secured),
    policy: &Policy,
) -> Step
where
    S: AsyncRead + AsyncWrite + Unpin,
    B: Server,
{
    let address = startup.peer.map(|peer| peer.ip());
    let origin = Origin {
        address,
        encrypted: secured.encrypted,
        certificate_name: secured.certificate_name.as_deref(),
    };
    let (iterations, salt, stored_key, server_key) =
        match server.authentication(&startup.user, &startup.database, &origin)? {
            Authentication::Trust => return Ok(()),
            Authentication::Scram { iterations, salt, stored_key, server_key } => {
                (iterations, salt, stored_key, server_key)
            }
        };
    let verifier = scram::Verifier {
        iterations,
        salt: &salt,
        stored_key: &stored_key,
        server_key: &server_key,
    };
    backend::authentication_sasl(&mut wire.output, &[scram::MECHANISM]);
    wire.flush().await?;
    let first = first_response(wire).await?;
    let challenge = scram::challenge(&first, verifier, policy.random.as_ref())?;
    backend::authentication_sasl_continue(&mut wire.output, challenge.message.as_bytes());
    wire.flush().await?;
    let last = response(wire).await?;
    match challenge.verify(&last, verifier)? {
        Some(proof) => {
            backend::authentication_sasl_final(&mut wire.output, proof.as_bytes());
            policy.back_off.succeeded(address);
            Ok(())
        }
        None => {
            tracing::info!(
                target: "redkite::audit",
                user = %startup.user,
                peer = ?startup.peer,
                "wrong password"
            );
            let now = policy.clock.monotonic();
            tokio::time::sleep(policy.back_off.failed(address, now)).await;
            Err(SqlError::fatal(
                SqlState::INVALID_PASSWORD,
                format!("password authentication failed for user \"{}\"", startup.user),
            )
            .into())
        }
    }
}

/// The body of a SASL response.
async fn response<S: AsyncRead + AsyncWrite + Unpin>(wire: &mut Wire<S>) -> Step<Vec<u8>> {
    // Looked at before it is read: a stranger must not make us hold a large message.
    let kind = wire.wait_peek().await?;
    if kind != b'p' {
        return Err(SqlError::fatal(
            SqlState::PROTOCOL_VIOLATION,
            format!("expected SASL response, got message type {kind}"),
        )
        .into());
    }
    let frame = wire.frame().await?;
    if frame.body.len() > SASL_MESSAGE_BYTES_MAX {
        return Err(SqlError::fatal(SqlState::PROTOCOL_VIOLATION, "invalid message length").into());
    }
    Ok(frame.body.to_vec())
}

/// The mechanism is checked, its first message returned.
async fn first_response<S: AsyncRead + AsyncWrite + Unpin>(wire: &mut Wire<S>) -> Step<Vec<u8>> {
    let body = response(wire).await?;
    let (mechanism, message) = startup::sasl_initial_response(&body)?;
    if mechanism != scram::MECHANISM {
        return Err(SqlError::fatal(
            SqlState::PROTOCOL_VIOLATION,
            "client selected an invalid SASL authentication mechanism",
        )
        .into());
    }
    match message {
        Some(message) => Ok(message.to_vec()),
        None => {
            // The client wants to be asked first.
            backend::authentication_sasl_continue(&mut wire.output, &[]);
            wire.flush().await?;
            response(wire).await
        }
    }
}

/// Before a client is in, every error ends the connection.
pub(super) fn fatal(failure: Failure) -> Failure {
    match failure {
        Failure::Sql(error) => Failure::Sql(error.with_severity(Severity::Fatal)),
        Failure::Gone => Failure::Gone,
    }
}
