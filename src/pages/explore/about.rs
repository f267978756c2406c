//! What a set is: facts, columns, where its rows lead.

use maud::{Markup, html};

use super::knowledge::{Known, Labels, knowledge};
use super::place;
use super::trouble::prose;
use crate::odata::csdl::{Column, SetEntry};
use crate::odata::name::SiteId;
use crate::pages::address::Address;

/// What there is to know before one asks.
pub(super) fn facts(set: &SetEntry) -> Markup {
    let known = knowledge().set(&set.name);
    html! {
        @if let Some(known) = known { p class="lead" { (known.about) } }
        dl class="card facts" {
            dt { "Key" }
            dd { @if set.key.is_empty() { "none" } @else { code { (set.key.join(", ")) } } }
            @if let Some(known) = known {
                @if let Some(keeps) = &known.keeps { dt { "Rows are kept" } dd { (keeps) } }
                @if let Some(date) = &known.date {
                    @if set.column(date).is_some() { dt { "Filter by date with" } dd { code { (date) } } }
                }
                @if !known.indexed.is_empty() {
                    dt { "Fast to filter by" }
                    dd { code { (known.indexed.join(", ")) } }
                }
            }
            dt { "Type" }
            dd { code { (set.type_name) } }
        }
        @if let Some(notes) = known.map(|known| &known.notes).filter(|notes| !notes.is_empty()) {
            ul class="notes" aria-label="Notes" {
                @for note in notes {
                    li { (prose(&note.text)) " " span class="soft" { "(" (note.sure.words()) ")" } }
                }
            }
        }
    }
}

/// All columns.
pub(super) fn columns(set: &SetEntry) -> Markup {
    let known = knowledge().set(&set.name);
    html! {
        h2 id="columns" { "Columns" }
        div class="scroll" tabindex="0" role="region" aria-labelledby="columns" {
            table {
                caption { (set.columns.len()) " columns, as " code { "$metadata" } " has them. Names of numbers are Citrix's." }
                thead {
                    tr {
                        th scope="col" { "Column" }
                        th scope="col" { "Type" }
                        th scope="col" { "Can be null" }
                        th scope="col" { "Remarks" }
                    }
                }
                tbody { @for column in &set.columns { (line(set, column, known)) } }
            }
        }
    }
}

fn line(set: &SetEntry, column: &Column, known: Option<&Known>) -> Markup {
    let labels = knowledge().labels(&set.name, column);
    let is_key = set.key.contains(&column.name);
    let is_indexed = known.is_some_and(|known| known.indexed.contains(&column.name));
    let is_date = known.is_some_and(|known| known.date.as_ref() == Some(&column.name));
    let unit = known.and_then(|known| known.units.get(&column.name));
    html! {
        tr {
            th scope="row" { code { (column.name) } }
            td { code { (column.kind) } }
            td { @if column.nullable { "yes" } @else { "no" } }
            td {
                @if is_key { span class="mark" { "key" } " " }
                @if is_date { span class="mark" { "date to filter by" } " " }
                @if is_indexed { span class="mark" { "indexed" } " " }
                @if let Some(unit) = unit { span { "in " (unit) } }
                @if let Some(labels) = &labels { (names(labels)) }
            }
        }
    }
}

/// Numbers with their names; many of them folded away.
fn names(labels: &Labels) -> Markup {
    let list = html! {
        ul class="names" {
            @for (name, number) in &labels.members { li { code { (number) } " " (name) } }
        }
    };
    html! {
        details {
            summary { (labels.members.len()) " names of numbers (" (labels.sure.words()) ")" }
            (list)
        }
    }
}

/// Where rows lead.
pub(super) fn links(address: &Address, site: &SiteId, set: &SetEntry) -> Markup {
    html! {
        @if !set.links.is_empty() {
            h2 id="links" { "Related sets" }
            div class="scroll" tabindex="0" role="region" aria-labelledby="links" {
                table {
                    caption { "Navigation properties: what " code { "$expand" } " can add to a row." }
                    thead {
                        tr {
                            th scope="col" { "Property" }
                            th scope="col" { "Leads to" }
                            th scope="col" { "Rows" }
                        }
                    }
                    tbody {
                        @for link in &set.links {
                            tr {
                                th scope="row" { code { (link.name) } }
                                td {
                                    @match &link.set {
                                        Some(to) => a href=(place::of_set(address, site, to)) { (to) },
                                        None => code { (link.target) },
                                    }
                                }
                                td { @if link.collection { "many" } @else { "one or none" } }
                            }
                        }
                    }
                }
            }
        }
    }
}
