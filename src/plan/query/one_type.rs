//! Values that must be of one type: the results of CASE, the elements of an array; and operands of which a
//! type is asked: conditions, patterns, what a minus stands before.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::{Case, Like};
use datafusion::logical_expr::{Expr, ExprSchemable};

use super::errors::external;
use super::literal::{Operand, fold};
use super::operators::comparable;
use super::resolve::Resolver;
use crate::base::{SqlError, SqlState};
use crate::exec::functions::{row_array_in, typed_as};
use crate::types::PgType;

impl Resolver<'_> {
    /// LIKE is of strings: DataFusion would make text of anything.
    pub(super) fn check_like(&self, like: &Like, schema: &DFSchema) -> Result<()> {
        let types = [&like.expr, &like.pattern].map(|side| self.literals.operand(side, schema));
        let [Some(left), Some(right)] = types else { return Ok(()) };
        let fits = |operand: &Operand| {
            operand.ty().is_none_or(|ty| {
                ty.is_string()
                    || matches!(ty, PgType::Bytea | PgType::Unknown)
                    || ty.arrow().is_string()
            })
        };
        if fits(&left) && fits(&right) {
            return Ok(());
        }
        let symbol = match (like.negated, like.case_insensitive) {
            (false, false) => "~~",
            (true, false) => "!~~",
            (false, true) => "~~*",
            (true, true) => "!~~*",
        };
        let shown = |operand: &Operand| operand.ty().map_or("unknown".to_owned(), PgType::sql_name);
        let message =
            format!("operator does not exist: {} {symbol} {}", shown(&left), shown(&right));
        let hint = "No operator matches the given name and argument types. \
                    You might need to add explicit type casts.";
        Err(external(SqlError::new(SqlState::UNDEFINED_FUNCTION, message).with_hint(hint)))
    }

    /// Unary minus: DataFusion's reports no overflow and turns no interval around.
    pub(super) fn negative(&self, operand: Expr, schema: &DFSchema) -> Result<Expr> {
        let operand = fold(operand);
        let ty = self.literals.operand(&operand, schema);
        let refused = |code, message: &str| Err(external(SqlError::new(code, message)));
        match &ty {
            Some(Operand::Unknown) if matches!(operand, Expr::Literal(..)) => {
                let message = "operator is not unique: - unknown";
                return refused(SqlState::AMBIGUOUS_FUNCTION, message);
            }
            Some(Operand::Typed(ty)) if ty.is_string() || *ty == PgType::Bool => {
                let message = format!("operator does not exist: - {}", ty.sql_name());
                return refused(SqlState::UNDEFINED_FUNCTION, &message);
            }
            _ => {}
        }
        let name = match ty.as_ref().and_then(Operand::ty) {
            Some(PgType::Int2 | PgType::Int4 | PgType::Int8) => "checked_neg",
            Some(PgType::Interval) => "interval_neg",
            _ => return Ok(Expr::Negative(Box::new(operand))),
        };
        match self.functions.scalar(name) {
            Some(function) => Ok(function.call(vec![operand])),
            None => Ok(Expr::Negative(Box::new(operand))),
        }
    }

    pub(super) fn case(&self, case: Case, schema: &DFSchema) -> Result<Expr> {
        let mut results: Vec<Expr> =
            case.when_then_expr.iter().map(|(_, then)| fold(then.as_ref().clone())).collect();
        let has_else = case.else_expr.is_some();
        results.extend(case.else_expr.map(|otherwise| fold(*otherwise)));
        // The default counts first.
        if has_else {
            results.rotate_right(1);
        }
        let mut results = self.unite("CASE", results, schema)?;
        if has_else {
            results.rotate_left(1);
        }
        let else_expr = if has_else { results.pop().map(Box::new) } else { None };
        let mut whens: Vec<Expr> =
            case.when_then_expr.into_iter().map(|(when, _)| fold(*when)).collect();
        let mut operand = case.expr;
        if let Some(tested) = operand {
            let mut all = vec![fold(*tested)];
            all.extend(whens);
            let mut all = self.agree(all, schema)?;
            whens = all.split_off(1);
            operand = all.pop().map(Box::new);
        } else {
            whens = whens
                .into_iter()
                .map(|when| self.condition(when, "CASE/WHEN", schema))
                .collect::<Result<_>>()?;
        }
        let all: Vec<&Expr> = results.iter().chain(else_expr.as_deref()).collect();
        let ty = self.forgotten(&all, schema);
        let pairs = whens.into_iter().zip(results);
        let when_then_expr = pairs.map(|(when, then)| (Box::new(when), Box::new(then))).collect();
        let case = Expr::Case(Case { expr: operand, when_then_expr, else_expr });
        Ok(match ty {
            Some(ty) => typed_as(&ty).call(vec![case]),
            None => case,
        })
    }

    /// The type of values that become one, if DataFusion would forget it.
    pub(super) fn forgotten(&self, values: &[&Expr], schema: &DFSchema) -> Option<PgType> {
        let types = values.iter().map(|value| self.literals.operand(value, schema));
        let known: Vec<PgType> = types.filter_map(|ty| ty?.ty().map(PgType::bare)).collect();
        let first = known.first()?;
        let forgotten =
            matches!(first, PgType::Json | PgType::Jsonb | PgType::Varchar(_) | PgType::Name);
        (forgotten && known.iter().all(|ty| ty == first)).then(|| first.clone())
    }

    /// A truth value.
    fn condition(&self, expr: Expr, clause: &str, schema: &DFSchema) -> Result<Expr> {
        match self.literals.operand(&expr, schema).as_ref().and_then(Operand::ty) {
            Some(ty) if !matches!(ty, PgType::Bool | PgType::Unknown) => {
                Err(external(no_boolean(clause, ty)))
            }
            _ => self.literals.give(expr, &PgType::Bool).map_err(external),
        }
    }

    /// Operands that become one value: of one type, in which the `unknown` ones are read.
    pub(super) fn unite(
        &self,
        what: &str,
        operands: Vec<Expr>,
        schema: &DFSchema,
    ) -> Result<Vec<Expr>> {
        let operands = self.of_rows(operands, schema)?;
        let types = operands.iter().filter_map(|expr| self.literals.operand(expr, schema));
        let known: Vec<PgType> = types.filter_map(|operand| operand.ty().cloned()).collect();
        if let Some(first) = known.first()
            && let Some(other) = known.iter().find(|other| !comparable(first, other))
        {
            let (first, other) = (first.sql_name(), other.sql_name());
            let message = format!("{what} types {first} and {other} cannot be matched");
            return Err(external(SqlError::new(SqlState::DATATYPE_MISMATCH, message)));
        }
        let operands = self.agree(operands, schema)?;
        // Of NULLIF's only the first one is a value.
        Ok(if what == "NULLIF" { operands } else { plain_decimals(operands) })
    }
}

