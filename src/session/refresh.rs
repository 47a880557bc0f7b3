//! REFRESH MATERIALIZED VIEW: the rows of its query in the place of those that it has, in one
//! metadata transaction, so that readers see the one or the other.

use std::sync::Arc;

use futures::TryStreamExt;

use crate::base::{Oid, Result, Revision, SqlError, SqlState};
use crate::catalog::access::{Demand, Privileges};
use crate::catalog::{Edit, KeyDef, MaterializedDef, RelationName, Snapshot, TableDef};
use crate::plan::statement::Refresh;
use crate::plan::{PlanContext, QueryPlan, parse_query, quote_identifier};
use crate::segment::Draft;
use crate::store::meta::Mirrored;

use super::connection::Session;
use super::outcome::Outcome;

/// Times that rows are made again while others change what they are made for.
const ATTEMPTS_MAX: u32 = 100;

impl Session {
    /// REFRESH MATERIALIZED VIEW.
    pub(super) async fn refresh(
        &mut self,
        refresh: &Refresh,
        snapshot: &Arc<Mirrored<Snapshot>>,
    ) -> Result<Outcome> {
        self.notice_definition("REFRESH MATERIALIZED VIEW");
        let state = &snapshot.state;
        let name = &refresh.name;
        let relation = RelationName { schema: name.schema.as_deref(), name: &name.name };
        let found = state.require_relation(relation, &self.visible_path(state))?;
        let table = state.tables.get(&found.oid());
        let view =
            table.filter(|table| table.definition.materialized.is_some()).ok_or_else(|| {
                let message = format!("\"{}\" is not a materialized view", name.name);
                SqlError::unsupported(message)
            })?;
        let definition = &view.definition;
        let demands =
            [Demand::usage(definition.schema), Demand::whole(definition.oid, Privileges::MAINTAIN)];
        self.permit(&demands, snapshot)?;
        if refresh.concurrently {
            may_go_on(state, definition, refresh.with_data)?;
        }
        self.populate(definition.oid, refresh.with_data, snapshot.revision).await?;
        Ok(Outcome::command("REFRESH MATERIALIZED VIEW"))
    }

    /// Makes a materialized view's rows, or takes them away. Returns how many there are.
    pub(super) async fn populate(
        &mut self,
        view: Oid,
        with_data: bool,
        seen: Revision,
    ) -> Result<usize> {
        let engine = Arc::clone(self.server.engine());
        let mut snapshot = engine.at_least(seen).await?;
        for _ in 0..ATTEMPTS_MAX {
            let mut edit = Edit::new(&snapshot.state);
            let (draft, rows) = self.made(view, with_data, &snapshot, &mut edit).await?;
            match self.publish(edit, &[draft]).await? {
                Ok(revision) => {
                    self.seen = self.seen.max(revision);
                    engine.index_builds().wake();
                    return Ok(rows);
                }
                Err(newer) => snapshot = engine.at_least(newer).await?,
            }
        }
        Err(SqlError::new(SqlState::SERIALIZATION_FAILURE, "definitions keep changing")
            .with_hint("Run the statement again."))
    }

    /// The rows as of a snapshot, in objects that the edit will make reachable.
    async fn made(
        &self,
        view: Oid,
        with_data: bool,
        snapshot: &Arc<Mirrored<Snapshot>>,
        edit: &mut Edit,
    ) -> Result<(Arc<Draft>, usize)> {
        let engine = Arc::clone(self.server.engine());
        let before = Arc::clone(snapshot.state.require_table_by_oid(view)?);
        let mut definition = (*before.definition).clone();
        let Some(materialized) = &mut definition.materialized else {
            return Err(SqlError::internal("a materialized view that is a table"));
        };
        materialized.populated = with_data;
        let materialized = materialized.clone();
        let keys = engine.keys();
        edit.put(keys.table(view), &definition)?;
        edit.unchanged(keys.schema_version(view), before.schema_version);
        edit.touch(keys.schema_version(view));
        let mut rewrite = engine.rewrite(&before);
        let mut rows = 0;
        if with_data {
            for key in &definition.keys {
                self.check_unique(&definition, key, &materialized, snapshot).await?;
            }
            let plan = self.plan_of(&definition, &materialized, &materialized.query, snapshot)?;
            let run = self.run_on(snapshot);
            let schema = before.schema.arrow();
            let mut stream = plan.execute(&[], &run)?;
            while let Some(batch) = stream.try_next().await.map_err(crate::plan::sql_error)? {
                rows += batch.num_rows();
                rewrite.write(super::copy::with_schema(&batch, &schema)?).await?;
            }
        }
        Ok((rewrite.finish(&engine, &before, edit).await?, rows))
    }

