//! The pass over a fresh logical plan that gives `unknown` literals and parameters their types
//! where no binary operator did, and turns casts into PostgreSQL's.
//!
//! It runs before DataFusion's type coercion, which would take every string literal for text
//! and compare numbers with it as text.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::expr::{Between, BinaryExpr, Cast, InList, InSubquery};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::{find_aggregate_exprs, merge_schema};
use datafusion::logical_expr::{
    Expr, LogicalPlan, Operator, Projection, ScalarUDF, Sort, Subquery, Union,
};

use super::calls::sorted_if_distinct;
use super::enums::run_late;
use super::errors::external;
use super::functions::Functions;
use super::literal::{Literals, Operand, fold, parameter_index, typed_literal};
use super::operator_types::{comparable, no_operator};
use super::provider::Provider;
use super::relations::Relations;
use crate::base::{SqlError, SqlState};
use crate::catalog::system::signatures;
use crate::exec::functions::{is_array_of_enums, unfolded_constant};
use crate::types::{BitString, PgType, TextContext, parse_text};

/// What the pass needs of its statement.
pub(crate) struct Resolver<'a> {
    pub(crate) literals: &'a Literals,
    pub(crate) functions: &'a Functions,
    pub(crate) relations: &'a dyn Relations,
    pub(crate) path: &'a [String],
    /// Where the bodies of users' functions are planned.
    pub(crate) provider: &'a Provider<'a>,
}

