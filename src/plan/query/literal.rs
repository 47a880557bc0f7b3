//! Literals and parameters whose type the context decides: PostgreSQL's `unknown`.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::common::metadata::FieldMetadata;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::expr::{Cast, Placeholder};
use datafusion::logical_expr::{Expr, ExprSchemable};
use parking_lot::Mutex;

use crate::base::Result;
use crate::exec::functions::{is_array_of_enums, unfolded_constant};
use crate::types::{PgType, TextContext, parse_text};

/// The types of a statement's parameters: declared by the client, or found out from where they
/// stand. The first use decides, as in PostgreSQL.
#[derive(Debug, Default)]
pub(crate) struct Parameters {
    types: Mutex<BTreeMap<usize, PgType>>,
}

impl Parameters {
    /// Starts from what the client declared.
    pub(crate) fn new(declared: &[Option<PgType>]) -> Self {
        let known = declared.iter().enumerate();
        let types = known.filter_map(|(at, ty)| Some((at, ty.clone()?))).collect();
        Self { types: Mutex::new(types) }
    }

    /// The type of the parameter at a position (from zero), if it is known by now.
    pub(crate) fn get(&self, index: usize) -> Option<PgType> {
        self.types.lock().get(&index).cloned()
    }

    /// Notes the type that the context gives to a parameter, unless an earlier one did.
    fn infer(&self, index: usize, ty: &PgType) {
        self.types.lock().entry(index).or_insert_with(|| ty.bare());
    }

    /// What is known by now.
    pub(crate) fn snapshot(&self) -> BTreeMap<usize, PgType> {
        self.types.lock().clone()
    }
}

/// The position (from zero) of a `$n`.
pub(crate) fn parameter_index(placeholder: &Placeholder) -> Option<usize> {
    placeholder.id.strip_prefix('$')?.parse::<usize>().ok()?.checked_sub(1)
}

/// What the context of an operand needs to know of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operand {
    /// A string literal without a cast, NULL, or a parameter of undeclared type.
    Unknown,
    /// Anything that has a type of its own.
    Typed(PgType),
}

impl Operand {
    /// The type, where there is one.
    pub(crate) fn ty(&self) -> Option<&PgType> {
        match self {
            Self::Unknown => None,
            Self::Typed(ty) => Some(ty),
        }
    }
}

/// Resolves operands of one statement.
#[derive(Debug)]
pub(crate) struct Literals {
    pub(crate) parameters: Arc<Parameters>,
    pub(crate) text: Arc<TextContext>,
}

impl Literals {
    /// What an expression is; `None` when its columns are not in the schema.
    pub(crate) fn operand(&self, expr: &Expr, schema: &DFSchema) -> Option<Operand> {
        match expr {
            Expr::Literal(ScalarValue::Utf8(_), None) | Expr::Literal(ScalarValue::Null, _) => {
                Some(Operand::Unknown)
            }
            Expr::Placeholder(placeholder) => {
                let known = parameter_index(placeholder).and_then(|at| self.parameters.get(at));
                let field = placeholder.field.as_deref();
                match known.or_else(|| field.map(PgType::of_field)) {
                    Some(ty) if ty != PgType::Unknown => Some(Operand::Typed(ty)),
                    Some(_) | None => Some(Operand::Unknown),
                }
            }
            Expr::Alias(alias) => self.operand(&alias.expr, schema),
            other => {
                let (_, field) = other.to_field(schema).ok()?;
                Some(Operand::Typed(PgType::of_field(&field)))
            }
        }
    }

    /// Gives an `unknown` operand the type that its context asks for. Others stay as they are.
    pub(crate) fn give(&self, expr: Expr, ty: &PgType) -> Result<Expr> {
        match expr {
            Expr::Literal(ScalarValue::Utf8(Some(text)), None) => {
                if matches!(ty, PgType::Text | PgType::Unknown) {
                    return Ok(Expr::Literal(ScalarValue::Utf8(Some(text)), None));
                }
                let value = parse_text(&literal_type(ty), &text, &self.text)?;
                if is_array_of_enums(ty) {
                    return Ok(unfolded_constant(Some(text), ty, &self.text));
                }
                Ok(typed_literal(value, ty))
            }
            Expr::Literal(value, None) if value.is_null() => {
                if is_array_of_enums(ty) {
                    return Ok(unfolded_constant(None, ty, &self.text));
                }
                let null = ScalarValue::try_from(&ty.arrow()).unwrap_or(ScalarValue::Null);
                Ok(typed_literal(null, ty))
            }
            Expr::Placeholder(placeholder) => Ok(self.parameter(placeholder, ty)),
            Expr::Alias(mut alias) => {
                *alias.expr = self.give(*alias.expr, ty)?;
                Ok(Expr::Alias(alias))
            }
            other => Ok(other),
        }
    }

    /// A parameter with its type, which the context gives if nothing else has.
    fn parameter(&self, placeholder: Placeholder, ty: &PgType) -> Expr {
        let Some(index) = parameter_index(&placeholder) else {
            return Expr::Placeholder(placeholder);
        };
        self.parameters.infer(index, ty);
        let ty = self.parameters.get(index).unwrap_or_else(|| ty.clone());
        let field = Arc::new(ty.field(placeholder.id.clone(), true));
        Expr::Placeholder(Placeholder::new_with_field(placeholder.id, Some(field)))
    }

    /// A parameter whose type is known, marked with it.
    pub(crate) fn known(&self, expr: Expr) -> Expr {
        match expr {
            Expr::Placeholder(placeholder) => {
                let known = parameter_index(&placeholder).and_then(|at| self.parameters.get(at));
                // DataFusion finds some out by itself.
                let found = placeholder.field.as_deref().map(PgType::of_field);
                match known.or(found) {
                    Some(ty) => self.parameter(placeholder, &ty),
                    None => Expr::Placeholder(placeholder),
                }
            }
            other => other,
        }
    }
}

/// The type of an expression; `Unknown` for a literal that has none.
pub(crate) fn type_of(expr: &Expr, schema: &DFSchema) -> PgType {
    match expr {
        Expr::Literal(ScalarValue::Utf8(_), None) => PgType::Unknown,
        other => {
            other.to_field(schema).map_or(PgType::Unknown, |(_, field)| PgType::of_field(&field))
        }
    }
}

/// A literal takes the type of the other operand without its modifier: `name = 'longer'` must
/// not fail because `name` is `varchar(3)`.
fn literal_type(ty: &PgType) -> PgType {
    ty.bare()
}

/// A literal that says its PostgreSQL type.
pub(crate) fn typed_literal(value: ScalarValue, ty: &PgType) -> Expr {
    let field = ty.bare().field("", true);
    Expr::Literal(value, Some(FieldMetadata::new_from_field(&field)))
}

/// Computes the casts of number literals at once: `CAST(1 AS int4)` is how an integer literal
/// says its type.
pub(crate) fn fold(expr: Expr) -> Expr {
    match expr {
        Expr::Cast(Cast { expr: inner, field }) => match inner.as_ref() {
            Expr::Literal(ScalarValue::Int64(Some(_)), None) => {
                let Expr::Literal(value, _) = inner.as_ref() else { return *inner };
                match value.cast_to(field.data_type()) {
                    Ok(folded) if field.data_type().is_integer() => Expr::Literal(folded, None),
                    Ok(_) | Err(_) => Expr::Cast(Cast { expr: inner, field }),
                }
            }
            _ => Expr::Cast(Cast { expr: inner, field }),
        },
        other => other,
    }
}
