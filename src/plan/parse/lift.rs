//! Lifts constants out of statements, so that one plan serves `id = 5` and `id = 6`: what
//! prepared statements have anyway, for clients that never prepare (psql, psycopg2).
//!
//! A constant becomes a parameter only where that changes neither the meaning nor the names and
//! types of the output: as operand of a comparison, `BETWEEN`, `IN` or distance, as a value of
//! VALUES or SET, and in those statements that change rows also of arithmetic. Where SQL compares
//! expressions by their text (`GROUP BY a > 5`, `SELECT DISTINCT`), nothing is lifted.
//!
//! A constant without a cast takes its type from its surroundings, as an undeclared parameter
//! does. That is right for strings, and for numbers where the number fits the type that was found
//! out: [`Constant::value`] tells, and where it doesn't the statement is planned as it stands.
//! Operands of arithmetic keep their own type, which decides the type of the result.

use std::ops::ControlFlow;

use datafusion::common::ScalarValue;
use sqlparser::ast::{
    self, BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr,
    Ident, SetExpr, TableFactor, UnaryOperator, Value, ValueWithSpan, VisitMut, VisitorMut,
};
use sqlparser::tokenizer::Span;

use super::data_type_of;
use crate::plan::statement::{
    Assignment, AssignmentSource, Cell, Expression, InsertSource, LiteralKind, Parsed, Statement,
};
use crate::types::{PgType, TextContext, parse_text};

/// Longer IN lists stay in the text: their plans are rarely met again.
const LIST_MAX: usize = 100;
/// A statement with more constants than this is not one that comes again.
const CONSTANTS_MAX: usize = 1_000;

/// What was lifted out of a statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Lifted {
    /// The statement's text with `$n` in place of the constants: a key for its plan, together
    /// with the types. Not meant to be parsed.
    pub fingerprint: String,
    /// The constants, in the order of their parameters, which follow the statement's own.
    pub constants: Vec<Constant>,
}

/// A constant that became a parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Constant {
    /// A [`Cell::Literal`] or [`Cell::Cast`].
    pub cell: Cell,
    /// Its type; none: told by its surroundings, as for any `'..'` without a cast.
    pub ty: Option<PgType>,
}

impl Constant {
    /// Its value for a parameter of a type. None where a parameter would not mean the same as the
    /// constant, or the text isn't of that type: the statement must be planned as it stands.
    pub fn value(&self, ty: &PgType, context: &TextContext) -> Option<ScalarValue> {
        let text = match &self.cell {
            Cell::Literal { text, kind: LiteralKind::Number } if number_fits(text, ty) => text,
            Cell::Literal { text, kind: LiteralKind::String } => text,
            Cell::Cast { text: Some(text), ty: cast, .. } if cast == ty => text,
            _ => return None,
        };
        parse_text(ty, text, context).ok()
    }
}

/// Whether a number is a value of a type as it is, without a cast that could change it.
pub(crate) fn number_fits(text: &str, ty: &PgType) -> bool {
    let whole = || text.parse::<i64>().ok();
    match ty {
        PgType::Int2 => whole().is_some_and(|number| i16::try_from(number).is_ok()),
        PgType::Int4 => whole().is_some_and(|number| i32::try_from(number).is_ok()),
        PgType::Oid => whole().is_some_and(|number| u32::try_from(number).is_ok()),
        PgType::Int8 => whole().is_some(),
        PgType::Float4 | PgType::Float8 | PgType::Numeric(_) => true,
        _ => false,
    }
}

