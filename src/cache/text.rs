//! A long answer whose text lies in memory, ready to be sent to those who take no gzip.
//!
//! Its packed form is in its file alone then, and is read from there for those who take gzip: a long body does not lie
//! in memory twice, but for as long as somebody is sent the other form. What is sent, is the same in both forms, and so are
//! its validators.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::demand::Form;
use super::digest::Digests;
use super::entry::{Block, Entry, Facts, Segment};
use super::packed::{GzipLen, Packed, WeakPacked};
use super::record::Record;
use crate::odata::neutral::NeutralText;

/// The text of an answer, in few long pieces.
#[derive(Debug)]
pub(super) struct Text {
    neutral: NeutralText,
    /// The same, as it is sent.
    plain: Packed,
    gzip_len: Option<GzipLen>,
    /// The packed form, as long as somebody is sent it. Whoever comes meanwhile shares it, so that memory does not depend
    /// on how many they are.
    packed: Mutex<WeakPacked>,
    /// Set when the packed form could not be read.
    is_alone: AtomicBool,
}

impl Text {
    /// The text of `packed`. An error when it is not the one that `facts` are about. Takes the processor for about 1 ms a
    /// megabyte.
    fn of(packed: &Packed, facts: &Facts) -> io::Result<Self> {
        let same = packed.len_at(0) == facts.text_len
            && Digests::of_packed(packed) == facts.digests.packed;
        let text = same.then(|| packed.text()).ok_or_else(other)??;
        if Digests::of_text(&text) != facts.digests.text {
            return Err(other());
        }
        Ok(Self {
            plain: Packed::bare(text.clone()),
            neutral: text,
            gzip_len: GzipLen::of(packed),
            packed: Mutex::default(),
            is_alone: AtomicBool::new(false),
        })
    }

    /// The text, for those who take no gzip.
    pub(super) fn plain(&self) -> &Packed {
        &self.plain
    }

    /// Bytes of the packed form as a gzip file.
    pub(super) fn gzip_len_at(&self, root_len: usize) -> Option<u64> {
        Some(self.gzip_len.as_ref()?.at(root_len))
    }
}

impl Entry {
    /// The form to bring it into, because its clients ask for that one; `None` when the one that it has will do.
    pub(super) fn wanted(&self) -> Option<Form> {
        let form = match &self.text {
            Some(text) if text.is_alone.load(Ordering::Relaxed) => return Some(Form::Packed),
            Some(_) => Form::Text,
            None => Form::Packed,
        };
        self.demand.as_ref()?.wanted(form)
    }

    /// The same answer with its text in memory, and the packed form in these records alone. An error when they do not
    /// hold it. Blocks.
    pub(super) fn with_text(&self, records: Vec<Record>) -> io::Result<Self> {
        let blocks: Vec<_> = records.into_iter().map(Block::File).collect();
        let text = Text::of(&read(&blocks)?, &self.facts)?;
        let facts = self.facts.clone();
        Ok(Self::of_blocks(
            facts,
            blocks,
            Some(text),
            self.demand.clone(),
        ))
    }

    /// The same answer with its packed form in memory again: that of its file, or a new one when it cannot be read. `None`
    /// when it has no text, and when the program stops.
    pub(super) async fn without_text(self: &Arc<Self>) -> Option<Self> {
        let text = self.text.as_ref()?;
        let (facts, rows) = (self.facts.clone(), self.facts.rows);
        let blocks = |text| vec![Block::Memory(Segment { text, rows })];
        if !text.is_alone.load(Ordering::Relaxed)
            && let Ok(packed) = self.read_packed(text).await
        {
            let demand = self.demand.clone();
            return Some(Self::of_blocks(facts, blocks(packed), None, demand));
        }
        let text = text.neutral.clone();
        let packed = spawn_blocking(move || Packed::pack(&text)).await.ok()?;
        Some(Self::new(facts, blocks(packed)))
    }

    /// The packed form, from its file.
    pub(super) async fn read_packed(self: &Arc<Self>, text: &Text) -> io::Result<Packed> {
        let mut shared = text.packed.lock().await;
        if let Some(packed) = shared.upgrade() {
            return Ok(packed);
        }
        let entry = Arc::clone(self);
        let packed = spawn_blocking(move || read(&entry.blocks)).await;
        let packed = packed.map_err(io::Error::other).flatten();
        let packed = packed.inspect_err(|error| {
            text.is_alone.store(true, Ordering::Relaxed);
            tracing::warn!(%error, "a stored answer cannot be read from disk; it is packed anew");
        })?;
        *shared = packed.downgrade();
        Ok(packed)
    }
}

/// What these blocks hold, put together as it is in memory. Blocks.
fn read(blocks: &[Block]) -> io::Result<Packed> {
    let read = |block: &Block| Ok(block.read()?.text);
    let texts: Vec<_> = blocks.iter().map(read).collect::<io::Result<_>>()?;
    Ok(Packed::joined(&texts))
}

fn other() -> io::Error {
    let reason = "what is in the file is not the answer that is in memory";
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
