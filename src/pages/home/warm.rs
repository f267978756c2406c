//! Questions that are asked by schedule.

use jiff::Timestamp;
use maud::{Markup, html};

use super::words::{ago, duration, shape, until};
use crate::admin::{Last, Status, Warm};
use crate::gateway::grouped;

/// All of them; nothing when there are none.
pub(super) fn warm(status: &Status) -> Markup {
    let names_sites = super::names_sites(status);
    html! {
        section id="home-warm" {
            @if !status.warm.is_empty() {
                h2 { "Asked in advance" }
                div class="scroll" tabindex="0" role="region" aria-label="Asked in advance" {
                    table {
                        caption { "Questions of the settings, without their values." }
                        thead { tr {
                            th scope="col" { "Question" }
                            @if names_sites { th scope="col" { "Site" } }
                            th scope="col" { "Next" }
                            th scope="col" { "Last" }
                            th scope="col" { "Result" }
                        } }
                        tbody {
                            @for question in &status.warm { (row(question, names_sites, status.now)) }
                        }
                    }
                }
            }
        }
    }
}

fn row(warm: &Warm, names_sites: bool, now: Timestamp) -> Markup {
    html! {
        tr {
            td { (shape(&warm.shape)) }
            @if names_sites { td { (warm.site) } }
            td {
                @match (warm.next, warm.running) {
                    (_, true) => "being asked now",
                    (Some(next), false) => (until(next, now)),
                    (None, false) => "not asked again",
                }
            }
            @match &warm.last {
                Some(last) => {
                    td { (ago(last.at, now)) }
                    td { (outcome(last)) }
                },
                None => {
                    td { "–" }
                    td { "–" }
                },
            }
        }
    }
}

fn outcome(last: &Last) -> Markup {
    let rows = grouped(last.rows.unwrap_or_default());
    let time = duration(last.seconds);
    html! {
        @match (last.result, &last.error) {
            (_, Some(error)) => { span class="bad" { (error) } ", after " (time) },
            ("stored", _) => { (rows) " rows in " (time) },
            ("not_kept", _) => span class="bad" { (rows) " rows in " (time) ", and not kept" },
            _ => "it was being made already",
        }
    }
}
