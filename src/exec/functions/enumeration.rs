//! What there is of an enum: `enum_first`, `enum_last`, `enum_range`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::TimestampMicrosecondType;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF};

use super::function::{Arguments, Call, Function, Kind, arrays, result};
use crate::base::{Result, SqlError, SqlState};
use crate::types::{ColumnBuilder, EnumType, PgType, TextContext};

/// The functions of this family.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let one = Arguments::Exactly(&[Kind::Enum]);
    let own = |types: &[PgType]| types.first().cloned().unwrap_or(PgType::Unknown);
    vec![
        Function::new("enum_first", one, own, |_, call| end(call, true)).build(),
        Function::new("enum_last", one, own, |_, call| end(call, false)).build(),
        Function::new(
            "enum_range",
            Arguments::AndMore(&[Kind::Enum], Kind::Enum),
            |types| known(types).unwrap_or(PgType::Unknown).array(),
            range,
        )
        .build(),
    ]
}

/// The enum among the types of arguments, of which one may be NULL.
fn known(types: &[PgType]) -> Option<PgType> {
    types.iter().find(|ty| matches!(ty, PgType::Enum(_))).cloned()
}

fn enum_of(call: &Call) -> Result<(PgType, Arc<EnumType>)> {
    match known(&call.types) {
        Some(PgType::Enum(ty)) => Ok((PgType::Enum(Arc::clone(&ty)), ty)),
        _ => Err(SqlError::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            "could not determine actual enum type",
        )),
    }
}

/// The first label, or the last.
fn end(call: &Call, first: bool) -> Result<ColumnarValue> {
    let (ty, of) = enum_of(call)?;
    let labels = &of.facts().labels;
    let label = if first { labels.first() } else { labels.last() };
    let Some((label, _)) = label else {
        let message = format!("enum {ty} contains no values");
        return Err(SqlError::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
    };
    crate::types::parse_text(&ty, label, &TextContext::default()).map(ColumnarValue::Scalar)
}

/// The labels between two, all of them where one is NULL.
fn range(arguments: &[ColumnarValue], call: &Call) -> Result<ColumnarValue> {
    let (ty, of) = enum_of(call)?;
    let (columns, scalar) = arrays(arguments)?;
    if columns.len() > 2 {
        return Err(super::vector_distance::wrong_count());
    }
    let rows = columns.first().map_or(1, |column| column.len());
    let place = |column: Option<&ArrayRef>, row: usize| {
        let places = column?.as_primitive_opt::<TimestampMicrosecondType>()?;
        (!places.is_null(row)).then(|| places.value(row))
    };
    // With one argument, only its type counts.
    let (low, high) = match columns.as_slice() {
        [low, high] => (Some(low), Some(high)),
        _ => (None, None),
    };
    let mut built = ColumnBuilder::new(&ty.array(), rows);
    for row in 0..rows {
        let (low, high) = (place(low, row), place(high, row));
        let within = |place: &i64| {
            low.is_none_or(|low| *place >= low) && high.is_none_or(|high| *place <= high)
        };
        let labels = of.facts().labels.iter().filter(|(_, place)| within(place));
        let quoted: Vec<String> = labels
            .map(|(label, _)| format!("\"{}\"", label.replace('\\', "\\\\").replace('"', "\\\"")))
            .collect();
        built.append_text(&format!("{{{}}}", quoted.join(",")), &TextContext::default())?;
    }
    result(built.finish(), scalar)
}
