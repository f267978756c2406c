//! Running scans as lines that change on the terminal, below the log.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::time::{MissedTickBehavior, interval};

use super::{Failure, collector};
use crate::config::Log;
use crate::gateway::{Gateway, PROGRESS_LOG_TARGET, ScanStatus};
use crate::telemetry::{self, Traces};

/// Lines at the bottom of the terminal.
#[derive(Debug)]
pub(super) struct Live {
    all: MultiProgress,
    /// One a scan, in their order.
    lines: Vec<ProgressBar>,
}

impl Live {
    /// Lines on standard error; `None` when that is no terminal.
    pub(super) fn on_terminal() -> Option<Self> {
        // What draws to standard error unless told otherwise.
        let all = MultiProgress::new();
        io::stderr().is_terminal().then(|| Self::on(all))
    }

    fn on(all: MultiProgress) -> Self {
        let lines = Vec::new();
        Self { all, lines }
    }

    /// Sends log lines to standard error, above the live ones. What the live ones show is not logged as well.
    /// Traces are sent until what is returned is dropped.
    pub(super) fn begin_log(&self, log: &Log) -> Result<Traces, Failure> {
        let filter = format!("{},{PROGRESS_LOG_TARGET}=warn", log.filter);
        let all = self.all.clone();
        let above = move || Above {
            all: all.clone(),
            output: io::stderr(),
        };
        let traces = collector(log)?;
        let (format, color) = (log.format, log.color);
        Ok(telemetry::init(
            &filter, format, color, above, None, traces,
        )?)
    }

    /// Shows the scans of `gateway` until it is dropped.
    pub(super) async fn show(mut self, gateway: Gateway) {
        let mut ticks = interval(REDRAW_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            self.draw(gateway.scans());
        }
    }

    /// Draws a line for each scan of more than one page; others are over before they can be read.
    fn draw(&mut self, mut scans: Vec<ScanStatus>) {
        scans.retain(|scan| scan.pace.pages > 1);
        for line in self.lines.drain(scans.len().min(self.lines.len())..) {
            line.finish_and_clear();
            self.all.remove(&line);
        }
        while self.lines.len() < scans.len() {
            self.lines.push(self.all.add(ProgressBar::no_length()));
        }
        for (line, scan) in self.lines.iter().zip(&scans) {
            line.set_style(style(scan.pace.expected_rows.is_some()));
            line.set_message(format!("{}: {}", scan.set, scan.pace));
            line.update(|state| {
                state.set_len(scan.pace.expected_rows.unwrap_or(u64::MAX));
                state.set_pos(scan.pace.rows);
            });
        }
    }
}

/// A bar when the end is known, else a sign of life. What is too wide for the terminal is cut.
fn style(bounded: bool) -> ProgressStyle {
    let template = if bounded {
        "[{bar:24}] {wide_msg}"
    } else {
        "{spinner} {wide_msg}"
    };
    let style = ProgressStyle::with_template(template);
    style
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

/// Writes above live lines, which are taken away meanwhile. A log line comes in one piece.
struct Above<W> {
    all: MultiProgress,
    output: W,
}

impl<W: Write> Write for Above<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.all.suspend(|| self.output.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

const REDRAW_EVERY: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use indicatif::{InMemoryTerm, ProgressDrawTarget, TermLike};

    use super::*;
    use crate::gateway::Pace;
    use crate::odata::name::SiteId;

    fn scan(set: &str, pages: u64, expected_rows: Option<u64>) -> ScanStatus {
        ScanStatus {
            site: SiteId::new("main").unwrap(),
            set: set.to_owned(),
            shape: format!("{set}?$filter=UserName eq ?"),
            pace: Pace {
                rows: pages * 1000,
                pages,
                rows_per_second: None,
                expected_rows,
                way: None,
            },
            clients: 1,
            elapsed: Duration::from_secs(1),
        }
    }

    /// A log that goes to the same terminal.
    struct Log(InMemoryTerm);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let line = std::str::from_utf8(bytes).unwrap();
            self.0.write_line(line.trim_end())?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_change_in_place_and_the_log_stays_above_them() {
        let terminal = InMemoryTerm::new(10, 60);
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(terminal.clone()), 255);
        let mut live = Live::on(MultiProgress::with_draw_target(target));
        let mut log = Above {
            all: live.all.clone(),
            output: Log(terminal.clone()),
        };
        let seen = |live: &Live| {
            // Draws that come too fast after one another are put off.
            live.all.suspend(|| {});
            terminal.contents()
        };

        live.draw(vec![
            scan("Sessions", 2, Some(8000)),
            scan("Users", 1, None),
        ]);
        let bar = "[======>                 ] Sessions: 2,000 of about 8,000 ro";
        assert_eq!(seen(&live), bar);

        log.write_all(b"GET Sessions 200 complete\n").unwrap();
        assert_eq!(seen(&live), format!("GET Sessions 200 complete\n{bar}"));

        live.draw(vec![scan("Users", 2, None)]);
        let text = seen(&live);
        assert!(text.starts_with("GET Sessions 200 complete\n"), "{text}");
        assert!(text.ends_with(" Users: 2,000 rows"), "{text}");
        assert_eq!(text.lines().count(), 2, "{text}");

        live.draw(vec![]);
        assert_eq!(seen(&live), "GET Sessions 200 complete");
    }
}
