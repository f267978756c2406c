//! When the questions of a schedule are due. Pure: it is told what time it is.
//!
//! All moments are of the wall clock, because schedules are, and because it goes on while the machine sleeps. It may be
//! set: forwards, and what was missed is due once; backwards, and what is next is reckoned anew.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::schedule::Schedule;

/// The questions of one site, each with the moment when it is due next.
#[derive(Debug)]
pub(super) struct Agenda(Vec<Item>);

#[derive(Debug)]
struct Item {
    schedule: Schedule,
    /// Never again, when time ends before.
    next: Option<Timestamp>,
    /// In a row.
    failures: u32,
}

/// How a run ended, as far as it matters for the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// There is an answer.
    Good,
    /// Somebody else has it made, and nobody knows yet how that ends.
    Open,
    /// There is none, and there may be one soon.
    Trouble,
    /// There is none, and there will be none for the same question, unless the service changes.
    Hopeless,
}

impl Agenda {
    /// At first everything is due.
    pub(super) fn new(schedules: impl IntoIterator<Item = Schedule>, now: Timestamp) -> Self {
        let item = |schedule| Item {
            schedule,
            next: Some(now),
            failures: 0,
        };
        Self(schedules.into_iter().map(item).collect())
    }

    /// The question that is due: the one that has been so for longest, of several the first.
    pub(super) fn due(&mut self, now: Timestamp) -> Option<usize> {
        for item in &mut self.0 {
            item.follow_the_clock(now);
        }
        let next = |item: &Item| item.next.filter(|next| *next <= now);
        let due = self.0.iter().enumerate();
        let due = due.filter_map(|(at, item)| Some((next(item)?, at)));
        due.min().map(|(_, at)| at)
    }

    /// How long to wait before the next look: until something is due, and no longer than [`LOOK_EVERY`], because timers
    /// may stand still while the machine sleeps, and the clock may be set.
    pub(super) fn pause(&self, now: Timestamp) -> Duration {
        let next = self.0.iter().filter_map(|item| item.next).min();
        let until = next.map(|next| next.duration_since(now));
        let until = until.and_then(|until| Duration::try_from(until).ok());
        until.map_or(LOOK_EVERY, |until| until.min(LOOK_EVERY))
    }

    /// When the question is due next.
    pub(super) fn next(&self, question: usize) -> Option<Timestamp> {
        self.0.get(question)?.next
    }

    /// A run of the question ended.
    pub(super) fn ended(&mut self, question: usize, began: Timestamp, now: Timestamp, end: End) {
        if let Some(item) = self.0.get_mut(question) {
            item.ended(began, now, end);
        }
    }
}

impl Item {
    /// A clock that was set back must not put off what is due.
    fn follow_the_clock(&mut self, now: Timestamp) {
        let scheduled = self.schedule.next_after(now);
        if let (Some(next), Some(scheduled)) = (&mut self.next, scheduled) {
            *next = scheduled.min(*next);
        }
    }

    fn ended(&mut self, began: Timestamp, now: Timestamp, end: End) {
        self.failures = match end {
            End::Trouble => self.failures.saturating_add(1),
            End::Good | End::Hopeless => 0,
            End::Open => self.failures,
        };
        self.next = match end {
            End::Good => self.following(began),
            End::Hopeless => self.schedule.next_after(now),
            End::Open => self.again(now, PAUSE_MIN),
            End::Trouble => self.again(now, pause(self.failures)),
        };
    }

    /// After a pause, unless the schedule names an earlier moment.
    fn again(&self, now: Timestamp, pause: SignedDuration) -> Option<Timestamp> {
        let again = now.checked_add(pause).ok();
        let scheduled = self.schedule.next_after(now);
        again.min(scheduled).or(scheduled).or(again)
    }

    /// The moment after that of a run that began then. What was missed before it began is over with this run; what was
    /// missed while it went on is due once, and now.
    fn following(&self, began: Timestamp) -> Option<Timestamp> {
        // From when it was due, so that periods do not drift by the time that it waited for others.
        let regular = self.next.and_then(|due| self.schedule.next_after(due));
        regular
            .filter(|next| *next > began)
            .or_else(|| self.schedule.next_after(began))
    }
}

/// How long a question rests after so many failures in a row, the first being 1, unless its schedule names an earlier
/// moment. What upstream asks for when it is busy is respected by its lane.
fn pause(failures: u32) -> SignedDuration {
    let doublings = failures.saturating_sub(1).min(10);
    let pause = PAUSE_MIN.saturating_mul(1 << doublings);
    pause.min(PAUSE_MAX)
}

/// The wall clock is read at least so often.
const LOOK_EVERY: Duration = Duration::from_secs(30);

