//! A type as a statement names it.

use crate::types::PgType;

use super::Name;

/// The name of a type: one that every database has, or one that the catalog must tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeName {
    /// A type of every database, with its modifier.
    Known(PgType),
    /// What a user may have defined.
    User(UserTypeName),
}

/// The name of a type that only the catalog knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserTypeName {
    /// Its name.
    pub name: Name,
    /// Whether its array is meant.
    pub array: bool,
    /// Where it stands in the statement: characters, from one.
    pub position: usize,
}

impl From<PgType> for TypeName {
    fn from(ty: PgType) -> Self {
        Self::Known(ty)
    }
}
