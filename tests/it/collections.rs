//! A collection comes whole: each row once, byte for byte as upstream wrote it.

use citrix_odata_proxy::demo::Knobs;
use http::Method;
use serde_json::Value;

use crate::world::{Answer, HOST, World, small};

/// Asks, compares all rows with those that the service itself has, and says how many there are.
async fn whole(world: &World, question: &str) -> usize {
    let answer = world.ask(question).await;
    let truth = world.rows_of(question).await;
    assert_eq!(answer.rows(), truth, "{question}");
    assert!(!answer.text().contains("nextLink"), "{question}");
    assert!(!answer.text().contains("citrix.test"), "{question}");
    truth.len()
}

#[tokio::test(start_paused = true)]
async fn top_and_skip_mean_what_they_mean_upstream() {
    let world = World::new(small(), "");
    for (options, rows) in [
        ("", 110),
        ("?$top=7", 7),
        ("?$top=20", 20),
        ("?$top=27", 27),
        ("?$top=60", 60),
        ("?$top=110", 110),
        ("?$top=1000", 110),
        ("?$top=0", 0),
        ("?$skip=0", 110),
        ("?$skip=5", 105),
        ("?$skip=20", 90),
        ("?$skip=109", 1),
        ("?$skip=110", 0),
        ("?$skip=500", 0),
        ("?$skip=15&$top=30", 30),
        ("?$skip=100&$top=30", 10),
    ] {
        let question = format!("/Sessions{options}");
        assert_eq!(whole(&world, &question).await, rows, "{question}");
    }
}

#[tokio::test(start_paused = true)]
async fn options_that_choose_and_shape_rows_are_passed_on() {
    let world = World::new(small(), "");
    for question in [
        "/Sessions?$orderby=StartDate desc",
        "/Sessions?$orderby=LogOnDuration,SessionKey desc&$top=45",
        "/Sessions?$orderby=StartDate desc&$skip=7&$select=SessionKey",
        "/Users?$filter=contains(FullName,'ü')",
        "/Users?$filter=FullName eq 'Ruth Müller'",
        "/Users?$filter=FullName ne 'O''Brien %26 Sons %231, 100%25 %2B1'&$top=30",
        "/Users?$filter=startswith(UserName,'a') and Id gt 1000",
        "/Sessions?$expand=User($select=FullName),Machine($expand=DesktopGroup)",
        "/Sessions?$expand=Connections($top=1;$orderby=Id desc)&$top=30",
        "/sessions?$SELECT=SessionKey",
        "/Sessions?%24top=25&%24filter=ConnectionState%20ge%200",
        "/Sessions?$apply=groupby((ConnectionState),aggregate($count as Number))",
    ] {
        assert!(whole(&world, question).await > 0, "{question}");
    }
    for question in [
        "/Sessions?$filter=LogOnDuration lt 0",
        "/Users?$filter=FullName eq 'O''Brien %26 Sons %231, 100%25 %2B1'",
        "/ApplicationErrors",
    ] {
        assert_eq!(whole(&world, question).await, 0, "{question}");
    }
}

#[tokio::test(start_paused = true)]
async fn count_is_the_first_pages() {
    let world = World::new(small(), "");
    for (options, count, rows) in [
        ("$count=true", 110, 110),
        ("$count=true&$top=45", 110, 45),
        ("$count=true&$top=0", 110, 0),
        ("$count=true&$skip=30", 110, 80),
        ("$count=true&$filter=LogOnDuration lt 0", 0, 0),
    ] {
        let question = format!("/Sessions?{options}");
        let answer = world.ask(&question).await.json();
        assert_eq!(answer["@odata.count"], count, "{question}");
        assert_eq!(whole(&world, &question).await, rows, "{question}");
    }
    let plain = world.ask("/Sessions").await.json();
    assert_eq!(plain.get("@odata.count"), None);
}

/// The estate with collections inside rows cut after so many.
fn cutting(rows: usize) -> Knobs {
    Knobs {
        expand_page_size: Some(rows),
        ..small()
    }
}

const NESTED: [&str; 4] = [
    "/Users?$filter=Sessions/any()&$select=Id&$expand=Sessions($select=SessionKey;$expand=Connections($select=Id))",
    "/Sessions?$select=SessionKey&$expand=User($select=Id;$expand=Sessions($select=SessionKey))",
    "/Users?$filter=Sessions/any()&$select=Id&$expand=Sessions($orderby=StartDate desc;$top=3;$select=StartDate)",
    "/DesktopGroups?$select=Name&$expand=Machines($filter=contains(Name,'7');$select=Name)",
];

