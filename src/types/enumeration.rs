//! Enums: types whose values are labels in the order in which they were declared.
//!
//! A value lies in Arrow and in segments as its label's *place*, a number that never changes: a
//! label gets it when it is declared, between the places of its neighbours, so that numbers compare
//! as labels do and a new name for a label touches no row. `docs/adr/0014-enums.md` says why.
//!
//! The Arrow type is a timestamp's in a time zone called `enum:` and the description of the whole
//! type: the only Arrow type of plain numbers that carries a text of one's own. What comes out of any
//! operator so still tells the labels.

use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use serde::{Deserialize, Serialize};

use crate::base::limits::{ENUM_LABELS_MAX, IDENTIFIER_BYTES_MAX};
use crate::base::{Oid, Result, SqlError, SqlState};

/// Starts the name of the time zone that is none.
const ZONE: &str = "enum:";
/// The places between two labels that were declared one after the other: as many halvings as bits
/// leave room for labels in between.
const STEP_BITS: u32 = 44;
const STEP: i64 = 1 << STEP_BITS;

const _: () = assert!((ENUM_LABELS_MAX as i64) < i64::MAX / 2 / STEP);

/// An enum.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EnumType {
    facts: EnumFacts,
    /// Its name as messages show it.
    shown: String,
    /// `pg_type.typname` of its array.
    array_name: String,
    /// The time zone's name.
    zone: Arc<str>,
}

/// What an enum consists of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EnumFacts {
    /// Its oid.
    #[serde(rename = "o")]
    pub oid: Oid,
    /// The oid of its array.
    #[serde(rename = "a")]
    pub array: Oid,
    /// The schema it is in.
    #[serde(rename = "s")]
    pub schema: String,
    /// Its name.
    #[serde(rename = "n")]
    pub name: String,
    /// Its labels in their order, each with its place.
    #[serde(rename = "l")]
    pub labels: Vec<(String, i64)>,
}

impl EnumFacts {
    fn qualified(&self) -> String {
        format!("{}.{}", quoted(&self.schema), quoted(&self.name))
    }
}

impl EnumType {
    /// An enum of these facts.
    pub fn new(facts: EnumFacts) -> Self {
        let shown = match facts.schema.as_str() {
            "public" => quoted(&facts.name),
            _ => facts.qualified(),
        };
        let array_name = array_name(&facts.name);
        // Strings and numbers: nothing that JSON could not write.
        let json = serde_json::to_string(&facts).unwrap_or_default();
        let zone = Arc::from(format!("{ZONE}{json}"));
        Self { facts, shown, array_name, zone }
    }

    /// What it consists of.
    pub fn facts(&self) -> &EnumFacts {
        &self.facts
    }

    /// Its name with its schema.
    pub(super) fn qualified(&self) -> String {
        self.facts.qualified()
    }

    /// Its name as messages show it.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// `pg_type.typname` of its array.
    pub(super) fn array_name(&self) -> &str {
        &self.array_name
    }

    /// How its values lie in Arrow.
    pub fn arrow(&self) -> DataType {
        DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::clone(&self.zone)))
    }

    /// The enum whose values an Arrow type holds.
    pub fn of(data_type: &DataType) -> Option<Self> {
        let DataType::Timestamp(_, Some(zone)) = data_type else { return None };
        let facts = serde_json::from_str(zone.strip_prefix(ZONE)?).ok()?;
        Some(Self::new(facts))
    }

    /// A label's place.
    ///
    /// # Errors
    /// 22P02 where it has none.
    pub(super) fn place(&self, label: &str) -> Result<i64> {
        let found = self.facts.labels.iter().find(|(known, _)| known == label);
        found.map(|(_, place)| *place).ok_or_else(|| {
            let message = format!("invalid input value for enum {}: \"{label}\"", self.shown);
            SqlError::new(SqlState::INVALID_TEXT_REPRESENTATION, message)
        })
    }

    /// The label of a place; nothing stored has another.
    pub(super) fn label(&self, place: i64) -> &str {
        let found = self.facts.labels.binary_search_by_key(&place, |(_, place)| *place);
        found.map_or("", |at| self.facts.labels[at].0.as_str())
    }
}

/// Whether values of the Arrow type are those of an enum.
pub(crate) fn is_enum(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp(_, Some(zone)) if zone.starts_with(ZONE))
}

/// The places of labels that are declared together.
pub fn first_places(labels: usize) -> impl Iterator<Item = i64> {
    (1..).map(|at: i64| at * STEP).take(labels)
}

/// The place of a label that comes between two, or before or after all; none where there is no room.
pub fn place_between(before: Option<i64>, after: Option<i64>) -> Option<i64> {
    match (before, after) {
        (None, None) => Some(STEP),
        (Some(before), None) => before.checked_add(STEP),
        (None, Some(after)) => after.checked_sub(STEP),
        (Some(before), Some(after)) => {
            let room = after.checked_sub(before)? / 2;
            (room > 0).then(|| before + room)
        }
    }
}

/// `pg_enum.enumsortorder` of a place.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "it is a float4")]
pub fn sort_order(place: i64) -> f32 {
    (place as f64 / STEP as f64) as f32
}

/// The name that PostgreSQL gives to a type's array.
pub fn array_name(name: &str) -> String {
    let mut end = name.len().min(IDENTIFIER_BYTES_MAX - 1);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("_{}", &name[..end])
}

fn quoted(name: &str) -> String {
    let plain = name.bytes().enumerate().all(|(at, byte)| {
        byte.is_ascii_lowercase() || byte == b'_' || (at > 0 && byte.is_ascii_digit())
    });
    match plain && !name.is_empty() {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}
