//! What is known of Citrix's entity sets that `$metadata` does not say: what they are for, how long rows are kept, what is indexed,
//! which numbers mean what.
//!
//! It adds to `$metadata`, and never overrules it: what the service does not have is not shown. Each remark says how sure it is.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::odata::csdl::Column;

/// All that is known.
pub(super) fn knowledge() -> &'static Knowledge {
    &KNOWLEDGE
}

/// What is known of a service.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Knowledge {
    sets: BTreeMap<String, Known>,
    enums: BTreeMap<String, Enumeration>,
}

/// What is known of an entity set.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Known {
    /// Where it belongs.
    pub group: Group,
    /// A sentence.
    pub about: String,
    /// How long its rows are kept: on premises, where nothing else is said.
    pub keeps: Option<String>,
    /// The column to filter by for a span of time: the one that the gateway reads by, where it has one.
    pub date: Option<String>,
    /// Columns that Citrix says are indexed.
    #[serde(default)]
    pub indexed: Vec<String>,
    /// Columns that hold numbers of an enumeration, and which.
    #[serde(default)]
    enums: BTreeMap<String, String>,
    /// Units of columns whose names do not say them.
    #[serde(default)]
    pub units: BTreeMap<String, String>,
    /// What one should know before one uses it.
    #[serde(default)]
    pub notes: Vec<Note>,
}

/// A remark.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Note {
    /// A sentence or two.
    pub text: String,
    /// How sure it is.
    pub sure: Sure,
}

/// How sure a fact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Sure {
    /// By Citrix.
    Documented,
    /// Told by people and programs that use the service.
    Seen,
    /// Follows from the others.
    Inferred,
}

/// Where a set belongs. In the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Group {
    Sessions,
    Users,
    Machines,
    Applications,
    Failures,
    Load,
    Summaries,
    Cost,
    Probes,
    Alerts,
    Access,
    Service,
    /// Not known.
    Other,
}

impl Group {
    /// Its heading.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Sessions => "Sessions and connections",
            Self::Users => "Users",
            Self::Machines => "Machines and delivery",
            Self::Applications => "Applications",
            Self::Failures => "Failures",
            Self::Load => "Load and performance",
            Self::Summaries => "Summaries",
            Self::Cost => "Cost and Autoscale",
            Self::Probes => "Probes",
            Self::Alerts => "Alerts",
            Self::Access => "Secure Private Access",
            Self::Service => "The service itself",
            Self::Other => "Other",
        }
    }
}

impl Sure {
    /// In words, behind a remark.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Documented => "documented by Citrix",
            Self::Seen => "seen by users",
            Self::Inferred => "inferred",
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Enumeration {
    sure: Sure,
    members: BTreeMap<String, i64>,
}

/// The names of a column's numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Labels {
    /// In order of the numbers.
    pub members: Vec<(String, i64)>,
    /// How sure they are.
    pub sure: Sure,
    /// Whether the column's own type is the enumeration, so that literals carry its name.
    pub typed: bool,
}

impl Labels {
    /// The name of a number.
    pub(super) fn name(&self, number: i64) -> Option<&str> {
        let mut members = self.members.iter();
        members
            .find(|(_, n)| *n == number)
            .map(|(name, _)| name.as_str())
    }

    /// The number of a name, whatever its case.
    pub(super) fn number(&self, name: &str) -> Option<i64> {
        let mut members = self.members.iter();
        let named = members.find(|(other, _)| other.eq_ignore_ascii_case(name));
        named.map(|(_, number)| *number)
    }
}

impl Knowledge {
    /// What is known of a set.
    pub(super) fn set(&self, name: &str) -> Option<&Known> {
        self.sets.get(name)
    }

    /// The names of a column's numbers: as `$metadata` has them, else as Citrix documents them.
    pub(super) fn labels(&self, set: &str, column: &Column) -> Option<Labels> {
        if !column.members.is_empty() {
            return Some(Labels {
                members: column.members.clone(),
                sure: Sure::Documented,
                typed: true,
            });
        }
        if !column.kind.starts_with("Edm.Int") && column.kind != "Edm.Byte" {
            return None;
        }
        let name = self.set(set)?.enums.get(&column.name)?;
        let known = self.enums.get(name)?;
        let mut members: Vec<(String, i64)> = known
            .members
            .iter()
            .map(|(name, number)| (name.clone(), *number))
            .collect();
        members.sort_by_key(|(_, number)| *number);
        Some(Labels {
            members,
            sure: known.sure,
            typed: false,
        })
    }
}

