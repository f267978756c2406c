//! Power Query M, for the advanced editor of Power BI and Excel.

use std::fmt::Write as _;

use super::Feed;

/// A query for `OData.Feed`. Options are a record, because then nobody has to encode anything by hand.
pub(in crate::pages) fn m(feed: &Feed) -> String {
    let mut options = vec![r#"Implementation = "2.0""#.to_owned()];
    if !feed.query.is_empty() {
        let option = |(name, value): &(String, String)| {
            format!("            #{} = {}", text(name), text(value))
        };
        let record: Vec<String> = feed.query.iter().map(option).collect();
        options.push(format!("Query = [\n{}\n        ]", record.join(",\n")));
    }
    format!(
        "let\n    Source = OData.Feed({}, null, [\n        {}\n    ])\nin\n    Source\n",
        text(&feed.resource()),
        options.join(",\n        ")
    )
}

/// A text literal; behind `#`, an identifier. Quotes are doubled, `#(` begins an escape, and a line break would end the
/// literal.
pub(in crate::pages) fn text(value: &str) -> String {
    let mut quoted = String::from("\"");
    let mut rest = value.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' => quoted.push_str("\"\""),
            '#' if rest.peek() == Some(&'(') => quoted.push_str("#(#)"),
            '\n' => quoted.push_str("#(lf)"),
            '\r' => quoted.push_str("#(cr)"),
            '\t' => quoted.push_str("#(tab)"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                // Writing to a text cannot fail.
                let _ = write!(quoted, "#({:04X})", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The text that a literal stands for, as the language's grammar has it; `None` when it is not one literal.
    fn read(literal: &str) -> Option<String> {
        let mut rest = literal.strip_prefix('"')?.strip_suffix('"')?.chars();
        let mut text = String::new();
        while let Some(c) = rest.next() {
            let escaped = rest.as_str().strip_prefix('(').filter(|_| c == '#');
            if let Some((name, after)) = escaped.and_then(|escape| escape.split_once(')')) {
                text.push(match name {
                    "lf" => '\n',
                    "cr" => '\r',
                    "tab" => '\t',
                    "#" => '#',
                    hex => char::from_u32(u32::from_str_radix(hex, 16).ok()?)?,
                });
                rest = after.chars();
            } else if escaped.is_some()
                || c == '\n'
                || c == '\r'
                || (c == '"' && rest.next() != Some('"'))
            {
                return None;
            } else {
                text.push(c);
            }
        }
        Some(text)
    }

    #[test]
    fn quotes_and_escapes_are_escaped() {
        for (value, expected) in [
            ("a", r#""a""#),
            ("say \"x\"", r#""say ""x""""#),
            ("a\nb", r#""a#(lf)b""#),
            ("#(lf)", r##""#(#)(lf)""##),
            ("#1", r##""#1""##),
            ("\u{1}", "\"#(0001)\""),
        ] {
            assert_eq!(text(value), expected);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_one_literal(value in any::<String>()) {
            prop_assert_eq!(read(&text(&value)), Some(value));
        }
    }
}
