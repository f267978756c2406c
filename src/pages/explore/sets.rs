//! The page of a site's sets.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::knowledge::{Group, Known, knowledge};
use super::place;
use crate::odata::csdl::{Catalogue, SetEntry};
use crate::odata::name::SiteId;
use crate::pages::address::Address;

/// All sets whose names or descriptions hold `wanted`, by group.
pub(super) fn sets(
    address: &Address,
    site: &SiteId,
    catalogue: &Catalogue,
    wanted: &str,
) -> Markup {
    let mut groups: BTreeMap<Group, Vec<Line<'_>>> = BTreeMap::new();
    let mut found = 0;
    for set in catalogue.sets() {
        let known = knowledge().set(&set.name);
        if matches(wanted, &set.name, known) {
            let group = known.map_or(Group::Other, |known| known.group);
            groups.entry(group).or_default().push((set, known));
            found += 1;
        }
    }
    html! {
        p class="lead" {
            "Everything that the site " strong { (site) } " offers, as Citrix Cloud's " code { "$metadata" } " says. Choose an entity set to see its \
             columns, look at some rows, and take the query along to your own program."
        }
        form class="search" role="search" action=(place::of_site(address, site)) method="get" {
            label for="q" { "Search sets" }
            input id="q" name="q" type="search" value=(wanted) autocomplete="off" spellcheck="false";
            button type="submit" { "Search" }
            span class="soft" id="found" role="status" { (sets_in_words(found)) }
        }
        @for (group, sets) in &groups {
            section class="group" {
                h2 { (group.title()) }
                div class="scroll" tabindex="0" role="region" aria-label=(group.title()) {
                    table {
                        caption class="unseen" { "Entity sets: " (group.title()) }
                        thead {
                            tr {
                                th scope="col" { "Entity set" }
                                th scope="col" { "What a row is" }
                                th scope="col" { "Kept" }
                                th scope="col" class="number" { "Columns" }
                                th scope="col" { "Notes" }
                            }
                        }
                        tbody {
                            @for (set, known) in sets { (line(address, site, set, *known)) }
                        }
                    }
                }
            }
        }
        @if groups.is_empty() {
            p { "No set matches " q { (wanted) } ". " a href=(place::of_site(address, site)) { "Show all" } "." }
        }
        p class="soft" {
            "How long rows are kept is as Citrix documents it, mostly for its own default settings; it differs by licence. Sets that the \
             administrator hides (" code { "sets.deny" } ") are not listed."
        }
    }
}

/// A set, and what is known of it.
type Line<'a> = (&'a SetEntry, Option<&'a Known>);

fn line(address: &Address, site: &SiteId, set: &SetEntry, known: Option<&Known>) -> Markup {
    let notes = known.map_or(0, |known| known.notes.len());
    html! {
        tr data-words={ (set.name) " " (known.map_or("", |known| known.about.as_str())) } {
            th scope="row" { a href=(place::of_set(address, site, &set.name)) { (set.name) } }
            td { @if let Some(known) = known { (known.about) } }
            td class="soft" { @if let Some(keeps) = known.and_then(|known| known.keeps.as_deref()) { (keeps) } }
            td class="number" { (set.columns.len()) }
            td {
                @match notes {
                    0 => {}
                    1 => span class="mark" { "1 note" },
                    n => span class="mark" { (n) " notes" },
                }
            }
        }
    }
}

fn matches(wanted: &str, name: &str, known: Option<&Known>) -> bool {
    let about = known.map_or("", |known| known.about.as_str());
    let text = format!("{name} {about}").to_lowercase();
    let mut words = wanted.split_whitespace();
    words.all(|word| text.contains(&word.to_lowercase()))
}

fn sets_in_words(found: usize) -> String {
    match found {
        1 => "1 set".to_owned(),
        n => format!("{n} sets"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_found_by_name_and_by_description() {
        let sessions = knowledge().set("Sessions");
        for (wanted, expected) in [
            ("", true),
            ("sess", true),
            ("SESS user", true),
            ("sessions machine", false),
            ("catalogue", false),
        ] {
            assert_eq!(matches(wanted, "Sessions", sessions), expected, "{wanted}");
        }
        assert!(matches("new", "NewSet", None));
    }
}
