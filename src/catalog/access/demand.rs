//! What a statement asks of the objects that it names.

use std::collections::BTreeSet;

use super::check::Object;
use super::privileges::Privileges;
use crate::base::{ColumnId, Oid};

/// The columns on which a privilege is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Columns {
    /// On the object as a whole.
    Whole,
    /// On the object or on any column: `SELECT count(*)`.
    Any,
    /// On each of these, or on the object.
    These(BTreeSet<ColumnId>),
}

/// A privilege that a statement needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// On what.
    pub object: Object,
    /// Which: one.
    pub privilege: Privileges,
    /// On which of its columns.
    pub columns: Columns,
    /// The role that must have it; none: who runs the statement. What a view reads, its owner
    /// reads.
    pub role: Option<Oid>,
}

impl Demand {
    /// On a relation as a whole.
    pub fn whole(relation: Oid, privilege: Privileges) -> Self {
        let object = Object::Relation(relation);
        Self { object, privilege, columns: Columns::Whole, role: None }
    }

    /// On a relation's columns: on any where there are none.
    pub fn columns(relation: Oid, privilege: Privileges, columns: BTreeSet<ColumnId>) -> Self {
        let columns = if columns.is_empty() { Columns::Any } else { Columns::These(columns) };
        Self { object: Object::Relation(relation), privilege, columns, role: None }
    }

    /// To call a function.
    pub fn execute(function: Oid) -> Self {
        let (object, privilege) = (Object::Function(function), Privileges::EXECUTE);
        Self { object, privilege, columns: Columns::Whole, role: None }
    }

    /// To look into a schema.
    pub fn usage(schema: Oid) -> Self {
        let (object, privilege) = (Object::Schema(schema), Privileges::USAGE);
        Self { object, privilege, columns: Columns::Whole, role: None }
    }
}
