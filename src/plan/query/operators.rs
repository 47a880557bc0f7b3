//! PostgreSQL's binary operators: which operand takes which type, and what computes them.
//!
//! DataFusion asks here first for every binary operator, with both operands planned. An
//! `unknown` literal or parameter takes the type that the operator and the other operand ask
//! for; then vectors, checked integers, JSON and `ANY (array)` become functions; everything else
//! stays DataFusion's.

use std::sync::Arc;

use datafusion::common::{DFSchema, DataFusionError, Result};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{Expr, ScalarUDF, lit};
use sqlparser::ast::BinaryOperator as Op;

use super::errors::external;
use super::functions::Functions;
use super::literal::{Literals, Operand, fold};
use super::rewrite::{ALL, ANY};
use crate::base::{SqlError, SqlState};
use crate::types::PgType;

/// Plans binary operators for one statement.
#[derive(Debug)]
pub(crate) struct Operators {
    pub(crate) literals: Arc<Literals>,
    pub(crate) functions: Arc<Functions>,
}

impl ExprPlanner for Operators {
    fn plan_binary_op(
        &self,
        raw: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        let RawBinaryExpr { op, left, right } = raw;
        let (left, right) = (fold(left), fold(right));
        if matches!(op, Op::And | Op::Or) {
            let left = self.literals.give(left, &PgType::Bool).map_err(external)?;
            let right = self.literals.give(right, &PgType::Bool).map_err(external)?;
            return Ok(PlannerResult::Original(RawBinaryExpr { op, left, right }));
        }
        let types = (self.literals.operand(&left, schema), self.literals.operand(&right, schema));
        let (Some(left_type), Some(right_type)) = types else {
            return Ok(PlannerResult::Original(RawBinaryExpr { op, left, right }));
        };
        let (left_target, right_target) = operand_types(&op, &left_type, &right_type);
        let left = self.settle(left, &left_type, left_target.as_ref())?;
        let right = self.settle(right, &right_type, right_target.as_ref())?;
        let left_type = left_target.or(left_type.ty().cloned()).unwrap_or(PgType::Unknown);
        let right_type = right_target.or(right_type.ty().cloned()).unwrap_or(PgType::Unknown);
        self.compute(op, (left, left_type), (right, right_type))
    }
}

impl Operators {
    fn settle(&self, expr: Expr, operand: &Operand, target: Option<&PgType>) -> Result<Expr> {
        match (operand, target) {
            (Operand::Unknown, Some(ty)) => self.literals.give(expr, ty).map_err(external),
            (Operand::Typed(_), _) => Ok(self.literals.known(expr)),
            (Operand::Unknown, None) => Ok(expr),
        }
    }

    fn compute(
        &self,
        op: Op,
        (left, left_type): (Expr, PgType),
        (right, right_type): (Expr, PgType),
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        if let Op::Custom(symbol) = &op {
            if let Some(comparison) = symbol.strip_prefix(ANY) {
                return self.quantified("any", comparison, left, right);
            }
            if let Some(comparison) = symbol.strip_prefix(ALL) {
                return self.quantified("all", comparison, left, right);
            }
        }
        let vectors = is_vector(&left_type) || is_vector(&right_type);
        if vectors || matches!(op, Op::Custom(_) | Op::Spaceship | Op::LtDashGt) {
            if let Some(function) = vector_function(&op)
                && is_vector(&left_type)
                && is_vector(&right_type)
            {
                let function = self.required(function)?;
                return Ok(PlannerResult::Planned(function.call(vec![left, right])));
            }
            return Err(no_operator(&op, &left_type, &right_type));
        }
        if comparison(&op) && !comparable(&left_type, &right_type) {
            return Err(no_operator(&op, &left_type, &right_type));
        }
        if let Some(function) = self.functions.operator(&symbol(&op), &left_type, &right_type) {
            return Ok(PlannerResult::Planned(function.call(vec![left, right])));
        }
        if let (Op::Divide | Op::Modulo, true) = (&op, right_type.is_number())
            && is_zero(&right)
        {
            let error = SqlError::new(SqlState::DIVISION_BY_ZERO, "division by zero");
            return Err(external(error));
        }
        Ok(PlannerResult::Original(RawBinaryExpr { op, left, right }))
    }

    /// `left op ANY (array)`, `left op ALL (array)`.
    fn quantified(
        &self,
        quantifier: &str,
        comparison: &str,
        left: Expr,
        right: Expr,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        if quantifier == "any" && comparison == "=" {
            let function = self.required("array_has")?;
            return Ok(PlannerResult::Planned(function.call(vec![right, left])));
        }
        // x <> ALL (a) is NOT (x = ANY (a)), NULLs included.
        if quantifier == "all" && matches!(comparison, "<>" | "!=") {
            let function = self.required("array_has")?;
            let any = function.call(vec![right, left]);
            return Ok(PlannerResult::Planned(Expr::Not(Box::new(any))));
        }
        // The extreme element decides about an order comparison.
        let extreme = match (quantifier, comparison) {
            ("any", ">" | ">=") | ("all", "<" | "<=") => "array_min",
            ("any", "<" | "<=") | ("all", ">" | ">=") => "array_max",
            _ => {
                let message =
                    format!("{comparison} {} (array) is not supported", quantifier.to_uppercase());
                return Err(external(SqlError::unsupported(message)));
            }
        };
        let bound = self.required(extreme)?.call(vec![right]);
        Ok(PlannerResult::Planned(match comparison {
            ">" => left.gt(bound),
            ">=" => left.gt_eq(bound),
            "<" => left.lt(bound),
            _ => left.lt_eq(bound),
        }))
    }

