//! Relations without rows about kinds of objects that there are not: large objects, text search,
//! subscriptions, security labels, statistics for the planner.

use super::definition::Definition;
use super::empty::empty;

pub(super) const RELATIONS: &[Definition] = &[
    empty(2_613, "pg_largeobject", "loid oid, pageno int4, data bytea"),
    empty(2_995, "pg_largeobject_metadata", "oid oid, lomowner oid, lomacl _aclitem"),
    empty(6_243, "pg_parameter_acl", "oid oid, parname text, paracl _aclitem"),
    empty(
        12_100,
        "pg_publication_tables",
        "pubname name, schemaname name, tablename name, attnames _name, rowfilter text",
    ),
    empty(12_101, "pg_rules", "schemaname name, tablename name, rulename name, definition text"),
    empty(
        3_596,
        "pg_seclabel",
        "objoid oid, classoid oid, objsubid int4, provider text, label text",
    ),
    empty(
        12_102,
        "pg_seclabels",
        "objoid oid, classoid oid, objsubid int4, objtype text, objnamespace oid, objname \
         text, provider text, label text",
    ),
    empty(3_592, "pg_shseclabel", "objoid oid, classoid oid, provider text, label text"),
    empty(
        3_394,
        "pg_init_privs",
        "objoid oid, classoid oid, objsubid int4, privtype \"char\", initprivs _aclitem",
    ),
    empty(
        2_619,
        "pg_statistic",
        "starelid oid, staattnum int2, stainherit bool, stanullfrac float4, stawidth int4, \
         stadistinct float4, stakind1 int2, stakind2 int2, stakind3 int2, stakind4 int2, \
         stakind5 int2, staop1 oid, staop2 oid, staop3 oid, staop4 oid, staop5 oid, stacoll1 \
         oid, stacoll2 oid, stacoll3 oid, stacoll4 oid, stacoll5 oid, stanumbers1 _float4, \
         stanumbers2 _float4, stanumbers3 _float4, stanumbers4 _float4, stanumbers5 _float4, \
         stavalues1 text, stavalues2 text, stavalues3 text, stavalues4 text, stavalues5 text",
    ),
    empty(
        3_429,
        "pg_statistic_ext_data",
        "stxoid oid, stxdinherit bool, stxdndistinct bytea, stxddependencies bytea, stxdmcv \
         bytea, stxdexpr _text",
    ),
    empty(
        12_103,
        "pg_stats",
        "schemaname name, tablename name, attname name, inherited bool, null_frac float4, \
         avg_width int4, n_distinct float4, most_common_vals text, most_common_freqs _float4, \
         histogram_bounds text, correlation float4, most_common_elems text, \
         most_common_elem_freqs _float4, elem_count_histogram _float4, range_length_histogram \
         text, range_empty_frac float4, range_bounds_histogram text",
    ),
    empty(
        12_104,
        "pg_stats_ext",
        "schemaname name, tablename name, statistics_schemaname name, statistics_name name, \
         statistics_owner name, attnames _name, exprs _text, kinds _char, inherited bool, \
         n_distinct bytea, dependencies bytea, most_common_vals _text, most_common_val_nulls \
         _bool, most_common_freqs _float8, most_common_base_freqs _float8",
    ),
    empty(
        12_105,
        "pg_stats_ext_exprs",
        "schemaname name, tablename name, statistics_schemaname name, statistics_name name, \
         statistics_owner name, expr text, inherited bool, null_frac float4, avg_width int4, \
         n_distinct float4, most_common_vals text, most_common_freqs _float4, \
         histogram_bounds text, correlation float4, most_common_elems text, \
         most_common_elem_freqs _float4, elem_count_histogram _float4",
    ),
    empty(
        6_100,
        "pg_subscription",
        "oid oid, subdbid oid, subskiplsn text, subname name, subowner oid, subenabled bool, \
         subbinary bool, substream \"char\", subtwophasestate \"char\", subdisableonerr bool, \
         subpasswordrequired bool, subrunasowner bool, subfailover bool, subconninfo text, \
         subslotname name, subsynccommit text, subpublications _text, suborigin text",
    ),
    empty(
        6_102,
        "pg_subscription_rel",
        "srsubid oid, srrelid oid, srsubstate \"char\", srsublsn text",
    ),
    empty(
        3_576,
        "pg_transform",
        "oid oid, trftype oid, trflang oid, trffromsql regproc, trftosql regproc",
    ),
    empty(
        3_602,
        "pg_ts_config",
        "oid oid, cfgname name, cfgnamespace oid, cfgowner oid, cfgparser oid",
    ),
    empty(3_603, "pg_ts_config_map", "mapcfg oid, maptokentype int4, mapseqno int4, mapdict oid"),
    empty(
        3_600,
        "pg_ts_dict",
        "oid oid, dictname name, dictnamespace oid, dictowner oid, dicttemplate oid, \
         dictinitoption text",
    ),
    empty(
        3_601,
        "pg_ts_parser",
        "oid oid, prsname name, prsnamespace oid, prsstart regproc, prstoken regproc, prsend \
         regproc, prsheadline regproc, prslextype regproc",
    ),
    empty(
        3_764,
        "pg_ts_template",
        "oid oid, tmplname name, tmplnamespace oid, tmplinit regproc, tmpllexize regproc",
    ),
    empty(1_418, "pg_user_mapping", "oid oid, umuser oid, umserver oid, umoptions _text"),
    empty(
        12_106,
        "pg_user_mappings",
        "umid oid, srvid oid, srvname name, umuser oid, usename name, umoptions _text",
    ),
];
