//! Types that users define, and how columns know theirs.
//!
//! A definition keeps a type's oid; what the type is stands in a definition of its own
//! (`catalog/types/<oid>`). The snapshot puts the one into the other ([`TypeDef`]) when it applies
//! either, so that whoever reads a column's type needs no catalog. A column's definition is another
//! one then, and plans that were made with the old are made again.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::base::{Oid, Result, SqlError, SqlState};
use crate::types::{DomainCheck, DomainType, EnumFacts, EnumType, NamedType, PgType, array_name};

use super::snapshot::Snapshot;
use super::{CheckDef, TableDef, TypeDef, ViewDef};

/// A type that a user defined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserTypeDef {
    /// Its oid.
    pub oid: Oid,
    /// The oid of its array.
    pub array: Oid,
    /// The schema it is in.
    pub schema: Oid,
    /// Its name.
    pub name: String,
    /// The role that owns it.
    pub owner: Oid,
    /// COMMENT ON TYPE.
    pub comment: Option<String>,
    /// What it is.
    pub kind: UserTypeKind,
}

/// What a user's type is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UserTypeKind {
    /// An enum of labels, in their order.
    Enum(Vec<EnumLabelDef>),
    /// A domain.
    Domain(DomainDef),
}

/// A domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainDef {
    /// The type beneath it, which may be a domain as well.
    pub base: TypeDef,
    /// NOT NULL.
    pub not_null: bool,
    /// DEFAULT, as SQL.
    pub default: Option<String>,
    /// CHECK constraints on `VALUE`.
    pub checks: Vec<CheckDef>,
}

/// A label of an enum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnumLabelDef {
    /// `pg_enum.oid`.
    pub oid: Oid,
    /// The label.
    pub label: String,
    /// What stands for it in rows: never changes, and orders as the labels do.
    pub place: i64,
}

impl UserTypeDef {
    /// An enum's labels; none for another type.
    pub fn labels(&self) -> &[EnumLabelDef] {
        match &self.kind {
            UserTypeKind::Enum(labels) => labels,
            UserTypeKind::Domain(_) => &[],
        }
    }

    /// What a domain is; none for another type.
    pub fn domain(&self) -> Option<&DomainDef> {
        match &self.kind {
            UserTypeKind::Domain(domain) => Some(domain),
            UserTypeKind::Enum(_) => None,
        }
    }

    /// What PostgreSQL calls it in messages.
    pub fn kind(&self) -> &'static str {
        match &self.kind {
            UserTypeKind::Domain(_) | UserTypeKind::Enum(_) => "type",
        }
    }

    /// `pg_type.typname` of its array.
    pub fn array_name(&self) -> String {
        array_name(&self.name)
    }

    /// The type as values of it know it.
    fn described(&self, snapshot: &Snapshot) -> NamedType {
        let schema = snapshot.schema_name(self.schema).to_owned();
        let name = self.name.clone();
        match &self.kind {
            UserTypeKind::Enum(labels) => {
                let labels = labels.iter().map(|label| (label.label.clone(), label.place));
                let (oid, array, labels) = (self.oid, self.array, labels.collect());
                let facts = EnumFacts { oid, array, schema, name, labels };
                NamedType::Type(PgType::Enum(Arc::new(EnumType::new(facts))))
            }
            UserTypeKind::Domain(domain) => {
                let mut base = domain.base.clone();
                snapshot.resolve(&mut base);
                let mut checks: Vec<DomainCheck> =
                    base.domain().map(|below| below.checks.clone()).unwrap_or_default();
                checks.extend(domain.checks.iter().map(|check| DomainCheck {
                    name: check.name.clone(),
                    expression: check.expression.clone(),
                }));
                let below = base.domain();
                let not_null = below.is_some_and(|below| below.not_null);
                let default = below.and_then(|below| below.default.clone());
                NamedType::Domain(Arc::new(DomainType {
                    oid: self.oid,
                    schema,
                    base: base.pg_type(),
                    not_null: not_null || domain.not_null,
                    default: domain.default.clone().or(default),
                    checks,
                    name,
                }))
            }
        }
    }
}

