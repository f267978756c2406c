//! Log output and its filter; traces beside it.

mod files;
mod notices;
mod traces;

use std::error::Error;
use std::io::{self, IsTerminal};
use std::sync::Arc;

use tracing::{Dispatch, Metadata, Subscriber};
use tracing_subscriber::filter::{ParseError, filter_fn};
use tracing_subscriber::fmt;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{EnvFilter, Layer, Registry, registry};

pub use self::files::{FilesError, LogFiles, Rotation};
pub use self::notices::{NOTICE, Notices};
use self::traces::Spans;
pub use self::traces::{
    Collector, TRACES, TRACES_BUILT_IN, Traces, TracesError, belongs_here, continues, named,
};

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Whether log lines for people are coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// When standard error is a terminal.
    Auto,
    /// Not at all.
    Never,
}

/// Log output that could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The filter cannot be read.
    #[error("filter for log output not understood")]
    Filter(#[source] ParseError),
    /// This process logs already.
    #[error("log output is set up already")]
    Twice(#[source] TryInitError),
    /// Traces cannot be sent.
    #[error("traces cannot be sent")]
    Traces(#[source] TracesError),
}

/// Sends log lines to `output`, by which standard error is reached, from now on, and what matters to the
/// administrator to `notices` as well. `filter` has the syntax of `RUST_LOG`; what it stops goes nowhere. Traces go to
/// `collector`, if there is one, whatever the filter says, until what is returned is dropped.
pub fn init<W>(
    filter: &str,
    format: Format,
    color: Color,
    output: W,
    notices: Option<Arc<dyn Notices>>,
    collector: Option<Collector>,
) -> Result<Traces, InitError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = filter_of(filter, collector.is_some()).map_err(InitError::Filter)?;
    let ansi = color == Color::Auto && io::stderr().is_terminal();
    let (spans, traces) = match collector {
        Some(collector) => {
            let (spans, traces) = traces::start(collector).map_err(InitError::Traces)?;
            (Some(spans), traces)
        }
        None => (None, Traces::default()),
    };
    dispatch(filter, format, ansi, output, notices, spans)
        .try_init()
        .map_err(InitError::Twice)?;
    Ok(traces)
}

fn dispatch<W>(
    filter: EnvFilter,
    format: Format,
    ansi: bool,
    output: W,
    notices: Option<Arc<dyn Notices>>,
    spans: Option<Spans>,
) -> Dispatch
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = fmt::layer().with_writer(output).with_ansi(ansi);
    match format {
        Format::Text => layered(filter, lines, notices, spans),
        Format::Json => layered(filter, lines.json().flatten_event(true), notices, spans),
    }
}

/// With `traced`, the spans of traces are enabled, whatever `text` says; without, they are disabled at their source.
fn filter_of(text: &str, traced: bool) -> Result<EnvFilter, ParseError> {
    let level = if traced { "trace" } else { "off" };
    let spans = format!("{TRACES}={level}").parse()?;
    Ok(EnvFilter::builder().parse(text)?.add_directive(spans))
}

/// Lines see nothing of `spans`.
fn layered<L>(
    filter: EnvFilter,
    lines: L,
    notices: Option<Arc<dyn Notices>>,
    spans: Option<Spans>,
) -> Dispatch
where
    L: Layer<Registry> + Send + Sync,
{
    match spans {
        None => {
            // A directive about spans (`[request]=debug`) goes before those about targets, so the filter is not enough.
            let lines = registry().with(lines);
            noticed(lines.with(filter_fn(is_no_trace)), filter, notices)
        }
        Some(spans) => {
            let lines = lines.with_filter(filter_fn(is_no_trace));
            noticed(registry().with(lines).with(spans.layer()), filter, notices)
        }
    }
}

fn is_no_trace(metadata: &Metadata<'_>) -> bool {
    metadata.target() != TRACES
}

fn noticed<S>(lines: S, filter: EnvFilter, notices: Option<Arc<dyn Notices>>) -> Dispatch
where
    S: Subscriber + for<'s> LookupSpan<'s> + Send + Sync,
{
    match notices {
        Some(place) => lines.with(notices::layer(place)).with(filter).into(),
        None => lines.with(filter).into(),
    }
}

