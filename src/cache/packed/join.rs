//! Packed texts one behind the other.
//!
//! Runs become one run. So does a short text behind a run, as a block that is not compressed, if there is no place for the
//! service root in it: the brackets that close a collection would else be sent as a piece of their own, which costs a
//! write to the socket and wakes the client up once more.
//!
//! INVARIANT: to join what was joined changes nothing. What is read from disk is joined again, and must be sent as the
//! same bytes.

use bytes::BytesMut;

use super::crc::Crc;
use super::pack::{self, PLAIN_BYTES_MAX};
use super::{Packed, Part, Run, gzip, inflate};
use crate::odata::neutral::{NeutralText, Piece};

/// Texts one behind the other.
pub(super) fn join(texts: &[Packed]) -> Packed {
    let mut joint = Joint::default();
    let mut short = NeutralText::new();
    for part in texts.iter().flat_map(Packed::parts) {
        if let Part::Text(text) = part {
            short.append(text.clone());
        } else {
            joint.push_short(&short);
            short = NeutralText::new();
            joint.push(part.clone());
        }
    }
    joint.push_short(&short);
    joint.close();
    Packed::of(joint.parts)
}

/// What is put together.
#[derive(Default)]
struct Joint {
    parts: Vec<Part>,
    /// The runs that become the next part.
    runs: Vec<Run>,
}

impl Joint {
    /// What was short each by itself may be long together.
    fn push_short(&mut self, text: &NeutralText) {
        for part in pack::pack(text).parts() {
            self.push(part.clone());
        }
    }

    fn push(&mut self, part: Part) {
        let run = match &part {
            Part::Run(run) => Some(run.clone()),
            Part::Text(text) if !self.runs.is_empty() => uncompressed(text),
            Part::Text(_) | Part::Linked(_) => None,
        };
        if let Some(run) = run {
            self.runs.push(run);
        } else {
            self.close();
            self.parts.push(part);
        }
    }

    /// Makes one run of those that came. None of them refers to text before it.
    fn close(&mut self) {
        let runs = std::mem::take(&mut self.runs);
        let mut run = match runs.as_slice() {
            [] => return,
            [run] => run.clone(),
            runs => one(runs),
        };
        keep_plain(&mut run);
        self.parts.push(Part::Run(run));
    }
}

fn one(runs: &[Run]) -> Run {
    let len = runs.iter().map(|run| run.deflated.len()).sum();
    let mut deflated = BytesMut::with_capacity(len);
    let mut crc = 0;
    let mut text_len = 0;
    for run in runs {
        deflated.extend_from_slice(&run.deflated);
        crc = run.crc.behind(crc);
        text_len += run.text_len;
    }
    Run {
        deflated: deflated.freeze(),
        text_len,
        crc: Crc::new(crc, text_len),
        plain: None,
    }
}

/// A text as a run of blocks that are not compressed; `None` when there is a place for the service root in it.
fn uncompressed(text: &NeutralText) -> Option<Run> {
    let mut bytes = Vec::with_capacity(text.len_at(0));
    for piece in text.pieces() {
        match piece {
            Piece::Bytes(piece) => bytes.extend_from_slice(piece),
            Piece::Root => return None,
        }
    }
    let mut deflated = Vec::new();
    gzip::put_stored(&bytes, &mut deflated);
    let text_len = bytes.len() as u64;
    Some(Run {
        deflated: deflated.into(),
        text_len,
        crc: Crc::new(crc32fast::hash(&bytes), text_len),
        plain: None,
    })
}

/// The text of a short run is kept beside it: to unpack it takes longer than to send it.
fn keep_plain(run: &mut Run) {
    if run.plain.is_none() && run.text_len <= PLAIN_BYTES_MAX {
        run.plain = inflate::whole(&run.deflated, run.text_len).ok();
    }
}
