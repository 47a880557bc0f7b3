//! DDL: takes effect at once, in a transaction of its own, and ROLLBACK does not undo it.

use std::sync::Arc;

use futures::TryStreamExt;

use crate::base::{ColumnId, Oid, Result, Revision, Severity, SqlError, SqlState};
use crate::catalog::{Edit, FunctionDef, Snapshot, TableDef, ViewDef};
use crate::plan::ddl::{CheckFunction, Ddl, DdlContext, Effect, QueryFacts, define};
use crate::plan::statement::Query;
use crate::plan::{PlanContext, Statement, quote_identifier};
use crate::segment::Draft;
use crate::store::meta::Mirrored;

use super::connection::Session;
use super::explain::Watch;
use super::outcome::Outcome;
use super::prepare::Prepared;
use super::transaction::{State, Transaction};

/// Times that a definition is made again while others change the same ones.
const ATTEMPTS_MAX: u32 = 100;

impl Session {
    /// Runs DDL.
    pub(super) async fn define(
        &mut self,
        prepared: &Arc<Prepared>,
        snapshot: &Arc<Mirrored<Snapshot>>,
        watch: Option<&Watch>,
    ) -> Result<Outcome> {
        self.notice_definition(prepared.tag());
        let mut snapshot = Arc::clone(snapshot);
        for _ in 0..ATTEMPTS_MAX {
            let mut ddl = self.make(prepared, &snapshot)?;
            let (mut fill, mut awaited, mut drafts) = (None, Vec::new(), Vec::new());
            let (mut populated, mut altered, mut passing) = (None, Vec::new(), Vec::new());
            for effect in std::mem::take(&mut ddl.effects) {
                match effect {
                    Effect::Fill(table, query) => fill = Some((table, query)),
                    Effect::Populate(view) => populated = Some(view),
                    Effect::AwaitIndex(table, index) => awaited.push((table, index)),
                    Effect::GoOn(sequence) => altered.push(sequence),
                    Effect::DropAtEnd(table) => passing.push(table),
                    Effect::Rewrite(table, names, query) => {
                        let rows = (table, &*names, &*query);
                        drafts.push(self.rewrite(rows, &snapshot, &mut ddl).await?);
                    }
                    effect => self.check_rows(&effect, &snapshot, &mut ddl).await?,
                }
            }
            let engine = Arc::clone(self.server.engine());
            let published = if ddl.edit.is_empty() {
                Ok(snapshot.revision)
            } else {
                self.publish(ddl.edit, &drafts).await?
            };
            match published {
                Ok(revision) => {
                    self.seen = self.seen.max(revision);
                    if ddl.made_temporary.is_some() {
                        self.settings.set_temporary(ddl.made_temporary);
                    }
                    for notice in ddl.notices {
                        self.notice(notice);
                    }
                    self.passing.extend(passing);
                    for sequence in altered {
                        engine.give_back(&sequence).await?;
                    }
                    engine.index_builds().wake();
                    for (table, index) in awaited {
                        self.await_index(table, index, revision).await?;
                    }
                    if let Some(view) = populated {
                        let rows = self.populate(view, true, revision).await?;
                        return Ok(Outcome::command(format!("SELECT {rows}")));
                    }
                    return match fill {
                        // What was there already has no rows to tell of.
                        None => Ok(Outcome::command(match prepared.statement() {
                            Statement::CreateTableAs(create) if create.materialized => {
                                "CREATE MATERIALIZED VIEW"
                            }
                            Statement::CreateTableAs(_) => "CREATE TABLE AS",
                            _ => prepared.tag(),
                        })),
                        Some((table, query)) => self.fill(table, &query, revision, watch).await,
                    };
                }
                Err(newer) => snapshot = engine.at_least(newer).await?,
            }
        }
        Err(SqlError::new(SqlState::SERIALIZATION_FAILURE, "definitions keep changing")
            .with_hint("Run the statement again."))
    }

    /// Tells who is within a transaction that a definition is none of it.
    pub(super) fn notice_definition(&mut self, tag: &str) {
        if matches!(self.state, State::Block(_)) {
            let message = format!("{tag} takes effect at once");
            let notice = SqlError::new(SqlState::SUCCESSFUL_COMPLETION, message)
                .with_severity(Severity::Notice)
                .with_detail("ROLLBACK does not undo it.");
            self.notice(notice);
        }
    }

