//! Which values are taken, and as what.

use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::*;

#[test]
fn reads_what_notepad_writes() {
    let text = SITE.replace('\n', "\r\n");
    let utf16: Vec<u8> = [0xFF, 0xFE]
        .into_iter()
        .chain(text.bytes().flat_map(|b| [b, 0]))
        .collect();
    for content in [
        text.clone().into_bytes(),
        format!("\u{FEFF}{text}").into_bytes(),
        utf16,
    ] {
        let given = Given::nothing().with("citrix-odata-proxy.toml", &content);
        assert_eq!(given.load().config.sites.len(), 1);
    }
    let given = Given::file(&format!("\u{FEFF}[server]\r\ndrain = 'x'\r\n{text}"));
    assert!(given.problems().contains("citrix-odata-proxy.toml, line 2"));
}

#[test]
fn a_filled_in_example_works() {
    let example = include_str!("../../../config/citrix-odata-proxy.example.toml");
    let filled = example
        .replace("\ncustomer_id = \"\"", "\ncustomer_id = \"acme1234\"")
        .replace("\nclient_id = \"\"", "\nclient_id = \"client-1\"")
        .replace(
            "\nclient_secret_file = \"\"",
            "\nclient_secret_file = 'secret.txt'",
        );
    Given::file(&filled).with("secret.txt", "hunter2").load();

    let problems = Given::file(example).problems();
    assert!(
        problems.starts_with("the settings have 3 problems"),
        "{problems}"
    );
}

#[test]
fn reads_numbers_and_sizes_in_every_form() {
    let cases = [
        ("1000", "1_0", 1000, 10),
        ("'64 MB'", "'2'", 64_000_000, 2),
        ("0x10", "0b11", 16, 3),
    ];
    for (memory, concurrency, bytes, count) in cases {
        let text =
            format!("{SITE}upstream.concurrency = {concurrency}\n[cache]\nmemory = {memory}");
        let config = Given::file(&text).load().config;
        assert_eq!(config.cache.memory, bytes);
        let site = config.sites.values().next().unwrap();
        assert_eq!(site.upstream.concurrency.get(), count);
    }
}

