//! What functions ask a session: see [`SessionValues`].
//!
//! A stream of rows outlives the call that made it, so functions get values of their own: a copy
//! of the settings, and lists that the session shares with them. Settings that `set_config`
//! changes are taken over when the session is used next ([`Session::take_over_settings`]).
//!
//! `nextval` waits for metadata only when the node's block of values is used up. DataFusion's
//! expressions can't wait, so the thread does, with its other tasks moved elsewhere
//! (`block_in_place`).

use std::collections::{BTreeSet, HashMap};
use std::pin::pin;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::base::limits::NOTIFICATIONS_BYTES_MAX;
use crate::base::{Oid, Result, Severity, SqlError, SqlState};
use crate::catalog::access::{Access, Demand, Object, Privileges};
use crate::catalog::{Notification, Relation, RelationName, SequenceDef, Snapshot, system};
use crate::cluster::LockTag;
use crate::exec::{AdvisoryLock, SequenceName, SessionValues};
use crate::plan::ddl::PG_TEMP;
use crate::plan::quote_identifier;
use crate::store::meta::Mirrored;
use crate::types::TextContext;

use super::advisory::{AdvisoryLocks, Taker, mode};
use super::connection::Session;
use super::exported_snapshots::{Exported, export};
use super::identity::Identity;
use super::index_recall::Measure;
use super::row_locks::LockedRows;
use super::server::Server;
use super::settings::{Scope, Settings, split_names};
use super::transaction::State;
use super::usual_settings::UsualSettings;

/// The sequences' values that a session has seen.
#[derive(Debug, Default)]
pub(super) struct SequenceValues {
    current: HashMap<Oid, i64>,
    last: Option<Oid>,
}

/// What a session shares with the functions of its statements.
#[derive(Clone, Debug, Default)]
pub(super) struct Shared {
    pub(super) sequences: Arc<Mutex<SequenceValues>>,
    pub(super) locks: Arc<Mutex<AdvisoryLocks>>,
    /// The channels that the session listens to.
    pub(super) channels: Arc<Mutex<BTreeSet<String>>>,
    /// What `pg_notify` was called with, until it is the transaction's.
    pub(super) notifications: Arc<Mutex<Vec<Notification>>>,
    /// Rows that queries have locked, until they are the transaction's.
    pub(super) locked_rows: Arc<Mutex<Vec<LockedRows>>>,
    /// Snapshots that the transaction has exported.
    pub(super) exported: Arc<Mutex<Vec<Exported>>>,
    /// What functions have to tell the client.
    pub(super) notices: Arc<Mutex<Vec<SqlError>>>,
    settings: Arc<Mutex<Vec<(String, String, Scope)>>>,
}

impl Shared {
    /// Forgets settings that a failed statement changed, and what it wanted to say.
    pub(super) fn forget(&self) {
        self.settings.lock().clear();
        self.notifications.lock().clear();
        self.locked_rows.lock().clear();
    }
}

/// A session during one statement.
#[derive(Debug)]
struct StatementValues {
    server: Arc<Server>,
    snapshot: Arc<Mirrored<Snapshot>>,
    /// Its settings when it began: who runs it, above all.
    usual: Arc<UsualSettings>,
    identity: Identity,
    pid: i32,
    transaction_us: i64,
    statement_us: i64,
    read_only: bool,
    in_block: bool,
    settings: Mutex<Settings>,
    shared: Shared,
}

impl Session {
    /// What functions of a statement that begins now ask this session.
    pub(super) fn values(&self, snapshot: &Arc<Mirrored<Snapshot>>) -> Arc<dyn SessionValues> {
        let statement_us = self.server.engine().clock().wall_us();
        let (transaction_us, read_only) = match &self.state {
            State::Idle => (statement_us, self.settings.usual().read_only),
            State::Implicit(open) | State::Block(open) | State::Failed(open) => {
                (open.started_us, open.read_only)
            }
        };
        Arc::new(StatementValues {
            server: Arc::clone(&self.server),
            snapshot: Arc::clone(snapshot),
            usual: Arc::clone(self.settings.usual()),
            identity: self.identity.clone(),
            pid: self.backend_key().0,
            transaction_us,
            statement_us,
            read_only,
            in_block: matches!(self.state, State::Block(_)),
            settings: Mutex::new(self.settings.clone()),
            shared: self.shared.clone(),
        })
    }

