//! A commit that touches more keys than one metadata transaction can hold.
//!
//! Its puts are written ahead, as parts under `changes/<commit>/<n>` that nobody looks at; the
//! commit's transaction then puts only `changes/<commit>`, and mirrors expand the parts as of
//! that revision. So a DELETE over ten thousand segments commits as atomically as one row does.

use bytes::{BufMut, Bytes, BytesMut};

use crate::base::limits::CHANGE_SET_BYTES_MAX;
use crate::base::{CommitId, Incarnation, Result, SqlError, SqlState};
use crate::catalog::{Key, Keys};
use crate::store::meta::{Compare, MetaStore, Operation, Outcome, Transaction};

use super::publish::Step;

/// Writes a step's puts as parts and leaves the one operation that commits them.
///
/// # Errors
/// 54000 when they are too many even for that; 57P03 when they can't be written.
pub(super) async fn write(
    meta: &dyn MetaStore,
    keys: &Keys,
    owner: (Incarnation, Option<&Bytes>),
    commit: CommitId,
    step: &mut Step,
) -> Result<()> {
    let (incarnation, fence) = owner;
    let part_bytes = meta.limits().bytes_max / 2;
    let empty = || BytesMut::from(&incarnation.0.as_bytes()[..]);
    let mut parts = vec![empty()];
    let mut total = 0;
    let mut kept = Vec::new();
    for operation in step.operations.drain(..) {
        let (key, value) = match operation {
            // What others compare, or remove alone, must be there as a key of its own.
            Operation::Put { key, value, .. } if !stands_alone(&key) => (key, value),
            operation => {
                kept.push(operation);
                continue;
            }
        };
        let size = 8 + key.len() + value.len();
        total += size;
        if size > part_bytes || total > CHANGE_SET_BYTES_MAX {
            return Err(too_large());
        }
        if parts.last().is_some_and(|part| part.len() + size > part_bytes) {
            parts.push(empty());
        }
        if let Some(part) = parts.last_mut() {
            for field in [key, value] {
                part.put_u32_le(u32::try_from(field.len()).map_err(|_| too_large())?);
                part.extend_from_slice(&field);
            }
        }
    }
    for (part, number) in parts.into_iter().zip(0u32..) {
        let mut transaction = Transaction::new()
            .then(Operation::put(keys.change_part(commit, number), part.freeze()));
        transaction.compares.extend(fence.cloned().map(Compare::Present));
        match meta.transact(transaction).await {
            Ok(Outcome::Committed(_)) => {}
            Ok(Outcome::Refused(_)) => return Err(super::publish::fenced()),
            Err(error) => {
                discard(meta, keys, commit).await;
                // Whether a part is there or not, nothing was committed.
                return Err(super::publish::unavailable(&error));
            }
        }
    }
    step.operations = kept;
    step.operations.push(Operation::put(keys.change_set(commit), Bytes::new()));
    Ok(())
}

fn stands_alone(key: &Bytes) -> bool {
    matches!(Key::parse(key), Key::Generation(_) | Key::Notifications(_) | Key::RowLock(..))
}

/// Removes the parts of a commit that has failed. What is left is collected once this process is
/// dead.
pub(super) async fn discard(meta: &dyn MetaStore, keys: &Keys, commit: CommitId) {
    let remove = Transaction::new().then(Operation::Delete(keys.change_parts(commit)));
    if let Err(error) = meta.transact(remove).await {
        tracing::debug!(%commit, %error, "parts of a failed commit are left to collect");
    }
}

fn too_large() -> SqlError {
    SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "the transaction changes too many segments")
        .with_detail(format!("Its metadata exceeds {CHANGE_SET_BYTES_MAX} bytes."))
        .with_hint("Commit it in several transactions.")
}
