//! Statements without rows of tables: settings, prepared statements, cursors, and those that
//! PostgreSQL has and that have nothing to do here.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::scalar::ScalarValue;

use crate::base::{Result, SqlError, SqlState};
use crate::catalog::{RelationName, Snapshot, system, undefined_type};
use crate::plan::statement::{Discard, Isolation, Set, SetScope, SetValue};
use crate::plan::{OutputColumn, Statement, TypeName};
use crate::store::meta::Mirrored;
use crate::types::{NamedType, PgType};

use super::connection::Session;
use super::identity::{NO_ROLE, ROLE, SESSION_AUTHORIZATION};
use super::interrupt::Interrupt;
use super::listen::Listening;
use super::outcome::Outcome;
use super::prepare::Prepared;
use super::setting_list::display_name;
use super::settings::{Scope, parse_bool};
use super::temporary::own_schema;
use super::transaction::State;

impl Session {
    /// The columns of a utility statement's rows; none where it has no rows.
    pub(super) fn utility_columns(
        &self,
        statement: &Statement,
    ) -> Result<Option<Arc<[OutputColumn]>>> {
        Ok(match statement {
            Statement::Show(Some(name)) => Some(columns(&[display_name(name)])),
            Statement::Explain(explain) => Some(super::explain::columns(explain)),
            Statement::Show(None) => Some(columns(&["name", "setting", "description"])),
            Statement::Execute { name, .. } => self.required_statement(name)?.columns().cloned(),
            Statement::Fetch(fetch) if !fetch.skip => {
                self.cursors.get(&fetch.cursor).map(|cursor| Arc::clone(&cursor.columns))
            }
            _ => None,
        })
    }

    pub(super) async fn utility(
        &mut self,
        prepared: &Arc<Prepared>,
        parameters: &[ScalarValue],
        snapshot: &Arc<Mirrored<Snapshot>>,
        interrupt: &Interrupt,
    ) -> Result<Outcome> {
        let tag = prepared.tag();
        match prepared.statement() {
            Statement::Set(set) => self.run_set(set),
            Statement::Reset(name) => {
                match name {
                    Some(name) => {
                        self.settings.reset(name, Scope::Session)?;
                        if name.eq_ignore_ascii_case(SESSION_AUTHORIZATION) {
                            self.settings.reset(ROLE, Scope::Session)?;
                        }
                    }
                    None => self.settings.reset_all(),
                }
                Ok(Outcome::command("RESET"))
            }
            Statement::Show(name) => self.show(name.as_deref()),
            Statement::Discard(what) => self.discard(*what).await,
            Statement::Prepare(prepare) => {
                let types = prepare.types.iter().map(|ty| {
                    let named = |ty: &TypeName| self.named_type(ty, snapshot);
                    ty.as_ref().map(named).transpose()
                });
                let types = types.collect::<Result<_>>()?;
                let inner = Box::pin(self.prepare_typed(prepare.statement.clone(), types)).await?;
                self.put_named(&prepare.name, inner, Some(prepared.text()))?;
                Ok(Outcome::command("PREPARE"))
            }
            Statement::Explain(explain) => {
                Box::pin(self.explain(prepared, explain, parameters, snapshot)).await
            }
            Statement::Deallocate(name) => {
                match name {
                    None => self.statements.clear(),
                    Some(name) => {
                        self.required_statement(name)?;
                        self.remove_statement(name);
                    }
                }
                Ok(Outcome::command(tag))
            }
            Statement::Declare(declare) => {
                self.declare(declare, prepared, parameters, snapshot).await
            }
            Statement::Fetch(fetch) => self.fetch(fetch, interrupt).await,
            Statement::Close(name) => self.close(name.as_deref()),
            Statement::Copy(copy) => self.copy(copy, snapshot).await,
            Statement::Truncate(truncate) => self.truncate(truncate, snapshot).await,
            Statement::Analyze(tables) | Statement::Vacuum(tables) => {
                let path = self.visible_path(&snapshot.state);
                for table in tables {
                    let schema = own_schema(table.schema.as_deref(), self.settings.temporary())?;
                    let name = RelationName { schema, name: &table.name };
                    if !system::is_system_relation(schema, &table.name) {
                        snapshot.state.require_relation(name, &path)?;
                    }
                }
                Ok(Outcome::command(tag))
            }
            Statement::Cluster | Statement::Checkpoint | Statement::SetConstraints { .. } => {
                Ok(Outcome::command(tag))
            }
            Statement::Listen(channel) => {
                Ok(self.listen(Listening::To(channel.clone(), snapshot.revision), tag))
            }
            Statement::Unlisten(Some(channel)) => {
                Ok(self.listen(Listening::NotTo(channel.clone()), tag))
            }
            Statement::Unlisten(None) => Ok(self.listen(Listening::Nothing, tag)),
            Statement::Notify { channel, payload } => self.notify(channel, payload),
            Statement::Lock(_) => {
                self.warn(
                    SqlState::WARNING,
                    "LOCK TABLE has no effect: conflicts are found at COMMIT",
                );
                Ok(Outcome::command(tag))
            }
            Statement::Refresh(refresh) => self.refresh(refresh, snapshot).await,
            statement if is_definition(statement) => self.define(prepared, snapshot, None).await,
            _ => Err(SqlError::unsupported(format!("{tag} is not supported"))),
        }
    }

