//! curl, for a first look, in the forms of the shells.

use crate::pages::connect::target::Target;
use crate::pages::snippets::{self, Feed};

/// Commands that show the first three rows, and an error as such.
pub(in crate::pages::connect) fn first_rows(target: &Target) -> String {
    snippets::curl(&Feed {
        root: target.root.clone(),
        set: target.set.name.clone(),
        query: vec![("$top".to_owned(), "3".to_owned())],
        keys: target.keys,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::connect::tests::{target, with_keys};

    #[test]
    fn each_shell_has_its_form_and_a_key_goes_into_a_header() {
        insta::assert_snapshot!(first_rows(&target()), @r#"
        curl --fail-with-body --get 'http://localhost:8484/monitorodata/Sessions' \
          --data-urlencode '$top=3'

        # In PowerShell or a Windows command prompt:
        # curl.exe --fail-with-body "http://localhost:8484/monitorodata/Sessions?%24top=3"
        "#);
        insta::assert_snapshot!(first_rows(&with_keys()), @r#"
        curl --fail-with-body --get 'http://localhost:8484/monitorodata/Sessions' \
          -H 'Authorization: Bearer YOUR-ACCESS-KEY' \
          --data-urlencode '$top=3'

        # In PowerShell or a Windows command prompt:
        # curl.exe --fail-with-body -H "Authorization: Bearer YOUR-ACCESS-KEY" "http://localhost:8484/monitorodata/Sessions?%24top=3"
        "#);
    }
}