/// An error and its sources, joined by `: `. A part that the text before it says already is left out, because
/// some libraries repeat their source.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let part = error.to_string();
        if !part.is_empty() && !text.contains(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tracing::Level;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Layered {
        text: &'static str,
        source: Option<Box<Layered>>,
    }

    fn layered(texts: &[&'static str]) -> Option<Box<Layered>> {
        let (text, rest) = texts.split_first()?;
        let source = layered(rest);
        Some(Box::new(Layered { text, source }))
    }

    #[test]
    fn chains_without_repeats() {
        let cases: [(&[&str], &str); 4] = [
            (&["no token"], "no token"),
            (&["no token", "refused"], "no token: refused"),
            (
                &["no token: refused", "refused", "reset"],
                "no token: refused: reset",
            ),
            (&["a", "", "b"], "a: b"),
        ];
        for (texts, expected) in cases {
            assert_eq!(chain(&*layered(texts).unwrap()), expected);
        }
    }

    /// What was written or taken.
    #[derive(Debug, Clone, Default)]
    struct Book(Arc<Mutex<Vec<String>>>);

    impl io::Write for Book {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            let text = String::from_utf8_lossy(line).into_owned();
            self.0.lock().unwrap().push(text);
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Notices for Book {
        fn take(&self, level: Level, text: &str) {
            self.0.lock().unwrap().push(format!("{level} {text}"));
        }
    }

    #[test]
    fn lines_in_either_format_go_where_they_should() {
        for (format, line) in [
            (Format::Text, "cannot be used folder=\"data\""),
            (
                Format::Json,
                r#""message":"cannot be used","folder":"data""#,
            ),
        ] {
            for noted in [false, true] {
                let (lines, notices) = (Book::default(), Book::default());
                let output = lines.clone();
                let place = noted.then(|| Arc::new(notices.clone()) as Arc<dyn Notices>);
                let filter = filter_of("info,loud=off", false).unwrap();
                let output = move || output.clone();
                let dispatch = dispatch(filter, format, false, output, place, None);
                tracing::dispatcher::with_default(&dispatch, || {
                    tracing::warn!(folder = "data", "cannot be used");
                    tracing::info!("a request");
                    tracing::debug!("a detail");
                    tracing::error!(target: "loud", "not wanted");
                });
                let lines = lines.0.lock().unwrap();
                assert_eq!(lines.len(), 2, "{lines:?}");
                assert!(lines[0].contains(line), "{lines:?}");
                let expected = noted.then_some("WARN cannot be used folder=\"data\"");
                assert_eq!(*notices.0.lock().unwrap(), Vec::from_iter(expected));
            }
        }
    }

    #[test]
    fn spans_of_traces_cost_nothing_unless_they_are_sent() {
        for (text, traced) in [
            ("info", false),
            ("trace", false),
            ("info,[request]=trace", false),
            ("citrix_odata_proxy[{rows}]=trace", false),
            (
                "citrix_odata_proxy=trace,citrix_odata_proxy::telemetry::span=trace",
                false,
            ),
            ("off", true),
            ("info,citrix_odata_proxy::telemetry::span=off", true),
        ] {
            let filter = filter_of(text, traced).unwrap();
            let dispatch = if traced {
                Dispatch::new(registry().with(filter))
            } else {
                dispatch(filter, Format::Text, false, io::sink, None, None)
            };
            tracing::dispatcher::with_default(&dispatch, || {
                let mut worked_out = false;
                let span = tracing::trace_span!(target: TRACES, "request", rows = {
                    worked_out = true;
                    1
                });
                assert_eq!(span.is_disabled(), !traced, "{text}");
                assert_eq!(worked_out, traced, "{text}");
            });
        }
    }

    #[test]
    fn refuses_a_bad_filter_without_touching_the_log() {
        let (filter, format) = ("info,=loud=", Format::Text);
        let error = init(filter, format, Color::Never, io::sink, None, None).unwrap_err();
        assert!(matches!(error, InitError::Filter(_)));
    }
}
