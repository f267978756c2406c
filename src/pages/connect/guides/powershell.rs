//! PowerShell, for exports and checks.

use maud::{Markup, html};

use crate::pages::connect::parts::{note, snippet, undated};
use crate::pages::connect::target::Target;
use crate::pages::connect::texts::powershell;

pub(super) fn steps(target: &Target) -> Markup {
    html! {
        p class="lead" { "For Windows PowerShell 5.1 and PowerShell 7 alike; nothing has to be installed." }
        h2 { "All at once" }
        p { "One answer has all rows, however many pages Citrix Cloud cut them into." }
        (snippet("whole", &format!("{} into a CSV file", target.set.name), &powershell::whole(target)))
        h2 { "Page by page" }
        p {
            "For large tables: memory holds one page. Windows PowerShell 5.1 may hand back a large answer as one text in place of "
            "objects; pages avoid that, too."
        }
        (snippet("paged", &format!("{} in pages of 5000 rows", target.set.name), &powershell::paged(target)))
        (note(&html! {
            p {
                "Keep single quotes around addresses: " code { "$filter" } " in double quotes would be a variable. A quote within a "
                "filter's text is written " code { "%27" } ", a blank " code { "%20" } "."
            }
            p { "An answer that cannot be completed is an error, and the script stops there: it never ends short and looks finished. Rows are collected in a file called " code { (target.set.name) ".csv.part" } "; the last good one stays until the new one is whole." }
            (undated(target))
            @if target.keys {
                p { "The file with the key should be readable by the account of the script alone." }
            }
        }))
    }
}
