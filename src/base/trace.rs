//! Traces: what a collector of OpenTelemetry is told where a node has one (`--otlp-endpoint`). Spans are
//! written as they are everywhere, under a target of their own, which logs leave out; without a
//! collector they cost nothing.

use tracing::Span;
use tracing::field::{Empty, display};

use super::SqlError;

/// The target of spans that are traced.
pub const TRACE: &str = "redkite::trace";

/// The span of a statement: named as its command, constants left out.
pub fn statement_span(
    tag: &'static str,
    normalized: impl FnOnce() -> std::sync::Arc<str>,
    database: &str,
) -> Span {
    let span = tracing::info_span!(
        target: TRACE,
        "statement",
        otel.name = tag,
        otel.kind = "server",
        otel.status_code = Empty,
        db.system.name = "redkite",
        db.namespace = database,
        db.query.text = Empty,
        db.response.returned_rows = Empty,
        db.response.status_code = Empty,
    );
    if !span.is_disabled() {
        span.record("db.query.text", display(normalized()));
    }
    span
}

/// The span of a commit: until what was written is visible to all.
pub fn commit_span() -> Span {
    tracing::info_span!(target: TRACE, "commit", otel.status_code = Empty)
}

/// Notes in a span that its work has failed.
pub fn note_failure(span: &Span, error: &SqlError) {
    span.record("otel.status_code", "ERROR");
    span.record("db.response.status_code", error.code().as_str());
}

/// Notes in a statement's span how many rows it gave.
pub fn note_rows(span: &Span, rows: u64) {
    span.record("db.response.returned_rows", rows);
}
