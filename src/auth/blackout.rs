//! Blacking out our own credentials in the service's words, which are logged and shown.

use secrecy::{ExposeSecret, SecretString};
use url::form_urlencoded;

/// `text` without `secret`, however it was encoded, and without whatever follows the word `Bearer`.
pub(super) fn black_out(text: &str, secret: &SecretString) -> String {
    let secret = secret.expose_secret();
    let mut text = text.to_owned();
    if !secret.is_empty() {
        let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let mut forms = vec![encoded.replace('+', "%20"), encoded, secret.to_owned()];
        forms.dedup();
        for form in forms {
            text = text.replace(&form, BLACKED);
        }
    }
    without_bearers(&text)
}

/// `CwsAuth Bearer=eyJ… is old` becomes `CwsAuth Bearer=[secret] is old`.
fn without_bearers(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.to_ascii_lowercase().find(BEARER) {
        let (before, after) = rest.split_at(at + BEARER.len());
        let run = after.trim_start_matches(leads_to_token);
        let (leading, _) = after.split_at(after.len() - run.len());
        let end = run.find(ends_token).unwrap_or(run.len());
        clean.push_str(before);
        clean.push_str(leading);
        if end > 0 && !leading.is_empty() {
            clean.push_str(BLACKED);
            (_, rest) = run.split_at(end);
        } else {
            rest = run;
        }
    }
    clean + rest
}

fn leads_to_token(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '=' | ':' | '"' | '\'' | '`')
}

fn ends_token(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '`' | ',' | ';' | '<' | '>')
}

const BEARER: &str = "bearer";

/// What stands in place of a secret.
pub(super) const BLACKED: &str = "[secret]";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn blacked(text: &str) -> String {
        black_out(text, &SecretString::from("p&s+w =%"))
    }

    #[test]
    fn neither_secret_nor_token_is_left() {
        let check = |text: &str, expected: &str| assert_eq!(blacked(text), expected);
        check("no column `Bear`", "no column `Bear`");
        check("bad p&s+w =% here", "bad [secret] here");
        check("p%26s%2Bw+%3D%25", "[secret]");
        check("p%26s%2Bw%20%3D%25.", "[secret].");
        check(
            "`CwsAuth Bearer=eyJ.a-b_c==` is old",
            "`CwsAuth Bearer=[secret]` is old",
        );
        check(
            "BEARER  abc, bearer: \"d\"",
            "BEARER  [secret], bearer: \"[secret]\"",
        );
        check("éBearer\u{a0}é é", "éBearer\u{a0}[secret] é");
        check("bearer", "bearer");
        check("Bearer=", "Bearer=");
        check("BearerBearer=t", "BearerBearer=[secret]");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "([Bb]earer|[ =:\"é]|x){0,12}") {
            blacked(&text);
        }
    }
}
