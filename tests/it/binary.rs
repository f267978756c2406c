//! The real binary: its command line, its settings, its two outputs.

use serde_json::Value;
use tokio::net::TcpListener;

use crate::process::{CLIENT_ID, CLIENT_SECRET, CUSTOMER_ID, Program, addresses};
use crate::upstream::nobody;
use crate::wire;

#[tokio::test]
async fn a_bad_command_line_is_code_2_with_help() {
    for (arguments, words) in [
        (&[][..], "Usage: citrix-odata-proxy <COMMAND>"),
        (&["fly"][..], "unrecognized subcommand 'fly'"),
        (&["serve", "--lisen", "x"][..], "--listen"),
        (&["check", "--json=maybe"][..], "--json"),
        (&["simulate", "--page-size", "0"][..], "--page-size"),
        (
            &["serve", "--client-secret", "x"][..],
            "unexpected argument",
        ),
    ] {
        let ended = Program::new(arguments).run().await;
        assert_eq!(ended.code, Some(2), "{arguments:?}");
        assert!(
            ended.stderr.contains(words),
            "{arguments:?}: {}",
            ended.stderr
        );
        assert_eq!(ended.stdout, "", "{arguments:?}");
    }
}

#[tokio::test]
async fn help_and_version_are_asked_for_and_no_failure() {
    let help = Program::new(&["--help"]).run().await;
    assert_eq!((help.code, &*help.stderr), (Some(0), ""));
    assert!(help.stdout.contains("citrix-odata-proxy demo"));
    let version = Program::new(&["--version"]).run().await;
    let expected = concat!("citrix-odata-proxy ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!((version.code, &*version.stdout), (Some(0), expected));
}

#[tokio::test]
async fn bad_values_of_flags_are_code_2() {
    for (arguments, words) in [
        (
            &["simulate", "--fault", "kind=storm"][..],
            "`storm` is not a kind of fault",
        ),
        (
            &["serve", "--listen", "8484"][..],
            "`8484` is not an address with a port",
        ),
        (
            &["serve", "--listen", "0.0.0.0:0"][..],
            "can be reached from other machines",
        ),
        (
            &["simulate", "--listen", "0.0.0.0:0"][..],
            "can be reached from other machines",
        ),
        (
            &["simulate", "--listen", "127.0.0.1:0,[::]:0"][..],
            "`[::]:0` can be reached from other machines",
        ),
    ] {
        let ended = credentials(Program::new(arguments)).run().await;
        assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.stderr);
        assert!(
            ended.stderr.contains(words),
            "{arguments:?}: {}",
            ended.stderr
        );
        assert_eq!(ended.stdout, "", "{arguments:?}");
    }
}

#[tokio::test]
async fn a_settings_file_that_is_named_must_be_there() {
    for command in ["serve", "check", "config"] {
        let program = credentials(Program::new(&[command, "--config", "absent.toml"]));
        let ended = program.run().await;
        assert_eq!(ended.code, Some(2), "{command}");
        for words in ["absent.toml` does not exist", "flag --config", "hint:"] {
            assert!(ended.stderr.contains(words), "{command}: {}", ended.stderr);
        }
    }
    // A folder can be opened as a file on no platform.
    let ended = credentials(Program::new(&["config", "--config", "."]))
        .run()
        .await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("cannot be read"), "{}", ended.stderr);
}

#[tokio::test]
async fn without_settings_it_says_where_it_looked() {
    let program = Program::new(&["serve"]);
    let looked_at = program.folder().join("citrix-odata-proxy.toml");
    let ended = program.run().await;
    assert_eq!(ended.code, Some(2));
    for words in [
        "no site is configured",
        &*looked_at.display().to_string(),
        "CITRIX_CUSTOMER_ID",
    ] {
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
    }
}

