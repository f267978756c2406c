//! Processor time of a server, as Linux counts it.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

/// User and system time that the process `root`, its children, their children and so on have taken since they began.
pub(crate) fn time(root: u32) -> Duration {
    let processes = processes();
    let mut ticks = 0;
    let mut open = vec![root];
    while let Some(id) = open.pop() {
        ticks += processes.get(&id).map_or(0, |process| process.ticks);
        let children = processes.iter().filter(|(_, child)| child.parent == id);
        open.extend(children.map(|(&child, _)| child));
    }
    Duration::from_millis(ticks * MILLISECONDS_PER_TICK)
}

struct Process {
    parent: u32,
    /// Its own, with all threads, and that of children that have ended.
    ticks: u64,
}

/// All processes by their numbers. One that ends meanwhile is left out.
fn processes() -> HashMap<u32, Process> {
    let ids = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    ids.filter_map(|id: u32| Some((id, process(id)?))).collect()
}

/// Reads `/proc/ID/stat`: after the name, in brackets, the third field and those behind it.
fn process(id: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    // Fields 14 to 17: user and system time, of the process and of ended children.
    let times = fields.get(11..15)?;
    Some(Process {
        parent: fields.get(1)?.parse().ok()?,
        ticks: times
            .iter()
            .filter_map(|time| time.parse::<u64>().ok())
            .sum(),
    })
}

/// Programs are told times in hundredths of a second, whatever the kernel counts in.
const MILLISECONDS_PER_TICK: u64 = 10;
