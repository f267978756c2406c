//! Traces for OpenTelemetry: how long a request, the answer made for it and each page of that took, and how they belong
//! together.
//!
//! The other rooms open ordinary spans of `tracing` with the target [`TRACES`]; this one sends them to a collector, when
//! the program was built with the feature `otel` and the settings name one. Else these spans are disabled: they cost one
//! comparison, and their fields are not even worked out. Lines of the log never show them.
//!
//! What spans tell is what the log's lines tell, without names of access keys and without texts of errors, which may hold
//! values of a query. Fields are named by OpenTelemetry's conventions for HTTP where those have a name, else as in the log.

#[cfg(feature = "otel")]
mod exporter;
#[cfg(not(feature = "otel"))]
mod left_out;
#[cfg(feature = "otel")]
mod reach;
#[cfg(feature = "otel")]
mod sender;

use std::sync::Arc;

use url::Url;

use crate::transport::Transport;

#[cfg(feature = "otel")]
use self::exporter as built;
#[cfg(not(feature = "otel"))]
use self::left_out as built;

pub(super) use self::built::{Spans, start};
pub use self::built::{Traces, TracesError, belongs_here, continues, named};

/// The target of all spans of traces, and of nothing else.
pub const TRACES: &str = "citrix_odata_proxy::telemetry::span";

/// Whether this program can send traces.
pub const TRACES_BUILT_IN: bool = cfg!(feature = "otel");

/// Where traces go.
#[derive(Debug, Clone)]
pub struct Collector {
    /// Where the collector takes OTLP over HTTP, with the path: `http://127.0.0.1:4318/v1/traces`.
    pub url: Url,
    /// How it is reached. Not shared with anybody: the exporter has a thread and a runtime of its own.
    pub transport: Arc<dyn Transport>,
}
