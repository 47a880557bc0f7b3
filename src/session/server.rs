//! What all connections of a node share.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use datafusion::execution::runtime_env::RuntimeEnv;
use parking_lot::Mutex;

use crate::base::{Result, SqlError, SqlState};
use crate::plan::Planner;
use crate::txn::Engine;

use super::interrupt::Interrupts;
use super::plan_cache::PlanCache;

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
    /// Plans.
    pub planner: Arc<Planner>,
    /// Memory and disk for operators.
    pub runtime: Arc<RuntimeEnv>,
    /// The database's name.
    pub database: String,
    /// Connections at once.
    pub max_connections: usize,
    /// Roles without a password may log in: an embedded node on loopback.
    pub trust: bool,
}

/// What all connections of a node share.
#[derive(Debug)]
pub struct Server {
    pub(super) parts: ServerParts,
    pub(super) plans: PlanCache,
    connections: Mutex<HashMap<i32, Registered>>,
    next_pid: AtomicI32,
    started_us: i64,
    /// Keys the verifiers of roles that don't exist, so that they look like those that do.
    mock_key: [u8; 32],
}

/// A connection as CancelRequest finds it.
#[derive(Debug)]
struct Registered {
    secret: Vec<u8>,
    interrupts: Arc<Interrupts>,
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
            next_pid: AtomicI32::new(1),
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

    /// When this server began.
    pub(super) fn started_us(&self) -> i64 {
        self.started_us
    }

    /// How this role proves itself. A role that doesn't exist looks like one that does.
    pub fn authentication(&self, user: &str, _database: &str) -> Authentication {
        let snapshot = self.engine().current();
        let role = snapshot.state.role(user);
        match role.and_then(|role| role.verifier.as_deref()).map(parse_verifier) {
            Some(Some(scram)) => scram,
            Some(None) => self.mock(user),
            None if self.parts.trust => Authentication::Trust,
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
        long_key: bool,
        interrupts: Arc<Interrupts>,
    ) -> Result<(i32, Vec<u8>)> {
        let mut connections = self.connections.lock();
        if connections.len() >= self.parts.max_connections {
            let message = "sorry, too many clients already";
            return Err(SqlError::fatal(SqlState::TOO_MANY_CONNECTIONS, message));
        }
        let mut secret = vec![0; if long_key { 32 } else { 4 }];
        self.engine().random().fill(&mut secret);
        loop {
            let pid = self.next_pid.fetch_add(1, Ordering::Relaxed) & i32::MAX;
            if pid != 0 && !connections.contains_key(&pid) {
                connections.insert(pid, Registered { secret: secret.clone(), interrupts });
                return Ok((pid, secret));
            }
        }
    }

    /// Gives a connection's place back.
    pub(super) fn unregister(&self, pid: i32) {
        self.connections.lock().remove(&pid);
    }

    /// Stops what the connection with this key runs.
    pub fn cancel(&self, pid: i32, secret: &[u8]) {
        if let Some(connection) = self.connections.lock().get(&pid)
            && connection.secret == secret
        {
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
