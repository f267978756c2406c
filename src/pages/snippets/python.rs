//! Python, with requests and pandas.

use std::fmt::Write as _;

use super::Feed;

/// A script that leaves the rows in `rows`.
pub(in crate::pages) fn python(feed: &Feed) -> String {
    let mut params = String::new();
    for (name, value) in &feed.query {
        // Writing to a text cannot fail.
        let _ = writeln!(params, "        {}: {},", text(name), text(value));
    }
    if !params.is_empty() {
        params = format!("    params={{\n{params}    }},\n");
    }
    let (import, headers) = access(feed.keys);
    format!(
        "# pip install requests pandas\n\
         {import}\
         import pandas as pd\n\
         import requests\n\
         \n\
         answer = requests.get(\n\
         \x20   {},\n\
         {params}{headers}\
         \x20   timeout=600,\n\
         )\n\
         if not answer.ok:\n\
         \x20   raise SystemExit(answer.text)  # says what happened, and what to do\n\
         rows = pd.json_normalize(answer.json()[\"value\"])\n\
         print(rows)\n",
        text(&feed.resource())
    )
}

/// What presents an access key, where the server wants one: the import for it, and the argument of a request.
pub(in crate::pages) fn access(keys: bool) -> (&'static str, &'static str) {
    if keys {
        (
            "import os\n\n",
            "    headers={\"Authorization\": f\"Bearer {os.environ['CITRIX_ACCESS_KEY']}\"},\n",
        )
    } else {
        ("", "")
    }
}

/// A string literal. What nobody can see is written by its number.
pub(in crate::pages) fn text(value: &str) -> String {
    let mut quoted = String::from("\"");
    for c in value.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if hidden(c) => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Controls, line breaks of other languages, and marks that turn the direction of text.
fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The text that a literal stands for; `None` when it is not one literal.
    fn read(literal: &str) -> Option<String> {
        let inside = literal.strip_prefix('"')?.strip_suffix('"')?;
        let mut rest = inside.chars();
        let mut text = String::new();
        while let Some(c) = rest.next() {
            match c {
                '"' | '\n' | '\r' => return None,
                '\\' => text.push(match rest.next()? {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'u' => {
                        let digits: String = rest.by_ref().take(4).collect();
                        char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
                    }
                    same @ ('"' | '\\') => same,
                    _ => return None,
                }),
                c => text.push(c),
            }
        }
        Some(text)
    }

    #[test]
    fn quotes_backslashes_and_controls_are_escaped() {
        for (value, expected) in [
            ("a'b", r#""a'b""#),
            (r#""); import os #"#, r#""\"); import os #""#),
            ("a\\", r#""a\\""#),
            ("a\nb\u{0}", r#""a\nb\u0000""#),
            ("\u{202e}", r#""\u202e""#),
            ("{x} %s é", r#""{x} %s é""#),
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
