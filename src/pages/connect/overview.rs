//! The page at `/connect`: the address, and a card for each program.

use maud::{Markup, html};

use super::parts::{site_file, snippet};
use super::picker::Picker;
use super::programs::Program;
use super::target::Target;
use super::texts::curl;
use crate::pages::address::Address;
use crate::pages::shell::copyable;

/// What is in its `<main>`.
pub(super) fn content(address: &Address, picker: &Picker, target: &Target) -> Markup {
    html! {
        section class="connect" {
            h1 { "Connect" }
            p class="lead" {
                "Every program below takes the same address, "
                @if target.keys { "with an access key." } @else { "without signing in." }
            }
            (picker.form(address, "/connect", target))
            div class="address" {
                h2 { "Address of the service" }
                (copyable("root", &target.root))
                p {
                    a class="button main" href=(site_file(address, target)) download { "Open in Power BI Desktop" }
                    span class="soft" { " a connection file (" code { ".pbids" } ") for all sets of " (target.site) }
                }
            }
            h2 { "Programs" }
            ul class="programs" {
                @for program in Program::ALL {
                    li class="card" {
                        h3 {
                            a href=(address.link(&format!("{}?{}", program.path(), target.choice()))) { (program.name()) }
                        }
                        p { (program.strength()) }
                    }
                }
            }
            h2 { "Anything else" }
            p {
                "What speaks OData 4 takes the address above. What only reads JSON over HTTP takes the address of a set: "
                "the rows are in the member " code { "value" } ", all of them in one answer."
            }
            (copyable("set", &target.address()))
            (snippet("curl", "Try it in a terminal", &curl::first_rows(target)))
        }
    }
}
