//! `$batch` and `$query` with all their headers.

use super::*;

/// The answer to a multipart batch, with `B` for its boundary and without what is the same in each part.
async fn multipart(headers: &str, body: &str) -> String {
    let found = exchange(&format!(
        "POST /monitorodata/$batch\nContent-Type: multipart/mixed; boundary=b{headers}\n\n{body}"
    ))
    .await;
    let Some((_, boundary)) = found.split_once("boundary=") else {
        return found;
    };
    let boundary = boundary.lines().next().unwrap();
    assert!(boundary.starts_with("batchresponse_"), "{found}");
    found.replace(boundary, "B").replace("\r\n", "\n")
}

#[tokio::test]
async fn a_multipart_batch() {
    let body = "--b\nContent-Type: application/http\nContent-ID: 1\n\nGET Sets HTTP/1.1\nAccept-Encoding: gzip\n\n\n\
                --b\nContent-Type: application/http\n\nGET /monitorodata/Missing\n\n--b--";
    insta::assert_snapshot!(multipart("\nPrefer: odata.continue-on-error", body).await, @r#"
    200
    cache-control: no-store
    content-type: multipart/mixed; boundary=B
    cross-origin-resource-policy: same-origin
    odata-version: 4.0
    preference-applied: odata.continue-on-error
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: ID

    --B
    Content-Type: application/http
    Content-Transfer-Encoding: binary
    Content-ID: 1

    HTTP/1.1 200 OK
    OData-Version: 4.0
    Cache-Control: private, no-cache
    Vary: Accept, Accept-Encoding, Prefer
    Accept-Ranges: none
    Cache-Status: citrix-odata-proxy; hit; ttl=293
    Age: 7
    ETag: "01b38cae19399f12eba251c2c0853fb7-74d9b6a301ad9919"
    Content-Type: application/json;odata.metadata=minimal;odata.streaming=true;charset=utf-8
    Content-Length: 86

    {"@odata.context":"http://localhost:8484/monitorodata/$metadata#Sets","value":[{},{}]}
    --B
    Content-Type: application/http
    Content-Transfer-Encoding: binary

    HTTP/1.1 404 Not Found
    Content-Type: application/json;odata.metadata=minimal;charset=utf-8
    Cache-Control: no-store
    X-Content-Type-Options: nosniff
    OData-Version: 4.0
    Content-Length: 186

    {"error":{"code":"NotFound","message":"There is no entity set `Missing`. The service document lists those that there are.","details":[{"code":"RequestId","message":"ID"}]}}
    --B--
    "#);
}

#[tokio::test]
async fn a_json_batch() {
    let body = r#"{"requests":[{"id":"1","method":"get","url":"Sets"},{"id":"2","method":"delete","url":"Sets"}]}"#;
    let found = exchange(&format!(
        "POST /monitorodata/$batch\nContent-Type: application/json\n\n{body}"
    ))
    .await;
    insta::assert_snapshot!(found, @r#"
    200
    cache-control: no-store
    content-type: application/json
    cross-origin-resource-policy: same-origin
    odata-version: 4.0
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: ID

    {"responses":[{"id":"1","status":200,"headers":{"odata-version":"4.0","cache-control":"private, no-cache","vary":"Accept, Accept-Encoding, Prefer","accept-ranges":"none","cache-status":"citrix-odata-proxy; hit; ttl=293","age":"7","etag":"\"01b38cae19399f12eba251c2c0853fb7-74d9b6a301ad9919\"","content-type":"application/json;odata.metadata=minimal;odata.streaming=true;charset=utf-8"},"body":{"@odata.context":"http://localhost:8484/monitorodata/$metadata#Sets","value":[{},{}]}},{"id":"2","status":405,"headers":{"content-type":"application/json;odata.metadata=minimal;charset=utf-8","cache-control":"no-store","x-content-type-options":"nosniff","odata-version":"4.0","allow":"GET, HEAD"},"body":{"error":{"code":"MethodNotAllowed","message":"This service is read-only: it answers GET, HEAD.","details":[{"code":"RequestId","message":"ID"}]}}}]}
    "#);
}

#[tokio::test]
async fn a_defect_in_one_request_is_an_error_in_its_place() {
    let body = "--b\n\nGET Panic\n--b\n\nGET Sets\n--b--";
    let found = multipart("\nPrefer: odata.continue-on-error", body).await;
    let statuses: Vec<&str> = found
        .lines()
        .filter(|line| line.starts_with("HTTP/1.1"))
        .collect();
    assert_eq!(
        statuses,
        ["HTTP/1.1 500 Internal Server Error", "HTTP/1.1 200 OK"]
    );
    assert!(found.contains("\"code\":\"InternalError\""), "{found}");
    assert!(found.ends_with("\n--B--\n"), "{found}");
}

#[tokio::test]
async fn what_is_asked_within_a_batch_is_one_clients() {
    let (service, source, _) = service();
    let body =
        "--b\n\nGET Sets?key=secret&$top=1\nUser-Agent: other\nCache-Control: no-cache\n\n--b--";
    let request = Request::post("/lab/monitorodata/$batch")
        .header("Host", "localhost")
        .header("User-Agent", "Excel")
        .header("Cache-Control", "no-store")
        .header("Content-Type", "multipart/mixed; boundary=b")
        .body(Body::from(body))
        .unwrap();
    let response = service.answer(request, None).await;
    response.into_body().collect().await.unwrap();
    let request = Request::get("/lab/monitorodata/Sets")
        .header("Host", "localhost")
        .header("User-Agent", "Excel")
        .body(Body::empty())
        .unwrap();
    service.answer(request, None).await;
    let asked = source.asked.lock().unwrap();
    let [(site, within), (_, alone)] = &**asked else {
        panic!("{asked:?}");
    };
    assert_eq!(site.as_str(), "lab");
    assert_eq!(within.party, alone.party);
    assert!(within.directives.no_cache && !within.directives.no_store);
    assert_eq!(within.question.canonical(), "Sets?$top=1");
}

#[tokio::test]
async fn methods() {
    for (request, status, allow) in [
        ("OPTIONS /monitorodata", 204, "GET, HEAD, OPTIONS"),
        ("OPTIONS /monitorodata/Sets", 204, "GET, HEAD, OPTIONS"),
        ("OPTIONS /monitorodata/$batch", 204, "POST, HEAD, OPTIONS"),
        ("OPTIONS /monitorodata/Sets/$query", 204, "POST, OPTIONS"),
        ("HEAD /monitorodata/$batch/", 204, ""),
        ("HEAD /monitorodata/$batch\nx-csrf-token: Fetch", 204, ""),
        ("GET /monitorodata/$batch", 405, "POST, HEAD, OPTIONS"),
        ("PUT /monitorodata/$batch", 405, "POST, HEAD, OPTIONS"),
        ("GET /monitorodata/Sets/$query", 405, "POST, OPTIONS"),
        ("POST /monitorodata/Sets", 405, "GET, HEAD, OPTIONS"),
        ("POST /monitorodata/Sets/$batch", 405, "GET, HEAD, OPTIONS"),
    ] {
        let found = exchange(request).await;
        let allowed = found.lines().find_map(|line| line.strip_prefix("allow: "));
        assert!(found.starts_with(&status.to_string()), "{request}: {found}");
        assert_eq!(allowed.unwrap_or_default(), allow, "{request}");
        assert!(found.contains("\nodata-version: 4.0\n"), "{found}");
    }
}

#[tokio::test]
async fn a_query_is_answered_as_the_get_would_be() {
    let get = exchange("GET /monitorodata/Sets?$top=1&$skip=2").await;
    for request in [
        "POST /monitorodata/Sets/$query\nContent-Type: text/plain\n\n$top=1&$skip=2",
        "POST /monitorodata/Sets/%24query?$skip=2\nContent-Type: text/plain;charset=utf-8\n\n%24top=1\n",
        "POST /monitorodata/Sets/$query?$top=1&$skip=2\nContent-Type: application/x-www-form-urlencoded",
        "POST /monitorodata/Sets/$query\n\n?$skip=2&$top=1",
    ] {
        assert_eq!(exchange(request).await, get, "{request}");
    }
    let tag = get.lines().find_map(|line| line.strip_prefix("etag: "));
    let known = format!(
        "POST /monitorodata/Sets/$query\nIf-None-Match: {}\n\n$top=1&$skip=2",
        tag.unwrap()
    );
    assert!(exchange(&known).await.starts_with("304\n"));
}

#[tokio::test]
async fn a_query_that_cannot_be_read() {
    let long = "x".repeat(32 * 1024 + 1);
    let fits = "x".repeat(32 * 1024 - 4);
    for (request, expected) in [
        (
            "?$top=1\n\n$top=2",
            "400 \"InvalidRequest\" query option `$top` appears twice",
        ),
        (
            "\n\n$filter=%ZZ",
            "400 \"InvalidRequest\" bad percent-encoding",
        ),
        (
            "\nContent-Type: application/json\n\n{}",
            "415 \"UnsupportedMediaType\" text/plain",
        ),
        (
            &format!("\n\n{long}"),
            "413 \"RequestTooLarge\" 32768 bytes",
        ),
        (
            &format!("?a=1\n\n{fits}"),
            "400 \"InvalidRequest\" longer than the limit",
        ),
        (&format!("\n\n{fits}"), "200"),
    ] {
        let found = exchange(&format!("POST /monitorodata/Sets/$query{request}")).await;
        let mut words = expected.splitn(3, ' ');
        assert!(
            found.starts_with(words.next().unwrap()),
            "{request:.60}: {found:.300}"
        );
        for word in words {
            assert!(found.contains(word), "{request:.60}: {found}");
        }
    }
}
