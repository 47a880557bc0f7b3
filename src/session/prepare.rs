//! Prepared statements: parsed and planned once, checked before each run against what exists.
//!
//! Constants are lifted out of the text first, so that statements which differ by nothing else
//! share a plan: those of clients that never prepare, too. Where a constant and a parameter in its
//! place would not mean the same, the statement is planned as it stands.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use datafusion::scalar::ScalarValue;
use parking_lot::Mutex;

use crate::base::{Oid, Result, Revision, SqlError, SqlState};
use crate::catalog::Snapshot;
use crate::plan::statement::Explain;
use crate::plan::{
    Constant, OutputColumn, Parsed, PlanContext, Relations, Statement, lift, normalize,
};
use crate::store::meta::Mirrored;
use crate::types::PgType;

use super::activity::shown;
use super::connection::Session;
use super::explain::explained;
use super::modify::plan_modification;
use super::plan_cache::{Plan, PlanKey, Planned};
use super::plan_uses::Recorder;
use super::tables::{SessionView, StatementRelations};
use super::with_changes::plan_changes;

/// A statement, parsed and, where it reads or writes rows, planned.
#[derive(Debug)]
pub struct Prepared {
    source: Source,
    parameters: Vec<PgType>,
    columns: Option<Arc<[OutputColumn]>>,
    /// The text with parameters in the place of all constants.
    normalized: OnceLock<Arc<str>>,
    bound: Mutex<Bound>,
}

/// What a plan is made from.
#[derive(Debug)]
struct Source {
    /// With parameters in the place of lifted constants.
    parsed: Parsed,
    /// The text that finds the plan: where constants were lifted, their fingerprint. None: no
    /// text stands for the statement alone, its plan is nobody else's.
    text: Option<Arc<str>>,
    /// What was lifted; none: the statement as it stands.
    constants: Option<Vec<Constant>>,
    /// The types that are known of all parameters beforehand.
    given: Vec<Option<PgType>>,
}

/// A plan with the constants' values.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    pub(super) planned: Arc<Planned>,
    /// What follows the client's parameters.
    constants: Arc<[ScalarValue]>,
    /// What a momentary plan is a moment of: the snapshot and the session's settings.
    moment: (Revision, u64),
}

/// The types of the parameters, and the columns where there are rows.
type Description = (Vec<PgType>, Option<Arc<[OutputColumn]>>);

impl Source {
    /// A statement with its constants lifted, where it has any.
    fn new(mut parsed: Parsed, mut given: Vec<Option<PgType>>) -> Self {
        // The parameters that replace constants come after all those that the client knows of.
        let own = usize::from(parsed.parameters);
        let lifted = if given.len() <= own { lift(&mut parsed) } else { None };
        given.resize(given.len().max(own), None);
        let Some(lifted) = lifted else {
            let text = Some(Arc::from(parsed.text.as_str()));
            return Self { parsed, text, constants: None, given };
        };
        given.extend(lifted.constants.iter().map(|constant| constant.ty.clone()));
        let text = Some(Arc::from(lifted.fingerprint));
        Self { parsed, text, constants: Some(lifted.constants), given }
    }

    /// What EXPLAIN explains, with its constants: the plan shows them.
    fn explained(&self, explain: &Explain) -> Self {
        let parsed = explained(&self.parsed, explain);
        Self { parsed, text: None, constants: None, given: self.given.clone() }
    }

    /// The statement as the client wrote it.
    fn as_it_stands(&self) -> Result<Self> {
        // What came before it in the query string counts for the positions of errors.
        let sql = format!("{}{}", " ".repeat(self.parsed.offset), self.parsed.text);
        let parsed = crate::plan::parse(&sql)?.pop();
        let parsed = parsed.ok_or_else(|| SqlError::internal("a statement that is gone"))?;
        let text = Some(Arc::from(parsed.text.as_str()));
        let given = self.given.iter().take(usize::from(parsed.parameters)).cloned().collect();
        Ok(Self { parsed, text, constants: None, given })
    }
}

