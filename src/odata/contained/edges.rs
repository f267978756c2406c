//! Where rows begin and end, in text that comes in pieces.
//!
//! Written to pass over rows: only braces and backslashes are looked at, and the quotes between them counted, which tells
//! whether a brace stands in a string. All of that is what `memchr` is fast at.

/// A place between rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edge {
    /// A row begins at this byte.
    Begin(usize),
    /// A row ends before this byte.
    End(usize),
    /// The bracket that closes the rows is before this byte.
    Close(usize),
    /// Something that is neither.
    Stray,
}

/// How far a text of rows is read.
#[derive(Debug, Default)]
pub(super) struct Edges {
    /// Objects around the next byte. Arrays need not be counted: in valid JSON they end before the object around them.
    depth: usize,
    /// Whether the next byte is in a string.
    quoted: bool,
    /// Whether the next byte stands behind a backslash.
    escaped: bool,
}

impl Edges {
    /// The next edge in `chunk` at `at` or behind it; moves `at` behind the edge. `None` when there is no further one:
    /// then the chunk is read to its end, and the next chunk goes on where this one stopped, were it inside of a letter.
    pub(super) fn next(&mut self, chunk: &[u8], at: &mut usize) -> Option<Edge> {
        if self.depth == 0 {
            return self.begin(chunk, at);
        }
        loop {
            if self.escaped {
                chunk.get(*at)?;
                *at += 1;
                self.escaped = false;
            }
            let rest = chunk.get(*at..)?;
            let found = memchr::memchr3(b'{', b'}', b'\\', rest);
            let passed = rest.get(..found.unwrap_or(rest.len()))?;
            self.quoted ^= memchr::memchr_iter(b'"', passed).count() % 2 == 1;
            *at += passed.len();
            let byte = chunk.get(*at)?;
            *at += 1;
            match byte {
                b'\\' => self.escaped = true,
                _ if self.quoted => {}
                b'{' => self.depth += 1,
                _ => self.depth -= 1,
            }
            if self.depth == 0 {
                return Some(Edge::End(*at));
            }
        }
    }

    /// Between two rows.
    fn begin(&mut self, chunk: &[u8], at: &mut usize) -> Option<Edge> {
        let between = |byte: &&u8| **byte == b',' || byte.is_ascii_whitespace();
        *at += chunk.get(*at..)?.iter().take_while(between).count();
        let byte = chunk.get(*at)?;
        *at += 1;
        Some(match byte {
            b'{' => {
                self.depth = 1;
                Edge::Begin(*at - 1)
            }
            b']' => Edge::Close(*at),
            _ => Edge::Stray,
        })
    }

    /// Objects around the next byte, the row itself included.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// Whether the next byte is in a string, where alone a link can be.
    pub(super) fn in_string(&self) -> bool {
        self.quoted && !self.escaped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All edges, as places in the whole text.
    fn edges(text: &[u8], size: usize) -> Vec<Edge> {
        let mut edges = Edges::default();
        let mut found = Vec::new();
        for (nth, chunk) in text.chunks(size).enumerate() {
            let (mut at, base) = (0, nth * size);
            while let Some(edge) = edges.next(chunk, &mut at) {
                found.push(match edge {
                    Edge::Begin(at) => Edge::Begin(base + at),
                    Edge::End(at) => Edge::End(base + at),
                    Edge::Close(at) => Edge::Close(base + at),
                    Edge::Stray => Edge::Stray,
                });
                if matches!(edge, Edge::Close(_) | Edge::Stray) {
                    return found;
                }
            }
        }
        found
    }

    #[test]
    fn edges_are_the_same_whatever_the_chunks() {
        let text = br#"{"a":"}\"{\\"} , {"b":[{"c":{}},"\\\"]"]}]}"#;
        for size in 1..=text.len() {
            assert_eq!(
                edges(text, size),
                [
                    Edge::Begin(0),
                    Edge::End(14),
                    Edge::Begin(17),
                    Edge::End(41),
                    Edge::Close(42)
                ],
                "{size}"
            );
        }
    }

    #[test]
    fn what_is_no_row_is_stray() {
        assert_eq!(edges(b" 5,{}]", 2), [Edge::Stray]);
        assert_eq!(edges(b"}", 1), [Edge::Stray]);
    }
}
