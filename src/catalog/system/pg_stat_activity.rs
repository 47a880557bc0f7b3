//! `pg_stat_activity` and `pg_stat_database`: what the connections of all nodes do.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::cell::{Cell, NULL, row};
use super::definition::{Definition, Row};
use super::facts::Facts;
use super::pg_stat_progress::CopyRow;
use crate::base::Oid;
use crate::catalog::access::READ_ALL_STATS;

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: super::PG_STAT_ACTIVITY.0,
    schema: super::PG_CATALOG,
    name: "pg_stat_activity",
    columns: "datid oid, datname name, pid int4, leader_pid int4, usesysid oid, usename name, \
              application_name text, client_addr text, client_hostname text, client_port int4, \
              backend_start timestamptz, xact_start timestamptz, query_start timestamptz, \
              state_change timestamptz, wait_event_type text, wait_event text, state text, \
              backend_xid xid, backend_xmin xid, query_id int8, query text, backend_type text",
    rows,
}];

/// A connection.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ActivityRow {
    /// Its number.
    pub pid: i32,
    /// Who logged in.
    pub user: Oid,
    /// `application_name`.
    pub application: String,
    /// Where the client is.
    pub peer: Option<SocketAddr>,
    /// When it began, in microseconds since the Unix epoch.
    pub began_us: i64,
    /// When its transaction began.
    pub transaction_us: Option<i64>,
    /// When its statement began: the last one, where none runs.
    pub query_us: Option<i64>,
    /// When its state last changed.
    pub changed_us: i64,
    /// `active`, `idle` and the like.
    pub state: String,
    /// The statement.
    pub query: String,
    /// What it copies.
    #[serde(default)]
    pub copy: Option<CopyRow>,
}

pub(super) fn moment(us: i64) -> Cell {
    chrono::DateTime::from_timestamp_micros(us)
        .map(|moment| moment.format("%Y-%m-%d %H:%M:%S%.6f+00").to_string())
}

fn rows(facts: &Facts) -> Vec<Row> {
    let access = facts.access();
    let database = facts.catalog().database.as_ref();
    let database = database.map_or(Oid(0), |database| database.oid);
    let row = |of: ActivityRow| {
        // What others do is theirs to show.
        let seen = access.has_role(of.user) || access.has_role(READ_ALL_STATS);
        let waits = seen && of.state != "active";
        let shown = |cell: Cell| if seen { cell } else { NULL };
        row![
            database,
            facts.database(),
            of.pid,
            NULL,
            of.user,
            facts.role_name(of.user),
            &of.application,
            shown(of.peer.map(|peer| peer.ip().to_string())),
            NULL,
            shown(of.peer.map(|peer| peer.port().to_string())),
            shown(moment(of.began_us)),
            shown(of.transaction_us.and_then(moment)),
            shown(of.query_us.and_then(moment)),
            shown(moment(of.changed_us)),
            waits.then_some("Client"),
            waits.then_some("ClientRead"),
            shown(Some(of.state.clone())),
            NULL,
            NULL,
            NULL,
            if seen { of.query.clone() } else { "<insufficient privilege>".to_owned() },
            shown(Some("client backend".to_owned())),
        ]
    };
    facts.session().activities().into_iter().map(row).collect()
}