    /// Makes the settings that `set_config` changed the session's own. What was to hold until
    /// the end of a transaction that has ended is over.
    pub(super) fn take_over_settings(&mut self) -> Result<()> {
        let changes = std::mem::take(&mut *self.shared.settings.lock());
        for (name, value, scope) in changes {
            if scope == Scope::Session || !matches!(self.state, State::Idle) {
                self.settings.set(&name, &value, scope)?;
            }
        }
        if let State::Idle = self.state {
            self.settings.end_transaction(true);
        }
        self.identify();
        Ok(())
    }
}

impl StatementValues {
    /// Who takes and gives back this session's advisory locks.
    fn taker(&self) -> Taker {
        let database = self.snapshot.state.database.as_ref();
        Taker {
            board: Arc::clone(&self.server.parts.board),
            locks: Arc::clone(&self.shared.locks),
            pid: self.pid,
            database: database.map_or(Oid(0), |database| database.oid),
            patience: self.settings.lock().timeout("lock_timeout"),
            now_us: self.clock_us(),
        }
    }

    fn sequence(&self, name: &SequenceName) -> Result<Arc<SequenceDef>> {
        let state = &self.snapshot.state;
        let oid = match name {
            SequenceName::Oid(oid) => *oid,
            SequenceName::Text(text) => {
                let path = self.settings.lock().search_path();
                match find_relation(state, text, &path) {
                    Some(Relation::Sequence(oid)) => oid,
                    Some(_) => {
                        let message = format!("\"{text}\" is not a sequence");
                        return Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message));
                    }
                    None => return Err(undefined(text)),
                }
            }
        };
        match state.sequences.get(&oid) {
            Some(sequence) => Ok(Arc::clone(sequence)),
            None => Err(undefined(&oid.to_string())),
        }
    }

    fn relation(&self, name: &SequenceName) -> Result<Relation> {
        let state = &self.snapshot.state;
        let found = match name {
            SequenceName::Oid(oid) => state.relation_of(*oid),
            SequenceName::Text(text) => {
                let path = self.settings.lock().search_path();
                find_relation(state, text, &path)
            }
        };
        found.ok_or_else(|| match name {
            SequenceName::Oid(oid) => undefined(&oid.to_string()),
            SequenceName::Text(text) => undefined(text),
        })
    }

    /// 42501 unless the role has one of these privileges.
    fn require_any(&self, relation: Oid, privileges: &[Privileges]) -> Result<()> {
        let newest = self.server.engine().current();
        let access = Access::new(&newest.state, self.identity.current);
        let object = Object::Relation(relation);
        match privileges.iter().any(|privilege| access.may(object, *privilege)) {
            true => Ok(()),
            false => {
                let privilege = privileges.first().copied().unwrap_or_default();
                access.require(&Demand::whole(relation, privilege))
            }
        }
    }

    /// Whether a sequence is behind an identity column of a table that the role may insert into: the
    /// column is a part of its table.
    fn is_identity_of_writable(&self, sequence: &SequenceDef) -> bool {
        let newest = self.server.engine().current();
        let Some((table, column)) = sequence.owned_by else { return false };
        let Some(owner) = newest.state.tables.get(&table) else { return false };
        let column = owner.definition.column_by_id(column);
        let identity = column.and_then(|column| column.identity.as_ref());
        let insert = Demand::columns(table, Privileges::INSERT, BTreeSet::new());
        identity.is_some_and(|identity| identity.sequence == sequence.oid)
            && Access::new(&newest.state, self.identity.current).require(&insert).is_ok()
    }

    /// What looks at rows of its own accord needs SELECT on their table.
    fn require_reading(&self, relation: Relation) -> Result<()> {
        let table = match relation {
            Relation::Index { table, .. } => table,
            relation => relation.oid(),
        };
        self.require_any(table, &[Privileges::SELECT])?;
        let state = &self.snapshot.state;
        let Some(table) = state.tables.get(&table) else { return Ok(()) };
        if Access::new(state, self.identity.current).is_guarded(&table.definition) {
            let message = format!(
                "query would be affected by row-level security policy for table \"{}\"",
                table.definition.name
            );
            return Err(SqlError::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
        }
        Ok(())
    }

    fn check_may_write(&self, function: &str) -> Result<()> {
        if self.read_only {
            let message = format!("cannot execute {function}() in a read-only transaction");
            return Err(SqlError::new(SqlState::READ_ONLY_SQL_TRANSACTION, message));
        }
        Ok(())
    }
}

impl SessionValues for StatementValues {
    fn transaction_start_us(&self) -> i64 {
        self.transaction_us
    }

    fn statement_start_us(&self) -> i64 {
        self.statement_us
    }

    fn clock_us(&self) -> i64 {
        self.server.engine().clock().wall_us()
    }

