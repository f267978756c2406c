//! curl, for a first look: the same line in PowerShell, cmd has other quotes.

use crate::pages::connect::target::Target;

/// A command that shows the first three rows, and an error as such.
pub(in crate::pages::connect) fn first_rows(target: &Target) -> String {
    let key = if target.keys {
        "-H 'Authorization: Bearer YOUR-ACCESS-KEY' "
    } else {
        ""
    };
    format!(
        "curl.exe --fail-with-body {key}'{}?$top=3'\n",
        target.address()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::connect::tests::{target, with_keys};

    #[test]
    fn a_key_goes_into_a_header() {
        for (target, expected) in [
            (
                target(),
                "curl.exe --fail-with-body 'http://localhost:8484/monitorodata/Sessions?$top=3'\n",
            ),
            (
                with_keys(),
                "curl.exe --fail-with-body -H 'Authorization: Bearer YOUR-ACCESS-KEY' \
                 'http://localhost:8484/monitorodata/Sessions?$top=3'\n",
            ),
        ] {
            assert_eq!(first_rows(&target), expected);
        }
    }
}
