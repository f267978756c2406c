//! Every setting there is: its name, its kind, its default. Nothing else lists them.
//!
//! A `*` stands for a name the operator chose (a site) or for a place in a list (a rule).

use std::time::Duration;

use super::rules::{DefaultRule, RULES};

/// One setting.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) default: DefaultValue,
}

/// What a setting's value is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Text,
    /// Text that is never shown.
    Secret,
    /// A file or folder; a relative one starts where it was written down.
    Path,
    Choice(&'static [&'static str]),
    Count {
        min: usize,
        max: usize,
    },
    Duration {
        min: Duration,
        max: Duration,
    },
    Size,
    List,
    /// A list of tables, which only a file can hold.
    Tables,
}

/// A default, as the operator would write it.
#[derive(Debug, Clone, Copy)]
pub(super) enum DefaultValue {
    /// An empty text means "not set".
    Text(&'static str),
    Count(i64),
    List(&'static [&'static str]),
    Rules(&'static [DefaultRule]),
    /// Part of a table in a list; what it means when left out is written in [`super::check`].
    Absent,
}

impl Key {
    /// Whether it is part of a table in a list.
    pub(super) fn is_in_list(&self) -> bool {
        list_of_tables(self.name).is_some_and(|list| list != self.name)
    }
}

/// The setting with this name, `sites.main.region` say.
pub(super) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| {
        let (mut pattern, mut parts) = (key.name.split('.'), name.split('.'));
        loop {
            match (pattern.next(), parts.next()) {
                (None, None) => return true,
                (Some(known), Some(part)) if matches(known, part) => {}
                _ => return false,
            }
        }
    })
}

/// Whether settings live below this name: `server`, `sites.main.upstream`.
pub(super) fn is_section(name: &str) -> bool {
    KEYS.iter().any(|key| {
        let mut pattern = key.name.split('.');
        name.split('.')
            .all(|part| pattern.next().is_some_and(|known| matches(known, part)))
            && pattern.next().is_some()
    })
}

/// The list of tables that the setting of this name is, or is part of.
pub(super) fn list_of_tables(name: &str) -> Option<&'static str> {
    let is_within = |list: &&str| {
        let rest = name.strip_prefix(list);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let lists = KEYS.iter().filter(|key| matches!(key.kind, Kind::Tables));
    lists.map(|key| key.name).find(is_within)
}

/// The known setting or section that is most like `name`, if one is like it at all.
///
/// One of the same section is meant rather than another. Then the last part counts most: `sites.main.endpoint` is
/// near `sites.main.upstream.endpoint`.
pub(super) fn nearest(name: &str) -> Option<String> {
    let split = |text: &str| {
        let (section, last) = text.rsplit_once('.').unwrap_or(("", text));
        (section.to_owned(), last.to_owned())
    };
    let (section, asked) = split(name);
    KEYS.iter()
        .flat_map(|key| {
            let dots = key.name.match_indices('.').map(|(at, _)| at);
            dots.chain([key.name.len()])
                .filter_map(|end| key.name.get(..end))
        })
        .filter(|known| !known.ends_with('*'))
        .map(|known| {
            let near = fill_stars(known, name);
            let (near_section, last) = split(&near);
            let tail = strsim::osa_distance(&last, &asked);
            let whole = strsim::osa_distance(&near, name);
            (near_section != section, tail, whole, near)
        })
        .filter(|(_, tail, whole, _)| {
            *tail <= 2.min(asked.len() / 2) || *whole <= 2.max(name.len() / 5)
        })
        .min()
        .map(|(.., near)| near)
}

/// Puts what the operator wrote where the pattern has a star, as far as the two agree before it.
fn fill_stars(pattern: &str, name: &str) -> String {
    let mut given = name.split('.');
    let mut agree = true;
    let parts = pattern.split('.').map(|known| {
        let part = given.next().filter(|_| agree);
        agree = part.is_some_and(|part| matches(known, part));
        match (known, part) {
            ("*", Some(part)) => part,
            ("*", None) => "NAME",
            (known, _) => known,
        }
    });
    parts.collect::<Vec<_>>().join(".")
}

fn matches(known: &str, part: &str) -> bool {
    known == part || (known == "*" && !part.is_empty())
}

