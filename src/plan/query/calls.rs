//! Calls of functions: which function a call means, what its arguments become, and which parts of it
//! depend on the session's time zone.

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::{AggregateFunction, ScalarFunction};
use datafusion::logical_expr::{Expr, ExprSchemable, ScalarUDF};

use super::cast_call::as_cast;
use super::enums::refuse_times;
use super::errors::external;
use super::function_choice::{Choice, ambiguous, choose, missing};
use super::literal::fold;
use super::resolve::Resolver;
use super::subscripts;
use super::user_function;
use crate::catalog::system::Kind;
use crate::exec::functions::typed_as;
use crate::types::PgType;

/// Aggregates whose arguments are not those that are written in their parentheses.
const ORDERED_SETS: &[&str] = &["mode", "percentile_cont", "percentile_disc"];

/// Functions of sequences.
const SEQUENCES: &[&str] = &["nextval", "currval", "setval"];

impl Resolver<'_> {
    /// A call of a scalar function.
    pub(super) fn call(&self, function: ScalarFunction, schema: &DFSchema) -> Result<Expr> {
        if let Some(parameter) = crate::exec::functions::as_parameter(&function) {
            return Ok(parameter);
        }
        if let Some(user) = user_function::of(&function.func) {
            return self.user_call(user, function.args, schema);
        }
        let function = match as_cast(function) {
            Ok((cast, in_domain)) => {
                let cast = self.cast(cast, schema)?;
                return Ok(match in_domain {
                    Some(function) => function.call(vec![cast]),
                    None => cast,
                });
            }
            Err(function) => function,
        };
        let (name, mut given) = (function.func.name().to_owned(), function.args);
        if name == "array_element" {
            subscripts::from_zero(&mut given, self.literals, schema);
        }
        let mut arguments = self.arguments(&function.func, given, schema)?;
        let moved = self.local_parts(&name, &mut arguments, schema);
        if matches!(name.as_str(), "coalesce" | "greatest" | "least" | "make_array")
            && let Some(ty) = self.forgotten(&arguments.iter().collect::<Vec<_>>(), schema)
        {
            let ty = if name == "make_array" { ty.array() } else { ty };
            return Ok(typed_as(&ty).call(vec![function.func.call(arguments)]));
        }
        let rounded = crate::exec::functions::rounded_to(&function.func, &arguments);
        let call = rounded.unwrap_or(function.func).call(arguments);
        Ok(match self.functions.scalar("redkite_instant").filter(|_| moved) {
            Some(instant) if name == "date_trunc" => {
                let zone = self.literals.text.time_zone.name();
                let zone = Expr::Literal(ScalarValue::from(zone), None);
                instant.call(vec![zone, call])
            }
            _ => call,
        })
    }

    /// Refuses an aggregate of what PostgreSQL has none of.
    pub(super) fn check_aggregate(
        &self,
        aggregate: &AggregateFunction,
        schema: &DFSchema,
    ) -> Result<()> {
        let name = aggregate.func.name();
        if ORDERED_SETS.contains(&name) {
            return Ok(());
        }
        let arguments = &aggregate.params.args;
        let Some(types) = self.types(arguments, schema) else { return Ok(()) };
        match choose(name, Kind::Aggregate, &types) {
            Choice::Missing => Err(external(missing(name, &types))),
            Choice::Ambiguous if !has_parameters(arguments) => {
                Err(external(ambiguous(name, &types)))
            }
            Choice::Ambiguous | Choice::Open | Choice::Types(_) => Ok(()),
        }
    }

    /// The types of arguments, none for those that are `unknown`; nothing where columns are missing.
    fn types(&self, arguments: &[Expr], schema: &DFSchema) -> Option<Vec<Option<PgType>>> {
        let operands = arguments.iter().map(|argument| self.literals.operand(argument, schema));
        operands.map(|operand| operand.map(|operand| operand.ty().cloned())).collect()
    }

    /// Parts of an instant are those of the session's local time.
    fn local_parts(&self, name: &str, arguments: &mut [Expr], schema: &DFSchema) -> bool {
        let zone = self.literals.text.time_zone.name();
        if zone == "UTC" {
            return false;
        }
        let place = match name {
            "date_trunc" | "date_part" | "redkite_part_0" | "redkite_part_3" | "redkite_part_6" => {
                1
            }
            "to_char" => 0,
            "age" => {
                (0..arguments.len()).for_each(|at| {
                    self.local(at, arguments, schema);
                });
                return false;
            }
            _ => return false,
        };
        let epoch = matches!(
            arguments.first(),
            Some(Expr::Literal(field, _))
                if field.try_as_str().flatten().is_some_and(|f| f.eq_ignore_ascii_case("epoch"))
        );
        // A call that names its zone is not the session's affair.
        if epoch || arguments.len() > 2 {
            return false;
        }
        if name == "date_trunc" && self.ty(arguments.get(1), schema) == Some(PgType::Date) {
            let midnight = PgType::Timestamp.arrow();
            arguments[1] = datafusion::logical_expr::cast(arguments[1].clone(), midnight);
            return true;
        }
        self.local(place, arguments, schema)
    }

    fn ty(&self, argument: Option<&Expr>, schema: &DFSchema) -> Option<PgType> {
        self.literals.operand(argument?, schema)?.ty().cloned()
    }

    /// Makes an argument that is an instant the session's local time; whether it is one.
    fn local(&self, place: usize, arguments: &mut [Expr], schema: &DFSchema) -> bool {
        if self.ty(arguments.get(place), schema) != Some(PgType::Timestamptz) {
            return false;
        }
        let Some(local) = self.functions.scalar("redkite_local") else { return false };
        let zone = Expr::Literal(ScalarValue::from(self.literals.text.time_zone.name()), None);
        arguments[place] = local.call(vec![zone, arguments[place].clone()]);
        true
    }

    /// A function's arguments: parameters take the type that its signature asks for.
    fn arguments(
        &self,
        function: &Arc<ScalarUDF>,
        arguments: Vec<Expr>,
        schema: &DFSchema,
    ) -> Result<Vec<Expr>> {
        let arguments: Vec<Expr> =
            arguments.into_iter().map(|argument| self.literals.known(fold(argument))).collect();
        let open = |expr: &Expr| matches!(expr, Expr::Placeholder(p) if p.field.is_none());
        refuse_times(function.name(), &arguments, schema).map_err(external)?;
        if matches!(function.name(), "coalesce" | "nullif" | "greatest" | "least" | "make_array") {
            let what = match function.name() {
                "make_array" => "ARRAY".to_owned(),
                name => name.to_uppercase(),
            };
            return self.unite(&what, arguments, schema);
        }
        let arguments = match self.is_named(function) {
            true => self.chosen(function.name(), arguments, schema)?,
            false => arguments,
        };
        if !arguments.iter().any(open) {
            return Ok(arguments);
        }
        let fields = arguments
            .iter()
            .map(|argument| argument.to_field(schema).map(|(_, field)| field))
            .collect::<Result<Vec<_>>>()?;
        let wanted = datafusion::logical_expr::type_coercion::functions::fields_with_udf(
            &fields,
            function.as_ref(),
        );
        arguments
            .into_iter()
            .enumerate()
            .map(|(position, argument)| {
                if !open(&argument) {
                    return Ok(argument);
                }
                let ty = wanted.as_ref().ok().and_then(|fields| fields.get(position));
                let ty =
                    ty.map(|field| PgType::of_field(field)).filter(|ty| *ty != PgType::Unknown);
                self.literals.give(argument, &ty.unwrap_or(PgType::Text)).map_err(external)
            })
            .collect()
    }

    /// Whether a function is the one of its name: casts are functions with the names of types.
    fn is_named(&self, function: &Arc<ScalarUDF>) -> bool {
        match self.functions.scalar(function.name()) {
            Some(known) => Arc::ptr_eq(&known, function),
            None => self.relations.function(function.name()).is_some(),
        }
    }

    /// The arguments with the types that the function asks for which the call means.
    fn chosen(&self, name: &str, arguments: Vec<Expr>, schema: &DFSchema) -> Result<Vec<Expr>> {
        let Some(given) = self.types(&arguments, schema) else { return Ok(arguments) };
        match choose(name, Kind::Plain, &given) {
            Choice::Missing => Err(external(missing(name, &given))),
            Choice::Ambiguous if !has_parameters(&arguments) => {
                Err(external(ambiguous(name, &given)))
            }
            Choice::Ambiguous | Choice::Open => Ok(arguments),
            Choice::Types(types) => {
                let give = |(argument, ty): (Expr, Option<PgType>)| match (ty, &argument) {
                    // Sequences are looked up when they are used.
                    (Some(ty), _) if ty.is_object() && SEQUENCES.contains(&name) => Ok(argument),
                    (Some(ty), Expr::Literal(ScalarValue::Utf8(Some(text)), None))
                        if ty.is_object() =>
                    {
                        self.text_literal(text, &ty)
                    }
                    (Some(ty), _) if ty.is_object() => Ok(argument),
                    (Some(ty), _) => self.literals.give(argument, &ty).map_err(external),
                    (None, _) => Ok(argument),
                };
                arguments.into_iter().zip(types).map(give).collect()
            }
        }
    }
}

/// Whether an argument is a parameter whose type nothing has told so far.
fn has_parameters(arguments: &[Expr]) -> bool {
    arguments.iter().any(|argument| matches!(argument, Expr::Placeholder(_)))
}

/// PostgreSQL finds what is distinct by sorting, which arrays of it show.
pub(super) fn sorted_if_distinct(mut aggregate: AggregateFunction) -> Transformed<Expr> {
    let params = &mut aggregate.params;
    let [argument] = params.args.as_slice() else {
        return Transformed::no(Expr::AggregateFunction(aggregate));
    };
    if aggregate.func.name() != "array_agg" || !params.distinct || !params.order_by.is_empty() {
        return Transformed::no(Expr::AggregateFunction(aggregate));
    }
    params.order_by = vec![argument.clone().sort(true, false)];
    Transformed::yes(Expr::AggregateFunction(aggregate))
}
