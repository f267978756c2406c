//! Log output and its filter; the names of the fields used across the program.

mod files;
mod notices;

use std::error::Error;
use std::io::{self, IsTerminal};
use std::sync::Arc;

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

pub use self::files::{FilesError, LogFiles, Rotation};
pub use self::notices::{NOTICE, Notices};

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
}

/// Sends log lines to `output`, by which standard error is reached, from now on, and what matters to the
/// administrator to `notices` as well. `filter` has the syntax of `RUST_LOG`; what it stops goes nowhere.
pub fn init<W>(
    filter: &str,
    format: Format,
    color: Color,
    output: W,
    notices: Option<Arc<dyn Notices>>,
) -> Result<(), InitError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = EnvFilter::builder()
        .parse(filter)
        .map_err(InitError::Filter)?;
    let lines = fmt().with_env_filter(filter).with_writer(output);
    match format {
        Format::Text => {
            let ansi = color == Color::Auto && io::stderr().is_terminal();
            begin(lines.with_ansi(ansi).finish(), notices)
        }
        Format::Json => begin(lines.json().flatten_event(true).finish(), notices),
    }
    .map_err(InitError::Twice)
}

fn begin<S>(lines: S, notices: Option<Arc<dyn Notices>>) -> Result<(), TryInitError>
where
    S: Subscriber + for<'s> LookupSpan<'s> + Send + Sync,
{
    match notices {
        Some(place) => lines.with(notices::layer(place)).try_init(),
        None => lines.try_init(),
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

    #[test]
    fn refuses_a_bad_filter_without_touching_the_log() {
        let error = init("info,=loud=", Format::Text, Color::Never, io::sink, None).unwrap_err();
        assert!(matches!(error, InitError::Filter(_)));
    }
}
