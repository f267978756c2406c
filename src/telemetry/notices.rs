//! What an administrator has to know, in a place of its own beside the log: the event log of Windows.
//!
//! These are warnings, errors, and lines with the target [`NOTICE`].

use std::io::{self, Write};
use std::sync::Arc;

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::registry::LookupSpan;

/// A place for notices.
pub trait Notices: Send + Sync {
    /// Takes one, of one or more lines without a line's end. It has nobody to tell when that fails.
    fn take(&self, level: Level, text: &str);
}

/// The target of lines that are noted though they are no warnings.
pub const NOTICE: &str = "citrix_odata_proxy::telemetry::notice";

/// Gives warnings, errors and notices to `place`.
pub(super) fn layer<S>(place: Arc<dyn Notices>) -> impl Layer<S>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    // The place notes time and level by itself.
    fmt::layer()
        .without_time()
        .with_level(false)
        .with_target(false)
        .with_ansi(false)
        .with_writer(Desk(place))
        .with_filter(filter_fn(matters))
}

fn matters(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::WARN || metadata.target() == NOTICE
}

/// Where the lines are handed in.
struct Desk(Arc<dyn Notices>);

/// One line on its way, with its level.
struct Slip<'a> {
    place: &'a dyn Notices,
    level: Level,
}

impl<'a> MakeWriter<'a> for Desk {
    type Writer = Slip<'a>;

    fn make_writer(&'a self) -> Slip<'a> {
        let place = &*self.0;
        let level = Level::INFO;
        Slip { place, level }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Slip<'a> {
        let level = *metadata.level();
        Slip {
            level,
            ..self.make_writer()
        }
    }
}

impl Write for Slip<'_> {
    /// Called once for each line, with all of it.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        self.place.take(self.level, text.trim_end());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::registry;

    use super::*;

    #[derive(Default)]
    struct Book(Mutex<Vec<(Level, String)>>);

    impl Notices for Book {
        fn take(&self, level: Level, text: &str) {
            self.0.lock().unwrap().push((level, text.to_owned()));
        }
    }

    #[test]
    fn warnings_errors_and_notices_are_taken_and_nothing_else() {
        let book = Arc::new(Book::default());
        let subscriber = registry().with(layer(Arc::clone(&book) as Arc<dyn Notices>));
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!("a request");
            tracing::info!(target: NOTICE, "the service runs");
            tracing::info!(target: "citrix_odata_proxy::telemetry", "no notice");
            tracing::warn!(folder = %"C:\\data", "cannot be used");
            tracing::error!("two\nlines");
        });
        let expected = [
            (Level::INFO, "the service runs"),
            (Level::WARN, "cannot be used folder=C:\\data"),
            (Level::ERROR, "two\nlines"),
        ];
        let expected = expected.map(|(level, text)| (level, text.to_owned()));
        assert_eq!(*book.0.lock().unwrap(), expected);
    }
}
