//! Prepared statements and portals by their wire names.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use datafusion::scalar::ScalarValue;

use super::message::frontend::Formats;
use super::rows::Rows;
use crate::base::{Result, SqlError, SqlState};

/// A prepared statement; an empty one (`""`, `;`) has nothing to plan.
#[derive(Debug)]
pub(super) enum Statement<P> {
    Empty,
    Planned(Arc<P>),
}

impl<P> Clone for Statement<P> {
    fn clone(&self) -> Self {
        match self {
            Self::Empty => Self::Empty,
            Self::Planned(prepared) => Self::Planned(Arc::clone(prepared)),
        }
    }
}

/// The format of each result column.
#[derive(Clone, Debug)]
pub(super) enum ResultFormats {
    All { binary: bool },
    Each(Vec<bool>),
}

impl ResultFormats {
    /// Text throughout: the simple protocol's.
    pub(super) const TEXT: Self = Self::All { binary: false };

    /// As a Bind asks for it: no code, one, or one for each column.
    pub(super) fn new(codes: Formats<'_>, columns: Option<usize>) -> Result<Self> {
        // A statement without result ignores the codes, as PostgreSQL does.
        let columns = columns.unwrap_or(codes.count());
        match codes.count() {
            0 | 1 => Ok(Self::All { binary: codes.is_binary(0)? }),
            count if count == columns => (0..count)
                .map(|index| codes.is_binary(index))
                .collect::<Result<_>>()
                .map(Self::Each),
            count => Err(SqlError::new(
                SqlState::PROTOCOL_VIOLATION,
                format!("bind message has {count} result formats but query has {columns} columns"),
            )),
        }
    }

    /// Whether this column is binary.
    #[inline]
    pub(super) fn is_binary(&self, column: usize) -> bool {
        match self {
            Self::All { binary } => *binary,
            Self::Each(binary) => binary.get(column).copied().unwrap_or(false),
        }
    }

    /// Whether the formats were chosen for this many columns.
    pub(super) fn fit(&self, columns: usize) -> bool {
        match self {
            Self::All { .. } => true,
            Self::Each(binary) => binary.len() == columns,
        }
    }
}

/// A bound statement.
#[derive(Debug)]
pub(super) struct Portal<P> {
    pub(super) statement: Statement<P>,
    pub(super) formats: ResultFormats,
    pub(super) progress: Progress,
}

/// How far a portal has come.
#[derive(Debug)]
pub(super) enum Progress {
    /// Not run yet; its values wait.
    Bound(Vec<ScalarValue>),
    /// Some rows sent, more to come.
    Suspended(Box<Rows>),
    /// Run to its end. `Some`: it returned rows, and would now return none.
    Done(Option<&'static str>),
}

/// A connection's portals. The unnamed one has its own place: it is in every statement's path.
#[derive(Debug)]
pub(super) struct Portals<P> {
    unnamed: Option<Portal<P>>,
    named: HashMap<String, Portal<P>>,
}

impl<P> Portals<P> {
    /// None yet.
    pub(super) fn new() -> Self {
        Self { unnamed: None, named: HashMap::new() }
    }

    /// Adds a portal. The unnamed one is replaced, a named one must be new.
    pub(super) fn bind(&mut self, name: &str, portal: Portal<P>) -> Result<()> {
        if name.is_empty() {
            self.unnamed = Some(portal);
            return Ok(());
        }
        match self.named.entry(name.to_owned()) {
            Entry::Vacant(entry) => {
                entry.insert(portal);
                Ok(())
            }
            Entry::Occupied(_) => Err(SqlError::new(
                SqlState::DUPLICATE_CURSOR,
                format!("cursor \"{name}\" already exists"),
            )),
        }
    }

    /// Looks at a portal.
    pub(super) fn get(&self, name: &str) -> Result<&Portal<P>> {
        let portal = if name.is_empty() { self.unnamed.as_ref() } else { self.named.get(name) };
        portal.ok_or_else(|| missing(name))
    }

    /// A portal to run.
    pub(super) fn get_mut(&mut self, name: &str) -> Result<&mut Portal<P>> {
        let portal = if name.is_empty() { self.unnamed.as_mut() } else { self.named.get_mut(name) };
        portal.ok_or_else(|| missing(name))
    }

    /// Removes a portal if it is there.
    pub(super) fn close(&mut self, name: &str) {
        if name.is_empty() {
            self.unnamed = None;
        } else {
            self.named.remove(name);
        }
    }

    /// Removes all: their transaction has ended.
    pub(super) fn clear(&mut self) {
        self.unnamed = None;
        self.named.clear();
    }
}

fn missing(name: &str) -> SqlError {
    SqlError::new(SqlState::INVALID_CURSOR_NAME, format!("portal \"{name}\" does not exist"))
}
