//! Foreign keys, as metadata stores them.

use serde::{Deserialize, Serialize};

use crate::base::{ColumnId, Oid};

/// A foreign key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKeyDef {
    /// Its oid.
    pub oid: Oid,
    /// Its name.
    pub name: String,
    /// The referencing columns.
    pub columns: Vec<ColumnId>,
    /// The referenced table.
    pub table: Oid,
    /// The referenced columns: a key of that table, in the same order as `columns`.
    pub referenced: Vec<ColumnId>,
    /// ON DELETE.
    #[serde(default)]
    pub on_delete: ReferentialActionDef,
    /// ON UPDATE.
    #[serde(default)]
    pub on_update: ReferentialActionDef,
    /// DEFERRABLE.
    #[serde(default)]
    pub deferrable: bool,
    /// INITIALLY DEFERRED.
    #[serde(default)]
    pub initially_deferred: bool,
}

/// What happens with the rows that refer to one that goes or gets another key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReferentialActionDef {
    /// Nothing: the commit checks.
    #[default]
    NoAction,
    /// The statement is refused.
    Restrict,
    /// They go as well, or get the new key.
    Cascade,
    /// These of their columns become NULL.
    SetNull(Vec<ColumnId>),
    /// These of their columns get their default.
    SetDefault(Vec<ColumnId>),
}

impl ReferentialActionDef {
    /// Whether it changes the rows that refer to another.
    pub fn changes_rows(&self) -> bool {
        !matches!(self, Self::NoAction | Self::Restrict)
    }

    /// `pg_constraint.confdeltype`.
    pub fn letter(&self) -> &'static str {
        match self {
            Self::NoAction => "a",
            Self::Restrict => "r",
            Self::Cascade => "c",
            Self::SetNull(_) => "n",
            Self::SetDefault(_) => "d",
        }
    }

    /// As it is written after ON DELETE.
    pub fn words(&self) -> &'static str {
        match self {
            Self::NoAction => "NO ACTION",
            Self::Restrict => "RESTRICT",
            Self::Cascade => "CASCADE",
            Self::SetNull(_) => "SET NULL",
            Self::SetDefault(_) => "SET DEFAULT",
        }
    }

    /// The columns that it sets.
    pub fn columns(&self) -> &[ColumnId] {
        match self {
            Self::SetNull(columns) | Self::SetDefault(columns) => columns,
            _ => &[],
        }
    }
}
