//! Sets of privileges, by PostgreSQL's letters.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A set of privileges; as text the letters of PostgreSQL's `aclitem`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Privileges(u16);

/// Letters and names in the order in which `aclitem` shows them.
const KNOWN: [(Privileges, char, &str); 15] = [
    (Privileges::INSERT, 'a', "INSERT"),
    (Privileges::SELECT, 'r', "SELECT"),
    (Privileges::UPDATE, 'w', "UPDATE"),
    (Privileges::DELETE, 'd', "DELETE"),
    (Privileges::TRUNCATE, 'D', "TRUNCATE"),
    (Privileges::REFERENCES, 'x', "REFERENCES"),
    (Privileges::TRIGGER, 't', "TRIGGER"),
    (Privileges::EXECUTE, 'X', "EXECUTE"),
    (Privileges::USAGE, 'U', "USAGE"),
    (Privileges::CREATE, 'C', "CREATE"),
    (Privileges::TEMPORARY, 'T', "TEMPORARY"),
    (Privileges::CONNECT, 'c', "CONNECT"),
    (Privileges::SET, 's', "SET"),
    (Privileges::ALTER_SYSTEM, 'A', "ALTER SYSTEM"),
    (Privileges::MAINTAIN, 'm', "MAINTAIN"),
];

impl Privileges {
    /// None.
    pub const NONE: Self = Self(0);
    /// `INSERT`.
    pub const INSERT: Self = Self(1);
    /// `SELECT`.
    pub const SELECT: Self = Self(1 << 1);
    /// `UPDATE`.
    pub const UPDATE: Self = Self(1 << 2);
    /// `DELETE`.
    pub const DELETE: Self = Self(1 << 3);
    /// `TRUNCATE`.
    pub const TRUNCATE: Self = Self(1 << 4);
    /// `REFERENCES`.
    pub const REFERENCES: Self = Self(1 << 5);
    /// `TRIGGER`.
    pub const TRIGGER: Self = Self(1 << 6);
    /// `EXECUTE`.
    pub const EXECUTE: Self = Self(1 << 7);
    /// `USAGE`.
    pub const USAGE: Self = Self(1 << 8);
    /// `CREATE`.
    pub const CREATE: Self = Self(1 << 9);
    /// `TEMPORARY`.
    pub const TEMPORARY: Self = Self(1 << 10);
    /// `CONNECT`.
    pub const CONNECT: Self = Self(1 << 11);
    /// `SET`.
    pub const SET: Self = Self(1 << 12);
    /// `ALTER SYSTEM`.
    pub const ALTER_SYSTEM: Self = Self(1 << 13);
    /// `MAINTAIN`.
    pub const MAINTAIN: Self = Self(1 << 14);

    /// The privilege of this name, in capitals.
    pub fn named(name: &str) -> Option<Self> {
        let name = if name == "TEMP" { "TEMPORARY" } else { name };
        KNOWN.iter().find(|(_, _, known)| *known == name).map(|(one, _, _)| *one)
    }

    /// Both sets together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What both sets have.
    #[must_use]
    pub const fn common(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Without those of another set.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all of another set are in it.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// One after the other, with their names.
    pub fn iter(self) -> impl Iterator<Item = (Self, &'static str)> {
        KNOWN.iter().filter(move |(one, ..)| self.has(*one)).map(|(one, _, name)| (*one, *name))
    }

    /// The letters; a star after those that may be granted on.
    pub(super) fn letters(self, grantable: Self) -> String {
        let mut text = String::new();
        for (_, letter, _) in KNOWN.iter().filter(|(one, ..)| self.has(*one)) {
            text.push(*letter);
            if KNOWN.iter().any(|(one, l, _)| l == letter && grantable.has(*one)) {
                text.push('*');
            }
        }
        text
    }
}

impl fmt::Display for Privileges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.letters(Self::NONE))
    }
}

impl Serialize for Privileges {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Privileges {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // A letter that a newer version wrote grants nothing here.
        let known = KNOWN.iter().filter(|(_, letter, _)| text.contains(*letter));
        Ok(known.fold(Self::NONE, |all, (one, ..)| all.and(*one)))
    }
}

/// Kinds of objects on which privileges are granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grantable {
    /// Tables and views.
    Table,
    /// Sequences.
    Sequence,
    /// Schemas.
    Schema,
    /// The database.
    Database,
    /// Columns of tables and views.
    Column,
    /// Functions.
    Function,
    /// Types: known to default privileges only.
    Type,
}

impl Grantable {
    /// All privileges that such an object knows.
    pub const fn all(self) -> Privileges {
        type P = Privileges;
        match self {
            Self::Table => P::INSERT
                .and(P::SELECT)
                .and(P::UPDATE)
                .and(P::DELETE)
                .and(P::TRUNCATE)
                .and(P::REFERENCES)
                .and(P::TRIGGER)
                .and(P::MAINTAIN),
            Self::Sequence => P::SELECT.and(P::UPDATE).and(P::USAGE),
            Self::Schema => P::USAGE.and(P::CREATE),
            Self::Database => P::CREATE.and(P::TEMPORARY).and(P::CONNECT),
            Self::Column => P::INSERT.and(P::SELECT).and(P::UPDATE).and(P::REFERENCES),
            Self::Function => P::EXECUTE,
            Self::Type => P::USAGE,
        }
    }

    /// What everyone has on such an object when nothing was said.
    pub(super) const fn of_public(self) -> Privileges {
        match self {
            Self::Database => Privileges::TEMPORARY.and(Privileges::CONNECT),
            Self::Function => Privileges::EXECUTE,
            Self::Type => Privileges::USAGE,
            Self::Table | Self::Sequence | Self::Schema | Self::Column => Privileges::NONE,
        }
    }

    /// What PostgreSQL calls it in `pg_default_acl`.
    pub const fn letter(self) -> char {
        match self {
            Self::Table | Self::Column => 'r',
            Self::Sequence => 'S',
            Self::Schema => 'n',
            Self::Function => 'f',
            Self::Type => 'T',
            Self::Database => 'd',
        }
    }

    /// What messages call it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Table => "relation",
            Self::Sequence => "sequence",
            Self::Schema => "schema",
            Self::Database => "database",
            Self::Column => "column",
            Self::Function => "function",
            Self::Type => "type",
        }
    }
}
