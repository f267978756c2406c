//! How an answer is to be written: `$format` and `Accept` (OData JSON Format 4.0, section 3).

use std::fmt;

/// The choices of a JSON answer that change its bytes. Part of every cache key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Representation {
    /// `odata.metadata`.
    pub metadata: MetadataLevel,
    /// `IEEE754Compatible=true`: 64-bit numbers as strings.
    pub ieee754_compatible: bool,
    /// `ExponentialDecimals=true`.
    pub exponential_decimals: bool,
}

/// How much control information a JSON answer carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum MetadataLevel {
    /// `odata.metadata=none`.
    None,
    /// `odata.metadata=minimal`, the default.
    #[default]
    Minimal,
    /// `odata.metadata=full`.
    Full,
}

impl Representation {
    /// Chooses from the value of `$format`, which overrides if it is JSON, and of `Accept`. Several clients send values
    /// that hold no JSON at all or are not well formed: JSON is all there is, so they get the default.
    pub fn negotiate(format: Option<&str>, accept: Option<&str>) -> Self {
        if let Some(format) = format.filter(|format| is_json_format(format)) {
            return Self::from_parameters(format);
        }
        let mut best: Option<(f32, &str)> = None;
        for range in accept.unwrap_or_default().split(',') {
            let quality = quality(range);
            // Of equals the first wins.
            if accepts_json(range) && best.is_none_or(|(other, _)| quality > other) {
                best = Some((quality, range));
            }
        }
        match best {
            Some((quality, range)) if quality > 0.0 => Self::from_parameters(range),
            _ => Self::default(),
        }
    }

    /// What upstream says it has sent; `None` when that is not JSON, or says nothing of OData: where a level is named
    /// the other parameters are, too, if they hold.
    pub fn from_content_type(content_type: &str) -> Option<Self> {
        let json = matches!(
            media_type(content_type).as_str(),
            "application/json" | "text/json"
        );
        let says = json && parameters(content_type).any(|(name, _)| is_level(&name));
        says.then(|| Self::from_parameters(content_type))
    }

    /// `Content-Type` of an answer: `application/json;odata.metadata=minimal;odata.streaming=true;charset=utf-8`
    /// by default. Without `charset` Windows PowerShell reads ISO-8859-1.
    pub fn content_type(&self) -> String {
        let level = self.metadata;
        let flags = self.flags();
        format!("application/json;odata.metadata={level};odata.streaming=true;charset=utf-8{flags}")
    }

    /// `Accept` for the request upstream.
    pub fn accept(&self) -> String {
        let level = self.metadata;
        let flags = self.flags();
        format!("application/json;odata.metadata={level}{flags}")
    }

    fn flags(self) -> String {
        let mut flags = String::new();
        if self.ieee754_compatible {
            flags.push_str(";IEEE754Compatible=true");
        }
        if self.exponential_decimals {
            flags.push_str(";ExponentialDecimals=true");
        }
        flags
    }

    fn from_parameters(media_range: &str) -> Self {
        let mut representation = Self::default();
        for (name, value) in parameters(media_range) {
            match (name.as_str(), value.as_str()) {
                (name, level) if is_level(name) => {
                    representation.metadata = MetadataLevel::from_word(level);
                }
                ("ieee754compatible", value) => representation.ieee754_compatible = value == "true",
                ("exponentialdecimals", value) => {
                    representation.exponential_decimals = value == "true";
                }
                _ => {}
            }
        }
        representation
    }
}

impl MetadataLevel {
    /// Version 4 and version 3 words; `verbose` and anything unknown is minimal.
    fn from_word(word: &str) -> Self {
        match word {
            "none" | "nometadata" => Self::None,
            "full" | "fullmetadata" => Self::Full,
            _ => Self::Minimal,
        }
    }
}

impl fmt::Display for MetadataLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Full => "full",
        })
    }
}

/// The text for cache keys and log lines: `minimal`, `full;IEEE754Compatible=true`. No two
/// representations have the same.
impl fmt::Display for Representation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.metadata, self.flags())
    }
}

/// Whether a value of `$format` asks for JSON, so that it is ours to resolve; others are upstream's to judge.
pub fn is_json_format(format: &str) -> bool {
    matches!(
        media_type(format).as_str(),
        "json" | "application/json" | "text/json"
    )
}

fn is_level(parameter: &str) -> bool {
    matches!(parameter, "odata.metadata" | "metadata" | "odata")
}

