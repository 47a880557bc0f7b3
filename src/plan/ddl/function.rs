//! CREATE FUNCTION, ALTER FUNCTION, COMMENT ON FUNCTION, and how a statement's name of a function
//! is looked up.

use std::sync::Arc;

use crate::base::{Oid, Result, SqlError, SqlState};
use crate::catalog::access::Grantable;
use crate::catalog::{
    ArgumentDef, ArgumentMode, BodyForm, Commented, Comments, FunctionDef, Relation, ReturnsDef,
    TypeDef, Volatility,
};
use crate::plan::statement::{
    AlterFunction, CreateFunction, FunctionAction, FunctionArgument, FunctionBody, FunctionName,
    FunctionOptions,
};
use crate::plan::{Name, TypeName, parse_query};
use crate::types::PgType;

use super::draft::Draft;
use super::function_uses;
use super::type_text;

/// Types that stand for any other.
const POLYMORPHIC: &[&str] = &[
    "any",
    "anyarray",
    "anycompatible",
    "anycompatiblearray",
    "anycompatiblenonarray",
    "anyelement",
    "anyenum",
    "anynonarray",
];

/// 42P13.
pub(super) fn invalid(message: impl Into<String>) -> SqlError {
    SqlError::new(SqlState::INVALID_FUNCTION_DEFINITION, message)
}

impl Draft<'_> {
    /// The function that a statement names; none where there is none.
    ///
    /// # Errors
    /// 42725 where there are several, and types that there are not.
    pub(super) fn function(&self, named: &FunctionName) -> Result<Option<Arc<FunctionDef>>> {
        let Name { schema, name } = &named.name;
        let path = self.context.search_path;
        let mut found = self.snapshot.functions_named(schema.as_deref(), name, path);
        found.retain(|function| !self.is_dropped(function.oid));
        let Some(types) = &named.arguments else {
            if found.len() > 1 {
                let message = format!("function name \"{}\" is not unique", named.name);
                return Err(SqlError::new(SqlState::AMBIGUOUS_FUNCTION, message)
                    .with_hint("Specify the argument list to select the function unambiguously."));
            }
            return Ok(found.pop());
        };
        let types = types.iter().map(|ty| Ok(self.type_def(ty)?.oid));
        let types: Vec<Oid> = types.collect::<Result<_>>()?;
        Ok(found.into_iter().find(|function| function.input_types() == types))
    }

    /// The function that a statement names, or 42883.
    pub(super) fn require_function(&self, named: &FunctionName) -> Result<Arc<FunctionDef>> {
        if let Some(schema) = &named.name.schema {
            self.snapshot.require_schema(schema)?;
        }
        self.function(named)?.ok_or_else(|| {
            let message = match &named.arguments {
                Some(_) => format!("function {} does not exist", self.function_shown(named)),
                None => format!("could not find a function named \"{}\"", named.name),
            };
            SqlError::new(SqlState::UNDEFINED_FUNCTION, message)
        })
    }

    /// A function's name with the types of its arguments, as messages show it.
    pub(super) fn function_shown(&self, named: &FunctionName) -> String {
        let types = named.arguments.iter().flatten().map(|ty| match ty {
            TypeName::Known(ty) => ty.sql_name(),
            TypeName::User(user) => user.name.to_string(),
        });
        format!("{}({})", named.name, types.collect::<Vec<_>>().join(","))
    }

    /// Writes a function's definition.
    pub(super) fn put_function(&mut self, function: &FunctionDef) -> Result<()> {
        self.edit.put(self.context.keys.function(function.oid), function)
    }
}