    /// A query over what the view reads, with its owner's rights.
    fn plan_of(
        &self,
        definition: &TableDef,
        materialized: &MaterializedDef,
        query: &str,
        snapshot: &Arc<Mirrored<Snapshot>>,
    ) -> Result<QueryPlan> {
        let owner = definition.owner;
        let context = PlanContext {
            search_path: materialized.search_path.clone(),
            rights: Some(owner),
            ..self.plan_context(snapshot)
        };
        let plan = self.server.parts.planner.query(&context, &parse_query(query)?, &[])?;
        let with_rights =
            |demand: &Demand| Demand { role: demand.role.or(Some(owner)), ..demand.clone() };
        let demands: Vec<Demand> = plan.demands().iter().map(with_rights).collect();
        self.permit(&demands, snapshot)?;
        Ok(plan)
    }

    /// 23505 where the query's rows are not unique in an index's columns.
    async fn check_unique(
        &self,
        definition: &TableDef,
        key: &KeyDef,
        materialized: &MaterializedDef,
        snapshot: &Arc<Mirrored<Snapshot>>,
    ) -> Result<()> {
        let quoted = |name: &String| quote_identifier(name);
        let all: Vec<String> = definition.columns.iter().map(|c| quoted(&c.name)).collect();
        let columns = key.columns.iter().filter_map(|id| definition.column_by_id(*id));
        let columns: Vec<String> = columns.map(|column| quoted(&column.name)).collect();
        let not_null: Vec<String> =
            columns.iter().map(|column| format!("{column} IS NOT NULL")).collect();
        let condition = match key.nulls_not_distinct {
            true => "true".to_owned(),
            false => not_null.join(" AND "),
        };
        let sql = format!(
            "SELECT 1 FROM (\n{}\n) AS rows ({}) WHERE {condition} GROUP BY {} \
             HAVING count(*) > 1 LIMIT 1",
            materialized.query,
            all.join(", "),
            columns.join(", "),
        );
        let plan = self.plan_of(definition, materialized, &sql, snapshot)?;
        let mut stream = plan.execute(&[], &self.run_on(snapshot))?;
        while let Some(batch) = stream.try_next().await.map_err(crate::plan::sql_error)? {
            if batch.num_rows() > 0 {
                let message = format!("could not create unique index \"{}\"", key.name);
                return Err(
                    SqlError::new(SqlState::UNIQUE_VIOLATION, message).with_constraint(&key.name)
                );
            }
        }
        Ok(())
    }
}

/// What PostgreSQL asks for before it refreshes CONCURRENTLY. Here no refresh holds readers up.
fn may_go_on(state: &Snapshot, definition: &TableDef, with_data: bool) -> Result<()> {
    let refused =
        |message: &str| Err(SqlError::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
    if !with_data {
        let message = "REFRESH options CONCURRENTLY and WITH NO DATA cannot be used together";
        return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
    }
    if definition.materialized.as_ref().is_some_and(|view| !view.populated) {
        let message = "CONCURRENTLY cannot be used when the materialized view is not populated";
        return Err(SqlError::unsupported(message));
    }
    if definition.keys.is_empty() {
        let (schema, name) = (state.schema_name(definition.schema), &definition.name);
        let message = format!("cannot refresh materialized view \"{schema}.{name}\" concurrently");
        return refused(&message).map_err(|error: SqlError| {
            error.with_hint(
                "Create a unique index with no WHERE clause on one or more columns of the \
                 materialized view.",
            )
        });
    }
    Ok(())
}
