//! From spans of `tracing` to batches of OTLP, on a thread of its own.

use std::fmt;
use std::time::Duration;

use http::HeaderMap;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_otlp::{
    ExporterBuildError, RetryPolicy, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use super::sender::{SEND_PATIENCE, Sender};
use super::{Collector, TRACES};

/// Keeps traces going. Dropping it sends what is left, for [`FLUSH_PATIENCE`] at most; it blocks, so no async code may
/// drop it.
#[derive(Debug, Default)]
#[must_use]
pub struct Traces(Option<SdkTracerProvider>);

/// Traces that cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    /// What drives the network for the exporter's thread.
    #[error("there is no runtime for traces")]
    Runtime(#[source] std::io::Error),
    /// Something in the `OTEL_…` variables that the exporter cannot do.
    #[error("traces cannot be sent with these settings and `OTEL_` variables")]
    Exporter(#[source] ExporterBuildError),
}

/// What takes spans.
#[derive(Debug)]
pub(in crate::telemetry) struct Spans(SdkTracer);

/// Begins to send spans to `collector`, in batches: every 5 s, and when 512 are there. No more than 2048 wait; what comes
/// then is dropped, so that a collector that is slow or away costs neither memory nor time of requests.
pub(in crate::telemetry) fn start(collector: Collector) -> Result<(Spans, Traces), TracesError> {
    let Collector { url, transport } = collector;
    let sender = Sender::new(transport).map_err(TracesError::Runtime)?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(sender)
        .with_endpoint(url)
        .with_timeout(SEND_PATIENCE)
        // The next batch comes soon, and the end of the program must not wait.
        .with_retry_policy(RetryPolicy::disabled())
        .build()
        .map_err(TracesError::Exporter)?;
    let resource = Resource::builder()
        .with_service_name(SERVICE_NAME)
        .with_attribute(opentelemetry::KeyValue::new(
            "service.version",
            env!("CARGO_PKG_VERSION"),
        ))
        .build();
    let provider = SdkTracerProvider::builder()
        .with_resource(resource)
        .with_batch_exporter(exporter)
        .build();
    let tracer = provider.tracer(SERVICE_NAME);
    Ok((Spans(tracer), Traces(Some(provider))))
}

impl Spans {
    /// Takes spans with the target [`TRACES`], and nothing else: lines of the log may say what must not leave the
    /// machine.
    pub(in crate::telemetry) fn layer<S>(self) -> impl Layer<S>
    where
        S: Subscriber + for<'s> LookupSpan<'s>,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.0)
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            // Parents are those of `tracing`, or set; nothing here looks at OpenTelemetry's own context.
            .with_context_activation(false)
            .with_filter(filter_fn(|metadata| {
                metadata.is_span() && metadata.target() == TRACES
            }))
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        let Some(provider) = self.0.take() else {
            return;
        };
        // Other failures are the sender's, which has told them.
        if let Err(OTelSdkError::Timeout(_)) = provider.shutdown_with_timeout(FLUSH_PATIENCE) {
            tracing::warn!("the last traces could not be sent in time");
        }
    }
}

/// Makes `span` a part of the trace that its client has begun (W3C `traceparent`), if there is one in `headers`. To be
/// called before the span is entered or has children.
pub fn continues(span: &Span, headers: &HeaderMap) {
    if span.is_disabled() {
        return;
    }
    let client = TraceContextPropagator::new().extract(&Parent(HeaderExtractor(headers)));
    if client.span().span_context().is_valid() {
        // What cannot be continued is a trace of its own.
        let _ = span.set_parent(client);
    }
}

/// Of a client's headers, the one that names the span above. `tracestate` is left where it is: it is for the client's own
/// systems, may be long, and comes from whoever reaches this port.
struct Parent<'a>(HeaderExtractor<'a>);

impl Extractor for Parent<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == TRACEPARENT).then(|| self.0.get(key)).flatten()
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT]
    }
}

/// W3C Trace Context §3.2.
const TRACEPARENT: &str = "traceparent";

/// Makes `span` a child of the span in which this is called, without holding up the end of that one: it may end long
/// before. `span` must have been made without a parent. To be called before it is entered or has children.
pub fn belongs_here(span: &Span) {
    let here = Span::current();
    if span.is_disabled() || here.is_disabled() {
        return;
    }
    let _ = span.set_parent(here.context());
}

/// Calls `span` by a name that was not known when it began. The field `otel.name` counts only until a span has children.
pub fn named(span: &Span, name: &dyn fmt::Display) {
    if !span.is_disabled() {
        span.context().span().update_name(name.to_string());
    }
}

/// How the program calls itself.
const SERVICE_NAME: &str = env!("CARGO_PKG_NAME");

/// How long the end of the program may wait for the last batches.
const FLUSH_PATIENCE: Duration = Duration::from_secs(5);