impl Resolver<'_> {
    /// Resolves a whole plan, subqueries included.
    pub(crate) fn plan(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        Ok(plan.transform_up_with_subqueries(|node| self.node(node))?.data)
    }

    fn node(&self, plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
        if let LogicalPlan::Limit(_) = &plan {
            return self.limit(plan);
        }
        if let LogicalPlan::Union(union) = plan {
            return self.union(union).map(Transformed::yes);
        }
        if let LogicalPlan::Aggregate(aggregate) = &plan
            && !find_aggregate_exprs(&aggregate.group_expr).is_empty()
        {
            let message = "aggregate functions are not allowed in GROUP BY";
            return Err(external(SqlError::new(SqlState::GROUPING_ERROR, message)));
        }
        let mut schema = merge_schema(&plan.inputs());
        if let LogicalPlan::TableScan(scan) = &plan {
            let source = DFSchema::try_from_qualified_schema(
                scan.table_name.clone(),
                &scan.source.schema(),
            )?;
            schema.merge(&source);
        }
        let names = NamePreserver::new(&plan);
        let changed = plan.map_expressions(|expr| {
            let saved = names.save(&expr);
            let resolved = self.expr(expr, &schema)?;
            Ok(resolved.update_data(|expr| saved.restore(expr)))
        })?;
        let changed = match changed.data {
            LogicalPlan::Sort(sort) => Transformed::yes(LogicalPlan::Sort(self.sorted(sort)?)),
            other => Transformed::yes(other),
        };
        changed.map_data(LogicalPlan::recompute_schema)
    }

    /// Documents are in their own order, not in that of their texts.
    fn sorted(&self, mut sort: Sort) -> Result<Sort> {
        for order in &mut sort.expr {
            let ty = self.literals.operand(&order.expr, sort.input.schema());
            if ty.as_ref().and_then(Operand::ty) == Some(&PgType::Jsonb)
                && let Some(key) = self.functions.scalar("redkite_jsonb_key")
            {
                order.expr = key.call(vec![order.expr.clone()]);
            }
        }
        Ok(sort)
    }

    /// The branches of a union agree in their columns' types: literals take that of the others.
    fn union(&self, union: Union) -> Result<LogicalPlan> {
        let mut inputs: Vec<LogicalPlan> =
            union.inputs.into_iter().map(Arc::unwrap_or_clone).collect();
        let width = inputs.iter().map(|input| input.schema().fields().len()).min().unwrap_or(0);
        for at in 0..width {
            let known: Vec<PgType> =
                inputs.iter().filter_map(|input| self.column_type(input, at)).collect();
            if known.len() == inputs.len() && known.iter().all(|ty| *ty == known[0]) {
                continue;
            }
            if known.contains(&PgType::Oid) {
                for input in &mut inputs {
                    as_numbers(input, at)?;
                }
            }
            let Some(first) = known.first().map(PgType::bare) else { continue };
            if let Some(other) = known.iter().find(|ty| !united(&first, ty)) {
                let message = format!(
                    "UNION types {} and {} cannot be matched",
                    first.sql_name(),
                    other.sql_name()
                );
                return Err(external(SqlError::new(SqlState::DATATYPE_MISMATCH, message)));
            }
            let common = known.iter().fold(first, wider);
            for input in &mut inputs {
                if let LogicalPlan::Projection(projection) = input
                    && self.is_unknown(&projection.expr[at], projection.input.schema())
                {
                    let mut exprs = projection.expr.clone();
                    let given = self.literals.give(exprs[at].clone(), &common);
                    let name = projection.schema.field(at).name().clone();
                    exprs[at] = given.map_err(external)?.alias_if_changed(name)?;
                    let below = Arc::clone(&projection.input);
                    *input = LogicalPlan::Projection(Projection::try_new(exprs, below)?);
                }
            }
        }
        let inputs = inputs.into_iter().map(Arc::new).collect();
        Union::try_new_with_loose_types(inputs).map(LogicalPlan::Union)
    }

    /// The type of a branch's column; none for a literal that has none.
    fn column_type(&self, input: &LogicalPlan, at: usize) -> Option<PgType> {
        if let LogicalPlan::Projection(projection) = input
            && self.is_unknown(&projection.expr[at], projection.input.schema())
        {
            return None;
        }
        Some(PgType::of_field(input.schema().field(at))).filter(|ty| *ty != PgType::Unknown)
    }

    fn is_unknown(&self, expr: &Expr, schema: &DFSchema) -> bool {
        self.literals.operand(expr, schema) == Some(Operand::Unknown)
    }

    fn limit(&self, plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
        plan.map_expressions(|expr| {
            let expr = self.expr(expr, &DFSchema::empty())?.data;
            Ok(Transformed::yes(self.literals.give(expr, &PgType::Int8).map_err(external)?))
        })
    }

    /// Resolves an expression over a schema.
    pub(crate) fn expr(&self, expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
        expr.transform_up(|expr| {
            let resolved = self.one(expr, schema)?;
            resolved.map_data(|expr| Ok(run_late(expr, schema)))
        })
    }

    fn one(&self, expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
        match expr {
            Expr::Cast(cast) => self.cast(cast, schema).map(Transformed::yes),
            Expr::InList(list) => self.in_list(list, schema).map(Transformed::yes),
            Expr::Between(between) => self.between(between, schema).map(Transformed::yes),
            Expr::BinaryExpr(binary) => self.binary(binary, schema).map(Transformed::yes),
            Expr::Case(case) => self.case(case, schema).map(Transformed::yes),
            Expr::InSubquery(subquery) => self.in_subquery(subquery, schema).map(Transformed::yes),
            Expr::ScalarFunction(function) => self.call(function, schema).map(Transformed::yes),
            Expr::AggregateFunction(aggregate) => {
                self.check_aggregate(&aggregate, schema)?;
                Ok(sorted_if_distinct(aggregate))
            }
            Expr::Like(like) => {
                self.check_like(&like, schema)?;
                Ok(Transformed::no(Expr::Like(like)))
            }
            Expr::Negative(operand) => self.negative(*operand, schema).map(Transformed::yes),
            placeholder @ Expr::Placeholder(_) => {
                Ok(Transformed::yes(self.literals.known(placeholder)))
            }
            other => Ok(Transformed::no(other)),
        }
    }

    pub(super) fn cast(&self, cast: Cast, schema: &DFSchema) -> Result<Expr> {
        let target = PgType::of_field(&cast.field);
        if let Expr::Literal(value, None) = cast.expr.as_ref()
            && let Some(Some(text)) = value.try_as_str()
        {
            return self.text_literal(text, &target);
        }
        let reader = self.name_reader(&target);
        match (self.literals.operand(&cast.expr, schema), reader) {
            // Only the catalog knows what a name stands for.
            (Some(Operand::Unknown), Some(reader)) => {
                let text = self.literals.give(*cast.expr, &PgType::Text).map_err(external)?;
                return Ok(reader.call(vec![text]));
            }
            (Some(Operand::Typed(source)), Some(reader)) if source.is_string() => {
                return Ok(reader.call(vec![*cast.expr]));
            }
            _ => {}
        }
        match self.literals.operand(&cast.expr, schema) {
            Some(Operand::Unknown) => {
                let given = self.literals.give(*cast.expr, &target).map_err(external)?;
                let source = self.literals.operand(&given, schema);
                match source.as_ref().and_then(Operand::ty) {
                    Some(source) => self.functions.cast(given, source, &target, &cast.field),
                    None => Ok(Expr::Cast(Cast::new_from_field(Box::new(given), cast.field))),
                }
            }
            Some(Operand::Typed(source)) => {
                // Names of what oids stand for are the catalog's.
                if target.is_string()
                    && let Some(function) = self.relations.name_function(&source)
                {
                    return Ok(function.call(vec![*cast.expr]));
                }
                let (cast, source) = match self.in_zone(cast, source, &target) {
                    Zoned::Cast(cast, source) => (cast, source),
                    Zoned::Done(expr) => return Ok(expr),
                };
                let folded = fold(Expr::Cast(cast));
                match folded {
                    Expr::Cast(cast) => {
                        self.functions.cast(*cast.expr, &source, &target, &cast.field)
                    }
                    literal => Ok(literal),
                }
            }
            None => Ok(Expr::Cast(cast)),
        }
    }

    /// A cast between an instant and a local time, which the session's time zone decides.
    fn in_zone(&self, mut cast: Cast, source: PgType, target: &PgType) -> Zoned {
        let zone = self.literals.text.time_zone.name();
        let call = |name: &str, expr: Expr| {
            let zone = Expr::Literal(ScalarValue::from(zone), None);
            self.functions.scalar(name).map(|function| function.call(vec![zone, expr]))
        };
        if zone == "UTC" {
            return Zoned::Cast(cast, source);
        }
        match (&source, target) {
            (PgType::Timestamptz, PgType::Date | PgType::Time | PgType::Timestamp) => {
                let local = call("redkite_local", cast.expr.as_ref().clone());
                let Some(local) = local else { return Zoned::Cast(cast, source) };
                *cast.expr = local;
                Zoned::Cast(cast, PgType::Timestamp)
            }
            (PgType::Date | PgType::Timestamp, PgType::Timestamptz) => {
                let local =
                    datafusion::logical_expr::cast(*cast.expr.clone(), PgType::Timestamp.arrow());
                call("redkite_instant", local).map_or(Zoned::Cast(cast, source), Zoned::Done)
            }
            (PgType::Timestamptz, target) if target.is_string() => {
                let show = crate::exec::functions::cast_to_text(&source, &self.literals.text);
                Zoned::Done(show.call(vec![*cast.expr]))
            }
            _ => Zoned::Cast(cast, source),
        }
    }

    /// What reads the name of an object as `regclass` and its kin do.
    fn name_reader(&self, target: &PgType) -> Option<Arc<ScalarUDF>> {
        let name = match target {
            PgType::Regclass => "redkite_regclass_in",
            PgType::Regtype => "redkite_regtype_in",
            PgType::Regproc => "redkite_regproc_in",
            PgType::Regprocedure => "redkite_regprocedure_in",
            PgType::Regoper => "redkite_regoper_in",
            PgType::Regoperator => "redkite_regoperator_in",
            PgType::Regnamespace => "redkite_regnamespace_in",
            PgType::Regrole => "redkite_regrole_in",
            _ => return None,
        };
        self.relations.function(name)
    }

    /// `'text'::type`.
    pub(super) fn text_literal(&self, text: &str, target: &PgType) -> Result<Expr> {
        if matches!(target, PgType::Regclass) && !text.bytes().all(|b| b.is_ascii_digit()) {
            let oid = self.relations.oid_of(text, self.path).ok_or_else(|| {
                let message = format!("relation \"{text}\" does not exist");
                external(SqlError::new(SqlState::UNDEFINED_TABLE, message))
            })?;
            let value = ScalarValue::UInt32(Some(oid.0));
            return Ok(typed_literal(value, target));
        }
        if let Some(value) = self.named_oid(text, target).map_err(external)? {
            return Ok(typed_literal(value, target));
        }
        // An explicit cast cuts off what is too long.
        let text = match target {
            PgType::Varchar(Some(most)) | PgType::Bpchar(Some(most)) => {
                let end = text.char_indices().nth(usize::try_from(*most).unwrap_or(usize::MAX));
                end.map_or(text, |(end, _)| &text[..end])
            }
            _ => text,
        };
        let value = match target {
            PgType::Bit(Some(_)) | PgType::Varbit(Some(_)) => bits_literal(text, target),
            _ => parse_text(target, text, &self.literals.text),
        };
        let value = value.map_err(external)?;
        if is_array_of_enums(target) {
            return Ok(unfolded_constant(Some(text.to_owned()), target, &self.literals.text));
        }
        let field = target.field("", true);
        let metadata = datafusion::common::metadata::FieldMetadata::new_from_field(&field);
        Ok(Expr::Literal(value, Some(metadata)))
    }

    /// `'int4'::regtype` and the like: the oid behind a name.
    fn named_oid(&self, text: &str, target: &PgType) -> crate::base::Result<Option<ScalarValue>> {
        let kind = match target {
            PgType::Regtype => "type",
            PgType::Regnamespace => "schema",
            PgType::Regrole => "role",
            PgType::Regproc | PgType::Regprocedure => "function",
            PgType::Regoper | PgType::Regoperator => "operator",
            _ => return Ok(None),
        };
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(None);
        }
        let missing = || {
            let message = format!("{kind} \"{text}\" does not exist");
            let state = match kind {
                "function" | "operator" => SqlState::UNDEFINED_FUNCTION,
                _ => SqlState::UNDEFINED_OBJECT,
            };
            SqlError::new(state, message)
        };
        if *target == PgType::Regproc && signatures(text).len() > 1 {
            let message = format!("more than one function named \"{text}\"");
            return Err(SqlError::new(SqlState::AMBIGUOUS_FUNCTION, message));
        }
        let oid = self.relations.named_oid(text, target).ok_or_else(missing)?;
        Ok(Some(ScalarValue::UInt32(Some(oid.0))))
    }

    fn in_list(&self, list: InList, schema: &DFSchema) -> Result<Expr> {
        let mut operands = vec![fold(*list.expr)];
        operands.extend(list.list.into_iter().map(fold));
        let mut operands = self.agree(operands, schema)?.into_iter();
        let expr = operands.next().map(Box::new).unwrap_or_default();
        Ok(Expr::InList(InList { expr, list: operands.collect(), negated: list.negated }))
    }

    fn between(&self, between: Between, schema: &DFSchema) -> Result<Expr> {
        let operands = vec![fold(*between.expr), fold(*between.low), fold(*between.high)];
        let operands = self.agree(operands, schema)?;
        let Ok([expr, low, high]) = <[Expr; 3]>::try_from(operands) else {
            return Err(DataFusionError::Internal("BETWEEN lost an operand".into()));
        };
        Ok(Expr::Between(Between {
            expr: Box::new(expr),
            negated: between.negated,
            low: Box::new(low),
            high: Box::new(high),
        }))
    }

    fn binary(&self, binary: BinaryExpr, schema: &DFSchema) -> Result<Expr> {
        let BinaryExpr { left, op, right } = binary;
        let (mut left, mut right) = (fold(*left), fold(*right));
        let distinct = matches!(op, Operator::IsDistinctFrom | Operator::IsNotDistinctFrom);
        if distinct || is_comparison(op) {
            let pair = self.agree(vec![left, right], schema)?;
            let Ok([first, second]) = <[Expr; 2]>::try_from(pair) else {
                return Err(DataFusionError::Internal("an operator lost an operand".into()));
            };
            (left, right) = (first, second);
        }
        Ok(Expr::BinaryExpr(BinaryExpr { left: Box::new(left), op, right: Box::new(right) }))
    }

    fn in_subquery(&self, subquery: InSubquery, schema: &DFSchema) -> Result<Expr> {
        let InSubquery { expr, subquery, negated } = subquery;
        let field = subquery.subquery.schema().fields().first().cloned();
        let ty = self.literals.operand(&expr, schema);
        if let (Some(field), Some(Operand::Typed(ty))) = (&field, ty) {
            let found = PgType::of_field(field);
            if !comparable(&ty, &found) {
                return Err(no_operator(&sqlparser::ast::BinaryOperator::Eq, &ty, &found));
            }
        }
        let expr = match field {
            Some(field) => {
                self.literals.give(*expr, &PgType::of_field(&field)).map_err(external)?
            }
            None => *expr,
        };
        let subquery: Subquery = subquery;
        Ok(Expr::InSubquery(InSubquery { expr: Box::new(expr), subquery, negated }))
    }

    /// Operands that must have one type: the `unknown` ones take that of the first other one.
    pub(super) fn agree(&self, operands: Vec<Expr>, schema: &DFSchema) -> Result<Vec<Expr>> {
        let types: Vec<_> =
            operands.iter().map(|expr| self.literals.operand(expr, schema)).collect();
        let known: Vec<_> =
            types.iter().filter_map(|operand| operand.as_ref().and_then(Operand::ty)).collect();
        let Some(first) = known.first().map(|ty| ty.bare()) else {
            let text = PgType::Text;
            return operands
                .into_iter()
                .map(|expr| self.literals.give(expr, &text).map_err(external))
                .collect();
        };
        if let Some(other) = known.iter().find(|other| !comparable(&first, other)) {
            let message =
                format!("operator does not exist: {} = {}", first.sql_name(), other.sql_name());
            let hint = "No operator matches the given name and argument types. \
                        You might need to add explicit type casts.";
            let error = SqlError::new(SqlState::UNDEFINED_FUNCTION, message).with_hint(hint);
            return Err(external(error));
        }
        // A list such as (1, 2.5, '3') takes the widest of its types.
        let widest = known.iter().fold(first, |widest, ty| wider(widest, ty));
        let give = |(expr, operand): (Expr, Option<Operand>)| match operand {
            Some(Operand::Unknown) => self.literals.give(expr, &widest).map_err(external),
            Some(Operand::Typed(_)) | None => Ok(self.literals.known(expr)),
        };
        operands.into_iter().zip(types).map(give).collect()
    }
}

