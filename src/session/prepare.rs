//! Prepared statements: parsed and planned once, checked before each run against what exists.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::base::{Oid, Result, Revision, SqlError, SqlState};
use crate::catalog::Snapshot;
use crate::catalog::system::PG_SETTINGS;
use crate::plan::{OutputColumn, Parsed, PlanContext, QueryPlan, Statement};
use crate::store::meta::Mirrored;
use crate::types::PgType;

use super::connection::Session;
use super::explain::explained;
use super::modify::Modification;
use super::tables::{SessionView, StatementRelations};

/// A statement, parsed and, where it reads or writes rows, planned.
#[derive(Debug)]
pub struct Prepared {
    pub(super) parsed: Parsed,
    /// The types that the client gave for the parameters.
    given: Vec<Option<PgType>>,
    parameters: Vec<PgType>,
    columns: Option<Arc<[OutputColumn]>>,
    plan: Mutex<Planned>,
}

/// A plan and what it was made for.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) plan: Plan,
    /// The catalog's version.
    catalog: Revision,
    /// Where names were looked up, and how literals were read.
    setting: String,
}

/// What runs a statement.
#[derive(Clone, Debug)]
pub(super) enum Plan {
    /// A query.
    Query(Arc<QueryPlan>),
    /// INSERT, UPDATE, DELETE.
    Modify(Arc<Modification>),
    /// Everything else.
    Utility,
}

/// The types of the parameters, and the columns where there are rows.
type Description = (Vec<PgType>, Option<Arc<[OutputColumn]>>);

impl Prepared {
    /// The types of the parameters.
    pub fn parameters(&self) -> &[PgType] {
        &self.parameters
    }

    /// The columns of the rows; none where there are no rows.
    pub fn columns(&self) -> Option<&Arc<[OutputColumn]>> {
        self.columns.as_ref()
    }

    /// The types that the client gave for the parameters.
    pub(super) fn given(&self) -> &[Option<PgType>] {
        &self.given
    }

    /// What it is.
    pub fn statement(&self) -> &Statement {
        &self.parsed.statement
    }
}

impl Session {
    /// Plans a statement. `parameter_types` are oids, 0 where the client leaves it to us.
    ///
    /// # Errors
    /// What is wrong with the statement; 25P02 in a failed transaction.
    pub async fn prepare(
        &mut self,
        parsed: Parsed,
        parameter_types: &[Oid],
    ) -> Result<Arc<Prepared>> {
        self.check_not_failed(&parsed.statement)?;
        let given = parameter_types
            .iter()
            .map(|oid| match oid {
                Oid(0) => Ok(None),
                oid => PgType::from_oid(*oid).map(Some).ok_or_else(|| {
                    let message = format!("type with OID {oid} does not exist");
                    SqlError::new(SqlState::UNDEFINED_OBJECT, message)
                }),
            })
            .collect::<Result<Vec<_>>>()?;
        self.prepare_typed(parsed, given).await
    }

    pub(super) async fn prepare_typed(
        &mut self,
        parsed: Parsed,
        given: Vec<Option<PgType>>,
    ) -> Result<Arc<Prepared>> {
        let snapshot = self.snapshot_for(&parsed.statement).await?;
        let planned = self.plan(&parsed, &given, &snapshot)?;
        let (parameters, columns) = self.describe(&parsed, &given, &planned.plan, &snapshot)?;
        Ok(Arc::new(Prepared { parsed, given, parameters, columns, plan: Mutex::new(planned) }))
    }