    /// The type that a statement names.
    pub(super) fn named_type(
        &self,
        name: &TypeName,
        snapshot: &Mirrored<Snapshot>,
    ) -> Result<PgType> {
        let named = match name {
            TypeName::Known(ty) => return Ok(ty.clone()),
            TypeName::User(named) => named,
        };
        let (schema, name) = (named.name.schema.as_deref(), named.name.name.as_str());
        let state = &snapshot.state;
        let found = state.type_named(schema, name, &self.visible_path(state));
        match found.ok_or_else(|| undefined_type(schema, name))? {
            NamedType::Type(ty) if named.array => Ok(ty.array()),
            NamedType::Type(ty) => Ok(ty),
            NamedType::Domain(domain) => Ok(domain.base.clone()),
        }
    }

    pub(super) fn required_statement(&self, name: &str) -> Result<Arc<Prepared>> {
        self.statement(name).ok_or_else(|| {
            let message = format!("prepared statement \"{name}\" does not exist");
            SqlError::new(SqlState::INVALID_SQL_STATEMENT_NAME, message)
        })
    }

    fn run_set(&mut self, set: &Set) -> Result<Outcome> {
        let scope = match set.scope {
            SetScope::Session => Scope::Session,
            SetScope::Local => Scope::Local,
        };
        if scope == Scope::Local && self.transaction().is_none() {
            let message = "SET LOCAL can only be used in transaction blocks";
            self.warn(SqlState::NO_ACTIVE_SQL_TRANSACTION, message);
            return Ok(Outcome::command("SET"));
        }
        match &set.value {
            SetValue::Default => self.settings.reset(&set.name, scope)?,
            SetValue::Current => {}
            SetValue::Values(values) => {
                let value = match set.name.to_ascii_lowercase().as_str() {
                    "search_path" => {
                        values.iter().map(|name| quote_name(name)).collect::<Vec<_>>().join(", ")
                    }
                    _ => values.join(", "),
                };
                if value.eq_ignore_ascii_case("serializable")
                    && set.name.ends_with("transaction_isolation")
                {
                    return Err(SqlError::unsupported("SERIALIZABLE is not supported"));
                }
                if matches!(&*set.name, "transaction_isolation" | "transaction_read_only") {
                    return self.set_transaction_variable(&set.name, &value);
                }
                let newest = self.server.engine().current();
                self.identity.check(&newest.state, &set.name, &value)?;
                self.settings.set(&set.name, &value, scope)?;
            }
        }
        if set.name.eq_ignore_ascii_case(SESSION_AUTHORIZATION) {
            self.settings.set(ROLE, NO_ROLE, scope)?;
        }
        if let State::Idle = self.state {
            // Its own transaction: a ROLLBACK that comes later takes nothing of it back.
            self.settings.end_transaction(true);
        }
        Ok(Outcome::command("SET"))
    }

    /// `SET transaction_isolation`: SET TRANSACTION in other words; without a transaction there is
    /// nothing that it could change.
    fn set_transaction_variable(&mut self, name: &str, value: &str) -> Result<Outcome> {
        let invalid = || {
            let message = format!("invalid value for parameter \"{name}\": \"{value}\"");
            SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
        };
        let flag = |value: &str| parse_bool(value).ok_or_else(invalid);
        let (isolation, read_only) = match name {
            "transaction_read_only" => (None, Some(flag(value)?)),
            _ => (Some(Isolation::named(value).ok_or_else(invalid)?), None),
        };
        if let Some(transaction) = self.transaction() {
            transaction.isolation = isolation.unwrap_or(transaction.isolation);
            transaction.read_only = read_only.unwrap_or(transaction.read_only);
        }
        Ok(Outcome::command("SET"))
    }