#[tokio::test]
async fn all_problems_are_told_at_once_with_key_origin_and_hint() {
    let text = "[server]\nlisen = [\"127.0.0.1:0\"]\n\n\
        [sites.main]\ncustomer_id = \"acme\"\nclient_id = \"id\"\nclient_secret_file = \"absent\"\n\n\
        [cache]\nttl = \"5\"\n";
    let program = Program::new(&["serve"])
        .settings(text)
        .set("cache.memory", "lots");
    let ended = program.run().await;
    assert_eq!(ended.code, Some(2));
    assert_eq!(ended.stdout, "");
    for (key, origin, hint) in [
        (
            "server.lisen",
            "citrix-odata-proxy.toml, line 2",
            "`server.listen`",
        ),
        (
            "sites.main.client_secret_file",
            "citrix-odata-proxy.toml, line 7",
            "holds the secret and nothing else",
        ),
        ("cache.ttl", "citrix-odata-proxy.toml, line 10", ""),
        (
            "cache.memory",
            "variable CITRIX_ODATA_PROXY__CACHE__MEMORY",
            "",
        ),
    ] {
        let blocks: Vec<&str> = ended.stderr.split("\n\n").collect();
        let block = blocks.iter().find(|block| block.starts_with(key));
        let block = block.unwrap_or_else(|| panic!("{key} in {}", ended.stderr));
        assert!(block.contains(origin), "{block}");
        assert!(block.contains("problem:"), "{block}");
        assert!(block.contains("hint:") && block.contains(hint), "{block}");
    }
    assert!(ended.stderr.contains("4 problems"), "{}", ended.stderr);
}

#[tokio::test]
async fn an_address_in_use_is_code_1_and_named() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for command in ["serve", "demo", "simulate"] {
        let program = Program::new(&[command, "--listen", &address]);
        let ended = credentials(program).run().await;
        assert_eq!(ended.code, Some(1), "{command}");
        for words in [&*address, "another program listens there", "--listen"] {
            assert!(ended.stderr.contains(words), "{command}: {}", ended.stderr);
        }
        assert_eq!(ended.stdout, "", "{command}");
    }
}

#[tokio::test]
async fn config_shows_values_with_origins_and_masks_the_secret() {
    let text = "[sites.main]\ncustomer_id = \"acme\"\nclient_id = \"id\"\n\
        client_secret = \"hunter2-hunter2\"\n[cache]\nttl = \"7m\"\n";
    let program = Program::new(&["config"])
        .settings(text)
        .set("cache.metadata_ttl", "9m");
    let ended = program.run().await;
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    for (setting, origin) in [
        (
            "sites.main.client_secret = \"***\"",
            "citrix-odata-proxy.toml, line 4",
        ),
        ("cache.ttl = \"7m\"", "citrix-odata-proxy.toml, line 6"),
        (
            "cache.metadata_ttl = \"9m\"",
            "variable CITRIX_ODATA_PROXY__CACHE__METADATA_TTL",
        ),
        ("server.drain = \"30s\"", "default"),
        (
            "sites.main.upstream.endpoint = \"https://api.cloud.com\"",
            "default, from the region",
        ),
    ] {
        let line = ended.stdout.lines().find(|line| line.starts_with(setting));
        let line = line.unwrap_or_else(|| panic!("{setting} in {}", ended.stdout));
        assert!(line.ends_with(origin), "{line}");
    }
    assert!(!ended.stdout.contains("hunter2"));
    let again: toml::Table = ended.stdout.parse().expect("a settings file");
    assert_eq!(again["cache"]["ttl"].as_str(), Some("7m"));
}

