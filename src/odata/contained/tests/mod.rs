//! Parts of stored answers, case by case.

mod any;
mod columns;
mod entities;
mod slices;

use std::collections::BTreeMap;

use bytes::Bytes;
use url::Url;

use super::*;
use crate::odata::link::{self, ServiceRoot};
use crate::odata::page::{self, Document, Page};
use crate::odata::schema::EntityType;
use crate::odata::splice;

const ROOT: &str = "http://l:1/m";
const ROOM: usize = 1 << 20;

fn root() -> ServiceRoot {
    ServiceRoot::new(&Url::parse("https://h/monitorodata").unwrap())
}

fn local(text: &NeutralText) -> String {
    String::from_utf8(text.to_bytes(&Bytes::from_static(ROOT.as_bytes())).to_vec()).unwrap()
}

fn page(body: &str) -> Page {
    match page::parse(&Bytes::copy_from_slice(body.as_bytes())).unwrap() {
        Document::Collection(page) => page,
        Document::Single(_) => panic!("no collection"),
    }
}

/// A body of upstream as it is stored.
fn stored(body: &str) -> NeutralText {
    let page = page(body);
    let mut text = splice::opening(&root(), &page);
    text.append(link::neutral(&root(), &page.rows));
    text.append(splice::closing(None));
    text
}

/// The text in chunks of those sizes, again and again.
fn pieces(text: &NeutralText, sizes: &[usize]) -> Vec<Piece> {
    let mut sizes = sizes.iter().cycle();
    let mut pieces = Vec::new();
    for piece in text.pieces() {
        let Piece::Bytes(mut bytes) = piece.clone() else {
            pieces.push(Piece::Root);
            continue;
        };
        while !bytes.is_empty() {
            let size = bytes.len().min(*sizes.next().unwrap());
            pieces.push(Piece::Bytes(bytes.split_to(size)));
        }
    }
    pieces
}

/// Reads no more pieces than the extraction asks for.
fn run(mut extraction: Extraction, pieces: &[Piece]) -> Option<Extract> {
    let _ = pieces.iter().try_for_each(|piece| extraction.push(piece));
    extraction.finish()
}

/// The same result whether the text comes in one piece or in many.
#[track_caller]
fn extract(of: impl Fn() -> Extraction, text: &NeutralText) -> Option<String> {
    let whole = run(of(), text.pieces());
    for size in [1, 2, 7] {
        let parts = run(of(), &pieces(text, &[size]));
        let text = |extract: &Option<Extract>| {
            extract
                .as_ref()
                .map(|extract| (local(&extract.text), extract.rows))
        };
        assert_eq!(text(&parts), text(&whole), "chunks of {size}");
    }
    whole.map(|extract| local(&extract.text))
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// A type with those properties and types.
fn entity(key: &[&str], properties: &[(&str, &str)]) -> EntityType {
    let property = |&(name, kind): &(&str, &str)| (name.to_owned(), kind.to_owned());
    EntityType {
        key: names(key),
        properties: properties.iter().map(property).collect::<BTreeMap<_, _>>(),
        ..EntityType::default()
    }
}