    /// Publishes a change of definitions, with the objects that it makes reachable.
    pub(super) async fn publish(
        &self,
        edit: Edit,
        drafts: &[Arc<Draft>],
    ) -> Result<std::result::Result<Revision, Revision>> {
        drafts.iter().for_each(|draft| draft.submitted());
        let published = self.server.engine().try_edit(edit).await;
        match &published {
            Ok(Ok(_)) => drafts.iter().for_each(|draft| draft.published()),
            Err(error) if error.code() == SqlState::TRANSACTION_RESOLUTION_UNKNOWN => {}
            Ok(Err(_)) | Err(_) => drafts.iter().for_each(|draft| draft.refused()),
        }
        published
    }

    /// Makes a table's rows anew, as the definition that it will have wants them.
    async fn rewrite(
        &mut self,
        (definition, names, query): (Arc<TableDef>, &[String], &str),
        snapshot: &Arc<Mirrored<Snapshot>>,
        ddl: &mut Ddl,
    ) -> Result<Arc<Draft>> {
        let before = Arc::clone(snapshot.state.require_table_by_oid(definition.oid)?);
        let mine = |transaction: &mut Transaction| transaction.writes.table(before.oid()).is_some();
        if self.transaction().is_some_and(mine) {
            let message = format!(
                "cannot alter table \"{}\" whose rows this transaction has changed",
                before.definition.name
            );
            return Err(SqlError::unsupported(message));
        }
        let mut table = (*before).clone();
        table.schema = Arc::new(crate::catalog::table_schema(&definition)?);
        table.definition = definition;
        let table = Arc::new(table);
        let context = self.plan_context(snapshot);
        let planner = Arc::clone(&self.server.parts.planner);
        let query = crate::plan::parse_query(query)?;
        // All rows, whatever policies the table has.
        let all = crate::plan::unguarded((before.oid(), &before.schema), &context);
        let source = planner.whole_rows(&all, &table.definition, names, query)?;
        // USING may hold a subquery.
        self.permit(source.demands(), snapshot)?;
        let checks = planner.checks(&context, (&table.definition, &table.schema))?;
        let engine = Arc::clone(self.server.engine());
        let run = self.run_on(snapshot);
        let schema = table.schema.arrow();
        let mut rewrite = engine.rewrite(&table);
        let mut stream = source.execute(&[], &run)?;
        while let Some(batch) = stream.try_next().await.map_err(crate::plan::sql_error)? {
            let batch = super::copy::with_schema(&batch, &schema)?;
            self.check_rows_of(&table, checks.as_ref(), &batch, &run).await?;
            rewrite.write(batch).await?;
        }
        rewrite.finish(&engine, &before, &mut ddl.edit).await
    }

    fn make(&self, prepared: &Prepared, snapshot: &Arc<Mirrored<Snapshot>>) -> Result<Ddl> {
        let engine = self.server.engine();
        let query_facts = |query: &Query| {
            query.refuse_locking()?;
            let plan = self.server.parts.planner.query(&self.plan_context(snapshot), query, &[])?;
            // A view's query is read later, by its owner; the rows of a new table are read now.
            if let Statement::CreateTableAs(_) = prepared.statement() {
                self.permit(plan.demands(), snapshot)?;
            }
            let columns = plan.columns().iter();
            Ok(QueryFacts {
                columns: columns.map(|column| (column.name.clone(), column.ty.clone())).collect(),
                relations: plan.depends_on().to_vec(),
            })
        };
        let view_needs =
            |view: &ViewDef, table, column| self.view_needs(view, table, column, snapshot);
        let check_function = |function: &FunctionDef| {
            self.server.parts.planner.check_function(&self.plan_context(snapshot), function)
        };
        let check_function: Option<&CheckFunction<'_>> =
            match self.settings.is_on("check_function_bodies") {
                true => Some(&check_function),
                false => None,
            };
        let context = DdlContext {
            keys: engine.keys(),
            search_path: &self.visible_path(&snapshot.state),
            role: self.role(),
            session_role: self.identity.session,
            maintenance_bytes: self.settings.maintenance_bytes(),
            random: engine.random(),
            query_facts: Some(&query_facts),
            check_function,
            view_needs: Some(&view_needs),
            temporary: self.settings.temporary(),
            incarnation: Some(engine.incarnation()),
        };
        define(prepared.statement(), &snapshot.state, &context)
    }