/// Replaces constants of a query, INSERT, UPDATE or DELETE by parameters; none if there is nothing
/// to lift, the statement then being as before.
pub fn lift(parsed: &mut Parsed) -> Option<Lifted> {
    let mut lifter = Lifter {
        next: parsed.parameters,
        scopes: Vec::new(),
        arithmetic: false,
        constants: Vec::new(),
        places: Vec::new(),
    };
    match &mut parsed.statement {
        Statement::Query(query) => lifter.visit(&mut *query.ast),
        Statement::Insert(insert) => {
            let InsertSource::Values(rows) = &mut insert.source else { return None };
            if insert.places.len() > CONSTANTS_MAX {
                return None;
            }
            lifter.arithmetic = true;
            for (cell, place) in rows.iter_mut().flatten().zip(&insert.places) {
                lifter.assigned(cell, *place);
            }
        }
        Statement::Update(update) => {
            lifter.arithmetic = true;
            lifter.assignments(&mut update.assignments);
            lifter.visit(&mut update.from);
            lifter.expression(update.filter.as_mut());
        }
        Statement::Delete(delete) => {
            lifter.arithmetic = true;
            lifter.visit(&mut delete.using);
            lifter.expression(delete.filter.as_mut());
        }
        _ => return None,
    }
    if lifter.constants.is_empty() {
        return None;
    }
    let fingerprint = fingerprint(&parsed.text, parsed.offset, parsed.parameters, lifter.places);
    Some(Lifted { fingerprint, constants: lifter.constants })
}

/// Writes parameters over the constants' places: characters of the query string from one, the
/// end excluded.
fn fingerprint(
    text: &str,
    offset: usize,
    parameters: u16,
    mut places: Vec<(u64, u64, u16)>,
) -> String {
    places.sort_unstable();
    let mut out = format!("{parameters}:");
    let mut characters = text.char_indices().map(|(byte, _)| byte);
    let (mut passed, mut from) = (0, 0);
    for (start, end, number) in places {
        let mut byte_of = |column: u64| {
            let character = usize::try_from(column).unwrap_or(usize::MAX) - 1 - offset;
            let byte = characters.nth(character - passed);
            passed = character + 1;
            byte.unwrap_or(text.len())
        };
        let (start, end) = (byte_of(start), byte_of(end));
        out.push_str(&text[from..start]);
        out.push('$');
        out.push_str(&number.to_string());
        from = end;
    }
    out.push_str(&text[from..]);
    out
}

struct Lifter {
    /// The last parameter given out.
    next: u16,
    /// Whether constants of the query or SELECT at hand may be lifted, innermost last.
    scopes: Vec<bool>,
    /// Whether operands of `+ - * /` may be lifted.
    arithmetic: bool,
    constants: Vec<Constant>,
    places: Vec<(u64, u64, u16)>,
}

impl Lifter {
    fn visit(&mut self, tree: &mut impl VisitMut) {
        let _ = tree.visit(self);
    }

    fn expression(&mut self, expression: Option<&mut Expression>) {
        if let Some(expression) = expression {
            self.visit(&mut *expression.ast);
        }
    }

    fn assignments(&mut self, assignments: &mut [Assignment]) {
        for assignment in assignments {
            match &mut assignment.source {
                AssignmentSource::Query(query) => self.visit(&mut **query),
                AssignmentSource::Values(cells) => {
                    for (cell, place) in cells.iter_mut().zip(&assignment.places) {
                        self.assigned(cell, *place);
                    }
                }
            }
        }
    }

    /// Puts a parameter in the place of an assigned constant.
    fn assigned(&mut self, cell: &mut Cell, place: (u64, u64)) {
        let constant = match cell {
            Cell::Expression(expression) => return self.visit(&mut *expression.ast),
            // The column tells the type. A cast to another one is not what a parameter does.
            Cell::Literal { kind: LiteralKind::Number | LiteralKind::String, .. } => {
                Constant { cell: cell.clone(), ty: None }
            }
            Cell::Cast { text: Some(_), kind: LiteralKind::String, ty } if !needs_catalog(ty) => {
                Constant { cell: cell.clone(), ty: None }
            }
            _ => return,
        };
        if let Some(number) = self.parameter(constant, place) {
            *cell = Cell::Parameter(number);
        }
    }

