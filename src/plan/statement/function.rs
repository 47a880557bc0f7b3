//! `CREATE FUNCTION` and its kin, and `DO`.

use super::Expression;
use crate::catalog::{ArgumentMode, Volatility};
use crate::plan::{Name, TypeName};

/// `CREATE FUNCTION`.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateFunction {
    /// Its name.
    pub name: Name,
    /// `OR REPLACE`.
    pub or_replace: bool,
    /// Its arguments, with the columns of `RETURNS TABLE (..)`.
    pub arguments: Vec<FunctionArgument>,
    /// `RETURNS`; none: nothing was written, or `TABLE (..)`.
    pub returns: Option<TypeName>,
    /// `SETOF`, `TABLE (..)`.
    pub set: bool,
    /// `LANGUAGE`.
    pub language: Option<String>,
    /// The body.
    pub body: Option<FunctionBody>,
    /// The other options.
    pub options: FunctionOptions,
}

/// An argument of `CREATE FUNCTION`.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionArgument {
    /// How it is meant.
    pub mode: ArgumentMode,
    /// Its name.
    pub name: Option<String>,
    /// Its type.
    pub ty: TypeName,
    /// `DEFAULT`.
    pub default: Option<Expression>,
}

/// A function's body as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FunctionBody {
    /// A string.
    Text(String),
    /// `RETURN expression`.
    Return(String),
    /// `BEGIN ATOMIC .. END`: the statements.
    Atomic(String),
}

/// A function's options: only those that were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FunctionOptions {
    /// `IMMUTABLE`, `STABLE`, `VOLATILE`.
    pub volatility: Option<Volatility>,
    /// `STRICT`, `CALLED ON NULL INPUT`.
    pub strict: Option<bool>,
    /// `SECURITY DEFINER`, `SECURITY INVOKER`.
    pub security_definer: Option<bool>,
    /// `LEAKPROOF`.
    pub leakproof: Option<bool>,
    /// `PARALLEL`: its letter.
    pub parallel: Option<char>,
    /// `COST`.
    pub cost: Option<String>,
    /// `ROWS`.
    pub rows: Option<String>,
    /// `SET search_path`: the schemas; inner none: no longer.
    pub search_path: Option<Option<Vec<String>>>,
}

/// A function as `DROP` and its kin name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionName {
    /// Its name.
    pub name: Name,
    /// The types of the arguments that a call gives; none: there is one of the name only.
    pub arguments: Option<Vec<TypeName>>,
}

/// `DROP FUNCTION`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropFunction {
    /// Which.
    pub functions: Vec<FunctionName>,
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// `CASCADE`.
    pub cascade: bool,
}

/// `ALTER FUNCTION`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterFunction {
    /// Which.
    pub function: FunctionName,
    /// What changes.
    pub action: FunctionAction,
}

/// What `ALTER FUNCTION` changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FunctionAction {
    /// `RENAME TO`.
    RenameTo(String),
    /// `OWNER TO`.
    OwnerTo(String),
    /// `SET SCHEMA`.
    SetSchema(String),
    /// Options.
    Options(Box<FunctionOptions>),
}

/// `DO`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Do {
    /// `LANGUAGE`; none: `plpgsql`.
    pub language: Option<String>,
    /// The block.
    pub code: String,
}
