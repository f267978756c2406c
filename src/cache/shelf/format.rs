//! How an answer's file begins.
//!
//! Magic bytes, the version of the format (4 bytes, lowest first), the length of the head (4 bytes), XXH3 over those two
//! and the head (8 bytes), and the head itself: JSON, so that a file can be looked at. The records follow one after the
//! other, in the form of [`Packed`](crate::cache::Packed), each with its own checksum in the head: no byte of a file is
//! without one.

use std::fs::File;
use std::io::{self, Read};
use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use super::name::Realm;
use crate::cache::file::At;
use crate::cache::{CacheKey, Content, Digests, Facts};
use crate::odata::name::SiteId;
use crate::odata::question::Question;
use crate::odata::representation::Representation;

/// What stands before the records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    /// In hexadecimal digits.
    realm: String,
    key: Key,
    facts: FactsOfHead,
    /// The parts in order.
    pub(super) records: Vec<RecordOfHead>,
}

/// A part of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RecordOfHead {
    /// Bytes.
    pub(super) len: u64,
    /// XXH3 over these bytes.
    pub(super) checksum: u64,
    /// How many rows the part holds.
    pub(super) rows: u64,
}

/// A [`CacheKey`] as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Key {
    site: String,
    /// In canonical form.
    question: String,
    /// As in `Accept`.
    representation: String,
    page_size: Option<NonZeroU32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct FactsOfHead {
    content: ContentOfHead,
    /// In hexadecimal digits, as the one below.
    text: String,
    packed: String,
    fetched_at: String,
    rows: u64,
    ordered_rows: u64,
    pages: u64,
    upstream_nanoseconds: u64,
    text_len: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ContentOfHead {
    /// The representation as in `Content-Type`.
    Json(String),
    Xml,
    Text,
    Empty,
}

/// Why a file is no stored answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Rejected {
    /// It cannot be read at all.
    #[error("it cannot be read")]
    Io(#[from] io::Error),
    /// Other magic bytes.
    #[error("it is of another kind")]
    Kind,
    /// Another version of the format.
    #[error("it has version {0} of the format, and this program knows {VERSION}")]
    Version(u32),
    /// Torn, or changed by somebody.
    #[error("it is damaged")]
    Damaged,
}

impl Head {
    /// The head for the answer to `key` with these parts; `None` when the key cannot be read again.
    pub(super) fn new(
        realm: Realm,
        key: &CacheKey,
        facts: &Facts,
        records: Vec<RecordOfHead>,
    ) -> Option<Self> {
        let text = Key::of(key);
        (text.read().as_ref() == Some(key)).then(|| Self {
            realm: hexadecimal(realm),
            key: text,
            facts: FactsOfHead::of(facts),
            records,
        })
    }

    /// What a file begins with.
    pub(super) fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let head = serde_json::to_vec(self)?;
        let len = u32::try_from(head.len()).map_err(io::Error::other)?;
        let mut bytes = Vec::with_capacity(PREFIX_BYTES + head.len());
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(len.to_le_bytes());
        bytes.extend(checksum(VERSION, len, &head).to_le_bytes());
        bytes.extend(head);
        Ok(bytes)
    }

    /// Reads what `file` begins with; also returns where the records begin. Blocks. The file ends with its last record.
    pub(super) fn read(file: &File) -> Result<(Self, u64), Rejected> {
        let len = file.metadata()?.len();
        let mut first = Vec::with_capacity(READ_AT_ONCE);
        At::new(file, 0)
            .take(READ_AT_ONCE as u64)
            .read_to_end(&mut first)?;
        let mut rest = first.as_slice();
        if next(&mut rest)? != MAGIC {
            return Err(Rejected::Kind);
        }
        let version = u32::from_le_bytes(next(&mut rest)?);
        if version != VERSION {
            return Err(Rejected::Version(version));
        }
        let head_len = u32::from_le_bytes(next(&mut rest)?);
        let sum = u64::from_le_bytes(next(&mut rest)?);
        let begin = PREFIX_BYTES as u64 + u64::from(head_len);
        if begin > len || head_len > HEAD_BYTES_MAX {
            return Err(Rejected::Damaged);
        }
        let head_bytes = usize::try_from(head_len).map_err(|_| Rejected::Damaged)?;
        let mut head = rest.get(..head_bytes).unwrap_or(rest).to_vec();
        if let Some(missing @ 1..) = head_bytes.checked_sub(head.len()) {
            let at = PREFIX_BYTES + head.len();
            let mut more = vec![0; missing];
            At::new(file, at as u64).read_exact(&mut more)?;
            head.append(&mut more);
        }
        if checksum(version, head_len, &head) != sum {
            return Err(Rejected::Damaged);
        }
        let head: Self = serde_json::from_slice(&head).map_err(|_| Rejected::Damaged)?;
        let end = begin.checked_add(head.records_len().ok_or(Rejected::Damaged)?);
        if end != Some(len) {
            return Err(Rejected::Damaged);
        }
        Ok((head, begin))
    }

    /// Whether the answer belongs to this realm.
    pub(super) fn is_of(&self, realm: Realm) -> bool {
        self.realm == hexadecimal(realm)
    }

    /// What it answers, as text.
    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    /// What is known of the answer; `None` when that cannot be read.
    pub(super) fn facts(&self) -> Option<Facts> {
        self.facts.read()
    }

    /// Bytes of all records; `None` when that is no number.
    pub(super) fn records_len(&self) -> Option<u64> {
        let mut lens = self.records.iter().map(|record| record.len);
        lens.try_fold(0_u64, u64::checked_add)
    }
}

