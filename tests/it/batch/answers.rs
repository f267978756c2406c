//! What is answered, in which order, and what a failure does to the rest.

use super::*;

#[tokio::test(start_paused = true)]
async fn each_answer_is_the_one_it_would_be_alone() {
    for batch_comes_first in [true, false] {
        let world = World::new(small(), "cache.ttl = '1h'");
        if !batch_comes_first {
            alone(&world).await;
        }
        let (found, found_json) = (
            parts(&ask(&world, &READS, &[]).await),
            json_parts(&ask_json(&world, gets(&READS), &[]).await),
        );
        let asked = world.pages_asked();
        let alone = alone(&world).await;
        assert_eq!(
            world.pages_asked(),
            asked,
            "what a batch has asked is stored"
        );
        assert_eq!(found.len(), READS.len());
        for (((url, alone), found), in_json) in
            READS.iter().zip(&alone).zip(&found).zip(&found_json)
        {
            assert_eq!(found.body, alone.text(), "{url}");
            for (name, value) in &alone.headers {
                let value = value.to_str().unwrap();
                // What says whether it was stored before, and what belongs to the outer answer.
                let own = [
                    "cache-status",
                    "age",
                    "etag",
                    "content-length",
                    "x-request-id",
                    "cross-origin-resource-policy",
                    "referrer-policy",
                ];
                if !own.contains(&name.as_str()) {
                    assert_eq!(
                        found.headers.get(name.as_str()).map(String::as_str),
                        Some(value),
                        "{url} {name}"
                    );
                    assert_eq!(
                        in_json.headers.get(name.as_str()).map(String::as_str),
                        Some(value),
                        "{url} {name}"
                    );
                }
            }
            assert!(found.headers["cache-status"].starts_with("citrix-odata-proxy; "));
            let body = match alone.header("content-type") {
                "application/xml" => format!("\"{}\"", base64url(alone.bytes())),
                text if text.starts_with("text/plain") => format!("\"{}\"", alone.text()),
                _ => alone.text(),
            };
            assert_eq!(in_json.body, body, "{url}");
        }
    }
}

