//! The rows of many executions of one INSERT: columns of parameters become the table's columns as
//! they are.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::Schema;
use datafusion::common::ScalarValue;

use super::literal_rows::{LiteralRows, Value, field_of};
use crate::base::{Result, SqlError};
use crate::types::{ColumnBuilder, PgType};

/// The parameters of many executions.
#[derive(Clone, Copy, Debug)]
pub struct Executions<'a> {
    /// How many.
    pub count: usize,
    /// The client's parameters, each a column of as many values.
    pub columns: &'a [ArrayRef],
    /// The types that these columns were read in ([`RowSource::column_types`]).
    ///
    /// [`RowSource::column_types`]: super::RowSource::column_types
    pub types: &'a [PgType],
    /// The parameters behind the client's, which are the same each time.
    pub constants: &'a [ScalarValue],
}

impl LiteralRows {
    /// The types in which the client's parameters, the first so many, are read: a column's own,
    /// where reading a value in it is the same as reading it and then storing it.
    pub(super) fn column_types(&self, client: usize) -> Option<Vec<PgType>> {
        let [row] = self.rows.as_slice() else { return None };
        let types = self.parameters.get(..client)?.iter().enumerate().map(|(at, known)| {
            let stored = row.iter().zip(&self.fields).filter_map(|(value, (ty, _))| match value {
                Value::Parameter(number) if *number == at => Some(ty),
                _ => None,
            });
            match stored.collect::<Vec<_>>().as_slice() {
                [ty] if reads_as_stored(known, ty) => (*ty).clone(),
                _ => known.clone(),
            }
        });
        Some(types.collect())
    }

    /// The rows of many executions, in their order.
    ///
    /// # Errors
    /// What is wrong with any value for its column.
    pub(super) fn columns(&self, executions: &Executions<'_>) -> Result<RecordBatch> {
        let [row] = self.rows.as_slice() else {
            return Err(SqlError::internal("an execution of several rows"));
        };
        let mut arrays = Vec::with_capacity(self.fields.len());
        let mut fields = Vec::with_capacity(self.fields.len());
        for (value, (ty, field)) in row.iter().zip(&self.fields) {
            let array = self.column(value, ty, executions)?;
            fields.push(field_of(field, &array));
            arrays.push(array);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(executions.count));
        RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
            .map_err(|error| SqlError::internal(error.to_string()))
    }

    /// One column of the table.
    fn column(&self, value: &Value, ty: &PgType, executions: &Executions<'_>) -> Result<ArrayRef> {
        let Executions { count, columns, types, constants } = *executions;
        let mut builder = ColumnBuilder::new(ty, count);
        match value {
            Value::Null => (0..count).for_each(|_| builder.append_null()),
            Value::Text(text) => {
                (0..count).try_for_each(|_| builder.append_text(text, &self.text))?;
            }
            Value::Parameter(number) => match (columns.get(*number), types.get(*number)) {
                (Some(column), Some(read)) if read == ty => return Ok(Arc::clone(column)),
                (Some(column), _) => {
                    for at in 0..count {
                        let value = ScalarValue::try_from_array(column, at)
                            .map_err(|error| SqlError::internal(error.to_string()))?;
                        builder.append_scalar(&value)?;
                    }
                }
                (None, _) => {
                    let constant = number.checked_sub(columns.len());
                    let constant = constant.and_then(|place| constants.get(place));
                    let constant = constant
                        .ok_or_else(|| SqlError::internal("a parameter without a value"))?;
                    (0..count).try_for_each(|_| builder.append_scalar(constant))?;
                }
            },
        }
        Ok(builder.finish())
    }
}

/// Whether reading a value as the stored type, modifier included, gives what reading it as the
/// parameter's type and storing that gives. Of numbers with a scale that is not so: each of the
/// two rounds.
fn reads_as_stored(known: &PgType, stored: &PgType) -> bool {
    let lengths_only = matches!(
        (known, stored),
        (PgType::Vector(None), PgType::Vector(_))
            | (PgType::Halfvec(None), PgType::Halfvec(_))
            | (PgType::Sparsevec(None), PgType::Sparsevec(_))
            | (PgType::Bit(None), PgType::Bit(_))
            | (PgType::Varbit(None), PgType::Varbit(_))
            | (PgType::Varchar(None), PgType::Varchar(_))
            | (PgType::Bpchar(None), PgType::Bpchar(_))
    );
    known == stored || lengths_only
}
