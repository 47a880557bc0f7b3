//! PostgreSQL's binary operators: which operand takes which type, and what computes them.
//!
//! DataFusion asks here first for every binary operator, with both operands planned. An
//! `unknown` literal or parameter takes the type that the operator and the other operand ask
//! for; then vectors, checked integers, JSON and `ANY (array)` become functions; everything else
//! stays DataFusion's.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::TreeNode;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::planner::{
    ExprPlanner, PlannerResult, RawBinaryExpr, RawFieldAccessExpr,
};
use datafusion::logical_expr::{Expr, ExprSchemable, GetFieldAccess, ScalarUDF, lit};
use sqlparser::ast::BinaryOperator as Op;

use super::errors::external;
use super::functions::Functions;
use super::literal::{Literals, Operand, fold};
use super::one_type::no_boolean;
pub(crate) use super::operator_types::comparable;
use super::operator_types::{
    arithmetic, bitwise, bitwise_of, comparison, computable, concatenable, matches_pattern,
    no_operator, not_unique,
};
use super::rewrite::{ALL, ANY};
use super::subscripts;
use crate::base::{SqlError, SqlState};
use crate::types::{CastContext, NUMERIC_QUOTIENT, PgType, cast_context};

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
            let clause = if op == Op::And { "AND" } else { "OR" };
            let left = self.condition(left, clause, schema)?;
            let right = self.condition(right, clause, schema)?;
            return Ok(PlannerResult::Original(RawBinaryExpr { op, left, right }));
        }
        let types = (self.literals.operand(&left, schema), self.literals.operand(&right, schema));
        let (Some(left_type), Some(right_type)) = types else {
            return Ok(PlannerResult::Original(RawBinaryExpr { op, left, right }));
        };
        let of_date = |ty: &Operand| ty.ty() == Some(&PgType::Date);
        let open = (is_string_or_null(&left), is_string_or_null(&right));
        let several = match open {
            (true, true) => arithmetic(&op),
            (true, false) => op == Op::Plus && of_date(&right_type),
            (false, true) => op == Op::Plus && of_date(&left_type),
            (false, false) => false,
        };
        if several {
            return Err(not_unique(&op, &left_type, &right_type));
        }
        let (left_target, right_target) = operand_types(&op, &left_type, &right_type);
        let left = self.settle(left, &left_type, left_target.as_ref())?;
        let right = self.settle(right, &right_type, right_target.as_ref())?;
        let left_type = left_target.or(left_type.ty().cloned()).unwrap_or(PgType::Unknown);
        let right_type = right_target.or(right_type.ty().cloned()).unwrap_or(PgType::Unknown);
        self.compute(op, (left, left_type), (right, right_type), schema)
    }

    /// `typname[0]`: names are no arrays to DataFusion.
    fn plan_field_access(
        &self,
        raw: RawFieldAccessExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawFieldAccessExpr>> {
        let GetFieldAccess::ListIndex { key } = &raw.field_access else {
            return Ok(PlannerResult::Original(raw));
        };
        if let Some(operand) = self.literals.operand(&raw.expr, schema) {
            let ty = operand.ty();
            let none =
                ty.is_none_or(|ty| ty.is_number() || *ty == PgType::Text || *ty == PgType::Bool);
            if none && !matches!(raw.expr, Expr::Placeholder(_)) {
                let shown = ty.map_or("unknown".to_owned(), PgType::sql_name);
                let message = format!(
                    "cannot subscript type {shown} because it does not support subscripting"
                );
                return Err(external(SqlError::new(SqlState::DATATYPE_MISMATCH, message)));
            }
        }
        let known = (&*self.literals, &*self.functions);
        Ok(match subscripts::letter(&raw.expr, key, known, schema) {
            Some(letter) => PlannerResult::Planned(letter),
            None => PlannerResult::Original(raw),
        })
    }

    /// `extract(field FROM value)`: a `numeric` with as many digits as the field has.
    fn plan_extract(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        let Some(Expr::Literal(field, _)) = args.first() else {
            return Ok(PlannerResult::Original(args));
        };
        let field = field.try_as_str().flatten().unwrap_or_default().to_lowercase();
        let name = match field.as_str() {
            "second" | "seconds" | "epoch" => "redkite_part_6",
            "millisecond" | "milliseconds" => "redkite_part_3",
            _ => "redkite_part_0",
        };
        Ok(PlannerResult::Planned(self.required(name)?.call(args)))
    }

    fn plan_substring(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        self.of_text("substr", args)
    }

    fn plan_position(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        self.of_text("strpos", args)
    }

    fn plan_overlay(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        self.of_text("overlay", args)
    }
}

