//! Where values come from, and which wins.

use std::path::Path;

use secrecy::ExposeSecret;

use super::*;

#[test]
fn defaults_are_as_documented() {
    let config = Given::sound("").load().config;
    let site = &config.sites[&SiteId::new("main").unwrap()];
    assert_eq!(
        config.server.listen,
        [
            "127.0.0.1:8484".parse().unwrap(),
            "[::1]:8484".parse().unwrap()
        ]
    );
    assert_eq!(config.server.allowed_hosts, [""; 0]);
    assert_eq!(config.server.public_url, None);
    assert_eq!(config.server.drain.as_secs(), 30);
    assert_eq!(site.profile, Profile::CitrixCloud);
    assert_eq!(site.region, Region::Us);
    assert_eq!(site.endpoint.as_str(), "https://api.cloud.com/");
    assert_eq!(site.token_path, TokenPath::Customer);
    assert_eq!(site.upstream.concurrency.get(), 1);
    assert_eq!(site.upstream.page_timeout.as_secs(), 60);
    assert_eq!(site.upstream.retry_budget.as_secs(), 600);
    assert_eq!(site.upstream.queue_limit, 256);
    assert_eq!(config.cache.memory, 256 << 20);
    assert_eq!(config.cache.spool, 8 << 30);
    assert_eq!(config.cache.disk, 4 << 30);
    assert_eq!(config.cache.ttl.as_secs(), 300);
    assert_eq!(config.cache.metadata_ttl.as_secs(), 3600);
    assert_eq!(config.cache.stale_while_revalidate.as_secs(), 3600);
    assert_eq!(config.cache.stale_if_error.as_secs(), 86400);
    assert!(config.cache.refresh_ahead);
    let summaries = Rule {
        sets: vec!["*Summaries".to_owned(), "*Summary".to_owned()],
        ttl: Duration::from_mins(30),
        stale_while_revalidate: Duration::from_hours(1),
        stale_if_error: Duration::from_hours(24),
    };
    assert_eq!(config.cache.rules[0], summaries);
    assert_eq!(config.cache.rules.len(), 4);
    assert_eq!(config.warm, []);
    assert_eq!(
        config.sets.deny,
        [
            "DirectorAgent",
            "NotificationAction*",
            "NotificationEmail*",
            "NotificationSnmp*"
        ]
    );
    assert_eq!(
        config.log,
        Log {
            filter: "info".to_owned(),
            format: Format::Text,
            color: Color::Auto,
            files: None,
            traces: None,
        }
    );
    assert_eq!(config.data_dir, Path::new("/platform/data"));
}

#[test]
fn later_sources_win() {
    let mut given = Given::sound(
        "[server]\nlisten = ['127.0.0.1:1']\n[log]\nfilter = 'warn'\n[cache]\nttl = '1m'",
    );
    let listen = |given: &Given| given.load().config.server.listen[0].port();
    assert_eq!(listen(&given), 1);
    given = given.variable("CITRIX_ODATA_PROXY__SERVER__LISTEN", "127.0.0.1:2, [::1]:2");
    assert_eq!(listen(&given), 2);
    assert_eq!(given.load().config.server.listen.len(), 2);
    given.flags.listen = vec!["127.0.0.1:3".to_owned(), "[::1]:3".to_owned()];
    assert_eq!(listen(&given), 3);

    given = given.variable("CITRIX_ODATA_PROXY__LOG__FILTER", "error");
    assert_eq!(given.load().config.log.filter, "error");
    given = given
        .variable("RUST_LOG", "debug")
        .variable("NO_COLOR", "1");
    assert_eq!(given.load().config.log.filter, "debug");
    assert_eq!(given.load().config.log.color, Color::Never);
    assert_eq!(log(&given.surroundings).unwrap().filter, "debug");
    assert_eq!(given.load().config.cache.ttl.as_secs(), 60);
}

