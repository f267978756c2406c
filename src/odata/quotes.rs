//! Quoted text inside options and keys: where it begins and ends, and tidying the blanks around it.

/// A stretch of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Span<'a> {
    /// Outside quotes.
    Plain(&'a str),
    /// `'…'` or `"…"`, quotes included. A literal with a doubled quote comes as two adjacent spans.
    Quoted(&'a str),
    /// From a quote that is never closed to the end.
    Open(&'a str),
}

/// The stretches of `text` in order; joined they are `text`.
pub(super) fn spans(text: &str) -> impl Iterator<Item = Span<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = match first {
            '\'' | '"' => quoted_len(rest, first),
            _ => Some(rest.find(['\'', '"']).unwrap_or(rest.len())),
        };
        let (span, behind) = end
            .and_then(|end| rest.split_at_checked(end))
            .unwrap_or((rest, ""));
        rest = behind;
        Some(match (first, end) {
            ('\'' | '"', Some(_)) => Span::Quoted(span),
            ('\'' | '"', None) => Span::Open(span),
            _ => Span::Plain(span),
        })
    })
}

/// The pieces between separators that stand outside quotes.
pub(super) fn split(text: &str, separator: char) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((piece, behind)) = split_once(rest, separator) {
        pieces.push(piece);
        rest = behind;
    }
    pieces.push(rest);
    pieces
}

/// What stands before and behind the first separator outside quotes.
pub(super) fn split_once(text: &str, separator: char) -> Option<(&str, &str)> {
    let mut start = 0;
    for span in spans(text) {
        match span {
            Span::Plain(plain) => {
                if let Some(found) = plain.find(separator) {
                    let (piece, behind) = text.split_at_checked(start + found)?;
                    return Some((piece, behind.strip_prefix(separator)?));
                }
                start += plain.len();
            }
            Span::Quoted(quoted) => start += quoted.len(),
            Span::Open(_) => return None,
        }
    }
    None
}

/// Blanks that mean nothing: those at both ends, those behind `(` and before `)`, those around `tight`
/// characters, and all but one of a run. Quoted text and what follows an unclosed quote stay as they are.
pub(super) fn tidy(text: &str, tight: &[char]) -> String {
    let mut tidied = String::with_capacity(text.len());
    let mut blank = false;
    for span in spans(text) {
        let (kept, plain) = match span {
            Span::Plain(plain) => ("", plain),
            Span::Quoted(kept) | Span::Open(kept) => (kept, ""),
        };
        for c in plain.chars() {
            if is_blank(c) {
                blank = true;
                continue;
            }
            let needless = c == ')' || tight.contains(&c);
            close_gap(&mut tidied, std::mem::take(&mut blank) && !needless, tight);
            tidied.push(c);
        }
        if !kept.is_empty() {
            close_gap(&mut tidied, std::mem::take(&mut blank), tight);
            tidied.push_str(kept);
        }
    }
    tidied
}

/// A space or tab (`WSP` of the OData ABNF). Other white space is left for upstream to judge.
pub(super) fn is_blank(c: char) -> bool {
    c == ' ' || c == '\t'
}

/// Whether `text` is an ASCII identifier, as all names of upstream's model are.
pub(super) fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
}

fn close_gap(tidied: &mut String, blank: bool, tight: &[char]) {
    let open = |c: char| c == '(' || tight.contains(&c);
    if blank && !tidied.is_empty() && !tidied.ends_with(open) {
        tidied.push(' ');
    }
}

/// The length of the quoted text at the beginning of `text`. `\"` does not end `"…"` (search phrases and
/// JSON literals); `'…'` knows no such escape.
fn quoted_len(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if c == quote && !escaped {
            return Some(at + 1);
        }
        escaped = quote == '"' && c == '\\' && !escaped;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tidies_blanks_outside_quotes() {
        let check = |text: &str, tidied: &str| assert_eq!(tidy(text, &[',', ';']), tidied);
        check("  A  eq\t 1 ", "A eq 1");
        check("A ,B, C", "A,B,C");
        check("f( A , ' b  , c ' )", "f(A,' b  , c ')");
        check("not ( A )", "not (A)");
        check("A eq  'it''s  (  x'  and  B", "A eq 'it''s  (  x' and B");
        check("N( $top=1 ; $skip=2 )", "N($top=1;$skip=2)");
        check("A  eq  'open  ( ", "A eq 'open  ( ");
        check("\"a  \\\"  b\"  c", "\"a  \\\"  b\" c");
        check("A eq ' '", "A eq ' '");
        check("A\u{a0} B", "A\u{a0} B");
        check("   ", "");
    }

    #[test]
    fn splits_outside_quotes() {
        assert_eq!(split("A='x,''y',B=2,", ','), ["A='x,''y'", "B=2", ""]);
        assert_eq!(split("a,'b,c", ','), ["a", "'b,c"]);
    }

    proptest! {
        #[test]
        fn tidying_twice_changes_nothing(text in "[ '\"(),;a\\\\é\t]*") {
            let once = tidy(&text, &[',', ';']);
            prop_assert_eq!(tidy(&once, &[',', ';']), once);
        }

        #[test]
        fn spans_joined_are_the_text(text in "[ '\"\\\\aé]*|\\PC*") {
            let joined: String = spans(&text)
                .map(|(Span::Plain(t) | Span::Quoted(t) | Span::Open(t))| t)
                .collect();
            prop_assert_eq!(joined, text);
        }
    }
}
