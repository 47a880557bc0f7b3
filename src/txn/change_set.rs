//! A commit that touches more keys than one metadata transaction can hold.
//!
//! Its puts are written ahead, as parts under `changes/<commit>/<n>` that nobody looks at; the
//! commit's transaction then puts only `changes/<commit>`, and mirrors expand the parts as of
//! that revision. So a DELETE over ten thousand segments commits as atomically as one row does.

use bytes::{BufMut, Bytes, BytesMut};

use crate::base::limits::CHANGE_SET_BYTES_MAX;
use crate::base::{CommitId, Result, SqlError, SqlState};
use crate::catalog::Keys;
use crate::store::meta::{Compare, Limits, MetaStore, Operation, Outcome, Transaction};

use super::publish::Step;

/// Writes a step's puts as parts and leaves the one operation that commits them.
///
/// # Errors
/// 54000 when they are too many even for that.
pub(super) async fn write(
    meta: &dyn MetaStore,
    keys: &Keys,
    fence: Option<&Bytes>,
    limits: Limits,
    commit: CommitId,
    step: &mut Step,
) -> Result<()> {
    let part_bytes = limits.bytes_max / 2;
    let mut parts = vec![BytesMut::new()];
    let mut total = 0;
    let mut kept = Vec::new();
    for operation in step.operations.drain(..) {
        let Operation::Put { key, value, .. } = operation else {
            kept.push(operation);
            continue;
        };
        let size = 8 + key.len() + value.len();
        total += size;
        if size > part_bytes || total > CHANGE_SET_BYTES_MAX {
            return Err(too_large());
        }
        if parts.last().is_some_and(|part| part.len() + size > part_bytes) {
            parts.push(BytesMut::new());
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
        match meta.transact(transaction).await? {
            Outcome::Committed(_) => {}
            Outcome::Refused(_) => {
                let message = "this node has lost its lease";
                return Err(SqlError::fatal(SqlState::CANNOT_CONNECT_NOW, message));
            }
        }
    }
    step.operations = kept;
    step.operations.push(Operation::put(keys.change_set(commit), Bytes::new()));
    Ok(())
}

fn too_large() -> SqlError {
    SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "the transaction changes too many segments")
        .with_detail(format!("Its metadata exceeds {CHANGE_SET_BYTES_MAX} bytes."))
        .with_hint("Commit it in several transactions.")
}
