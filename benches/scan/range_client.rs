//! A bare client that asks the simulator itself what the proxy asks for a scan by ranges: what the machine allows.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use memchr::memmem;

use crate::harness::client::Client;

/// How long a walk took, and how many questions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Walk {
    pub(crate) took: Duration,
    pub(crate) questions: u64,
}

/// Walks `Sessions` by `StartDate`: the first page with a count, all from the first date on, range by range, and those
/// without a date.
pub(crate) fn walk(simulator: &str) -> Walk {
    let mut client = Client::with_token(simulator);
    let mut page = Vec::new();
    let mut questions = 0;
    let began = Instant::now();
    let mut ask = |query: &str, page: &mut Vec<u8>| {
        questions += 1;
        page.clear();
        client.get(&format!("/monitorodata/Sessions?{query}"), |bytes| {
            page.extend_from_slice(bytes);
        });
    };
    ask("$count=true", &mut page);
    let order = "$orderby=StartDate,SessionKey";
    ask(&format!("$filter=StartDate%20ne%20null&{order}"), &mut page);
    while memmem::rfind(&page, b"\"@odata.nextLink\":").is_some() {
        let from = last_date(&page) - SignedDuration::from_secs(1);
        ask(
            &format!("$filter=StartDate%20ge%20{from}&{order}"),
            &mut page,
        );
    }
    ask("$filter=StartDate%20eq%20null", &mut page);
    let took = began.elapsed();
    Walk { took, questions }
}

/// The date of the last row.
fn last_date(page: &[u8]) -> Timestamp {
    let name = br#""StartDate":""#;
    let at = memmem::rfind(page, name).unwrap() + name.len();
    let date = page.get(at..).unwrap().split(|byte| *byte == b'"').next();
    str::from_utf8(date.unwrap()).unwrap().parse().unwrap()
}
