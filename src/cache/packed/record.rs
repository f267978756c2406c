//! Packed text as bytes in a file.
//!
//! Parts one after the other. A part is a byte that says of which kind it is, and what belongs to it; numbers have eight
//! bytes (a CRC has four), lowest first. There is no checksum in it: whoever reads it has checked the bytes.

use std::io::{self, Write};

use bytes::{Buf, Bytes};

use super::crc::Crc;
use super::{Linked, Packed, Part, Run};
use crate::odata::neutral::{NeutralText, Piece};

impl Packed {
    /// Bytes of its record.
    pub(in crate::cache) fn encoded_len(&self) -> usize {
        let len = |part: &Part| match part {
            Part::Text(text) => text.len_at(0) + (text.pieces().len() + 1) * NUMBER_BYTES,
            Part::Run(run) => run.deflated.len() + 2 * NUMBER_BYTES + CRC_BYTES,
            Part::Linked(linked) => {
                linked.deflated.len() + (linked.places.len() + 3) * NUMBER_BYTES
            }
        };
        self.parts().iter().map(|part| 1 + len(part)).sum()
    }

    /// Writes its record.
    pub(in crate::cache) fn encode(&self, out: &mut impl Write) -> io::Result<()> {
        for part in self.parts() {
            match part {
                Part::Text(text) => {
                    out.write_all(&[TEXT])?;
                    put(out, text.pieces().len() as u64)?;
                    for piece in text.pieces() {
                        match piece {
                            Piece::Bytes(bytes) => put_bytes(out, bytes)?,
                            Piece::Root => put(out, ROOT)?,
                        }
                    }
                }
                Part::Run(run) => {
                    out.write_all(&[RUN])?;
                    put(out, run.text_len)?;
                    out.write_all(&run.crc.value.to_le_bytes())?;
                    put_bytes(out, &run.deflated)?;
                }
                Part::Linked(linked) => {
                    out.write_all(&[LINKED])?;
                    put(out, linked.text_len)?;
                    put(out, linked.places.len() as u64)?;
                    for place in &linked.places {
                        put(out, *place)?;
                    }
                    put_bytes(out, &linked.deflated)?;
                }
            }
        }
        Ok(())
    }

    /// The text of a record, with which it shares its bytes; `None` when it is none.
    pub(in crate::cache) fn decode(mut record: Bytes) -> Option<Self> {
        let mut parts = Vec::new();
        while record.has_remaining() {
            parts.push(match record.try_get_u8().ok()? {
                TEXT => Part::Text(text(&mut record)?),
                RUN => {
                    let text_len = number(&mut record)?;
                    let crc = record.try_get_u32_le().ok()?;
                    Part::Run(Run {
                        text_len,
                        crc: Crc::new(crc, text_len),
                        deflated: bytes(&mut record)?,
                        plain: None,
                    })
                }
                LINKED => Part::Linked(linked(&mut record)?),
                _ => return None,
            });
        }
        Some(Self::of(parts))
    }
}

fn text(record: &mut Bytes) -> Option<NeutralText> {
    let mut text = NeutralText::new();
    for _ in 0..number(record)? {
        match number(record)? {
            ROOT => text.push_root(),
            len => text.push(split(record, len)?),
        }
    }
    Some(text)
}

fn linked(record: &mut Bytes) -> Option<Linked> {
    let text_len = number(record)?;
    let mut places = Vec::new();
    for _ in 0..number(record)? {
        let place = number(record)?;
        let in_order = places.last().is_none_or(|last| *last <= place);
        if !in_order || place > text_len {
            return None;
        }
        places.push(place);
    }
    Some(Linked {
        deflated: bytes(record)?,
        text_len,
        places,
    })
}

fn put(out: &mut impl Write, number: u64) -> io::Result<()> {
    out.write_all(&number.to_le_bytes())
}

fn put_bytes(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    put(out, bytes.len() as u64)?;
    out.write_all(bytes)
}

fn number(record: &mut Bytes) -> Option<u64> {
    record.try_get_u64_le().ok()
}

fn bytes(record: &mut Bytes) -> Option<Bytes> {
    let len = number(record)?;
    split(record, len)
}

fn split(record: &mut Bytes, len: u64) -> Option<Bytes> {
    let len = usize::try_from(len)
        .ok()
        .filter(|len| *len <= record.len())?;
    Some(record.split_to(len))
}

const TEXT: u8 = 1;
const RUN: u8 = 2;
const LINKED: u8 = 3;
const NUMBER_BYTES: usize = size_of::<u64>();
const CRC_BYTES: usize = size_of::<u32>();

/// In place of a piece's length: here the service root goes in.
const ROOT: u64 = u64::MAX;
