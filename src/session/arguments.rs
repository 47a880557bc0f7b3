//! The arguments of EXECUTE: constants are read at once, anything else is computed by a query of one row.

use arrow::array::{ArrayRef, RecordBatch};
use datafusion::scalar::ScalarValue;
use futures::TryStreamExt;

use crate::base::{Result, SqlError, SqlState};
use crate::plan::arguments_query;
use crate::plan::statement::Cell;
use crate::types::{PgType, parse_text};

use super::connection::Session;
use super::prepare::Prepared;

impl Session {
    /// EXECUTE's arguments in the types of the statement's parameters.
    pub(super) async fn arguments(
        &mut self,
        statement: &Prepared,
        name: &str,
        arguments: &[Cell],
        parameters: &[ScalarValue],
    ) -> Result<Vec<ScalarValue>> {
        let types = self.parameters_now(statement).into_owned();
        if types.len() != arguments.len() {
            let message = format!("wrong number of parameters for prepared statement \"{name}\"");
            let detail =
                format!("Expected {} parameters but got {}.", types.len(), arguments.len());
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, message).with_detail(detail));
        }
        if arguments.iter().any(|cell| matches!(cell, Cell::Expression(_) | Cell::Default)) {
            return self.computed_arguments(arguments, &types, parameters).await;
        }
        let context = self.text_context();
        let value = |(cell, ty): (&Cell, &PgType)| match cell {
            Cell::Literal { text, .. } | Cell::Cast { text: Some(text), .. } => {
                parse_text(ty, text, &context)
            }
            Cell::Parameter(number) => {
                parameters.get(usize::from(*number).wrapping_sub(1)).cloned().ok_or_else(|| {
                    let message = format!("there is no parameter ${number}");
                    SqlError::new(SqlState::UNDEFINED_PARAMETER, message)
                })
            }
            _ => null(ty),
        };
        arguments.iter().zip(&types).map(value).collect()
    }

    /// The same where some must be computed.
    async fn computed_arguments(
        &mut self,
        arguments: &[Cell],
        types: &[PgType],
        parameters: &[ScalarValue],
    ) -> Result<Vec<ScalarValue>> {
        let snapshot = self.statement_snapshot().await?;
        let query = arguments_query(arguments, types)?;
        let plan = self.server.parts.planner.query(&self.plan_context(&snapshot), &query, &[])?;
        self.permit(plan.demands(), &snapshot)?;
        let rows = self.run_query(&plan, parameters, &self.run_on(&snapshot), &snapshot)?;
        let rows: Vec<RecordBatch> = rows.try_collect().await.map_err(crate::plan::sql_error)?;
        let row = rows.iter().find(|rows| rows.num_rows() > 0);
        let row = row.ok_or_else(|| SqlError::internal("no row of arguments"))?;
        let value = |column: &ArrayRef| {
            ScalarValue::try_from_array(column, 0).map_err(crate::plan::sql_error)
        };
        row.columns().iter().map(value).collect()
    }
}

fn null(ty: &PgType) -> Result<ScalarValue> {
    ScalarValue::try_from(&ty.arrow()).map_err(|error| SqlError::internal(error.to_string()))
}
