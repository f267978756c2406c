//! What the proxy takes of the machine, over time.

use std::fmt;

use super::harness::mebibytes;
use super::harness::server::Server;

/// Memory in bytes, and open files.
#[derive(Debug, Clone, Copy, Default)]
struct Sample {
    memory: u64,
    files: usize,
}

/// Samples in their order.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    under_load: Vec<Sample>,
    at_rest: Sample,
}

impl Samples {
    pub(crate) fn take(&mut self, server: &Server) {
        self.under_load.push(sample(server));
    }

    /// When nobody asks any more.
    pub(crate) fn take_at_rest(&mut self, server: &Server) {
        self.at_rest = sample(server);
    }

    /// The latest, in words.
    pub(crate) fn last(&self) -> String {
        self.under_load
            .last()
            .map(ToString::to_string)
            .unwrap_or_default()
    }

    /// Whether the last quarter needs no more than the second, but for a tenth.
    pub(crate) fn are_level(&self) -> bool {
        let (before, after) = self.quarters();
        // Where the system tells nothing, all are 0.
        after.memory <= before.memory + before.memory / 10
            && after.files <= before.files + before.files / 10
            && self.at_rest.files <= FILES_AT_REST
    }

    /// The medians of the second and of the last quarter.
    fn quarters(&self) -> (Sample, Sample) {
        let quarter = self.under_load.len() / 4;
        let second = self.under_load.iter().skip(quarter).take(quarter);
        let last = self.under_load.iter().rev().take(quarter);
        (median(second), median(last))
    }
}

impl fmt::Display for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, after) = self.quarters();
        writeln!(f, "second quarter: {before}")?;
        writeln!(f, "last quarter: {after}")?;
        writeln!(f, "at rest: {}", self.at_rest)?;
        write!(
            f,
            "{}",
            if self.are_level() {
                "level"
            } else {
                "NOT level"
            }
        )
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "memory {}, files {}",
            mebibytes(Some(self.memory)),
            self.files
        )
    }
}

fn median<'a>(samples: impl Iterator<Item = &'a Sample>) -> Sample {
    let (mut memory, mut files): (Vec<_>, Vec<_>) =
        samples.map(|sample| (sample.memory, sample.files)).unzip();
    memory.sort_unstable();
    files.sort_unstable();
    Sample {
        memory: memory.get(memory.len() / 2).copied().unwrap_or_default(),
        files: files.get(files.len() / 2).copied().unwrap_or_default(),
    }
}

/// Open files are told by Linux alone.
fn sample(server: &Server) -> Sample {
    let files = std::fs::read_dir(format!("/proc/{}/fd", server.id()));
    Sample {
        memory: server.memory("VmRSS").unwrap_or_default(),
        files: files.map(Iterator::count).unwrap_or_default(),
    }
}

/// Sockets that it listens on, what the runtime needs, connections to upstream, and a few files.
const FILES_AT_REST: usize = 64;