#[tokio::test(start_paused = true)]
async fn collections_inside_rows_that_were_cut_are_completed() {
    for cut in [1, 2] {
        let world = World::new(cutting(cut), "");
        for question in NESTED {
            assert!(whole(&world, question).await > 0, "{question}");
        }
        let upstream = world.asked_upstream();
        let links = upstream.iter().filter(|path| path.contains('('));
        assert!(links.count() > 0, "nothing was cut: {upstream:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn cut_collections_are_completed_though_upstream_refuses_its_own_links() {
    for settings in ["", "sets.deny = []"] {
        let world = World::new(cutting(1), settings);
        world.refuse_keys_upstream();
        for question in NESTED {
            assert!(whole(&world, question).await > 0, "{question} {settings}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn links_at_every_level_of_metadata_are_our_own() {
    let world = World::new(cutting(1), "");
    let question = "/Sessions?$top=45&$expand=Connections,User";
    for level in ["none", "minimal", "full"] {
        let accept = format!("application/json;odata.metadata={level}");
        let path = format!("/monitorodata{question}");
        let answer = world
            .request(Method::GET, &path, &[("accept", &accept)])
            .await;
        let content_type = answer.header("content-type");
        assert!(content_type.contains(&format!("odata.metadata={level}")));
        let text = answer.text();
        assert!(!text.contains("citrix.test"), "{level}: {text}");
        assert!(!text.contains("nextLink"), "{level}");
        assert_eq!(text.contains("@odata.context"), level != "none");

        let mut truth = Vec::new();
        for page in ["$skip=0&$top=20", "$skip=20&$top=20", "$skip=40&$top=5"] {
            let path = format!("/monitorodata/Sessions?{page}&$expand=Connections,User");
            let page = world.truth_as(&path, &accept).await;
            let page = str::from_utf8(&page).unwrap();
            let page = page.replace("http://citrix.test", &format!("http://{HOST}"));
            let page: Value = serde_json::from_str(&page).unwrap();
            truth.extend(page["value"].as_array().unwrap().clone());
        }
        assert_eq!(answer.json()["value"], Value::from(truth), "{level}");
    }
}

#[tokio::test(start_paused = true)]
async fn context_is_the_address_that_the_client_used() {
    let world = World::new(small(), "");
    for (host, path, root) in [
        (
            "localhost:8484",
            "/monitorodata",
            "http://localhost:8484/monitorodata",
        ),
        (
            "127.0.0.1:8484",
            "/monitorodata",
            "http://127.0.0.1:8484/monitorodata",
        ),
        (
            "[::1]:8484",
            "//MonitorOData",
            "http://[::1]:8484/MonitorOData",
        ),
        (
            "localhost:8484",
            "/main/monitorodata",
            "http://localhost:8484/main/monitorodata",
        ),
    ] {
        let answer = world
            .request(
                Method::GET,
                &format!("{path}/Users?$top=1"),
                &[("host", host)],
            )
            .await;
        let context = answer.json()["@odata.context"].clone();
        assert_eq!(context, format!("{root}/$metadata#Users"), "{host}{path}");
    }
}

/// Follows the proxy's own links to the end; returns the pages.
async fn pages(world: &World, question: &str, size: usize, insist: bool) -> Vec<Answer> {
    let prefer = format!("odata.maxpagesize={size}");
    let mut pages = Vec::new();
    let mut next = Some(format!("/monitorodata{question}"));
    while let Some(path) = next {
        let headers: &[(&str, &str)] = if insist || pages.is_empty() {
            &[("prefer", &prefer)]
        } else {
            &[]
        };
        let page = world.request(Method::GET, &path, headers).await;
        assert!(page.rows().len() <= size, "{question} by {size}");
        if !headers.is_empty() {
            assert_eq!(page.header("preference-applied"), prefer, "{question}");
        }
        next = page.json()["@odata.nextLink"].as_str().map(|link| {
            let path = link.strip_prefix(&format!("http://{HOST}"));
            path.unwrap().to_owned()
        });
        pages.push(page);
        assert!(pages.len() <= 111, "{question} by {size} does not end");
    }
    pages
}

#[tokio::test(start_paused = true)]
async fn pages_of_the_clients_size_add_up_to_the_whole() {
    let world = World::new(small(), "cache.ttl = '0s'");
    for question in [
        "/Sessions",
        "/Sessions?$top=50",
        "/Sessions?$top=5",
        "/Sessions?$top=0",
        "/Sessions?$skip=13&$top=60",
        "/Sessions?$skip=200",
        "/Sessions?$orderby=StartDate desc&$select=SessionKey",
        "/Sessions?$filter=StartDate gt 2020-01-01T00:00:00Z and ExitCode ne 99",
    ] {
        let truth = world.rows_of(question).await;
        for size in [3, 10, 20, 25, 64, 110, 1000] {
            for insist in [true, false] {
                let pages = pages(&world, question, size, insist).await;
                let rows: Vec<String> = pages.iter().flat_map(Answer::rows).collect();
                assert_eq!(rows, truth, "{question} by {size}");
                let full = &pages[..pages.len() - 1];
                assert!(full.iter().all(|page| page.rows().len() == size));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn pages_of_the_clients_size_are_counted_once() {
    let world = World::new(small(), "");
    for (question, count) in [
        ("/Sessions?$count=true", 110),
        ("/Sessions?$count=true&$top=50", 110),
    ] {
        let pages = pages(&world, question, 20, true).await;
        let counts: Vec<Value> = pages
            .iter()
            .map(|page| page.json()["@odata.count"].clone())
            .collect();
        assert_eq!(counts[0], count, "{question}");
        assert!(counts[1..].iter().all(Value::is_null), "{question}");
    }
}
