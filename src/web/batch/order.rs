//! What becomes of each request of a batch, after what became of those before it. Pure.
//!
//! They are asked one after the other, in the order in which they stand: that is what the multipart format demands, it
//! honours every `dependsOn`, and Citrix answers one query at a time anyway.

use std::collections::HashSet;

use super::item::{Label, Planned};

/// What has become of the requests so far.
#[derive(Debug)]
pub(crate) struct Order {
    continues: bool,
    stopped: bool,
    /// Ids and groups of those that did not go well.
    failed: HashSet<String>,
}

/// What to do with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Ask it.
    Ask,
    /// Something that it depends on has failed.
    FailedDependency,
    /// Nothing, nor with those behind it: the batch ends here.
    End,
}

impl Order {
    /// At the beginning. `continues`: whether requests behind a failed one are asked.
    pub(crate) fn new(continues: bool) -> Self {
        Self {
            continues,
            stopped: false,
            failed: HashSet::new(),
        }
    }

    /// What to do with the next request.
    pub(crate) fn step(&self, next: &Planned) -> Step {
        if self.stopped {
            return Step::End;
        }
        let failed = next
            .depends_on
            .iter()
            .any(|name| self.failed.contains(name));
        if failed {
            Step::FailedDependency
        } else {
            Step::Ask
        }
    }

    /// The request with this label was answered with this status. 304 is what the client asked for.
    pub(crate) fn answered(&mut self, label: &Label, status: u16) {
        if status < 400 {
            return;
        }
        self.stopped = !self.continues;
        let names = [&label.id, &label.group];
        self.failed.extend(names.into_iter().flatten().cloned());
    }
}

#[cfg(test)]
mod tests {
    use super::super::item::refusal;
    use super::*;

    fn planned(id: &str, group: Option<&str>, depends_on: &[&str]) -> Planned {
        Planned {
            label: Label {
                id: Some(id.to_owned()),
                group: group.map(str::to_owned),
            },
            depends_on: depends_on.iter().map(|name| (*name).to_owned()).collect(),
            target: Err(refusal("")),
        }
    }

    /// `answers` are those to the requests that are asked; a failed dependency is answered with 424.
    fn walk(continues: bool, answers: &[u16]) -> String {
        let requests = [
            planned("1", None, &[]),
            planned("2", Some("g"), &["1"]),
            planned("3", None, &["g"]),
            planned("4", None, &["3", "1"]),
            planned("5", None, &[]),
        ];
        let (mut order, mut answers) = (Order::new(continues), answers.iter());
        let mut walked = Vec::new();
        for request in &requests {
            let status = match order.step(request) {
                Step::Ask => *answers.next().unwrap(),
                Step::FailedDependency => 424,
                Step::End => break,
            };
            order.answered(&request.label, status);
            walked.push(status.to_string());
        }
        walked.join(" ")
    }

    #[test]
    fn goes_on_to_the_end_unless_something_fails() {
        let well = "200 200 304 200 204";
        for continues in [true, false] {
            assert_eq!(walk(continues, &[200, 200, 304, 200, 204]), well);
        }
    }

    #[test]
    fn stops_at_the_first_failure_unless_it_is_to_go_on() {
        assert_eq!(walk(false, &[404]), "404");
        assert_eq!(walk(false, &[200, 200, 503]), "200 200 503");
        assert_eq!(walk(true, &[200, 200, 404, 200]), "200 200 404 424 200");
    }

    #[test]
    fn what_depends_on_a_failure_fails_and_so_on() {
        assert_eq!(walk(true, &[404, 200]), "404 424 424 424 200");
        assert_eq!(walk(true, &[200, 405, 200]), "200 405 424 424 200");
    }
}
