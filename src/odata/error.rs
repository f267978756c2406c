//! Error bodies: writing ours (OData JSON Format 4.0, section 19), and reading upstream's in all their shapes.

use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};

/// An error as an OData client reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorBody {
    /// What a program may look at; never empty.
    pub code: String,
    /// What a person reads: what happened, then what to do.
    pub message: String,
    /// What the error is about, for example the name of a query option.
    pub target: Option<String>,
    /// More about it, as pairs of code and message.
    pub details: Vec<(String, String)>,
    /// Names the request in the log; written as a detail with the code `RequestId`.
    pub request_id: Option<String>,
}

impl ErrorBody {
    /// `{"error":{"code":…,"message":…,"target":…,"details":[…]}}`; empty members are left out.
    pub fn to_json(&self) -> Bytes {
        let pairs = self
            .details
            .iter()
            .map(|(code, message)| Detail { code, message });
        let id = self.request_id.iter().map(|id| Detail {
            code: "RequestId",
            message: id,
        });
        let error = ErrorMember {
            code: &self.code,
            message: &self.message,
            target: self.target.as_deref(),
            details: pairs.chain(id).collect(),
        };
        // Strings always serialize; an empty body would still be an error for the client.
        serde_json::to_vec(&Envelope { error })
            .unwrap_or_default()
            .into()
    }
}

#[derive(Serialize)]
struct Envelope<'a> {
    error: ErrorMember<'a>,
}

#[derive(Serialize)]
struct ErrorMember<'a> {
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<Detail<'a>>,
}

#[derive(Serialize)]
struct Detail<'a> {
    code: &'a str,
    message: &'a str,
}

/// What an error body of upstream says.
///
/// The service itself writes OData errors, its gateway problem documents or `{"statusCode","message"}`, and
/// all of them may be labelled `text/plain`, so the content decides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UpstreamMessage {
    /// The OData error code, or the last segment of a problem's type.
    pub code: Option<String>,
    /// The message on one line, at most [`MESSAGE_CHARS_MAX`] characters.
    pub message: Option<String>,
    /// How long to wait, from a problem's parameter `retryDelay` (seconds).
    pub retry_delay: Option<Duration>,
}

impl UpstreamMessage {
    /// Reads `body`, whatever it is. HTML, XML and bytes that are not text say nothing.
    pub fn read(body: &[u8]) -> Self {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        match serde_json::from_slice(body) {
            Ok(Value::Object(object)) => Self::from_object(&object),
            Ok(Value::String(text)) => Self::from_text(&text),
            Ok(_) => Self::default(),
            Err(_) => std::str::from_utf8(body).map_or_else(|_| Self::default(), Self::from_text),
        }
    }

    fn from_object(object: &Map<String, Value>) -> Self {
        match object.get("error") {
            Some(Value::Object(error)) => Self {
                code: text_of(error, &["code"]),
                message: text_of(error, &["message"]),
                retry_delay: retry_delay(object).or_else(|| retry_delay(error)),
            },
            Some(Value::String(code)) => Self {
                code: bounded(code),
                message: text_of(object, &["error_description", "message"]),
                retry_delay: retry_delay(object),
            },
            _ => Self {
                code: problem_code(object).or_else(|| text_of(object, &["code", "errorCode"])),
                message: text_of(object, &["detail", "message", "Message", "title"]),
                retry_delay: retry_delay(object),
            },
        }
    }

    fn from_text(text: &str) -> Self {
        let markup = text.trim_start().starts_with('<');
        Self {
            message: if markup { None } else { bounded(text) },
            ..Self::default()
        }
    }
}

/// The first of `names` that holds text. OData before version 4 wraps messages as `{"lang","value"}`.
fn text_of(object: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| match object.get(*name)? {
        Value::String(text) => bounded(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(wrapped) => bounded(wrapped.get("value")?.as_str()?),
        _ => None,
    })
}

/// `https://errors-api.cloud.com/common/rateLimitExceeded` is the code `rateLimitExceeded`.
fn problem_code(object: &Map<String, Value>) -> Option<String> {
    let kind = object.get("type")?.as_str()?;
    bounded(kind.trim_end_matches('/').rsplit('/').next()?).filter(|code| code != "about:blank")
}