fn base64url(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

#[tokio::test(start_paused = true)]
async fn answers_come_in_order_whether_they_are_stored_or_made() {
    let world = World::new(small(), "cache.ttl = '1h'");
    world.ask("/Users").await.rows();
    let urls = ["Sessions", "Users", "Sessions", "Machines"];
    let answer = ask(&world, &urls, &[]).await;
    let found = parts(&answer);
    let outcomes: Vec<&str> = found
        .iter()
        .map(|part| part.headers["cache-status"].split("; ").nth(1).unwrap())
        .collect();
    assert_eq!(outcomes, ["fwd=uri-miss", "hit", "hit", "fwd=uri-miss"]);
    assert_eq!(
        statuses(&found),
        [("0", 200), ("1", 200), ("2", 200), ("3", 200)]
    );
    assert_eq!(found[0].body, found[2].body);
    let lengths = found
        .iter()
        .map(|part| part.headers.contains_key("content-length"));
    assert_eq!(
        lengths.collect::<Vec<_>>(),
        [false, true, true, false],
        "known of what is stored"
    );
    let metrics = world.get("/metrics").await.text();
    for line in [
        r#"web_batch_requests_total{outcome="hit",status_class="2xx"} 2"#,
        r#"web_batch_requests_total{outcome="miss",status_class="2xx"} 2"#,
        r#"web_requests_total{outcome="none",status_class="2xx"} 1"#,
    ] {
        assert!(
            metrics.lines().any(|found| found == line),
            "{line} in\n{metrics}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_ends_the_batch_unless_it_is_to_go_on() {
    let world = World::new(small(), "");
    let urls = [
        "Users?$top=1",
        "Userz",
        "DELETE Users(1)",
        "POST Users",
        "$batch",
        "HEAD Users?$top=1",
        "HEAD Userz",
    ];
    let stops = "200 404";
    let goes_on = "200 404 405 405 400 200 404";
    for (prefer, expected) in [
        ("odata.maxpagesize=5", stops),
        ("odata.continue-on-error=false", stops),
        ("odata.continue-on-error", goes_on),
        ("respond-async, continue-on-error=true", goes_on),
    ] {
        assert_eq!(
            shown(&world, &urls, &[("prefer", prefer)]).await,
            expected,
            "{prefer}"
        );
    }
    let answer = ask(&world, &urls, &[GO_ON]).await;
    assert_eq!(
        answer.header("preference-applied"),
        "odata.continue-on-error"
    );
    let parts = parts(&answer);
    for part in &parts[1..5] {
        let error: Value = serde_json::from_str(&part.body).unwrap();
        assert!(
            error["error"]["message"].as_str().unwrap().len() > 20,
            "{part:?}"
        );
        assert_eq!(
            error["error"]["details"][0]["message"],
            answer.header("x-request-id")
        );
    }
    assert_eq!(parts[2].headers["allow"], "GET, HEAD");
    for head in &parts[5..] {
        let length = head.headers.get("content-length");
        assert_eq!((&*head.body, length), ("", None));
    }
    let head = &parts[5];
    assert_eq!(head.headers["etag"], parts[0].headers["etag"]);
}

#[tokio::test(start_paused = true)]
async fn what_depends_on_a_failure_is_not_asked() {
    let world = World::new(small(), "");
    let requests = json!([
        {"id": "a", "method": "GET", "url": "Userz"},
        {"id": "b", "method": "get", "url": "Users?$top=1", "dependsOn": ["a"]},
        {"id": "c", "method": "get", "url": "Users?$top=2", "dependsOn": ["b"]},
        {"id": "d", "method": "patch", "url": "Users(1)", "atomicityGroup": "g", "body": {"Name": "x"}},
        {"id": "e", "method": "get", "url": "Users?$top=3", "dependsOn": ["g"]},
        {"id": "f", "method": "get", "url": "Users?$top=4"},
        {"id": "g2", "method": "get", "url": "Users?$top=5", "dependsOn": ["f"]},
    ]);
    let answer = ask_json(&world, requests.clone(), &[GO_ON]).await;
    assert_eq!(
        statuses(&json_parts(&answer)),
        [
            ("a", 404),
            ("b", 424),
            ("c", 424),
            ("d", 405),
            ("e", 424),
            ("f", 200),
            ("g2", 200)
        ]
    );
    assert_eq!(answer.json()["responses"][3]["atomicityGroup"], "g");
    let asked = world.asked_upstream().join(" ");
    assert!(
        asked.contains("$top=5") && !asked.contains("$top=1"),
        "{asked}"
    );

    let answer = ask_json(&world, requests, &[]).await;
    assert_eq!(statuses(&json_parts(&answer)), [("a", 404)]);
}

#[tokio::test(start_paused = true)]
async fn urls_lead_to_the_site_of_the_batch_and_nowhere_else() {
    let world = World::new(small(), "server.allowed_hosts = ['bi-host']");
    let urls = [
        "http://localhost:8484/monitorodata/Users?$top=1",
        "/main/monitorodata/Users?$top=1",
        "http://BI-Host/monitorodata/Users?$top=1",
        "http://evil.example/monitorodata/Users",
        "/other/monitorodata/Users",
        "/api/status",
        "//evil.example/monitorodata",
    ];
    let answer = ask(&world, &urls, &[GO_ON]).await;
    let found = parts(&answer);
    let expected = [200, 200, 200, 400, 404, 404, 404];
    assert_eq!(
        found.iter().map(|part| part.status).collect::<Vec<_>>(),
        expected
    );
    for (part, root) in found.iter().zip([
        "http://localhost:8484/monitorodata",
        "http://localhost:8484/main/monitorodata",
        "http://BI-Host/monitorodata",
    ]) {
        let context = format!("{{\"@odata.context\":\"{root}/$metadata#Users\"");
        assert!(part.body.starts_with(&context), "{part:?}");
    }
    assert!(world.sent().iter().all(|sent| sent.host == "citrix.test"));
}

#[tokio::test(start_paused = true)]
async fn pages_and_validators_work_within_a_batch() {
    let world = World::new(small(), "cache.ttl = '1h'");
    let tag = world.ask("/Users").await;
    assert_eq!(tag.status, 200);
    let tag = world.ask("/Users").await.header("etag").to_owned();
    let body = format!(
        "--b\n\nGET Users\nIf-None-Match: {tag}\n\n--b\n\nGET Sessions\nPrefer: odata.maxpagesize=10\n\n--b--"
    );
    let headers = [("content-type", "multipart/mixed; boundary=b")];
    let found = parts(&world.post(BATCH, &headers, body).await);
    assert_eq!((found[0].status, &*found[0].body), (304, ""));
    assert_eq!(
        found[1].headers["preference-applied"],
        "odata.maxpagesize=10"
    );
    let page: Value = serde_json::from_str(&found[1].body).unwrap();
    let next = page["@odata.nextLink"].as_str().unwrap();
    let next = next.strip_prefix("http://localhost:8484").unwrap();
    let found = parts(&ask(&world, &[next], &[]).await);
    assert_eq!(found[0].status, 200, "{found:?}");
}

#[tokio::test(start_paused = true)]
async fn options_in_a_body_ask_the_same_question() {
    let world = World::new(small(), "cache.ttl = '1h'");
    let text = [("content-type", "text/plain")];
    for (path, below, body) in [
        ("Sessions", "", "$top=7&$select=SessionKey"),
        ("Sessions/$count", "?$filter=ConnectionState eq 5", ""),
        ("Users", "?$top=2", "%24skip=1\r\n"),
    ] {
        let post = format!("{ROOT}/{path}/$query{below}");
        let first = world.post(&post, &text, body).await;
        let second = world.post(&post, &text, body).await;
        let options = [below.trim_start_matches('?'), body.trim()];
        let options: Vec<&str> = options
            .into_iter()
            .filter(|piece| !piece.is_empty())
            .collect();
        let get = world.ask(&format!("/{path}?{}", options.join("&"))).await;
        assert_eq!(get.status, 200, "{path}");
        assert_eq!(first.bytes(), get.bytes(), "{path}");
        assert_eq!(second.headers["etag"], get.headers["etag"]);
        assert!(get.header("cache-status").contains("; hit"), "{path}");
    }
    let twice = world
        .post(&format!("{ROOT}/Users/$query?$top=1"), &text, "$top=2")
        .await;
    assert_eq!(twice.error(), "400 InvalidRequest");
    let refused = world
        .request(Method::GET, &format!("{ROOT}/Users/$query"), &[])
        .await;
    assert_eq!(refused.error(), "405 MethodNotAllowed");

    // Within a batch, too.
    let requests = json!([{
        "id": "1", "method": "post", "url": "Sessions/$query",
        "headers": {"content-type": "text/plain"}, "body": "$top=7&$select=SessionKey",
    }]);
    let found = json_parts(&ask_json(&world, requests, &[]).await);
    let get = world.ask("/Sessions?$top=7&$select=SessionKey").await;
    assert_eq!(found[0].body, get.text());
}