    fn node_start_us(&self) -> i64 {
        self.server.started_us()
    }

    fn text_context(&self) -> TextContext {
        self.settings.lock().text_context()
    }

    fn user(&self) -> &str {
        &self.usual.current_user
    }

    fn session_user(&self) -> &str {
        &self.usual.session_user
    }

    fn database(&self) -> &str {
        &self.server.parts.database
    }

    fn backend_pid(&self) -> i32 {
        self.pid
    }

    fn schemas(&self, implicit: bool) -> Vec<String> {
        let settings = self.settings.lock();
        let named = split_names(settings.get("search_path").unwrap_or_default());
        let mut path = settings.search_path();
        if !implicit && !named.iter().any(|name| name == "pg_catalog") {
            path.retain(|name| name != "pg_catalog");
        }
        if !implicit && !named.iter().any(|name| name == PG_TEMP) {
            path.retain(|name| Some(name.as_str()) != settings.temporary());
        }
        let exists = |name: &String| {
            name == "pg_catalog"
                || name == "information_schema"
                || self.snapshot.state.schema(name).is_some()
        };
        path.retain(exists);
        path
    }

    fn setting(&self, name: &str) -> Result<String> {
        self.settings.lock().show(name)
    }

    fn set_setting(&self, name: &str, value: &str, local: bool) -> Result<String> {
        let scope = if local { Scope::Local } else { Scope::Session };
        self.identity.check(&self.snapshot.state, name, value)?;
        let mut settings = self.settings.lock();
        settings.set(name, value, scope)?;
        let change = (name.to_owned(), value.to_owned(), scope);
        self.shared.settings.lock().push(change);
        settings.show(name)
    }

    fn next_value(&self, name: &SequenceName) -> Result<i64> {
        self.check_may_write("nextval")?;
        let sequence = self.sequence(name)?;
        if !self.is_identity_of_writable(&sequence) {
            self.require_any(sequence.oid, &[Privileges::USAGE, Privileges::UPDATE])?;
        }
        let value = wait(self.server.engine().nextval(&sequence))?;
        let mut seen = self.shared.sequences.lock();
        seen.current.insert(sequence.oid, value);
        seen.last = Some(sequence.oid);
        Ok(value)
    }

    fn current_value(&self, name: &SequenceName) -> Result<i64> {
        let sequence = self.sequence(name)?;
        self.require_any(sequence.oid, &[Privileges::USAGE, Privileges::SELECT])?;
        let value = self.shared.sequences.lock().current.get(&sequence.oid).copied();
        value.ok_or_else(|| {
            let message = format!(
                "currval of sequence \"{}\" is not yet defined in this session",
                sequence.name
            );
            SqlError::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
        })
    }

    fn untaken_value(&self, name: &SequenceName) -> Result<Option<i64>> {
        let sequence = self.sequence(name)?;
        self.require_any(sequence.oid, &[Privileges::SELECT])?;
        wait(self.server.engine().untaken_value(&sequence))
    }

    fn last_value(&self) -> Result<i64> {
        let seen = self.shared.sequences.lock();
        if let Some(last) = seen.last {
            self.require_any(last, &[Privileges::USAGE, Privileges::SELECT])?;
        }
        let value = seen.last.and_then(|last| seen.current.get(&last).copied());
        value.ok_or_else(|| {
            let message = "lastval is not yet defined in this session";
            SqlError::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
        })
    }

    fn set_value(&self, name: &SequenceName, value: i64, called: bool) -> Result<()> {
        self.check_may_write("setval")?;
        let sequence = self.sequence(name)?;
        self.require_any(sequence.oid, &[Privileges::UPDATE])?;
        wait(self.server.engine().setval(&sequence, value, called))?;
        if called {
            self.shared.sequences.lock().current.insert(sequence.oid, value);
        }
        Ok(())
    }

    fn index_recall(&self, index: &SequenceName, k: i64, samples: i64) -> Result<Option<f64>> {
        let index = self.relation(index)?;
        self.require_reading(index)?;
        let search = self.settings.lock().usual().search;
        let measure = Measure { k, samples, search };
        wait(measure.recall(self.server.engine(), &self.snapshot.state, index))
    }

    fn export_snapshot(&self) -> String {
        let mut own = self.shared.exported.lock();
        let name = export(&self.server.exported, &mut own, &self.snapshot, self.pid);
        if !self.in_block {
            // Its transaction ends with the statement.
            own.clear();
        }
        name
    }