    /// The next parameter, whose value is a constant at a place.
    fn parameter(&mut self, constant: Constant, (start, end): (u64, u64)) -> Option<u16> {
        if self.constants.len() >= CONSTANTS_MAX || self.next == u16::MAX {
            return None;
        }
        self.next += 1;
        self.places.push((start, end, self.next));
        self.constants.push(constant);
        Some(self.next)
    }

    /// Puts a parameter in the place of an expression that is a constant.
    fn operand(&mut self, operand: &mut Expr) {
        if let Some((constant, span)) = constant(operand) {
            self.replace(operand, constant, span);
        }
    }

    /// The same for an operand of arithmetic: a whole number, of the type that it has by itself.
    fn term(&mut self, operand: &mut Expr) {
        let Some((mut constant, span)) = constant(operand) else { return };
        let Cell::Literal { text, kind: LiteralKind::Number } = &constant.cell else { return };
        constant.ty = [PgType::Int4, PgType::Int8].into_iter().find(|ty| number_fits(text, ty));
        if constant.ty.is_some() {
            self.replace(operand, constant, span);
        }
    }

    fn replace(&mut self, operand: &mut Expr, constant: Constant, span: Span) {
        let place = (span.start.column, span.end.column);
        let Some(number) = self.parameter(constant, place) else { return };
        let value = Value::Placeholder(format!("${number}"));
        *operand = Expr::Value(ValueWithSpan { value, span });
    }

    fn operands(&mut self, left: &mut Expr, right: &mut Expr) {
        if let Some(operand) = only_constant(left, right) {
            self.operand(operand);
        }
    }
}

