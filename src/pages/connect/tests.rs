//! Targets for tests, and pages as a whole.

use http::{HeaderMap, Uri};

use super::guides;
use super::picker::{Choices, Picker};
use super::programs::Program;
use super::target::Target;
use crate::gateway::{OfferedDate, OfferedSet};
use crate::odata::name::SiteId;
use crate::pages::address::Address;

/// `Sessions` of the site `main`, in the afternoon of 22 November 2026.
pub(super) fn target() -> Target {
    Target {
        site: SiteId::new("main").unwrap(),
        is_default: true,
        root: "http://localhost:8484/monitorodata".to_owned(),
        set: OfferedSet {
            name: "Sessions".to_owned(),
            key: vec!["SessionKey".to_owned()],
            date: Some(OfferedDate {
                column: "StartDate".to_owned(),
                nullable: true,
            }),
        },
        keys: false,
        now: "2026-11-22T14:37:00Z".parse().unwrap(),
    }
}

/// The same where clients have to present an access key.
pub(super) fn with_keys() -> Target {
    Target {
        keys: true,
        ..target()
    }
}

/// `LoadIndexes`, whose rows all have a date.
pub(super) fn always_dated() -> Target {
    Target {
        set: OfferedSet {
            name: "LoadIndexes".to_owned(),
            key: vec!["Id".to_owned()],
            date: Some(OfferedDate {
                column: "CreatedDate".to_owned(),
                nullable: false,
            }),
        },
        ..target()
    }
}

/// `Users`, which has no indexed date.
pub(super) fn without_date() -> Target {
    Target {
        set: OfferedSet {
            name: "Users".to_owned(),
            key: vec!["Id".to_owned()],
            date: None,
        },
        ..target()
    }
}

/// The address that the targets have.
pub(super) fn address() -> Address {
    let uri = Uri::from_static("http://localhost:8484/connect");
    Address::of(None, &uri, &HeaderMap::new())
}

fn page(program: Program, target: &Target) -> String {
    let picker = Picker {
        sites: vec![target.site.clone()],
        sets: Choices::Known(vec![target.set.name.clone()]),
    };
    guides::content(program, &address(), &picker, target).into_string()
}

/// What stands between `open` and `close`, each time.
fn between<'a>(text: &'a str, open: &str, close: &str) -> Vec<&'a str> {
    let rest = text.split(open).skip(1);
    rest.map(|rest| rest.split(close).next().unwrap()).collect()
}

/// The headings, by depth, and the texts to copy, by id.
fn outline(page: &str) -> String {
    let mut lines = Vec::new();
    for piece in page.split('<') {
        let (tag, text) = piece.split_once('>').unwrap_or((piece, ""));
        match tag {
            "h1" => lines.push(text.to_owned()),
            "h2" => lines.push(format!("  {text}")),
            "h3" => lines.push(format!("    {text}")),
            _ => {
                let id = tag.strip_prefix("pre id=\"");
                lines.extend(id.map(|id| format!("      #{}", id.split('"').next().unwrap())));
            }
        }
    }
    lines.join("\n")
}

#[test]
fn every_page_has_its_parts() {
    let outlines = Program::ALL.map(|program| outline(&page(program, &target())));
    insta::assert_snapshot!(outlines.join("\n"), @"
    Power BI Desktop
      The short way
          #root
      The same as M
        All of Sessions
          #m
      Make it small
      Incremental refresh
        RangeStart
          #range-start
        RangeEnd
          #range-end
        Sessions by StartDate
          #incremental
        Rows without a date
        Sessions without StartDate
          #undated
        When a step is not sent along
        Sessions by StartDate, filter written out
          #explicit
    Power BI service
      On the gateway's machine
          #test
      In the Power BI service
          #root
      Scheduled refresh
        Half an hour before a refresh at six
          #warm
    Excel
      Steps
          #root
      The same as M
        All of Sessions
          #m
    Tableau
      Steps
          #set
          #root
    Grafana
      Steps
        citrix.yaml
          #source
        Sessions in the dashboard's time range
          #query
    PowerShell
      All at once
        Sessions into a CSV file
          #whole
      Page by page
        Sessions in pages of 5000 rows
          #paged
    Python
      All at once
        Sessions as a data frame
          #whole
      Page by page
        Sessions in pages of 5000 rows
          #paged
    ");
}

#[test]
fn ids_are_used_once_and_each_button_has_its_text() {
    for target in [target(), with_keys(), always_dated(), without_date()] {
        for program in Program::ALL {
            let page = page(program, &target);
            let mut ids = between(&page, " id=\"", "\"");
            let mut buttons = between(&page, " data-copy=\"", "\"");
            assert!(!buttons.is_empty(), "{program:?}");
            ids.sort_unstable();
            buttons.sort_unstable();
            assert_eq!(ids, buttons, "{program:?}");
            ids.dedup();
            assert_eq!(ids.len(), buttons.len(), "{program:?}");
        }
    }
}

#[test]
fn keys_are_spoken_of_where_they_are_wanted_alone() {
    for program in Program::ALL {
        let (without, with) = (page(program, &target()), page(program, &with_keys()));
        assert!(
            !without.to_lowercase().contains("access key"),
            "{program:?}"
        );
        assert!(with.to_lowercase().contains("key"), "{program:?}");
    }
}

#[test]
fn rows_without_a_date_are_spoken_of_where_there_may_be_some() {
    for program in Program::ALL {
        let cuts_by_date = matches!(
            program,
            Program::PowerBi | Program::Grafana | Program::PowerShell | Program::Python
        );
        let says = |target: &Target| page(program, target).contains("Rows without ");
        assert_eq!(says(&target()), cuts_by_date, "{program:?}");
        assert!(!says(&always_dated()), "{program:?}");
        assert!(!says(&without_date()), "{program:?}");
    }
}

#[test]
fn names_of_sets_stay_text() {
    let mut odd = target();
    odd.set.name = "<script>x</script>".to_owned();
    odd.set.date.as_mut().unwrap().column = "\"><u>".to_owned();
    odd.set.key = vec!["</pre><b>".to_owned()];
    for program in Program::ALL {
        let page = page(program, &odd);
        for tag in ["<script", "<u>", "</pre><b>", " style=", " onclick="] {
            assert!(!page.contains(tag), "{program:?}: {tag}");
        }
    }
}
