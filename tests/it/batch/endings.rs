//! How a batch ends when something goes wrong on the way, and what it may cost.

use super::*;

#[tokio::test(start_paused = true)]
async fn an_answer_that_fails_later_cuts_the_batch() {
    let fault = "set=Sessions,page=3,times=always,kind=malformed";
    for format in ["multipart", "json"] {
        let world = World::with_fault(small(), "", fault.parse().unwrap());
        let urls = ["Users", "Sessions", "Machines"];
        let answer = match format {
            "json" => ask_json(&world, gets(&urls), &[GO_ON]).await,
            _ => ask(&world, &urls, &[GO_ON]).await,
        };
        assert_eq!(answer.status, 200);
        let Received::Cut(bytes) = &answer.body else {
            panic!("a clean end: {answer:?}");
        };
        let text = String::from_utf8_lossy(bytes);
        assert_eq!(
            text.matches("$metadata#Users").count(),
            1,
            "the first answer is out"
        );
        assert_eq!(
            text.matches("$metadata#Sessions").count(),
            1,
            "and part of the second"
        );
        assert!(!text.contains("Machines"), "and nothing of the third");
        let metrics = world.get("/metrics").await.text();
        assert!(metrics.contains("\nweb_answers_cut_total 1\n"), "{metrics}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_fails_at_once_is_an_error_among_others() {
    let fault = "set=Sessions,times=always,kind=malformed";
    let world = World::with_fault(small(), "", fault.parse().unwrap());
    let urls = ["Users", "Sessions", "Machines"];
    assert_eq!(shown(&world, &urls, &[GO_ON]).await, "200 502 200");
    assert_eq!(shown(&world, &urls, &[]).await, "200 502");
}

#[tokio::test(start_paused = true)]
async fn a_client_of_http_1_0_gets_all_or_an_error() {
    let fault = "set=Sessions,page=3,times=always,kind=malformed";
    let world = World::with_fault(small(), "", fault.parse().unwrap());
    let request = Request::post(BATCH)
        .version(Version::HTTP_10)
        .header("host", HOST)
        .header("content-type", "multipart/mixed; boundary=b")
        .header(GO_ON.0, GO_ON.1)
        .body(Body::from(multipart(&["Users", "Sessions", "Machines"])))
        .unwrap();
    let (head, body) = world.send(request).await.into_parts();
    let Received::Complete(bytes) = read(body).await else {
        panic!("cut: {head:?}");
    };
    assert_eq!(
        head.headers["content-length"],
        bytes.len().to_string().as_str()
    );
    let answer = Answer {
        status: head.status,
        headers: head.headers,
        body: Received::Complete(bytes),
    };
    assert_eq!(
        statuses(&parts(&answer)),
        [("0", 200), ("1", 502), ("2", 200)]
    );
}

#[tokio::test(start_paused = true)]
async fn silence_is_broken_between_answers_too() {
    // Longer than two silences, and shorter than a page's patience.
    let fault = "set=Users,kind=slow,seconds=55";
    for format in ["multipart", "json"] {
        let world = World::with_fault(small(), "", fault.parse().unwrap());
        let urls = ["Machines?$top=1", "Users?$top=1"];
        let answer = match format {
            "json" => ask_json(&world, gets(&urls), &[]).await,
            _ => ask(&world, &urls, &[]).await,
        };
        let found = match format {
            "json" => json_parts(&answer),
            _ => parts(&answer),
        };
        assert_eq!(statuses(&found), [("0", 200), ("1", 200)]);
        let blanks = if format == "json" {
            ",  {\"id\""
        } else {
            "  \r\nContent-Type: application/http"
        };
        assert!(answer.text().contains(blanks), "{}", answer.text());
    }
}

#[tokio::test(start_paused = true)]
async fn who_leaves_in_the_middle_leaves_no_work_behind() {
    let knobs = Knobs {
        sessions: 2000,
        ..small()
    };
    let world = World::new(knobs, "");
    let request = Request::post(BATCH)
        .header("host", HOST)
        .header("content-type", "multipart/mixed; boundary=b")
        .body(Body::from(multipart(&["Sessions", "Users"])))
        .unwrap();
    let mut body = world.send(request).await.into_body();
    // A delimiter, a head, and the first rows.
    for _ in 0..3 {
        body.frame().await.unwrap().unwrap();
    }
    assert_eq!(world.fills(), 1);
    drop(body);
    world.settle().await;
    assert_eq!(world.fills(), 0);
    let asked = world.asked_upstream().join(" ");
    assert!(!asked.contains("Users"), "{asked}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_for_a_batch_that_cannot_be_read() {
    let world = World::new(small(), "");
    let many = |count| multipart(&vec!["Users"; count]);
    let thousands = json!({ "requests": gets(&vec!["Users"; 10_000]) }).to_string();
    let large = format!(
        "--b\r\n\r\nGET Users\r\nX: {}\r\n--b--",
        "x".repeat(2 << 20)
    );
    let unended = many(3).replace("--b--", "");
    let (multipart, json) = ("multipart/mixed; boundary=b", "application/json");
    for (media_type, body, expected) in [
        (multipart, many(1001), "400 InvalidRequest"),
        (multipart, many(10_000), "400 InvalidRequest"),
        (json, thousands, "400 InvalidRequest"),
        (multipart, large, "413 RequestTooLarge"),
        (multipart, unended, "400 InvalidRequest"),
        ("multipart/mixed; boundary=c", many(1), "400 InvalidRequest"),
        ("multipart/mixed", many(1), "400 InvalidRequest"),
        ("text/plain", many(1), "415 UnsupportedMediaType"),
        (json, many(1), "400 InvalidRequest"),
        (json, "{}".to_owned(), "400 InvalidRequest"),
    ] {
        let answer = world
            .post(BATCH, &[("content-type", media_type)], body)
            .await;
        assert_eq!(answer.error(), expected, "{media_type}");
    }
    let old = [("content-type", multipart), ("odata-maxversion", "3.0")];
    let answer = world.post(BATCH, &old, many(1)).await;
    assert_eq!(answer.error(), "400 InvalidRequest");
    assert_eq!(world.sent().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_requests_in_one_batch() {
    let world = World::new(small(), "");
    let found = parts(&ask(&world, &vec!["Users?$top=1"; 1000], &[]).await);
    assert_eq!(found.len(), 1000);
    assert!(
        found
            .iter()
            .enumerate()
            .all(|(at, part)| part.id == at.to_string() && part.status == 200)
    );
    assert_eq!(world.pages_asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_sends_slowly_waits_alone() {
    let world = World::new(small(), "");
    let drip = stream::unfold((), async |()| {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Some((Ok::<_, Infallible>(Bytes::from_static(b"-")), ()))
    });
    let request = Request::post(BATCH)
        .header("host", HOST)
        .header("content-type", "multipart/mixed; boundary=b")
        .body(Body::from_stream(drip))
        .unwrap();
    let began = Instant::now();
    let mut slow = Box::pin(world.send(request));
    assert!(timeout(Duration::from_secs(50), &mut slow).await.is_err());
    world.ask("/Users").await.rows();
    assert_eq!(slow.await.status(), 408);
    assert_eq!(began.elapsed(), Duration::from_mins(1));
}
