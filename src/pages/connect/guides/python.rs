//! Python with pandas, for analysis.

use maud::{Markup, html};

use crate::pages::connect::parts::{note, snippet, undated};
use crate::pages::connect::target::Target;
use crate::pages::connect::texts::python;

pub(super) fn steps(target: &Target) -> Markup {
    html! {
        h2 { "All at once" }
        p { "One answer has all rows, however many pages Citrix Cloud cut them into." }
        (snippet("whole", &format!("{} as a data frame", target.set.name), &python::whole(target)))
        h2 { "Page by page" }
        p { "For large tables: memory holds one page." }
        (snippet("paged", &format!("{} in pages of 5000 rows", target.set.name), &python::paged(target)))
        (note(&html! {
            p {
                "An answer that cannot be completed ends the script, here or while it is read: it never ends short and looks finished."
            }
            p { "A table that is not stored yet begins to come at once, and may take minutes to end; " code { "timeout" } " counts silence only." }
            (undated(target))
            @if target.keys {
                p { "The access key is in the variable " code { "CITRIX_ACCESS_KEY" } " of the environment, not in the script." }
            }
        }))
    }
}
