//! How long the answers of each entity set live when the operator writes no rule.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use citrix_odata_proxy::app;
use citrix_odata_proxy::cache::Lifetime;
use citrix_odata_proxy::config::{self, Config, Flags, GivenSite, Surroundings};
use citrix_odata_proxy::keystore::SystemKeystore;
use citrix_odata_proxy::odata::question::Question;

/// Complete intervals, never computed again.
const SUMMARIES: &[&str] = &[
    "ApplicationActivitySummaries",
    "DesktopOSDesktopSummaries",
    "FailureLogSummaries",
    "LoadIndexSummaries",
    "LogOnSummaries",
    "MachineCostSavingsSummaries",
    "MachineMetricSummary",
    "MachineSummaries",
    "ProcessUtilizationDaySummary",
    "ProcessUtilizationHourSummary",
    "ProcessUtilizationMinuteSummary",
    "ResourceUtilizationSummary",
    "ServerOSDesktopSummaries",
    "SessionActivitySummaries",
    "UserResourceUtilizationSummary",
];

/// Kept for a day or few.
const SHORT_LIVED: &[&str] = &[
    "ApplicationErrors",
    "ApplicationFaults",
    "ComponentResourceUtilizations",
    "MachineMetric",
    "ProcessUtilization",
    "ResourceUtilization",
    "SessionMetrics",
];

/// Come with the product.
const LOOKUPS: &[&str] = &["ConnectionFailureCategories", "Hotfixes", "ProbeStages"];

/// Changed by administrators.
const INVENTORY: &[&str] = &[
    "Applications",
    "Catalogs",
    "DesktopGroups",
    "Hypervisors",
    "MachineCosts",
    "NotificationRuleActions",
    "NotificationRuleGroups",
    "NotificationRuleParameterChangeLogs",
    "NotificationRuleParameters",
    "NotificationRuleTargetValues",
    "NotificationRuleTargets",
    "NotificationRules",
    "NotificationTargets",
    "ProbeDesktop",
    "ProbeEndpoints",
    "ProbeRuleApplications",
    "ProbeRuleDesktop",
    "ProbeRuleEndpoints",
    "ProbeRules",
    "PublishedDesktopNames",
    "Users",
];

/// Change while one looks at them.
const LIVE: &[&str] = &[
    "ApplicationInstances",
    "AutoScalePredictions",
    "CloudConnectorServiceStatus",
    "ConnectionFailureLogs",
    "Connections",
    "LhcReport",
    "LoadIndexes",
    "LogOnMetrics",
    "MachineFailureLogs",
    "MachineHotfixLogs",
    "Machines",
    "Notifications",
    "NotificationsLogs",
    "ProbeLogDesktop",
    "ProbeLogs",
    "ProbeResultDesktop",
    "ProbeResults",
    "ProcessDataLimitedMachines",
    "Processes",
    "SessionAutoReconnects",
    "SessionLogonMetrics",
    "SessionMetricsLatest",
    "SessionRecordingServers",
    "Sessions",
    "SpaApplications",
    "SpaEnumerations",
    "SpaSessions",
    "TaskLogs",
];

/// Not offered, by the default of `sets.deny`.
const DENIED: &[&str] = &[
    "DirectorAgent",
    "NotificationActionEmails",
    "NotificationEmailAddresses",
    "NotificationEmailServerConfigurations",
    "NotificationSnmpConfigurations",
];

#[test]
fn every_set_of_the_monitor_service_has_the_clocks_of_its_kind() {
    let minutes = |fresh, while_revalidate, if_error| Lifetime {
        fresh: Duration::from_mins(fresh),
        while_revalidate: Duration::from_mins(while_revalidate),
        if_error: Duration::from_mins(if_error),
    };
    let (hour, day, week) = (60, 24 * 60, 7 * 24 * 60);
    let kinds = [
        (SUMMARIES, minutes(30, hour, day)),
        (SHORT_LIVED, minutes(5, hour, 6 * hour)),
        (LOOKUPS, minutes(hour, day, week)),
        (INVENTORY, minutes(15, hour, week)),
        (LIVE, minutes(5, hour, day)),
        (DENIED, minutes(5, hour, day)),
        (&["", "$metadata"], minutes(hour, hour, day)),
    ];
    let lifetimes = app::lifetimes(&defaults().cache).unwrap();
    let mut seen = BTreeSet::new();
    for (sets, expected) in kinds {
        for set in sets {
            let question = Question::parse(set, None).unwrap();
            assert_eq!(lifetimes.of(&question), expected, "{set}");
            assert!(seen.insert(*set), "{set}");
        }
    }
    // The sets, the service document and `$metadata`.
    assert_eq!(seen.len(), 79 + 2);
}

/// What applies when only a site is set.
fn defaults() -> Config {
    let surroundings = Surroundings {
        variables: BTreeMap::new(),
        directory: PathBuf::new(),
        config_folder: None,
        data_folder: PathBuf::new(),
        keystore: Arc::new(SystemKeystore::new()),
        log_folder: None,
    };
    let flags = Flags {
        site: Some(GivenSite {
            name: "main".to_owned(),
            region: String::new(),
            endpoint: "http://127.0.0.1:9".to_owned(),
            customer_id: "acme".to_owned(),
            client_id: "client".to_owned(),
            client_secret: "secret".into(),
        }),
        ..Flags::default()
    };
    config::load(&surroundings, &flags).unwrap().config
}