/// CREATE FUNCTION.
pub(super) fn create(draft: &mut Draft<'_>, statement: &CreateFunction) -> Result<()> {
    check_language(statement)?;
    let schema = draft.creation_schema(&statement.name)?;
    let name = &statement.name.name;
    let mut arguments = Vec::with_capacity(statement.arguments.len());
    for argument in &statement.arguments {
        check_argument(argument, &arguments)?;
        arguments.push(defined(draft, argument)?);
    }
    let returns = returned(draft, statement, &arguments)?;
    let (body, form) = body_of(statement)?;
    let options = &statement.options;
    let types = |arguments: &[ArgumentDef]| -> Vec<Oid> {
        let inputs = arguments.iter().filter(|argument| argument.mode.is_input());
        inputs.map(|argument| argument.ty.oid).collect()
    };
    let same = draft.snapshot.functions.values().find(|known| {
        known.schema == schema && known.name == *name && known.input_types() == types(&arguments)
    });
    let before = same.cloned();
    let mut function = FunctionDef {
        oid: Oid(0),
        schema,
        name: name.clone(),
        owner: draft.context.role,
        arguments,
        returns,
        set: statement.set,
        body,
        form,
        search_path: None,
        set_path: None,
        volatility: Volatility::Volatile,
        strict: false,
        security_definer: false,
        leakproof: false,
        parallel: 'u',
        cost: None,
        rows: None,
        comments: Comments::default(),
    };
    if form != BodyForm::Text {
        function.search_path = Some(draft.context.search_path.to_vec());
    }
    apply(&mut function, options)?;
    match &before {
        Some(before) => {
            if !statement.or_replace {
                let message =
                    format!("function \"{name}\" already exists with same argument types");
                return Err(SqlError::new(SqlState::DUPLICATE_FUNCTION, message));
            }
            draft.must_own(before.owner, "function", name)?;
            check_replacement(before, &function)?;
            function.oid = before.oid;
            function.owner = before.owner;
            function.comments = before.comments.clone();
        }
        None => function.oid = draft.edit.oid(),
    }
    if function_uses::calls(draft, function.body.trim().trim_end_matches(';'), &function) {
        let message = format!("function \"{name}\" calls itself, which is not supported");
        return Err(SqlError::unsupported(message)
            .with_hint("A recursive query does what a recursive function would."));
    }
    if let Some(check) = draft.context.check_function {
        check(&function)?;
    }
    if before.is_none() {
        let object = (function.oid, Grantable::Function);
        draft.grant_by_default(object, function.owner, Some(schema));
    }
    draft.put_function(&function)
}

fn check_language(statement: &CreateFunction) -> Result<()> {
    match statement.language.as_deref() {
        Some("sql") => Ok(()),
        Some(language @ ("plpgsql" | "c" | "internal")) => {
            let message = format!("functions in language \"{language}\" are not supported");
            let hint = match language {
                "plpgsql" => "Write it in LANGUAGE sql; DO runs PL/pgSQL at once.",
                _ => "Write it in LANGUAGE sql.",
            };
            Err(SqlError::unsupported(message).with_hint(hint))
        }
        Some(language) => {
            let message = format!("language \"{language}\" does not exist");
            Err(SqlError::new(SqlState::UNDEFINED_OBJECT, message))
        }
        // A body that is no string is in SQL.
        None if matches!(
            statement.body,
            Some(FunctionBody::Return(_) | FunctionBody::Atomic(_))
        ) =>
        {
            Ok(())
        }
        None => Err(invalid("no language specified")),
    }
}

fn check_argument(argument: &FunctionArgument, before: &[ArgumentDef]) -> Result<()> {
    let FunctionArgument { mode, name, default, .. } = argument;
    if let Some(name) = name
        && before.iter().any(|known| {
            // A column of the result may be called like an argument only where it is it.
            known.name.as_ref() == Some(name)
        })
    {
        return Err(invalid(format!("parameter name \"{name}\" used more than once")));
    }
    if default.is_some() && !mode.is_input() {
        return Err(invalid("only input parameters can have default values"));
    }
    let optional = before.iter().any(|known| known.mode.is_input() && known.default.is_some());
    if mode.is_input() && default.is_none() && optional {
        let message = "input parameters after one with a default value must also have defaults";
        return Err(invalid(message));
    }
    Ok(())
}

fn defined(draft: &Draft<'_>, argument: &FunctionArgument) -> Result<ArgumentDef> {
    let ty = plain_type(draft, &argument.ty)?;
    if matches!(ty.pg_type(), PgType::Void | PgType::Record | PgType::Unknown) {
        let name = ty.pg_type().sql_name();
        return Err(invalid(format!("SQL functions cannot accept type {name}")));
    }
    let default = match &argument.default {
        Some(default) => {
            let path = draft.context.search_path;
            let text = type_text::definite(&default.text, draft.snapshot, path);
            let text = text.unwrap_or_else(|| default.text.clone());
            if let Some(query_facts) = draft.context.query_facts {
                let sql = format!("SELECT CAST(({text}) AS {})", shown_type(draft, &ty));
                query_facts(&parse_query(&sql)?)?;
            }
            Some(text)
        }
        None => None,
    };
    Ok(ArgumentDef { mode: argument.mode, name: argument.name.clone(), ty, default })
}

/// A type as SQL reads it.
fn shown_type(draft: &Draft<'_>, ty: &TypeDef) -> String {
    match draft.snapshot.user_type(ty.oid) {
        Some(own) => {
            let schema = crate::plan::quote_identifier(draft.snapshot.schema_name(own.schema));
            format!("{schema}.{}", crate::plan::quote_identifier(&own.name))
        }
        None => ty.pg_type().to_sql(),
    }
}

