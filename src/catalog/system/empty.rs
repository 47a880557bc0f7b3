//! Relations that clients read and that have no rows: what they list isn't there.

use super::PG_CATALOG;
use super::definition::{Definition, none};

/// A relation of `pg_catalog` without rows.
pub(super) const fn empty(oid: u32, name: &'static str, columns: &'static str) -> Definition {
    Definition { oid, schema: PG_CATALOG, name, columns, rows: none }
}

pub(super) const RELATIONS: &[Definition] = &[
    empty(
        3541,
        "pg_range",
        "rngtypid oid, rngsubtype oid, rngmultitypid oid, rngcollation oid, rngsubopc \
         oid, rngcanonical regproc, rngsubdiff regproc",
    ),
    empty(
        2607,
        "pg_conversion",
        "oid oid, conname name, connamespace oid, conowner oid, conforencoding int4, \
         contoencoding int4, conproc regproc, condefault bool",
    ),
    empty(2611, "pg_inherits", "inhrelid oid, inhparent oid, inhseqno int4, inhdetachpending bool"),
    empty(
        2620,
        "pg_trigger",
        "oid oid, tgrelid oid, tgparentid oid, tgname name, tgfoid oid, tgtype int2, \
         tgenabled \"char\", tgisinternal bool, tgconstrrelid oid, tgconstrindid oid, \
         tgconstraint oid, tgdeferrable bool, tginitdeferred bool, tgnargs int2, tgattr \
         int2vector, tgargs bytea, tgqual pg_node_tree, tgoldtable name, tgnewtable name",
    ),
    empty(
        1214,
        "pg_shdepend",
        "dbid oid, classid oid, objid oid, objsubid int4, refclassid oid, refobjid oid, \
         deptype \"char\"",
    ),
    empty(2396, "pg_shdescription", "objoid oid, classoid oid, description text"),
    empty(3118, "pg_foreign_table", "ftrelid oid, ftserver oid, ftoptions _text"),
    empty(
        1417,
        "pg_foreign_server",
        "oid oid, srvname name, srvowner oid, srvfdw oid, srvtype text, srvversion text, \
         srvacl _aclitem, srvoptions _text",
    ),
    empty(
        2328,
        "pg_foreign_data_wrapper",
        "oid oid, fdwname name, fdwowner oid, fdwhandler oid, fdwvalidator oid, fdwacl \
         _aclitem, fdwoptions _text",
    ),
    empty(2964, "pg_db_role_setting", "setdatabase oid, setrole oid, setconfig _text"),
    empty(
        3350,
        "pg_partitioned_table",
        "partrelid oid, partstrat \"char\", partnatts int2, partdefid oid, partattrs \
         int2vector, partclass oidvector, partcollation oidvector, partexprs pg_node_tree",
    ),
    empty(
        6104,
        "pg_publication",
        "oid oid, pubname name, pubowner oid, puballtables bool, pubinsert bool, \
         pubupdate bool, pubdelete bool, pubtruncate bool, pubviaroot bool",
    ),
    empty(
        6106,
        "pg_publication_rel",
        "oid oid, prpubid oid, prrelid oid, prqual pg_node_tree, prattrs int2vector",
    ),
    empty(6237, "pg_publication_namespace", "oid oid, pnpubid oid, pnnspid oid"),
    empty(
        3381,
        "pg_statistic_ext",
        "oid oid, stxrelid oid, stxname name, stxnamespace oid, stxowner oid, stxkeys \
         int2vector, stxstattarget int2, stxkind _char, stxexprs pg_node_tree",
    ),
    empty(
        3466,
        "pg_event_trigger",
        "oid oid, evtname name, evtevent name, evtowner oid, evtfoid oid, evtenabled \
         \"char\", evttags _text",
    ),
    empty(
        12_013,
        "pg_prepared_xacts",
        "transaction xid, gid text, prepared timestamptz, owner name, database name",
    ),
];
