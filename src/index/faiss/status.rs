//! What every call shares: statuses, messages, metrics, and the ties of long work.

use super::ffi;
use crate::index::distance::Metric;
use crate::index::error::IndexError;
use crate::index::work::Work;

/// Room for a failure's reason.
pub(super) fn message() -> ffi::Message {
    ffi::Message { text: [0; 256] }
}

/// A status as a result.
pub(super) fn result(status: i32, message: &ffi::Message) -> Result<(), IndexError> {
    match status {
        0 => Ok(()),
        1 => Err(IndexError::Cancelled),
        2 => Err(IndexError::OutOfMemory),
        _ => {
            let text: Vec<u8> =
                message.text.iter().map(|c| *c as u8).take_while(|byte| *byte != 0).collect();
            Err(IndexError::Faiss(String::from_utf8_lossy(&text).into()))
        }
    }
}

/// The number of a metric on the other side.
pub(super) fn metric_number(metric: Metric) -> i32 {
    match metric {
        Metric::L2 => 0,
        Metric::InnerProduct => 1,
        Metric::Cosine => 2,
        Metric::L1 => 3,
        Metric::Hamming => 4,
        Metric::Jaccard => 5,
    }
}

/// The ties of long work. The pointers are good as long as the borrow is.
pub(super) fn work(work: &Work<'_>) -> ffi::Work {
    ffi::Work {
        threads: i32::try_from(work.threads).unwrap_or(i32::MAX).max(1),
        memory: work.memory,
        cancelled: work.cancelled.as_ptr().cast(),
        done: work.done.as_ptr(),
    }
}
