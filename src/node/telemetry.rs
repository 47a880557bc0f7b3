//! What a node tells about itself while it runs: logs on standard error, and traces for a collector.

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::base::TRACE;

/// How a node tells about itself.
#[derive(Clone, Debug)]
pub struct TelemetryOptions {
    /// Which logs, as `tracing_subscriber::EnvFilter` reads it: `warn,redkite::audit=info`.
    pub log: String,
    /// Whether each line of the logs is a JSON object.
    pub log_json: bool,
    /// Where traces go: an OpenTelemetry collector's address for OTLP over gRPC.
    pub otlp_endpoint: Option<String>,
    /// The node, for the collector.
    pub node: String,
    /// Its cluster.
    pub cluster: String,
}

/// What tells, until it is dropped: then the last traces are sent.
#[derive(Debug)]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
}

impl Telemetry {
    /// Begins to tell, for the whole process. To be called once, within a tokio runtime, which carries
    /// traces away.
    ///
    /// # Errors
    /// When the log's filter or the collector's address is none.
    pub fn start(options: &TelemetryOptions) -> Result<Self, String> {
        let filter = EnvFilter::try_new(&options.log)
            .map_err(|error| format!("--log \"{}\": {error}", options.log))?;
        let logs = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
        let logs = match options.log_json {
            true => logs.json().with_filter(filter).boxed(),
            false => logs.with_filter(filter).boxed(),
        };
        let traces = match &options.otlp_endpoint {
            Some(endpoint) => Some(provider(endpoint, options)?),
            None => None,
        };
        let layer = traces.as_ref().map(|provider| {
            let only = filter_fn(|metadata| metadata.target() == TRACE);
            tracing_opentelemetry::layer()
                .with_tracer(provider.tracer("redkite"))
                .with_location(false)
                .with_target(false)
                .with_threads(false)
                .with_tracked_inactivity(false)
                .with_filter(only)
        });
        let registry = tracing_subscriber::registry().with(logs).with(layer);
        registry.try_init().map_err(|error| format!("starting logs: {error}"))?;
        Ok(Self { traces })
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.traces.as_ref().map(SdkTracerProvider::shutdown) {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

fn provider(endpoint: &str, options: &TelemetryOptions) -> Result<SdkTracerProvider, String> {
    let exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint).build();
    let exporter = exporter.map_err(|error| format!("--otlp-endpoint \"{endpoint}\": {error}"))?;
    let resource = Resource::builder()
        .with_service_name("redkite")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attribute(KeyValue::new("service.instance.id", options.node.clone()))
        .with_attribute(KeyValue::new("service.namespace", options.cluster.clone()))
        .build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}
