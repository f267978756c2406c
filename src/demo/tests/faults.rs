//! Faults do what they say, once, and then the walk goes on.

use std::time::Duration;

use http::StatusCode;
use serde_json::Value as Json;

use super::{Answer, Site, send};

/// Asks for the second page of a filtered set while this fault waits there.
async fn second_page(fault: &str) -> (Site, Answer) {
    let site = Site::small().await;
    site.simulator
        .script(vec![format!("set=Users,page=2,{fault}").parse().unwrap()]);
    assert_eq!(site.get(FIRST).await.status, StatusCode::OK);
    let answer = site.get(SECOND).await;
    assert_eq!(site.simulator.stats().faults_struck, 1);
    (site, answer)
}

const FIRST: &str = "/Users?$filter=Id%20gt%200";
const SECOND: &str = "/Users?$filter=Id%20gt%200&$skip=100";

#[tokio::test(start_paused = true)]
async fn statuses_come_with_their_forms() {
    for (fault, status, header) in [
        ("kind=unauthorized", 401, ""),
        ("kind=forbidden", 403, ""),
        ("kind=status,status=500", 500, ""),
        ("kind=status,status=503,retry-after=7", 503, "7"),
        ("kind=throttled,shape=gateway,retry-after=3", 429, "3"),
        ("kind=throttled", 429, ""),
    ] {
        let (site, answer) = second_page(fault).await;
        assert_eq!(answer.status.as_u16(), status, "{fault}");
        assert_eq!(answer.header("retry-after"), header, "{fault}");
        assert!(answer.json().is_object());
        assert_eq!(
            site.get(SECOND).await.status,
            StatusCode::OK,
            "{fault}: only once"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn bodies_break_visibly_or_not() {
    let (site, answer) = second_page("kind=cut-body,after=3000").await;
    assert!(answer.body.is_err());
    let whole = site.get(SECOND).await.text();
    let (_, answer) = second_page("kind=cut-clean,after=3000").await;
    assert_eq!(answer.text(), whole.get(..3000).unwrap());
    let (_, answer) = second_page("kind=malformed").await;
    assert_eq!(answer.text().len(), whole.len());
    assert!(serde_json::from_str::<Json>(&answer.text()).is_err());
    let (_, answer) = second_page("kind=html").await;
    assert!(
        answer.header("content-type").starts_with("text/html") && answer.status == StatusCode::OK
    );
}

#[tokio::test(start_paused = true)]
async fn links_go_astray() {
    let link = async |fault: &str| {
        let (_, answer) = second_page(fault).await;
        answer.json()["@odata.nextLink"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let root = "http://citrix.test/monitorodata";
    assert_eq!(
        link("kind=loop-link").await,
        format!("{root}/Users?$filter=Id%20gt%200&$skip=100")
    );
    assert_eq!(
        link("kind=foreign-host").await,
        "https://evil.example/other/Users?$skip=1000"
    );
    assert_eq!(
        link("kind=foreign-path").await,
        format!("{root}-other/Users?$filter=Id%20gt%200&$skip=200")
    );
    assert_eq!(
        link("kind=relative-link").await,
        "Users?$filter=Id%20gt%200&$skip=200"
    );
    assert_eq!(
        link("kind=encoded-link").await,
        format!("{root}/Users?%24filter=Id%20gt%200&%24skip=200")
    );
    assert_eq!(
        link("kind=drops-filter").await,
        format!("{root}/Users?$skip=200")
    );
    assert_eq!(
        link("kind=skiptoken-link").await,
        format!("{root}/Users?$filter=Id%20gt%200&$skiptoken=200")
    );
}

#[tokio::test(start_paused = true)]
async fn odd_pages_still_add_up_to_the_set() {
    let clean = Site::small().await.walk("/Users").await;
    for kind in [
        "empty-page",
        "short-page,rows=30",
        "skiptoken-link",
        "encoded-link",
        "link-before-value",
    ] {
        let site = Site::small().await;
        let faults = [1, 2, 5].map(|page| {
            format!("set=Users,page={page},kind={kind}")
                .parse()
                .unwrap()
        });
        site.simulator.script(faults.into());
        assert_eq!(site.walk("/Users").await, clean, "{kind}");
        assert_eq!(site.simulator.stats().faults_struck, 3, "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn context_and_order_of_members_change() {
    let (_, answer) = second_page("kind=different-context").await;
    assert!(
        answer.json()["@odata.context"]
            .as_str()
            .unwrap()
            .ends_with("#SomethingElse")
    );
    let (_, answer) = second_page("kind=link-before-value").await;
    let text = answer.text();
    assert!(text.find("@odata.nextLink").unwrap() < text.find("\"value\"").unwrap());
}

#[tokio::test(start_paused = true)]
async fn slow_is_slow_and_hanging_never_ends() {
    let site = Site::small().await;
    site.simulator
        .script(vec!["nth=1,kind=slow,seconds=2.5".parse().unwrap()]);
    let began = tokio::time::Instant::now();
    site.get("/Users").await;
    assert!(began.elapsed() >= Duration::from_millis(2500));
    site.simulator
        .script(vec!["nth=1,kind=hang".parse().unwrap()]);
    let hung = tokio::time::timeout(Duration::from_mins(10), site.get("/Users")).await;
    assert!(hung.is_err());
    assert_eq!(site.get("/Users").await.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn tokens_can_end_between_pages() {
    let (site, answer) = second_page("kind=expire-token").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(site.get(SECOND).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(start_paused = true)]
async fn the_token_endpoint_and_metadata_can_fail_too() {
    let site = Site::small().await;
    site.simulator.script(vec![
        "set=token,kind=status,status=503".parse().unwrap(),
        "set=$metadata,kind=status,status=502".parse().unwrap(),
    ]);
    assert_eq!(site.get("/Users").await.status, StatusCode::OK);
    assert_eq!(site.get("/$metadata").await.status.as_u16(), 502);
    assert_eq!(
        super::ask_token(&site.simulator, "root", "demo-secret")
            .await
            .status
            .as_u16(),
        503
    );
    assert_eq!(
        super::ask_token(&site.simulator, "root", "demo-secret")
            .await
            .status
            .as_u16(),
        200
    );
}

#[tokio::test(start_paused = true)]
async fn controls_work_from_outside() {
    let site = Site::small().await;
    let post = async |path: &str, body: &'static str| {
        let request = http::Request::post(format!("/simulator/{path}"))
            .body(axum::body::Body::from(body))
            .unwrap();
        send(&site.simulator, request).await
    };
    assert_eq!(
        post("faults", "# two\nkind=html\n\nset=Users,kind=hang\n")
            .await
            .json()["faults"],
        2
    );
    let refused = post("faults", "kind=odd").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.text().contains("`odd` is not a kind of fault"));
    post("revoke", "").await;
    assert_eq!(site.get("/Users").await.status, StatusCode::UNAUTHORIZED);
    let request = http::Request::get("/simulator/stats")
        .body(axum::body::Body::empty())
        .unwrap();
    assert_eq!(
        send(&site.simulator, request).await.json()["data_requests"],
        1
    );
    post("reset-stats", "").await;
    assert_eq!(site.simulator.stats().data_requests, 0);
}
