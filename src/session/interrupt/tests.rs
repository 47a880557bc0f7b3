use std::sync::Arc;
use std::time::Duration;

use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::StreamExt;

use super::Interrupts;
use crate::session::utility::once;

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(3_600);

/// A batch without columns, and then nothing for ever.
fn stuck() -> SendableRecordBatchStream {
    let first =
        once(arrow::array::RecordBatch::new_empty(Arc::new(arrow::datatypes::Schema::empty())));
    let schema = first.schema();
    let rows = first.chain(futures::stream::pending());
    Box::pin(RecordBatchStreamAdapter::new(schema, rows))
}

async fn error_of(rows: &mut SendableRecordBatchStream) -> String {
    let error = rows.next().await.expect("an item").expect_err("an interrupt");
    assert!(rows.next().await.is_none());
    error.to_string()
}

#[tokio::test]
async fn rows_end_when_their_time_is_over() {
    let interrupts = Arc::new(Interrupts::default());
    interrupts.begin(Some(SHORT));
    let mut rows = interrupts.watch(stuck());
    assert!(rows.next().await.expect("the first batch").is_ok());
    assert!(error_of(&mut rows).await.contains("due to statement timeout"));
}

#[tokio::test]
async fn a_pause_does_not_count_and_what_follows_has_its_own_time() {
    let interrupts = Arc::new(Interrupts::default());
    interrupts.begin(Some(SHORT));
    let mut rows = interrupts.watch(stuck());
    assert!(rows.next().await.expect("the first batch").is_ok());
    interrupts.end();
    tokio::time::sleep(SHORT * 3).await;
    // Another statement runs meanwhile, and is stopped.
    interrupts.begin(Some(LONG));
    interrupts.raise();
    let again = interrupts.begin(Some(LONG));
    assert!(tokio::time::timeout(SHORT, rows.next()).await.is_err(), "it goes on");
    interrupts.raise();
    assert!(error_of(&mut rows).await.contains("due to user request"));
    assert_eq!(again.raised().await.fields().message, "canceling statement due to user request");
}