impl Bound {
    /// The values of the parameters that follow the client's.
    pub(super) fn constants(&self) -> &[ScalarValue] {
        &self.constants
    }
}

impl Prepared {
    /// The types of the parameters.
    pub fn parameters(&self) -> &[PgType] {
        &self.parameters
    }

    /// The columns of the rows; none where there are no rows.
    pub fn columns(&self) -> Option<&Arc<[OutputColumn]>> {
        self.columns.as_ref()
    }

    /// What it is.
    pub fn statement(&self) -> &Statement {
        &self.source.parsed.statement
    }

    /// Its text.
    pub(super) fn text(&self) -> &str {
        &self.source.parsed.text
    }

    /// What statistics call it.
    pub(super) fn normalized(&self) -> Arc<str> {
        let normalized = self.normalized.get_or_init(|| {
            let Parsed { text, parameters, .. } = &self.source.parsed;
            let shown = shown(self.statement(), self.tag(), text);
            Arc::from(normalize(shown, *parameters))
        });
        Arc::clone(normalized)
    }

    /// What runs it.
    pub(super) fn plan(&self) -> Plan {
        self.bound.lock().planned.plan.clone()
    }

    /// The command's name.
    pub(super) fn tag(&self) -> &'static str {
        self.source.parsed.tag
    }

    /// The plan that it had when it last ran.
    pub(super) fn planned(&self) -> Arc<Planned> {
        Arc::clone(&self.bound.lock().planned)
    }

    /// The values of all parameters: the client's, and after them the constants.
    pub(super) fn values(&self, given: &[ScalarValue], bound: &Bound) -> Vec<ScalarValue> {
        let own = given.iter().take(self.parameters.len());
        own.chain(bound.constants.iter()).cloned().collect()
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
                oid => {
                    self.server.engine().current().state.type_of(*oid).map(Some).ok_or_else(|| {
                        let message = format!("type with OID {oid} does not exist");
                        SqlError::new(SqlState::UNDEFINED_OBJECT, message)
                    })
                }
            })
            .collect::<Result<Vec<_>>>()?;
        self.prepare_typed(parsed, given).await
    }

    /// The types of a statement's parameters, those of users' own as they are now.
    pub fn parameters_now<'p>(&self, prepared: &'p Prepared) -> Cow<'p, [PgType]> {
        let types = prepared.parameters();
        if !types.iter().any(PgType::is_user_defined) {
            return Cow::Borrowed(types);
        }
        let current = self.server.engine().current();
        Cow::Owned(types.iter().map(|ty| type_now(&current.state, ty)).collect())
    }

    pub(super) async fn prepare_typed(
        &mut self,
        parsed: Parsed,
        given: Vec<Option<PgType>>,
    ) -> Result<Arc<Prepared>> {
        self.identify();
        let snapshot = self.snapshot_for(&parsed.statement).await?;
        self.prepare_source(Source::new(parsed, given), &snapshot)
    }

    /// The statement that EXPLAIN explains.
    pub(super) fn prepare_explained(
        &self,
        prepared: &Prepared,
        explain: &Explain,
        snapshot: &Arc<Mirrored<Snapshot>>,
    ) -> Result<Arc<Prepared>> {
        self.prepare_source(prepared.source.explained(explain), snapshot)
    }

    fn prepare_source(
        &self,
        source: Source,
        snapshot: &Arc<Mirrored<Snapshot>>,
    ) -> Result<Arc<Prepared>> {
        let (bound, (parameters, columns)) = self.bound(&source, snapshot)?;
        let (normalized, bound) = (OnceLock::new(), Mutex::new(bound));
        Ok(Arc::new(Prepared { source, parameters, columns, normalized, bound }))
    }

    /// A statement's plan and its constants, or the plan of the statement as it stands.
    fn bound(
        &self,
        source: &Source,
        snapshot: &Arc<Mirrored<Snapshot>>,
    ) -> Result<(Bound, Description)> {
        match self.bound_as(source, snapshot) {
            // Its own words tell best what is wrong with it, if anything is.
            Err(_) if source.constants.is_some() => {
                self.bound_as(&source.as_it_stands()?, snapshot)
            }
            bound => bound,
        }
    }

    fn bound_as(
        &self,
        source: &Source,
        snapshot: &Arc<Mirrored<Snapshot>>,
    ) -> Result<(Bound, Description)> {
        let planned = self.planned(source, snapshot)?;
        let (mut types, columns) = self.describe(source, &planned.plan, snapshot)?;
        let constants = source.constants.as_deref().unwrap_or_default();
        let of_constants = types.split_off(types.len().saturating_sub(constants.len()));
        let text = &planned.surroundings.text;
        let values = constants.iter().zip(&of_constants).map(|(c, ty)| c.value(ty, text));
        let constants = values.collect::<Option<_>>().ok_or_else(|| {
            SqlError::new(SqlState::DATATYPE_MISMATCH, "a constant is not of its place's type")
        })?;
        let moment = (snapshot.revision, self.settings.version());
        Ok((Bound { planned, constants, moment }, (types, columns)))
    }

    fn describe(
        &self,
        source: &Source,
        plan: &Plan,
        snapshot: &Arc<Mirrored<Snapshot>>,
    ) -> Result<Description> {
        // What is mentioned nowhere is text.
        let typed = |types: &[PgType]| -> Vec<PgType> {
            let text = |ty: &PgType| match ty {
                PgType::Unknown => PgType::Text,
                ty => ty.clone(),
            };
            types.iter().map(text).collect()
        };
        Ok(match plan {
            Plan::Query(plan) => (typed(plan.parameters()), Some(Arc::clone(plan.columns()))),
            Plan::Modify(plan) => (plan.parameters().to_vec(), plan.columns().cloned()),
            Plan::WithChanges(plan) => (plan.parameters().to_vec(), plan.columns().cloned()),
            Plan::Utility => {
                // What a cursor's parameters are its query tells.
                if let Statement::Declare(declare) = &source.parsed.statement {
                    let context = self.plan_context(snapshot);
                    let planner = &self.server.parts.planner;
                    let plan = planner.query(&context, &declare.query, &source.given)?;
                    return Ok((typed(plan.parameters()), None));
                }
                if let Statement::Explain(explain) = &source.parsed.statement {
                    let (_, (types, _)) = self.bound(&source.explained(explain), snapshot)?;
                    return Ok((types, Some(super::explain::columns(explain))));
                }
                let text = |ty: &Option<PgType>| ty.clone().unwrap_or(PgType::Text);
                let types = source.given.iter().map(text).collect();
                (types, self.utility_columns(&source.parsed.statement)?)
            }
        })
    }

    pub(super) fn plan_context(&self, snapshot: &Arc<Mirrored<Snapshot>>) -> PlanContext {
        self.context_of(Arc::new(self.relations(snapshot)), snapshot)
    }

    fn relations(&self, snapshot: &Arc<Mirrored<Snapshot>>) -> StatementRelations {
        let search_path = self.search_path();
        let server = Arc::clone(&self.server);
        let (settings, role) = (self.settings.clone(), self.role());
        let (elsewhere, listed) = (Arc::clone(&self.elsewhere), Arc::clone(&self.listed));
        let cursors = self.cursors.iter().map(|(name, cursor)| cursor.shown(name)).collect();
        let view = SessionView { settings, search_path, role, server, elsewhere, cursors, listed };
        StatementRelations::new(snapshot, view)
    }

    fn context_of(
        &self,
        relations: Arc<dyn Relations>,
        snapshot: &Arc<Mirrored<Snapshot>>,
    ) -> PlanContext {
        let surroundings = self.settings.surroundings();
        let search_path = self.visible_path(&snapshot.state);
        let text = Arc::clone(&surroundings.text);
        PlanContext {
            relations,
            search_path,
            text,
            rights: None,
            guarding: Arc::from([]),
            within: Arc::from([]),
            locked: Arc::from([]),
        }
    }

    /// The plan that some connection made from the same, or a new one.
    fn planned(&self, source: &Source, snapshot: &Arc<Mirrored<Snapshot>>) -> Result<Arc<Planned>> {
        let surroundings = self.settings.surroundings();
        let now = |ty: &PgType| type_now(&snapshot.state, ty);
        let given: Vec<Option<PgType>> =
            source.given.iter().map(|ty| ty.as_ref().map(now)).collect();
        let key = source.text.as_ref().map(|text| PlanKey {
            text: Arc::clone(text),
            lifted: source.constants.is_some(),
            given: given.clone(),
            surroundings: Arc::clone(surroundings),
        });
        let plans = &self.server.plans;
        if let Some(planned) = key.as_ref().and_then(|key| plans.get(key, &snapshot.state)) {
            return Ok(planned);
        }
        let recorder = Arc::new(Recorder::new(self.relations(snapshot), snapshot));
        let context = self.context_of(Arc::clone(&recorder) as Arc<dyn Relations>, snapshot);
        let planner = &self.server.parts.planner;
        let plan = match &source.parsed.statement {
            Statement::Query(query) => {
                Plan::Query(Arc::new(planner.query(&context, query, &given)?))
            }
            Statement::Insert(_)
            | Statement::Update(_)
            | Statement::Delete(_)
            | Statement::Merge(_) => {
                let statement = &source.parsed.statement;
                let context = (&context, &*recorder);
                let change = plan_modification(planner, context, statement, &given)?;
                Plan::Modify(Arc::new(change))
            }
            Statement::WithChanges(with) => {
                let context = (&context, &*recorder);
                Plan::WithChanges(Arc::new(plan_changes(planner, context, with, &given)?))
            }
            _ => Plan::Utility,
        };
        let planned =
            Planned::new(plan, Arc::clone(surroundings), recorder.take(), &snapshot.state);
        let planned = Arc::new(planned);
        if let Some(key) = key {
            plans.put(key, &planned);
        }
        Ok(planned)
    }

    /// The statement's plan, made again where what it uses, or a setting that planning reads, has
    /// changed.
    ///
    /// # Errors
    /// 0A000 when its rows would have other columns than the client was told.
    pub(super) fn current_plan(
        &self,
        prepared: &Prepared,
        snapshot: &Arc<Mirrored<Snapshot>>,
    ) -> Result<Bound> {
        let bound = prepared.bound.lock().clone();
        if self.is_current(&bound, snapshot) {
            self.permit(bound.planned.demands(), snapshot)?;
            return Ok(bound);
        }
        let (fresh, (_, columns)) = self.bound(&prepared.source, snapshot)?;
        let shape = |columns: &Option<Arc<[OutputColumn]>>| {
            columns.as_ref().map(|columns| {
                columns
                    .iter()
                    .map(|column| (column.name.clone(), column.ty.oid(), column.ty.typmod()))
                    .collect::<Vec<_>>()
            })
        };
        if shape(&columns) != shape(&prepared.columns) {
            return Err(SqlError::unsupported("cached plan must not change result type"));
        }
        *prepared.bound.lock() = fresh.clone();
        self.permit(fresh.planned.demands(), snapshot)?;
        Ok(fresh)
    }

    fn is_current(&self, bound: &Bound, snapshot: &Mirrored<Snapshot>) -> bool {
        let planned = &bound.planned;
        let surroundings = self.settings.surroundings();
        if planned.is_momentary() {
            let moment = (snapshot.revision, self.settings.version());
            return bound.moment == moment && !planned.is_fleeting();
        }
        planned.holds_at(&snapshot.state)
            && (Arc::ptr_eq(&planned.surroundings, surroundings)
                || planned.surroundings == *surroundings)
    }
}

/// A type as it is now: an enum may have other labels than when a statement was prepared.
fn type_now(state: &Snapshot, ty: &PgType) -> PgType {
    let now = ty.is_user_defined().then(|| state.type_of(ty.oid())).flatten();
    now.unwrap_or_else(|| ty.clone())
}
