//! What one execution of a plan works on: the tables at its snapshot, the parameters' values,
//! the session's values. A plan holds none of it, so that it can be run many times.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::execution::TaskContext;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::prelude::SessionConfig;

use super::observe::Observer;
use super::search_settings::SearchSettings;
use super::session_values::SessionValues;
use crate::base::{Oid, SqlError};
use crate::segment::{Reader, TableVersion};

/// A statement's snapshot of the tables, own writes included where the session sees them.
pub trait Tables: Send + Sync + Debug {
    /// The table at the snapshot; `None` when it was dropped.
    fn version(&self, table: Oid) -> Option<Arc<TableVersion>>;

    /// What reads segments.
    fn reader(&self) -> &Arc<Reader>;
}

/// What an execution needs besides its parameters.
#[derive(Clone, Debug)]
pub struct Run {
    /// The tables.
    pub tables: Arc<dyn Tables>,
    /// Memory pool, disk for what does not fit, and the like.
    pub runtime: Arc<RuntimeEnv>,
    /// What functions ask the session; none where there is no session.
    pub session: Option<Arc<dyn SessionValues>>,
    /// Who watches, for EXPLAIN ANALYZE.
    pub observer: Option<Arc<Observer>>,
    /// How hard vector searches look.
    pub search: SearchSettings,
}

/// The part of a [`Run`] that operators find in their task context.
#[derive(Debug)]
pub(crate) struct Bound {
    tables: Arc<dyn Tables>,
    cancelled: Arc<AtomicBool>,
    search: SearchSettings,
}

impl Bound {
    /// The bound tables of a task.
    pub(crate) fn of(context: &TaskContext) -> Result<Arc<Self>, DataFusionError> {
        context.session_config().get_extension::<Self>().ok_or_else(|| {
            let error = SqlError::internal("a plan runs without its tables");
            DataFusionError::External(Box::new(error))
        })
    }

    /// A table at the run's snapshot.
    pub(crate) fn version(&self, table: Oid) -> Result<Arc<TableVersion>, DataFusionError> {
        self.tables.version(table).ok_or_else(|| {
            let message = format!("relation with OID {table} does not exist");
            let error = SqlError::new(crate::base::SqlState::UNDEFINED_TABLE, message);
            DataFusionError::External(Box::new(error))
        })
    }

    /// What reads segments.
    pub(crate) fn reader(&self) -> &Arc<Reader> {
        self.tables.reader()
    }

    /// How hard vector searches look.
    pub(crate) fn search(&self) -> SearchSettings {
        self.search
    }

    /// Set when the run's stream is gone: work on blocking threads looks at it between pieces.
    pub(crate) fn cancelled(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.cancelled)
    }
}

/// Marks a run as cancelled when it goes out of scope.
#[derive(Debug)]
pub(crate) struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Run {
    /// An execution over these tables.
    pub fn new(tables: Arc<dyn Tables>, runtime: Arc<RuntimeEnv>) -> Self {
        Self { tables, runtime, session: None, observer: None, search: SearchSettings::default() }
    }

    /// The same execution, for a session.
    #[must_use]
    pub fn with_session(self, session: Arc<dyn SessionValues>) -> Self {
        Self { session: Some(session), ..self }
    }

    /// The same execution, with the session's settings of vector searches.
    #[must_use]
    pub fn searching(self, search: SearchSettings) -> Self {
        Self { search, ..self }
    }

    /// The same execution, watched.
    #[must_use]
    pub fn watched(self, observer: Option<&Arc<Observer>>) -> Self {
        Self { observer: observer.map(Arc::clone), ..self }
    }

    /// The task context of a new execution, and the guard that lives as long as its stream.
    pub(crate) fn task(&self, config: &SessionConfig) -> (Arc<TaskContext>, CancelOnDrop) {
        let cancelled = Arc::new(AtomicBool::new(false));
        let bound = Bound {
            tables: Arc::clone(&self.tables),
            cancelled: Arc::clone(&cancelled),
            search: self.search,
        };
        let context = TaskContext::new(
            None,
            String::new(),
            config.clone().with_extension(Arc::new(bound)),
            std::collections::HashMap::default(),
            std::collections::HashMap::default(),
            std::collections::HashMap::default(),
            std::collections::HashMap::default(),
            Arc::clone(&self.runtime),
        );
        (Arc::new(context), CancelOnDrop(cancelled))
    }
}

/// The values of a run's parameters.
pub type ParameterValues = Arc<[ScalarValue]>;