impl Snapshot {
    /// The definition of a user's type.
    pub fn user_type(&self, oid: Oid) -> Option<&Arc<UserTypeDef>> {
        self.types.get(&oid)
    }

    /// The user's type of this name in one schema.
    pub fn user_type_in(&self, schema: Oid, name: &str) -> Option<&Arc<UserTypeDef>> {
        self.types.values().find(|ty| ty.schema == schema && ty.name == name)
    }

    /// The user's type of this name: in its schema, or in the first schema of the path that has it.
    pub fn user_type_named(
        &self,
        schema: Option<&str>,
        name: &str,
        path: &[String],
    ) -> Option<&Arc<UserTypeDef>> {
        let find = |schema: &str| self.user_type_in(self.schema(schema)?.oid, name);
        match schema {
            Some(schema) => find(schema),
            None => path.iter().find_map(|schema| find(schema)),
        }
    }

    /// The type of this name, which is a user's own, or the array of one (`_name`).
    pub fn type_named(
        &self,
        schema: Option<&str>,
        name: &str,
        path: &[String],
    ) -> Option<NamedType> {
        let named = |name: &str| self.user_type_named(schema, name, path);
        if let Some(found) = named(name) {
            return self.described.get(&found.oid).cloned();
        }
        let element = named(name.strip_prefix('_')?)?;
        self.described.get(&element.array).cloned()
    }

    /// The type of an oid, whoever defined it; a domain's is that beneath it.
    pub fn type_of(&self, oid: Oid) -> Option<PgType> {
        PgType::from_oid(oid).or_else(|| match self.described.get(&oid)? {
            NamedType::Type(ty) => Some(ty.clone()),
            NamedType::Domain(domain) => Some(domain.base.clone()),
        })
    }

    /// The user's type of this name, or 42704.
    pub fn require_user_type(
        &self,
        schema: Option<&str>,
        name: &str,
        path: &[String],
    ) -> Result<&Arc<UserTypeDef>> {
        self.user_type_named(schema, name, path).ok_or_else(|| undefined_type(schema, name))
    }

    /// Describes all types anew.
    pub(super) fn describe_types(&mut self) {
        self.described = imbl::HashMap::new();
        let mut types: Vec<Arc<UserTypeDef>> = self.types.values().cloned().collect();
        // A domain is younger than what is beneath it.
        types.sort_by_key(|ty| ty.oid);
        for ty in types {
            let own = ty.described(self);
            if let NamedType::Type(element) = &own {
                self.described.insert(ty.array, NamedType::Type(element.array()));
            }
            self.described.insert(ty.oid, own);
        }
    }

    /// Puts types into a table's definition.
    pub(super) fn resolve_table(&self, table: &mut TableDef) {
        for column in &mut table.columns {
            self.resolve(&mut column.ty);
        }
    }

    /// Puts types into a view's definition.
    pub(super) fn resolve_view(&self, view: &mut ViewDef) {
        for (_, ty) in &mut view.columns {
            self.resolve(ty);
        }
    }

    pub(super) fn resolve(&self, ty: &mut TypeDef) {
        match self.described.get(&ty.oid) {
            Some(named) => *ty = TypeDef::from(named.clone()),
            None => (ty.described, ty.domain) = (None, None),
        }
    }

    /// Whether one of a relation's types is another one now.
    pub(super) fn is_outdated<'t>(&self, types: impl IntoIterator<Item = &'t TypeDef>) -> bool {
        let mut types = types.into_iter();
        types.any(|ty| {
            let mut now = ty.clone();
            self.resolve(&mut now);
            now != *ty
        })
    }
}

/// 42704.
pub fn undefined_type(schema: Option<&str>, name: &str) -> SqlError {
    let name = match schema {
        Some(schema) => format!("{schema}.{name}"),
        None => name.to_owned(),
    };
    SqlError::new(SqlState::UNDEFINED_OBJECT, format!("type \"{name}\" does not exist"))
}