fn accepts_json(range: &str) -> bool {
    is_json_format(range) || matches!(media_type(range).as_str(), "*/*" | "application/*" | "*")
}

fn media_type(range: &str) -> String {
    let (media_type, _) = range.split_once(';').unwrap_or((range, ""));
    media_type.trim().to_ascii_lowercase()
}

/// Names and values in lower case, without blanks and quotes.
fn parameters(range: &str) -> impl Iterator<Item = (String, String)> {
    range.split(';').skip(1).map(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let clean = |text: &str| text.trim().trim_matches('"').trim().to_ascii_lowercase();
        (clean(name), clean(value))
    })
}

/// `q`, 1 when it is absent or unreadable.
fn quality(range: &str) -> f32 {
    parameters(range)
        .find(|(name, _)| name == "q")
        .and_then(|(_, value)| value.parse().ok())
        .filter(|quality: &f32| quality.is_finite())
        .unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn accept_chooses() {
        let check = |accept: &str, text: &str| {
            let representation = Representation::negotiate(None, Some(accept));
            assert_eq!(representation.to_string(), text, "{accept}");
        };
        check("", "minimal");
        check("*/*", "minimal");
        check("text/html,*/*;q=0.8", "minimal");
        check("application/json;q=0.9,text/plain", "minimal");
        check("application/json;odata.metadata=none", "none");
        check("Application/JSON; OData.Metadata=\"FULL\" ", "full");
        check("application/json;metadata=full", "full");
        check("application/json;odata=nometadata", "none");
        check("application/json;odata=fullmetadata", "full");
        check("application/json;odata=verbose", "minimal");
        check("application/json;odata.metadata", "minimal");
        check(
            "application/json;odata.metadata=none;q=0.5,application/json;odata.metadata=full;q=0.7",
            "full",
        );
        check(
            "application/json;odata.metadata=none,application/json",
            "none",
        );
        check("application/json;odata.metadata=full;q=0", "minimal");
        check("application/json;odata.metadata=full;q=zero", "full");
        check(
            "application/json;IEEE754Compatible=True;exponentialdecimals=true",
            "minimal;IEEE754Compatible=true;ExponentialDecimals=true",
        );
        check("application/atom+xml;odata.metadata=full", "minimal");
        check(
            "application/json;odata.metadata=minimal;q=1.0,application/json;odata=minimalmetadata;q=0.9,\
             application/atomsvc+xml;q=0.8,application/atom+xml;q=0.8,application/xml;q=0.7,text/plain;q=0.7",
            "minimal",
        );
    }

    #[test]
    fn format_overrides() {
        let check = |format: &str, text: &str| {
            let accept = Some("application/json;odata.metadata=none");
            let representation = Representation::negotiate(Some(format), accept);
            assert_eq!(representation.to_string(), text, "{format}");
        };
        check("json", "minimal");
        check("JSON", "minimal");
        check("application/json;odata.metadata=full", "full");
        check("atom", "none");
        assert!(is_json_format("application/json;odata.metadata=full"));
        assert!(!is_json_format("xml"));
    }

    #[test]
    fn headers_are_exact() {
        let default = Representation::default();
        assert_eq!(
            default.content_type(),
            "application/json;odata.metadata=minimal;odata.streaming=true;charset=utf-8"
        );
        assert_eq!(default.accept(), "application/json;odata.metadata=minimal");
        for nothing in ["text/html", "application/json", "text/json;charset=utf-8"] {
            assert_eq!(Representation::from_content_type(nothing), None);
        }
        let sent = "application/json; odata.metadata=full; odata.streaming=true";
        assert_eq!(
            Representation::from_content_type(sent).unwrap().metadata,
            MetadataLevel::Full
        );
    }

    proptest! {
        #[test]
        fn headers_read_back(level in 0..3, ieee754_compatible: bool, exponential_decimals: bool) {
            let metadata = match level {
                0 => MetadataLevel::None,
                1 => MetadataLevel::Minimal,
                _ => MetadataLevel::Full,
            };
            let representation = Representation { metadata, ieee754_compatible, exponential_decimals };
            prop_assert_eq!(Representation::negotiate(None, Some(&representation.accept())), representation);
            prop_assert_eq!(Representation::from_content_type(&representation.content_type()), Some(representation));
        }

        #[test]
        fn any_text_is_tolerated(format in "\\PC*", accept in "\\PC*|[a-z/;=,q.0-9* \"]*") {
            Representation::negotiate(Some(&format), Some(&accept));
            Representation::from_content_type(&accept);
        }
    }
}
