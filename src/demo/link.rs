//! The query string of the next page: what was asked, further on.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::query::Pairs;

/// Repeats the options, with `$skip` raised and `$top` lowered.
pub(crate) fn next(asked: &Pairs, skip: u64, top: Option<u64>) -> String {
    with(asked, &format!("$skip={skip}"), top)
}

/// The same with another way of saying where to go on.
pub(crate) fn with(asked: &Pairs, position: &str, top: Option<u64>) -> String {
    let mut parts: Vec<String> = Vec::new();
    for (name, value) in &asked.0 {
        match name.to_ascii_lowercase().as_str() {
            "$skip" | "$skiptoken" => {}
            "$top" => parts.extend(top.map(|top| format!("$top={top}"))),
            _ => parts.push(format!("{}={}", encode_name(name), encode(value))),
        }
    }
    parts.push(position.to_owned());
    parts.join("&")
}

/// Everything but letters, digits and `-_.~` as percent codes.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// The dollar sign of an option stays readable.
fn encode_name(name: &str) -> String {
    match name.strip_prefix('$') {
        Some(rest) => format!("${}", encode(rest)),
        None => encode(name),
    }
}

const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_options_lowers_top_and_raises_skip() {
        let asked = Pairs::of(
            "$filter=Name%20eq%20%27O%27%27Brien%27&$top=2500&$skip=1000&$count=true&x=1+2",
        );
        assert_eq!(
            next(&asked, 2000, Some(1500)),
            "$filter=Name%20eq%20%27O%27%27Brien%27&$top=1500&$count=true&x=1%202&$skip=2000"
        );
    }
}
