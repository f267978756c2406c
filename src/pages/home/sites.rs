//! The sites: whether they can be reached, and what waits for them.

use jiff::Timestamp;
use maud::{Markup, html};

use super::head::path;
use super::health::Health;
use super::words::{ago, counted, duration};
use crate::admin::{Lane, Site, Status, Token};
use crate::pages::address::Address;
use crate::pages::shell::copyable;

/// All sites.
pub(super) fn sites(status: &Status, address: &Address) -> Markup {
    html! {
        section id="home-sites" {
            h2 { @if super::names_sites(status) { "Sites" } @else { "Connection to Citrix Cloud" } }
            div class="sites" {
                @for site in &status.sites { (card(site, address, status.now)) }
            }
        }
    }
}

fn card(site: &Site, address: &Address, now: Timestamp) -> Markup {
    let health = Health::of(site, now);
    let path = path(site);
    html! {
        article id={ "site-" (site.name) } class="card site" {
            h3 {
                (site.name) " "
                span class={ "state " (health.class()) } { (health.words()) }
            }
            @if let Token::Failed { explanation } = &site.token {
                p class="bad" { (explanation) }
            }
            @if let Some(remedy) = health.remedy() {
                p class="soft" { (remedy) }
            }
            @if !site.default {
                (copyable(&format!("address-{}", site.name), &address.absolute(&path)))
            }
            dl {
                dt { "Sign-in" }
                dd { (token(&site.token)) }
                dt { "Queries" }
                dd { (lane(&site.lane)) }
                @if !site.lane.waiting.is_empty() {
                    dt { "Next" }
                    dd { (next(&site.lane)) }
                }
                @if let Some(error) = &site.last_error {
                    dt { "Last error" }
                    dd { (ago(error.at, now)) ": " (error.message) }
                }
                dt { "Source" }
                dd { code { (site.endpoint) } }
                dt { "Look at" }
                dd {
                    a href=(address.link(&format!("/explore/{}", site.name))) { "Explore" } ", "
                    a href=(address.link(&path)) { "entity sets" } ", "
                    a href=(address.link(&format!("{path}/$metadata"))) { code { "$metadata" } }
                }
            }
        }
    }
}

fn token(token: &Token) -> Markup {
    html! {
        @match token {
            Token::None => "no token was needed yet",
            Token::Valid { remaining_seconds } => { "token for another " (duration(*remaining_seconds)) },
            Token::Failed { .. } => span class="bad" { "no token" },
        }
    }
}

fn lane(lane: &Lane) -> Markup {
    let more = lane.maximum > lane.level;
    html! {
        (lane.in_flight) " of " (lane.level) " under way"
        @if more { " (up to " (lane.maximum) " are allowed)" }
        ", " (lane.waiting.len()) " waiting"
        @if let Some(seconds) = lane.paused_seconds {
            "; " span class="warn" { "paused for another " (duration(seconds)) }
        }
    }
}

/// Those that wait at the front of the queue.
fn next(lane: &Lane) -> Markup {
    let more = lane.waiting.len().saturating_sub(NEXT_MAX);
    html! {
        ol class="queue" {
            @for waiting in lane.waiting.iter().take(NEXT_MAX) {
                li {
                    code { (waiting.what) } " "
                    span class="soft" { (waiting.class) ", for " (duration(waiting.seconds)) }
                }
            }
        }
        @if more > 0 { span class="soft" { "and " (counted(more, "other")) } }
    }
}

/// So many of those that wait are shown.
const NEXT_MAX: usize = 5;