const fn seconds(min: u64, max: u64) -> Kind {
    Kind::Duration {
        min: Duration::from_secs(min),
        max: Duration::from_secs(max),
    }
}

const fn key(name: &'static str, kind: Kind, default: DefaultValue) -> Key {
    Key {
        name,
        kind,
        default,
    }
}

const HOUR: u64 = 3600;
const MONTH: u64 = 30 * 24 * HOUR;
/// How long an answer may be kept at most.
const AGE: Kind = seconds(0, 12 * MONTH);
const SWITCH: Kind = Kind::Choice(&["on", "off"]);
const UNSET: DefaultValue = DefaultValue::Text("");

/// All settings, in the order in which they are reported.
pub(super) static KEYS: &[Key] = &[
    key("data_dir", Kind::Path, UNSET),
    key(
        "server.listen",
        Kind::List,
        DefaultValue::List(&["127.0.0.1:8484", "[::1]:8484"]),
    ),
    key("server.allowed_hosts", Kind::List, DefaultValue::List(&[])),
    key("server.public_url", Kind::Text, UNSET),
    key("server.anonymous", SWITCH, DefaultValue::Text("off")),
    key("server.plain_http", SWITCH, DefaultValue::Text("off")),
    key("server.cors_origins", Kind::List, DefaultValue::List(&[])),
    key("server.keys", Kind::Tables, DefaultValue::List(&[])),
    key("server.keys.*.name", Kind::Text, DefaultValue::Absent),
    key("server.keys.*.sha256", Kind::Text, DefaultValue::Absent),
    key("server.keys.*.sites", Kind::List, DefaultValue::Absent),
    key("server.tls.certificate_file", Kind::Path, UNSET),
    key("server.tls.key_file", Kind::Path, UNSET),
    key(
        "server.limits.connections",
        Kind::Count {
            min: 1,
            max: 1_000_000,
        },
        DefaultValue::Count(1024),
    ),
    key(
        "server.limits.connections_per_address",
        Kind::Count {
            min: 1,
            max: 1_000_000,
        },
        UNSET,
    ),
    key(
        "server.limits.header_bytes",
        Kind::Size,
        DefaultValue::Text("64KiB"),
    ),
    key(
        "server.limits.requests_per_second",
        Kind::Count {
            min: 0,
            max: 1_000_000,
        },
        DefaultValue::Count(200),
    ),
    key("server.drain", seconds(0, HOUR), DefaultValue::Text("30s")),
    key(
        "sites.*.profile",
        Kind::Choice(&["citrix-cloud"]),
        DefaultValue::Text("citrix-cloud"),
    ),
    key(
        "sites.*.region",
        Kind::Choice(&["us", "eu", "ap-s", "jp"]),
        DefaultValue::Text("us"),
    ),
    key("sites.*.customer_id", Kind::Text, UNSET),
    key("sites.*.client_id", Kind::Text, UNSET),
    key("sites.*.client_secret", Kind::Secret, UNSET),
    key("sites.*.client_secret_file", Kind::Path, UNSET),
    key("sites.*.client_secret_env", Kind::Text, UNSET),
    key(
        "sites.*.token_path",
        Kind::Choice(&["customer", "root"]),
        DefaultValue::Text("customer"),
    ),
    key("sites.*.upstream.endpoint", Kind::Text, UNSET),
    key(
        "sites.*.upstream.concurrency",
        Kind::Count { min: 1, max: 64 },
        DefaultValue::Count(1),
    ),
    key(
        "sites.*.upstream.page_timeout",
        seconds(1, HOUR),
        DefaultValue::Text("60s"),
    ),
    key(
        "sites.*.upstream.retry_budget",
        seconds(0, 24 * HOUR),
        DefaultValue::Text("10m"),
    ),
    key(
        "sites.*.upstream.queue_limit",
        Kind::Count {
            min: 0,
            max: 1_000_000,
        },
        DefaultValue::Count(256),
    ),
    key("cache.memory", Kind::Size, DefaultValue::Text("256MiB")),
    key("cache.spool", Kind::Size, DefaultValue::Text("8GiB")),
    key("cache.disk", Kind::Size, DefaultValue::Text("4GiB")),
    key("cache.ttl", AGE, DefaultValue::Text("5m")),
    key("cache.metadata_ttl", AGE, DefaultValue::Text("1h")),
    key(
        "cache.stale_while_revalidate",
        AGE,
        DefaultValue::Text("1h"),
    ),
    key("cache.stale_if_error", AGE, DefaultValue::Text("24h")),
    key(
        "cache.refresh_ahead",
        Kind::Choice(&["on", "off"]),
        DefaultValue::Text("on"),
    ),
    key("cache.rules", Kind::Tables, DefaultValue::Rules(RULES)),
    key("cache.rules.*.sets", Kind::List, DefaultValue::Absent),
    key("cache.rules.*.ttl", AGE, DefaultValue::Absent),
    key(
        "cache.rules.*.stale_while_revalidate",
        AGE,
        DefaultValue::Absent,
    ),
    key("cache.rules.*.stale_if_error", AGE, DefaultValue::Absent),
    key("warm", Kind::Tables, DefaultValue::List(&[])),
    key("warm.*.site", Kind::Text, DefaultValue::Absent),
    key("warm.*.question", Kind::Text, DefaultValue::Absent),
    key("warm.*.every", seconds(60, MONTH), DefaultValue::Absent),
    key("warm.*.cron", Kind::Text, DefaultValue::Absent),
    key("warm.*.time_zone", Kind::Text, DefaultValue::Absent),
    key(
        "sets.deny",
        Kind::List,
        DefaultValue::List(&[
            "DirectorAgent",
            "NotificationAction*",
            "NotificationEmail*",
            "NotificationSnmp*",
        ]),
    ),
    key(
        "scans.range_walk",
        Kind::Choice(&["on", "off"]),
        DefaultValue::Text("on"),
    ),
    key("scans.range_columns", Kind::List, DefaultValue::List(&[])),
    key("scans.range_never", Kind::List, DefaultValue::List(&[])),
    key("log.filter", Kind::Text, DefaultValue::Text("info")),
    key(
        "log.format",
        Kind::Choice(&["text", "json"]),
        DefaultValue::Text("text"),
    ),
    key("log.folder", Kind::Path, UNSET),
    key(
        "log.rotate",
        Kind::Choice(&["daily", "hourly"]),
        DefaultValue::Text("daily"),
    ),
    key(
        "log.keep",
        Kind::Count {
            min: 2,
            max: 10_000,
        },
        DefaultValue::Count(14),
    ),
    key("log.traces", Kind::Text, UNSET),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_settings_and_sections() {
        for name in [
            "server.listen",
            "sites.main.region",
            "sites.eu-1.upstream.endpoint",
            "cache.rules.2.ttl",
            "warm.1.time_zone",
        ] {
            assert!(find(name).is_some(), "{name}");
            assert!(!is_section(name), "{name}");
        }
        for name in ["server", "sites", "sites.main", "sites.main.upstream"] {
            assert!(find(name).is_none(), "{name}");
            assert!(is_section(name), "{name}");
        }
        for name in ["", "server.", "sites..region", "server.listen.x", "main"] {
            assert!(find(name).is_none(), "{name}");
        }
    }

    #[test]
    fn names_the_nearest_known_key() {
        let cases = [
            ("server.lisen", Some("server.listen")),
            ("listen", Some("server.listen")),
            ("serverr", Some("server")),
            ("sites.main.customerid", Some("sites.main.customer_id")),
            ("sites.main.endpoint", Some("sites.main.upstream.endpoint")),
            (
                "sites.main.client_secrets",
                Some("sites.main.client_secret"),
            ),
            ("site.main.region", Some("sites.NAME.region")),
            ("upstream", Some("sites.NAME.upstream")),
            ("cache.rules.1.tl", Some("cache.rules.1.ttl")),
            ("warm.1.sites", Some("warm.1.site")),
            ("warm.12.corn", Some("warm.12.cron")),
            ("worm", Some("warm")),
            ("zebra", None),
            ("cache.compression", None),
        ];
        for (name, expected) in cases {
            assert_eq!(nearest(name).as_deref(), expected, "{name}");
        }
    }
}
