//! What a check found, as lines for people and as JSON for programs.

use std::fmt::Write;
use std::time::Duration;

use serde_json::json;

/// The steps of one site in order.
#[derive(Debug, Clone)]
pub struct Report {
    /// The site's name.
    pub site: String,
    /// What was done; always the same steps, whether they were reached or not.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Debug, Clone)]
pub struct Step {
    /// A word or two.
    pub name: &'static str,
    /// How it ended.
    pub outcome: Outcome,
    /// What was found, in one line without secrets.
    pub detail: String,
    /// What to do, when it failed.
    pub remedy: Option<String>,
    /// Which setting is most likely wrong, when it failed for a wrong one.
    pub suspect: Option<Suspect>,
    /// How long it took.
    pub elapsed: Duration,
}

/// Which settings of a site are most likely wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suspect {
    /// The client secret, or the client id.
    Client,
    /// The customer id, the region or the endpoint; or what the client may do there.
    Customer,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// Not as it should be.
    Failed,
    /// Not tried, because it builds on a step that failed.
    Skipped,
}

impl Report {
    /// Whether every step went well.
    pub fn ok(&self) -> bool {
        self.steps.iter().all(|step| step.outcome == Outcome::Ok)
    }

    /// Which settings are most likely wrong: those that the first failure points at.
    pub fn suspect(&self) -> Option<Suspect> {
        let mut failed = self
            .steps
            .iter()
            .filter(|step| step.outcome == Outcome::Failed);
        failed.find_map(|step| step.suspect)
    }
}

impl Outcome {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// The line for one step of a site, without a line break.
pub fn line(site: &str, step: &Step) -> String {
    let outcome = step.outcome.as_str();
    let mut line = format!("{site}: {outcome:<7} {:<16} {}", step.name, step.detail);
    if step.outcome == Outcome::Ok {
        let _ = write!(line, " ({} ms)", step.elapsed.as_millis());
    }
    if let Some(remedy) = &step.remedy {
        let _ = write!(line, ". {remedy}");
    }
    line
}

/// `{"ok":…,"sites":[{"site":…,"ok":…,"steps":[…]}]}`.
pub fn to_json(reports: &[Report]) -> String {
    let step = |step: &Step| {
        json!({
            "name": step.name,
            "outcome": step.outcome.as_str(),
            "detail": step.detail,
            "remedy": step.remedy,
            "elapsed_ms": u64::try_from(step.elapsed.as_millis()).unwrap_or(u64::MAX),
        })
    };
    let site = |report: &Report| {
        json!({
            "site": report.site,
            "ok": report.ok(),
            "steps": report.steps.iter().map(step).collect::<Vec<_>>(),
        })
    };
    json!({
        "ok": reports.iter().all(Report::ok),
        "sites": reports.iter().map(site).collect::<Vec<_>>(),
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    #[test]
    fn lines_and_json() {
        let step = |name, outcome, detail: &str, remedy: Option<&str>| Step {
            name,
            outcome,
            detail: detail.to_owned(),
            remedy: remedy.map(str::to_owned),
            suspect: None,
            elapsed: Duration::from_millis(12),
        };
        let report = Report {
            site: "main".to_owned(),
            steps: vec![
                step("dns", Outcome::Ok, "api.cloud.com is 192.0.2.1", None),
                step(
                    "token",
                    Outcome::Failed,
                    "refused",
                    Some("Check the secret."),
                ),
                step("one row", Outcome::Skipped, "needs token", None),
            ],
        };
        let lines: Vec<String> = report.steps.iter().map(|step| line("main", step)).collect();
        assert_snapshot!(lines.join("\n"), @r"
        main: ok      dns              api.cloud.com is 192.0.2.1 (12 ms)
        main: failed  token            refused. Check the secret.
        main: skipped one row          needs token
        ");
        let json: serde_json::Value = serde_json::from_str(&to_json(&[report])).unwrap();
        assert_eq!(json["ok"], false);
        assert_eq!(json["sites"][0]["site"], "main");
        let expected = json!({
            "name": "token",
            "outcome": "failed",
            "detail": "refused",
            "remedy": "Check the secret.",
            "elapsed_ms": 12,
        });
        assert_eq!(json["sites"][0]["steps"][1], expected);
    }

    #[test]
    fn the_first_failure_says_whom_to_suspect() {
        let step = |outcome, suspect| Step {
            name: "step",
            outcome,
            detail: String::new(),
            remedy: None,
            suspect,
            elapsed: Duration::ZERO,
        };
        let (client, customer) = (Some(Suspect::Client), Some(Suspect::Customer));
        for (steps, expected) in [
            (vec![step(Outcome::Ok, None)], None),
            (vec![step(Outcome::Failed, None)], None),
            (
                vec![
                    // The clock, on which nothing builds.
                    step(Outcome::Failed, None),
                    step(Outcome::Failed, client),
                    step(Outcome::Failed, customer),
                ],
                client,
            ),
            (vec![step(Outcome::Skipped, customer)], None),
        ] {
            let site = "main".to_owned();
            assert_eq!(Report { site, steps }.suspect(), expected);
        }
    }
}
