//! What is stored, by entity set, and the buttons that have it forgotten or made anew.

use maud::{Markup, html};
use url::form_urlencoded::Serializer;

use super::words::{duration, shape, size, took};
use crate::admin::{StatesCount, Status, Stored, StoredSet};
use crate::gateway::{StoredState, grouped};
use crate::pages::address::Address;

/// All that is stored.
pub(super) fn sets(status: &Status, address: &Address) -> Markup {
    let cache = &status.cache;
    let names_sites = super::names_sites(status);
    html! {
        section id="home-sets" {
            div class="title" {
                h2 { "Stored answers" }
                @if cache.entries + cache.disk_entries > 0 {
                    (form(address, "purge", None, "Purge all", "Purge all stored answers"))
                }
            }
            @if cache.sets.is_empty() {
                p class="soft" { "Nothing is in memory. Answers to questions are kept here, and given again while they are fresh." }
            } @else {
                div class="scroll" tabindex="0" role="region" aria-label="Stored answers" {
                    table {
                        caption { (caption(status)) }
                        thead { tr {
                            th scope="col" { "Entity set" }
                            @if names_sites { th scope="col" { "Site" } }
                            th scope="col" class="number" { "Answers" }
                            th scope="col" class="number" { "Rows" }
                            th scope="col" class="number" { "Age" }
                            th scope="col" { "State" }
                            th scope="col" class="number" { "Size" }
                            th scope="col" class="number" { "Took" }
                            th scope="col" class="number" { "Hits" }
                            th scope="col" { "Actions" }
                        } }
                        tbody {
                            @for set in &cache.sets { (row(set, names_sites, address)) }
                        }
                    }
                }
            }
        }
    }
}

fn caption(status: &Status) -> Markup {
    let more = status
        .cache
        .sets_total
        .saturating_sub(status.cache.sets.len());
    html! {
        "Rows, of the largest answer. Age and time that Citrix Cloud took, of the youngest."
        @if more > 0 { " The sets that were used last; " (grouped(more as u64)) " more are stored." }
    }
}

fn row(set: &StoredSet, names_sites: bool, address: &Address) -> Markup {
    let name = set.set.as_deref();
    html! {
        tr id={ "set-" (set.site) "-" (name.unwrap_or("-")) } {
            th scope="row" {
                details {
                    summary { (name.unwrap_or("Service document, $metadata")) }
                    (answers(set, address))
                }
            }
            @if names_sites { td { (set.site) } }
            td class="number" { (grouped(set.answers.total as u64)) }
            td class="number" { (grouped(set.rows)) }
            td class="number" { (duration(set.age_seconds)) }
            td class="states" { (states(set)) }
            td class="number" { (size(set.bytes)) }
            td class="number" { (took(set.upstream_time.as_millis().try_into().unwrap_or(u64::MAX))) }
            td class="number" { (grouped(set.hits)) }
            td class="do" {
                @if let Some(name) = name {
                    @let of = format!("{name} of {}", set.site);
                    (form(address, "refresh", Some((&set.site, name)), "Refresh", &format!("Refresh {of}")))
                    (form(address, "purge", Some((&set.site, name)), "Purge", &format!("Purge {of}")))
                }
            }
        }
    }
}

/// The latest answers of a set.
fn answers(set: &StoredSet, address: &Address) -> Markup {
    let more = set.answers.total.saturating_sub(set.latest.len());
    html! {
        ul class="answers" {
            @for answer in &set.latest {
                li { (shape(&answer.shape)) br; (facts(answer)) }
            }
        }
        @if let (Some(name), true) = (&set.set, more > 0) {
            @let query = query(&set.site, name);
            a href=(address.link(&format!("/api/status?{query}"))) { (grouped(more as u64)) " more, as JSON" }
        }
    }
}

fn facts(answer: &Stored) -> Markup {
    html! {
        span class="soft" {
            (grouped(answer.rows)) " rows, " (size(answer.bytes)) ", " (duration(answer.age_seconds)) " old, "
            (grouped(answer.hits)) " hits"
            @if let Some(written) = &answer.representation { ", " (written) }
            @if let Some(rows) = answer.page_size { ", pages of " (rows) }
            "; "
        }
        (state(answer))
    }
}

/// The state of the only answer, or how many are in which.
fn states(set: &StoredSet) -> Markup {
    if let ([only], 1) = (&*set.latest, set.answers.total) {
        return state(only);
    }
    let StatesCount {
        fresh,
        refreshing,
        failed,
        stale,
        expired,
        ..
    } = set.answers;
    let counts = [
        (failed, Some("bad"), "failed"),
        (refreshing, None, "being refreshed"),
        (fresh, None, "fresh"),
        (stale, None, "stale"),
        (expired, Some("soft"), "expired"),
    ];
    let shown = counts.into_iter().filter(|(count, ..)| *count > 0);
    html! {
        @for (at, (count, class, word)) in shown.enumerate() {
            @if at > 0 { ", " }
            span class=[class] { (grouped(count as u64)) " " (word) }
        }
    }
}

fn state(answer: &Stored) -> Markup {
    let time = duration(answer.fresh_seconds.unsigned_abs());
    html! {
        @match (answer.state, &answer.failure) {
            (StoredState::Fresh, _) => { "fresh for " (time) },
            (StoredState::Refreshing, _) => "being refreshed",
            (StoredState::Failed, Some(failure)) => span class="bad" { "stale for " (time) ": " (failure) },
            (StoredState::Failed | StoredState::Stale, _) => { "stale for " (time) },
            (StoredState::Expired, _) => span class="soft" { "expired" },
        }
    }
}

/// A button that has something done, to all or to a set of a site; without a script, too.
fn form(
    address: &Address,
    action: &str,
    of: Option<(&str, &str)>,
    words: &str,
    label: &str,
) -> Markup {
    let query = of.map(|(site, set)| format!("?{}", query(site, set)));
    let path = format!("/api/cache/{action}{}", query.unwrap_or_default());
    html! {
        form method="post" action=(address.link(&path)) {
            button aria-label=(label) { (words) }
        }
    }
}

fn query(site: &str, set: &str) -> String {
    let mut query = Serializer::new(String::new());
    query.append_pair("site", site).append_pair("set", set);
    query.finish()
}