    fn describe(
        &self,
        parsed: &Parsed,
        given: &[Option<PgType>],
        plan: &Plan,
        snapshot: &Arc<Mirrored<Snapshot>>,
    ) -> Result<Description> {
        Ok(match plan {
            Plan::Query(plan) => (plan.parameters().to_vec(), Some(Arc::clone(plan.columns()))),
            Plan::Modify(plan) => (plan.parameters().to_vec(), plan.columns().cloned()),
            Plan::Utility => {
                // What a cursor's parameters are its query tells.
                if let Statement::Declare(declare) = &parsed.statement {
                    let context = self.plan_context(snapshot);
                    let planner = &self.server.parts.planner;
                    let plan = planner.query(&context, &declare.query, given)?;
                    return Ok((plan.parameters().to_vec(), None));
                }
                if let Statement::Explain(explain) = &parsed.statement {
                    let inner = explained(parsed, explain);
                    let planned = self.plan(&inner, given, snapshot)?;
                    let (parameters, _) = self.describe(&inner, given, &planned.plan, snapshot)?;
                    return Ok((parameters, self.utility_columns(&parsed.statement)?));
                }
                let text = |ty: &Option<PgType>| ty.clone().unwrap_or(PgType::Text);
                (given.iter().map(text).collect(), self.utility_columns(&parsed.statement)?)
            }
        })
    }

    /// What planning depends on besides the catalog: for a plan that holds the rows of
    /// `pg_settings`, all settings.
    fn plan_setting(&self, plan: &Plan) -> String {
        if let Plan::Query(query) = plan
            && query.depends_on().contains(&PG_SETTINGS)
        {
            let all = self.settings.all().map(|(name, value)| format!("{name}={value}"));
            return all.collect::<Vec<_>>().join("|");
        }
        let setting = |name: &str| self.settings.get(name).unwrap_or_default();
        format!(
            "{}|{}|{}|{}",
            setting("search_path"),
            setting("timezone"),
            setting("datestyle"),
            setting("intervalstyle")
        )
    }

    pub(super) fn plan_context(&self, snapshot: &Arc<Mirrored<Snapshot>>) -> PlanContext {
        let search_path = self.search_path();
        let view =
            SessionView { settings: self.settings.clone(), search_path: search_path.clone() };
        PlanContext {
            relations: Arc::new(StatementRelations::new(snapshot, view)),
            search_path,
            text: Arc::new(self.text_context()),
        }
    }

    fn plan(
        &self,
        parsed: &Parsed,
        given: &[Option<PgType>],
        snapshot: &Arc<Mirrored<Snapshot>>,
    ) -> Result<Planned> {
        let context = self.plan_context(snapshot);
        let planner = &self.server.parts.planner;
        let plan = match &parsed.statement {
            Statement::Query(query) => {
                Plan::Query(Arc::new(planner.query(&context, query, given)?))
            }
            statement @ (Statement::Insert(_) | Statement::Update(_) | Statement::Delete(_)) => {
                Plan::Modify(Arc::new(self.plan_modification(statement, snapshot, given)?))
            }
            _ => Plan::Utility,
        };
        let setting = self.plan_setting(&plan);
        Ok(Planned { plan, catalog: snapshot.state.catalog_version, setting })
    }

    /// The statement's plan, made again where what exists, or a setting that it read, has
    /// changed.
    ///
    /// # Errors
    /// 0A000 when its rows would have other columns than the client was told.
    pub(super) fn current_plan(
        &self,
        prepared: &Prepared,
        snapshot: &Arc<Mirrored<Snapshot>>,
    ) -> Result<Plan> {
        let planned = prepared.plan.lock().clone();
        let same_catalog = planned.catalog == snapshot.state.catalog_version;
        if same_catalog && planned.setting == self.plan_setting(&planned.plan) {
            return Ok(planned.plan);
        }
        let fresh = self.plan(&prepared.parsed, &prepared.given, snapshot)?;
        let (_, columns) =
            self.describe(&prepared.parsed, &prepared.given, &fresh.plan, snapshot)?;
        let shape = |columns: &Option<Arc<[OutputColumn]>>| {
            columns.as_ref().map(|columns| {
                columns
                    .iter()
                    .map(|column| (column.name.clone(), column.ty.clone()))
                    .collect::<Vec<_>>()
            })
        };
        if shape(&columns) != shape(&prepared.columns) {
            return Err(SqlError::unsupported("cached plan must not change result type"));
        }
        *prepared.plan.lock() = fresh.clone();
        Ok(fresh.plan)
    }
}
