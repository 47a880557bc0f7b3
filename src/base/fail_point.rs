//! Points at which a test can make the process die, as `kill -9` would: the steps of a flush, and
//! those of the work in the background.
//!
//! They are always compiled and cost an atomic load. `redkite failpoints` lists them, and
//! `REDKITE_FAILPOINT=NAME` arms one; `tests/cluster/crash.rs` goes through all of them.
//! `NAME:stop` stops the process there, once, as SIGSTOP does, until somebody lets it go on.

use std::sync::atomic::{AtomicU8, Ordering};

/// The armed point's place in [`FailPoint::ALL`] plus one; zero arms none.
static ARMED: AtomicU8 = AtomicU8::new(0);
/// Set beside the place: the process is stopped rather than ended.
const STOP: u8 = 0x80;

/// A step of the flush of rows, or of a merge or an index build. Starts and DDL never come through
/// one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailPoint {
    /// COMMIT has been asked for and nothing was done.
    FlushBegins,
    /// Rows are about to be written to objects.
    BeforeObjects,
    /// The objects are durable, and nothing lists them.
    AfterObjects,
    /// All of the write set is ready and waits for the publisher.
    BeforeSubmit,
    /// The metadata transaction is about to be sent.
    BeforePublish,
    /// The metadata store has committed it; this node hasn't seen it yet.
    AfterPublish,
    /// This node sees it; the client has not been told.
    BeforeReply,
    /// What an index has learnt is durable, and nothing lists it.
    ModelWritten,
    /// An index over a segment is durable, and nothing lists it.
    PartWritten,
    /// The metadata store lists it.
    PartPublished,
    /// A merge's segments and their indexes are durable, and nothing lists them.
    MergeWritten,
    /// The metadata store lists them, and their inputs no more.
    MergePublished,
}

/// What a point can be on the way of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailPointPlace {
    /// A commit of rows, before its commit point.
    Unpublished,
    /// A commit of rows, behind its commit point.
    Published,
    /// A merge or an index build.
    Background,
}

impl FailPoint {
    /// All of them, in the order in which a flush, and work in the background, comes through.
    pub const ALL: [Self; 12] = [
        Self::FlushBegins,
        Self::BeforeObjects,
        Self::AfterObjects,
        Self::BeforeSubmit,
        Self::BeforePublish,
        Self::AfterPublish,
        Self::BeforeReply,
        Self::ModelWritten,
        Self::PartWritten,
        Self::PartPublished,
        Self::MergeWritten,
        Self::MergePublished,
    ];

    /// The name that arms it.
    pub fn name(self) -> &'static str {
        match self {
            Self::FlushBegins => "flush-begins",
            Self::BeforeObjects => "before-objects",
            Self::AfterObjects => "after-objects",
            Self::BeforeSubmit => "before-submit",
            Self::BeforePublish => "before-publish",
            Self::AfterPublish => "after-publish",
            Self::BeforeReply => "before-reply",
            Self::ModelWritten => "model-written",
            Self::PartWritten => "part-written",
            Self::PartPublished => "part-published",
            Self::MergeWritten => "merge-written",
            Self::MergePublished => "merge-published",
        }
    }

    /// What it is on the way of.
    pub fn place(self) -> FailPointPlace {
        match self {
            Self::FlushBegins
            | Self::BeforeObjects
            | Self::AfterObjects
            | Self::BeforeSubmit
            | Self::BeforePublish => FailPointPlace::Unpublished,
            Self::AfterPublish | Self::BeforeReply => FailPointPlace::Published,
            Self::ModelWritten
            | Self::PartWritten
            | Self::PartPublished
            | Self::MergeWritten
            | Self::MergePublished => FailPointPlace::Background,
        }
    }

    /// Makes the process die, or stop, at the point of this name; whether there is one.
    pub fn arm(name: &str) -> bool {
        let (name, how) = match name.strip_suffix(":stop") {
            Some(name) => (name, STOP),
            None => (name, 0),
        };
        let place = (1..).zip(Self::ALL).find(|(_, point)| point.name() == name);
        if let Some((place, _)) = place {
            ARMED.store(place | how, Ordering::Relaxed);
        }
        place.is_some()
    }

    /// Says that work has come here.
    pub fn reach(self) {
        let here = self as u8 + 1;
        match ARMED.load(Ordering::Relaxed) {
            armed if armed == here => std::process::abort(),
            armed if armed == here | STOP => {
                ARMED.store(0, Ordering::Relaxed);
                let pid = std::process::id().to_string();
                // Where there is no such command, the test finds that nothing has stopped.
                let _stopped = std::process::Command::new("kill").args(["-STOP", &pid]).status();
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
