//! Reading the token endpoint's answer: a pure function of status and body.

use std::time::Duration;

use http::{HeaderValue, StatusCode};
use secrecy::SecretString;
use serde_json::{Map, Value};

use super::TokenError;
use super::blackout::black_out;

/// A token as issued.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Issued {
    /// The value of `Authorization`, marked sensitive.
    pub(super) authorization: HeaderValue,
    /// How long it lives from when it was asked for.
    pub(super) lifetime: Duration,
}

/// Reads an answer of the token endpoint. The endpoint may report an error with status 200, so `error`
/// is looked for before anything else; only a busy or failing endpoint is told apart by its status alone.
pub(super) fn read(
    status: StatusCode,
    body: &[u8],
    secret: &SecretString,
) -> Result<Issued, TokenError> {
    let object = match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Some(object),
        _ => None,
    };
    if let Some(refused) = object.as_ref().and_then(|object| refusal(object, secret)) {
        return Err(refused);
    }
    if !status.is_success() {
        let status = status.as_u16();
        return Err(TokenError::Status { status });
    }
    let Some(object) = object else {
        let markup = body.trim_ascii_start().starts_with(b"<");
        let reason = if markup {
            "an HTML page"
        } else {
            "something else than a JSON object"
        };
        return Err(TokenError::NotToken { reason });
    };
    let Some(Value::String(token)) = object.get("access_token") else {
        let reason = "JSON without `access_token`";
        return Err(TokenError::NotToken { reason });
    };
    Ok(Issued {
        authorization: authorization(token.trim())?,
        lifetime: lifetime(object.get("expires_in")),
    })
}

/// The OAuth2 error in an answer. `temporarily_unavailable` and `server_error` are left to the status.
fn refusal(object: &Map<String, Value>, secret: &SecretString) -> Option<TokenError> {
    let code = object.get("error")?.as_str()?;
    if code.is_empty() || matches!(code, "temporarily_unavailable" | "server_error") {
        return None;
    }
    let description = object.get("error_description").and_then(Value::as_str);
    Some(TokenError::Refused {
        code: presentable(code, secret, CODE_CHARS_MAX),
        description: description
            .map(|text| presentable(text, secret, DESCRIPTION_CHARS_MAX))
            .filter(|text| !text.is_empty()),
    })
}

/// The endpoint's words on one line, without the secret should it be quoted there.
fn presentable(text: &str, secret: &SecretString, chars_max: usize) -> String {
    let line: String = black_out(text, secret)
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(chars_max)
        .collect();
    line.trim().trim_end_matches('.').to_owned()
}

/// `CwsAuth Bearer=<token>`: the service refuses the standard `Bearer <token>`.
fn authorization(token: &str) -> Result<HeaderValue, TokenError> {
    let unfit = TokenError::NotToken {
        reason: "a token that cannot be sent in a header",
    };
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(unfit);
    }
    let mut value = HeaderValue::from_str(&format!("CwsAuth Bearer={token}")).map_err(|_| unfit)?;
    value.set_sensitive(true);
    Ok(value)
}

/// `expires_in` comes as a string of seconds, sometimes as a number; anything odd counts as one hour, which
/// is what Citrix documents.
fn lifetime(expires_in: Option<&Value>) -> Duration {
    let seconds = match expires_in {
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    seconds
        .filter(|seconds: &f64| *seconds > 0.0)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .map_or(LIFETIME_DEFAULT, |life| life.min(LIFETIME_MAX))
}

const LIFETIME_DEFAULT: Duration = Duration::from_hours(1);

/// Nobody renews less than once a day, whatever the endpoint says.
const LIFETIME_MAX: Duration = Duration::from_hours(24);

const CODE_CHARS_MAX: usize = 100;

const DESCRIPTION_CHARS_MAX: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(status: u16, body: &str) -> Result<Issued, TokenError> {
        let secret = SecretString::from("p&s+w =%");
        read(
            StatusCode::from_u16(status).unwrap(),
            body.as_bytes(),
            &secret,
        )
    }

    #[test]
    fn lifetimes_come_in_many_forms() {
        let cases = [
            (r#""3600""#, 3600),
            ("1800", 1800),
            ("59.0", 59),
            (r#"" 7 ""#, 7),
            ("0", 3600),
            ("-5", 3600),
            (r#""soon""#, 3600),
            (r#""NaN""#, 3600),
            ("null", 3600),
            ("{}", 3600),
            ("1e300", 3600),
            ("1e9", 86400),
        ];
        for (expires_in, seconds) in cases {
            let body = format!(r#"{{"access_token":"t","expires_in":{expires_in}}}"#);
            let issued = read_text(200, &body).unwrap();
            assert_eq!(
                issued.lifetime,
                Duration::from_secs(seconds),
                "{expires_in}"
            );
        }
        let issued = read_text(200, r#"{"access_token":"t"}"#).unwrap();
        assert_eq!(issued.lifetime, Duration::from_hours(1));
        assert_eq!(issued.authorization, "CwsAuth Bearer=t");
        assert!(issued.authorization.is_sensitive());
    }

    #[test]
    fn failures_are_told_apart() {
        let check = |status: u16, body: &str, expected: &str| {
            assert_eq!(
                format!("{}", read_text(status, body).unwrap_err()),
                expected
            );
        };
        let refused = "the token endpoint refused the API client: `invalid_client`";
        check(
            200,
            r#"{"error":"invalid_client","access_token":"t"}"#,
            refused,
        );
        check(401, r#"{"error":"invalid_client"}"#, refused);
        check(
            503,
            r#"{"error":"temporarily_unavailable"}"#,
            "the token endpoint answered with status 503",
        );
        check(
            404,
            "<html>not here",
            "the token endpoint answered with status 404",
        );
        check(
            200,
            " <!doctype html>",
            "the token endpoint's answer is no token: an HTML page",
        );
        check(
            200,
            "{\"access_token\":\"a\\r\\nb\"}",
            "the token endpoint's answer is no token: a token that cannot be sent in a header",
        );
        check(
            200,
            "{\"token\":\"a\"}",
            "the token endpoint's answer is no token: JSON without `access_token`",
        );
    }

    #[test]
    fn descriptions_are_short_and_hold_no_secret() {
        let check = |description: &str, expected: &str| {
            let body = serde_json::json!({"error":"x","error_description":description});
            match read_text(400, &body.to_string()) {
                Err(TokenError::Refused { description, .. }) => {
                    assert_eq!(description.unwrap_or_default(), expected);
                }
                other => panic!("{other:?}"),
            }
        };
        check("bad secret p&s+w =%\nhere", "bad secret [secret] here");
        check(
            "p%26s%2Bw+%3D%25 and p%26s%2Bw%20%3D%25.",
            "[secret] and [secret]",
        );
        check(&"x".repeat(5000), &"x".repeat(300));
    }
}
