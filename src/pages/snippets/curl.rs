//! curl, in a POSIX shell; the Windows shells get a form of their own.

use super::Feed;

/// A command that writes the answer to the screen, and fails when there is none.
pub(in crate::pages) fn curl(feed: &Feed) -> String {
    let mut lines = vec![format!(
        "curl --fail-with-body --get {}",
        text(&feed.resource())
    )];
    if feed.keys {
        lines.push(format!("  -H {}", text(KEY)));
    }
    for (name, value) in &feed.query {
        // curl encodes what follows the first equals sign.
        lines.push(format!(
            "  --data-urlencode {}",
            text(&format!("{name}={value}"))
        ));
    }
    let posix = lines.join(" \\\n");
    let url = feed.shell_url();
    let windows = if feed.keys {
        format!("--fail-with-body -H \"{KEY}\" \"{url}\"")
    } else {
        format!("--fail-with-body \"{url}\"")
    };
    format!("{posix}\n\n# In PowerShell or a Windows command prompt:\n# curl.exe {windows}\n")
}

/// Says where the access key goes.
const KEY: &str = "Authorization: Bearer YOUR-ACCESS-KEY";

/// A word in which nothing is expanded.
fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The text that a word stands for; `None` when it is not one word.
    fn read(word: &str) -> Option<String> {
        let mut pieces = word.split('\'');
        let mut text = String::new();
        let mut outside = pieces.next()?;
        loop {
            match outside {
                "" => {}
                r"\" => {
                    // The quote behind the backslash is a character.
                    text.push('\'');
                    outside = pieces.next()?;
                    continue;
                }
                _ => return None,
            }
            let Some(inside) = pieces.next() else {
                return Some(text);
            };
            text.push_str(inside);
            outside = pieces.next()?;
        }
    }

    #[test]
    fn single_quotes_are_the_only_ones_that_matter() {
        for (value, expected) in [
            ("$filter=a", "'$filter=a'"),
            ("Name eq 'x'", r"'Name eq '\''x'\'''"),
            ("$(calc) `x` \\", r"'$(calc) `x` \'"),
        ] {
            assert_eq!(text(value), expected);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_one_word(value in any::<String>()) {
            prop_assert_eq!(read(&text(&value)), Some(value));
        }
    }
}
