//! Conditions on the distance that a search compares by: `WHERE embedding <-> $1 < 0.5`.
//!
//! They are asked about the distances that the search has computed, never about vectors. Each of
//! them is true of a distance when it is true of a greater one (NaN, which sorts behind all
//! numbers, aside): so the nearest of the rows that fulfil it are the nearest rows, cut off.

use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, BooleanArray, Float64Array, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::{Column, DFSchema, Result};
use datafusion::logical_expr::Expr;
use datafusion::physical_expr::PhysicalExpr;

use crate::index::Neighbour;

/// What a condition calls the distance.
const DISTANCE: &str = "distance";

/// The distance, as conditions name it.
pub fn distance_column() -> Expr {
    Expr::Column(Column::from_name(DISTANCE))
}

/// A condition on distances.
#[derive(Clone, Debug)]
pub(super) struct Within {
    /// Over a batch of one column, the distance.
    pub(super) predicate: Arc<dyn PhysicalExpr>,
}

impl Within {
    /// What its expression is over.
    pub(super) fn schema() -> SchemaRef {
        Arc::new(Schema::new(vec![Field::new(DISTANCE, DataType::Float64, true)]))
    }

    /// The same, for the planner.
    pub(super) fn logical_schema() -> Result<DFSchema> {
        DFSchema::try_from(Self::schema().as_ref().clone())
    }

    /// Of which distances it is true.
    pub(super) fn takes(&self, distances: Vec<f64>) -> Result<BooleanArray> {
        let rows = distances.len();
        let batch =
            RecordBatch::try_new(Self::schema(), vec![Arc::new(Float64Array::from(distances))])?;
        let mask = self.predicate.evaluate(&batch)?.into_array(rows)?;
        Ok(mask.as_boolean().clone())
    }

    /// Whether rows whose distance is no number fulfil it.
    pub(super) fn takes_undefined(&self) -> Result<bool> {
        let mask = self.takes(vec![f64::NAN])?;
        Ok(is_true(&mask, 0))
    }

    /// Leaves those that fulfil it.
    pub(super) fn retain<T>(&self, rows: &mut Vec<T>, distance: impl Fn(&T) -> f64) -> Result<()> {
        let mask = self.takes(rows.iter().map(distance).collect())?;
        let mut at = 0..;
        rows.retain(|_| at.next().is_some_and(|at| is_true(&mask, at)));
        Ok(())
    }

    /// How many of the nearest rows, in order, fulfil it before the first that doesn't.
    pub(super) fn count(&self, nearest: &[Neighbour]) -> Result<usize> {
        let mask = self.takes(nearest.iter().map(|neighbour| neighbour.distance).collect())?;
        Ok((0..nearest.len()).take_while(|at| is_true(&mask, *at)).count())
    }
}

fn is_true(mask: &BooleanArray, at: usize) -> bool {
    mask.is_valid(at) && mask.value(at)
}
