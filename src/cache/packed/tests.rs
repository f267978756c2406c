//! Everything that is packed comes back, in every form.

use std::collections::VecDeque;
use std::io::Read;

use bytes::Bytes;
use flate2::read::GzDecoder;
use proptest::prelude::*;

use super::*;
use crate::odata::neutral::Piece;

const ROOT: Bytes = Bytes::from_static(b"http://localhost:8484/monitorodata");

fn text_of(pieces: &[Option<Vec<u8>>]) -> NeutralText {
    let mut text = NeutralText::new();
    for piece in pieces {
        match piece {
            Some(bytes) => text.push(bytes.clone()),
            None => text.push_root(),
        }
    }
    text
}

fn gzip(packed: &[Packed], root: &Bytes) -> Vec<u8> {
    let (mut writer, mut out) = (GzipWriter::new(), VecDeque::new());
    for part in packed.iter().flat_map(Packed::parts) {
        writer.write(part, root, &mut out).unwrap();
    }
    writer.end(&mut out);
    out.into_iter().collect::<Vec<_>>().concat()
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    // One member: a decoder that stops behind the first sees all of it.
    let mut decoder = GzDecoder::new(bytes);
    let mut text = Vec::new();
    decoder.read_to_end(&mut text).unwrap();
    assert!(decoder.into_inner().is_empty(), "nothing behind the member");
    text
}

fn plain(packed: &Packed, root: &Bytes) -> Vec<u8> {
    let texts: Vec<Bytes> = packed.plain(root).map(Result::unwrap).collect();
    assert!(texts.iter().all(|text| !text.is_empty()));
    let pieces = packed.unpacked().map(|piece| match piece.unwrap() {
        Piece::Bytes(bytes) => bytes,
        Piece::Root => root.clone(),
    });
    let text = texts.concat();
    assert_eq!(text, pieces.collect::<Vec<_>>().concat());
    text
}

/// Everything that has to hold of a text and its packed form.
fn check(texts: &[NeutralText]) {
    let packed: Vec<Packed> = texts.iter().map(Packed::pack).collect();
    let joined = Packed::joined(&packed);
    let again = Packed::joined(std::slice::from_ref(&joined));
    assert_eq!(again, joined, "nothing is left to be joined");
    let bare = Packed::bare(joined.text().unwrap());
    assert!(bare.is_plain());
    for packed in packed.iter().chain([&joined]) {
        let mut record = Vec::new();
        packed.encode(&mut record).unwrap();
        assert_eq!(record.len(), packed.encoded_len());
        let decoded = Packed::decode(record.into()).unwrap();
        assert_eq!(
            Packed::joined(&[decoded]),
            Packed::joined(std::slice::from_ref(packed))
        );
    }
    for root in [Bytes::new(), ROOT] {
        let whole: Vec<u8> = texts.iter().flat_map(|t| t.to_bytes(&root)).collect();
        for form in [&joined, &bare] {
            assert_eq!(plain(form, &root), whole);
            if let Some(short) = form.short(&root) {
                assert_eq!(short, whole);
            }
            assert_eq!(form.len_at(root.len()), whole.len() as u64);
        }
        assert_eq!(gunzip(&gzip(&packed, &root)), whole);
        let file = gzip(std::slice::from_ref(&joined), &root);
        assert_eq!(gunzip(&file), whole);
        let len = GzipLen::of(&joined).map(|len| len.at(root.len()));
        assert_eq!(len, joined.gzip_len_at(root.len()));
        assert_eq!(len.is_none(), joined.is_linked());
        assert!(len.is_none_or(|len| len == file.len() as u64));
    }
}

/// A page of rows; with a link in each, if wanted.
fn page(rows: usize, links: bool) -> NeutralText {
    let mut text = NeutralText::new();
    text.push("{\"@odata.context\":\"");
    text.push_root();
    text.push("/$metadata#Sessions\",\"value\":[");
    for row in 0..rows {
        text.push(format!(
            "{{\"Id\":{row},\"Name\":\"row {row}\",\"@odata.id\":\""
        ));
        if links {
            text.push_root();
        }
        text.push("/Sessions\"},");
    }
    text.push("]}");
    text
}

#[test]
fn a_page_is_one_short_text_and_one_run() {
    let packed = Packed::pack(&page(10_000, false));
    assert!(
        matches!(packed.parts(), [Part::Text(_), Part::Run(_)]),
        "{:?}",
        packed.parts().len()
    );
    assert!(packed.stored_len() < 60_000, "{}", packed.stored_len());
    check(&[page(10_000, false)]);
}

#[test]
fn pages_become_one_run() {
    let pages: Vec<_> = (0..50).map(|_| Packed::pack(&page(100, false))).collect();
    let mut rows = NeutralText::new();
    rows.push("x".repeat(200_000));
    let runs = vec![Packed::pack(&rows); 3];
    assert_eq!(Packed::joined(&runs).parts().len(), 1);
    assert_eq!(Packed::joined(&pages).parts().len(), 100);
    check(&vec![page(100, false); 50]);
}