    /// Whether a view's query fails, or gives other columns, where a table has not the column.
    fn view_needs(
        &self,
        view: &ViewDef,
        table: Oid,
        column: ColumnId,
        snapshot: &Arc<Mirrored<Snapshot>>,
    ) -> bool {
        let Some(before) = snapshot.state.tables.get(&table) else { return false };
        let mut without = (**before).clone();
        let mut definition = (*without.definition).clone();
        definition.columns.retain(|known| known.id != column);
        definition.keys.retain(|key| !key.columns.contains(&column));
        let Ok(schema) = crate::catalog::table_schema(&definition) else { return true };
        without.definition = Arc::new(definition);
        without.schema = Arc::new(schema);
        let mut state = snapshot.state.clone();
        state.tables.insert(table, Arc::new(without));
        let changed = Arc::new(Mirrored { revision: snapshot.revision, state });
        let search_path = view.search_path.clone();
        let context = PlanContext { search_path, ..self.plan_context(&changed) };
        let planned = crate::plan::parse_query(&view.query)
            .and_then(|query| self.server.parts.planner.query(&context, &query, &[]));
        let Ok(plan) = planned else { return true };
        let names = plan.columns().iter().map(|column| &column.name);
        !names.eq(view.columns.iter().map(|(name, _)| name))
    }

    /// Looks whether rows that exist let a definition be made; the edit then relies on nobody
    /// changing them before it is published.
    async fn check_rows(
        &self,
        effect: &Effect,
        snapshot: &Arc<Mirrored<Snapshot>>,
        ddl: &mut Ddl,
    ) -> Result<()> {
        let state = &snapshot.state;
        let (oid, sql, error) = match effect {
            Effect::NotNull(oid, column) => {
                let table = state.require_table_by_oid(*oid)?;
                let definition = &table.definition;
                let Some(column) = definition.column_by_id(*column) else { return Ok(()) };
                let name = &column.name;
                let condition = format!("{} IS NULL", quote_identifier(name));
                let message = format!(
                    "column \"{name}\" of relation \"{}\" contains null values",
                    definition.name
                );
                (
                    *oid,
                    select(state, definition, &condition),
                    SqlError::new(SqlState::NOT_NULL_VIOLATION, message),
                )
            }
            Effect::Check(definition, name) => {
                let Some(check) = definition.checks.iter().find(|check| check.name == *name) else {
                    return Ok(());
                };
                let condition = format!("NOT ({})", check.expression);
                let message = format!(
                    "check constraint \"{name}\" of relation \"{}\" is violated by some row",
                    definition.name
                );
                (
                    definition.oid,
                    select(state, definition, &condition),
                    SqlError::new(SqlState::CHECK_VIOLATION, message),
                )
            }
            Effect::NoRow { table, condition, error } => {
                let definition = &state.require_table_by_oid(*table)?.definition;
                (*table, select(state, definition, condition), error.clone())
            }
            Effect::Unique(definition, name) => {
                let Some(sql) = duplicates(state, definition, name) else { return Ok(()) };
                let message = format!("could not create unique index \"{name}\"");
                (
                    definition.oid,
                    sql,
                    SqlError::new(SqlState::UNIQUE_VIOLATION, message).with_constraint(name),
                )
            }
            Effect::ForeignKey(definition, name) => {
                let Some((sql, parent)) = orphans(state, definition, name) else { return Ok(()) };
                ddl.edit.unchanged(self.server.engine().keys().deletes(parent.0), parent.1);
                let message = format!(
                    "insert or update on table \"{}\" violates foreign key constraint \"{name}\"",
                    definition.name
                );
                (
                    definition.oid,
                    sql,
                    SqlError::new(SqlState::FOREIGN_KEY_VIOLATION, message).with_constraint(name),
                )
            }
            Effect::Fill(..)
            | Effect::Populate(..)
            | Effect::AwaitIndex(..)
            | Effect::GoOn(..)
            | Effect::DropAtEnd(..)
            | Effect::Rewrite(..) => return Ok(()),
        };
        // A table that the same statement creates has no rows.
        let Some(table) = state.tables.get(&oid) else { return Ok(()) };
        let keys = self.server.engine().keys();
        ddl.edit.unchanged(keys.appends(oid), table.appends);
        ddl.edit.unchanged(keys.deletes(oid), table.deletes);
        if self.has_rows(&sql, snapshot).await? { Err(error) } else { Ok(()) }
    }

