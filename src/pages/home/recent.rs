//! The latest requests.

use jiff::Timestamp;
use maud::{Markup, html};

use super::words::{ago, shape, size, took};
use crate::admin::{Ended, Recent, Status};
use crate::gateway::grouped;

/// The latest of them; the JSON has more.
pub(super) fn recent(status: &Status) -> Markup {
    let names_sites = super::names_sites(status);
    html! {
        section id="home-recent" {
            h2 { "Latest requests" }
            @if status.recent.is_empty() {
                p class="soft" { "Nobody has asked anything yet." }
            } @else {
                div class="scroll" tabindex="0" role="region" aria-label="Latest requests" {
                    table {
                        caption { "Questions without their values. What this page itself asks is left out." }
                        thead { tr {
                            th scope="col" { "When" }
                            th scope="col" { "Request" }
                            @if names_sites { th scope="col" { "Site" } }
                            th scope="col" class="number" { "Status" }
                            th scope="col" { "Answer" }
                            th scope="col" class="number" { "Rows" }
                            th scope="col" class="number" { "Size" }
                            th scope="col" class="number" { "Time" }
                            th scope="col" { "End" }
                        } }
                        tbody {
                            @for request in status.recent.iter().take(SHOWN_MAX) {
                                (row(request, names_sites, status.now))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn row(request: &Recent, names_sites: bool, now: Timestamp) -> Markup {
    let cut = request.ended == Ended::Cut;
    html! {
        tr id={ "request-" (request.number) } class=[cut.then_some("cut")] {
            td class="when" { (ago(request.at, now)) }
            td class="request" {
                @if request.method != "GET" { (request.method) " " }
                @match &request.shape {
                    Some(text) => (shape(text)),
                    None => span class="soft" { "another path" },
                }
                @if let Some(error) = &request.error {
                    br; span class=(if cut { "bad" } else { "soft" }) { (error) }
                }
            }
            @if names_sites { td { (request.site.as_deref().unwrap_or("–")) } }
            td class="number" {
                @match request.status {
                    Some(status) => (status),
                    None => "–",
                }
            }
            td { (request.outcome.unwrap_or("–")) }
            td class="number" { (grouped(request.rows)) }
            td class="number" { (size(request.bytes)) }
            td class="number" { (took(request.milliseconds)) }
            td {
                @match request.ended {
                    Ended::Complete => "complete",
                    Ended::Cut => b class="bad" { "cut" },
                    Ended::ClientGone => span class="soft" { "client left" },
                }
            }
        }
    }
}

/// So many are shown.
const SHOWN_MAX: usize = 20;
