//! What a client's headers ask for, apart from the question itself.

use std::num::NonZeroU32;
use std::time::Duration;

use http::{HeaderMap, HeaderName, StatusCode, header};

use super::list;
use super::problem::Problem;
use crate::gateway::Directives;

/// The wishes of one request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wishes {
    /// Pages instead of a whole answer.
    pub page_size: Option<PageSizeWish>,
    /// What may be given of what is stored.
    pub directives: Directives,
}

/// `Prefer: odata.maxpagesize=N`, or the same without the prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageSizeWish {
    /// Rows a page.
    pub rows: NonZeroU32,
    /// The name as the client spelled it, for `Preference-Applied`.
    pub name: &'static str,
}

impl Wishes {
    /// Reads the headers; a problem when they demand what we cannot do.
    pub(crate) fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        if list::members(headers, MAX_VERSION).any(before_version_4) {
            return Err(old_client());
        }
        let mut isolation = ISOLATION
            .into_iter()
            .flat_map(|name| list::members(headers, name));
        if isolation.any(|level| level.eq_ignore_ascii_case("snapshot")) {
            return Err(no_snapshot());
        }
        Ok(Self {
            page_size: page_size(headers),
            directives: directives(headers),
        })
    }
}

/// Preferences that we do not know are ignored (RFC 7240, section 2), and so are malformed ones. Of several,
/// the first counts.
fn page_size(headers: &HeaderMap) -> Option<PageSizeWish> {
    list::members(headers, PREFER).find_map(|preference| {
        let (typed, value) = list::pair(list::split(preference, ';').next()?);
        let name = PAGE_SIZE_NAMES
            .into_iter()
            .find(|name| name.eq_ignore_ascii_case(typed))?;
        let rows = value?.parse().ok()?;
        Some(PageSizeWish { rows, name })
    })
}

/// Cache directives (RFC 9111, section 5.2.1). Those that we do not know are ignored (section 5.2.3), and so are values
/// that are no whole number of seconds, but for `max-age`, where the client wants something fresher for certain. Where one
/// comes twice, the stricter counts.
fn directives(headers: &HeaderMap) -> Directives {
    let mut wanted = Directives::default();
    for directive in list::members(headers, header::CACHE_CONTROL) {
        let (name, value) = list::pair(directive);
        let seconds = value.and_then(seconds);
        match &*name.to_ascii_lowercase() {
            "no-cache" => wanted.no_cache = true,
            "no-store" => wanted.no_store = true,
            "only-if-cached" => wanted.only_if_cached = true,
            "max-age" => {
                let seconds = seconds.unwrap_or_default();
                wanted.max_age = Some(wanted.max_age.map_or(seconds, |max| max.min(seconds)));
            }
            "min-fresh" => wanted.min_fresh = wanted.min_fresh.max(seconds),
            // Without a value, any stale answer will do.
            "max-stale" if value.is_none() => wanted.max_stale = Some(Duration::MAX),
            "max-stale" => {
                wanted.max_stale = match (wanted.max_stale, seconds) {
                    (Some(before), Some(seconds)) => Some(before.min(seconds)),
                    (before, seconds) => before.or(seconds),
                };
            }
            _ => {}
        }
    }
    wanted
}

/// A number too large to be represented means a very long time (RFC 9111, section 1.2.2).
fn seconds(value: &str) -> Option<Duration> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| Duration::from_secs(value.parse().unwrap_or(u64::MAX)))
}

/// Versions as `4.0`, or as old clients write them, `3.0;NetFx`. What is not a version is ignored.
fn before_version_4(version: &str) -> bool {
    let digits = version.split(['.', ';']).next().unwrap_or_default();
    digits.trim().parse::<u32>().is_ok_and(|major| major < 4)
}

fn old_client() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "InvalidRequest",
        "This client speaks only versions of OData before 4.0, and this service speaks 4.0. In Excel, use \
         Data > Get Data > From OData Feed instead of the legacy wizard.",
    )
}