#[test]
fn judges_addresses() {
    let cases = [
        ("https://api-eu.cloud.com", Ok("https://api-eu.cloud.com/")),
        ("https://api-eu.cloud.com/", Ok("https://api-eu.cloud.com/")),
        (
            "https://api-eu.cloud.com/MonitorOData/",
            Ok("https://api-eu.cloud.com/"),
        ),
        ("http://127.0.0.1:8485", Ok("http://127.0.0.1:8485/")),
        ("http://[::1]:8485/monitorodata", Ok("http://[::1]:8485/")),
        ("http://localhost:8485", Ok("http://localhost:8485/")),
        ("http://api-eu.cloud.com", Err("unencrypted")),
        ("http://localhost.evil.test", Err("unencrypted")),
        (
            "https://api.cloud.com/monitorodata/Sessions",
            Err("has a path"),
        ),
        ("https://api.cloud.com/?a=b", Err("query")),
        ("api.cloud.com", Err("not an address")),
        ("ftp://api.cloud.com", Err("not supported")),
    ];
    for (endpoint, expected) in cases {
        let given = Given::sound("").variable(
            "CITRIX_ODATA_PROXY__SITES__MAIN__UPSTREAM__ENDPOINT",
            endpoint,
        );
        match (load(&given.surroundings, &given.flags), expected) {
            (Ok(loaded), Ok(expected)) => {
                let site = loaded.config.sites.values().next().unwrap();
                assert_eq!(site.endpoint.as_str(), expected);
            }
            (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
            (other, _) => panic!("{endpoint}: {other:?}"),
        }
    }
}

#[test]
fn judges_how_clients_reach_us() {
    let cases = [
        ("LISTEN", "", "no address to listen on"),
        ("LISTEN", "127.0.0.1:1,127.0.0.1:1", "listed twice"),
        ("LISTEN", "[::]:8484", "reached from other machines"),
        ("LISTEN", "localhost:8484", "not an address"),
        ("ALLOWED_HOSTS", "https://a.test", "not the name of a host"),
        ("ALLOWED_HOSTS", "a.test:80", "not the name of a host"),
        ("ALLOWED_HOSTS", "*", "not the name of a host"),
        ("PUBLIC_URL", "a.test", "not an address"),
        ("DRAIN", "2h", "this is more than 1h"),
        ("DRAIN", "30", "has no unit"),
    ];
    for (name, value, expected) in cases {
        let given =
            Given::sound("").variable(&format!("CITRIX_ODATA_PROXY__SERVER__{name}"), value);
        let problems = given.problems();
        assert!(problems.contains(expected), "{name}={value}: {problems}");
    }
    let given = Given::sound("[server]\nlisten = ['127.0.0.1:0', '127.0.0.1:0']");
    assert_eq!(given.load().config.server.listen.len(), 2);
    for (written, expected) in [
        ("https://a.test", "https://a.test/"),
        ("https://a.test:444/monitorodata", "https://a.test:444/"),
        ("https://a.test/citrix//", "https://a.test/citrix"),
        (
            "https://a.test/citrix/MonitorOData/",
            "https://a.test/citrix",
        ),
        (
            "https://a.test/xmonitorodata",
            "https://a.test/xmonitorodata",
        ),
    ] {
        let given = Given::sound(&format!(
            "[server]\nanonymous = true\npublic_url = '{written}'"
        ));
        let found = given.load().config.server.public_url.unwrap();
        assert_eq!(found.as_str(), expected, "{written}");
    }
}

#[test]
fn takes_rules_and_no_rules() {
    let rules = |text: &str| Given::sound(text).load().config.cache.rules;
    assert_eq!(rules("[cache]\nrules = []"), []);
    let one =
        rules("[cache]\nttl = '7s'\n[[cache.rules]]\nsets = ['Sessions']\nstale_if_error = '1s'");
    assert_eq!(one.len(), 1);
    assert_eq!(
        (one[0].ttl.as_secs(), one[0].stale_if_error.as_secs()),
        (7, 1)
    );
    let problems = Given::sound("")
        .variable("CITRIX_ODATA_PROXY__CACHE__RULES", "x")
        .problems();
    assert!(
        problems.contains("cannot be set by a variable"),
        "{problems}"
    );
}

#[test]
fn refreshing_ahead_can_be_turned_off() {
    for (written, on) in [("'on'", true), ("'off'", false), ("false", false)] {
        let given = Given::sound(&format!("[cache]\nrefresh_ahead = {written}"));
        assert_eq!(given.load().config.cache.refresh_ahead, on, "{written}");
    }
}

#[test]
fn takes_questions_to_ask_in_advance() {
    let warm = |text: &str| Given::sound(text).load().config.warm;
    assert_eq!(warm(""), []);
    assert_eq!(warm("warm = []"), []);
    let found = warm(
        "[[warm]]\nquestion = '/Sessions/?top=5'\nevery = '1h'\ncron = ''\n\
         [[warm]]\nsite = 'main'\nquestion = '$metadata'\ncron = '0 6 * * 1-5'\ntime_zone = 'europe/berlin'\n\
         [[warm]]\nquestion = \"Users?$filter=FullName eq 'Zoë'\"\ncron = '*/15 * * * *'",
    );
    let main = SiteId::new("main").unwrap();
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    let expected = [
        ("Sessions?$top=5", Schedule::every(Duration::from_hours(1))),
        ("$metadata", Schedule::cron("0 6 * * 1-5", berlin).unwrap()),
        (
            "Users?$filter=FullName%20eq%20%27Zo%C3%AB%27",
            Schedule::cron("*/15 * * * *", TimeZone::UTC).unwrap(),
        ),
    ];
    for (found, (question, schedule)) in found.iter().zip(&expected) {
        assert_eq!((&found.site, &found.schedule), (&main, schedule));
        let (path, query) = question.split_once('?').unwrap_or((question, ""));
        assert_eq!(found.question, Question::parse(path, Some(query)).unwrap());
    }
    assert_eq!(found.len(), expected.len());
}

/// Windows has no such database, and small containers neither.
#[test]
fn time_zones_are_known_without_those_of_the_system() {
    let zones = TimeZoneDatabase::bundled();
    for name in ["Europe/Berlin", "America/New_York", "Asia/Tokyo", "UTC"] {
        assert!(zones.get(name).is_ok(), "{name}");
    }
}

#[test]
fn a_question_in_advance_is_for_the_site_that_clients_mean() {
    let site = |name: &str| SITE.replace("main", name);
    let warm = "[[warm]]\nquestion = 'Sessions'\nevery = '1h'\n";
    let cases = [
        (format!("{warm}{}", site("eu")), Ok("eu")),
        (format!("{warm}{}{}", site("eu"), site("main")), Ok("main")),
        (
            format!("{warm}site = 'eu'\n{}{}", site("eu"), site("main")),
            Ok("eu"),
        ),
        (
            format!("{warm}{}{}", site("eu"), site("us")),
            Err("set site to one of: eu, us"),
        ),
        (
            format!("{warm}site = 'Main'\n{}", site("main")),
            Err("there is no site `Main`"),
        ),
    ];
    for (text, expected) in cases {
        let given = Given::file(&text);
        match expected {
            Ok(site) => assert_eq!(given.load().config.warm[0].site.as_str(), site, "{text}"),
            Err(expected) => assert!(given.problems().contains(expected), "{text}"),
        }
    }
}

#[test]
fn the_questions_in_the_example_and_the_reference_can_be_taken() {
    let example = include_str!("../../../config/citrix-odata-proxy.example.toml");
    let (_, commented) = example.split_once("# [[warm]]").unwrap();
    let (commented, _) = commented.split_once("\n\n\n").unwrap();
    let commented = commented.replace("\n# ", "\n").replace("\n#\n", "\n");
    let example = format!("[[warm]]{commented}\n");

    let reference = include_str!("../../../docs/configuration.md");
    let (_, section) = reference.split_once("## `[[warm]]`").unwrap();
    let (_, section) = section.split_once("```toml\n").unwrap();
    let (block, _) = section.split_once("```").unwrap();

    for text in [example.as_str(), block] {
        assert_eq!(Given::sound(text).load().config.warm.len(), 2, "{text}");
    }
}

#[test]
fn takes_ways_to_read_large_sets() {
    let scans = |text: &str| {
        Given::sound(&format!("[scans]\n{text}"))
            .load()
            .config
            .scans
    };
    let known = |set: &str, column: &str| (set.to_owned(), column.to_owned());
    assert!(scans("").range_walk);
    for (text, on) in [
        ("'OFF'", false),
        ("'On'", true),
        ("false", false),
        ("true", true),
        ("'false'", false),
        ("' True '", true),
    ] {
        let found = scans(&format!("range_walk = {text}")).range_walk;
        assert_eq!(found, on, "{text}");
    }
    let found =
        scans("range_columns = ['Sessions.StartDate', ' X_1.Y2 ']\nrange_never = ['Mach*']");
    let columns = [known("Sessions", "StartDate"), known("X_1", "Y2")];
    assert_eq!(found.range_columns, columns);
    assert_eq!(found.range_never, ["Mach*"]);
}

#[test]
fn judges_ways_to_read_large_sets() {
    let cases = [
        ("RANGE_WALK", "yes", "known: on, off"),
        ("RANGE_COLUMNS", "Sessions", "\"Sessions.StartDate\""),
        ("RANGE_COLUMNS", "Sessions.", "`Sessions.` is not the name"),
        ("RANGE_COLUMNS", "A.B.C", "`A.B.C` is not the name"),
        ("RANGE_COLUMNS", "S.Start Date", "is not the name"),
        ("RANGE_COLUMNS", "S*.StartDate", "is not the name"),
        ("RANGE_COLUMNS", "A.B,a.C", "`a` has two columns"),
        ("RANGE_NEVER", "[Mach", "is not a pattern for names"),
    ];
    for (name, value, expected) in cases {
        let given = Given::sound("").variable(&format!("CITRIX_ODATA_PROXY__SCANS__{name}"), value);
        let problems = given.problems();
        assert!(problems.contains(expected), "{name}={value}: {problems}");
    }
}

#[test]
fn an_address_has_a_quarter_of_the_connections_unless_the_operator_says_otherwise() {
    for (limits, expected) in [
        ("", 256),
        ("connections = 100", 25),
        ("connections = 1", 1),
        ("connections = 100\nconnections_per_address = 100", 100),
        ("connections_per_address = '7'", 7),
        ("connections_per_address = ''", 256),
    ] {
        let text = format!("{SITE}[server.limits]\n{limits}\n");
        let config = Given::file(&text).load().config;
        let found = config.server.limits.connections_per_address.get();
        assert_eq!(found, expected, "{limits}");
    }
    let text = format!("{SITE}[server.limits]\nconnections_per_address = 0\n");
    let problems = Given::file(&text).problems();
    assert!(problems.contains("from 1 to 1000000"), "{problems}");
}
