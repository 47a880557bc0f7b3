//! RETURNING of UPDATE .. FROM and DELETE .. USING, which may show the other tables' columns.
//!
//! Its expressions, as those of an UPDATE that name the row as it was, are computed by the query that finds the rows, over the changed row under the
//! target's name and the rows that it was joined with. Without other tables RETURNING is a query
//! of its own over the changed rows.

use std::sync::Arc;

use datafusion::common::Column;
use datafusion::logical_expr::{Expr, LogicalPlan, Projection};
use sqlparser::ast::{
    Ident, ObjectName, SelectItem, SelectItemQualifiedWildcardKind, TableFactor, TableWithJoins,
    WildcardAdditionalOptions,
};

use super::errors::sql_error;
use super::literal::Parameters;
use super::names::{fold, output_name, unique};
use super::planner::{PlanContext, Planner};
use super::row_versions::is_hidden;
use crate::base::{Result, SqlError, SqlState};
use crate::catalog::access::Demand;
use crate::types::PgType;

/// `t.*` for each of the other tables.
pub(super) fn other_columns(others: &[TableWithJoins]) -> Vec<SelectItem> {
    let mut names = Vec::new();
    others.iter().for_each(|from| collect(from, &mut names));
    let item = |name| {
        let kind = SelectItemQualifiedWildcardKind::ObjectName(ObjectName::from(vec![name]));
        SelectItem::QualifiedWildcard(kind, WildcardAdditionalOptions::default())
    };
    names.into_iter().map(item).collect()
}

fn collect(from: &TableWithJoins, names: &mut Vec<Ident>) {
    let joined = from.joins.iter().map(|join| &join.relation);
    for factor in std::iter::once(&from.relation).chain(joined) {
        match factor {
            TableFactor::Table { name, alias, .. } | TableFactor::Function { name, alias, .. } => {
                let last = name.0.last().and_then(|part| part.as_ident()).cloned();
                names.extend(alias.as_ref().map(|alias| alias.name.clone()).or(last));
            }
            TableFactor::Derived { alias, .. } => {
                names.extend(alias.as_ref().map(|alias| alias.name.clone()));
            }
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                collect(table_with_joins, names);
            }
            TableFactor::NestedJoin { alias: Some(alias), .. } => names.push(alias.name.clone()),
            _ => {}
        }
    }
}

impl Planner {
    /// Puts RETURNING's columns after the first `width` of a plan: the changed row and, after
    /// it, the other tables' columns.
    pub(super) fn returning(
        &self,
        context: &PlanContext,
        plan: LogicalPlan,
        width: usize,
        items: &[SelectItem],
        parameters: &[PgType],
    ) -> Result<(LogicalPlan, Vec<Demand>)> {
        let schema = Arc::clone(plan.schema());
        let column = |at: usize| Expr::Column(Column::from(schema.qualified_field(at)));
        let mut exprs: Vec<Expr> = (0..width).map(column).collect();
        let known: Vec<_> = parameters.iter().cloned().map(Some).collect();
        let parameters = Arc::new(Parameters::new(&known));
        let (mut found, mut demands): (Vec<(String, Expr)>, _) = (Vec::new(), Vec::new());
        for item in items {
            let all = (1..schema.fields().len()).filter(|at| !is_hidden(schema.field(*at).name()));
            match item {
                SelectItem::Wildcard(_) => {
                    found.extend(all.map(|at| (schema.field(at).name().clone(), column(at))))
                }
                SelectItem::QualifiedWildcard(kind, _) => {
                    let SelectItemQualifiedWildcardKind::ObjectName(name) = kind else {
                        return Err(SqlError::unsupported("this form of RETURNING"));
                    };
                    let table = name.0.last().and_then(|part| part.as_ident()).map(fold);
                    let table = table.unwrap_or_default();
                    let before = found.len();
                    found.extend(all.filter_map(|at| {
                        let (qualifier, field) = schema.qualified_field(at);
                        let same = qualifier.is_some_and(|q| q.table() == table);
                        same.then(|| (field.name().clone(), column(at)))
                    }));
                    if found.len() == before {
                        let message = format!("missing FROM-clause entry for table \"{table}\"");
                        return Err(SqlError::new(SqlState::UNDEFINED_TABLE, message));
                    }
                }
                SelectItem::UnnamedExpr(expr) => {
                    let (planned, asked) =
                        self.expression(context, expr.clone(), &schema, &parameters)?;
                    demands.extend(asked);
                    found.push((output_name(expr), planned));
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    let (planned, asked) =
                        self.expression(context, expr.clone(), &schema, &parameters)?;
                    demands.extend(asked);
                    found.push((fold(alias), planned));
                }
                SelectItem::ExprWithAliases { .. } => {
                    return Err(SqlError::unsupported("this form of RETURNING"));
                }
            }
        }
        let named = found.into_iter().enumerate();
        exprs.extend(named.map(|(at, (name, expr))| expr.alias(unique(&name, at))));
        let plan = Projection::try_new(exprs, Arc::new(plan)).map_err(sql_error)?;
        Ok((LogicalPlan::Projection(plan), demands))
    }
}
