//! Which values are taken, and as what.

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
        let given = Given::sound(&format!("[server]\npublic_url = '{written}'"));
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