#[test]
fn a_short_end_goes_with_the_run_before_it() {
    let short = |text: &'static str| {
        let mut short = NeutralText::new();
        short.push(text);
        short
    };
    let mut link = NeutralText::new();
    link.push("],\"@odata.nextLink\":\"");
    link.push_root();
    link.push("/Sessions?$skip=100\"}");
    let (rows, close) = (page(3000, false), short("]}"));
    let joined = |texts: &[NeutralText]| {
        check(texts);
        Packed::joined(&texts.iter().map(Packed::pack).collect::<Vec<_>>())
    };
    for rows in [page(100, false), rows.clone()] {
        let whole = joined(&[rows, short(","), close.clone()]);
        let [Part::Text(_), Part::Run(run)] = whole.parts() else {
            panic!("{:?}", whole.parts().len());
        };
        assert!(run.deflated.ends_with(b",]}"));
        let plain = run.plain.as_ref();
        assert!(plain.is_none_or(|plain| plain.ends_with(b",]}")));
        // One frame for the head, and one for all the rest.
        assert_eq!(whole.plain(&ROOT).count() == 2, plain.is_some());
        let bare = Packed::bare(whole.text().unwrap());
        assert_eq!(bare.plain(&ROOT).count(), 2);
        let (mut writer, mut frames) = (GzipWriter::new(), VecDeque::new());
        for part in whole.parts() {
            writer.write(part, &ROOT, &mut frames).unwrap();
        }
        writer.end(&mut frames);
        assert_eq!(frames.len() == 3, run.deflated.len() >= 4096);
    }
    // With more rows behind it, it stands in the middle of the run.
    let mut more = NeutralText::new();
    more.push("x".repeat(5000));
    let between = joined(&[rows.clone(), short(","), more, close]);
    assert_eq!(between.parts().len(), 2);
    // The service root is not in the run.
    let whole = joined(&[rows, link]);
    assert!(matches!(
        whole.parts(),
        [Part::Text(_), Part::Run(_), Part::Text(_)]
    ));
}

#[test]
fn rows_with_links_are_packed_too() {
    let packed = Packed::pack(&page(10_000, true));
    assert!(packed.parts().iter().all(|p| matches!(p, Part::Linked(_))));
    assert!(packed.parts().len() > 2, "in parts of bounded length");
    assert_eq!(packed.gzip_len_at(5), None);
    check(&[page(10_000, true), page(3, true)]);
}

#[test]
fn short_texts_come_in_one_piece() {
    let root = Bytes::from_static(b"http://h/monitorodata");
    let short = Packed::pack(&page(5, false));
    assert_eq!(short.short(&root), Some(short.to_bytes(&root)));
    let long = Packed::pack(&page(500, false));
    assert_eq!(long.short(&root), None);
}

#[test]
fn short_texts_stay_as_they_are() {
    let packed = Packed::pack(&page(5, false));
    assert!(matches!(packed.parts(), [Part::Text(_)]));
    assert!(Packed::pack(&NeutralText::new()).parts().is_empty());
    check(&[]);
    // Short each by itself, long together.
    let pages = vec![page(5, false); 100];
    check(&pages);
}

#[test]
fn the_text_of_short_runs_is_kept_and_that_of_long_ones_is_not() {
    for (rows, kept) in [(100, true), (100_000, false)] {
        let packed = Packed::pack(&page(rows, false));
        let [Part::Text(_), Part::Run(run)] = packed.parts() else {
            panic!("parts");
        };
        assert_eq!(run.plain.is_some(), kept);
    }
}

#[test]
fn many_short_places_between_long_runs_are_joined_once_and_for_all() {
    let mut text = NeutralText::new();
    for _ in 0..20 {
        text.push("a");
        text.push_root();
    }
    for _ in 0..20 {
        text.push("x".repeat(2000));
        text.push_root();
    }
    check(&[text]);
}

proptest! {
    #[test]
    fn what_is_no_record_is_refused_without_harm(bytes: Vec<u8>) {
        let _ = Packed::decode(bytes.into());
    }

    #[test]
    fn any_text_comes_back(
        texts in prop::collection::vec(
            prop::collection::vec(
                prop_oneof![
                    Just(None),
                    prop::collection::vec(any::<u8>(), 0..40).prop_map(Some),
                    (0..4000_usize).prop_map(|len| Some(b"abcde\n".repeat(len / 6))),
                ],
                0..60,
            ),
            0..5,
        )
    ) {
        let texts: Vec<NeutralText> = texts.iter().map(|pieces| text_of(pieces)).collect();
        check(&texts);
    }
}
