//! Queries that show more rows than upstream can make within its time limit: they come in pieces, and whole.

use std::time::Duration;

use citrix_odata_proxy::demo::{Knobs, TimeLimitShape};

use crate::world::{World, small};

const SHAPES: [TimeLimitShape; 3] = [
    TimeLimitShape::GatewayTimeout,
    TimeLimitShape::InternalError,
    TimeLimitShape::Cut,
];

/// A page of it shows twenty sessions, and for each of them a user and a few connections.
const QUESTION: &str = "/Sessions?$expand=User,Connections";

/// By date, and as links lead.
const WAYS: [(&str, &str); 2] = [
    ("", "StartDate%20ge"),
    ("scans.range_walk = 'off'", "$skip"),
];

/// Twenty pages. Each row that is shown takes a second, and a query is given up after half a minute.
fn slow(time_limit_shape: TimeLimitShape) -> Knobs {
    Knobs {
        sessions: 400,
        row_cost: Duration::from_secs(1),
        time_limit: Some(Duration::from_secs(30)),
        time_limit_shape,
        ..small()
    }
}

/// Asks, compares the rows with those that the service itself has, in any order, and returns what upstream was asked.
async fn whole(world: &World) -> Vec<String> {
    let mut truth = world.rows_of(QUESTION).await;
    let mut rows = world.ask(QUESTION).await.rows();
    truth.sort_unstable();
    rows.sort_unstable();
    assert_eq!(rows, truth);
    let asked = world.asked_upstream();
    let pages = asked.into_iter().filter(|path| path.contains("/Sessions?"));
    pages.collect()
}

/// The rows that each query asked for; `None`: as many as upstream likes.
fn tops(asked: &[String]) -> Vec<Option<u64>> {
    let top = |path: &String| {
        let (_, rest) = path.split_once("$top=")?;
        let digits = rest.split('&').next()?;
        Some(digits.parse().unwrap())
    };
    asked.iter().map(top).collect()
}

/// Without pieces no page would ever come, and the whole customer would wait behind five attempts at the first.
#[tokio::test(start_paused = true)]
async fn a_heavy_expand_gets_through_in_pieces() {
    for shape in SHAPES {
        for (settings, way) in WAYS {
            let world = World::new(slow(shape), settings);
            let asked = whole(&world).await;
            assert!(asked.iter().any(|path| path.contains(way)), "{asked:?}");
            let tops = tops(&asked);
            assert!(tops.iter().flatten().any(|top| *top < 20), "{asked:?}");
            // Seven sessions are what it can bear: 58 pieces. Larger ones are tried now and then, less and less often.
            assert!(asked.len() <= 100, "{} queries", asked.len());
        }
    }
}

/// Trouble that passes must not leave a scan in small pieces: a million rows would take as many queries.
#[tokio::test(start_paused = true)]
async fn pieces_grow_again_when_upstream_copes() {
    for shape in SHAPES {
        for (settings, _) in WAYS {
            let knobs = Knobs {
                row_cost: Duration::ZERO,
                faults: vec![
                    "set=Sessions,nth=3,times=1,kind=slow,seconds=40"
                        .parse()
                        .unwrap(),
                    "set=Sessions,nth=4,times=1,kind=slow,seconds=40"
                        .parse()
                        .unwrap(),
                ],
                ..slow(shape)
            };
            let world = World::new(knobs, settings);
            let asked = whole(&world).await;
            let tops = tops(&asked);
            let small = tops.iter().position(|top| *top == Some(5));
            let full = tops.iter().rposition(Option::is_none);
            assert!(small.is_some() && small < full, "{tops:?}");
            // Two pages of five, two of ten, and then full ones to the end.
            let pieces = tops.iter().flatten().count();
            assert!(pieces <= 6, "{tops:?}");
        }
    }
}