impl Operators {
    /// An operand of AND or OR.
    fn condition(&self, expr: Expr, clause: &str, schema: &DFSchema) -> Result<Expr> {
        match self.literals.operand(&expr, schema).as_ref().and_then(Operand::ty) {
            Some(ty) if !matches!(ty, PgType::Bool | PgType::Unknown) => {
                Err(external(no_boolean(clause, ty)))
            }
            _ => self.literals.give(expr, &PgType::Bool).map_err(external),
        }
    }

    fn settle(&self, expr: Expr, operand: &Operand, target: Option<&PgType>) -> Result<Expr> {
        match (operand, target) {
            // There are no operators of `varchar`, only those of `text`.
            (Operand::Unknown, Some(PgType::Varchar(_)))
                if matches!(expr, Expr::Placeholder(_)) =>
            {
                self.literals.give(expr, &PgType::Text).map_err(external)
            }
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
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        if let Op::Custom(symbol) = &op {
            if let Some(comparison) = symbol.strip_prefix(ANY) {
                return self.quantified("any", comparison, (left, right), schema);
            }
            if let Some(comparison) = symbol.strip_prefix(ALL) {
                return self.quantified("all", comparison, (left, right), schema);
            }
        }
        if let Some(function) = bit_function(&op, &left_type, &right_type) {
            let function = self.required(function)?;
            return Ok(PlannerResult::Planned(function.call(vec![left, right])));
        }
        let vectors = is_vector(&left_type) || is_vector(&right_type);
        if vectors || is_distance(&op) {
            let sparse = [&left_type, &right_type].into_iter().any(is_sparse);
            if let Some(function) = vector_function(&op)
                && is_vector(&left_type)
                && is_vector(&right_type)
                && !(sparse && (arithmetic(&op) || op == Op::StringConcat))
            {
                let function = self.required(function)?;
                let left = self.as_kind_of(left, &left_type, &right_type)?;
                let right = self.as_kind_of(right, &right_type, &left_type)?;
                return Ok(PlannerResult::Planned(function.call(vec![left, right])));
            }
            return Err(no_operator(&op, &left_type, &right_type));
        }
        if comparison(&op) && !comparable(&left_type, &right_type) {
            return Err(no_operator(&op, &left_type, &right_type));
        }
        if let Some(planned) = times(&op, (&left, &left_type), (&right, &right_type)) {
            let (op, left, right) = planned;
            let (left_type, right_type) = (type_of(&left, schema), type_of(&right, schema));
            return self.finish(op, (left, left_type), (right, right_type));
        }
        if op == Op::Multiply
            && (is_quotient(&left, schema) || is_quotient(&right, schema))
            && !matches!(left_type, PgType::Float4 | PgType::Float8)
            && !matches!(right_type, PgType::Float4 | PgType::Float8)
        {
            let function = self.required("numeric_mul")?;
            return Ok(PlannerResult::Planned(function.call(vec![left, right])));
        }
        if op == Op::StringConcat {
            if !concatenable(&left_type, &right_type) {
                return Err(no_operator(&op, &left_type, &right_type));
            }
            let left = self.text_operand(left, &left_type, &right_type)?;
            let right = self.text_operand(right, &right_type, &left_type)?;
            return self.finish(op, (left, left_type), (right, right_type));
        }
        self.finish(op, (left, left_type), (right, right_type))
    }

    /// A vector as what the other operand is, where it turns into that by itself.
    fn as_kind_of(&self, operand: Expr, ty: &PgType, other: &PgType) -> Result<Expr> {
        let other = other.bare();
        if ty.bare() == other || cast_context(ty, &other) != Some(CastContext::Implicit) {
            return Ok(operand);
        }
        let field = Arc::new(other.field("", true));
        self.functions.cast(operand, ty, &other, &field)
    }

    /// `||` takes other types than text by their text, where the other operand is text.
    fn text_operand(&self, operand: Expr, ty: &PgType, other: &PgType) -> Result<Expr> {
        use PgType as T;
        let as_is =
            matches!(ty, T::Text | T::Varchar(_) | T::Name | T::Unknown | T::Array(_) | T::Bytea);
        if as_is || !(other.is_string() || *other == T::Unknown) {
            return Ok(operand);
        }
        let field = Arc::new(T::Text.field("", true));
        self.functions.cast(operand, ty, &T::Text, &field)
    }

    /// By a function where there is one, otherwise DataFusion's way.
    fn finish(
        &self,
        op: Op,
        (left, left_type): (Expr, PgType),
        (right, right_type): (Expr, PgType),
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        let found = function_of(&op, &left_type, &right_type);
        // Searches know distances by their arithmetic.
        let by_distance = |name: &str| {
            name.starts_with("float_") && (has_distance(&left) || has_distance(&right))
        };
        if let Some((name, swapped)) = found.filter(|(name, _)| !by_distance(name)) {
            let function = self.required(name)?;
            let arguments = if swapped { vec![right, left] } else { vec![left, right] };
            return Ok(PlannerResult::Planned(function.call(arguments)));
        }
        let text = |ty: &PgType| ty.is_string() || *ty == PgType::Unknown;
        if matches_pattern(&op) && !(text(&left_type) && text(&right_type)) {
            return Err(no_operator(&op, &left_type, &right_type));
        }
        if matches_pattern(&op) && (right_type.is_string() || right_type == PgType::Unknown) {
            let pattern = self.required("redkite_pattern")?.call(vec![right]);
            return Ok(PlannerResult::Original(RawBinaryExpr { op, left, right: pattern }));
        }
        let computed = match () {
            () if arithmetic(&op) => computable(&op, &left_type, &right_type),
            () if bitwise(&op) => bitwise_of(&left_type) && bitwise_of(&right_type),
            () => true,
        };
        if !computed {
            return Err(no_operator(&op, &left_type, &right_type));
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
        (left, right): (Expr, Expr),
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        let name = match comparison {
            "=" => "eq",
            "<>" | "!=" => "ne",
            "<" => "lt",
            "<=" => "le",
            ">" => "gt",
            ">=" => "ge",
            "~~" => "like",
            "!~~" => "not_like",
            "~~*" => "ilike",
            "!~~*" => "not_ilike",
            _ => {
                let message =
                    format!("{comparison} {} (array) is not supported", quantifier.to_uppercase());
                return Err(external(SqlError::unsupported(message)));
            }
        };
        if self.is_no_array(&right, schema) {
            let message = "op ANY/ALL (array) requires array on right side";
            return Err(external(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message)));
        }
        let function = self.required(&format!("{quantifier}_{name}"))?;
        Ok(PlannerResult::Planned(function.call(vec![left, right])))
    }

    /// Whether an operand is of a type that has no elements.
    fn is_no_array(&self, operand: &Expr, schema: &DFSchema) -> bool {
        let ty = self.literals.operand(operand, schema);
        ty.as_ref()
            .and_then(Operand::ty)
            .is_some_and(|ty| ty.is_number() || ty.is_string() || *ty == PgType::Bool)
    }

    /// A function of text that bit strings have as well, over DataFusion's own of text alone.
    fn of_text(&self, name: &str, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        Ok(PlannerResult::Planned(self.required(name)?.call(args)))
    }

    fn required(&self, name: &str) -> Result<Arc<ScalarUDF>> {
        self.functions.scalar(name).ok_or_else(|| {
            external(SqlError::internal(format!("function {name} is not registered")))
        })
    }
}

fn is_distance(op: &Op) -> bool {
    matches!(op, Op::Custom(_) | Op::Spaceship | Op::LtDashGt)
}

/// Whether an expression's column keeps quotients, whose product has too many digits for Arrow.
fn is_quotient(expr: &Expr, schema: &DFSchema) -> bool {
    let (precision, scale) = NUMERIC_QUOTIENT;
    let quotient = DataType::Decimal256(precision, scale);
    expr.to_field(schema).is_ok_and(|(_, field)| field.data_type() == &quotient)
}

/// Dates, times and intervals where DataFusion would give another type or value: the operator
/// with operands as it needs them.
fn times(
    op: &Op,
    (left, left_type): (&Expr, &PgType),
    (right, right_type): (&Expr, &PgType),
) -> Option<(Op, Expr, Expr)> {
    use PgType as T;
    let cast = |expr: &Expr, ty: &PgType| datafusion::logical_expr::cast(expr.clone(), ty.arrow());
    let pair = |left: Expr, right: Expr| Some((op.clone(), left, right));
    match (op, left_type, right_type) {
        (Op::Plus | Op::Minus, T::Date, T::Interval) => {
            pair(cast(left, &T::Timestamp), right.clone())
        }
        (Op::Plus, T::Interval, T::Date) => pair(left.clone(), cast(right, &T::Timestamp)),
        (Op::Minus, T::Date, T::Timestamp) => pair(cast(left, &T::Timestamp), right.clone()),
        (Op::Minus, T::Timestamp, T::Date) => pair(left.clone(), cast(right, &T::Timestamp)),
        (Op::Minus, T::Timestamptz, T::Date | T::Timestamp) => {
            pair(left.clone(), cast(right, &T::Timestamptz))
        }
        (Op::Minus, T::Date | T::Timestamp, T::Timestamptz) => {
            pair(cast(left, &T::Timestamptz), right.clone())
        }
        _ => None,
    }
}

fn type_of(expr: &Expr, schema: &DFSchema) -> PgType {
    expr.to_field(schema).map_or(PgType::Unknown, |(_, field)| PgType::of_field(&field))
}

/// The function behind an operator where DataFusion's own would differ from PostgreSQL's, and
/// whether it takes the operands the other way round.
fn function_of(op: &Op, left: &PgType, right: &PgType) -> Option<(&'static str, bool)> {
    use PgType as T;
    let integer = |ty: &PgType| matches!(ty, T::Int2 | T::Int4 | T::Int8);
    let json = |ty: &PgType| matches!(ty, T::Json | T::Jsonb);
    let exact = |ty: &PgType| integer(ty) || matches!(ty, T::Numeric(_));
    let float = |ty: &PgType| matches!(ty, T::Float4 | T::Float8);
    let floats =
        |l: &PgType, r: &PgType| float(l) && (exact(r) || float(r)) || exact(l) && float(r);
    let found = match (op, left, right) {
        // DataFusion's integers wrap around; these report it.
        (Op::Plus, l, r) if integer(l) && integer(r) => "checked_add",
        (Op::Minus, l, r) if integer(l) && integer(r) => "checked_sub",
        (Op::Multiply, l, r) if integer(l) && integer(r) => "checked_mul",
        (Op::Divide, l, r) if integer(l) && integer(r) => "checked_div",
        (Op::Modulo, l, r) if integer(l) && integer(r) => "checked_mod",
        (Op::Divide, l, r) if exact(l) && exact(r) => "numeric_div",
        // DataFusion's floats become infinite, or zero, without a word.
        (Op::Plus, l, r) if floats(l, r) => "float_add",
        (Op::Minus, l, r) if floats(l, r) => "float_sub",
        (Op::Multiply, l, r) if floats(l, r) => "float_mul",
        (Op::Divide, l, r) if floats(l, r) => "float_div",
        (Op::Multiply, T::Interval, r) if r.is_number() => "interval_mul",
        (Op::Multiply, l, T::Interval) if l.is_number() => return Some(("interval_mul", true)),
        (Op::Divide, T::Interval, r) if r.is_number() => "interval_div",
        (Op::Minus, T::Date, T::Date) => "date_mi",
        (Op::Minus, T::Timestamp, T::Timestamp) => "timestamp_mi",
        (Op::Minus, T::Timestamptz, T::Timestamptz) => "timestamptz_mi",
        (Op::Eq, T::Interval, T::Interval) => "interval_eq",
        (Op::NotEq, T::Interval, T::Interval) => "interval_ne",
        (Op::Lt, T::Interval, T::Interval) => "interval_lt",
        (Op::LtEq, T::Interval, T::Interval) => "interval_le",
        (Op::Gt, T::Interval, T::Interval) => "interval_gt",
        (Op::GtEq, T::Interval, T::Interval) => "interval_ge",
        (Op::Eq, T::Jsonb, T::Jsonb) => "jsonb_eq",
        (Op::NotEq, T::Jsonb, T::Jsonb) => "jsonb_ne",
        (Op::Lt, T::Jsonb, T::Jsonb) => "jsonb_lt",
        (Op::LtEq, T::Jsonb, T::Jsonb) => "jsonb_le",
        (Op::Gt, T::Jsonb, T::Jsonb) => "jsonb_gt",
        (Op::GtEq, T::Jsonb, T::Jsonb) => "jsonb_ge",
        (Op::Arrow, l, _) if json(l) => "json_get",
        (Op::LongArrow, l, _) if json(l) => "json_get_text",
        (Op::HashArrow, l, _) if json(l) => "json_get_path",
        (Op::HashLongArrow, l, _) if json(l) => "json_get_path_text",
        (Op::AtArrow, T::Jsonb, T::Jsonb) => "jsonb_contains",
        (Op::ArrowAt, T::Jsonb, T::Jsonb) => "jsonb_contained",
        (Op::Question, T::Jsonb, _) => "jsonb_exists",
        (Op::QuestionPipe, T::Jsonb, _) => "jsonb_exists_any",
        (Op::QuestionAnd, T::Jsonb, _) => "jsonb_exists_all",
        (Op::AtQuestion, T::Jsonb, r) if is_path(r) => "jsonb_path_exists_opr",
        (Op::AtAt, T::Jsonb, r) if is_path(r) => "jsonb_path_match_opr",
        (Op::StringConcat, T::Jsonb, T::Jsonb) => "jsonb_concat",
        (Op::Minus, T::Jsonb, r) if integer(r) || r.is_string() || r.element().is_some() => {
            "jsonb_delete"
        }
        (Op::HashMinus, T::Jsonb, _) => "jsonb_delete_path",
        (Op::PGOverlap, T::Array(_), T::Array(_)) => "array_has_any",
        _ => return None,
    };
    Some((found, false))
}

/// Whether it may be a JSON path: literals are text here.
fn is_path(ty: &PgType) -> bool {
    ty.is_string() || *ty == PgType::Jsonpath
}

/// Whether an expression computes with a distance.
fn has_distance(expr: &Expr) -> bool {
    let is_distance = |expr: &Expr| match expr {
        Expr::ScalarFunction(call) => {
            let name = call.func.name();
            name.ends_with("_distance") || name.ends_with("inner_product")
        }
        _ => false,
    };
    expr.exists(|expr| Ok(is_distance(expr))).unwrap_or(true)
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

fn is_vector(ty: &PgType) -> bool {
    matches!(ty, PgType::Vector(_) | PgType::Halfvec(_) | PgType::Sparsevec(_))
}

fn is_sparse(ty: &PgType) -> bool {
    matches!(ty, PgType::Sparsevec(_))
}

/// The function behind an operator on bit strings; comparisons are DataFusion's.
fn bit_function(op: &Op, left: &PgType, right: &PgType) -> Option<&'static str> {
    if !left.is_bits() {
        return None;
    }
    let shifts = matches!(op, Op::PGBitwiseShiftLeft | Op::PGBitwiseShiftRight);
    let fits = if shifts { matches!(right, PgType::Int2 | PgType::Int4) } else { right.is_bits() };
    Some(match op {
        _ if !fits => return None,
        Op::BitwiseAnd => "bitand",
        Op::BitwiseOr => "bitor",
        Op::PGBitwiseXor | Op::BitwiseXor => "bitxor",
        Op::PGBitwiseShiftLeft => "bitshiftleft",
        Op::PGBitwiseShiftRight => "bitshiftright",
        Op::StringConcat => "bitcat",
        Op::Custom(symbol) => match symbol.as_str() {
            "<~>" => "hamming_distance",
            "<%>" => "jaccard_distance",
            _ => return None,
        },
        _ => return None,
    })
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
        (None, None) if matches!(op, Op::Custom(symbol) if symbol == "<~>" || symbol == "<%>") => {
            (Some(T::Bit(None)), Some(T::Bit(None)))
        }
        (None, None) => (Some(T::Text), Some(T::Text)),
        (Some(known), None) => (None, Some(other_type(op, known, false))),
        (None, Some(known)) => (Some(other_type(op, known, true)), None),
    }
}

