//! `x op ANY (array)` and `x op ALL (array)`, with the NULLs of SQL's logic.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Datum, Scalar};
use arrow::compute::cast;
use arrow::compute::kernels::boolean::{and_kleene, or_kleene};
use arrow::compute::kernels::{cmp, comparison as like};
use arrow::datatypes::{DataType, FieldRef};
use arrow::error::ArrowError;
use datafusion::common::DataFusionError;
use datafusion::common::utils::list_ndims;
use datafusion::functions_nested::array_has::array_has_udf;
use datafusion::logical_expr::type_coercion::binary::comparison_coercion;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::function::{external, internal, result, undefined};
use crate::base::Result;
use crate::types::PgType;

/// The functions of this family: `any_eq`, `all_lt` and so on; the array comes second.
pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let build = |(name, any, comparison)| {
        let signature = Signature::user_defined(Volatility::Immutable);
        Arc::new(ScalarUDF::new_from_impl(Quantified { name, any, comparison, signature }))
    };
    [
        ("any_eq", true, Comparison::Equal),
        ("any_ne", true, Comparison::NotEqual),
        ("any_lt", true, Comparison::Less),
        ("any_le", true, Comparison::LessOrEqual),
        ("any_gt", true, Comparison::Greater),
        ("any_ge", true, Comparison::GreaterOrEqual),
        ("any_like", true, Comparison::Like),
        ("any_ilike", true, Comparison::Ilike),
        ("any_not_like", true, Comparison::NotLike),
        ("any_not_ilike", true, Comparison::NotIlike),
        ("all_eq", false, Comparison::Equal),
        ("all_ne", false, Comparison::NotEqual),
        ("all_lt", false, Comparison::Less),
        ("all_le", false, Comparison::LessOrEqual),
        ("all_gt", false, Comparison::Greater),
        ("all_ge", false, Comparison::GreaterOrEqual),
        ("all_like", false, Comparison::Like),
        ("all_ilike", false, Comparison::Ilike),
        ("all_not_like", false, Comparison::NotLike),
        ("all_not_ilike", false, Comparison::NotIlike),
    ]
    .into_iter()
    .map(build)
    .collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
    NotLike,
    Ilike,
    NotIlike,
}

impl Comparison {
    fn apply(self, left: &dyn Datum, right: &dyn Datum) -> Result<BooleanArray, ArrowError> {
        match self {
            Self::Equal => cmp::eq(left, right),
            Self::NotEqual => cmp::neq(left, right),
            Self::Less => cmp::lt(left, right),
            Self::LessOrEqual => cmp::lt_eq(left, right),
            Self::Greater => cmp::gt(left, right),
            Self::GreaterOrEqual => cmp::gt_eq(left, right),
            Self::Like => like::like(left, right),
            Self::NotLike => like::nlike(left, right),
            Self::Ilike => like::ilike(left, right),
            Self::NotIlike => like::nilike(left, right),
        }
    }
}

#[derive(Debug)]
struct Quantified {
    name: &'static str,
    any: bool,
    comparison: Comparison,
    signature: Signature,
}

impl PartialEq for Quantified {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Quantified {}

impl Hash for Quantified {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Quantified {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    /// The operand and the elements take the type that the comparison of both asks for.
    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>, DataFusionError> {
        let refused = || external(undefined(self.name, types));
        let [operand, array] = types else { return Err(refused()) };
        let element = match array {
            DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _)
                if list_ndims(array) == 1 =>
            {
                item.data_type().clone()
            }
            DataType::Null => operand.clone(),
            _ => return Err(refused()),
        };
        let common = comparison_coercion(operand, &element).ok_or_else(refused)?;
        let item = arrow::datatypes::Field::new("item", common.clone(), true);
        Ok(vec![common, DataType::List(Arc::new(item))])
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(DataType::Boolean)
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs<'_>) -> Result<FieldRef, DataFusionError> {
        Ok(Arc::new(PgType::Bool.field(self.name, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        self.compute(args).map_err(external)
    }
}

impl Quantified {
    fn compute(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [operand, lists] = args.args.as_slice() else { return Err(internal("two arguments")) };
        let scalar =
            matches!((operand, lists), (ColumnarValue::Scalar(_), ColumnarValue::Scalar(_)));
        let rows = if scalar { 1 } else { args.number_rows };
        let many = self.comparison == Comparison::Equal && self.any;
        if let ColumnarValue::Scalar(list) = lists {
            let list = list.to_array().map_err(internal)?;
            let Some(list) = list.as_list_opt::<i32>().filter(|list| !list.is_null(0)) else {
                return Ok(ColumnarValue::Scalar(datafusion::common::ScalarValue::Boolean(None)));
            };
            let elements = list.value(0);
            if many && elements.len() > 8 && !scalar {
                return found_or_null(args, &elements);
            }
            let operand = operand.to_array(rows).map_err(internal)?;
            let mut found = BooleanArray::from(vec![!self.any; rows]);
            for at in 0..elements.len() {
                let element = Scalar::new(elements.slice(at, 1));
                let compared = self.comparison.apply(&operand, &element).map_err(internal)?;
                found = self.merge(&found, &compared)?;
            }
            return result(Arc::new(found), scalar);
        }
        let lists = lists.to_array(rows).map_err(internal)?;
        let lists = lists.as_list::<i32>();
        let operand = operand.to_array(rows).map_err(internal)?;
        let row = |row: usize| -> Result<Option<bool>> {
            if lists.is_null(row) {
                return Ok(None);
            }
            let elements = lists.value(row);
            let value = Scalar::new(operand.slice(row, 1));
            let compared = self.comparison.apply(&value, &elements).map_err(internal)?;
            let decisive = compared.iter().flatten().any(|outcome| outcome == self.any);
            Ok(match decisive {
                true => Some(self.any),
                false if compared.null_count() > 0 => None,
                false => Some(!self.any),
            })
        };
        let found = (0..rows).map(row).collect::<Result<Vec<_>>>()?;
        result(Arc::new(BooleanArray::from(found)), scalar)
    }

    fn merge(&self, found: &BooleanArray, next: &BooleanArray) -> Result<BooleanArray> {
        if self.any { or_kleene(found, next) } else { and_kleene(found, next) }.map_err(internal)
    }
}

/// `x = ANY (array)` of many elements: DataFusion's search, and NULL where nothing was found
/// but there is a NULL.
fn found_or_null(args: ScalarFunctionArgs, elements: &ArrayRef) -> Result<ColumnarValue> {
    let rows = args.number_rows;
    let operand = args.args[0].to_array(rows).map_err(internal)?;
    let swapped = ScalarFunctionArgs {
        args: vec![args.args[1].clone(), args.args[0].clone()],
        arg_fields: args.arg_fields.iter().rev().map(Arc::clone).collect(),
        ..args
    };
    let found = array_has_udf().inner().invoke_with_args(swapped).map_err(internal)?;
    let found = found.to_array(rows).map_err(internal)?;
    let found = cast(&found, &DataType::Boolean).map_err(internal)?;
    let found = found.as_boolean();
    let any_null = elements.logical_null_count() > 0;
    let values = (0..rows).map(|row| match operand.is_null(row) {
        true => None,
        false if !found.is_null(row) && found.value(row) => Some(true),
        false => (!any_null).then_some(false),
    });
    Ok(ColumnarValue::Array(Arc::new(values.collect::<BooleanArray>())))
}
