//! A view's query follows what it reads: PostgreSQL's views know relations and columns by number,
//! ours by name, so the text is written anew where a name changes.
//!
//! A renamed relation gets its new name and keeps the old one as its alias; a relation with a
//! renamed column becomes a subquery that gives the column under its old name. `*` is made
//! definite when a view is created, by a subquery with the columns that are there then. A text is
//! replaced only where the new one reads back as the tree that it was printed from.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Ident, ObjectName, Query, Select, SelectItem, SetExpr, TableAlias, TableFactor, VisitMut,
    VisitorMut,
};

use crate::base::{Oid, Result, SqlError};
use crate::catalog::{Relation, RelationName, Snapshot, ViewDef};
use crate::plan::{parse_query, quote_identifier};

use super::text::mentions;

/// What a relation is called from now on.
pub(super) struct Renamed<'a> {
    /// The relation.
    pub(super) oid: Oid,
    /// Its schema and name.
    pub(super) name: (&'a str, &'a str),
    /// A column's name before and after.
    pub(super) column: Option<(&'a str, &'a str)>,
}

/// The text of a view's query after a change of names; none where it does not mention the
/// relation.
///
/// # Errors
/// 0A000 when the text can't follow.
pub(super) fn follow(
    view: &ViewDef,
    snapshot: &Snapshot,
    renamed: &Renamed<'_>,
) -> Result<Option<String>> {
    let mut columns = columns(snapshot, renamed.oid).unwrap_or_default();
    let tree = *parse_query(&view.query)?.ast;
    if let Some((from, _)) = renamed.column {
        let mentions = mentions(&view.query);
        let mentioned = |column: &String| mentions.iter().any(|mention| mention.name == *column);
        if !reads_all(&tree, snapshot, &view.search_path) {
            columns.retain(mentioned);
        }
        if !columns.iter().any(|column| column == from) {
            return Ok(None);
        }
    }
    let (schema, name) = renamed.name;
    let relation = format!("{}.{}", quote_identifier(schema), quote_identifier(name));
    let replacement = match renamed.column {
        None => Replacement::Name(relation),
        Some((from, to)) => {
            let items = columns.iter().map(|column| {
                let now = if column == from { to } else { column };
                format!("{} AS {}", quote_identifier(now), quote_identifier(column))
            });
            let items: Vec<String> = items.collect();
            Replacement::Query(format!("SELECT {} FROM {relation}", items.join(", ")))
        }
    };
    let mut rewrite = Rewrite {
        snapshot,
        path: &view.search_path,
        target: renamed.oid,
        replacement,
        shadowed: Vec::new(),
        changed: false,
    };
    let rewritten = rewrite.apply(tree);
    if !rewrite.changed {
        return Ok(None);
    }
    rewritten.map(Some).ok_or_else(|| {
        SqlError::unsupported(format!("view \"{}\" can't follow the new name", view.name))
            .with_hint("Drop the view, change the name, and create the view again.")
    })
}

/// Whether a query reads columns of a relation that it does not name.
fn reads_all(tree: &Query, snapshot: &Snapshot, path: &[String]) -> bool {
    let mut stars = Stars { snapshot, path, shadowed: Vec::new(), changed: false };
    let _ = VisitMut::visit(&mut tree.clone(), &mut stars);
    stars.changed || mentions(&tree.to_string()).iter().any(|mention| mention.name == "natural")
}

/// A view's query with `*` made definite; as it was where nothing is to be done.
pub(super) fn definite(query: &str, snapshot: &Snapshot, path: &[String]) -> Result<String> {
    let mut tree = *parse_query(query)?.ast;
    let mut stars = Stars { snapshot, path, shadowed: Vec::new(), changed: false };
    let _ = VisitMut::visit(&mut tree, &mut stars);
    if !stars.changed {
        return Ok(query.to_owned());
    }
    Ok(printed(tree).unwrap_or_else(|| query.to_owned()))
}

