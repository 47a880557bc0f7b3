//! Names that PostgreSQL makes up: `t_pkey`, `t_a_seq`, `t_a_check1`.

use crate::base::Oid;
use crate::base::limits::IDENTIFIER_BYTES_MAX;

use super::draft::{Draft, NameKind};

/// Puts a name together, and cuts the longer of its first two parts until it fits
/// (PostgreSQL's `makeObjectName`).
pub(super) fn object_name(first: &str, second: Option<&str>, label: &str) -> String {
    let overhead = 1 + label.len() + usize::from(second.is_some());
    let room = IDENTIFIER_BYTES_MAX.saturating_sub(overhead);
    let mut first_length = first.len();
    let mut second_length = second.map_or(0, str::len);
    while first_length + second_length > room {
        if first_length > second_length {
            first_length -= 1;
        } else {
            second_length -= 1;
        }
    }
    let first = cut(first, first_length);
    match second {
        Some(second) => format!("{first}_{}_{label}", cut(second, second_length)),
        None => format!("{first}_{label}"),
    }
}

fn cut(text: &str, mut length: usize) -> &str {
    while !text.is_char_boundary(length) {
        length -= 1;
    }
    &text[..length]
}

/// The first name that is free: with a number after its label where the plain one is taken.
fn choose(first: &str, second: Option<&str>, label: &str, taken: impl Fn(&str) -> bool) -> String {
    let mut name = object_name(first, second, label);
    let mut number = 0;
    while taken(&name) {
        number += 1;
        name = object_name(first, second, &format!("{label}{number}"));
    }
    name
}

/// Several columns as the middle of a name: PostgreSQL's `ChooseIndexNameAddition`.
pub(super) fn columns_part(columns: &[String]) -> String {
    let mut part = columns.join("_");
    let mut length = part.len().min(IDENTIFIER_BYTES_MAX);
    while !part.is_char_boundary(length) {
        length -= 1;
    }
    part.truncate(length);
    part
}

impl Draft<'_> {
    /// A free name for a relation (an index, a sequence). A key's index must not have the name
    /// of a constraint either.
    pub(super) fn choose_relation_name(
        &self,
        schema: Oid,
        first: &str,
        second: Option<&str>,
        label: &str,
    ) -> String {
        choose(first, second, label, |name| {
            self.holder(NameKind::Relation, schema, name).is_some()
                || (label != "seq" && self.constraint_exists(schema, name))
        })
    }

    /// A free name for a constraint without an index, unique within the schema.
    pub(super) fn choose_constraint_name(
        &self,
        schema: Oid,
        first: &str,
        second: Option<&str>,
        label: &str,
    ) -> String {
        choose(first, second, label, |name| self.constraint_exists(schema, name))
    }

    fn constraint_exists(&self, schema: Oid, name: &str) -> bool {
        self.table_oids().into_iter().filter_map(|oid| self.table(oid)).any(|table| {
            table.schema == schema
                && (table.checks.iter().any(|check| check.name == name)
                    || table.foreign_keys.iter().any(|foreign| foreign.name == name)
                    || table.keys.iter().any(|key| !key.index_only && key.name == name))
        })
    }
}