impl VisitorMut for Lifter {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut ast::Query) -> ControlFlow<()> {
        let liftable = set_is_liftable(&query.body);
        self.scopes.push(liftable);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &mut ast::Query) -> ControlFlow<()> {
        self.scopes.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut ast::Select) -> ControlFlow<()> {
        let liftable = select_is_liftable(select);
        self.scopes.push(liftable);
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, _select: &mut ast::Select) -> ControlFlow<()> {
        self.scopes.pop();
        ControlFlow::Continue(())
    }

    /// The vector that `vector_search` looks for.
    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name, args: Some(arguments), .. } = factor
            && name.0.last().and_then(|part| part.as_ident()).is_some_and(is_vector_search)
            && let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(query))) =
                arguments.args.get_mut(2)
        {
            self.operand(query);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if self.scopes.last() == Some(&false) {
            return ControlFlow::Continue(());
        }
        match expr {
            Expr::BinaryOp { left, op, right } if takes_parameters(op) => {
                self.operands(left, right);
            }
            Expr::BinaryOp { left, op, right } if self.arithmetic && is_arithmetic(op) => {
                if let Some(operand) = only_constant(left, right) {
                    self.term(operand);
                }
            }
            Expr::Between { expr, low, high, .. } if !is_constant(expr) => {
                self.operand(low);
                self.operand(high);
            }
            Expr::InList { expr, list, .. } if !is_constant(expr) && list.len() <= LIST_MAX => {
                list.iter_mut().for_each(|item| self.operand(item));
            }
            Expr::Function(function) if is_distance_function(&function.name) => {
                let FunctionArguments::List(list) = &mut function.args else {
                    return ControlFlow::Continue(());
                };
                if let [
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(left)),
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(right)),
                ] = list.args.as_mut_slice()
                {
                    self.operands(left, right);
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// Whether no part of a set operation compares expressions by their text.
fn set_is_liftable(set: &SetExpr) -> bool {
    match set {
        SetExpr::Select(select) => select_is_liftable(select),
        // A tree of them may be deep, and its ORDER BY can name output columns only.
        _ => true,
    }
}

fn select_is_liftable(select: &ast::Select) -> bool {
    let plain_groups = match &select.group_by {
        GroupByExpr::All(_) => false,
        GroupByExpr::Expressions(expressions, _) => expressions.iter().all(|expression| {
            matches!(expression, Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Value(_))
        }),
    };
    select.distinct.is_none() && plain_groups
}

fn takes_parameters(op: &BinaryOperator) -> bool {
    match op {
        BinaryOperator::Eq
        | BinaryOperator::NotEq
        | BinaryOperator::Lt
        | BinaryOperator::LtEq
        | BinaryOperator::Gt
        | BinaryOperator::GtEq
        | BinaryOperator::LtDashGt => true,
        BinaryOperator::Custom(op) => matches!(op.as_str(), "<=>" | "<#>" | "<+>"),
        _ => false,
    }
}

fn is_arithmetic(op: &BinaryOperator) -> bool {
    matches!(
        op,
        BinaryOperator::Plus
            | BinaryOperator::Minus
            | BinaryOperator::Multiply
            | BinaryOperator::Divide
    )
}

fn is_vector_search(name: &Ident) -> bool {
    name.value == "vector_search"
}

/// The one of two operands that is a constant, if the other is none.
fn only_constant<'a>(left: &'a mut Expr, right: &'a mut Expr) -> Option<&'a mut Expr> {
    match (is_constant(left), is_constant(right)) {
        (true, false) => Some(left),
        (false, true) => Some(right),
        _ => None,
    }
}

fn is_distance_function(name: &ast::ObjectName) -> bool {
    const FUNCTIONS: &[&str] = &[
        "l2_distance",
        "inner_product",
        "cosine_distance",
        "l1_distance",
        "vector_negative_inner_product",
    ];
    let last = name.0.last().and_then(|part| part.as_ident());
    last.is_some_and(|last| FUNCTIONS.contains(&last.value.as_str()))
}

/// Whether an expression has the same value for every row and is none that [`constant`]
/// would have to weigh: two of them around an operator are best left to DataFusion.
fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => !matches!(value.value, Value::Placeholder(_)),
        Expr::Nested(inner) | Expr::UnaryOp { expr: inner, .. } => is_constant(inner),
        Expr::Cast { expr: inner, .. } => is_constant(inner),
        Expr::TypedString(_) | Expr::Interval(_) => true,
        _ => false,
    }
}

/// The constant that an expression is, with its place, if it may be lifted. NULL, TRUE and
/// FALSE may not: they decide the plan.
fn constant(expr: &Expr) -> Option<(Constant, Span)> {
    match expr {
        Expr::Nested(inner) => constant(inner),
        Expr::Value(ValueWithSpan { value: Value::Number(text, _), span }) => {
            Some((number(text.clone()), *span))
        }
        Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), span }) => {
            let cell = Cell::Literal { text: text.clone(), kind: LiteralKind::String };
            Some((Constant { cell, ty: None }, *span))
        }
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match &**expr {
            Expr::Value(ValueWithSpan { value: Value::Number(text, _), span }) => {
                Some((number(format!("-{text}")), *span))
            }
            _ => None,
        },
        Expr::Cast {
            kind: ast::CastKind::Cast | ast::CastKind::DoubleColon,
            expr,
            data_type,
            ..
        } => {
            let Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), span }) =
                &**expr
            else {
                return None;
            };
            let ty = data_type_of(data_type).ok().filter(|ty| !needs_catalog(ty))?;
            let cell =
                Cell::Cast { text: Some(text.clone()), kind: LiteralKind::String, ty: ty.clone() };
            Some((Constant { cell, ty: Some(ty) }, *span))
        }
        _ => None,
    }
}

fn number(text: String) -> Constant {
    Constant { cell: Cell::Literal { text, kind: LiteralKind::Number }, ty: None }
}

/// Types whose input looks up names.
fn needs_catalog(ty: &PgType) -> bool {
    ty.is_object() || *ty == PgType::Unknown
}