/// A query with relations named by their schemas too.
///
/// # Errors
/// 0A000 where the text does not read back.
pub fn qualified(query: &str, snapshot: &Snapshot, path: &[String]) -> Result<String> {
    let mut tree = *parse_query(query)?.ast;
    let mut names = Qualify { snapshot, path, shadowed: Vec::new() };
    let _ = VisitMut::visit(&mut tree, &mut names);
    printed(tree).ok_or_else(|| SqlError::unsupported("this expression is not supported here"))
}

/// The relations that a query names and that exist.
pub(super) fn mentioned(query: &str, snapshot: &Snapshot, path: &[String]) -> Result<Vec<Oid>> {
    let mut tree = *parse_query(query)?.ast;
    let mut names = Mentioned { snapshot, path, found: Vec::new() };
    let _ = VisitMut::visit(&mut tree, &mut names);
    Ok(names.found)
}

/// A tree as text, if that reads back as the same tree.
fn printed(tree: Query) -> Option<String> {
    let text = tree.to_string();
    let again = parse_query(&text).ok()?;
    (*again.ast == tree).then_some(text)
}

/// The names of a relation's columns.
fn columns(snapshot: &Snapshot, oid: Oid) -> Option<Vec<String>> {
    if let Some(table) = snapshot.tables.get(&oid) {
        return Some(table.definition.columns.iter().map(|column| column.name.clone()).collect());
    }
    let view = snapshot.views.get(&oid)?;
    Some(view.columns.iter().map(|(name, _)| name.clone()).collect())
}

/// The relation that a name stands for, and the last part of the name.
fn resolve<'n>(
    name: &'n ObjectName,
    snapshot: &Snapshot,
    path: &[String],
) -> Option<(Relation, &'n Ident)> {
    let parts: Option<Vec<&Ident>> = name.0.iter().map(|part| part.as_ident()).collect();
    let parts = parts?;
    let (schema, last) = match parts.as_slice() {
        [name] => (None, *name),
        [schema, name] => (Some(schema.value.as_str()), *name),
        _ => return None,
    };
    let relation = snapshot.relation(RelationName { schema, name: &last.value }, path)?;
    Some((relation, last))
}

/// Names that WITH gives: they hide relations.
fn collect_shadowed(query: &Query, shadowed: &mut Vec<String>) {
    let with = query.with.iter().flat_map(|with| &with.cte_tables);
    shadowed.extend(with.map(|cte| cte.alias.name.value.clone()));
}

fn hidden(name: &ObjectName, shadowed: &[String]) -> bool {
    match name.0.as_slice() {
        [one] => one.as_ident().is_some_and(|one| shadowed.contains(&one.value)),
        _ => false,
    }
}

fn alias(name: &Ident) -> TableAlias {
    let plain = quote_identifier(&name.value) == name.value;
    let quote = if plain { None } else { Some('"') };
    let name = Ident { quote_style: quote, ..Ident::new(name.value.clone()) };
    TableAlias { explicit: true, name, columns: Vec::new(), at: None }
}

struct Mentioned<'a> {
    snapshot: &'a Snapshot,
    path: &'a [String],
    found: Vec<Oid>,
}

impl VisitorMut for Mentioned<'_> {
    type Break = ();

    fn pre_visit_relation(&mut self, name: &mut ObjectName) -> ControlFlow<()> {
        if let Some((relation, _)) = resolve(name, self.snapshot, self.path)
            && !self.found.contains(&relation.oid())
        {
            self.found.push(relation.oid());
        }
        ControlFlow::Continue(())
    }
}

struct Qualify<'a> {
    snapshot: &'a Snapshot,
    path: &'a [String],
    shadowed: Vec<String>,
}

impl VisitorMut for Qualify<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        collect_shadowed(query, &mut self.shadowed);
        ControlFlow::Continue(())
    }

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        let TableFactor::Table { name, alias: given, args: None, .. } = factor else {
            return ControlFlow::Continue(());
        };
        if name.0.len() > 1 || hidden(name, &self.shadowed) {
            return ControlFlow::Continue(());
        }
        let Some((relation, last)) = resolve(name, self.snapshot, self.path) else {
            return ControlFlow::Continue(());
        };
        let Some((schema, _)) = self.snapshot.relation_name(relation.oid()) else {
            return ControlFlow::Continue(());
        };
        let schema = quote_identifier(self.snapshot.schema_name(schema));
        let whole = format!("{schema}.{}", quote_identifier(&last.value));
        let alias = given.clone().unwrap_or_else(|| alias(last));
        if let Some(made) = relation_factor(&whole, alias) {
            *factor = made;
        }
        ControlFlow::Continue(())
    }
}

