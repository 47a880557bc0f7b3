//! Which of etcd's errors proves what.
//!
//! The rule: a write's error means [`Error::Unknown`] unless it is on the short list of those that
//! etcd raises before a request enters its log, or while it refuses the whole request when it
//! applies it, or that say that the request never left this process. Messages are those of etcd's
//! `api/v3rpc/rpctypes/error.go`.

use std::error::Error as StdError;

use super::super::{Cause, Error};
use crate::base::Revision;

/// An error, and whether the same request may be sent again.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: Error,
    pub(super) try_again: bool,
}

/// What an error of etcd means, whatever was asked.
enum Meaning {
    /// Not applied, and may work later.
    Refused,
    /// Not applied, and won't work without somebody doing something.
    RefusedForGood,
    Misconfigured,
    Compacted,
    Future,
    LeaseGone,
    /// Anything may have happened.
    Unclear,
}

impl Failure {
    /// A read, or a write that may be applied any number of times.
    pub(super) fn of_read(error: etcd_client::Error) -> Self {
        match meaning(&error) {
            Meaning::Refused | Meaning::Unclear => Self::again(Error::unavailable(error)),
            meaning => Self::for_good(meaning, error),
        }
    }

    /// A write.
    pub(super) fn of_write(error: etcd_client::Error) -> Self {
        match meaning(&error) {
            Meaning::Refused => Self::again(Error::unavailable(error)),
            Meaning::Unclear => Self { error: Error::unknown(error), try_again: false },
            meaning => Self::for_good(meaning, error),
        }
    }

    /// No answer to a read.
    pub(super) fn late_read(what: &'static str) -> Self {
        Self::again(Error::unavailable(what))
    }

    /// No answer to a write.
    pub(super) fn late_write(what: &'static str) -> Self {
        Self { error: Error::unknown(what), try_again: false }
    }

    fn again(error: Error) -> Self {
        Self { error, try_again: true }
    }

    fn for_good(meaning: Meaning, error: etcd_client::Error) -> Self {
        let at = Revision::default();
        let error = match meaning {
            Meaning::Misconfigured => Error::Configuration(Cause::new(error)),
            Meaning::Compacted => Error::Compacted { at },
            Meaning::Future => Error::Future { at },
            Meaning::LeaseGone => Error::LeaseGone,
            Meaning::Refused | Meaning::RefusedForGood | Meaning::Unclear => {
                Error::unavailable(error)
            }
        };
        Self { error, try_again: false }
    }
}

fn meaning(error: &etcd_client::Error) -> Meaning {
    let status = match error {
        etcd_client::Error::GRpcStatus(status) => status,
        etcd_client::Error::LeaseKeepAliveError(_) => return Meaning::LeaseGone,
        etcd_client::Error::InvalidArgs(_)
        | etcd_client::Error::InvalidUri(_)
        | etcd_client::Error::InvalidMetadataValue(_) => return Meaning::Misconfigured,
        _ => return Meaning::Unclear,
    };
    match status.message() {
        "etcdserver: mvcc: required revision has been compacted" => Meaning::Compacted,
        "etcdserver: mvcc: required revision is a future revision" => Meaning::Future,
        "etcdserver: requested lease not found" => Meaning::LeaseGone,
        "etcdserver: no leader" | "etcdserver: too many requests" => Meaning::Refused,
        "etcdserver: mvcc: database space exceeded" => Meaning::RefusedForGood,
        "etcdserver: request is too large"
        | "etcdserver: too many operations in txn request"
        | "etcdserver: duplicate key given in txn request"
        | "etcdserver: key is not provided"
        | "etcdserver: permission denied"
        | "etcdserver: user name is empty"
        | "etcdserver: user name not found"
        | "etcdserver: invalid auth token"
        | "etcdserver: authentication is not enabled"
        | "etcdserver: authentication failed, invalid user ID or password" => {
            Meaning::Misconfigured
        }
        _ if never_sent(status) => Meaning::Refused,
        _ => Meaning::Unclear,
    }
}

/// Whether there was no connection to send the request by.
fn never_sent(status: &tonic::Status) -> bool {
    let mut source = status.source();
    while let Some(error) = source {
        if error.is::<tonic::ConnectError>() {
            return true;
        }
        source = error.source();
    }
    false
}