const PAUSE_MIN: SignedDuration = SignedDuration::from_secs(15);
const PAUSE_MAX: SignedDuration = SignedDuration::from_mins(5);

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn at(time: &str) -> Timestamp {
        format!("2026-03-06T{time}Z").parse().unwrap()
    }

    fn every(minutes: u64) -> Schedule {
        Schedule::every(Duration::from_mins(minutes))
    }

    fn cron(expression: &str) -> Schedule {
        Schedule::cron(expression, TimeZone::UTC).unwrap()
    }

    /// The agenda of one question whose first run took no time at 8:00.
    fn one(schedule: Schedule) -> Agenda {
        let mut agenda = Agenda::new([schedule], at("08:00:00"));
        assert_eq!(agenda.due(at("08:00:00")), Some(0));
        agenda.ended(0, at("08:00:00"), at("08:00:00"), End::Good);
        agenda
    }

    /// When the question is due next, after a run between these times that ended so.
    fn after(mut agenda: Agenda, began: &str, ended: &str, end: End) -> Timestamp {
        assert_eq!(agenda.due(at(began)), Some(0), "{began}");
        agenda.ended(0, at(began), at(ended), end);
        agenda.next(0).unwrap()
    }

    #[test]
    fn at_the_start_one_comes_after_the_other() {
        let start = at("08:00:00");
        let mut agenda = Agenda::new([every(1), cron("0 6 * * *"), every(60)], start);
        for (expected, began, ended) in [
            (Some(0), "08:00:00", "08:05:00"),
            // The first is due again, and the others have been so for longer.
            (Some(1), "08:05:00", "08:06:00"),
            (Some(2), "08:06:00", "08:07:00"),
            (Some(0), "08:07:00", "08:07:10"),
            (None, "08:07:10", ""),
        ] {
            let due = agenda.due(at(began));
            assert_eq!(due, expected, "{began}");
            if let Some(due) = due {
                agenda.ended(due, at(began), at(ended), End::Good);
            }
        }
    }

    #[test]
    fn periods_do_not_drift() {
        let next = after(one(every(60)), "09:00:20", "09:03:00", End::Good);
        assert_eq!(next, at("10:00:00"));
    }

    #[test]
    fn what_was_missed_is_due_once() {
        for (schedule, began, ended, expected) in [
            // The machine slept.
            (every(10), "11:03:00", "11:04:00", "11:13:00"),
            (cron("*/10 * * * *"), "11:03:00", "11:04:00", "11:10:00"),
            // The run took longer than a period: due since then, and so at once.
            (every(10), "08:10:00", "08:55:00", "08:20:00"),
            (cron("*/10 * * * *"), "08:10:00", "08:55:00", "08:20:00"),
        ] {
            let next = after(one(schedule.clone()), began, ended, End::Good);
            assert_eq!(next, at(expected), "{schedule:?} {began}");
        }
        let mut agenda = one(every(10));
        agenda.due(at("08:10:00"));
        agenda.ended(0, at("08:10:00"), at("08:55:00"), End::Good);
        assert_eq!(agenda.due(at("08:55:00")), Some(0));
        agenda.ended(0, at("08:55:00"), at("08:56:00"), End::Good);
        assert_eq!(agenda.due(at("08:56:00")), None);
        assert_eq!(agenda.next(0), Some(at("09:05:00")));
    }

    #[test]
    fn trouble_is_tried_again_after_pauses_that_grow_and_never_later_than_by_schedule() {
        let mut agenda = one(every(60));
        let mut now = at("09:00:00");
        let mut pauses = Vec::new();
        for _ in 0..7 {
            assert_eq!(agenda.due(now), Some(0));
            agenda.ended(0, now, now, End::Trouble);
            let next = agenda.next(0).unwrap();
            pauses.push(next.duration_since(now).as_secs());
            now = next;
        }
        assert_eq!(pauses, [15, 30, 60, 120, 240, 300, 300]);
        agenda.due(now);
        agenda.ended(0, now, now, End::Good);
        agenda.due(at("12:00:00"));
        agenda.ended(0, at("12:00:00"), at("12:00:00"), End::Trouble);
        assert_eq!(agenda.next(0), Some(at("12:00:15")), "counted anew");

        let next = after(one(cron("* * * * *")), "08:01:00", "08:10:50", End::Trouble);
        assert_eq!(next, at("08:11:00"));
    }

    #[test]
    fn what_somebody_else_has_made_is_looked_at_again_soon() {
        let next = after(one(every(60)), "09:00:00", "09:00:30", End::Open);
        assert_eq!(next, at("09:00:45"));
        let next = after(one(cron("* * * * *")), "08:01:00", "08:01:50", End::Open);
        assert_eq!(next, at("08:02:00"));
    }

    #[test]
    fn what_is_hopeless_waits_for_its_schedule() {
        let next = after(one(every(60)), "09:00:00", "09:00:30", End::Hopeless);
        assert_eq!(next, at("10:00:30"));
    }

    #[test]
    fn a_clock_that_is_set_back_puts_nothing_off() {
        let mut agenda = one(every(60));
        assert_eq!(agenda.due(at("03:00:00")), None);
        assert_eq!(agenda.next(0), Some(at("04:00:00")));
        let mut agenda = one(cron("0 6 * * *"));
        assert_eq!(agenda.due(at("05:00:00")), None);
        assert_eq!(agenda.next(0), Some(at("06:00:00")));
    }

    #[test]
    fn the_clock_is_read_every_half_minute() {
        let agenda = one(every(60));
        for (now, expected) in [
            ("08:00:00", 30),
            ("08:59:29", 30),
            ("08:59:45", 15),
            ("08:59:59", 1),
        ] {
            assert_eq!(agenda.pause(at(now)).as_secs(), expected, "{now}");
        }
        assert_eq!(
            Agenda::new([], at("08:00:00")).pause(at("08:00:00")),
            LOOK_EVERY
        );
    }

    #[test]
    fn time_ends() {
        let mut agenda = one(Schedule::every(Duration::MAX));
        assert_eq!(agenda.next(0), None);
        assert_eq!(agenda.due(at("23:00:00")), None);
        assert_eq!(agenda.pause(at("23:00:00")), LOOK_EVERY);
    }
}