    fn required(&self, name: &str) -> Result<Arc<ScalarUDF>> {
        self.functions.scalar(name).ok_or_else(|| {
            external(SqlError::internal(format!("function {name} is not registered")))
        })
    }
}

fn is_zero(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(value, _) => {
            [lit(0i16), lit(0i32), lit(0i64)].iter().any(|zero| match zero {
                Expr::Literal(zero, _) => zero == value,
                _ => false,
            })
        }
        _ => false,
    }
}

pub(crate) fn is_vector(ty: &PgType) -> bool {
    matches!(ty, PgType::Vector(_))
}

fn comparison(op: &Op) -> bool {
    matches!(op, Op::Eq | Op::NotEq | Op::Lt | Op::LtEq | Op::Gt | Op::GtEq)
}

/// Whether PostgreSQL has a comparison of the two, implicit casts included.
pub(crate) fn comparable(left: &PgType, right: &PgType) -> bool {
    use PgType as T;
    if left.bare() == right.bare() || *left == T::Unknown || *right == T::Unknown {
        return true;
    }
    if left.is_string() && right.is_string() || left.category() == right.category() {
        return !matches!((left, right), (T::Time, other) | (other, T::Time) if *other != T::Time);
    }
    // Names of relations compare with their oids, times with intervals.
    matches!((left, right), (T::Time, T::Interval) | (T::Interval, T::Time))
}

/// The function behind an operator on vectors.
fn vector_function(op: &Op) -> Option<&'static str> {
    Some(match op {
        Op::LtDashGt => "l2_distance",
        Op::Spaceship => "cosine_distance",
        Op::Custom(symbol) => match symbol.as_str() {
            "<->" => "l2_distance",
            "<#>" => "vector_negative_inner_product",
            "<=>" => "cosine_distance",
            "<+>" => "l1_distance",
            _ => return None,
        },
        Op::Plus => "vector_add",
        Op::Minus => "vector_sub",
        Op::Multiply => "vector_mul",
        Op::StringConcat => "vector_concat",
        Op::Eq => "vector_eq",
        Op::NotEq => "vector_ne",
        Op::Lt => "vector_lt",
        Op::LtEq => "vector_le",
        Op::Gt => "vector_gt",
        Op::GtEq => "vector_ge",
        _ => return None,
    })
}

/// The types that `unknown` operands take. `None` leaves an operand as it is.
fn operand_types(op: &Op, left: &Operand, right: &Operand) -> (Option<PgType>, Option<PgType>) {
    use PgType as T;
    if let Op::Custom(symbol) = op
        && (symbol.starts_with(ANY) || symbol.starts_with(ALL))
    {
        return match (left.ty(), right.ty()) {
            (Some(element), None) => (None, Some(element.bare().array())),
            (None, Some(array)) => (array.element().cloned(), None),
            (None, None) => (Some(T::Text), Some(T::Text.array())),
            (Some(_), Some(_)) => (None, None),
        };
    }
    let distance = matches!(op, Op::LtDashGt | Op::Spaceship)
        || matches!(op, Op::Custom(symbol) if matches!(symbol.as_str(), "<->" | "<#>" | "<=>" | "<+>"));
    match (left.ty(), right.ty()) {
        (Some(_), Some(_)) => (None, None),
        (None, None) if distance => (Some(T::Vector(None)), Some(T::Vector(None))),
        (None, None) => (Some(T::Text), Some(T::Text)),
        (Some(known), None) => (None, Some(other_type(op, known, false))),
        (None, Some(known)) => (Some(other_type(op, known, true)), None),
    }
}

/// The type of the `unknown` side of an operator whose other side is known.
fn other_type(op: &Op, known: &PgType, unknown_is_left: bool) -> PgType {
    use PgType as T;
    match op {
        Op::Plus | Op::Minus => match known {
            T::Timestamp | T::Timestamptz | T::Time if !unknown_is_left => T::Interval,
            T::Date if !unknown_is_left && *op == Op::Plus => T::Interval,
            other => other.bare(),
        },
        Op::Multiply | Op::Divide => match known {
            T::Interval => T::Float8,
            other => other.bare(),
        },
        Op::Arrow | Op::LongArrow if !unknown_is_left => T::Text,
        Op::HashArrow | Op::HashLongArrow if !unknown_is_left => T::Text.array(),
        Op::Question => T::Text,
        Op::QuestionAnd | Op::QuestionPipe => T::Text.array(),
        Op::StringConcat => match known {
            T::Array(_) | T::Vector(_) | T::Jsonb | T::Bytea => known.bare(),
            _ => T::Text,
        },
        Op::PGRegexMatch
        | Op::PGRegexIMatch
        | Op::PGRegexNotMatch
        | Op::PGRegexNotIMatch
        | Op::PGLikeMatch
        | Op::PGILikeMatch
        | Op::PGNotLikeMatch
        | Op::PGNotILikeMatch => T::Text,
        _ => known.bare(),
    }
}

/// The operator as it is written.
fn symbol(op: &Op) -> String {
    match op {
        Op::LtDashGt => "<->".into(),
        Op::Spaceship => "<=>".into(),
        Op::Custom(symbol) => symbol.clone(),
        other => other.to_string(),
    }
}

fn no_operator(op: &Op, left: &PgType, right: &PgType) -> DataFusionError {
    let message =
        format!("operator does not exist: {} {} {}", left.sql_name(), symbol(op), right.sql_name());
    let hint = "No operator matches the given name and argument types. \
                You might need to add explicit type casts.";
    external(SqlError::new(SqlState::UNDEFINED_FUNCTION, message).with_hint(hint))
}
