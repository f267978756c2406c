//! PowerShell, the one that Windows has (5.1) and the one that runs everywhere (7).

use super::Feed;

/// A script that leaves the rows in `$rows`.
pub(in crate::pages) fn powershell(feed: &Feed) -> String {
    let mut lines = vec!["$ErrorActionPreference = 'Stop'".to_owned()];
    let mut headers = "";
    if feed.keys {
        lines.push(KEY.trim_end().to_owned());
        lines.push("$headers = @{ Authorization = \"Bearer $key\" }".to_owned());
        headers = " -Headers $headers";
    }
    if feed.query.is_empty() {
        lines.push(format!("$url = {}", text(&feed.resource())));
    } else {
        lines.push("$query = [ordered]@{".to_owned());
        for (name, value) in &feed.query {
            lines.push(format!("    {} = {}", text(name), text(value)));
        }
        lines.push("}".to_owned());
        lines.push(
            "$options = foreach ($name in $query.Keys) { $name + '=' + [uri]::EscapeDataString($query[$name]) }"
                .to_owned(),
        );
        lines.push(format!(
            "$url = {} + ($options -join '&')",
            text(&format!("{}?", feed.resource()))
        ));
    }
    lines.push(format!(
        "$rows = (Invoke-RestMethod -Uri $url{headers} -TimeoutSec 600 -UseBasicParsing).value"
    ));
    lines.push("$rows | Format-Table -AutoSize".to_owned());
    lines.join("\n") + "\n"
}

/// The access key comes from a file that the account of the script may read.
pub(in crate::pages) const KEY: &str =
    "$key = (Get-Content -Raw 'C:\\ProgramData\\reports\\citrix-access-key.txt').Trim()\n";

/// A literal in which nothing is expanded. PowerShell takes typographic quotes for plain ones, so they are doubled,
/// too.
pub(in crate::pages) fn text(value: &str) -> String {
    let mut quoted = String::from("'");
    for c in value.chars() {
        quoted.push(c);
        if is_quote(c) {
            quoted.push(c);
        }
    }
    quoted.push('\'');
    quoted
}

fn is_quote(c: char) -> bool {
    matches!(c, '\'' | '\u{2018}' | '\u{2019}' | '\u{201A}' | '\u{201B}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The text that a literal stands for; `None` when it is not one literal.
    fn read(literal: &str) -> Option<String> {
        let mut rest = literal.strip_prefix('\'')?.strip_suffix('\'')?.chars();
        let mut text = String::new();
        while let Some(c) = rest.next() {
            if is_quote(c) && !rest.next().is_some_and(is_quote) {
                return None;
            }
            text.push(c);
        }
        Some(text)
    }

    #[test]
    fn every_kind_of_quote_is_doubled() {
        for (value, expected) in [
            ("$filter", "'$filter'"),
            ("Name eq 'O''Brien'", "'Name eq ''O''''Brien'''"),
            ("\u{2019}; calc", "'\u{2019}\u{2019}; calc'"),
            ("$(calc) `n", "'$(calc) `n'"),
        ] {
            assert_eq!(text(value), expected);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_one_literal(value in any::<String>()) {
            prop_assert_eq!(read(&text(&value)), Some(value));
        }

        #[test]
        fn any_quotes_are_one_literal(value in "['\u{2018}\u{2019}\u{201A}\u{201B}a$]{0,12}") {
            prop_assert_eq!(read(&text(&value)), Some(value));
        }
    }
}
