//! The logical node. Its second input reads values of the first one's rows where a subquery refers to
//! the query around it: as placeholders of names that no statement has, which become slots when
//! the plan is made ready to run.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, DFSchemaRef, DataFusionError, Result};
use datafusion::logical_expr::expr::Placeholder;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{
    Expr, LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};

use super::ApplyExec;
use crate::exec::Slots;

/// Starts the names of placeholders for values of the row outside.
const OUTER: &str = "$outer ";

/// What an input row gets from the inner plan's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Hash)]
pub enum Gives {
    /// The only value of its rows, NULL where there is none; more are an error.
    Value,
    /// Whether it has rows.
    Exists,
    /// Its rows, beside the input's; `outer`: a row without any stays, with NULLs.
    Rows {
        /// Whether such a row stays.
        outer: bool,
    },
}

/// The input's columns, and after them what the inner plan gives for each row.
#[derive(Clone, Debug)]
pub struct Apply {
    /// The rows.
    pub input: Arc<LogicalPlan>,
    /// What runs for each of them.
    pub inner: Arc<LogicalPlan>,
    /// Tells this node from others of the plan.
    pub number: usize,
    /// The values that the inner plan reads, over the input's columns, in the placeholders' order.
    pub arguments: Vec<Expr>,
    /// What comes of the inner plan's rows.
    pub gives: Gives,
    /// Whether the same values give the same rows.
    pub repeatable: bool,
    /// Where the values go; none until the plan is made ready to run.
    slots: Option<Arc<Slots>>,
    schema: DFSchemaRef,
}

impl Apply {
    /// A node with its schema.
    ///
    /// # Errors
    /// When the inputs' columns have the same names.
    pub fn new(
        (input, inner): (LogicalPlan, LogicalPlan),
        number: usize,
        arguments: Vec<Expr>,
        gives: Gives,
        repeatable: bool,
    ) -> Result<Self> {
        let schema = Arc::new(schema_of(&input, &inner, number, gives)?);
        let (input, inner, slots) = (Arc::new(input), Arc::new(inner), None);
        Ok(Self { input, inner, number, arguments, gives, repeatable, slots, schema })
    }

    /// The same, ready to run.
    #[must_use]
    pub fn with_slots(&self, slots: Arc<Slots>) -> Self {
        Self { slots: Some(slots), ..self.clone() }
    }

    /// The name of the column with the value.
    pub fn value_name(number: usize) -> String {
        format!("subquery {number}")
    }

    /// What the inner plan reads the value of an argument by.
    pub fn placeholder(number: usize, place: usize, field: &Field) -> Expr {
        let id = format!("{OUTER}{number} {place}");
        let field = field.clone().with_name(id.clone()).with_nullable(true);
        Expr::Placeholder(Placeholder::new_with_field(id, Some(Arc::new(field))))
    }

    /// The node and the argument that a placeholder stands for, if it stands for one.
    pub fn argument_of(placeholder: &Placeholder) -> Option<(usize, usize)> {
        let (number, place) = placeholder.id.strip_prefix(OUTER)?.split_once(' ')?;
        Some((number.parse().ok()?, place.parse().ok()?))
    }
}

/// The slots of a plan's nodes while it is made ready to run.
#[derive(Debug, Default)]
pub struct ApplySlots {
    of_node: HashMap<usize, Arc<Slots>>,
}

impl ApplySlots {
    /// The slots of a node.
    pub fn of(&mut self, number: usize) -> Arc<Slots> {
        Arc::clone(self.of_node.entry(number).or_default())
    }

    /// The expression that reads a placeholder's slot, if it is one of a node's.
    pub fn parameter(&mut self, placeholder: &Placeholder) -> Option<Expr> {
        let (number, place) = Apply::argument_of(placeholder)?;
        let field: FieldRef = placeholder.field.clone()?;
        Some(self.of(number).parameter(place, field))
    }
}

fn schema_of(
    input: &LogicalPlan,
    inner: &LogicalPlan,
    number: usize,
    gives: Gives,
) -> Result<DFSchema> {
    let rows = inner.schema();
    let added = match gives {
        Gives::Rows { outer } => rows
            .iter()
            .map(|(qualifier, field)| {
                let nullable = outer || field.is_nullable();
                let field = field.as_ref().clone().with_nullable(nullable);
                (qualifier.cloned(), Arc::new(field))
            })
            .collect(),
        Gives::Exists => {
            let field = Field::new(Apply::value_name(number), DataType::Boolean, false);
            vec![(None, Arc::new(field))]
        }
        Gives::Value => {
            let field = rows
                .fields()
                .first()
                .ok_or_else(|| DataFusionError::Internal("a subquery without a column".into()))?;
            let field = field.as_ref().clone().with_name(Apply::value_name(number));
            vec![(None, Arc::new(field.with_nullable(true)))]
        }
    };
    let metadata = input.schema().metadata().clone();
    input.schema().join(&DFSchema::new_with_metadata(added, metadata)?)
}

impl PartialEq for Apply {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
            && self.gives == other.gives
            && self.arguments == other.arguments
            && self.input == other.input
            && self.inner == other.inner
    }
}

impl Eq for Apply {}

impl PartialOrd for Apply {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match self.number.cmp(&other.number) {
            Ordering::Equal if self == other => Some(Ordering::Equal),
            Ordering::Equal => None,
            unequal => Some(unequal),
        }
    }
}

impl Hash for Apply {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.number, self.gives).hash(state);
        self.arguments.hash(state);
        self.input.hash(state);
        self.inner.hash(state);
    }
}

impl UserDefinedLogicalNodeCore for Apply {
    fn name(&self) -> &str {
        "Apply"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input, &self.inner]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        self.arguments.clone()
    }

    /// A condition would be put over both inputs, which don't have each other's columns.
    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        self.schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Apply: {:?} {:?}", self.gives, self.arguments)
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        let [input, inner] = <[LogicalPlan; 2]>::try_from(inputs)
            .map_err(|_| DataFusionError::Internal("Apply has two inputs".into()))?;
        let made = Self::new((input, inner), self.number, exprs, self.gives, self.repeatable)?;
        Ok(Self { slots: self.slots.clone(), ..made })
    }
}

/// Makes [`ApplyExec`] of [`Apply`].
#[derive(Debug)]
pub struct ApplyPlanner;

#[async_trait]
impl ExtensionPlanner for ApplyPlanner {
    async fn plan_extension(
        &self,
        planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _logical_inputs: &[&LogicalPlan],
        physical_inputs: &[Arc<dyn ExecutionPlan>],
        session: &dyn Session,
        planning: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Some(node) = node.as_any().downcast_ref::<Apply>() else { return Ok(None) };
        let ([input, inner], Some(slots)) = (physical_inputs, &node.slots) else {
            return Err(DataFusionError::Internal("Apply is not ready to run".into()));
        };
        let schema = node.input.schema();
        let arguments = node
            .arguments
            .iter()
            .map(|argument| planner.create_physical_expr(argument, schema, session, planning))
            .collect::<Result<Vec<_>>>()?;
        Ok(Some(Arc::new(ApplyExec::new(
            (Arc::clone(input), Arc::clone(inner)),
            arguments,
            node.gives,
            node.repeatable,
            Arc::clone(slots),
            Arc::clone(node.schema.inner()),
        ))))
    }
}