/// A branch's column of `regclass` and its kin as the numbers that they are beside an `oid`.
fn as_numbers(input: &mut LogicalPlan, at: usize) -> Result<()> {
    let LogicalPlan::Projection(projection) = input else { return Ok(()) };
    let field = projection.schema.field(at);
    if !PgType::of_field(field).is_object() {
        return Ok(());
    }
    let number = Arc::new(PgType::Oid.field("", field.is_nullable()));
    let name = field.name().clone();
    let mut exprs = projection.expr.clone();
    let object = Box::new(exprs[at].clone().unalias());
    exprs[at] = Expr::Cast(Cast::new_from_field(object, number)).alias(name);
    let below = Arc::clone(&projection.input);
    *input = LogicalPlan::Projection(Projection::try_new(exprs, below)?);
    Ok(())
}

/// `'101'::bit(n)`: an explicit cast makes it so long.
fn bits_literal(text: &str, target: &PgType) -> crate::base::Result<ScalarValue> {
    let value = parse_text(&target.bare(), text, &TextContext::default())?;
    Ok(match value {
        ScalarValue::LargeBinary(Some(stored)) => {
            ScalarValue::LargeBinary(Some(BitString::of(&stored).cast(target).stored()))
        }
        other => other,
    })
}

/// Whether columns of the two types may stand in one.
fn united(left: &PgType, right: &PgType) -> bool {
    left.bare() == right.bare()
        || left.category() == right.category() && !matches!(left.category(), 'U' | 'A' | 'E')
        || left.is_string() && right.is_string()
}

/// A cast after the time zone was taken into account.
enum Zoned {
    /// Still to be done, from this type.
    Cast(Cast, PgType),
    /// Done.
    Done(Expr),
}

fn is_comparison(op: Operator) -> bool {
    matches!(
        op,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
    )
}

/// The type that values of both have in common.
fn wider(left: PgType, right: &PgType) -> PgType {
    let rank = |ty: &PgType| match ty {
        PgType::Int2 => 1,
        PgType::Int4 => 2,
        PgType::Int8 => 3,
        PgType::Numeric(_) => 4,
        PgType::Float4 => 5,
        PgType::Float8 => 6,
        PgType::Date => 1,
        PgType::Timestamp => 2,
        PgType::Timestamptz => 3,
        _ => 0,
    };
    match rank(right) > rank(&left) {
        true => right.bare(),
        false => left,
    }
}

/// The highest parameter of an expression tree, for statements whose plan does not show all.
pub(crate) fn parameters_of(plan: &LogicalPlan) -> Result<Vec<usize>> {
    let mut found = Vec::new();
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Expr::Placeholder(placeholder) = expr {
                    found.extend(parameter_index(placeholder));
                }
                Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(found)
}
