//! Statements about types that users define.

use super::Expression;
use crate::plan::{Name, TypeName};

/// `CREATE TYPE name AS ENUM (labels)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateEnum {
    /// Its name.
    pub name: Name,
    /// Its labels, in their order.
    pub labels: Vec<String>,
}

/// `ALTER TYPE name ADD VALUE | RENAME VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterEnum {
    /// Its name.
    pub name: Name,
    /// What changes.
    pub action: EnumAction,
}

/// What changes of an enum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnumAction {
    /// `ADD VALUE`.
    Add {
        /// The new label.
        label: String,
        /// `IF NOT EXISTS`.
        if_not_exists: bool,
        /// Where; none: at the end.
        place: Option<EnumPlace>,
    },
    /// `RENAME VALUE .. TO ..`.
    Rename {
        /// The label.
        from: String,
        /// Its new name.
        to: String,
    },
}

/// Where a label comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnumPlace {
    /// `BEFORE label`.
    Before(String),
    /// `AFTER label`.
    After(String),
}

/// `CREATE DOMAIN`.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateDomain {
    /// Its name.
    pub name: Name,
    /// The type beneath it.
    pub base: TypeName,
    /// `DEFAULT`.
    pub default: Option<Expression>,
    /// `NOT NULL`.
    pub not_null: bool,
    /// `CHECK`, with the names where they were written.
    pub checks: Vec<(Option<String>, Expression)>,
}

/// `ALTER DOMAIN` of what domains alone have.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterDomain {
    /// Its name.
    pub name: Name,
    /// What changes.
    pub action: DomainAction,
}

/// What changes of a domain.
#[derive(Clone, Debug, PartialEq)]
pub enum DomainAction {
    /// `SET DEFAULT`; none: `DROP DEFAULT`.
    Default(Option<Expression>),
    /// `SET NOT NULL`, `DROP NOT NULL`.
    NotNull(bool),
    /// `ADD CHECK`.
    AddCheck {
        /// Its name, where written.
        name: Option<String>,
        /// The condition.
        condition: Expression,
    },
    /// `DROP CONSTRAINT`.
    DropConstraint {
        /// Its name.
        name: String,
        /// `IF EXISTS`.
        if_exists: bool,
    },
    /// `RENAME CONSTRAINT`.
    RenameConstraint {
        /// Its name.
        from: String,
        /// Its new name.
        to: String,
    },
    /// `VALIDATE CONSTRAINT`: all are.
    ValidateConstraint(String),
}
