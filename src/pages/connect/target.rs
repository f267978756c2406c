//! What a text is about: a set of a site, at the address that the visitor used. Pure.

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::form_urlencoded;

use crate::gateway::OfferedSet;
use crate::odata::name::SiteId;

/// A set of a site, and how it is asked for.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// The site.
    pub site: SiteId,
    /// Whether its service root has no name in it.
    pub is_default: bool,
    /// The service root: `http://localhost:8484/monitorodata`.
    pub root: String,
    /// The set, its key and its date.
    pub set: OfferedSet,
    /// Whether clients have to present an access key.
    pub keys: bool,
    /// The present moment.
    pub now: Timestamp,
}

impl Target {
    /// The set's own address.
    pub(super) fn address(&self) -> String {
        let set = utf8_percent_encode(&self.set.name, SEGMENT);
        format!("{}/{set}", self.root)
    }

    /// Key and date: columns that an example chooses, in this order, each once.
    pub(super) fn columns(&self) -> Vec<&str> {
        let mut columns: Vec<&str> = self.set.key.iter().map(String::as_str).collect();
        let date = self.date();
        columns.extend(date.filter(|date| !self.set.key.iter().any(|key| key == date)));
        columns
    }

    /// The options of an example, in words: the rows of the last seven days, and the columns above. For sets without a date,
    /// and for those that nothing is known of, there is less to say.
    pub(super) fn options(&self) -> Vec<(&'static str, String)> {
        let recent = self
            .date()
            .map(|date| format!("{date} ge {}", self.since()));
        self.options_with(recent)
    }

    /// The set's address with these options, encoded.
    pub(super) fn query(&self) -> String {
        self.address_with(&self.options())
    }

    /// The column of the date.
    pub(super) fn date(&self) -> Option<&str> {
        self.set.date.as_ref().map(|date| date.column.as_str())
    }

    /// The condition for rows that no filter by date finds: those that have none. `None` where each row has one.
    pub(super) fn undated(&self) -> Option<String> {
        let date = self.set.date.as_ref().filter(|date| date.nullable)?;
        Some(format!("{} eq null", date.column))
    }

    /// The address of these rows, encoded.
    pub(super) fn undated_query(&self) -> Option<String> {
        let options = self.options_with(Some(self.undated()?));
        Some(self.address_with(&options))
    }

    /// A line of a program, behind the sign that begins a comment there, about rows that its filter leaves out; empty where
    /// there are none.
    pub(super) fn undated_comment(&self, sign: &str) -> String {
        let (Some(date), Some(condition)) = (self.date(), self.undated()) else {
            return String::new();
        };
        let line = format!(
            "Rows without {date} are not among these: the filter `{condition}` finds them."
        );
        format!("{sign} {}\n", one_line(&line))
    }

    fn options_with(&self, filter: Option<String>) -> Vec<(&'static str, String)> {
        let select = (!self.set.key.is_empty()).then(|| self.columns().join(","));
        let filter = filter.map(|filter| ("$filter", filter));
        let select = select.map(|select| ("$select", select));
        filter.into_iter().chain(select).collect()
    }

    fn address_with(&self, options: &[(&str, String)]) -> String {
        let option = |(name, value): &(&str, String)| {
            format!("{name}={}", utf8_percent_encode(value, VALUE))
        };
        let options: Vec<String> = options.iter().map(option).collect();
        if options.is_empty() {
            return self.address();
        }
        format!("{}?{}", self.address(), options.join("&"))
    }

    /// Midnight (UTC) a week ago: a whole day, so that the same example is the same question all day long.
    pub(super) fn since(&self) -> Timestamp {
        let seconds = self.now.as_second() - WEEK_SECONDS;
        let midnight = seconds - seconds.rem_euclid(DAY_SECONDS);
        Timestamp::from_second(midnight).unwrap_or(self.now)
    }

    /// The query of a link to pages about the same.
    pub(super) fn choice(&self) -> String {
        choice(&self.site, &self.set.name)
    }
}

/// For a comment, which ends with its line.
pub(super) fn one_line(name: &str) -> String {
    name.replace(
        |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'),
        " ",
    )
}

/// The query of a link to pages about a set: `site=lab&set=Users`.
pub(super) fn choice(site: &SiteId, set: &str) -> String {
    form_urlencoded::Serializer::new(String::new())
        .append_pair("site", site.as_str())
        .append_pair("set", set)
        .finish()
}

const DAY_SECONDS: i64 = 24 * 60 * 60;
const WEEK_SECONDS: i64 = 7 * DAY_SECONDS;
/// RFC 3986 unreserved characters alone: safe in any shell's quotes.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// Those that have no meaning in a query, too; quotes stay encoded.
const VALUE: &AsciiSet = &SEGMENT.remove(b':').remove(b',');

#[cfg(test)]
mod tests {
    use super::super::tests::{always_dated, target, without_date};
    use super::*;

    #[test]
    fn examples_ask_for_a_week_of_whole_days() {
        for (now, expected) in [
            ("2026-11-22T14:37:00Z", "2026-11-15T00:00:00Z"),
            ("2026-11-22T00:00:00Z", "2026-11-15T00:00:00Z"),
            ("2026-11-22T23:59:59.9Z", "2026-11-15T00:00:00Z"),
        ] {
            let target = Target {
                now: now.parse().unwrap(),
                ..target()
            };
            assert_eq!(target.since().to_string(), expected, "{now}");
        }
    }

    #[test]
    fn rows_without_a_date_are_asked_for_where_there_may_be_some() {
        let root = "http://localhost:8484/monitorodata";
        let undated =
            format!("{root}/Sessions?$filter=StartDate%20eq%20null&$select=SessionKey,StartDate");
        for (target, query, comment) in [
            (
                target(),
                Some(undated),
                "# Rows without StartDate are not among these: the filter `StartDate eq null` finds them.\n",
            ),
            (always_dated(), None, ""),
            (without_date(), None, ""),
        ] {
            assert_eq!(target.undated_query(), query);
            assert_eq!(target.undated_comment("#"), comment);
        }
        let mut odd = target();
        odd.set.date.as_mut().unwrap().column = "A\nimport os\u{2028}".to_owned();
        assert_eq!(odd.undated_comment("#").lines().count(), 1);
    }

    #[test]
    fn what_is_not_known_is_not_asked() {
        let root = "http://localhost:8484/monitorodata";
        assert_eq!(
            target().query(),
            format!(
                "{root}/Sessions?$filter=StartDate%20ge%202026-11-15T00:00:00Z&$select=SessionKey,StartDate"
            )
        );
        assert_eq!(without_date().query(), format!("{root}/Users?$select=Id"));
        let mut unknown = without_date();
        unknown.set.key.clear();
        unknown.set.name = "Größen".to_owned();
        assert_eq!(unknown.query(), format!("{root}/Gr%C3%B6%C3%9Fen"));
        assert_eq!(unknown.choice(), "site=main&set=Gr%C3%B6%C3%9Fen");
    }
}