    fn signal(&self, pid: i64, end: bool) -> Result<bool> {
        let pid = i32::try_from(pid).unwrap_or_default();
        wait(self.server.signal_as(pid, end, self.identity.current))
    }

    fn advisory_lock(&self, lock: AdvisoryLock) -> BoxFuture<'static, Result<bool>> {
        Box::pin(self.taker().take(lock))
    }

    fn advisory_unlock(&self, tag: LockTag, exclusive: bool) -> BoxFuture<'static, Result<bool>> {
        let (taker, notices) = (self.taker(), Arc::clone(&self.shared.notices));
        Box::pin(async move {
            let had = taker.give_back(tag, exclusive).await;
            if !had {
                let message = format!("you don't own a lock of type {}", mode(exclusive));
                let warning = SqlError::new(SqlState::WARNING, message);
                notices.lock().push(warning.with_severity(Severity::Warning));
            }
            Ok(had)
        })
    }

    fn advisory_unlock_all(&self) -> BoxFuture<'static, Result<()>> {
        let taker = self.taker();
        Box::pin(async move {
            taker.give_all_back().await;
            Ok(())
        })
    }

    fn reset_statistics(&self, user: Oid, query: i64) -> Result<i64> {
        let newest = self.server.engine().current();
        if !Access::new(&newest.state, self.identity.current).is_superuser() {
            let message = "permission denied for function pg_stat_statements_reset";
            return Err(SqlError::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
        }
        self.server.statistics.reset(user, query);
        Ok(self.clock_us())
    }

    fn notify(&self, channel: &str, payload: &str) -> Result<()> {
        let notification = super::listen::notification(channel, payload, self.pid)?;
        self.shared.notifications.lock().push(notification);
        Ok(())
    }

    fn channels(&self) -> Vec<String> {
        self.shared.channels.lock().iter().cloned().collect()
    }

    fn queue_usage(&self) -> f64 {
        let bytes = self.server.engine().current().state.notifications.bytes();
        let share = u32::try_from(bytes * 1000 / NOTIFICATIONS_BYTES_MAX).unwrap_or(u32::MAX);
        f64::from(share) / 1000.0
    }

    fn prewarm(&self, table: &SequenceName) -> Result<i64> {
        let relation = self.relation(table)?;
        self.require_reading(relation)?;
        wait(super::index_recall::prewarm(self.server.engine(), &self.snapshot.state, relation))
    }

    fn relation_name(&self, oid: Oid) -> Option<String> {
        let state = &self.snapshot.state;
        let Some((schema, name)) = state.relation_name(oid) else {
            let (schema, name) = system::shown_name(oid)?;
            return Some(schema.map_or_else(|| name.to_owned(), |of| format!("{of}.{name}")));
        };
        let path = self.settings.lock().search_path();
        let found = state.relation(RelationName { schema: None, name }, &path);
        let visible = found.is_some_and(|found| found.oid() == oid);
        let quoted = quote_identifier(name);
        Some(match visible {
            true => quoted.to_string(),
            false => format!("{}.{quoted}", quote_identifier(state.schema_name(schema))),
        })
    }
}

/// The relation of a name as `regclass` reads it: parts folded unless quoted.
pub(super) fn find_relation(state: &Snapshot, text: &str, path: &[String]) -> Option<Relation> {
    let mut parts = split_names(&separate(text));
    let name = parts.pop()?;
    let schema = parts.pop();
    state.relation(RelationName { schema: schema.as_deref(), name: &name }, path)
}

/// `a."b.c"` with a comma between its parts.
fn separate(text: &str) -> String {
    let mut quoted = false;
    let part = |c: char| {
        quoted ^= c == '"';
        if c == '.' && !quoted { ',' } else { c }
    };
    text.chars().map(part).collect()
}

fn undefined(name: &str) -> SqlError {
    SqlError::new(SqlState::UNDEFINED_TABLE, format!("relation \"{name}\" does not exist"))
}

/// The result of something that mostly need not wait.
fn wait<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let mut work = pin!(work);
    if let Some(done) = work.as_mut().now_or_never() {
        return done;
    }
    match Handle::try_current() {
        Ok(handle) if handle.runtime_flavor() != RuntimeFlavor::CurrentThread => {
            tokio::task::block_in_place(|| handle.block_on(work))
        }
        // A runtime of one thread: its stores work on threads of their own.
        Ok(_) | Err(_) => futures::executor::block_on(work),
    }
}

#[cfg(test)]
mod tests {
    use super::separate;

    #[test]
    fn a_name_in_quotes_may_have_a_point() {
        assert_eq!(separate("a.\"b.c\""), "a,\"b.c\"");
    }
}
