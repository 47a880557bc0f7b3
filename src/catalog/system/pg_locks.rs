//! `pg_locks`: the advisory locks that sessions of all nodes have or wait for. There are no others.

use super::cell::{NULL, row};
use super::definition::{Definition, Row};
use super::facts::Facts;
use super::pg_stat_activity::moment;
use crate::base::Oid;
use crate::cluster::Lock;

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: 12_012,
    schema: super::PG_CATALOG,
    name: "pg_locks",
    columns: "locktype text, database oid, relation oid, page int4, tuple int2, virtualxid text, \
              transactionid xid, classid oid, objid oid, objsubid int2, virtualtransaction text, \
              pid int4, mode text, granted bool, fastpath bool, waitstart timestamptz",
    rows,
}];

fn rows(facts: &Facts) -> Vec<Row> {
    let database = facts.catalog().database.as_ref();
    let database = database.map_or(Oid(0), |database| database.oid);
    let row = |(lock, granted): (Lock, bool)| {
        row![
            "advisory",
            database,
            NULL,
            NULL,
            NULL,
            NULL,
            NULL,
            lock.tag.class,
            lock.tag.object,
            u32::from(lock.tag.kind),
            format!("{}/1", lock.pid),
            lock.pid,
            if lock.exclusive { "ExclusiveLock" } else { "ShareLock" },
            granted,
            false,
            if granted { NULL } else { moment(lock.since_us) },
        ]
    };
    facts.session().locks().into_iter().map(row).collect()
}
