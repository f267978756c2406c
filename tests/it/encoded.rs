//! Compressed or not, stored or on its way: the same text, and the length that was promised.

use std::io::Read;

use bytes::Bytes;
use citrix_odata_proxy::demo::Knobs;
use flate2::read::GzDecoder;
use futures_util::StreamExt;
use http::Method;

use crate::world::{Answer, World, small};

/// Questions with bodies of every form: short, long, with few links and with thousands.
const QUESTIONS: [(&str, &str); 10] = [
    ("/Sessions", "application/json"),
    ("/Sessions", "application/json;odata.metadata=none"),
    ("/Sessions", "application/json;odata.metadata=full"),
    ("/Sessions?$top=2", "application/json;odata.metadata=full"),
    (
        "/Sessions?$top=45&$expand=Connections,User",
        "application/json;odata.metadata=full",
    ),
    ("/Users?$count=true", "application/json"),
    ("/Users(5)", "application/json"),
    ("/Sessions/$count", "*/*"),
    ("/$metadata", "*/*"),
    ("", "application/json"),
];

fn knobs() -> Knobs {
    Knobs {
        expand_page_size: Some(1),
        ..small()
    }
}

/// Asks; more headers for more wishes.
async fn ask(world: &World, question: (&str, &str), more: &[(&str, &str)]) -> Answer {
    let headers = [&[("accept", question.1)], more].concat();
    let path = format!("/monitorodata{}", question.0);
    let answer = world.request(Method::GET, &path, &headers).await;
    assert_eq!(answer.status, 200, "{question:?}: {answer:?}");
    let promised = answer.header("content-length");
    let sent = answer.bytes().len().to_string();
    assert!(promised.is_empty() || promised == sent, "{question:?}");
    answer
}

/// The text of an answer. A decoder that stops behind the first member of a file sees all of it.
fn text(answer: &Answer) -> Vec<u8> {
    if answer.header("content-encoding").is_empty() {
        return answer.bytes().to_vec();
    }
    assert_eq!(answer.header("content-encoding"), "gzip");
    let mut decoder = GzDecoder::new(&answer.bytes()[..]);
    let mut text = Vec::new();
    decoder.read_to_end(&mut text).unwrap();
    assert!(decoder.into_inner().is_empty(), "a second member");
    text
}

#[tokio::test(start_paused = true)]
async fn every_form_of_an_answer_is_the_same_text() {
    const GZIP: (&str, &str) = ("accept-encoding", "gzip");
    for host in ["localhost:8484", "127.0.0.1:8484"] {
        for pages in ["odata.maxpagesize=7", "respond-async"] {
            let always = [("host", host), ("prefer", pages)];
            let with = |more: &[(&'static str, &'static str)]| [&always, more].concat();
            let world = World::new(knobs(), "cache.ttl = '1h'");
            for question in QUESTIONS {
                let name = format!("{question:?} at {host}, {pages}");
                let live = ask(&world, question, &with(&[])).await;
                assert_eq!(live.header("content-encoding"), "", "{name}");
                let stored = ask(&world, question, &with(&[])).await;
                assert!(stored.header("cache-status").contains("; hit;"), "{name}");
                assert_eq!(stored.bytes(), live.bytes(), "{name}");
                assert!(!stored.header("content-length").is_empty(), "{name}");

                let packed = ask(&world, question, &with(&[GZIP])).await;
                assert!(packed.header("cache-status").contains("; hit;"), "{name}");
                let short = live.bytes().len() < 1024;
                assert_eq!(
                    packed.header("content-encoding").is_empty(),
                    short,
                    "{name}"
                );
                assert_eq!(text(&packed), live.bytes()[..], "{name}");

                // With nothing stored, so that pages of the client's size begin anew, too.
                let world = World::new(knobs(), "cache.ttl = '0s'");
                let packed = ask(&world, question, &with(&[GZIP])).await;
                assert!(packed.header("cache-status").contains("fwd="), "{name}");
                assert_eq!(packed.header("content-encoding"), "gzip", "{name}");
                let unpacked = text(&packed);
                if pages == "respond-async" {
                    assert_eq!(unpacked, live.bytes()[..], "{name}");
                } else {
                    assert_eq!(unpacked.len(), live.bytes().len(), "{name}");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_length_of_a_stored_answer_is_known_but_where_it_is_packed_anew() {
    let world = World::new(knobs(), "cache.ttl = '1h'");
    for (question, known) in [(QUESTIONS[0], true), (QUESTIONS[2], false)] {
        ask(&world, question, &[]).await;
        let packed = ask(&world, question, &[("accept-encoding", "gzip")]).await;
        assert_eq!(!packed.header("content-length").is_empty(), known);
        assert_eq!(packed.header("content-encoding"), "gzip");
    }
}

/// The pieces that a body is sent in.
async fn pieces(world: &World, coding: &str) -> Vec<Bytes> {
    let headers = [("accept-encoding", coding)];
    let response = world.open(Method::GET, "/monitorodata/Sessions", &headers);
    let body = response.await.into_body().into_data_stream();
    body.map(Result::unwrap).collect().await
}

#[tokio::test(start_paused = true)]
async fn a_hit_copies_no_more_than_a_few_kilobytes_at_a_time() {
    let world = World::new(
        Knobs {
            sessions: 2000,
            ..small()
        },
        "cache.ttl = '1h'",
    );
    world.ask("/Sessions").await;
    for (coding, sum_max, each_max) in [
        ("gzip", 8 * 1024, 8 * 1024),
        // What has to be unpacked for each client.
        ("identity", usize::MAX, 128 * 1024),
    ] {
        let (one, other) = (pieces(&world, coding).await, pieces(&world, coding).await);
        assert_eq!(one, other);
        assert!(one.iter().map(Bytes::len).sum::<usize>() > 100_000);
        // What both are sent from the same place is no copy.
        let copied = one.iter().zip(&other);
        let copied = copied.filter(|(one, other)| one.as_ptr() != other.as_ptr());
        let copied: Vec<usize> = copied.map(|(one, _)| one.len()).collect();
        assert!(copied.iter().sum::<usize>() <= sum_max, "{coding}");
        assert!(copied.iter().all(|len| *len <= each_max), "{coding}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_packed_is_a_fraction_of_its_text() {
    let world = World::new(knobs(), "cache.ttl = '1h'");
    for question in [QUESTIONS[0], QUESTIONS[2]] {
        let plain = ask(&world, question, &[]).await.bytes().len();
        let packed = ask(&world, question, &[("accept-encoding", "gzip")]).await;
        assert!(packed.bytes().len() < plain / 3, "{question:?}");
    }
}
