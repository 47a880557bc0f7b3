//! What all connections of a node share.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use arc_swap::ArcSwapOption;
use datafusion::execution::runtime_env::RuntimeEnv;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::base::{Oid, Result, SqlError, SqlState};
use crate::catalog::RoleDef;
use crate::catalog::access::is_member;
use crate::catalog::system::ActivityRow;
use crate::cluster::Board;
use crate::plan::Planner;
use crate::store::object::Outside;
use crate::txn::Engine;

use super::activity::{Activity, Counts, Totals};
use super::connection::TEMPLATE;
use super::exported_snapshots::ExportedSnapshots;
use super::host_rules::{HostRules, Method, Visitor};
use super::interrupt::Interrupts;
use super::listen::Listeners;
use super::plan_cache::PlanCache;
use super::statement_statistics::Statistics;

/// Cancel requests that are passed on to other nodes at a time.
const CANCELS_PASSED_ON_MAX: usize = 16;

/// Whether a role must prove itself, and by what.
#[derive(Clone, Debug)]
pub enum Authentication {
    /// It need not.
    Trust,
    /// By SCRAM-SHA-256.
    Scram {
        /// PBKDF2's iterations.
        iterations: u32,
        /// The salt.
        salt: Vec<u8>,
        /// H(ClientKey).
        stored_key: Vec<u8>,
        /// ServerKey.
        server_key: Vec<u8>,
    },
}

/// What a server is made of.
#[derive(Debug)]
pub struct ServerParts {
    /// Transactions.
    pub engine: Arc<Engine>,
    /// The files and objects that COPY reads and writes.
    pub outside: Arc<Outside>,
    /// What sessions of all nodes tell each other.
    pub board: Arc<Board>,
    /// Plans.
    pub planner: Arc<Planner>,
    /// Cancelled when this node is to take no more work, finish and end.
    pub drain: CancellationToken,
    /// Memory and disk for operators.
    pub runtime: Arc<RuntimeEnv>,
    /// The database's name.
    pub database: String,
    /// Connections at once.
    pub max_connections: usize,
    /// Roles without a password may log in: an embedded node on loopback.
    pub trust: bool,
    /// Who may come from where; none: everybody, by password.
    pub host_rules: Arc<ArcSwapOption<HostRules>>,
}

/// How a connection came.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origin<'a> {
    /// From where; none: this very process.
    pub address: Option<IpAddr>,
    /// By TLS.
    pub encrypted: bool,
    /// The name in the client's certificate.
    pub certificate_name: Option<&'a str>,
}

/// What all connections of a node share.
#[derive(Debug)]
pub struct Server {
    pub(super) parts: ServerParts,
    pub(super) plans: PlanCache,
    connections: Mutex<HashMap<i32, Registered>>,
    next_connection: AtomicU32,
    pub(super) totals: Totals,
    pub(super) statistics: Arc<Statistics>,
    pub(super) listeners: Listeners,
    pub(super) exported: Arc<ExportedSnapshots>,
    /// Cancel requests that are being passed on to other nodes.
    pub(super) passing_on: Arc<Semaphore>,
    started_us: i64,
    /// Keys the verifiers of roles that don't exist, so that they look like those that do.
    mock_key: [u8; 32],
}

/// A connection as CancelRequest finds it.
#[derive(Debug)]
struct Registered {
    secret: Vec<u8>,
    interrupts: Arc<Interrupts>,
    /// Who logged in.
    role: Oid,
    activity: Arc<Activity>,
    /// Ends the connection.
    end: CancellationToken,
}

impl Server {
    /// A server without connections.
    pub fn new(parts: ServerParts) -> Arc<Self> {
        let mut mock_key = [0; 32];
        parts.engine.random().fill(&mut mock_key);
        let started_us = parts.engine.clock().wall_us();
        Arc::new(Self {
            started_us,
            parts,
            plans: PlanCache::default(),
            connections: Mutex::new(HashMap::new()),
            next_connection: AtomicU32::new(1),
            totals: Totals::default(),
            statistics: Arc::default(),
            listeners: Listeners::default(),
            exported: Arc::default(),
            passing_on: Arc::new(Semaphore::new(CANCELS_PASSED_ON_MAX)),
            mock_key,
        })
    }

