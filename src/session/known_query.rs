//! Queries that a driver always sends in the same words, and that are answered by others.
//!
//! asyncpg reads about types it doesn't know with a recursive query full of correlated
//! subqueries, for domains, rows and ranges. None of these exist here, so a type is itself and, if
//! it is an array, its element.

/// How asyncpg's query begins, in all of its versions.
const ASYNCPG_TYPES: &str = "WITH RECURSIVE typeinfo_tree(";

/// The same columns for the same types.
const TYPES: &str = "\
SELECT t.oid AS oid, ns.nspname AS ns, t.typname AS name, t.typtype AS kind, \
NULL::oid AS basetype, t.typelem AS elemtype, e.typdelim AS elemdelim, \
NULL::oid AS range_subtype, NULL::oid[] AS attrtypoids, NULL::text[] AS attrnames, \
t.depth AS depth, NULL::text AS basetype_name, \
CASE WHEN t.typelem <> 0 THEN format_type(t.typelem, NULL) ELSE '-' END AS elemtype_name, \
NULL::text AS range_subtype_name \
FROM (SELECT oid, typname, typtype, typelem, typnamespace, 0 AS depth FROM pg_catalog.pg_type \
WHERE oid = ANY($1::oid[]) \
UNION ALL SELECT b.oid, b.typname, b.typtype, b.typelem, b.typnamespace, 1 AS depth \
FROM pg_catalog.pg_type b JOIN pg_catalog.pg_type a ON a.typelem = b.oid \
WHERE a.oid = ANY($1::oid[])) AS t \
JOIN pg_catalog.pg_namespace ns ON ns.oid = t.typnamespace \
LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND t.typelem <> 0 \
ORDER BY t.depth DESC";

/// The query to run in place of this one.
pub(super) fn substitute(sql: &str) -> &str {
    if sql.trim_start().starts_with(ASYNCPG_TYPES) { TYPES } else { sql }
}
