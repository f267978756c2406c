//! Text whose links have no host yet.
//!
//! Power Query treats `localhost`, `127.0.0.1` and a machine's name as different sources, so links in an
//! answer must carry the address that the client used. Answers are therefore kept as pieces: bytes as
//! upstream wrote them, and places where the client's own service root goes in when the answer is sent.
//!
//! Search and replace would not do: a row may hold Citrix's address as data, and an answer is stored once for `localhost`,
//! `127.0.0.1` and whatever comes.

use std::sync::Arc;

use bytes::Bytes;

/// A part of a [`NeutralText`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Bytes to send as they are.
    Bytes(Bytes),
    /// The client's service root goes here: `http://localhost:8484/monitorodata`, with no slash at its end.
    Root,
}

/// Text in which the service root is left open. Clones share it: all who read an answer have the same one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NeutralText {
    pieces: Arc<Vec<Piece>>,
}

impl NeutralText {
    /// No text.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends bytes; empty ones leave no piece.
    pub fn push(&mut self, bytes: impl Into<Bytes>) {
        let bytes = bytes.into();
        if !bytes.is_empty() {
            self.pieces_mut().push(Piece::Bytes(bytes));
        }
    }

    /// Appends a place for the service root.
    pub fn push_root(&mut self) {
        self.pieces_mut().push(Piece::Root);
    }

    /// Appends another text.
    pub fn append(&mut self, other: Self) {
        self.pieces_mut().extend(Arc::unwrap_or_clone(other.pieces));
    }

    /// The text without its first `bytes` bytes, which must be in its first piece.
    #[must_use]
    pub fn without_first(mut self, bytes: usize) -> Self {
        if let Some(Piece::Bytes(first)) = self.pieces_mut().first_mut() {
            *first = first.slice(bytes.min(first.len())..);
        }
        self
    }

    /// The pieces in order.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Bytes held in memory: those of the text, and the pieces themselves, of which there are several a row
    /// when rows are full of links.
    pub fn stored_len(&self) -> usize {
        self.written_len() + self.pieces.capacity() * size_of::<Piece>()
    }

    /// Bytes on the wire when the service root is `root_len` bytes long.
    pub fn len_at(&self, root_len: usize) -> usize {
        let roots = self
            .pieces
            .iter()
            .filter(|piece| matches!(piece, Piece::Root))
            .count();
        self.written_len() + roots * root_len
    }

    /// Bytes without the service root's places.
    fn written_len(&self) -> usize {
        self.pieces
            .iter()
            .map(|piece| match piece {
                Piece::Bytes(bytes) => bytes.len(),
                Piece::Root => 0,
            })
            .sum()
    }

    /// The pieces to be changed: no copies, as long as nobody shares the text.
    fn pieces_mut(&mut self) -> &mut Vec<Piece> {
        Arc::make_mut(&mut self.pieces)
    }

    /// The text with `root` in its open places, as chunks to send. A text of a few pieces is sent without
    /// copying; one with many links is copied into a single chunk, because hundreds of tiny writes cost more.
    pub fn chunks(&self, root: &Bytes) -> Vec<Bytes> {
        if self.pieces.len() > PIECES_SENT_APART_MAX {
            return vec![self.to_bytes(root)];
        }
        let local = |piece: &Piece| match piece {
            Piece::Bytes(bytes) => bytes.clone(),
            Piece::Root => root.clone(),
        };
        self.pieces.iter().map(local).collect()
    }

    /// The whole text with `root` in its open places.
    pub fn to_bytes(&self, root: &Bytes) -> Bytes {
        let mut text = Vec::with_capacity(self.len_at(root.len()));
        self.write(root, &mut text);
        text.into()
    }

    /// Appends the whole text, with `root` in its open places, to `out`.
    pub fn write(&self, root: &Bytes, out: &mut Vec<u8>) {
        for piece in self.pieces.iter() {
            out.extend_from_slice(match piece {
                Piece::Bytes(bytes) => bytes,
                Piece::Root => root,
            });
        }
    }
}

/// More pieces than this are joined before they are sent.
const PIECES_SENT_APART_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_fills_every_open_place() {
        let mut text = NeutralText::new();
        text.push("{\"@odata.context\":\"");
        text.push_root();
        text.push("/$metadata#Sessions\"}");
        let root = Bytes::from_static(b"http://[::1]:8484/monitorodata");
        let whole = text.to_bytes(&root);
        assert_eq!(
            whole,
            "{\"@odata.context\":\"http://[::1]:8484/monitorodata/$metadata#Sessions\"}"
        );
        assert_eq!(text.len_at(root.len()), whole.len());
        assert_eq!(text.chunks(&root).concat(), whole);
    }

    #[test]
    fn links_take_memory_too() {
        let mut text = NeutralText::new();
        assert_eq!(text.stored_len(), 0);
        for _ in 0..1000 {
            text.push("x");
            text.push_root();
        }
        assert_eq!(text.len_at(1), 2000);
        assert!(text.stored_len() >= 1000 + 2000 * size_of::<Piece>());
    }

    #[test]
    fn clones_share_the_pieces_until_one_is_changed() {
        let mut text = NeutralText::new();
        text.push("a");
        let clone = text.clone();
        assert_eq!(text.pieces().as_ptr(), clone.pieces().as_ptr());
        text.push("b");
        let bytes = |text: &NeutralText| text.to_bytes(&Bytes::new());
        assert_eq!((bytes(&text), bytes(&clone)), ("ab".into(), "a".into()));
    }

    #[test]
    fn many_pieces_become_one_chunk() {
        let mut text = NeutralText::new();
        for _ in 0..20 {
            text.push("x");
            text.push_root();
        }
        assert_eq!(text.chunks(&Bytes::from_static(b"r")), ["xr".repeat(20)]);
    }
}
