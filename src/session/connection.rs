//! One connection: what it is between statements.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::base::{Oid, Result, Revision, Severity, SqlError, SqlState};
use crate::catalog::access::{Access, Object, Privileges};
use crate::catalog::system::{ActivityRow, PreparedRow};
use crate::plan::Parsed;
use crate::types::TextContext;

use super::activity::Activity;
use super::cursor::Cursor;
use super::identity::{Identity, ROLE, SESSION_AUTHORIZATION};
use super::inbox::Inbox;
use super::interrupt::{Interrupt, Interrupts};
use super::known_query;
use super::listed::Named;
use super::listen::Listening;
use super::outcome::Status;
use super::prepare::Prepared;
use super::server::Server;
use super::settings::Settings;
use super::transaction::State;
use super::values::Shared;

/// What tells who logged in and who changed definitions: `REDKITE_LOG=redkite::audit=info`.
pub(super) const AUDIT: &str = "redkite::audit";

/// The database under another name: tools that want to know what databases and roles there are look
/// for it (`pg_dumpall`). It is read only.
pub(super) const TEMPLATE: &str = "template1";

/// Who wants in, and with which settings.
#[derive(Clone, Debug, Default)]
pub struct Startup {
    /// The role.
    pub user: String,
    /// The database.
    pub database: String,
    /// Settings in order.
    pub parameters: Vec<(String, String)>,
    /// Where the client is.
    pub peer: Option<SocketAddr>,
    /// Whether the client takes a cancel key of 32 bytes (protocol 3.2) rather than of 4.
    pub long_key: bool,
}

/// One connection. Dropped: everything that was not flushed is discarded.
#[derive(Debug)]
pub struct Session {
    pub(super) server: Arc<Server>,
    pid: i32,
    secret: Vec<u8>,
    pub(super) identity: Identity,
    pub(super) settings: Settings,
    pub(super) state: State,
    pub(super) statements: HashMap<String, Named>,
    pub(super) cursors: HashMap<String, Cursor>,
    /// Tables that go with the transaction: ON COMMIT DROP.
    pub(super) passing: Vec<Oid>,
    /// The newest revision that this connection knows of.
    pub(super) seen: Revision,
    /// What functions of its statements change.
    pub(super) shared: Shared,
    notices: Vec<SqlError>,
    /// What connections of other nodes did when they were last asked.
    pub(super) elsewhere: Arc<[ActivityRow]>,
    /// What it had prepared when that was last asked.
    pub(super) listed: Arc<[PreparedRow]>,
    /// What NOTIFY has said to it.
    pub(super) inbox: Arc<Inbox>,
    pub(super) interrupts: Arc<Interrupts>,
    pub(super) activity: Arc<Activity>,
}

impl Server {
    /// Lets in who has proved itself.
    ///
    /// # Errors
    /// 3D000, 28000, 53300 and what is wrong with the settings, all of them FATAL.
    pub async fn connect(self: &Arc<Self>, startup: Startup) -> Result<Session> {
        let (user, peer) = (startup.user.clone(), startup.peer);
        let opened = self.open(startup).await;
        self.totals.login(opened.is_err());
        let peer = peer.map(|peer| peer.to_string()).unwrap_or_default();
        match &opened {
            Ok(_) => tracing::info!(target: AUDIT, %user, %peer, "login"),
            Err(error) => tracing::info!(target: AUDIT, %user, %peer, %error, "login refused"),
        }
        opened.map_err(|error| error.with_severity(Severity::Fatal))
    }

    async fn open(self: &Arc<Self>, startup: Startup) -> Result<Session> {
        if startup.database != self.parts.database && startup.database != TEMPLATE {
            let message = format!("database \"{}\" does not exist", startup.database);
            return Err(SqlError::new(SqlState::INVALID_CATALOG_NAME, message));
        }
        // A role that another node has made is known here once the mirror has followed.
        let snapshot = self.engine().snapshot(Default::default(), Revision(0)).await?;
        let state = &snapshot.state;
        let Some(role) = state.role(&startup.user).filter(|role| role.login) else {
            let message = match state.role(&startup.user) {
                Some(_) => format!("role \"{}\" is not permitted to log in", startup.user),
                None => format!("role \"{}\" does not exist", startup.user),
            };
            return Err(SqlError::new(SqlState::INVALID_AUTHORIZATION_SPECIFICATION, message));
        };
        if !Access::new(state, role.oid).may(Object::Database, Privileges::CONNECT) {
            let message = format!("permission denied for database \"{}\"", startup.database);
            return Err(SqlError::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
                .with_detail("User does not have CONNECT privilege."));
        }
        let mut settings = Settings::default();
        for (name, value) in state.database.iter().flat_map(|database| &database.settings) {
            settings.set_default(name, value)?;
        }
        for (name, value) in role.settings.iter().chain(&startup.parameters) {
            settings.set_default(name, value)?;
        }
        if startup.database == TEMPLATE {
            settings.set_default("default_transaction_read_only", "on")?;
        }
        settings.set_default(SESSION_AUTHORIZATION, &startup.user)?;
        settings.force("is_superuser", if role.superuser { "on" } else { "off" });
        let identity = Identity::new(role.oid, &startup.user);
        identity.check(state, ROLE, settings.identity().1)?;
        settings.take_changes();
        let interrupts = Arc::new(Interrupts::default());
        let now_us = self.engine().clock().wall_us();
        let activity = Arc::new(Activity::new(role.oid, startup.peer, now_us));
        let watched = (Arc::clone(&interrupts), Arc::clone(&activity));
        let (pid, secret) = self.register(role, startup.long_key, watched)?;
        let mut session = Session {
            server: Arc::clone(self),
            pid,
            secret,
            identity,
            settings,
            state: State::Idle,
            statements: HashMap::new(),
            cursors: HashMap::new(),
            passing: Vec::new(),
            seen: snapshot.revision,
            shared: Shared::default(),
            notices: Vec::new(),
            elsewhere: Arc::from([]),
            listed: Arc::from([]),
            inbox: Arc::default(),
            interrupts,
            activity,
        };
        session.identify();
        session.settings.take_changes();
        Ok(session)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.apply_listening(vec![Listening::Nothing]);
        self.end_unseen();
        self.leave_temporary();
        self.server.unregister(self.pid);
    }
}

