//! Whether a site is well, and what to do when it is not. Pure.

use jiff::{SignedDuration, Timestamp};

use crate::admin::{Site, Status, Token};

/// How a site is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Health {
    /// It answers.
    Good,
    /// Nobody has asked it yet.
    Unasked,
    /// It answers, and something went wrong a short while ago.
    Shaken,
    /// It wants a pause.
    Paused,
    /// There is no token for it.
    SignedOut,
}

impl Health {
    /// That of `site`, by what is worst.
    pub(super) fn of(site: &Site, now: Timestamp) -> Self {
        let shaken = site
            .last_error
            .as_ref()
            .is_some_and(|error| now.duration_since(error.at) < SHAKEN_FOR);
        match (&site.token, site.lane.paused_seconds) {
            (Token::Failed { .. }, _) => Self::SignedOut,
            (_, Some(_)) => Self::Paused,
            _ if shaken => Self::Shaken,
            (Token::None, None) => Self::Unasked,
            (Token::Valid { .. }, None) => Self::Good,
        }
    }

    /// In a few words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Good => "Ready",
            Self::Unasked => "Not asked yet",
            Self::Shaken => "Ready, with errors",
            Self::Paused => "Paused by Citrix Cloud",
            Self::SignedOut => "Cannot sign in",
        }
    }

    /// A class of the style sheet.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Unasked => "soft",
            Self::Shaken | Self::Paused => "warn",
            Self::SignedOut => "bad",
        }
    }

    /// What to do about it. The failure of a sign-in brings its own.
    pub(super) fn remedy(self) -> Option<&'static str> {
        match self {
            Self::Good | Self::Unasked | Self::SignedOut => None,
            Self::Shaken => Some(
                "If reports fail, run citrix-odata-proxy check on this machine: it tries each step and says what to do.",
            ),
            Self::Paused => Some(
                "Nothing to do: requests wait, and go on by themselves. If it happens often, another tool may query the same \
                 customer; let them take turns.",
            ),
        }
    }
}

/// All sites in one line.
pub(super) fn headline(status: &Status) -> (Health, String) {
    let all = status.sites.iter();
    let all = all.map(|site| (Health::of(site, status.now), site));
    let Some((worst, site)) = all.max_by_key(|(health, _)| *health) else {
        return (Health::Unasked, "No site is configured".to_owned());
    };
    let name = if super::names_sites(status) {
        format!("Site {}", site.name)
    } else {
        "This proxy".to_owned()
    };
    let words = match (worst, status.scans.len()) {
        (Health::SignedOut, _) => format!("{name} cannot sign in to Citrix Cloud"),
        (Health::Paused, _) => "Citrix Cloud wants a pause; requests wait".to_owned(),
        (Health::Shaken, _) => "Ready; something went wrong lately".to_owned(),
        (Health::Unasked | Health::Good, 0) => "Ready".to_owned(),
        (Health::Unasked | Health::Good, 1) => "Ready, reading a table".to_owned(),
        (Health::Unasked | Health::Good, scans) => format!("Ready, reading {scans} tables"),
    };
    (worst, words)
}

/// What went wrong before that is history.
const SHAKEN_FOR: SignedDuration = SignedDuration::from_mins(10);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::{Lane, LastError};

    /// A site with this token, a pause or none, and an error so many seconds ago; asked at second 10,000.
    fn site(token: Token, paused: bool, error: Option<i64>) -> Site {
        let at = |seconds: i64| Timestamp::from_second(10_000 - seconds).unwrap();
        Site {
            name: "main".to_owned(),
            default: true,
            endpoint: "https://api.cloud.com/monitorodata".to_owned(),
            token,
            lane: Lane {
                level: 1,
                maximum: 1,
                in_flight: 0,
                paused_seconds: paused.then_some(7),
                waiting: vec![],
            },
            last_error: error.map(|seconds| LastError {
                at: at(seconds),
                message: "busy".to_owned(),
            }),
        }
    }

    #[test]
    fn what_is_worst_counts() {
        let valid = || Token::Valid {
            remaining_seconds: 9,
        };
        let failed = || Token::Failed {
            explanation: "Enter a new secret.".to_owned(),
        };
        for (site, expected) in [
            (site(Token::None, false, None), Health::Unasked),
            (site(valid(), false, None), Health::Good),
            (site(valid(), false, Some(600)), Health::Good),
            (site(valid(), false, Some(599)), Health::Shaken),
            (site(Token::None, false, Some(5)), Health::Shaken),
            (site(valid(), true, Some(5)), Health::Paused),
            (site(failed(), true, Some(5)), Health::SignedOut),
        ] {
            let now = Timestamp::from_second(10_000).unwrap();
            assert_eq!(Health::of(&site, now), expected, "{site:?}");
        }
    }

    #[test]
    fn the_headline_is_that_of_the_worst_site() {
        let mut status = crate::admin::tests::overview();
        let words = |status: &Status| headline(status).1;
        assert_eq!(words(&status), "Site lab cannot sign in to Citrix Cloud");
        status.sites.remove(0);
        assert_eq!(words(&status), "Citrix Cloud wants a pause; requests wait");
        status.sites[0].lane.paused_seconds = None;
        assert_eq!(words(&status), "Ready, reading 2 tables");
        status.scans.pop();
        assert_eq!(words(&status), "Ready, reading a table");
        status.scans.pop();
        assert_eq!(words(&status), "Ready");
        status.sites.clear();
        assert_eq!(words(&status), "No site is configured");
    }
}
