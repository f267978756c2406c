//! How fast text is handled, in bytes per second: joining pages, rewriting links, reading questions.
//!
//! `cargo bench --bench text`

#![expect(
    clippy::unwrap_used,
    reason = "a bench may stop where a test would fail"
)]

use std::fmt::Write;
use std::hint::black_box;

use bytes::Bytes;
use citrix_odata_proxy::odata::link::{self, ServiceRoot};
use citrix_odata_proxy::odata::page::{self, Document};
use citrix_odata_proxy::odata::question::Question;
use citrix_odata_proxy::odata::row::{RowReader, joined};
use citrix_odata_proxy::odata::schema::EntityType;
use citrix_odata_proxy::odata::splice;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use url::Url;

const ROWS: u64 = 1000;

/// A page of sessions as Citrix Cloud writes it: about 560 bytes a row.
fn page_of_sessions(full_metadata: bool) -> Bytes {
    let mut rows = String::new();
    for row in 0..ROWS {
        let comma = if row == 0 { "" } else { "," };
        let links = if full_metadata {
            format!(
                r##""@odata.type":"#Citrix.Monitor.Model.Session","@odata.id":"https://api.cloud.com/monitorodata/Sessions(6f9619ff-8b86-d011-b42d-{row:012x})","@odata.editLink":"https://api.cloud.com/monitorodata/Sessions(6f9619ff-8b86-d011-b42d-{row:012x})","User@odata.navigationLink":"https://api.cloud.com/monitorodata/Sessions(6f9619ff-8b86-d011-b42d-{row:012x})/User","##
            )
        } else {
            String::new()
        };
        write!(
            rows,
            r#"{comma}{{{links}"SessionKey":"6f9619ff-8b86-d011-b42d-{row:012x}","StartDate":"2026-03-02T07:{:02}:11.37Z","LogOnDuration":{},"EndDate":"2026-03-02T16:40:01Z","ExitCode":0,"FailureId":null,"FailureDate":null,"ConnectionState":3,"SessionIdleTime":null,"ConnectionStateChangeDate":"2026-03-02T16:40:01.123Z","LifecycleState":1,"CurrentConnectionId":{},"UserId":{},"MachineId":"0b1ad0c3-11aa-4f6e-9d5c-{row:012x}","SessionType":0,"IsAnonymous":false,"PublishedDesktopId":7,"CreatedDate":"2026-03-02T07:31:11.37Z","ModifiedDate":"2026-03-02T16:40:02.5Z"}}"#,
            row % 60,
            9000 + row,
            100_000 + row,
            row % 2500,
        )
        .unwrap();
    }
    format!(
        r#"{{"@odata.context":"https://api.cloud.com/monitorodata/$metadata#Sessions","value":[{rows}],"@odata.nextLink":"https://api.cloud.com/monitorodata/Sessions?$skip=1000"}}"#
    )
    .into()
}

fn root() -> ServiceRoot {
    ServiceRoot::new(&Url::parse("https://api.cloud.com/monitorodata").unwrap())
}

/// From the body of a page to the text that is sent for it.
fn splice_page(root: &ServiceRoot, body: &Bytes) -> usize {
    let Document::Collection(page) = page::parse(body).unwrap() else {
        return 0;
    };
    let mut text = splice::opening(root, &page);
    text.append(link::neutral(root, &page.rows));
    text.append(splice::closing(None));
    text.stored_len()
}

fn text(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("text");
    let root = root();

    let plain = page_of_sessions(false);
    group.throughput(Throughput::Bytes(plain.len() as u64));
    group.bench_function("splice", |b| {
        b.iter(|| splice_page(&root, black_box(&plain)));
    });

    group.bench_function("parse", |b| {
        b.iter(|| page::parse(black_box(&plain)).unwrap());
    });

    let Document::Collection(page) = page::parse(&plain).unwrap() else {
        return;
    };
    group.bench_function("neutral", |b| {
        b.iter(|| link::neutral(&root, black_box(&page.rows)));
    });

    let entity = EntityType {
        key: vec!["SessionKey".to_owned()],
        ..EntityType::default()
    };
    let reader = RowReader::of(&entity, Some("StartDate"));
    group.bench_function("rows", |b| {
        b.iter(|| reader.read(black_box(&page.rows)).unwrap());
    });

    let spans = page::row_spans(&page.rows);
    group.bench_function("joined", |b| {
        // Not one piece: that is the case that copies.
        let mut apart = spans.clone();
        apart.remove(1);
        b.iter(|| joined(black_box(&page.rows), &apart));
    });

    let full = page_of_sessions(true);
    group.throughput(Throughput::Bytes(full.len() as u64));
    group.bench_function("rewrite", |b| {
        b.iter(|| splice_page(&root, black_box(&full)));
    });

    let query = "%24select=SessionKey,StartDate&$filter=StartDate+ge+2026-03-01T00:00:00Z%20and%20Machine/DesktopGroup/Name%20eq%20%27Finance%20%26%20HR%27&$top=1000&$orderby=StartDate%20desc";
    group.throughput(Throughput::Bytes(query.len() as u64));
    group.bench_function("key", |b| {
        b.iter(|| {
            Question::parse("/Sessions", Some(black_box(query)))
                .unwrap()
                .canonical()
        });
    });
    group.finish();
}

criterion_group!(benches, text);
criterion_main!(benches);