/// What stands in a relation's place.
enum Replacement {
    /// Another name.
    Name(String),
    /// A query.
    Query(String),
}

struct Rewrite<'a> {
    snapshot: &'a Snapshot,
    path: &'a [String],
    target: Oid,
    replacement: Replacement,
    shadowed: Vec<String>,
    changed: bool,
}

impl Rewrite<'_> {
    /// The rewritten text; none where it would not read back.
    fn apply(&mut self, mut tree: Query) -> Option<String> {
        let _ = VisitMut::visit(&mut tree, self);
        printed(tree)
    }
}

impl VisitorMut for Rewrite<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        collect_shadowed(query, &mut self.shadowed);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        // `schema.table.column`: the alias is what is left of the table's name.
        if let Expr::CompoundIdentifier(parts) = expr
            && let [schema, table, _] = parts.as_slice()
        {
            let name = RelationName { schema: Some(&schema.value), name: &table.value };
            let found = self.snapshot.relation(name, self.path);
            if found.is_some_and(|relation| relation.oid() == self.target) {
                parts.remove(0);
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        let TableFactor::Table { name, alias: given, args: None, .. } = factor else {
            return ControlFlow::Continue(());
        };
        let Some((relation, last)) = resolve(name, self.snapshot, self.path) else {
            return ControlFlow::Continue(());
        };
        if relation.oid() != self.target || hidden(name, &self.shadowed) {
            return ControlFlow::Continue(());
        }
        let alias = given.clone().unwrap_or_else(|| alias(last));
        let made = match &self.replacement {
            Replacement::Name(name) => relation_factor(name, alias),
            Replacement::Query(query) => derived(query, alias),
        };
        if let Some(made) = made {
            *factor = made;
            self.changed = true;
        }
        ControlFlow::Continue(())
    }
}

/// A relation in FROM.
fn relation_factor(name: &str, with: TableAlias) -> Option<TableFactor> {
    let tree = parse_query(&format!("SELECT 1 FROM {name}")).ok()?.ast;
    let SetExpr::Select(mut select) = *tree.body else { return None };
    let mut factor = select.from.pop()?.relation;
    if let TableFactor::Table { alias, .. } = &mut factor {
        *alias = Some(with);
    }
    Some(factor)
}

/// A subquery in FROM.
fn derived(query: &str, alias: TableAlias) -> Option<TableFactor> {
    let subquery = parse_query(query).ok()?.ast;
    Some(TableFactor::Derived { lateral: false, subquery, alias: Some(alias), sample: None })
}

struct Stars<'a> {
    snapshot: &'a Snapshot,
    path: &'a [String],
    shadowed: Vec<String>,
    changed: bool,
}

impl Stars<'_> {
    fn pin(&mut self, factor: &mut TableFactor) {
        let TableFactor::Table { name, alias: given, args: None, .. } = factor else { return };
        if hidden(name, &self.shadowed) {
            return;
        }
        let Some((relation, last)) = resolve(name, self.snapshot, self.path) else { return };
        let Some(columns) = columns(self.snapshot, relation.oid()) else { return };
        let items: Vec<String> = columns.iter().map(|column| quote_identifier(column)).collect();
        if items.is_empty() {
            return;
        }
        let alias = given.clone().unwrap_or_else(|| alias(last));
        if let Some(made) = derived(&format!("SELECT {} FROM {name}", items.join(", ")), alias) {
            *factor = made;
            self.changed = true;
        }
    }
}

impl VisitorMut for Stars<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        collect_shadowed(query, &mut self.shadowed);
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let star = select.projection.iter().any(|item| {
            matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..))
        });
        if star {
            for table in &mut select.from {
                self.pin(&mut table.relation);
                for join in &mut table.joins {
                    self.pin(&mut join.relation);
                }
            }
        }
        ControlFlow::Continue(())
    }
}