fn no_snapshot() -> Problem {
    Problem::new(
        StatusCode::PRECONDITION_FAILED,
        "NotSupported",
        "Snapshot isolation is not supported. Leave the `Isolation` header out.",
    )
}

const MAX_VERSION: HeaderName = HeaderName::from_static("odata-maxversion");
const ISOLATION: [HeaderName; 2] = [
    HeaderName::from_static("isolation"),
    HeaderName::from_static("odata-isolation"),
];
const PREFER: HeaderName = HeaderName::from_static("prefer");
const PAGE_SIZE_NAMES: [&str; 2] = ["odata.maxpagesize", "maxpagesize"];

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[(&'static str, &'static str)]) -> Result<Wishes, Problem> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, http::HeaderValue::from_static(value));
        }
        Wishes::read(&map)
    }

    #[test]
    fn reads_the_page_size_among_other_preferences() {
        for (prefer, expected) in [
            ("odata.maxpagesize=100", "odata.maxpagesize=100"),
            ("MaxPageSize = \"7\"", "maxpagesize=7"),
            (
                "respond-async, odata.maxpagesize=5; x=1",
                "odata.maxpagesize=5",
            ),
            ("odata.include-annotations=\"a,maxpagesize=3\"", ""),
            ("odata.maxpagesize=0", ""),
            ("odata.maxpagesize=-1", ""),
            ("odata.maxpagesize", ""),
            ("odata.maxpagesize=x, maxpagesize=2", "maxpagesize=2"),
            ("maxpagesize=2, odata.maxpagesize=3", "maxpagesize=2"),
            ("", ""),
        ] {
            let found = read(&[("prefer", prefer)]).unwrap().page_size;
            let found = found.map(|wish| format!("{}={}", wish.name, wish.rows));
            assert_eq!(found.unwrap_or_default(), expected, "{prefer}");
        }
    }

    #[test]
    fn reads_what_may_be_given_of_what_is_stored() {
        let none = Directives::default();
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let max_age = |max| Directives {
            max_age: seconds(max),
            ..none
        };
        let min_fresh = |min| Directives {
            min_fresh: seconds(min),
            ..none
        };
        let max_stale = |max_stale| Directives { max_stale, ..none };
        let (no_cache, no_store, only_if_cached) = (true, true, true);
        let forever = Some(Duration::MAX);
        for (text, expected) in [
            ("No-Cache", Directives { no_cache, ..none }),
            ("no-store", Directives { no_store, ..none }),
            ("max-age=0", max_age(0)),
            ("max-age=60, max-age=9", max_age(9)),
            ("max-age=\"60\"", max_age(60)),
            ("max-age=soon", max_age(0)),
            ("max-stale", max_stale(forever)),
            ("max-stale=5, max-stale", max_stale(forever)),
            ("max-stale=60, max-stale=9", max_stale(seconds(9))),
            ("max-stale=never", none),
            ("min-fresh=5, min-fresh=7", min_fresh(7)),
            ("min-fresh=99999999999999999999", min_fresh(u64::MAX)),
            ("min-fresh=-1", none),
            // How long, the operator says.
            ("stale-if-error=5, stale-while-revalidate=5", none),
            (
                "no-transform, only-if-cached",
                Directives {
                    only_if_cached,
                    ..none
                },
            ),
            ("", none),
        ] {
            let found = read(&[("cache-control", text)]).unwrap().directives;
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn refuses_what_it_cannot_honour() {
        for (name, value, expected) in [
            ("odata-maxversion", "4.0", 0),
            ("odata-maxversion", "4.01", 0),
            ("odata-maxversion", "nonsense", 0),
            ("odata-maxversion", "3.0", 400),
            ("odata-maxversion", "2.0;NetFx", 400),
            ("maxdataserviceversion", "3.0", 0),
            ("isolation", "snapshot", 412),
            ("odata-isolation", "Snapshot", 412),
            ("isolation", "none", 0),
        ] {
            let status = read(&[(name, value)]).map_or_else(|p| p.status.as_u16(), |_| 0);
            assert_eq!(status, expected, "{name}: {value}");
        }
    }
}
