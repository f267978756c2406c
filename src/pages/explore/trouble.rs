//! What went wrong, on a page.

use maud::{Markup, html};

use super::ask::Trouble;

/// An error as a client hears it.
pub(super) fn explained(trouble: &Trouble) -> Markup {
    html! {
        div class="card trouble" role="alert" {
            p { strong class="bad" { "Error " (trouble.status.as_u16()) " " (trouble.code) } }
            p { (trouble.message) }
            @if !trouble.request_id.is_empty() {
                p class="soft" { "In the log this is request " code { (trouble.request_id) } "." }
            }
        }
    }
}

/// What is wrong with a form.
pub(super) fn faults(faults: &[String]) -> Markup {
    html! {
        div class="card trouble" role="alert" {
            p { strong class="bad" { "Nothing was asked, because the form cannot be understood:" } }
            ul { @for fault in faults { li { (fault) } } }
        }
    }
}
