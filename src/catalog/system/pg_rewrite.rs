//! `pg_rewrite`: a view is a rule, `_RETURN`, that its query takes its place.

use super::cell::{NULL, row};
use super::definition::{Definition, Row};
use super::facts::Facts;
use crate::base::Oid;
use crate::catalog::ViewDef;

pub(super) const RELATIONS: &[Definition] = &[Definition {
    oid: 2618,
    schema: super::PG_CATALOG,
    name: "pg_rewrite",
    columns: "oid oid, rulename name, ev_class oid, ev_type \"char\", ev_enabled \"char\", \
              is_instead bool, ev_qual pg_node_tree, ev_action pg_node_tree",
    rows,
}];

/// The oid of a view's rule: the view's own, since each catalog counts for itself.
pub(super) fn rule(view: &ViewDef) -> Oid {
    view.oid
}

fn rows(facts: &Facts) -> Vec<Row> {
    let row = |view: &ViewDef| row![rule(view), "_RETURN", view.oid, '1', 'O', true, NULL, NULL];
    facts.views().into_iter().map(row).collect()
}
