//! Tables of the catalog as sources of rows.

use std::sync::Arc;

use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::TableScan;

use crate::exec::TableSource;

/// Our source behind a scan.
pub(crate) fn of_scan(scan: &TableScan) -> Option<Arc<TableSource>> {
    let provider = source_as_provider(&scan.source).ok()?;
    let any: Arc<dyn std::any::Any + Send + Sync> = provider;
    any.downcast::<TableSource>().ok()
}
