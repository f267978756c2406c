//! Every form of a URL in a batch, and where it leads.

use super::super::super::{AccessSettings, Settings};
use super::*;

/// `METHOD URL`, then `Name: value` lines, and a body behind a blank one; as `method root | below | query`, or as status.
fn found(public_url: Option<&str>, request: &str) -> String {
    let (head, body) = request.split_once("\n\n").unwrap_or((request, ""));
    let mut lines = head.lines();
    let (method, url) = lines.next().unwrap().split_once(' ').unwrap();
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        let name: HeaderName = name.parse().unwrap();
        headers.insert(name, value.parse().unwrap());
    }
    let inner = Inner {
        method: method.parse().unwrap(),
        url: url.to_owned(),
        headers,
        body: body.to_owned().into(),
    };
    let public_url: Option<Url> = public_url.map(|url| url.parse().unwrap());
    let site = |name| SiteId::new(name).unwrap();
    let locator = Locator {
        hosts: &AllowedHosts::new(&Settings {
            listen: vec!["127.0.0.1:8484".parse().unwrap()],
            allowed_hosts: vec!["bi-host".to_owned()],
            public_url: public_url.clone(),
            tls: false,
            access: AccessSettings::default(),
        }),
        sites: &Sites {
            all: vec![site("lab"), site("main")],
            default: Some(site("main")),
        },
        site: &site("main"),
        scheme: "http",
        authority: &Authority::of("localhost:8484"),
        root: "/monitorodata",
        public_url: public_url.as_ref(),
    };
    match locator.locate(inner, |name| ["r1", "metadata"].contains(&name)) {
        Ok(target) => format!(
            "{} {} | {} | {}",
            target.method,
            std::str::from_utf8(&target.root).unwrap(),
            target.below,
            target.query.as_deref().unwrap_or("-")
        ),
        Err(problem) => format!("{} {}", problem.status.as_u16(), problem.code),
    }
}

fn check(cases: &[(&str, &str)]) {
    for (request, expected) in cases {
        assert_eq!(found(None, request), *expected, "{request}");
    }
}

#[test]
fn from_the_service_root() {
    check(&[
        (
            "GET Users?$top=1",
            "GET http://localhost:8484/monitorodata | Users | $top=1",
        ),
        (
            "HEAD Users",
            "HEAD http://localhost:8484/monitorodata | Users | -",
        ),
        (
            "GET ./Users/",
            "GET http://localhost:8484/monitorodata | Users | -",
        ),
        (
            "GET Users(5)//User?",
            "GET http://localhost:8484/monitorodata | Users(5)/User | ",
        ),
        (
            "GET $metadata#x",
            "GET http://localhost:8484/monitorodata | $metadata | -",
        ),
        (
            "GET Users?$filter=Name eq 'é'",
            "GET http://localhost:8484/monitorodata | Users | $filter=Name%20eq%20'%C3%A9'",
        ),
        (
            "GET Users('a://b')",
            "GET http://localhost:8484/monitorodata | Users('a://b') | -",
        ),
        ("GET ", "GET http://localhost:8484/monitorodata |  | -"),
    ]);
}

#[test]
fn from_the_root_of_the_host() {
    check(&[
        (
            "GET /monitorodata/Users?$top=1",
            "GET http://localhost:8484/monitorodata | Users | $top=1",
        ),
        (
            "GET //MonitorOData//Users/",
            "GET http://localhost:8484/MonitorOData | Users | -",
        ),
        (
            "GET /monitorodata/Users\nHost: 127.0.0.1:8484",
            "GET http://127.0.0.1:8484/monitorodata | Users | -",
        ),
        (
            "GET /Main/monitorodata/Users",
            "GET http://localhost:8484/Main/monitorodata | Users | -",
        ),
        (
            "GET /monitorodata",
            "GET http://localhost:8484/monitorodata |  | -",
        ),
    ]);
}