/// A file that cannot be read is one that says nothing; a test sees to it that it can.
static KNOWLEDGE: LazyLock<Knowledge> =
    LazyLock::new(|| serde_json::from_str(include_str!("knowledge.json")).unwrap_or_default());

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use bytes::Bytes;
    use http::Request;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;
    use crate::demo::{Knobs, Simulator};
    use crate::gateway::RangeRules;
    use crate::odata::csdl::Catalogue;

    #[test]
    fn the_file_is_well_formed() {
        let read: Knowledge = serde_json::from_str(include_str!("knowledge.json")).unwrap();
        assert!(read.sets.len() > 70, "{}", read.sets.len());
        for (name, known) in &read.sets {
            assert!(known.about.ends_with('.'), "{name}");
            for note in &known.notes {
                assert!(note.text.ends_with('.'), "{name}: {}", note.text);
            }
            for (column, enumeration) in &known.enums {
                assert!(read.enums.contains_key(enumeration), "{name}.{column}");
            }
        }
        for (name, known) in &read.enums {
            assert!(!known.members.is_empty(), "{name}");
            let mut numbers: Vec<i64> = known.members.values().copied().collect();
            numbers.sort_unstable();
            numbers.dedup();
            assert_eq!(numbers.len(), known.members.len(), "{name} counts twice");
        }
    }

    /// What `/connect` recommends, and what long scans go by. Where the gateway has no date, because none is indexed that stays
    /// as it is, one for a first look may still be known.
    #[test]
    fn dates_to_filter_by_are_those_of_the_gateway() {
        let rules = RangeRules::none();
        let mut compared = 0;
        for (name, known) in &knowledge().sets {
            let date = known.date.as_deref();
            if let Some(expected) = rules.date(name) {
                assert_eq!(date, Some(expected), "{name}");
                assert!(
                    known.indexed.iter().any(|column| column == expected),
                    "{name}"
                );
                compared += 1;
            } else if let Some(date) = date {
                let is_indexed = known.indexed.iter().any(|column| column == date);
                assert!(
                    !is_indexed || date.ends_with("ModifiedDate"),
                    "{name}: {date}"
                );
            }
        }
        assert!(compared > 30, "{compared}");
    }

    /// What the demo says of itself.
    async fn demo_metadata() -> Bytes {
        let clock = crate::clock::SystemClock::shared();
        let demo = Simulator::new(Knobs::default(), clock).router();
        let form = "grant_type=client_credentials&client_id=demo-client&client_secret=demo-secret";
        let token = Request::post("/cctrustoauth2/root/tokens/clients").body(Body::from(form));
        let token = demo.clone().oneshot(token.unwrap()).await.unwrap();
        let token = token.into_body().collect().await.unwrap().to_bytes();
        let token: serde_json::Value = serde_json::from_slice(&token).unwrap();
        let bearer = token["access_token"].as_str().unwrap();
        let request = Request::get("/monitorodata/$metadata")
            .header("authorization", format!("CwsAuth Bearer={bearer}"))
            .header("citrix-customerid", "nordhafen")
            .header("user-agent", "test")
            .body(Body::empty());
        let response = demo.oneshot(request.unwrap()).await.unwrap();
        assert_eq!(response.status(), 200);
        response.into_body().collect().await.unwrap().to_bytes()
    }

    /// The demo's model comes from the same documents, and neither knows the other.
    #[tokio::test(start_paused = true)]
    async fn it_speaks_of_columns_that_there_are() {
        let catalogue = Catalogue::read(&demo_metadata().await).unwrap();
        let mut known_sets = 0;
        for set in catalogue.sets() {
            let known = knowledge().set(&set.name);
            let known = known.unwrap_or_else(|| panic!("{} is not known", set.name));
            known_sets += 1;
            let date = known.date.iter();
            let named = date
                .chain(&known.indexed)
                .chain(known.enums.keys())
                .chain(known.units.keys());
            for name in named {
                assert!(set.column(name).is_some(), "{} has no {name}", set.name);
            }
            if let Some(date) = known.date.as_deref().and_then(|name| set.column(name)) {
                assert_eq!(date.kind, "Edm.DateTimeOffset", "{}", set.name);
            }
            for column in known.enums.keys().filter_map(|name| set.column(name)) {
                assert!(
                    knowledge().labels(&set.name, column).is_some(),
                    "{}.{}",
                    set.name,
                    column.name
                );
            }
        }
        assert!(known_sets > 60, "{known_sets}");
    }
}
