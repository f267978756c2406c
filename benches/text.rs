//! How fast text is handled, in bytes per second: joining pages, rewriting links, reading questions, cutting answers out
//! of stored ones.
//!
//! `cargo bench --bench text`

#![expect(
    clippy::unwrap_used,
    reason = "a bench may stop where a test would fail"
)]

use std::fmt::Write;
use std::hint::black_box;

use bytes::Bytes;
use citrix_odata_proxy::odata::contained::{Columns, Cut, Extraction, KeyPredicate};
use citrix_odata_proxy::odata::link::{self, ServiceRoot};
use citrix_odata_proxy::odata::neutral::{NeutralText, Piece};
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

/// A stored table of 100,000 sessions, in chunks as they come out of a decompressor.
fn stored_table(root: &ServiceRoot) -> (NeutralText, Vec<Piece>) {
    let Document::Collection(page) = page::parse(&page_of_sessions(false)).unwrap() else {
        return Default::default();
    };
    let mut text = splice::opening(root, &page);
    for copy in 0..TABLE_PAGES {
        if copy > 0 {
            text.push(",");
        }
        // Keys of their own, of the same length.
        let rows = str::from_utf8(&page.rows).unwrap();
        text.push(rows.replace("6f9619ff", &format!("{copy:08x}")));
    }
    text.append(splice::closing(None));
    let mut whole = text.to_bytes(&Bytes::from_static(b"")).to_vec();
    let opening = whole.iter().position(|byte| *byte == b'$').unwrap();
    let rest = Bytes::from(whole.split_off(opening));
    let mut pieces = vec![Piece::Bytes(whole.into()), Piece::Root];
    let chunks = rest.chunks(CHUNK_BYTES).map(|chunk| rest.slice_ref(chunk));
    pieces.extend(chunks.map(Piece::Bytes));
    (text, pieces)
}

fn extract(mut extraction: Extraction, pieces: &[Piece]) -> u64 {
    for piece in pieces {
        if extraction.push(piece).is_break() {
            break;
        }
    }
    extraction.finish().unwrap().rows
}

fn contained(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("contained");
    group.sample_size(20);
    let (text, pieces) = stored_table(&root());
    let all = u64::try_from(text.len_at(0)).unwrap();
    group.throughput(Throughput::Bytes(all));

    let typed = |name: &str, kind: &str| (name.to_owned(), kind.to_owned());
    let entity = EntityType {
        key: vec!["SessionKey".to_owned()],
        properties: [
            typed("SessionKey", "Edm.Guid"),
            typed("StartDate", "Edm.DateTimeOffset"),
            typed("UserId", "Edm.Int64"),
        ]
        .into(),
        ..EntityType::default()
    };
    let last = format!("{:08x}-8b86-d011-b42d-{:012x}", TABLE_PAGES - 1, ROWS - 1);
    let key = KeyPredicate::new(&entity, &last).unwrap();
    group.bench_function("find", |b| {
        b.iter(|| extract(Extraction::entity(key.clone(), EXTRACT_BYTES_MAX), &pieces));
    });

    let last_page = Cut {
        skip: (TABLE_PAGES - 1) * ROWS,
        top: Some(ROWS),
        ..Cut::default()
    };
    group.bench_function("slice_at_the_end", |b| {
        b.iter(|| {
            extract(
                Extraction::rows(last_page.clone(), EXTRACT_BYTES_MAX),
                &pieces,
            )
        });
    });

    let names = ["SessionKey", "StartDate", "UserId"].map(str::to_owned);
    let narrow = Cut {
        columns: Columns::new(&entity, &names),
        ..Cut::default()
    };
    group.bench_function("select", |b| {
        b.iter(|| extract(Extraction::rows(narrow.clone(), EXTRACT_BYTES_MAX), &pieces));
    });

    group.throughput(Throughput::Elements(ROWS));
    let preview = Cut {
        top: Some(ROWS),
        ..Cut::default()
    };
    group.bench_function("preview", |b| {
        b.iter(|| {
            extract(
                Extraction::rows(preview.clone(), EXTRACT_BYTES_MAX),
                &pieces,
            )
        });
    });
    group.finish();
}

/// Pages of the stored table.
const TABLE_PAGES: u64 = 100;

const CHUNK_BYTES: usize = 64 * 1024;

const EXTRACT_BYTES_MAX: usize = 64 << 20;

criterion_group!(benches, text, contained);
criterion_main!(benches);
