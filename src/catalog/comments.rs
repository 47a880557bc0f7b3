//! COMMENT ON: what is kept with a definition of the parts that have no room of their own for it.

use serde::{Deserialize, Serialize};

use super::definition::TableDef;
use crate::base::{ColumnId, Oid};

/// What a comment is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Commented {
    /// What the definition defines.
    Itself,
    /// A column of a view.
    Column(ColumnId),
    /// An index of a table.
    Index(Oid),
    /// A constraint of a table.
    Constraint(Oid),
}

/// A definition's comments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Comments(Vec<(Commented, String)>);

impl Comments {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The comment on something.
    pub fn get(&self, on: Commented) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == on).map(|(_, text)| text.as_str())
    }

    /// Sets a comment; none removes it.
    pub fn set(&mut self, on: Commented, text: Option<String>) {
        self.0.retain(|(known, _)| *known != on);
        self.0.extend(text.map(|text| (on, text)));
    }

    /// All comments.
    pub fn iter(&self) -> impl Iterator<Item = (Commented, &str)> {
        self.0.iter().map(|(on, text)| (*on, text.as_str()))
    }
}

impl TableDef {
    /// The oids of all constraints that have a name.
    pub fn constraint_named(&self, name: &str) -> Option<Oid> {
        let keys = self.keys.iter().filter(|key| !key.index_only).map(|key| (&key.name, key.oid));
        let checks = self.checks.iter().map(|check| (&check.name, check.oid));
        let foreign = self.foreign_keys.iter().map(|foreign| (&foreign.name, foreign.oid));
        let mut all = keys.chain(checks).chain(foreign);
        all.find(|(known, _)| *known == name).map(|(_, oid)| oid)
    }

    /// Drops the comments on indexes and constraints that are gone.
    pub fn drop_lost_comments(&mut self) {
        let mut there: Vec<Oid> = self.index_names().map(|(oid, _)| oid).collect();
        there.extend(self.checks.iter().map(|check| check.oid));
        there.extend(self.foreign_keys.iter().map(|foreign| foreign.oid));
        self.comments.0.retain(|(on, _)| match on {
            Commented::Index(oid) | Commented::Constraint(oid) => there.contains(oid),
            Commented::Itself | Commented::Column(_) => true,
        });
    }
}
