//! `tableoid`: which relation a row is from. A relation in FROM is always the same one, so that the
//! column is a constant: `t.tableoid` becomes `('t'::regclass)::oid`.

use std::ops::ControlFlow;

use sqlparser::ast::{
    CastKind, DataType, Expr, Ident, ObjectName, Select, SelectItem, TableFactor, Value,
    visit_expressions_mut,
};

use super::names::fold;

/// A relation of FROM: what it is called there, and its name.
type Named = (String, ObjectName);

/// Rewrites the expressions of a query whose subqueries are rewritten already: a name that is left
/// in them is this query's.
pub(super) fn rewrite_select(select: &mut Select) {
    let joined = select.from.iter().flat_map(|from| from.joins.iter().map(|join| &join.relation));
    let factors = select.from.iter().map(|from| &from.relation).chain(joined);
    let all: Vec<Option<Named>> = factors.map(named).collect();
    let alone = all.len() == 1;
    let relations: Vec<Named> = all.into_iter().flatten().collect();
    if relations.is_empty() {
        return;
    }
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr) = item
            && relation(expr, &relations, alone).is_some()
        {
            let (expr, alias) = (expr.clone(), Ident::new("tableoid"));
            *item = SelectItem::ExprWithAlias { expr, alias };
        }
    }
    let _ = visit_expressions_mut(select, |expr| {
        if let Some(name) = relation(expr, &relations, alone) {
            *expr = oid_of(name);
        }
        ControlFlow::<()>::Continue(())
    });
}

fn named(factor: &TableFactor) -> Option<Named> {
    let TableFactor::Table { name, alias, args: None, .. } = factor else { return None };
    let called = match alias {
        Some(alias) => fold(&alias.name),
        None => fold(name.0.last()?.as_ident()?),
    };
    Some((called, name.clone()))
}

/// The relation whose `tableoid` an expression is.
fn relation<'a>(expr: &Expr, relations: &'a [Named], alone: bool) -> Option<&'a ObjectName> {
    let is_oid = |name: &Ident| fold(name) == "tableoid";
    match expr {
        Expr::Identifier(name) if alone && is_oid(name) => Some(&relations.first()?.1),
        Expr::CompoundIdentifier(parts) => {
            let [.., of, name] = parts.as_slice() else { return None };
            let found = relations.iter().find(|(called, _)| *called == fold(of));
            found.filter(|_| is_oid(name)).map(|(_, name)| name)
        }
        _ => None,
    }
}

/// `('name'::regclass)::oid`.
fn oid_of(name: &ObjectName) -> Expr {
    let quoted = |part: &Ident| format!("\"{}\"", fold(part).replace('"', "\"\""));
    let parts: Vec<String> = name.0.iter().filter_map(|part| part.as_ident()).map(quoted).collect();
    let text = Expr::Value(Value::SingleQuotedString(parts.join(".")).into());
    let cast = |expr: Expr, data_type: DataType| Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(expr),
        data_type,
        array: false,
        format: None,
    };
    let oid = DataType::Custom(ObjectName::from(vec![Ident::new("oid")]), Vec::new());
    cast(cast(text, DataType::Regclass), oid)
}
