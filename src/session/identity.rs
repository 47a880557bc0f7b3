//! Who a connection is: who logged in, as whom it goes on (SET SESSION AUTHORIZATION), and whose
//! rights its statements have (SET ROLE).
//!
//! Both are settings, so that SET LOCAL, RESET and ROLLBACK mean for them what they mean for all;
//! roles are remembered by oid, so that a rename makes nobody somebody else.

use crate::base::{Oid, Result, SqlError, SqlState};
use crate::catalog::Snapshot;
use crate::catalog::access::Access;

use super::connection::Session;
use super::settings::Settings;

/// The setting that SET ROLE changes.
pub(super) const ROLE: &str = "role";
/// The setting that SET SESSION AUTHORIZATION changes.
pub(super) const SESSION_AUTHORIZATION: &str = "session_authorization";
/// No SET ROLE.
pub(super) const NO_ROLE: &str = "none";

/// Who a connection is.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    /// Who logged in.
    pub(super) authenticated: Oid,
    /// `session_user`.
    pub(super) session: Oid,
    /// `current_user`.
    pub(super) current: Oid,
    /// The settings that this follows, and their version.
    names: (String, String),
    version: Option<u64>,
}

impl Identity {
    /// Who logs in.
    pub(super) fn new(role: Oid, name: &str) -> Self {
        let names = (name.to_owned(), NO_ROLE.to_owned());
        Self { authenticated: role, session: role, current: role, names, version: None }
    }

    /// 42501 or 22023 unless a setting that says who one is may have a value.
    ///
    /// # Errors
    /// 22023 for a role that does not exist, 42501 for one that one may not become.
    pub(super) fn check(&self, state: &Snapshot, setting: &str, value: &str) -> Result<()> {
        let of_session = match setting.to_ascii_lowercase().as_str() {
            SESSION_AUTHORIZATION => true,
            ROLE if value == NO_ROLE => return Ok(()),
            ROLE => false,
            _ => return Ok(()),
        };
        let Some(role) = state.role(value) else {
            let message = format!("role \"{value}\" does not exist");
            return Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message));
        };
        let (allowed, what) = match of_session {
            true => {
                let authenticated = Access::new(state, self.authenticated);
                let same = role.oid == self.authenticated;
                (same || authenticated.is_superuser(), "set session authorization")
            }
            false => (Access::new(state, self.session).may_become(role.oid), "set role"),
        };
        if allowed {
            return Ok(());
        }
        let message = format!("permission denied to {what} \"{value}\"");
        Err(SqlError::new(SqlState::INSUFFICIENT_PRIVILEGE, message))
    }

    /// Follows the settings; whether somebody else stands there now.
    fn follow(&mut self, settings: &Settings, state: &Snapshot) -> bool {
        if self.version.replace(settings.version()) == Some(settings.version()) {
            return false;
        }
        let (session, role) = settings.identity();
        let (known_session, known_role) = &self.names;
        if known_session == session && known_role == role {
            return false;
        }
        // Who is gone may do nothing.
        let oid = |name: &str| state.role(name).map(|role| role.oid).unwrap_or_default();
        if known_session != session {
            self.session = oid(session);
        }
        if role == NO_ROLE {
            self.current = self.session;
        } else if known_role != role {
            self.current = oid(role);
        }
        self.names = (session.to_owned(), role.to_owned());
        true
    }
}

impl Session {
    /// Follows what SET ROLE and its kin have changed.
    pub(super) fn identify(&mut self) {
        let snapshot = self.server.engine().current();
        if self.identity.follow(&self.settings, &snapshot.state) {
            let superuser = Access::new(&snapshot.state, self.identity.current).is_superuser();
            self.settings.force("is_superuser", if superuser { "on" } else { "off" });
        }
    }

    /// The role whose rights statements have.
    pub(super) fn role(&self) -> Oid {
        self.identity.current
    }
}