#[tokio::test]
async fn a_secret_comes_from_a_file_a_variable_or_the_well_known_variables() {
    let simulator = Program::simulate(&["--sessions", "10"]).start().await;
    let site = |way: &str| {
        format!(
            "[sites.main]\ncustomer_id = \"{CUSTOMER_ID}\"\nclient_id = \"{CLIENT_ID}\"\n{way}\n\
             [sites.main.upstream]\nendpoint = \"{}\"\n",
            simulator.endpoint()
        )
    };
    let serve = || Program::new(&["serve", "--listen", "127.0.0.1:0"]);
    let ways = [
        // With the line end that every editor adds, and the mark that Windows editors begin with.
        serve()
            .settings(&site("client_secret_file = \"secret.txt\""))
            .file("secret.txt", &format!("\u{feff}{CLIENT_SECRET}\r\n")),
        serve()
            .settings(&site("client_secret_env = \"MY_SECRET\""))
            .variable("MY_SECRET", CLIENT_SECRET),
        serve().settings(&site(&format!("client_secret = \"{CLIENT_SECRET}\""))),
        credentials(serve()).variable("CITRIX_ENDPOINT", &simulator.endpoint()),
        serve()
            .file("secret.txt", CLIENT_SECRET)
            .variable("CITRIX_CUSTOMER_ID", CUSTOMER_ID)
            .variable("CITRIX_CLIENT_ID", CLIENT_ID)
            .variable("CITRIX_CLIENT_SECRET_FILE", "secret.txt")
            .variable("CITRIX_ENDPOINT", &simulator.endpoint()),
    ];
    for way in ways {
        let shown = format!("{way:?}");
        let proxy = way.start().await;
        let reply = wire::get(proxy.address, "/monitorodata/Machines?$top=1").await;
        assert_eq!(reply.rows().len(), 1, "{shown}");
        assert!(
            !proxy.killed().await.everything().contains(CLIENT_SECRET),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn a_secret_in_the_wrong_line_is_not_repeated() {
    let secret = "s3cr3t-in-the-wrong-place";
    for way in [
        format!("client_secret_file = \"{secret}\""),
        format!("client_secret_env = \"{secret}\""),
        format!("client_secret = [\"{secret}\"]"),
        format!("client_secret = {secret}"),
        format!("client_secret = \"{secret}\nregion = \"eu\""),
        format!("client_secret = \"{secret}\"\nclient_secret_env = \"{secret}\""),
    ] {
        let text = format!("[sites.main]\ncustomer_id = \"a\"\nclient_id = \"b\"\n{way}\n");
        let ended = Program::new(&["config"]).settings(&text).run().await;
        assert_eq!(ended.code, Some(2), "{way}");
        assert!(
            !ended.everything().contains(secret),
            "{}",
            ended.everything()
        );
    }
}

#[tokio::test]
async fn secrets_and_tokens_are_in_no_output_however_loud_the_log() {
    let simulator = Program::simulate(&["--sessions", "10"]).start().await;
    let wrong = "wr0ng/secret+with =signs";
    for secret in [wrong, CLIENT_SECRET] {
        let loud = |program: Program| {
            credentials(program)
                .variable("CITRIX_CLIENT_SECRET", secret)
                .variable("CITRIX_ENDPOINT", &simulator.endpoint())
                .variable("RUST_LOG", "trace")
        };
        let config = loud(Program::new(&["config"])).run().await;
        let check = loud(Program::new(&["check"])).run().await;
        let json = loud(Program::new(&["check", "--json"])).run().await;
        let serve = loud(Program::new(&["serve", "--listen", "127.0.0.1:0"]));
        let proxy = serve.start().await;
        let mut pages = String::new();
        for path in [
            "/monitorodata/Machines",
            "/",
            "/readyz",
            "/api/status",
            "/metrics",
        ] {
            let reply = wire::get(proxy.address, path).await;
            pages = format!("{pages}{:?}{}", reply.head, reply.text());
        }
        let outputs = [config, check, json, proxy.killed().await];
        let everything = outputs.map(|ended| ended.everything()).join("\n") + &pages;
        let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        // Tokens of the simulator begin like this.
        for hidden in [secret, &*encoded, "ey."] {
            let found = everything.lines().find(|line| line.contains(hidden));
            assert_eq!(found, None, "{hidden}");
        }
    }
}

#[tokio::test]
async fn serves_with_addresses_on_one_output_and_a_line_a_request_on_the_other() {
    let arguments = ["--sessions", "300", "--page-size", "100"];
    let simulator = Program::simulate(&arguments).start().await;
    let proxy = credentials(Program::new(&[
        "serve",
        "--listen",
        "127.0.0.1:0,127.0.0.1:0",
    ]))
    .variable("CITRIX_ENDPOINT", &simulator.endpoint())
    .variable("CITRIX_ODATA_PROXY__LOG__FORMAT", "json")
    .start()
    .await;
    let path = "/monitorodata/Sessions?$filter=SessionKey%20ne%20null&$top=250";
    let rows = wire::get(proxy.address, path).await.rows();
    assert_eq!(rows.len(), 250);
    proxy.says("\"cache.outcome\"").await;
    let _again = wire::get(proxy.address, path).await.rows();
    let _other = wire::get(proxy.address, "/monitorodata/Nonsense").await;
    proxy.says("Nonsense").await;
    let ended = proxy.killed().await;
    let listening = addresses(&ended.stdout);
    assert_eq!(listening.len(), 2, "{}", ended.stdout);
    assert_eq!(ended.stdout.lines().count(), 2, "{}", ended.stdout);
    let lines: Vec<Value> = ended
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect();
    let requests: Vec<&Value> = lines
        .iter()
        .filter(|line| line["method"] == "GET")
        .collect();
    let fact = |line: &&Value| {
        let names = ["cache.outcome", "rows", "upstream.pages", "status"];
        names.map(|name| line[name].to_string()).join(" ")
    };
    let facts: Vec<String> = requests.iter().map(fact).collect();
    assert_eq!(
        facts,
        ["\"miss\" 250 3 200", "\"hit\" 250 0 200", "null 0 0 404"]
    );
    // The shape of the query, not its values.
    let shape = requests[0]["odata.shape"].as_str().unwrap();
    assert!(
        shape.contains("Sessions") && shape.contains("$filter"),
        "{shape}"
    );
}

#[tokio::test]
async fn values_are_told_to_the_client_and_not_to_the_log() {
    let simulator = Program::simulate(&["--sessions", "10"]).start().await;
    let proxy = Program::serve(&simulator.endpoint())
        .set("log.filter", "citrix_odata_proxy=trace")
        .start()
        .await;
    for (path, status, told) in [
        ("Users(987654)", 404, "has the key `987654`"),
        ("M%C3%BCller(1)", 404, "no entity set `Müller`"),
        ("Users('Jane%ZZ')", 400, "in `Users('Jane%ZZ')`"),
        ("Users?$filter=FullName%20eq%20'Jane%ZZ'", 400, "Jane%ZZ'`"),
    ] {
        let reply = wire::get(proxy.address, &format!("/monitorodata/{path}")).await;
        assert_eq!(reply.status(), status, "{path}");
        assert!(reply.text().contains(told), "{}", reply.text());
    }
    proxy.says("no row of `Users` has that key").await;
    let log = proxy.killed().await.stderr;
    assert!(log.contains("bad percent-encoding"), "{log}");
    assert!(
        !["987654", "Jane", "Müller"]
            .iter()
            .any(|value| log.contains(value)),
        "{log}"
    );
}

#[tokio::test]
async fn the_demo_needs_nothing() {
    let arguments = [
        "demo",
        "--listen",
        "127.0.0.1:0",
        "--sessions",
        "50",
        "--latency",
        "0",
    ];
    let demo = Program::new(&arguments).start().await;
    let rows = wire::get(demo.address, "/monitorodata/Sessions?$top=5")
        .await
        .rows();
    assert_eq!(rows.len(), 5);
    // Whatever port the system chose, there is an address to paste.
    let paste = format!(
        "    http://localhost:{}/monitorodata\n",
        demo.address.port()
    );
    let ended = demo.killed().await;
    assert!(ended.stdout.contains(&paste), "{}", ended.stdout);
}

#[tokio::test]
async fn the_simulator_writes_its_port_into_a_file() {
    let program = Program::simulate(&["--port-file", "port"]);
    let simulator = program.start().await;
    let port = std::fs::read_to_string(simulator.file("port")).unwrap();
    assert_eq!(port, simulator.address.port().to_string());
    // A file that cannot be written is a failure, not a surprise for the script that waits for it.
    let ended = Program::simulate(&["--port-file", "absent/port"])
        .run()
        .await;
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains("cannot be written"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn pages_for_operators_are_there_and_can_be_read() {
    let simulator = Program::simulate(&["--sessions", "50"]).start().await;
    let proxy = Program::serve(&simulator.endpoint()).start().await;
    let rows = wire::get(proxy.address, "/monitorodata/Machines")
        .await
        .rows()
        .len();
    let page = wire::get(proxy.address, "/").await;
    assert_eq!(page.status(), 200);
    assert!(
        page.header("content-type")
            .unwrap()
            .starts_with("text/html")
    );
    let address = format!("http://localhost:{}/monitorodata", proxy.address.port());
    assert!(page.text().contains(&address), "{}", page.text());
    let health = wire::get(proxy.address, "/healthz").await;
    assert_eq!((health.status(), health.text()), (200, "ok\n"));
    let ready = wire::get(proxy.address, "/readyz").await;
    assert_eq!(
        (ready.status(), &ready.json()["ready"]),
        (200, &Value::Bool(true))
    );
    let status = wire::get(proxy.address, "/api/status").await.json();
    assert_eq!(status["sites"][0]["site"], "main");
    assert_eq!(status["sites"][0]["token"]["state"], "valid");
    assert_eq!(status["cache"]["entries"], 1);
    let metrics = wire::get(proxy.address, "/metrics").await;
    assert!(
        metrics
            .header("content-type")
            .unwrap()
            .starts_with("text/plain")
    );
    for line in metrics.text().lines().filter(|line| !line.starts_with('#')) {
        let (_, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
    let sent = format!("\nweb_rows_total {rows}\n");
    assert!(metrics.text().contains(&sent), "{}", metrics.text());
    let purged = wire::post(proxy.address, "/api/cache/purge?set=Machines", "").await;
    assert_eq!(
        (purged.status(), &purged.json()["purged"]),
        (200, &Value::from(1))
    );
}

#[tokio::test]
async fn not_ready_while_there_is_no_token() {
    let simulator = Program::simulate(&["--sessions", "10"]).start().await;
    let proxy = Program::serve(&simulator.endpoint())
        .set("sites.main.client_secret", "wrong")
        .start()
        .await;
    let reply = wire::get(proxy.address, "/monitorodata/Machines").await;
    assert_eq!(
        (reply.status(), &*reply.error_code()),
        (502, "UpstreamCredentials")
    );
    let ready = wire::get(proxy.address, "/readyz").await;
    assert_eq!(ready.status(), 503);
    let ready = ready.json();
    assert_eq!(ready["ready"], false);
    let reason = ready["sites"]["main"]["reason"].as_str().unwrap();
    assert!(reason.contains("client secret"), "{reason}");
    assert_eq!(wire::get(proxy.address, "/healthz").await.status(), 200);
}

#[tokio::test]
async fn sites_have_paths_of_their_own() {
    let first = Program::simulate(&["--sessions", "10", "--customer-id", "first"]);
    let second = Program::simulate(&["--sessions", "10", "--customer-id", "second", "--seed", "7"]);
    let (first, second) = (first.start().await, second.start().await);
    let site = |name: &str, customer: &str, endpoint: &str| {
        format!(
            "[sites.{name}]\ncustomer_id = \"{customer}\"\nclient_id = \"{CLIENT_ID}\"\n\
             client_secret = \"{CLIENT_SECRET}\"\nupstream = {{ endpoint = \"{endpoint}\" }}\n"
        )
    };
    let serve = |other: &str| {
        let text = [
            site("a", "first", &first.endpoint()),
            site(other, "second", &second.endpoint()),
        ];
        let program = Program::new(&["serve", "--listen", "127.0.0.1:0"]);
        program.settings(&text.concat()).start()
    };
    let proxy = serve("b").await;
    let mut bodies = Vec::new();
    for site in ["a", "b"] {
        let reply = wire::get(proxy.address, &format!("/{site}/monitorodata/Machines")).await;
        let context = reply.json()["@odata.context"].as_str().unwrap().to_owned();
        let root = format!(
            "http://localhost:{}/{site}/monitorodata/",
            proxy.address.port()
        );
        assert!(context.starts_with(&root), "{context}");
        bodies.push(reply.rows());
    }
    assert_ne!(bodies[0], bodies[1]);
    // Two sites, none called main: the path without a name would be a guess.
    let reply = wire::get(proxy.address, "/monitorodata/Machines").await;
    assert_eq!((reply.status(), &*reply.error_code()), (404, "NotFound"));
    assert!(
        reply.text().contains("/a/monitorodata, /b/monitorodata"),
        "{}",
        reply.text()
    );

    let proxy = serve("main").await;
    let reply = wire::get(proxy.address, "/monitorodata/Machines").await;
    assert_eq!(reply.rows(), bodies[1]);
    let sites = wire::get(proxy.address, "/api/status").await.json();
    let default = |at: usize| sites["sites"][at]["default"].as_bool();
    assert_eq!((default(0), default(1)), (Some(false), Some(true)));
}

#[tokio::test]
async fn paths_that_lead_nowhere_are_errors_with_hints() {
    let (_kept, nowhere) = nobody();
    let proxy = Program::serve(&format!("http://{nowhere}")).start().await;
    for (path, hint) in [
        ("/metric", "/metrics"),
        ("/monitorodat", "/monitorodata"),
        ("/zebra", "page for people"),
    ] {
        let reply = wire::get(proxy.address, path).await;
        assert_eq!(
            (reply.status(), &*reply.error_code()),
            (404, "NotFound"),
            "{path}"
        );
        assert!(reply.text().contains(hint), "{}", reply.text());
    }
}

/// The simulator's credentials, by the well-known variables.
fn credentials(program: Program) -> Program {
    program
        .variable("CITRIX_CUSTOMER_ID", CUSTOMER_ID)
        .variable("CITRIX_CLIENT_ID", CLIENT_ID)
        .variable("CITRIX_CLIENT_SECRET", CLIENT_SECRET)
}