#[test]
fn absolute() {
    check(&[
        (
            "GET http://localhost:8484/monitorodata/Users?$top=1",
            "GET http://localhost:8484/monitorodata | Users | $top=1",
        ),
        (
            "GET HTTPS://BI-Host/monitorodata/Users\nHost: elsewhere",
            "GET http://BI-Host/monitorodata | Users | -",
        ),
        (
            "GET http://[::1]:8484/main/monitorodata",
            "GET http://[::1]:8484/main/monitorodata |  | -",
        ),
    ]);
}

#[test]
fn behind_something_that_changes_the_address() {
    let root = "GET https://bi.example.com/citrix/monitorodata | Users | -";
    for request in [
        "GET Users",
        "GET /citrix/monitorodata/Users",
        "GET /monitorodata/Users",
        "GET https://bi.example.com/citrix/monitorodata/Users",
        "GET http://localhost:8484/monitorodata/Users",
        "GET /citrix/monitorodata/Users\nHost: bi.example.com",
    ] {
        let public = Some("https://bi.example.com/citrix/");
        assert_eq!(found(public, request), root, "{request}");
    }
    let public = Some("https://bi.example.com/citrix");
    let other = found(public, "GET /citrixx/monitorodata/Users");
    assert_eq!(other, "404 NotFound");
}

#[test]
fn nowhere_else() {
    check(&[
        (
            "GET http://evil.example/monitorodata/Users",
            "400 InvalidRequest",
        ),
        (
            "GET http://user@localhost/monitorodata/Users",
            "400 InvalidRequest",
        ),
        ("GET http:///monitorodata/Users", "400 InvalidRequest"),
        (
            "GET /monitorodata/Users\nHost: evil.example",
            "400 InvalidRequest",
        ),
        ("GET /lab/monitorodata/Users", "404 NotFound"),
        ("GET /mian/monitorodata/Users", "404 NotFound"),
        ("GET http://localhost:8484/lab/monitorodata", "404 NotFound"),
        ("GET //evil.example/monitorodata/Users", "404 NotFound"),
        ("GET /api/status", "404 NotFound"),
        ("GET /Users", "404 NotFound"),
        ("GET $batch", "400 InvalidRequest"),
        ("POST /monitorodata/%24batch/", "400 InvalidRequest"),
        ("GET $r1/User", "501 NotSupported"),
        ("GET $r1", "501 NotSupported"),
    ]);
}

#[test]
fn only_to_read() {
    check(&[
        ("POST Users", "405 MethodNotAllowed"),
        ("PATCH Users(5)", "405 MethodNotAllowed"),
        ("OPTIONS Users", "405 MethodNotAllowed"),
        ("GET Users/$query", "405 MethodNotAllowed"),
        (
            "POST Users/$query?$top=1\n\n$skip=2&key=k\r\n",
            "GET http://localhost:8484/monitorodata | Users | $top=1&$skip=2",
        ),
        (
            "POST Users/$query\nContent-Type: application/json\n\n{}",
            "415 UnsupportedMediaType",
        ),
    ]);
}

#[test]
fn without_what_is_for_the_batch_as_a_whole() {
    check(&[
        (
            "GET Users?key=secret&$top=1",
            "GET http://localhost:8484/monitorodata | Users | $top=1",
        ),
        (
            "GET Users?$top=1&%6bEY=secret&+key=secret&%20key=secret&key&monkey=1",
            "GET http://localhost:8484/monitorodata | Users | $top=1&monkey=1",
        ),
    ]);
}

proptest::proptest! {
    #[test]
    fn no_url_leads_out_of_the_site(url in ".{0,40}", host in proptest::option::of("[a-z.:/@]{0,12}")) {
        let host = host.map_or(String::new(), |host| format!("\nHost: {host}"));
        let url = url.replace(['\n', '\r'], "");
        let found = found(None, &format!("GET {url}{host}"));
        let stays = found.starts_with("GET http://localhost:8484/") || !found.starts_with("GET");
        let named = found.starts_with("GET http://bi-host") || found.starts_with("GET http://localhost");
        proptest::prop_assert!(stays || named, "{}", found);
    }
}