    async fn has_rows(&self, sql: &str, snapshot: &Arc<Mirrored<Snapshot>>) -> Result<bool> {
        let query = crate::plan::parse_query(sql)?;
        let context = self.plan_context(snapshot);
        let plan = self.server.parts.planner.query(&context, &query, &[])?;
        let run = self.run_on(snapshot);
        let mut stream = plan.execute(&[], &run)?;
        while let Some(batch) = stream.try_next().await.map_err(crate::plan::sql_error)? {
            if batch.num_rows() > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The rows of CREATE TABLE AS, in a transaction of their own.
    async fn fill(
        &mut self,
        table: Oid,
        query: &Query,
        created: Revision,
        watch: Option<&Watch>,
    ) -> Result<Outcome> {
        let engine = Arc::clone(self.server.engine());
        let snapshot = engine.at_least(created).await?;
        let context = self.plan_context(&snapshot);
        let plan = self.server.parts.planner.query(&context, query, &[])?;
        self.permit(plan.demands(), &snapshot)?;
        let run = self.run_watched(&snapshot, watch);
        let table = Arc::clone(snapshot.state.require_table_by_oid(table)?);
        let mut writes = crate::txn::WriteSet::default();
        let mut stream = plan.execute(&[], &run)?;
        let mut rows = 0;
        while let Some(batch) = stream.try_next().await.map_err(crate::plan::sql_error)? {
            rows += batch.num_rows();
            let batch = super::copy::with_schema(&batch, &table.schema.arrow())?;
            let own = writes.open(&table)?;
            own.insert(&engine, &table, batch).await?;
            engine.relieve(own).await?;
        }
        if let Some(revision) = engine.commit(writes).await? {
            self.seen = self.seen.max(revision);
        }
        Ok(Outcome::command(format!("SELECT {rows}")))
    }
}

fn qualified(state: &Snapshot, table: &TableDef) -> String {
    // The definition may be a renamed one that nobody knows yet: rows are those of the old name.
    let table = state.tables.get(&table.oid).map_or(table, |table| &table.definition);
    let schema = state.schema_name(table.schema);
    format!("{}.{}", quote_identifier(schema), quote_identifier(&table.name))
}

fn select(state: &Snapshot, table: &TableDef, condition: &str) -> String {
    format!("SELECT 1 FROM {} WHERE {condition} LIMIT 1", qualified(state, table))
}

fn names(table: &TableDef, ids: &[ColumnId], prefix: &str) -> Option<Vec<String>> {
    ids.iter()
        .map(|id| Some(format!("{prefix}{}", quote_identifier(&table.column_by_id(*id)?.name))))
        .collect()
}

/// Rows whose key is not unique.
fn duplicates(state: &Snapshot, table: &TableDef, name: &str) -> Option<String> {
    let key = table.keys.iter().find(|key| key.name == name)?;
    let columns = names(table, &key.columns, "")?;
    let list = columns.join(", ");
    let not_null: Vec<String> =
        columns.iter().map(|column| format!("{column} IS NOT NULL")).collect();
    let condition = if key.nulls_not_distinct { "true".to_owned() } else { not_null.join(" AND ") };
    let table = qualified(state, table);
    Some(format!(
        "SELECT 1 FROM {table} WHERE {condition} GROUP BY {list} HAVING count(*) > 1 LIMIT 1"
    ))
}

/// Rows whose foreign key has no parent, and the parent with the revision of its last delete.
fn orphans(state: &Snapshot, table: &TableDef, name: &str) -> Option<(String, (Oid, Revision))> {
    let foreign = table.foreign_keys.iter().find(|foreign| foreign.name == name)?;
    let parent = state.tables.get(&foreign.table)?;
    let children = names(table, &foreign.columns, "c.")?;
    let parents = names(&parent.definition, &foreign.referenced, "p.")?;
    let not_null: Vec<String> =
        children.iter().map(|column| format!("{column} IS NOT NULL")).collect();
    let equal: Vec<String> = children
        .iter()
        .zip(&parents)
        .map(|(child, parent)| format!("{child} = {parent}"))
        .collect();
    let sql = format!(
        "SELECT 1 FROM {} c WHERE {} AND NOT EXISTS (SELECT 1 FROM {} p WHERE {}) LIMIT 1",
        qualified(state, table),
        not_null.join(" AND "),
        qualified(state, &parent.definition),
        equal.join(" AND "),
    );
    Some((sql, (parent.oid(), parent.deletes)))
}