    fn show(&mut self, name: Option<&str>) -> Result<Outcome> {
        let Some(name) = name else {
            let (names, values): (Vec<&str>, Vec<String>) = self.settings.all().unzip();
            let empty = StringArray::from(vec![""; names.len()]);
            let arrays: Vec<ArrayRef> = vec![
                Arc::new(StringArray::from(names)),
                Arc::new(StringArray::from(values)),
                Arc::new(empty),
            ];
            return rows(&["name", "setting", "description"], arrays, "SHOW");
        };
        let value = match name {
            "transaction_isolation" => {
                let next = self.new_transaction().isolation;
                self.transaction().map_or(next, |open| open.isolation).as_str().to_owned()
            }
            "transaction_read_only" => {
                let next = self.new_transaction().read_only;
                let read_only = self.transaction().map_or(next, |open| open.read_only);
                if read_only { "on" } else { "off" }.to_owned()
            }
            name => self.settings.show(name)?,
        };
        rows(&[display_name(name)], vec![Arc::new(StringArray::from(vec![value]))], "SHOW")
    }

    async fn discard(&mut self, what: Discard) -> Result<Outcome> {
        if what == Discard::All {
            if self.transaction().is_some() {
                let message = "DISCARD ALL cannot run inside a transaction block";
                return Err(SqlError::new(SqlState::ACTIVE_SQL_TRANSACTION, message));
            }
            self.statements.clear();
            self.cursors.clear();
            self.end().await;
            self.apply_listening(vec![Listening::Nothing]);
            self.settings.reset_all();
            self.settings.reset(SESSION_AUTHORIZATION, Scope::Session)?;
            self.settings.reset(ROLE, Scope::Session)?;
        }
        if matches!(what, Discard::All | Discard::Temporary) {
            self.discard_temporary().await?;
        }
        Ok(Outcome::command(match what {
            Discard::All => "DISCARD ALL",
            Discard::Plans => "DISCARD PLANS",
            Discard::Sequences => "DISCARD SEQUENCES",
            Discard::Temporary => "DISCARD TEMP",
        }))
    }
}

/// Whether a statement changes definitions.
pub(super) fn is_definition(statement: &Statement) -> bool {
    use Statement as S;
    matches!(
        statement,
        S::CreateTable(_)
            | S::CreateTableAs(_)
            | S::AlterTable(_)
            | S::CreateView(_)
            | S::CreateSequence(_)
            | S::AlterSequence(_)
            | S::CreateIndex(_)
            | S::Reindex(_)
            | S::CreateSchema(_)
            | S::CreateExtension(_)
            | S::AlterObject(_)
            | S::Drop(_)
            | S::Comment(_)
            | S::CreateEnum(_)
            | S::AlterEnum(_)
            | S::CreateDomain(_)
            | S::AlterDomain(_)
            | S::CreateFunction(_)
            | S::AlterFunction(_)
            | S::DropFunction(_)
            | S::Refresh(_)
            | S::CreateRole(_)
            | S::AlterRole(_)
            | S::DropRole(_)
            | S::Grant(_)
            | S::Revoke(_)
            | S::Owned(_)
            | S::Policy(_)
            | S::CreateDatabase(_)
            | S::AlterDatabase(_)
            | S::DropDatabase(_)
    )
}

fn quote_name(name: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.is_empty() && name.chars().all(plain) {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// Columns of text.
fn columns(names: &[&str]) -> Arc<[OutputColumn]> {
    names
        .iter()
        .map(|name| OutputColumn { name: (*name).to_owned(), ty: PgType::Text, table: None })
        .collect()
}

/// Rows of text.
fn rows(names: &[&str], arrays: Vec<ArrayRef>, tag: &'static str) -> Result<Outcome> {
    let fields: Vec<_> = names.iter().map(|name| PgType::Text.field(*name, true)).collect();
    let schema: SchemaRef = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays)
        .map_err(|error| SqlError::internal(error.to_string()))?;
    Ok(Outcome::Rows { columns: columns(names), stream: once(batch), tag })
}

/// A stream of one batch.
pub(super) fn once(batch: RecordBatch) -> SendableRecordBatchStream {
    let schema = batch.schema();
    let stream = futures::stream::once(futures::future::ready(Ok(batch)));
    Box::pin(RecordBatchStreamAdapter::new(schema, stream))
}
