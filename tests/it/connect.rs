//! Pages that say how to connect, and connection files, as part of the whole.

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::time::Duration;

use citrix_odata_proxy::demo::Knobs;
use futures_util::FutureExt;
use futures_util::future::join_all;
use http::{Method, StatusCode};
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::world::{Answer, HOST, World, small};

const PROGRAMS: [&str; 7] = [
    "power-bi",
    "power-bi-gateway",
    "excel",
    "tableau",
    "grafana",
    "powershell",
    "python",
];

const LAB: &str = "\
sites.lab.customer_id = 'nordhafen'
sites.lab.client_id = 'demo-client'
sites.lab.client_secret_env = 'SECRET'
sites.lab.upstream.endpoint = 'https://citrix.test'\n";

const PUBLIC: &str =
    "server.public_url = 'https://bi.example.com/citrix/'\nserver.anonymous = true\n";

fn url_of(file: &Answer) -> String {
    let file = file.json();
    let url = file["connections"][0]["details"]["address"]["url"].as_str();
    url.unwrap().to_owned()
}

/// The addresses of ours in the texts to copy, as a program would ask for them.
fn addresses(page: &str) -> BTreeSet<String> {
    let texts = page.split("<pre").skip(1);
    let texts = texts.map(|text| text.split("</pre>").next().unwrap());
    let mut found = BTreeSet::new();
    for text in texts {
        let text = text.replace("&quot;", "\"").replace("&amp;", "&");
        for rest in text.split(&format!("http://{HOST}")).skip(1) {
            let end = rest.find(|c: char| c.is_whitespace() || "'\"<>".contains(c));
            found.insert(rest[..end.unwrap_or(rest.len())].to_owned());
        }
    }
    found
}

#[tokio::test(start_paused = true)]
async fn connection_files_are_downloads() {
    let world = World::new(small(), LAB);
    for (query, name, url) in [
        ("", "citrix.pbids", "/monitorodata"),
        ("?site=MAIN", "citrix.pbids", "/monitorodata"),
        ("?site=lab", "citrix-lab.pbids", "/lab/monitorodata"),
        (
            "?set=Sessions",
            "citrix-Sessions.pbids",
            "/monitorodata/Sessions",
        ),
        (
            "?site=lab&set=users",
            "citrix-lab-Users.pbids",
            "/lab/monitorodata/Users",
        ),
    ] {
        let file = world.get(&format!("/connect/citrix.pbids{query}")).await;
        assert_eq!(file.status, StatusCode::OK, "{query}");
        for (header, value) in [
            ("content-type", "application/json"),
            (
                "content-disposition",
                &*format!("attachment; filename=\"{name}\""),
            ),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(file.header(header), value, "{query}");
        }
        assert_eq!(url_of(&file), format!("http://{HOST}{url}"), "{query}");
        let whole = json!({
            "version": "0.1",
            "connections": [{
                "details": { "protocol": "odata", "address": { "url": url_of(&file) } },
                "mode": "Import",
            }],
        });
        assert_eq!(file.json(), whole);
    }
}

