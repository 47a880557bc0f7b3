//! Domains: types with conditions. To everything but where values come in, a domain is the type
//! beneath it.

use super::PgType;
use crate::base::{Oid, SqlError, SqlState};

/// A domain, those beneath it taken together with it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DomainType {
    /// Its oid.
    pub oid: Oid,
    /// The schema it is in.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The type that values have.
    pub base: PgType,
    /// Whether NULL is refused.
    pub not_null: bool,
    /// DEFAULT, as SQL.
    pub default: Option<String>,
    /// What values must fulfil, in the order in which it is looked at.
    pub checks: Vec<DomainCheck>,
}

/// A condition of a domain.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DomainCheck {
    /// Its name.
    pub name: String,
    /// The condition on `VALUE`, as SQL.
    pub expression: String,
}

/// A type that a user defined, as names mean it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NamedType {
    /// A type of its own.
    Type(PgType),
    /// A domain.
    Domain(std::sync::Arc<DomainType>),
}

impl DomainType {
    /// The error for a value that does not fulfil a condition.
    pub fn violated(&self, check: &DomainCheck) -> SqlError {
        let (domain, name) = (&self.name, &check.name);
        let message = format!("value for domain {domain} violates check constraint \"{name}\"");
        SqlError::new(SqlState::CHECK_VIOLATION, message).with_constraint(name)
    }

    /// The error for a NULL that it refuses.
    pub fn refuses_null(&self) -> SqlError {
        let message = format!("domain {} does not allow null values", self.name);
        SqlError::new(SqlState::NOT_NULL_VIOLATION, message)
    }
}
