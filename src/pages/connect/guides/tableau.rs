//! Tableau, which loads whole tables.

use maud::{Markup, html};

use crate::pages::connect::parts::{is_local, note};
use crate::pages::connect::target::Target;
use crate::pages::shell::copyable;

pub(super) fn steps(target: &Target) -> Markup {
    html! {
        h2 { "Steps" }
        ol class="steps" {
            li {
                p { "Under " b { "Connect → To a Server → More…" } " choose " b { "OData" } ". The server is the address of one set:" }
                (copyable("set", &target.address()))
                p { "or, to choose among all sets:" }
                (copyable("root", &target.root))
            }
            li {
                "Authentication: "
                @if target.keys {
                    b { "Username and Password" } "; any user name will do, the password is the access key."
                } @else {
                    b { "No Authentication" } "."
                }
                " Then " b { "Sign In" } "."
            }
            li { "Open a sheet: Tableau loads the table into an extract. Later: " b { "Data → Refresh All Extracts" } "." }
        }
        (note(&html! {
            p {
                b { "Extracts only." } " Tableau asks for whole tables and filters afterwards, so a large set is loaded in full each time. "
                "Summaries and inventory are small; sessions of months are not. A whole table that is stored here is given at once: have "
                "it asked in advance by a section " code { "[[warm]]" } " of the settings."
            }
            p { "Columns that hold lists come out empty. Join tables in Tableau by their keys instead." }
            @if is_local(target) {
                p {
                    "Tableau Server refreshes a published extract on its own machine. This address means that machine then: the proxy has "
                    "to run there, too."
                }
            }
        }))
    }
}