#[tokio::test(start_paused = true)]
async fn addresses_are_the_public_ones() {
    let world = World::new(small(), PUBLIC);
    let file = world.get("/connect/citrix.pbids?set=Sessions").await;
    let root = "https://bi.example.com/citrix/monitorodata";
    assert_eq!(url_of(&file), format!("{root}/Sessions"));
    for program in PROGRAMS {
        let path = format!("/connect/{program}");
        let here = world.get(&path).await.text();
        assert!(
            here.contains(root) && !here.contains("\"/citrix/"),
            "{program}"
        );
        let public = [("host", "bi.example.com")];
        let page = world.request(Method::GET, &path, &public).await.text();
        assert!(page.contains(root), "{program}");
        assert!(page.contains("action=\"/citrix/connect/"), "{program}");
        for foreign in ["localhost:8484/", "127.0.0.1:8484/"] {
            assert!(!page.contains(foreign), "{program}: {foreign}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_address_to_copy_answers() {
    let world = World::new(small(), LAB);
    let mut asked = 0;
    for choice in ["", "?set=Users", "?site=lab&set=Machines"] {
        let pages = PROGRAMS.map(|program| format!("/connect/{program}{choice}"));
        for page in pages.into_iter().chain([format!("/connect{choice}")]) {
            let addresses = addresses(&world.get(&page).await.text());
            assert!(!addresses.is_empty(), "{page}");
            // A data source of Grafana names the host alone.
            for address in addresses.iter().filter(|address| !address.is_empty()) {
                let answer = world.get(address).await;
                assert_eq!(answer.status, StatusCode::OK, "{page}: {address}");
                assert!(answer.json()["value"].is_array(), "{page}: {address}");
                asked += 1;
            }
        }
    }
    assert!(asked > 30, "{asked}");
}

#[tokio::test(start_paused = true)]
async fn examples_ask_for_what_they_say() {
    let world = World::new(small(), "");
    let page = world.get("/connect/powershell").await.text();
    let addresses = addresses(&page);
    let recent = addresses
        .iter()
        .find(|address| address.contains("$filter=StartDate%20ge%20"));
    let rows = world.get(recent.unwrap()).await.rows();
    let all = world.ask("/Sessions").await.rows();
    assert!(!rows.is_empty() && rows.len() < all.len(), "{}", rows.len());
}

#[tokio::test(start_paused = true)]
async fn rows_without_a_date_are_told_of_where_metadata_lets_there_be_some() {
    let knobs = Knobs {
        null_dates: NonZeroU64::new(7),
        ..small()
    };
    let world = World::new(knobs, "");
    for (set, expected) in [
        ("Sessions", true),
        ("Connections", true),
        ("LoadIndexes", false),
        ("Users", false),
    ] {
        for program in ["power-bi", "python", "powershell", "grafana"] {
            let page = world.get(&format!("/connect/{program}?set={set}")).await;
            let says = page.text().contains("Rows without ");
            assert_eq!(says, expected, "{program}: {set}");
        }
    }
    let page = world.get("/connect/python").await.text();
    let link = page.split(&format!("href=\"http://{HOST}")).nth(1).unwrap();
    let link = link.split('"').next().unwrap().replace("&amp;", "&");
    let answer = world.get(&link).await.json();
    let rows = answer["value"].as_array().unwrap();
    assert!(!rows.is_empty(), "{link}");
    assert!(rows.iter().all(|row| row["StartDate"].is_null()), "{link}");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_gets_a_page_that_says_so() {
    let world = World::new(small(), LAB);
    for (path, says) in [
        ("/connect?site=mian", "no site called <code>mian</code>"),
        (
            "/connect/excel?set=Session",
            "href=\"/connect?site=main&amp;set=Sessions\"",
        ),
        (
            "/connect/excel?set=%3Cscript%3E",
            "<code>&lt;script&gt;</code>",
        ),
        (
            "/connect/citrix.pbids?site=lab&set=Nothing",
            "<code>Nothing</code>",
        ),
        // Hidden by the operator.
        (
            "/connect/python?set=DirectorAgent",
            "<code>DirectorAgent</code>",
        ),
        ("/connect/lotus", "These are known:"),
        ("/connect/%FF", "These are known:"),
    ] {
        let page = world.get(path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(page.header("content-type"), "text/html;charset=utf-8");
        assert!(page.text().contains(says), "{path}: {}", page.text());
        assert!(!page.text().contains("<script>"), "{path}");
    }
    let picker = world.get("/connect/excel?site=lab").await.text();
    assert!(!picker.contains("DirectorAgent"), "{picker}");
}

#[tokio::test(start_paused = true)]
async fn without_citrix_cloud_names_are_taken_as_typed() {
    let world = World::new(small(), "sites.main.client_id = 'wrong'\n");
    let page = world.get("/connect/power-bi?set=Connections").await;
    assert_eq!(page.status, StatusCode::OK);
    let text = page.text();
    for part in [
        "<input name=\"set\" value=\"Connections\"",
        "has not said yet which sets there are",
        "each [CreatedDate] &gt;= From",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let hidden = world.get("/connect/power-bi?set=DirectorAgent").await;
    assert_eq!(hidden.status, StatusCode::NOT_FOUND);
    let file = world.get("/connect/citrix.pbids").await;
    assert_eq!(url_of(&file), format!("http://{HOST}/monitorodata"));
}

#[tokio::test(start_paused = true)]
async fn a_list_of_sets_that_takes_long_is_asked_for_once_and_told_in_the_end() {
    let knobs = Knobs {
        latency: Duration::from_secs(20),
        ..small()
    };
    let world = World::new(knobs, "");
    let path = "/connect/power-bi?set=Connections";
    for _ in 0..2 {
        let text = world.get(path).await.text();
        for part in [
            "<input name=\"set\" value=\"Connections\"",
            "It is being asked: <a href=\"/connect/power-bi?site=main&amp;set=Connections\">load the page again</a>",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let names = world.tasks().names();
        assert_eq!(names.iter().filter(|name| **name == "sets").count(), 1);
    }
    // Nobody waits meanwhile.
    sleep(Duration::from_mins(1)).await;
    assert!(!world.tasks().names().contains(&"sets"));
    let text = world.get(path).await.text();
    assert!(text.contains("<select name=\"set\">"), "{text}");
    assert_eq!(world.asked_upstream(), ["/monitorodata/$metadata"]);
}

#[tokio::test(start_paused = true)]
async fn a_list_of_sets_is_there_at_the_next_look_though_its_visitors_leave() {
    let knobs = Knobs {
        latency: Duration::from_secs(20),
        ..small()
    };
    let world = World::new(knobs, "");
    for _ in 0..3 {
        let look = async |program: &str| world.get(&format!("/connect/{program}")).await;
        let looks = join_all(PROGRAMS.map(look));
        timeout(Duration::from_secs(1), looks).await.unwrap_err();
        let names = world.tasks().names();
        assert_eq!(names.iter().filter(|name| **name == "sets").count(), 1);
    }
    sleep(Duration::from_mins(1)).await;
    let page = world.get("/connect/excel").now_or_never();
    let text = page.expect("nothing to wait for").text();
    assert!(text.contains("<select name=\"set\">"), "{text}");
    assert_eq!(world.asked_upstream(), ["/monitorodata/$metadata"]);
}

#[tokio::test(start_paused = true)]
async fn a_hidden_set_of_examples_hides_no_page() {
    let settings = "sites.main.client_id = 'wrong'\nsets.deny = ['Sessions']\n";
    let world = World::new(small(), settings);
    for path in ["/connect", "/connect/power-bi"] {
        let page = world.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        let text = page.text();
        assert!(
            text.contains("<input name=\"set\" value=\"Machines\""),
            "{path}: {text}"
        );
        // Nothing to copy is about the set that may not be asked for.
        for address in addresses(&text) {
            assert!(!address.contains("/Sessions"), "{path}: {address}");
        }
    }
    let file = world.get("/connect/citrix.pbids").await;
    assert_eq!(url_of(&file), format!("http://{HOST}/monitorodata"));
    let settings = "sites.main.client_id = 'wrong'\nsets.deny = ['Sessions', 'Machines']\n";
    let text = World::new(small(), settings).get("/connect").await.text();
    assert!(text.contains("value=\"Users\""), "{text}");
}

#[tokio::test(start_paused = true)]
async fn where_keys_are_wanted_the_texts_say_where_one_goes() {
    // The digest of `cop_reports`.
    let settings = "[[server.keys]]
name = 'reports'
sha256 = 'ce26ad3281abdb6a0f909c533850f8918ec7c87f74177b783f0d5f5404c5ba40'\n";
    let world = World::new(small(), settings);
    let with_key = [("authorization", "Bearer cop_reports")];
    for (path, says) in [
        ("/", "the password is the access key"),
        ("/connect", "Bearer YOUR-ACCESS-KEY"),
        ("/connect/power-bi", "the password is the access key"),
        (
            "/connect/power-bi-gateway",
            "the access key as the password",
        ),
        ("/connect/grafana", "bearerToken: $CITRIX_ACCESS_KEY"),
        ("/connect/powershell", "citrix-access-key.txt"),
        ("/connect/python", "os.environ["),
        ("/explore/main/Users", "headers={&quot;Authorization&quot;"),
        ("/explore/main/Users", "choose <b>Basic</b>"),
    ] {
        let page = world.request(Method::GET, path, &with_key).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(page.text().contains(says), "{path}: {}", page.text());
        assert!(!page.text().contains("cop_reports"), "{path}");
        let refused = world.get(path).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{path}");
    }
}
