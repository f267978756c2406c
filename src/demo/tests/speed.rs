//! How fast pages are made; prints, and promises nothing.
//!
//! `cargo test --release --lib demo::tests::speed -- --nocapture`

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use serde_json::Value as Json;
use tokio::time::Instant;

use super::Site;
use crate::demo::Knobs;

#[tokio::test]
async fn makes_pages() {
    let sessions = if cfg!(debug_assertions) {
        2000
    } else {
        1_000_000
    };
    let began = Instant::now();
    let site = Site::new(Knobs {
        sessions,
        ..Knobs::default()
    })
    .await;
    println!("estate of {sessions} sessions: {:?}", began.elapsed());
    for target in [
        "/Sessions?$skip={}",
        "/Connections?$skip={}",
        "/LogOnMetrics?$skip={}",
        "/Sessions?$skip={}&$expand=User,Machine($expand=DesktopGroup)",
        "/Sessions?$skip={}&$expand=Connections",
        "/Sessions?$filter=EndDate%20ne%20null&$skip={}",
        "/Sessions?$filter=Machine/DesktopGroup/Name%20eq%20%27ERP%20and%20Finance%27&$skip={}",
        "/Sessions?$orderby=LogOnDuration&$skip={}",
        "/Sessions?$orderby=StartDate%20desc,SessionKey&$count=true&$skip={}",
    ] {
        let mut times = Vec::new();
        let mut bytes = 0;
        for page in 0..12 {
            let began = Instant::now();
            let answer = site
                .get(&target.replace("{}", &(page * 1000).to_string()))
                .await;
            times.push(began.elapsed());
            bytes = answer.body.unwrap().len();
        }
        let first = times.remove(0);
        times.sort_unstable();
        let median = times[5];
        let rate = f64::from(u32::try_from(bytes).unwrap()) / 1e6 / median.as_secs_f64();
        println!(
            "{median:>10.2?} a page (first {first:.2?}), {} kB, {rate:.0} MB/s  {target}",
            bytes / 1000
        );
    }
}

/// A walk by date in which each page is a search of its own, as those make it who do not trust `$skip`.
#[tokio::test]
async fn walks_by_date() {
    let sessions = if cfg!(debug_assertions) {
        4000
    } else {
        400_000
    };
    for (name, knobs) in [
        ("plain", Knobs::default()),
        (
            "odd",
            Knobs {
                arrivals: 5,
                null_dates: NonZeroU64::new(40),
                tied_dates: NonZeroU32::new(60),
                shown_digits: Some(3),
                ..Knobs::default()
            },
        ),
    ] {
        let site = Site::new(Knobs { sessions, ..knobs }).await;
        for extra in [
            "",
            "&$count=true",
            "%20and%20StartDate%20ne%20null",
            "%20and%20UserId%20gt%209",
        ] {
            let mut times = walk_by_date(&site, extra).await;
            times.sort_unstable();
            let (median, rare) = (times[times.len() / 2], times[times.len() * 99 / 100]);
            println!(
                "{median:>10.2?} a page (one in a hundred {rare:.2?}) by date, {name} {extra}"
            );
        }
    }
}

async fn walk_by_date(site: &Site, extra: &str) -> Vec<Duration> {
    let mut times = Vec::new();
    let mut since = "2000-01-01T00:00:00Z".to_owned();
    loop {
        let target = format!(
            "/Sessions?$filter=StartDate%20ge%20{since}{extra}&$orderby=StartDate,SessionKey"
        );
        let began = Instant::now();
        let answer = site.get(&target).await;
        times.push(began.elapsed());
        let page: Json = answer.json();
        let last = page["value"].as_array().and_then(|rows| rows.last());
        match last.and_then(|row| row["StartDate"].as_str()) {
            Some(date) if date != since => date.clone_into(&mut since),
            _ => return times,
        }
    }
}
