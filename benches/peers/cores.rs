//! Processor cores, as `taskset` writes them: `0-1` or `0,2`.

use std::fmt;
use std::process::Command;
use std::str::FromStr;

/// A list of cores, one at least.
#[derive(Debug, Clone)]
pub(crate) struct Cores {
    list: String,
    count: usize,
}

impl Cores {
    /// The first half of this machine's cores, and the second. A machine of one core has it twice.
    pub(crate) fn halves() -> (Self, Self) {
        let all = std::thread::available_parallelism().map_or(1, usize::from);
        let middle = (all / 2).max(1);
        let range = |from: usize, to: usize| format!("{from}-{to}").parse().unwrap();
        (range(0, middle - 1), range(middle.min(all - 1), all - 1))
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// A command that runs on these cores, and is told to end when this process does.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "TERM", "taskset", "--cpu-list", &self.list]);
        command.arg(program);
        command
    }

    /// Puts this process on these cores. Threads that it starts later stay there, too.
    pub(crate) fn take(&self) {
        let done = Command::new("taskset")
            .args(["--pid", "--cpu-list", &self.list])
            .arg(std::process::id().to_string())
            .stdout(std::process::Stdio::null())
            .status()
            .unwrap();
        assert!(done.success(), "taskset refused the cores {self}");
    }
}

impl fmt::Display for Cores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.list)
    }
}

impl FromStr for Cores {
    type Err = String;

    fn from_str(list: &str) -> Result<Self, String> {
        let mut count = 0;
        for part in list.split(',') {
            let (from, to) = part.split_once('-').unwrap_or((part, part));
            let (Ok(from), Ok(to)) = (from.parse::<usize>(), to.parse::<usize>()) else {
                return Err("a list of cores is wanted, such as 0-1 or 0,2".to_owned());
            };
            count += (to + 1).saturating_sub(from);
        }
        if count == 0 {
            return Err("no core is in this list".to_owned());
        }
        Ok(Self {
            list: list.to_owned(),
            count,
        })
    }
}
