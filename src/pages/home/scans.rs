//! Collections that are being read.

use maud::{Markup, html};

use super::words::{counted, duration, shape};
use crate::admin::Scan;

/// Those that run; nothing when there are none.
pub(super) fn scans(scans: &[Scan]) -> Markup {
    html! {
        section id="home-scans" {
            @if !scans.is_empty() {
                h2 { "Running scans" }
                ul class="card scans" {
                    @for scan in scans { (item(scan)) }
                }
            }
        }
    }
}

fn item(scan: &Scan) -> Markup {
    // A bar without a value is one without an end that is known.
    let value = scan.expected_rows.map(|_| scan.rows);
    let max = scan.expected_rows.map(|expected| expected.max(1));
    html! {
        li {
            div class="what" {
                b { (scan.set) } " of " (scan.site)
                span class="soft" { "for " (duration(scan.seconds)) ", " (counted(scan.clients, "client")) }
            }
            progress value=[value] max=[max] aria-label={ "Rows of " (scan.set) " of " (scan.site) } {}
            div { (scan.words) }
            div class="soft" { (shape(&scan.shape)) }
        }
    }
}
