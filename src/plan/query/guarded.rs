//! A table under row-level security, as a source: the rows that the policies let through, behind
//! a barrier.

use std::sync::Arc;

use datafusion::logical_expr::{LogicalPlan, TableSource as LogicalSource};
use sqlparser::ast;

use super::planner::{PlanContext, Planner, Target};
use super::provider::infinite_recursion;
use super::relations::{Relation, Relations};
use super::view_source::InlineSource;
use crate::base::{Oid, Result};
use crate::catalog::access::{Demand, Object};
use crate::exec::Barrier;
use crate::plan::quote_identifier;
use crate::segment::TableSchema;

/// The table itself, in the query that applies its policies: no client writes such a name.
const UNGUARDED: &str = "redkite unguarded";

/// A table whose rows are guarded.
pub(super) struct Guarded<'a> {
    pub(super) oid: Oid,
    pub(super) name: &'a str,
    pub(super) schema: &'a Arc<TableSchema>,
    /// Which rows come through, as SQL.
    pub(super) condition: &'a str,
    /// The hidden columns are wanted too.
    pub(super) target: Option<Target>,
}

impl Planner {
    /// The source, and what the policies' subqueries demand.
    pub(super) fn guarded(
        &self,
        context: &PlanContext,
        table: &Guarded<'_>,
        depth: usize,
    ) -> Result<(Arc<dyn LogicalSource>, Vec<Demand>)> {
        if context.guarding.contains(&table.oid) {
            return Err(infinite_recursion(table.name));
        }
        let context = context.stored();
        let relations = Arc::new(Unguarded {
            others: Arc::clone(&context.relations),
            oid: table.oid,
            schema: Arc::clone(table.schema),
            everywhere: false,
        });
        let mut guarding = context.guarding.to_vec();
        guarding.push(table.oid);
        let context = PlanContext { relations, guarding: guarding.into(), ..context };
        let (from, alias) = (quote_identifier(UNGUARDED), quote_identifier(table.name));
        let sql = format!("SELECT * FROM {from} AS {alias} WHERE {}", table.condition);
        let mut tree: ast::Query = *crate::plan::parse_query(&sql)?.ast;
        super::user_notation::prepare(&mut tree, &context, self.functions())?;
        super::rewrite::rewrite(&mut tree)?;
        let analyzed = self.analyze(&context, &tree, &[], table.target, depth + 1)?;
        let own = Object::Relation(table.oid);
        let demands = analyzed.demands.into_iter().filter(|demand| demand.object != own).collect();
        let ids = table.schema.columns.iter().map(|column| Some(column.id)).collect();
        let plan: LogicalPlan = Barrier::over(analyzed.plan);
        Ok((Arc::new(InlineSource::new(table.oid, ids, plan)), demands))
    }
}

/// The catalog in which [`UNGUARDED`] is the table without its policies.
#[derive(Debug)]
struct Unguarded {
    others: Arc<dyn Relations>,
    oid: Oid,
    schema: Arc<TableSchema>,
    /// Under its own name too.
    everywhere: bool,
}

/// A context in which a table has all its rows, whatever its policies say: for what happens to a
/// table as a whole.
pub fn unguarded((oid, schema): (Oid, &Arc<TableSchema>), context: &PlanContext) -> PlanContext {
    let (others, schema) = (Arc::clone(&context.relations), Arc::clone(schema));
    let relations = Arc::new(Unguarded { others, oid, schema, everywhere: true });
    PlanContext { relations, ..context.clone() }
}

impl Relations for Unguarded {
    fn relation(&self, schema: Option<&str>, name: &str, path: &[String]) -> Option<Relation> {
        if schema.is_none() && name == UNGUARDED {
            let schema = Arc::clone(&self.schema);
            return Some(Relation::Unguarded { oid: self.oid, schema });
        }
        match self.others.relation(schema, name, path) {
            Some(Relation::Table { oid, schema }) if self.everywhere && oid == self.oid => {
                Some(Relation::Unguarded { oid, schema })
            }
            other => other,
        }
    }

    fn beneath(&self) -> Option<&dyn Relations> {
        Some(self.others.as_ref())
    }
}
