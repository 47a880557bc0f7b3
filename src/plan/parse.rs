//! SQL text to [`Statement`](super::Statement)s: pure, and without a look at the catalog.
//!
//! [`parse`] cuts a query string into tokens ([`token`]) and reads each statement by recursive
//! descent over them ([`cursor`]), one file a family of statements. Queries and expressions go
//! to sqlparser ([`bridge`]), because DataFusion plans its trees; everything else is read
//! here, since sqlparser refuses or loses much of it. Errors are PostgreSQL's, word for word,
//! with the position. Nothing here panics, and recursion and size are bounded.

mod alter;
mod balance;
mod bridge;
mod constraint;
mod copy;
mod cursor;
mod data_type;
mod database;
mod dispatch;
mod distinct_from;
mod domain;
mod function;
mod grant;
mod insert;
mod keyword;
mod lift;
mod maintenance;
mod merge;
mod modify;
mod normalize;
mod object;
mod plpgsql;
mod policy;
mod returning;
mod role;
mod sequence;
mod session;
mod setting;
mod table;
mod token;
mod transaction;
mod translate;
mod user_type;
mod value;
mod variables;
mod with_changes;

use sqlparser::ast;

use self::cursor::{Cursor, Source};
use self::token::{Kind, Symbol};
use super::statement::{Expression, Parsed, Query};
use super::{Name, TypeName};
use crate::base::limits::QUERY_STRING_BYTES_MAX;
use crate::base::{Result, SqlError, SqlState};
use crate::types::PgType;

pub(crate) use self::keyword::is_reserved;
pub(crate) use self::lift::number_fits;
pub use self::lift::{Constant, Lifted, lift};
pub use self::normalize::normalize;
pub use self::plpgsql::{condition_state, parse_block};
pub(crate) use self::translate::EXCLUDE;
pub use self::variables::{Bound, bind_variables};

/// The operator that stands for `IS JSON`, whose right operand is the kind.
pub(crate) const IS_JSON: &str = "is json";
/// The same for `IS NOT JSON`.
pub(crate) const IS_NOT_JSON: &str = "is not json";

/// Reads a query string: zero or more statements with semicolons between. Either all of them
/// parse, or the first error is given, as PostgreSQL does.
pub fn parse(sql: &str) -> Result<Vec<Parsed>> {
    statements(&source(sql)?)
}

/// Reads a query string for this database: names in front of which another one stands are refused.
pub fn parse_in(database: &str, sql: &str) -> Result<Vec<Parsed>> {
    statements(&Source { database: Some(database), ..source(sql)? })
}

fn statements(source: &Source<'_>) -> Result<Vec<Parsed>> {
    let mut cursor = Cursor { source, at: 0, depth: 0 };
    let mut statements = Vec::with_capacity(1);
    loop {
        while cursor.accept_symbol(Symbol::Semicolon) {}
        if cursor.peek().kind == Kind::End {
            // The text may end early, in an unterminated string.
            return match &source.tokens.error {
                Some(error) => Err(error.clone()),
                None => Ok(statements),
            };
        }
        let parsed = cursor.parsed()?;
        cursor.expect_end()?;
        statements.push(parsed);
    }
}

/// Reads one expression: what the catalog keeps of `DEFAULT` and `CHECK`.
pub fn parse_expression(sql: &str) -> Result<Expression> {
    whole(sql, |cursor| cursor.expression())
}

/// Reads one query: what the catalog keeps of a view.
pub fn parse_query(sql: &str) -> Result<Query> {
    whole(sql, |cursor| cursor.query())
}

/// Reads the name of a type: `character varying(10)[]`.
pub fn parse_data_type(sql: &str) -> Result<PgType> {
    whole(sql, |cursor| cursor.data_type())
}

/// Reads the name of a type, of which only the catalog may know.
pub fn parse_type_name(sql: &str) -> Result<TypeName> {
    whole(sql, |cursor| cursor.type_name())
}

/// The types that an expression or a query names in its casts, and where.
pub fn types_named(sql: &str) -> Vec<(std::ops::Range<usize>, Name)> {
    let Ok(source) = source(sql) else { return Vec::new() };
    Cursor { source: &source, at: 0, depth: 0 }.types_named()
}

/// The type that a cast in a tree names.
pub fn data_type_of(ty: &ast::DataType) -> Result<PgType> {
    match ty {
        ast::DataType::Int(None) | ast::DataType::Integer(None) => Ok(PgType::Int4),
        ast::DataType::BigInt(None) => Ok(PgType::Int8),
        ast::DataType::Text => Ok(PgType::Text),
        other => parse_data_type(&other.to_string()),
    }
}

fn source(sql: &str) -> Result<Source<'_>> {
    if sql.len() > QUERY_STRING_BYTES_MAX {
        let message = format!("query string is larger than {QUERY_STRING_BYTES_MAX} bytes");
        return Err(SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
    }
    Ok(Source { sql, tokens: token::tokenize(sql), ascii: sql.is_ascii(), database: None })
}

/// Reads a text that is one thing and nothing else.
fn whole<T>(sql: &str, read: impl FnOnce(&mut Cursor<'_>) -> Result<T>) -> Result<T> {
    let source = source(sql)?;
    let mut cursor = Cursor { source: &source, at: 0, depth: 0 };
    let read = read(&mut cursor)?;
    if cursor.peek().kind == Kind::End { Ok(read) } else { Err(cursor.unexpected()) }
}

#[cfg(test)]
mod tests;