fn retry_delay(object: &Map<String, Value>) -> Option<Duration> {
    let parameters = object.get("parameters")?.as_array()?;
    let delay = parameters
        .iter()
        .find(|parameter| parameter.get("name").and_then(Value::as_str) == Some("retryDelay"))?;
    let seconds = match delay.get("value")? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    Duration::try_from_secs_f64(seconds).ok()
}

/// One line of at most [`MESSAGE_CHARS_MAX`] characters, or nothing when there is nothing to read.
fn bounded(text: &str) -> Option<String> {
    let line: String = text
        .trim()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MESSAGE_CHARS_MAX)
        .collect();
    Some(line).filter(|line| !line.is_empty())
}

/// Longer messages of upstream are cut: they are stack traces.
pub const MESSAGE_CHARS_MAX: usize = 2000;

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn writes_what_clients_read() {
        let mut error = ErrorBody {
            code: "UpstreamBusy".to_owned(),
            message: "say \"later\"".to_owned(),
            ..ErrorBody::default()
        };
        let text = |error: &ErrorBody| String::from_utf8(error.to_json().to_vec()).unwrap();
        assert_snapshot!(text(&error), @r#"{"error":{"code":"UpstreamBusy","message":"say \"later\""}}"#);
        error.target = Some("$filter".to_owned());
        error.details = vec![("Hint".to_owned(), "wait".to_owned())];
        error.request_id = Some("7f".to_owned());
        assert_snapshot!(text(&error), @r#"{"error":{"code":"UpstreamBusy","message":"say \"later\"","target":"$filter","details":[{"code":"Hint","message":"wait"},{"code":"RequestId","message":"7f"}]}}"#);
    }

    #[test]
    fn reads_every_shape() {
        let check = |body: &str, code: Option<&str>, message: Option<&str>, delay: Option<f64>| {
            let read = UpstreamMessage::read(body.as_bytes());
            assert_eq!(read.code.as_deref(), code, "{body}");
            assert_eq!(read.message.as_deref(), message, "{body}");
            assert_eq!(
                read.retry_delay,
                delay.map(Duration::from_secs_f64),
                "{body}"
            );
        };
        check(
            r#"{"error":{"code":"BadRequest","message":"no\nproperty"}}"#,
            Some("BadRequest"),
            Some("no property"),
            None,
        );
        check(
            "\u{feff}{\"error\":{\"code\":\"\",\"message\":{\"lang\":\"en\",\"value\":\"old\"}}}",
            None,
            Some("old"),
            None,
        );
        let problem = |value: &str| {
            format!(
                r#"{{"type":"https://errors-api.cloud.com/common/rateLimitExceeded","detail":"slow down","parameters":[{{"name":"x","value":1}},{{"name":"retryDelay","value":{value}}}]}}"#
            )
        };
        let code = Some("rateLimitExceeded");
        check(&problem("12"), code, Some("slow down"), Some(12.0));
        check(&problem("\"2.5\""), code, Some("slow down"), Some(2.5));
        for odd in ["-1", "1e300", "null", "\"soon\"", "\"NaN\"", "{}"] {
            check(&problem(odd), code, Some("slow down"), None);
        }
        check(
            r#"{"statusCode":429,"message":"Rate limit is exceeded."}"#,
            None,
            Some("Rate limit is exceeded."),
            None,
        );
        check(
            r#"{"Message":"No HTTP resource was found"}"#,
            None,
            Some("No HTTP resource was found"),
            None,
        );
        check(
            r#"{"error":"invalid_client","error_description":"bad"}"#,
            Some("invalid_client"),
            Some("bad"),
            None,
        );
        check("plain words", None, Some("plain words"), None);
        check("\"quoted\"", None, Some("quoted"), None);
        for nothing in ["", " ", "<html>", "[1]", "7", "{}", r#"{"error":null}"#] {
            check(nothing, None, None, None);
        }
    }

    #[test]
    fn long_messages_are_cut() {
        let body = format!(r#"{{"message":"{}"}}"#, "ü".repeat(9000));
        let message = UpstreamMessage::read(body.as_bytes()).message.unwrap();
        assert_eq!(message.chars().count(), MESSAGE_CHARS_MAX);
    }

    proptest! {
        #[test]
        fn no_body_panics(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            UpstreamMessage::read(&body);
        }
    }
}