impl Session {
    /// What CancelRequest must name.
    pub fn backend_key(&self) -> (i32, &[u8]) {
        (self.pid, &self.secret)
    }

    /// What a client is told at the start.
    pub fn initial_parameters(&self) -> Vec<(String, String)> {
        self.settings.reported()
    }

    /// NOTICEs since the last call.
    pub fn take_notices(&mut self) -> Vec<SqlError> {
        let told = std::mem::take(&mut *self.shared.notices.lock());
        told.into_iter().for_each(|notice| self.notice(notice));
        std::mem::take(&mut self.notices)
    }

    /// Settings that changed since the last call and that clients are told of.
    pub fn take_parameter_changes(&mut self) -> Vec<(String, String)> {
        // What set_config() was given has been checked there.
        let _checked = self.take_over_settings();
        self.settings.take_changes()
    }

    /// How values are read and shown.
    pub fn text_context(&self) -> TextContext {
        self.settings.surroundings().text.as_ref().clone()
    }

    /// How long the client may say nothing; none: for ever.
    pub fn idle_timeout(&self, status: Status) -> Option<std::time::Duration> {
        let settings = self.settings.usual();
        match status {
            Status::Idle => settings.idle_session_timeout,
            Status::Block | Status::Failed => settings.idle_in_transaction_session_timeout,
        }
    }

    /// Splits a query string into statements.
    ///
    /// # Errors
    /// 42601.
    pub fn parse(&self, sql: &str) -> Result<Vec<Parsed>> {
        crate::plan::parse_in(&self.server.parts.database, known_query::substitute(sql))
    }

    /// What ends this connection from outside.
    pub fn ends_by(&self, end: tokio_util::sync::CancellationToken) {
        self.server.ends_by(self.pid, end);
    }

    /// What stops the running statement.
    pub fn interrupt(&self) -> Interrupt {
        self.interrupts.current()
    }

    /// Tells the client something.
    pub(super) fn notice(&mut self, notice: SqlError) {
        let least = self.settings.get("client_min_messages").unwrap_or_default();
        let wanted = match notice.fields().severity {
            Severity::Info => true,
            Severity::Warning => least != "error",
            _ => !matches!(least, "warning" | "error"),
        };
        if wanted {
            self.notices.push(notice);
        }
    }

    /// Warns the client.
    pub(super) fn warn(&mut self, code: SqlState, message: &str) {
        self.notice(SqlError::new(code, message).with_severity(Severity::Warning));
    }

    /// The schemas that names are looked up in.
    pub(super) fn search_path(&self) -> Vec<String> {
        self.settings.surroundings().search_path.clone()
    }

    /// A prepared statement by name.
    pub fn statement(&self, name: &str) -> Option<Arc<Prepared>> {
        self.statements.get(name).map(|named| Arc::clone(&named.prepared))
    }

    /// Keeps a prepared statement.
    ///
    /// # Errors
    /// 42P05 when the name is taken; the unnamed statement is replaced.
    pub fn put_statement(&mut self, name: &str, prepared: Arc<Prepared>) -> Result<()> {
        self.put_named(name, prepared, None)
    }

    /// The same; `sql` is the text of a PREPARE.
    pub(super) fn put_named(
        &mut self,
        name: &str,
        prepared: Arc<Prepared>,
        sql: Option<&str>,
    ) -> Result<()> {
        if !name.is_empty() && self.statements.contains_key(name) {
            let message = format!("prepared statement \"{name}\" already exists");
            return Err(SqlError::new(SqlState::DUPLICATE_PREPARED_STATEMENT, message));
        }
        let since_us = self.server.engine().clock().wall_us();
        self.statements.insert(name.to_owned(), Named::new(prepared, sql, since_us));
        Ok(())
    }

    /// Forgets a prepared statement.
    pub fn remove_statement(&mut self, name: &str) {
        self.statements.remove(name);
    }
}