/// The type of the `unknown` side of an operator whose other side is known.
fn other_type(op: &Op, known: &PgType, unknown_is_left: bool) -> PgType {
    use PgType as T;
    match op {
        Op::HashMinus if !unknown_is_left => T::Text.array(),
        Op::Minus if *known == T::Jsonb && !unknown_is_left => T::Text,
        Op::Plus => match known {
            T::Timestamp | T::Timestamptz | T::Time | T::Date if !unknown_is_left => T::Interval,
            other => other.bare(),
        },
        // Two of a type have a difference.
        Op::Minus => known.bare(),
        Op::Multiply | Op::Divide => match known {
            T::Interval => T::Float8,
            other => other.bare(),
        },
        Op::PGBitwiseShiftLeft | Op::PGBitwiseShiftRight if !unknown_is_left => T::Int4,
        Op::Arrow | Op::LongArrow if !unknown_is_left => T::Text,
        Op::HashArrow | Op::HashLongArrow if !unknown_is_left => T::Text.array(),
        Op::Question | Op::AtQuestion | Op::AtAt => T::Text,
        Op::QuestionAnd | Op::QuestionPipe => T::Text.array(),
        Op::StringConcat => match known {
            T::Array(_) | T::Vector(_) | T::Halfvec(_) | T::Jsonb | T::Bytea => known.bare(),
            T::Bit(_) | T::Varbit(_) => T::Varbit(None),
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

fn is_string_or_null(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(ScalarValue::Utf8(_) | ScalarValue::Null, None))
}
