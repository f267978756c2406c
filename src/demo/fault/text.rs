//! Faults as text, for command lines and the control endpoint.

use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use super::{Fault, FaultKind, Match};
use crate::demo::knobs::ThrottleShape;

/// Why a text is no fault.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FaultError {
    /// A part without an equals sign.
    #[error("`{0}` is not of the form name=value")]
    Pair(String),
    /// A name that means nothing.
    #[error(
        "`{0}` is not a part of a fault; known are set, page, nth, every, times, kind and what a kind needs"
    )]
    Name(String),
    /// A kind that does not exist.
    #[error("`{0}` is not a kind of fault; known are {KINDS}")]
    Kind(String),
    /// No kind at all.
    #[error("a fault needs kind=…; known are {KINDS}")]
    NoKind,
    /// A value of the wrong form.
    #[error("`{value}` is not a value for `{name}`, which takes {expected}")]
    Value {
        /// The name.
        name: String,
        /// What stood there.
        value: String,
        /// What should stand there.
        expected: &'static str,
    },
    /// A kind without what it needs.
    #[error("kind={kind} needs {name}=…")]
    Missing {
        /// The kind.
        kind: String,
        /// What is missing.
        name: &'static str,
    },
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = Parts::default();
        for pair in text
            .split(',')
            .map(str::trim)
            .filter(|pair| !pair.is_empty())
        {
            let (name, value) = pair
                .split_once('=')
                .ok_or_else(|| FaultError::Pair(pair.to_owned()))?;
            parts.set(name.trim(), value.trim())?;
        }
        let kind = parts.kind()?;
        Ok(Self {
            when: parts.when,
            times: parts.times.unwrap_or(1),
            kind,
        })
    }
}

#[derive(Debug, Default)]
struct Parts {
    when: Match,
    times: Option<u32>,
    kind: Option<String>,
    retry_after: Option<u64>,
    shape: Option<ThrottleShape>,
    status: Option<u16>,
    seconds: Option<Duration>,
    after: Option<usize>,
    rows: Option<usize>,
}

impl Parts {
    fn set(&mut self, name: &str, value: &str) -> Result<(), FaultError> {
        match name {
            "set" => self.when.set = Some(value.to_owned()),
            "page" => self.when.page = Some(number(name, value)?),
            "nth" => self.when.nth = Some(number(name, value)?),
            "every" => self.when.every = Some(number(name, value)?),
            "times" if value == "always" => self.times = Some(u32::MAX),
            "times" => self.times = Some(number(name, value)?),
            "kind" => self.kind = Some(value.to_ascii_lowercase()),
            "retry-after" => self.retry_after = Some(number(name, value)?),
            "status" => self.status = Some(number(name, value)?),
            "after" => self.after = Some(number(name, value)?),
            "rows" => self.rows = Some(number(name, value)?),
            "seconds" => {
                let seconds = value
                    .parse()
                    .ok()
                    .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                self.seconds =
                    Some(seconds.ok_or_else(|| wrong(name, value, "seconds, such as 1.5"))?);
            }
            "shape" => {
                self.shape = Some(match value {
                    "problem" => ThrottleShape::Problem,
                    "gateway" => ThrottleShape::Gateway,
                    _ => return Err(wrong(name, value, "problem or gateway")),
                });
            }
            _ => return Err(FaultError::Name(name.to_owned())),
        }
        Ok(())
    }

    fn kind(&self) -> Result<FaultKind, FaultError> {
        let kind = self.kind.as_deref().ok_or(FaultError::NoKind)?;
        let missing = |name| FaultError::Missing {
            kind: kind.to_owned(),
            name,
        };
        Ok(match kind {
            "unauthorized" => FaultKind::Unauthorized,
            "forbidden" => FaultKind::Forbidden,
            "throttled" => FaultKind::Throttled {
                retry_after: self.retry_after,
                shape: self.shape,
            },
            "status" => FaultKind::Status {
                status: self.status.ok_or_else(|| missing("status"))?,
                retry_after: self.retry_after,
            },
            "slow" => FaultKind::Slow(self.seconds.ok_or_else(|| missing("seconds"))?),
            "hang" => FaultKind::Hang,
            "cut-body" => FaultKind::CutBody {
                after_bytes: self.after.ok_or_else(|| missing("after"))?,
            },
            "cut-clean" => FaultKind::CutClean {
                after_bytes: self.after.ok_or_else(|| missing("after"))?,
            },
            "malformed" => FaultKind::Malformed,
            "html" => FaultKind::Html,
            "loop-link" => FaultKind::LoopLink,
            "foreign-host" => FaultKind::ForeignHost,
            "foreign-path" => FaultKind::ForeignPath,
            "empty-page" => FaultKind::EmptyPage,
            "short-page" => FaultKind::ShortPage {
                rows: self.rows.ok_or_else(|| missing("rows"))?,
            },
            "relative-link" => FaultKind::RelativeLink,
            "skiptoken-link" => FaultKind::SkipTokenLink,
            "link-before-value" => FaultKind::LinkBeforeValue,
            "encoded-link" => FaultKind::EncodedLink,
            "drops-filter" => FaultKind::DropsFilter,
            "expire-token" => FaultKind::ExpireToken,
            "different-context" => FaultKind::DifferentContext,
            other => return Err(FaultError::Kind(other.to_owned())),
        })
    }
}

fn number<T: FromStr>(name: &str, value: &str) -> Result<T, FaultError> {
    value
        .parse()
        .map_err(|_| wrong(name, value, "a whole number"))
}

fn wrong(name: &str, value: &str, expected: &'static str) -> FaultError {
    FaultError::Value {
        name: name.to_owned(),
        value: value.to_owned(),
        expected,
    }
}

const KINDS: &str = "unauthorized, forbidden, throttled, status, slow, hang, cut-body, cut-clean, malformed, html, \
    loop-link, foreign-host, foreign-path, empty-page, short-page, relative-link, skiptoken-link, link-before-value, \
    encoded-link, drops-filter, expire-token, different-context";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_fault() {
        let fault: Fault = "page=6,times=1,kind=throttled,retry-after=1,set=Sessions"
            .parse()
            .unwrap();
        let expected = Fault::on_page(
            "Sessions",
            6,
            FaultKind::Throttled {
                retry_after: Some(1),
                shape: None,
            },
        );
        assert_eq!(fault, expected);
    }

    #[test]
    fn knows_every_kind_it_lists() {
        for kind in KINDS.split(", ") {
            let text = format!("kind={kind},status=503,seconds=1.5,after=10,rows=3");
            assert!(text.parse::<Fault>().is_ok(), "{kind}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        let check = |text: &str, expected: &str| {
            assert_eq!(text.parse::<Fault>().unwrap_err().to_string(), expected);
        };
        check("page", "`page` is not of the form name=value");
        check("kind=status", "kind=status needs status=…");
        check(
            "page=x,kind=hang",
            "`x` is not a value for `page`, which takes a whole number",
        );
        assert!(
            "kind=odd"
                .parse::<Fault>()
                .unwrap_err()
                .to_string()
                .contains("known are unauthorized")
        );
    }
}