impl Key {
    /// The text of a key.
    pub(super) fn of(key: &CacheKey) -> Self {
        Self {
            site: key.site().to_string(),
            question: key.question().canonical(),
            representation: key.representation().accept(),
            page_size: key.page_size(),
        }
    }

    /// The key; `None` when this is none.
    pub(super) fn read(&self) -> Option<CacheKey> {
        let site = SiteId::new(&self.site)?;
        let (path, query) = match self.question.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (self.question.as_str(), None),
        };
        let question = Question::parse(path, query).ok()?;
        let representation = Representation::from_content_type(&self.representation)?;
        Some(CacheKey::new(
            site,
            question,
            representation,
            self.page_size,
        ))
    }
}

impl FactsOfHead {
    fn of(facts: &Facts) -> Self {
        let nanoseconds = facts.upstream_time.as_nanos();
        Self {
            content: match facts.content {
                Content::Json(representation) => ContentOfHead::Json(representation.content_type()),
                Content::Xml => ContentOfHead::Xml,
                Content::Text => ContentOfHead::Text,
                Content::Empty => ContentOfHead::Empty,
            },
            text: hexadecimal(facts.digests.text),
            packed: hexadecimal(facts.digests.packed),
            fetched_at: facts.fetched_at.to_string(),
            rows: facts.rows,
            ordered_rows: facts.ordered_rows,
            pages: facts.pages,
            upstream_nanoseconds: u64::try_from(nanoseconds).unwrap_or(u64::MAX),
            text_len: facts.text_len,
        }
    }

    fn read(&self) -> Option<Facts> {
        let content = match &self.content {
            ContentOfHead::Json(text) => Content::Json(Representation::from_content_type(text)?),
            ContentOfHead::Xml => Content::Xml,
            ContentOfHead::Text => Content::Text,
            ContentOfHead::Empty => Content::Empty,
        };
        let digest = |text| u128::from_str_radix(text, 16).ok();
        Some(Facts {
            content,
            digests: Digests {
                text: digest(&self.text)?,
                packed: digest(&self.packed)?,
            },
            fetched_at: self.fetched_at.parse::<Timestamp>().ok()?,
            rows: self.rows,
            ordered_rows: self.ordered_rows,
            pages: self.pages,
            upstream_time: Duration::from_nanos(self.upstream_nanoseconds),
            text_len: self.text_len,
        })
    }
}

fn hexadecimal(number: u128) -> String {
    format!("{number:032x}")
}

fn checksum(version: u32, len: u32, head: &[u8]) -> u64 {
    let mut sum = Xxh3::new();
    sum.update(&version.to_le_bytes());
    sum.update(&len.to_le_bytes());
    sum.update(head);
    sum.digest()
}

/// The next bytes of a file that is too short when there are none.
fn next<const LEN: usize>(rest: &mut &[u8]) -> Result<[u8; LEN], Rejected> {
    let (bytes, after) = rest.split_first_chunk().ok_or(Rejected::Damaged)?;
    *rest = after;
    Ok(*bytes)
}

/// The first byte is in no text, the line ends are changed by programs that take the file for one.
const MAGIC: [u8; 8] = *b"\x8fODATA\r\n";

/// To be raised with every change of the head, of the records, or of what a key means.
pub(super) const VERSION: u32 = 1;

/// Bytes before the head.
const PREFIX_BYTES: usize = MAGIC.len() + 4 + 4 + 8;

/// No answer has a longer head: some 15,000 parts.
pub(super) const HEAD_BYTES_MAX: u32 = 1024 * 1024;

/// Most heads are shorter: an answer of some 50 parts.
const READ_AT_ONCE: usize = 4096;
