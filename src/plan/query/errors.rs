//! DataFusion's errors in PostgreSQL's words, with its SQLSTATEs.
//!
//! Errors of ours travel through DataFusion as `External` and come out as they went in. Of
//! DataFusion's own, what a user can cause by a statement is recognised; the rest is XX000.

use datafusion::arrow::error::ArrowError;
use datafusion::common::{Column, DataFusionError, SchemaError, Span};

use super::names::visible;
use crate::base::{SqlError, SqlState};
use crate::types::PgType;

/// Wraps an error of ours, so that it survives the way through DataFusion.
pub(crate) fn external(error: SqlError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// The error that the client sees.
pub fn sql_error(error: DataFusionError) -> SqlError {
    let error = translated(error);
    match error.code() == SqlState::INTERNAL_ERROR {
        true => mathematics(&error.to_string()).unwrap_or(error),
        false => error,
    }
}

fn translated(error: DataFusionError) -> SqlError {
    match error {
        DataFusionError::Context(_, inner) => sql_error(*inner),
        DataFusionError::Diagnostic(diagnostic, inner) => {
            let error = sql_error(*inner);
            let column = matches!(
                error.code(),
                SqlState::UNDEFINED_COLUMN | SqlState::AMBIGUOUS_COLUMN | SqlState::UNDEFINED_TABLE
            );
            match error.fields().position {
                None if column => placed(error, diagnostic.span.as_ref()),
                _ => error,
            }
        }
        DataFusionError::Shared(inner) => shared(&inner),
        DataFusionError::Collection(mut errors) if !errors.is_empty() => {
            sql_error(errors.swap_remove(0))
        }
        DataFusionError::External(inner) => match inner.downcast::<SqlError>() {
            Ok(ours) => *ours,
            Err(inner) => match inner.downcast::<DataFusionError>() {
                Ok(nested) => sql_error(*nested),
                Err(inner) => match inner.downcast::<ArrowError>() {
                    Ok(arrow) => arrow_error(*arrow),
                    Err(other) => SqlError::internal(other.to_string()),
                },
            },
        },
        DataFusionError::ArrowError(inner, _) => arrow_error(*inner),
        DataFusionError::SchemaError(inner, _) => schema_error(&inner),
        DataFusionError::NotImplemented(message) => not_implemented(&message),
        DataFusionError::Plan(message) => plan_error(&message),
        DataFusionError::Execution(message) => execution_error(&message),
        DataFusionError::ResourcesExhausted(message) => {
            SqlError::new(SqlState::OUT_OF_MEMORY, "out of memory").with_detail(message)
        }
        DataFusionError::SQL(inner, _) => SqlError::new(SqlState::SYNTAX_ERROR, inner.to_string()),
        DataFusionError::IoError(inner) => SqlError::new(SqlState::IO_ERROR, inner.to_string()),
        other => {
            let message = other.strip_backtrace();
            mathematics(&message).unwrap_or_else(|| SqlError::internal(message))
        }
    }
}

/// An error that several consumers share cannot be moved out: what it says is copied.
fn shared(error: &DataFusionError) -> SqlError {
    match error.find_root() {
        DataFusionError::External(inner) => match inner.downcast_ref::<SqlError>() {
            Some(ours) => ours.clone(),
            None => SqlError::internal(inner.to_string()),
        },
        DataFusionError::Execution(message) => execution_error(message),
        DataFusionError::Plan(message) => plan_error(message),
        DataFusionError::ResourcesExhausted(message) => {
            SqlError::new(SqlState::OUT_OF_MEMORY, "out of memory").with_detail(message.clone())
        }
        DataFusionError::ArrowError(inner, _) => match inner.as_ref() {
            ArrowError::DivideByZero => division_by_zero(),
            other => arrow_message(&other.to_string()),
        },
        other => SqlError::internal(other.strip_backtrace()),
    }
}

fn division_by_zero() -> SqlError {
    SqlError::new(SqlState::DIVISION_BY_ZERO, "division by zero")
}

fn arrow_error(error: ArrowError) -> SqlError {
    match error {
        ArrowError::DivideByZero => division_by_zero(),
        ArrowError::ExternalError(inner) => match inner.downcast::<SqlError>() {
            Ok(ours) => *ours,
            Err(inner) => match inner.downcast::<DataFusionError>() {
                Ok(nested) => sql_error(*nested),
                Err(other) => SqlError::internal(other.to_string()),
            },
        },
        ArrowError::ArithmeticOverflow(_) => {
            SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value out of range")
        }
        other => arrow_message(&other.to_string()),
    }
}

/// What mathematical functions refuse, in whatever words it comes.
fn mathematics(message: &str) -> Option<SqlError> {
    const REFUSALS: &[(&str, SqlState, &str)] = &[
        (
            "square root of a negative number",
            SqlState::INVALID_ARGUMENT_FOR_POWER_FUNCTION,
            "cannot take square root of a negative number",
        ),
        (
            "zero raised to a negative power",
            SqlState::INVALID_ARGUMENT_FOR_POWER_FUNCTION,
            "zero raised to a negative power is undefined",
        ),
        ("Int16Array overflow", SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "smallint out of range"),
        ("Int32Array overflow", SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range"),
        ("Int64Array overflow", SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range"),
        (
            "field position must not be zero",
            SqlState::INVALID_PARAMETER_VALUE,
            "field position must not be zero",
        ),
        ("Step cannot be zero", SqlState::INVALID_PARAMETER_VALUE, "step size cannot equal zero"),
        (
            "negative count not allowed",
            SqlState::SUBSTRING_ERROR,
            "negative substring length not allowed",
        ),
        (
            "Scalar subquery returned more than one row",
            SqlState::CARDINALITY_VIOLATION,
            "more than one row returned by a subquery used as an expression",
        ),
    ];
    let (_, state, text) = REFUSALS.iter().find(|(known, ..)| message.contains(known))?;
    Some(SqlError::new(*state, *text))
}

fn arrow_message(message: &str) -> SqlError {
    if let Some(error) = mathematics(message) {
        return error;
    }
    if message.contains("Divide by zero") {
        return division_by_zero();
    }
    if message.contains("verflow") || message.contains("Can't cast value") {
        return SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value out of range")
            .with_detail(message);
    }
    if message.contains("Cast error") || message.contains("Parser error") {
        return SqlError::new(SqlState::INVALID_TEXT_REPRESENTATION, message);
    }
    SqlError::internal(message)
}

/// `"t"."c"` as PostgreSQL writes it in messages.
fn column_name(column: &Column) -> String {
    match &column.relation {
        Some(relation) => format!("{}.{}", relation.table(), visible(&column.name)),
        None => format!("\"{}\"", visible(&column.name)),
    }
}

fn schema_error(error: &SchemaError) -> SqlError {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let of = |column: &Column| column.relation.as_ref().map(|r| r.table().to_owned());
            match of(field) {
                Some(table) if !valid_fields.iter().any(|f| of(f).as_ref() == Some(&table)) => {
                    let message = format!("missing FROM-clause entry for table \"{table}\"");
                    SqlError::new(SqlState::UNDEFINED_TABLE, message)
                }
                _ => undefined_column(field),
            }
        }
        SchemaError::AmbiguousReference { field } => {
            let message = format!("column reference \"{}\" is ambiguous", visible(&field.name));
            SqlError::new(SqlState::AMBIGUOUS_COLUMN, message)
        }
        SchemaError::DuplicateQualifiedField { qualifier, .. } => {
            duplicate_alias(qualifier.table())
        }
        SchemaError::DuplicateUnqualifiedField { name } => {
            let message = format!("column reference \"{}\" is ambiguous", visible(name));
            SqlError::new(SqlState::AMBIGUOUS_COLUMN, message)
        }
    }
}

/// An error with its place, where that is known.
fn placed(error: SqlError, span: Option<&Span>) -> SqlError {
    match span {
        // PARSE's spans: the column of a location is the character within the statement.
        Some(span) if span.start.column > 0 => {
            error.with_position(usize::try_from(span.start.column).unwrap_or_default())
        }
        _ => error,
    }
}

fn undefined_column(column: &Column) -> SqlError {
    let message = format!("column {} does not exist", column_name(column));
    placed(SqlError::new(SqlState::UNDEFINED_COLUMN, message), column.spans.first().as_ref())
}

fn duplicate_alias(name: &str) -> SqlError {
    let message = format!("table name \"{name}\" specified more than once");
    SqlError::new(SqlState::DUPLICATE_ALIAS, message)
}

fn not_implemented(message: &str) -> SqlError {
    let first = message.lines().next().unwrap_or(message);
    SqlError::unsupported(format!("not supported: {first}"))
}

fn quoted(message: &str, mark: char) -> Option<&str> {
    let (_, rest) = message.split_once(mark)?;
    rest.split_once(mark).map(|(inside, _)| inside)
}

fn plan_error(message: &str) -> SqlError {
    let first = message.lines().next().unwrap_or(message);
    let lower = first.to_lowercase();
    if let Some(error) = mathematics(first) {
        return error;
    }
    if let Some(error) = refused_clause(first) {
        return error;
    }
    if lower.contains("invalid function") {
        let name = quoted(first, '\'').unwrap_or("?");
        return undefined_function(&format!("{name}()"));
    }
    if lower.contains("no function matches") || lower.contains("failed to coerce arguments") {
        let call = quoted(first, '\'').unwrap_or(first);
        return undefined_function(&call.replace("()", ""));
    }
    if lower.contains("must be in the group by")
        || lower.contains("must appear in the group by")
        || lower.contains("could not be resolved from available columns")
    {
        let column = quoted(first, '"').unwrap_or("?").replace('"', "");
        let message = format!(
            "column \"{column}\" must appear in the GROUP BY clause or be used in an aggregate function"
        );
        return SqlError::new(SqlState::GROUPING_ERROR, message);
    }
    if lower.contains("cannot coerce")
        || lower.contains("cannot infer common argument type")
        || lower.contains("unsupported cast")
        || lower.contains("cannot be cast")
    {
        return SqlError::new(SqlState::DATATYPE_MISMATCH, first);
    }
    if lower.contains("duplicate") || lower.contains("unique expression names") {
        return SqlError::new(SqlState::DUPLICATE_ALIAS, first);
    }
    if lower.contains("aggregate function") && lower.contains("where") {
        let message = "aggregate functions are not allowed in WHERE";
        return SqlError::new(SqlState::GROUPING_ERROR, message);
    }
    if lower.contains("same number of columns") || lower.contains("must have the same") {
        let message = "each UNION query must have the same number of columns";
        return SqlError::new(SqlState::SYNTAX_ERROR, message);
    }
    if lower.contains("scalar subquery") && lower.contains("one column")
        || lower.contains("too many columns")
    {
        return SqlError::new(SqlState::SYNTAX_ERROR, "subquery must return only one column");
    }
    if lower.contains("limit") && lower.contains("must be") || lower.contains("negative") {
        return SqlError::new(SqlState::INVALID_ROW_COUNT_IN_LIMIT_CLAUSE, first);
    }
    SqlError::new(SqlState::SYNTAX_ERROR, first)
}

/// Clauses that DataFusion refuses as PostgreSQL does.
fn refused_clause(message: &str) -> Option<SqlError> {
    let has = |text: &str| message.contains(text);
    let error = |state, message: String| Some(SqlError::new(state, message));
    if let Some((_, rest)) = message.split_once("Order by column out of bounds, specified: ") {
        let position = rest.split(',').next().unwrap_or_default();
        let message = format!("ORDER BY position {position} is not in select list");
        return error(SqlState::INVALID_COLUMN_REFERENCE, message);
    }
    if has("For SELECT DISTINCT, ORDER BY") {
        let message = "for SELECT DISTINCT, ORDER BY expressions must appear in select list";
        return error(SqlState::INVALID_COLUMN_REFERENCE, message.into());
    }
    if has("SELECT DISTINCT ON expressions must match") {
        let message = "SELECT DISTINCT ON expressions must match initial ORDER BY expressions";
        return error(SqlState::INVALID_COLUMN_REFERENCE, message.into());
    }
    if has("Aggregate function calls cannot be nested") {
        let message = "aggregate function calls cannot be nested";
        return error(SqlState::GROUPING_ERROR, message.into());
    }
    if has("to grouping function is not in grouping columns") {
        let message =
            "arguments to GROUPING must be grouping expressions of the associated query level";
        return error(SqlState::GROUPING_ERROR, message.into());
    }
    if has("non-boolean predicate") {
        let message = "argument of WHERE must be type boolean";
        let of = type_after(message, "returning ");
        return error(SqlState::DATATYPE_MISMATCH, format!("{message}{of}"));
    }
    if has("Unary operator 'NOT' requires a boolean") {
        let message = "argument of NOT must be type boolean";
        let of = type_after(message, "expression, got ");
        return error(SqlState::DATATYPE_MISMATCH, format!("{message}{of}"));
    }
    if has("user-defined coercion failed") || has("failed to match any signature") {
        let name = quoted(message, '\'').unwrap_or("?");
        // What refused the types may have said which they are.
        let told = message.split_once(" failed with: ").and_then(|(_, inner)| {
            let (_, call) = inner.split_once("function ")?;
            Some(call.split_once(" does not exist")?.0.to_owned())
        });
        let call = told.or_else(|| written_call(message)).unwrap_or_else(|| format!("{name}()"));
        return Some(undefined_function(&call));
    }
    if let Some((_, rest)) = message.split_once("Percentile value must be between ")
        && let Some((_, value)) = rest.split_once(", ")
    {
        let value = value.split(' ').next().unwrap_or_default();
        let message = format!("percentile value {value} is not between 0 and 1");
        return error(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message);
    }
    if let Some((_, name)) = message.split_once("Invalid qualifier ") {
        let message = format!("missing FROM-clause entry for table \"{name}\"");
        return error(SqlState::UNDEFINED_TABLE, message);
    }
    None
}

/// `, not type integer`, of the Arrow type that a message ends with.
fn type_after(message: &str, words: &str) -> String {
    let ty = message.rsplit_once(words).map_or("", |(_, ty)| ty.trim());
    type_of_arrow(ty).map_or_else(String::new, |ty| format!(", not type {}", ty.sql_name()))
}

/// The type that DataFusion's messages write so.
fn type_of_arrow(name: &str) -> Option<PgType> {
    Some(match name {
        "Boolean" => PgType::Bool,
        "Int16" => PgType::Int2,
        "Int32" => PgType::Int4,
        "Int64" => PgType::Int8,
        "Float32" => PgType::Float4,
        "Float64" => PgType::Float8,
        "Utf8" => PgType::Text,
        "Date32" => PgType::Date,
        decimal if decimal.starts_with("Decimal") => PgType::Numeric(None),
        time if time.starts_with("Timestamp") && time.contains("UTC") => PgType::Timestamptz,
        time if time.starts_with("Timestamp") => PgType::Timestamp,
        _ => return None,
    })
}

/// `sum(text)`, of a message that ends with the call and DataFusion's names of its types.
fn written_call(message: &str) -> Option<String> {
    let (_, call) = message.split_once("argument types '")?;
    let (name, types) = call.split_once("'.")?.0.split_once('(')?;
    let mut names = Vec::new();
    let mut depth = 0;
    let separated = types.strip_suffix(')')?.split(|c| {
        depth += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        c == ',' && depth == 0
    });
    for ty in separated {
        names.push(type_of_arrow(ty.trim())?.sql_name());
    }
    Some(format!("{name}({})", names.join(", ")))
}

fn undefined_function(call: &str) -> SqlError {
    let message = format!("function {call} does not exist");
    let hint = "No function matches the given name and argument types. \
                You might need to add explicit type casts.";
    SqlError::new(SqlState::UNDEFINED_FUNCTION, message).with_hint(hint)
}

fn execution_error(message: &str) -> SqlError {
    let first = message.lines().next().unwrap_or(message);
    let lower = first.to_lowercase();
    if lower.contains("more than one row") {
        let message = "more than one row returned by a subquery used as an expression";
        return SqlError::new(SqlState::CARDINALITY_VIOLATION, message);
    }
    if lower.contains("divide by zero") || lower.contains("division by zero") {
        return division_by_zero();
    }
    if lower.contains("overflow") {
        return SqlError::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value out of range");
    }
    SqlError::new(SqlState::DATA_EXCEPTION, first)
}