#[test]
fn finds_the_file() {
    let elsewhere = Given::nothing().with("platform/citrix-odata-proxy.toml", SITE);
    assert!(
        elsewhere
            .load()
            .file
            .unwrap()
            .ends_with("platform/citrix-odata-proxy.toml")
    );

    let both = elsewhere.with("citrix-odata-proxy.toml", SITE);
    assert_eq!(
        both.load().file.unwrap(),
        both.folder.path().join("citrix-odata-proxy.toml")
    );

    let mut named = both.with("other.toml", SITE);
    named.flags.file = Some(PathBuf::from("other.toml"));
    assert_eq!(
        named.load().file.unwrap(),
        named.folder.path().join("other.toml")
    );

    named.flags.file = Some(PathBuf::from("missing.toml"));
    insta::assert_snapshot!(named.problems(), @"
    the settings have a problem:

    settings file
      from:    flag --config
      problem: `DIR/missing.toml` does not exist
      hint:    check the path; a relative one starts at the working directory
    ");
    named.flags.file = Some(PathBuf::from("platform"));
    assert!(named.problems().contains("cannot be read"));
    insta::assert_snapshot!(Given::nothing().problems(), @"
    the settings have a problem:

    sites
      problem: no site is configured
      hint:    no settings file was found at `DIR/citrix-odata-proxy.toml` or `DIR/platform/citrix-odata-proxy.toml`; let `citrix-odata-proxy init` write one, name one with --config, or set the variables CITRIX_CUSTOMER_ID, CITRIX_CLIENT_ID and CITRIX_CLIENT_SECRET
    ");
}

#[test]
fn makes_a_site_from_well_known_variables_when_there_is_none() {
    let given = Given::file("[server]\ndrain = '5s'")
        .with("secret.txt", "hunter2\n")
        .variable("CITRIX_CUSTOMER_ID", "acme1234")
        .variable("CITRIX_CLIENT_ID", "client-1")
        .variable("CITRIX_CLIENT_SECRET", "")
        .variable("CITRIX_CLIENT_SECRET_FILE", "secret.txt")
        .variable("CITRIX_REGION", "EU")
        .variable("CITRIX_ENDPOINT", "https://api-eu.cloud.com/monitorodata/");
    let config = given.load().config;
    let site = &config.sites[&SiteId::new("main").unwrap()];
    assert_eq!(site.customer_id, "acme1234");
    assert_eq!(site.region, Region::Eu);
    assert_eq!(site.endpoint.as_str(), "https://api-eu.cloud.com/");
    assert_eq!(site.client_secret.expose_secret(), "hunter2");

    let configured = given.with("citrix-odata-proxy.toml", SITE.replace("main", "own"));
    let names: Vec<_> = configured.load().config.sites.into_keys().collect();
    assert_eq!(names, [SiteId::new("own").unwrap()]);
}

#[test]
fn the_demo_brings_its_own_site() {
    let mut given = Given::file("[nonsense]\na = 1")
        .variable("CITRIX_ODATA_PROXY__CACHE__TTL", "nonsense")
        .variable("RUST_LOG", "debug");
    given.flags.site = Some(GivenSite {
        name: "main".to_owned(),
        region: String::new(),
        endpoint: "http://127.0.0.1:9".to_owned(),
        customer_id: "demo".to_owned(),
        client_id: "demo-client".to_owned(),
        client_secret: "hunter2".into(),
    });
    let loaded = given.load();
    assert_eq!(loaded.config.log.filter, "debug");
    assert_eq!(loaded.config.sites.len(), 1);
    assert!(!format!("{loaded:?} {:?}", given.flags).contains("hunter2"));
}

#[test]
#[expect(clippy::too_many_lines, reason = "one picture of all settings")]
fn reports_values_with_origins_and_without_secrets() {
    let mut given = Given::sound("[server]\nlisten = ['127.0.0.1:1']")
        .variable("CITRIX_ODATA_PROXY__SITES__MAIN__REGION", "JP")
        .variable("CITRIX_ODATA_PROXY__SERVER__ALLOWED_HOSTS", "a.test,b.test")
        .variable("CITRIX_ODATA_PROXY__SITES__OTHER__CUSTOMER_ID", "acme2")
        .variable("CITRIX_ODATA_PROXY__SITES__OTHER__CLIENT_ID", "client-2")
        .variable(
            "CITRIX_ODATA_PROXY__SITES__OTHER__CLIENT_SECRET_ENV",
            "OTHER_SECRET",
        )
        .variable("OTHER_SECRET", "hunter2");
    given.flags.data_dir = Some("elsewhere".to_owned());
    let loaded = given.load();
    assert!(!format!("{loaded:?} {:?}", given.surroundings).contains("hunter2"));
    assert_eq!(
        loaded.config.data_dir,
        given.folder.path().join("elsewhere")
    );
    let report = loaded.report.to_string();
    let (data_dir, others): (Vec<_>, Vec<_>) = report
        .lines()
        .partition(|line| line.starts_with("data_dir"));
    assert!(data_dir[0].ends_with("# flag --data-dir"));
    insta::assert_snapshot!(given.neutral(&others.join("\n")), @r#"
    # settings file: DIR/citrix-odata-proxy.toml
    server.listen = ["127.0.0.1:1"]                           # DIR/citrix-odata-proxy.toml, line 2
    server.allowed_hosts = ["a.test", "b.test"]               # variable CITRIX_ODATA_PROXY__SERVER__ALLOWED_HOSTS
    server.public_url = ""                                    # default
    server.anonymous = "off"                                  # default
    server.plain_http = "off"                                 # default
    server.cors_origins = []                                  # default
    server.keys = []                                          # default
    server.tls.certificate_file = ""                          # default
    server.tls.key_file = ""                                  # default
    server.limits.connections = 1024                          # default
    server.limits.connections_per_address = 256               # default, a quarter of all
    server.limits.header_bytes = "64KiB"                      # default
    server.limits.requests_per_second = 200                   # default
    server.drain = "30s"                                      # default
    cache.memory = "256MiB"                                   # default
    cache.spool = "8GiB"                                      # default
    cache.disk = "4GiB"                                       # default
    cache.ttl = "5m"                                          # default
    cache.metadata_ttl = "1h"                                 # default
    cache.stale_while_revalidate = "1h"                       # default
    cache.stale_if_error = "24h"                              # default
    cache.refresh_ahead = "on"                                # default
    cache.rules = [{ sets = ["*Summaries", "*Summary"], ttl = "30m" }, { sets = ["ResourceUtilization", "ProcessUtilization", "ComponentResourceUtilizations", "MachineMetric", "SessionMetrics", "ApplicationErrors", "ApplicationFaults"], stale_if_error = "6h" }, { sets = ["ConnectionFailureCategories", "Hotfixes", "ProbeStages"], stale_if_error = "7days", stale_while_revalidate = "24h", ttl = "1h" }, { sets = ["Applications", "Catalogs", "DesktopGroups", "Hypervisors", "MachineCosts", "NotificationRule*", "NotificationTargets", "ProbeDesktop", "ProbeEndpoints", "ProbeRule*", "PublishedDesktopNames", "Users"], stale_if_error = "7days", ttl = "15m" }]  # default
    warm = []                                                 # default
    sets.deny = ["DirectorAgent", "NotificationAction*", "NotificationEmail*", "NotificationSnmp*"]  # default
    scans.range_walk = "on"                                   # default
    scans.range_columns = []                                  # default
    scans.range_never = []                                    # default
    log.filter = "info"                                       # default
    log.format = "text"                                       # default
    log.folder = ""                                           # default
    log.rotate = "daily"                                      # default
    log.keep = 14                                             # default
    log.traces = ""                                           # default
    sites.main.profile = "citrix-cloud"                       # default
    sites.main.region = "JP"                                  # variable CITRIX_ODATA_PROXY__SITES__MAIN__REGION
    sites.main.customer_id = "acme1234"                       # DIR/citrix-odata-proxy.toml, line 5
    sites.main.client_id = "client-1"                         # DIR/citrix-odata-proxy.toml, line 6
    sites.main.client_secret = "***"                          # DIR/citrix-odata-proxy.toml, line 7
    sites.main.client_secret_file = ""                        # default
    sites.main.client_secret_env = ""                         # default
    sites.main.token_path = "customer"                        # default
    sites.main.upstream.endpoint = "https://api.citrixcloud.jp"  # default, from the region
    sites.main.upstream.concurrency = 1                       # default
    sites.main.upstream.page_timeout = "60s"                  # default
    sites.main.upstream.retry_budget = "10m"                  # default
    sites.main.upstream.queue_limit = 256                     # default
    sites.other.profile = "citrix-cloud"                      # default
    sites.other.region = "us"                                 # default
    sites.other.customer_id = "acme2"                         # variable CITRIX_ODATA_PROXY__SITES__OTHER__CUSTOMER_ID
    sites.other.client_id = "client-2"                        # variable CITRIX_ODATA_PROXY__SITES__OTHER__CLIENT_ID
    sites.other.client_secret = ""                            # default
    sites.other.client_secret_file = ""                       # default
    sites.other.client_secret_env = "OTHER_SECRET"            # variable CITRIX_ODATA_PROXY__SITES__OTHER__CLIENT_SECRET_ENV
    sites.other.token_path = "customer"                       # default
    sites.other.upstream.endpoint = "https://api.cloud.com"   # default, from the region
    sites.other.upstream.concurrency = 1                      # default
    sites.other.upstream.page_timeout = "60s"                 # default
    sites.other.upstream.retry_budget = "10m"                 # default
    sites.other.upstream.queue_limit = 256                    # default
    "#);
}

#[test]
fn what_is_reported_is_a_settings_file() {
    let text = "[server]\nallowed_hosts = ['a.test', 'b.test']\n\
        [[warm]]\nquestion = 'Users?$top=1'\ncron = '0 6 * * *'\n\
        [[warm]]\nquestion = 'Sessions'\nevery = '1h'";
    let given = Given::sound(text).load();
    let report = given.report.to_string();
    let again = Given::file(&report.replace("***", "hunter2")).load();
    assert_eq!(again.config.server.allowed_hosts, ["a.test", "b.test"]);
    assert_eq!(again.config.cache.rules, given.config.cache.rules);
    assert_eq!(again.config.warm, given.config.warm);
    let warm = report.lines().find(|line| line.starts_with("warm = "));
    let said = "[{ cron = \"0 6 * * *\", question = \"Users?$top=1\" }, ";
    assert!(warm.is_some_and(|line| line.contains(said)), "{report}");
}