impl Resolver<'_> {
    /// Literals beside an array of rows are such arrays.
    fn of_rows(&self, operands: Vec<Expr>, schema: &DFSchema) -> Result<Vec<Expr>> {
        let item = operands.iter().find_map(|expr| {
            let (_, field) = expr.to_field(schema).ok()?;
            let DataType::List(item) = field.data_type() else { return None };
            matches!(item.data_type(), DataType::Struct(_)).then(|| Arc::clone(item))
        });
        let Some(item) = item else { return Ok(operands) };
        let read = row_array_in(item);
        // What was a literal is a text once that was learned of it.
        let typed = |expr: Expr| match self.literals.operand(&expr, schema) {
            Some(Operand::Typed(PgType::Text)) if matches!(expr, Expr::Placeholder(_)) => {
                Ok(read.call(vec![expr]))
            }
            Some(Operand::Unknown) => {
                let text = self.literals.give(expr, &PgType::Text).map_err(external)?;
                Ok(read.call(vec![text]))
            }
            _ => Ok(expr),
        };
        operands.into_iter().map(typed).collect()
    }
}

/// `argument of WHERE must be type boolean, not type integer`.
pub(super) fn no_boolean(clause: &str, ty: &PgType) -> SqlError {
    let message = format!("argument of {clause} must be type boolean, not type {}", ty.sql_name());
    SqlError::new(SqlState::DATATYPE_MISMATCH, message)
}

/// Constants with different numbers of digits after the point: each is shown with its own where they are
/// numbers without precision.
fn plain_decimals(operands: Vec<Expr>) -> Vec<Expr> {
    let scale = |expr: &Expr| match expr {
        Expr::Literal(ScalarValue::Int32(Some(_)) | ScalarValue::Int64(Some(_)), None) => Some(0),
        // More digits than those would be lost.
        Expr::Literal(ScalarValue::Decimal128(Some(_), precision, scale), None)
            if *scale <= 10 && i32::from(*precision) - i32::from(*scale) <= 28 =>
        {
            Some(*scale)
        }
        _ => None,
    };
    let scales: Option<Vec<i8>> = operands.iter().map(scale).collect();
    let bare = PgType::Numeric(None).arrow();
    let mixed = scales.is_some_and(|scales| scales.iter().any(|scale| *scale != scales[0]));
    let widened = |expr: &Expr| match expr {
        Expr::Literal(value, _) => value.cast_to(&bare).ok(),
        _ => None,
    };
    let values: Option<Vec<ScalarValue>> = match mixed {
        true => operands.iter().map(widened).collect(),
        false => None,
    };
    match values {
        Some(values) => values.into_iter().map(|value| Expr::Literal(value, None)).collect(),
        None => operands,
    }
}
