//! What went wrong, on a page.

use maud::{Markup, html};

use super::ask::Trouble;

/// An error as a client hears it.
pub(super) fn explained(trouble: &Trouble) -> Markup {
    html! {
        div class="card trouble" role="alert" {
            p { strong class="bad" { "Error " (trouble.status.as_u16()) " " (trouble.code) } }
            p { (prose(&trouble.message)) }
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
            ul { @for fault in faults { li { (prose(fault)) } } }
        }
    }
}

/// A text in which backticks stand around what is code.
pub(super) fn prose(text: &str) -> Markup {
    let pieces: Vec<&str> = text.split('`').collect();
    // One that has no partner is a character like any other.
    let paired = pieces.len() % 2 == 1;
    html! {
        @if paired {
            @for (index, piece) in pieces.iter().enumerate() {
                @if index % 2 == 1 { code { (piece) } } @else { (piece) }
            }
        } @else { (text) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_marked_and_all_else_is_text() {
        for (text, expected) in [
            ("plain", "plain"),
            (
                "`A` and `<b>`.",
                "<code>A</code> and <code>&lt;b&gt;</code>.",
            ),
            ("one ` alone <b>", "one ` alone &lt;b&gt;"),
        ] {
            assert_eq!(prose(text).into_string(), expected);
        }
    }
}
