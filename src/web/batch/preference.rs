//! Does a batch go on after a failure? Pure.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::super::list;

/// `Prefer: odata.continue-on-error`, or the same without the prefix, with or without a value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ContinueOnError {
    /// Whether to go on.
    pub value: bool,
    /// The name as the client spelled it, for `Preference-Applied`.
    name: &'static str,
}

impl ContinueOnError {
    /// What the headers of a batch say; of several preferences, the first counts.
    pub(crate) fn wanted(headers: &HeaderMap) -> Option<Self> {
        list::members(headers, PREFER).find_map(|preference| {
            let (typed, value) = list::pair(list::split(preference, ';').next()?);
            let name = CONTINUE_NAMES
                .into_iter()
                .find(|name| name.eq_ignore_ascii_case(typed))?;
            let value = match value {
                None => true,
                Some(value) if value.eq_ignore_ascii_case("true") => true,
                Some(value) if value.eq_ignore_ascii_case("false") => false,
                Some(_) => return None,
            };
            Some(Self { value, name })
        })
    }

    /// `Preference-Applied`.
    pub(crate) fn applied(&self) -> Option<HeaderValue> {
        let value = if self.value { "" } else { "=false" };
        HeaderValue::try_from(format!("{}{value}", self.name)).ok()
    }
}

const PREFER: HeaderName = HeaderName::from_static("prefer");
const CONTINUE_NAMES: [&str; 2] = ["odata.continue-on-error", "continue-on-error"];

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn the_preference_is_confirmed_as_it_was_spelled() {
        for (prefer, expected) in [
            ("odata.continue-on-error", "odata.continue-on-error"),
            ("Continue-On-Error=true", "continue-on-error"),
            ("continue-on-error=\"TRUE\"; x=1", "continue-on-error"),
            (
                "respond-async, odata.continue-on-error=false",
                "odata.continue-on-error=false",
            ),
            ("odata.continue-on-error=perhaps", ""),
            ("odata.maxpagesize=5", ""),
        ] {
            let wanted = ContinueOnError::wanted(&headers("prefer", prefer));
            let applied = wanted.and_then(|wanted| wanted.applied());
            let applied = applied.as_ref().map_or("", |value| value.to_str().unwrap());
            assert_eq!(applied, expected, "{prefer}");
        }
    }
}
