//! Functions that users define: `CREATE FUNCTION`.
//!
//! A function has no name of its own in the key layout: several of one name differ by the types of
//! their arguments, and definitions are made one after the other, so that nobody comes between.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::comments::Comments;
use super::definition::TypeDef;
use super::snapshot::Snapshot;
use crate::base::Oid;

/// A function that a user defined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionDef {
    /// Its oid.
    pub oid: Oid,
    /// The schema it is in.
    pub schema: Oid,
    /// Its name.
    pub name: String,
    /// The role that owns it.
    pub owner: Oid,
    /// Its arguments, those that are columns of its result too.
    pub arguments: Vec<ArgumentDef>,
    /// What it returns.
    pub returns: ReturnsDef,
    /// `SETOF`, `TABLE (..)`.
    pub set: bool,
    /// The body, as SQL.
    pub body: String,
    /// How the body was written.
    pub form: BodyForm,
    /// The schemas in which the body's names are looked up; none: those of who calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search_path: Option<Vec<String>>,
    /// `SET search_path`: what was set, where the search path was set so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_path: Option<String>,
    /// What its result depends on.
    pub volatility: Volatility,
    /// `STRICT`: NULL where an argument is NULL.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub strict: bool,
    /// `SECURITY DEFINER`: its body has its owner's rights.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub security_definer: bool,
    /// `LEAKPROOF`: shown, and nothing else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leakproof: bool,
    /// `PARALLEL`, as its letter in `pg_proc`: shown, and nothing else.
    pub parallel: char,
    /// `COST`: shown, and nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<String>,
    /// `ROWS`: shown, and nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<String>,
    /// COMMENT ON FUNCTION.
    #[serde(default, skip_serializing_if = "Comments::is_empty")]
    pub comments: Comments,
}

/// An argument of a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArgumentDef {
    /// How it is meant.
    pub mode: ArgumentMode,
    /// Its name, where it has one.
    pub name: Option<String>,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: TypeDef,
    /// DEFAULT, as SQL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
}

/// How an argument is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ArgumentMode {
    /// `IN`.
    In,
    /// `OUT`.
    Out,
    /// `INOUT`.
    InOut,
    /// A column of `TABLE (..)`.
    Table,
}

/// What a function returns, or what each row of its set is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReturnsDef {
    /// Nothing.
    Void,
    /// A value.
    Value(TypeDef),
    /// A row of several arguments that are for output.
    Row,
    /// A row of a table or view.
    RowOf(Oid),
}

/// How a function's body was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BodyForm {
    /// As a string, which is read at each call.
    Text,
    /// `RETURN expression`.
    Return,
    /// `BEGIN ATOMIC .. END`.
    Atomic,
}

/// What a function's result depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Volatility {
    /// On nothing but its arguments.
    Immutable,
    /// On what tables hold, too.
    Stable,
    /// On anything.
    Volatile,
}

impl ArgumentMode {
    /// Whether a call gives it.
    pub fn is_input(self) -> bool {
        matches!(self, Self::In | Self::InOut)
    }

    /// Whether it is a column of the result.
    pub fn is_output(self) -> bool {
        !matches!(self, Self::In)
    }

    /// Its letter in `pg_proc`.
    pub fn letter(self) -> char {
        match self {
            Self::In => 'i',
            Self::Out => 'o',
            Self::InOut => 'b',
            Self::Table => 't',
        }
    }
}

impl Volatility {
    /// Its letter in `pg_proc`.
    pub fn letter(self) -> char {
        match self {
            Self::Immutable => 'i',
            Self::Stable => 's',
            Self::Volatile => 'v',
        }
    }

    /// Its keyword.
    pub fn word(self) -> &'static str {
        match self {
            Self::Immutable => "IMMUTABLE",
            Self::Stable => "STABLE",
            Self::Volatile => "VOLATILE",
        }
    }
}

impl FunctionDef {
    /// The arguments that a call gives.
    pub fn inputs(&self) -> impl Iterator<Item = &ArgumentDef> {
        self.arguments.iter().filter(|argument| argument.mode.is_input())
    }

    /// The arguments that are columns of the result.
    pub fn outputs(&self) -> impl Iterator<Item = &ArgumentDef> {
        self.arguments.iter().filter(|argument| argument.mode.is_output())
    }

    /// The oids of the types of the arguments that a call gives: with the name they tell functions
    /// apart.
    pub fn input_types(&self) -> Vec<Oid> {
        self.inputs().map(|argument| argument.ty.oid).collect()
    }

    /// Whether a call may give so many arguments.
    pub fn takes(&self, count: usize) -> bool {
        let least = self.inputs().filter(|argument| argument.default.is_none()).count();
        (least..=self.inputs().count()).contains(&count)
    }

    /// Whether a row of it has columns with names, rather than being one value.
    pub fn returns_row(&self) -> bool {
        matches!(self.returns, ReturnsDef::Row | ReturnsDef::RowOf(_))
    }

    /// All types that it names.
    pub fn types(&self) -> impl Iterator<Item = &TypeDef> {
        let returned = match &self.returns {
            ReturnsDef::Value(ty) => Some(ty),
            ReturnsDef::Void | ReturnsDef::Row | ReturnsDef::RowOf(_) => None,
        };
        self.arguments.iter().map(|argument| &argument.ty).chain(returned)
    }

    /// `f(integer, text)`: what messages call it.
    pub fn signature(&self) -> String {
        let types: Vec<String> = self.inputs().map(|argument| argument.ty.shown()).collect();
        format!("{}({})", self.name, types.join(", "))
    }
}

impl TypeDef {
    /// What messages call the type: a domain by its own name.
    pub fn shown(&self) -> String {
        match self.domain() {
            Some(domain) => domain.name.clone(),
            None => self.pg_type().sql_name(),
        }
    }
}

impl Snapshot {
    /// The functions of a name, in the order of their oids: in a schema, or in those of the path,
    /// one after the other. One hides those of the same arguments in later schemas.
    pub fn functions_named(
        &self,
        schema: Option<&str>,
        name: &str,
        path: &[String],
    ) -> Vec<Arc<FunctionDef>> {
        if self.functions.is_empty() {
            return Vec::new();
        }
        let mut found: Vec<Arc<FunctionDef>> = Vec::new();
        let mut add = |schema: &str| {
            let Some(schema) = self.schema(schema) else { return };
            let here = |function: &&Arc<FunctionDef>| {
                function.schema == schema.oid && function.name == name
            };
            let mut own: Vec<_> = self.functions.values().filter(here).cloned().collect();
            own.sort_by_key(|function| function.oid);
            own.retain(|function| {
                let types = function.input_types();
                found.iter().all(|known| known.input_types() != types)
            });
            found.extend(own);
        };
        match schema {
            Some(schema) => add(schema),
            None => path.iter().for_each(|schema| add(schema)),
        }
        found
    }

    /// Puts types into a function's definition.
    pub(super) fn resolve_function(&self, function: &mut FunctionDef) {
        for argument in &mut function.arguments {
            self.resolve(&mut argument.ty);
        }
        if let ReturnsDef::Value(ty) = &mut function.returns {
            self.resolve(ty);
        }
    }
}
