//! How fast pages are made; prints, and promises nothing.
//!
//! `cargo test --release --lib demo::tests::speed -- --nocapture`

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
