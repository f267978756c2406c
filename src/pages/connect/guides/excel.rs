//! Excel, which asks by Power Query.

use maud::{Markup, html};

use crate::pages::connect::parts::{note, sign_in, snippet};
use crate::pages::connect::target::Target;
use crate::pages::connect::texts::m;
use crate::pages::shell::copyable;

pub(super) fn steps(target: &Target) -> Markup {
    html! {
        h2 { "Steps" }
        ol class="steps" {
            li {
                p { b { "Data → Get Data → From Other Sources → From OData Feed" } ", and this address:" }
                (copyable("root", &target.root))
            }
            li { (sign_in(target.keys, "Anonymous", "Basic")) " Choose the address without a set's name as the level." }
            li {
                "Choose " b { (target.set.name) } ", then " b { "Transform Data" } ": filter by date"
                @if let Some(date) = target.date() { " (" (date) ")" }
                " and remove columns there. Both are sent along, so what you leave out is never fetched."
            }
            li { b { "Close & Load" } ". Later: " b { "Data → Refresh All" } "." }
        }
        (note(&html! {
            p {
                "A sheet holds 1,048,576 rows. Load larger tables by " b { "Close & Load To → Only Create Connection" } " and "
                b { "Add this data to the Data Model" } ", or filter first."
            }
            p {
                "The wizard called " b { "From OData Data Feed (Legacy)" } ", " code { ".odc" } " and " code { ".atomsvc" }
                " files speak OData 3 at most, and cannot read this service."
            }
        }))
        h2 { "The same as M" }
        p { "For " b { "Data → Get Data → From Other Sources → Blank Query" } ", then " b { "Advanced Editor" } "." }
        (snippet("m", &format!("All of {}", target.set.name), &m::table(target)))
    }
}
