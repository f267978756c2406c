//! Rows that arrive while somebody reads.

use std::collections::BTreeSet;

use http::StatusCode;
use serde_json::Value as Json;

use super::{Site, small};
use crate::demo::Knobs;

async fn site(arrivals: u64) -> Site {
    Site::new(Knobs {
        arrivals,
        keyed: true,
        ..small()
    })
    .await
}

fn keys(rows: &[Json]) -> Vec<String> {
    rows.iter()
        .map(|row| row["SessionKey"].as_str().unwrap().to_owned())
        .collect()
}

async fn counted(site: &Site) -> u64 {
    site.get("/Sessions/$count").await.text().parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn each_query_for_rows_lets_some_in_until_all_are_there() {
    let site = site(7).await;
    let early = site.simulator.there_from_the_start();
    assert_eq!(early.len(), 1800);
    assert_eq!(counted(&site).await, 1807);
    site.get("/$metadata").await;
    assert_eq!(counted(&site).await, 1814);
    for _ in 0..30 {
        site.get("/Users?$top=1").await;
    }
    assert_eq!(counted(&site).await, 2000);
    let all = site.walk("/Sessions").await;
    assert_eq!(all, Site::small().await.walk("/Sessions").await);
    let all: BTreeSet<String> = keys(&all).into_iter().collect();
    assert!(early.iter().all(|key| all.contains(key)));
}

#[tokio::test(start_paused = true)]
async fn all_questions_agree_on_how_many_are_there() {
    let site = site(1).await;
    let mut there = 1800;
    for _ in 0..3 {
        for target in [
            "/Sessions?$count=true",
            "/Sessions?$count=true&$orderby=StartDate%20desc",
            "/Sessions?$count=true&$orderby=LogOnDuration",
            "/Sessions?$count=true&$filter=IsAnonymous%20eq%20false",
            "/Sessions?$count=true&$filter=IsAnonymous%20eq%20false&$skip=300",
            "/Sessions?$count=true&$filter=StartDate%20ge%202020-01-01",
        ] {
            there += 1;
            let page = site.get(target).await.json();
            assert_eq!(page["@odata.count"], there, "{target}");
            assert_eq!(page["value"].as_array().unwrap().len(), 100);
        }
        there += 1;
        let figures = site
            .rows("/Sessions?$apply=aggregate($count%20as%20Many)")
            .await;
        assert_eq!(figures[0]["Many"], there);
    }
    there += 1;
    let rest = format!("/Sessions?$orderby=StartDate&$skip={}", there - 30);
    assert_eq!(site.rows(&rest).await.len(), 30);
}

/// A late row is found by no question, and then by every one.
#[tokio::test(start_paused = true)]
async fn a_late_row_is_nowhere_until_it_is_everywhere() {
    let site = site(1).await;
    let early: BTreeSet<String> = site.simulator.there_from_the_start().into_iter().collect();
    let all = Site::small().await.walk("/Sessions").await;
    let late: Vec<&Json> = all
        .iter()
        .filter(|row| !early.contains(row["SessionKey"].as_str().unwrap()))
        .collect();
    assert_eq!(late.len(), 200);
    let (key, user) = (
        late[120]["SessionKey"].as_str().unwrap(),
        &late[120]["UserId"],
    );
    let mut moments = Vec::new();
    for _ in 0..50 {
        let alone = site.get(&format!("/Sessions({key})")).await.status == StatusCode::OK;
        let filter = format!("$filter=SessionKey%20eq%20{key}");
        let found = site.rows(&format!("/Sessions?{filter}")).await.len() == 1;
        let above = site
            .rows(&format!("/Connections?{filter}&$expand=Session"))
            .await;
        let above = above.iter().all(|row| row["Session"].is_object());
        let below = site
            .rows(&format!("/Users?$filter=Id%20eq%20{user}&$expand=Sessions"))
            .await;
        let below = keys(below[0]["Sessions"].as_array().unwrap()).contains(&key.to_owned());
        moments.extend([alone, found, above, below]);
    }
    let arrived = moments.iter().position(|there| *there).unwrap();
    assert!((1..190).contains(&arrived), "{arrived}");
    assert!(moments[arrived..].iter().all(|there| *there));
}

/// Late rows lie all over the order by number and by date, and do not come in that order.
#[tokio::test(start_paused = true)]
async fn late_rows_come_in_the_middle() {
    let all = keys(&Site::small().await.walk("/Sessions").await);
    let site = Site::new(Knobs {
        page_size: 5000,
        arrivals: 40,
        ..small()
    })
    .await;
    let mut before: BTreeSet<String> = site.simulator.there_from_the_start().into_iter().collect();
    for _ in 0..5 {
        let now = keys(&site.rows("/Sessions?$orderby=StartDate").await);
        let now: BTreeSet<String> = now.into_iter().collect();
        let arrived = now.difference(&before);
        let places: Vec<usize> = arrived
            .filter_map(|key| all.iter().position(|other| other == key))
            .collect();
        assert_eq!(places.len(), 40);
        assert!(places.iter().any(|place| *place < 700));
        assert!(places.iter().any(|place| *place > 1300));
        before = now;
    }
}