/// A type of an argument or a result: without a modifier, which means nothing there.
fn plain_type(draft: &Draft<'_>, name: &TypeName) -> Result<TypeDef> {
    if let TypeName::User(user) = name
        && user.name.schema.as_deref().is_none_or(|schema| schema == "pg_catalog")
        && POLYMORPHIC.contains(&user.name.name.as_str())
    {
        let message = format!("functions of the type {} are not supported", user.name.name);
        return Err(SqlError::unsupported(message)
            .with_position(user.position)
            .with_hint("Define a function for each type of its arguments."));
    }
    let ty = draft.type_def(name)?;
    match ty.domain() {
        Some(domain) => {
            let message = format!("functions of the domain {} are not supported", domain.name);
            Err(SqlError::unsupported(message).with_hint("Use the type beneath it."))
        }
        None => Ok(TypeDef::from(&ty.pg_type().bare())),
    }
}

/// What the statement says that the function returns.
fn returned(
    draft: &Draft<'_>,
    statement: &CreateFunction,
    arguments: &[ArgumentDef],
) -> Result<ReturnsDef> {
    let outputs: Vec<&ArgumentDef> =
        arguments.iter().filter(|argument| argument.mode.is_output()).collect();
    let tabular = outputs.iter().any(|argument| argument.mode == ArgumentMode::Table);
    if tabular && outputs.iter().any(|argument| argument.mode != ArgumentMode::Table) {
        return Err(invalid("OUT and INOUT arguments aren't allowed in TABLE functions"));
    }
    let row = match outputs.as_slice() {
        [] => None,
        [one] => Some(ReturnsDef::Value(one.ty.clone())),
        _ => Some(ReturnsDef::Row),
    };
    let Some(name) = &statement.returns else {
        return row.ok_or_else(|| invalid("function result type must be specified"));
    };
    if let TypeName::User(user) = name {
        if user.name.schema.is_none() && matches!(&*user.name.name, "trigger" | "event_trigger") {
            return Err(SqlError::unsupported("triggers are not supported"));
        }
        let path = draft.context.search_path;
        let known = draft.snapshot.type_named(user.name.schema.as_deref(), &user.name.name, path);
        if known.is_none()
            && let Some(relation @ (Relation::Table(oid) | Relation::View(oid))) =
                draft.find(&user.name)
        {
            if user.array || row.is_some() {
                let message = format!("a {} is no type of a value here", relation.kind());
                return Err(SqlError::unsupported(message).with_position(user.position));
            }
            return Ok(ReturnsDef::RowOf(oid));
        }
    }
    let ty = plain_type(draft, name)?;
    match (row, ty.pg_type()) {
        (Some(ReturnsDef::Row), PgType::Record) => Ok(ReturnsDef::Row),
        (Some(ReturnsDef::Row), _) => {
            Err(invalid("function result type must be record because of OUT parameters"))
        }
        (Some(ReturnsDef::Value(value)), _) if value.oid == ty.oid => Ok(ReturnsDef::Value(value)),
        (Some(ReturnsDef::Value(value)), _) => Err(invalid(format!(
            "function result type must be {} because of OUT parameters",
            value.shown()
        ))),
        (_, PgType::Record) => {
            Err(SqlError::unsupported("functions that return record are not supported")
                .with_hint("Name the columns: RETURNS TABLE (..), or OUT parameters."))
        }
        (_, PgType::Void) => Ok(ReturnsDef::Void),
        (_, PgType::Unknown) => Err(invalid("SQL functions cannot return type unknown")),
        _ => Ok(ReturnsDef::Value(ty)),
    }
}

fn body_of(statement: &CreateFunction) -> Result<(String, BodyForm)> {
    match &statement.body {
        Some(FunctionBody::Text(text)) => Ok((text.clone(), BodyForm::Text)),
        Some(FunctionBody::Return(text)) => Ok((text.clone(), BodyForm::Return)),
        Some(FunctionBody::Atomic(text)) => Ok((text.clone(), BodyForm::Atomic)),
        None => Err(invalid("no function body specified")),
    }
}

