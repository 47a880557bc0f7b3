//! What a watcher hears.

use bytes::Bytes;

use crate::base::Revision;

use super::KeyValue;

/// One key's change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A value was stored.
    Put(KeyValue),
    /// The key was deleted.
    Delete {
        /// The key.
        key: Bytes,
        /// The revision that deleted it.
        modified: Revision,
    },
}

impl Change {
    /// The key that changed.
    pub fn key(&self) -> &Bytes {
        match self {
            Self::Put(put) => &put.key,
            Self::Delete { key, .. } => key,
        }
    }

    /// The revision that changed it.
    pub fn modified(&self) -> Revision {
        match self {
            Self::Put(put) => put.modified,
            Self::Delete { modified, .. } => *modified,
        }
    }

    /// What the key holds after the change.
    pub fn after(&self) -> Option<&KeyValue> {
        match self {
            Self::Put(put) => Some(put),
            Self::Delete { .. } => None,
        }
    }

    /// Bytes that it takes in memory, about.
    pub(super) fn bytes(&self) -> usize {
        let value = self.after().map_or(0, |put| put.value.len());
        size_of::<Self>() + self.key().len() + value
    }
}

/// What a watch says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchEvent {
    /// All changes of one revision within the watched range; never none.
    Changes {
        /// The revision.
        revision: Revision,
        /// What it changed, each key once.
        changes: Vec<Change>,
    },
    /// All changes within the range up to this revision have been told.
    Progress(Revision),
}

impl WatchEvent {
    /// The revision up to which a watcher knows all, after this event.
    pub fn revision(&self) -> Revision {
        match self {
            Self::Changes { revision, .. } | Self::Progress(revision) => *revision,
        }
    }
}
