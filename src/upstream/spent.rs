//! What a retry budget was spent on, for those who are told that it is used up.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::error::rounded;
use super::retry::Failure;

/// The attempts of one answer that failed, and the time that they and the pauses took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spent {
    /// How often upstream answered with each status.
    pub statuses: BTreeMap<u16, u32>,
    /// How often it did not answer within the page timeout.
    pub timeouts: u32,
    /// How often the connection failed.
    pub faults: u32,
    /// How often its answer made no sense.
    pub implausible: u32,
    /// Time in attempts that failed.
    pub attempting: Duration,
    /// Time in pauses of our own, before another attempt.
    pub pausing: Duration,
    /// Time in pauses of the lane, which upstream asked for.
    pub held: Duration,
}

impl Spent {
    /// All of the time.
    pub fn time(&self) -> Duration {
        self.attempting
            .saturating_add(self.pausing)
            .saturating_add(self.held)
    }

    /// Counts an attempt that failed.
    pub(super) fn count(&mut self, failure: Failure) {
        let count = self.count_of(failure);
        *count = count.saturating_add(1);
    }

    /// Takes one back.
    pub(super) fn uncount(&mut self, failure: Failure) {
        let count = self.count_of(failure);
        *count = count.saturating_sub(1);
    }

    fn count_of(&mut self, failure: Failure) -> &mut u32 {
        match failure {
            Failure::Status(status) => self.statuses.entry(status).or_default(),
            Failure::Timeout => &mut self.timeouts,
            Failure::Fault(_) => &mut self.faults,
            Failure::Implausible => &mut self.implausible,
        }
    }

    /// The same in brackets, with a blank before; nothing when there is nothing to tell.
    pub(crate) fn aside(&self) -> String {
        match self.to_string() {
            text if text.is_empty() => text,
            text => format!(" ({text})"),
        }
    }
}

/// `14 times status 429, once no answer in time; 9m 40s of it in pauses that Citrix asked for`; nothing when there is
/// nothing to tell.
impl fmt::Display for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let statuses = self.statuses.iter();
        let statuses = statuses.map(|(status, count)| (*count, format!("status {status}")));
        let others = [
            (self.timeouts, "no answer in time"),
            (self.faults, "a failed connection"),
            (self.implausible, "an answer that made no sense"),
        ];
        let others = others.map(|(count, what)| (count, what.to_owned()));
        let counts: Vec<String> = statuses
            .chain(others)
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{} {what}", times(count)))
            .collect();
        f.write_str(&counts.join(", "))?;
        if self.held >= WORTH_TELLING {
            let separator = if counts.is_empty() { "" } else { "; " };
            let held = rounded(self.held);
            write!(f, "{separator}{held} of it in pauses that Citrix asked for")?;
        }
        Ok(())
    }
}

fn times(count: u32) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        count => format!("{count} times"),
    }
}

/// Less than so much is not told.
const WORTH_TELLING: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::TransportFault;

    #[test]
    fn words() {
        let told = |failures: &[(Failure, u32)], held: u64| {
            let mut spent = Spent {
                held: Duration::from_secs(held),
                ..Spent::default()
            };
            for (failure, count) in failures {
                (0..*count).for_each(|_| spent.count(*failure));
            }
            spent.aside()
        };
        assert_eq!(told(&[], 0), "");
        assert_eq!(
            told(&[(Failure::Status(429), 14)], 580),
            " (14 times status 429; 9m 40s of it in pauses that Citrix asked for)"
        );
        assert_eq!(
            told(&[], 30),
            " (30s of it in pauses that Citrix asked for)"
        );
        let all = [
            (Failure::Timeout, 2),
            (Failure::Status(503), 3),
            (Failure::Fault(TransportFault::Cut), 1),
            (Failure::Fault(TransportFault::Dns), 1),
            (Failure::Status(429), 1),
            (Failure::Implausible, 1),
        ];
        assert_eq!(
            told(&all, 0),
            " (once status 429, 3 times status 503, twice no answer in time, twice a failed connection, \
             once an answer that made no sense)"
        );
    }

    #[test]
    fn time_is_the_sum() {
        let seconds = Duration::from_secs;
        let spent = Spent {
            attempting: seconds(1),
            pausing: seconds(20),
            held: seconds(300),
            ..Spent::default()
        };
        assert_eq!(spent.time(), seconds(321));
    }
}