/// Gives a function the options that were written.
fn apply(function: &mut FunctionDef, options: &FunctionOptions) -> Result<()> {
    function.volatility = options.volatility.unwrap_or(function.volatility);
    function.strict = options.strict.unwrap_or(function.strict);
    function.security_definer = options.security_definer.unwrap_or(function.security_definer);
    function.leakproof = options.leakproof.unwrap_or(function.leakproof);
    function.parallel = options.parallel.unwrap_or(function.parallel);
    if let Some(cost) = &options.cost {
        function.cost = Some(cost.clone());
    }
    if let Some(rows) = &options.rows {
        if !function.set {
            let message = "ROWS is not applicable when function does not return a set";
            return Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        function.rows = Some(rows.clone());
    }
    if let Some(path) = &options.search_path
        && function.form == BodyForm::Text
    {
        let quoted = |path: &Vec<String>| {
            let names = path.iter().map(|name| crate::plan::quote_identifier(name));
            names.collect::<Vec<_>>().join(", ")
        };
        function.set_path = path.as_ref().map(quoted);
        function.search_path = path.clone().map(|path| {
            path.into_iter().filter(|schema| !schema.is_empty() && schema != "pg_catalog").collect()
        });
    }
    Ok(())
}

/// What OR REPLACE may not change.
fn check_replacement(before: &FunctionDef, after: &FunctionDef) -> Result<()> {
    let refused = |message: String| {
        let hint = format!("Use DROP FUNCTION {} first.", before.signature());
        Err(invalid(message).with_hint(hint))
    };
    let returns = |function: &FunctionDef| match &function.returns {
        ReturnsDef::Value(ty) => Some(ty.oid),
        ReturnsDef::RowOf(oid) => Some(*oid),
        ReturnsDef::Void => Some(PgType::Void.oid()),
        ReturnsDef::Row => None,
    };
    if returns(before) != returns(after) || before.set != after.set {
        return refused("cannot change return type of existing function".to_owned());
    }
    let columns = |function: &FunctionDef| -> Vec<(Option<String>, Oid)> {
        function.outputs().map(|column| (column.name.clone(), column.ty.oid)).collect()
    };
    if before.returns == ReturnsDef::Row && columns(before) != columns(after) {
        let message = "cannot change return type of existing function".to_owned();
        return refused(message).map_err(|error| {
            error.with_detail("Row type defined by OUT parameters is different.")
        });
    }
    for (old, new) in before.inputs().zip(after.inputs()) {
        if let Some(name) = &old.name
            && new.name.as_ref() != Some(name)
        {
            return refused(format!("cannot change name of input parameter \"{name}\""));
        }
        if old.default.is_some() && new.default.is_none() {
            return refused("cannot remove parameter defaults from existing function".to_owned());
        }
    }
    Ok(())
}

/// ALTER FUNCTION.
pub(super) fn alter(draft: &mut Draft<'_>, statement: &AlterFunction) -> Result<()> {
    let before = draft.require_function(&statement.function)?;
    draft.must_own(before.owner, "function", &before.name)?;
    let mut after = (*before).clone();
    match &statement.action {
        FunctionAction::RenameTo(to) => to.clone_into(&mut after.name),
        FunctionAction::SetSchema(to) => {
            after.schema = draft.creation_schema(&Name::qualified(to, &*before.name))?;
        }
        FunctionAction::OwnerTo(role) => {
            let owner = draft.role_named(role)?.oid;
            if owner != before.owner {
                draft.must_give(owner, Some(before.schema))?;
            }
            return give(draft, &before, owner);
        }
        FunctionAction::Options(options) => {
            apply(&mut after, options)?;
            return draft.put_function(&after);
        }
    }
    if (after.schema, &after.name) == (before.schema, &before.name) {
        return Ok(());
    }
    if draft.snapshot.functions.values().any(|known| {
        known.schema == after.schema
            && known.name == after.name
            && known.input_types() == after.input_types()
    }) {
        let schema = draft.snapshot.schema_name(after.schema);
        let message =
            format!("function {} already exists in schema \"{schema}\"", after.signature());
        return Err(SqlError::new(SqlState::DUPLICATE_FUNCTION, message));
    }
    function_uses::refuse_change_of_name(draft, &before)?;
    draft.put_function(&after)
}

/// Gives a function to a new owner.
pub(super) fn give(draft: &mut Draft<'_>, function: &FunctionDef, owner: Oid) -> Result<()> {
    draft.change_owner_of_grants(function.oid, function.owner, owner);
    draft.put_function(&FunctionDef { owner, ..function.clone() })
}

/// COMMENT ON FUNCTION.
pub(super) fn comment(
    draft: &mut Draft<'_>,
    name: &FunctionName,
    text: Option<String>,
) -> Result<()> {
    let mut function = (*draft.require_function(name)?).clone();
    draft.must_own(function.owner, "function", &function.name)?;
    function.comments.set(Commented::Itself, text);
    draft.put_function(&function)
}
