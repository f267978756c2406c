//! Which sets are walked by date, and by which column. Pure.
//!
//! A range walk asks for rows from the last date on, in place of `$skip`, which gets slower with every page. It pays
//! where the date is indexed, and it is safe where a row's date does not change: so of the columns that Citrix
//! publishes as indexed, those that say when something began.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// The operator's decision, over what is known of the service.
#[derive(Debug, Clone)]
pub struct RangeRules {
    /// Nothing is walked by date.
    off: bool,
    /// Set and column, in place of the known ones.
    added: Vec<(String, String)>,
    never: GlobSet,
}

impl RangeRules {
    /// The known columns with `added` ones (set, column) in place of them, but for the sets that a glob in `never`
    /// names. Names fold case. The error is a glob that cannot be read.
    pub fn new(added: &[(String, String)], never: &[String]) -> Result<Self, globset::Error> {
        let mut globs = GlobSetBuilder::new();
        for glob in never {
            globs.add(GlobBuilder::new(glob).case_insensitive(true).build()?);
        }
        Ok(Self {
            off: false,
            added: added.to_vec(),
            never: globs.build()?,
        })
    }

    /// Nothing is walked by date.
    pub fn none() -> Self {
        Self {
            off: true,
            added: Vec::new(),
            never: GlobSet::empty(),
        }
    }

    /// The date column by which `set` is walked.
    pub fn column(&self, set: &str) -> Option<&str> {
        if self.off || self.never.is_match(set) {
            return None;
        }
        self.date(set)
    }

    /// The indexed date of `set` that clients may filter by, whether or not it is walked by it.
    pub fn date(&self, set: &str) -> Option<&str> {
        let added = self.added.iter().map(|(s, c)| (s.as_str(), c.as_str()));
        let mut known = added.chain(INDEXED_DATES);
        let (_, column) = known.find(|(known, _)| known.eq_ignore_ascii_case(set))?;
        Some(column)
    }
}

/// Columns that the published description of the Monitor Service lists as indexed, where they say when something
/// began or was recorded. `ModifiedDate` and `EndDate` are indexed in some sets, too, but they change. Where several
/// are indexed, it is the one that is there as soon as the row is: `CreatedDate` of `Connections`, whose
/// `LogOnStartDate` comes later or never, and of `MachineFailureLogs`, whose `FailureStartDate` may lie behind rows
/// that were read.
const INDEXED_DATES: [(&str, &str); 33] = [
    ("ApplicationActivitySummaries", "SummaryDate"),
    ("ApplicationErrors", "ErrorReportedDate"),
    ("ApplicationFaults", "FaultReportedDate"),
    ("ApplicationInstances", "StartDate"),
    ("AutoScalePredictions", "PredictionDate"),
    ("ConnectionFailureLogs", "FailureDate"),
    ("Connections", "CreatedDate"),
    ("DesktopOSDesktopSummaries", "SummaryDate"),
    ("FailureLogSummaries", "SummaryDate"),
    ("LhcReport", "StartDate"),
    ("LoadIndexSummaries", "SummaryDate"),
    ("LoadIndexes", "CreatedDate"),
    ("LogOnSummaries", "SummaryDate"),
    ("MachineFailureLogs", "CreatedDate"),
    ("MachineMetric", "CollectedDate"),
    ("MachineSummaries", "SummaryDate"),
    ("ProbeLogDesktop", "ProbeStartTime"),
    ("ProbeLogs", "ProbeStartTime"),
    ("ProcessUtilization", "CollectedDate"),
    ("ProcessUtilizationDaySummary", "SummaryDate"),
    ("ProcessUtilizationHourSummary", "SummaryDate"),
    ("ProcessUtilizationMinuteSummary", "SummaryDate"),
    ("ResourceUtilization", "CollectedDate"),
    ("ResourceUtilizationSummary", "SummaryDate"),
    ("ServerOSDesktopSummaries", "SummaryDate"),
    ("SessionActivitySummaries", "SummaryDate"),
    ("SessionAutoReconnects", "EventTimestamp"),
    ("SessionMetrics", "CollectedDate"),
    ("Sessions", "StartDate"),
    ("SpaApplications", "LaunchTime"),
    ("SpaEnumerations", "StartTime"),
    ("SpaSessions", "StartTime"),
    ("TaskLogs", "RunDate"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(added: &[(&str, &str)], never: &[&str]) -> RangeRules {
        let owned = |text: &&str| (*text).to_owned();
        let added: Vec<_> = added.iter().map(|(s, c)| (owned(s), owned(c))).collect();
        let never: Vec<_> = never.iter().map(owned).collect();
        RangeRules::new(&added, &never).unwrap()
    }

    #[test]
    fn names_fold_case_and_unknown_sets_have_no_column() {
        let rules = rules(&[], &[]);
        for (set, expected) in [
            ("Sessions", Some("StartDate")),
            ("sESSIONS", Some("StartDate")),
            ("Session", None),
            ("Users", None),
            ("", None),
        ] {
            assert_eq!(rules.column(set), expected, "{set}");
        }
    }

    #[test]
    fn added_columns_win_over_known_ones() {
        let rules = rules(&[("sessions", "EndDate"), ("Users", "CreatedDate")], &[]);
        for (set, expected) in [
            ("Sessions", Some("EndDate")),
            ("USERS", Some("CreatedDate")),
            ("Connections", Some("CreatedDate")),
        ] {
            assert_eq!(rules.column(set), expected, "{set}");
        }
    }

    #[test]
    fn never_wins_over_everything() {
        let rules = rules(&[("Users", "CreatedDate")], &["user?", "*summaries"]);
        for (set, expected) in [
            ("Users", None),
            ("LogOnSummaries", None),
            ("ResourceUtilizationSummary", Some("SummaryDate")),
        ] {
            assert_eq!(rules.column(set), expected, "{set}");
        }
        assert!(RangeRules::new(&[], &["[Us".to_owned()]).is_err());
    }

    #[test]
    fn off_is_off_for_all() {
        let rules = RangeRules::none();
        for (set, date) in INDEXED_DATES {
            assert_eq!(rules.column(set), None);
            assert_eq!(rules.date(set), Some(date));
        }
    }

    #[test]
    fn known_sets_are_in_order_and_none_is_there_twice() {
        assert!(INDEXED_DATES.is_sorted_by(|a, b| a.0 < b.0));
    }
}