    /// Transactions.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.parts.engine
    }

    /// How many steps of planning all connections have taken together
    /// ([`Planner::steps`]).
    pub fn planning_steps(&self) -> u64 {
        self.parts.planner.steps()
    }

    /// How many plans the connections share.
    pub fn cached_plans(&self) -> usize {
        self.plans.len()
    }

    /// Whether statements can be served: the node is a member of its cluster, and stays one.
    pub fn is_ready(&self) -> bool {
        let leaves = self.parts.drain.is_cancelled();
        !leaves && self.engine().membership().is_none_or(|membership| membership.is_alive())
    }

    /// How many advisory locks sessions of all nodes have, and how many they wait for.
    pub fn advisory_locks(&self) -> (usize, usize) {
        let locks = self.parts.board.locks();
        let held = locks.iter().filter(|(_, granted)| *granted).count();
        (held, locks.len() - held)
    }

    /// Running totals of all connections.
    pub fn counts(&self) -> Counts {
        self.totals.counts()
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.connections.lock().len()
    }

    /// How many of them run a statement.
    pub fn active(&self) -> usize {
        self.activities().iter().filter(|of| of.state == "active").count()
    }

    /// What the connections do, by number.
    pub(super) fn activities(&self) -> Vec<ActivityRow> {
        let connections = self.connections.lock();
        let mut rows: Vec<ActivityRow> =
            connections.iter().map(|(pid, of)| of.activity.row(*pid)).collect();
        drop(connections);
        rows.sort_by_key(|row| row.pid);
        rows
    }

    /// Who logged in by a connection.
    pub(super) fn role_of(&self, pid: i32) -> Option<Oid> {
        self.connections.lock().get(&pid).map(|connection| connection.role)
    }

    /// Stops what a connection runs, or ends it; whether there is one.
    pub(super) fn signal(&self, pid: i32, end: bool) -> bool {
        let connections = self.connections.lock();
        let Some(connection) = connections.get(&pid) else { return false };
        if end {
            connection.end.cancel();
        }
        connection.interrupts.raise();
        true
    }

    /// What ends a connection.
    pub(super) fn ends_by(&self, pid: i32, end: CancellationToken) {
        if let Some(connection) = self.connections.lock().get_mut(&pid) {
            connection.end = end;
        }
    }

    /// When this server began.
    pub(super) fn started_us(&self) -> i64 {
        self.started_us
    }

    /// How this role proves itself. A role that doesn't exist looks like one that does.
    ///
    /// # Errors
    /// 28000 where the rules don't let it in.
    pub fn authentication(
        &self,
        user: &str,
        database: &str,
        origin: &Origin<'_>,
    ) -> Result<Authentication> {
        let database = if database == TEMPLATE { &self.parts.database } else { database };
        let rules = self.parts.host_rules.load();
        let Some(rules) = rules.as_ref() else {
            return Ok(self.by_password(user, self.parts.trust));
        };
        let snapshot = self.engine().current();
        let state = &snapshot.state;
        let is_member = |group: &str| match (state.role(user), state.role(group)) {
            (Some(role), Some(group)) => is_member(state, role.oid, group.oid),
            _ => false,
        };
        let Origin { address, encrypted, certificate_name } = *origin;
        let method = rules.method(Visitor { address, encrypted, database, user }, is_member);
        let refused = |what: &str| {
            let host = address.map_or_else(|| "[local]".to_owned(), |address| address.to_string());
            let how = if encrypted { "SSL encryption" } else { "no encryption" };
            let message =
                format!("{what} host \"{host}\", user \"{user}\", database \"{database}\", {how}");
            Err(SqlError::fatal(SqlState::INVALID_AUTHORIZATION_SPECIFICATION, message))
        };
        match method {
            None => refused("no pg_hba.conf entry for"),
            Some(Method::Reject) => refused("pg_hba.conf rejects connection for"),
            Some(Method::Trust) => Ok(Authentication::Trust),
            Some(Method::Scram) => Ok(self.by_password(user, false)),
            Some(Method::Certificate) if certificate_name == Some(user) => {
                Ok(Authentication::Trust)
            }
            Some(Method::Certificate) => {
                let message = format!("certificate authentication failed for user \"{user}\"");
                Err(SqlError::fatal(SqlState::INVALID_AUTHORIZATION_SPECIFICATION, message))
            }
        }
    }

    fn by_password(&self, user: &str, trust: bool) -> Authentication {
        let snapshot = self.engine().current();
        let now_us = self.engine().clock().wall_us();
        let expired = |role: &RoleDef| role.valid_until_us.is_some_and(|until| until <= now_us);
        let role = snapshot.state.role(user);
        if role.is_some_and(|role| role.verifier.is_some() && expired(role)) {
            // As if the password were wrong: nobody is told that it was right.
            return self.mock(user);
        }
        match role.and_then(|role| role.verifier.as_deref()).map(parse_verifier) {
            Some(Some(scram)) => scram,
            Some(None) => self.mock(user),
            None if trust => Authentication::Trust,
            None => self.mock(user),
        }
    }

    fn mock(&self, user: &str) -> Authentication {
        use sha2::{Digest, Sha256};
        let digest = |label: &[u8]| {
            let mut hash = Sha256::new();
            hash.update(self.mock_key);
            hash.update(label);
            hash.update(user.as_bytes());
            hash.finalize().to_vec()
        };
        let mut stored_key = vec![0; 32];
        // Nobody knows a key whose hash is random.
        self.engine().random().fill(&mut stored_key);
        let salt = digest(b"salt").into_iter().take(16).collect();
        Authentication::Scram { iterations: 4096, salt, stored_key, server_key: digest(b"server") }
    }

    /// Takes a connection's place.
    ///
    /// # Errors
    /// 53300.
    pub(super) fn register(
        &self,
        role: &RoleDef,
        long_key: bool,
        (interrupts, activity): (Arc<Interrupts>, Arc<Activity>),
    ) -> Result<(i32, Vec<u8>)> {
        let mut connections = self.connections.lock();
        if connections.len() >= self.parts.max_connections {
            let message = "sorry, too many clients already";
            return Err(SqlError::fatal(SqlState::TOO_MANY_CONNECTIONS, message));
        }
        let of_role = || connections.values().filter(|other| other.role == role.oid).count();
        if let Ok(limit) = usize::try_from(role.connection_limit)
            && !role.superuser
            && of_role() >= limit
        {
            let message = format!("too many connections for role \"{}\"", role.name);
            return Err(SqlError::fatal(SqlState::TOO_MANY_CONNECTIONS, message));
        }
        let mut secret = vec![0; if long_key { 32 } else { 4 }];
        self.engine().random().fill(&mut secret);
        loop {
            let connection = self.next_connection.fetch_add(1, Ordering::Relaxed);
            let pid = self.parts.board.backend(connection);
            if pid != 0 && !connections.contains_key(&pid) {
                let (secret_kept, end) = (secret.clone(), CancellationToken::new());
                let role = role.oid;
                let registered =
                    Registered { secret: secret_kept, interrupts, role, activity, end };
                connections.insert(pid, registered);
                return Ok((pid, secret));
            }
        }
    }

    /// Gives a connection's place back.
    pub(super) fn unregister(&self, pid: i32) {
        self.connections.lock().remove(&pid);
    }

    /// Whether a connection is this node's.
    pub(super) fn has(&self, pid: i32) -> bool {
        self.connections.lock().contains_key(&pid)
    }

    /// What a cancel request for a connection must name.
    pub(super) fn secret_of(&self, pid: i32) -> Option<Vec<u8>> {
        self.connections.lock().get(&pid).map(|connection| connection.secret.clone())
    }

    /// Stops what all connections run.
    pub fn stop_all(&self) {
        for connection in self.connections.lock().values() {
            connection.interrupts.raise();
        }
    }
}

/// `SCRAM-SHA-256$iterations:salt$stored key:server key`.
fn parse_verifier(verifier: &str) -> Option<Authentication> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let rest = verifier.strip_prefix("SCRAM-SHA-256$")?;
    let (first, keys) = rest.split_once('$')?;
    let (iterations, salt) = first.split_once(':')?;
    let (stored, server) = keys.split_once(':')?;
    Some(Authentication::Scram {
        iterations: iterations.parse().ok()?,
        salt: STANDARD.decode(salt).ok()?,
        stored_key: STANDARD.decode(stored).ok()?,
        server_key: STANDARD.decode(server).ok()?,
    })
}
