//! Power BI Desktop, with incremental refresh.

use maud::{Markup, html};

use crate::pages::address::Address;
use crate::pages::connect::parts::{note, set_file, sign_in, site_file, snippet};
use crate::pages::connect::programs::Program;
use crate::pages::connect::target::Target;
use crate::pages::connect::texts::m;
use crate::pages::shell::copyable;

pub(super) fn steps(address: &Address, target: &Target) -> Markup {
    let set = &target.set.name;
    html! {
        h2 { "The short way" }
        ol class="steps" {
            li {
                a class="button main" href=(site_file(address, target)) download { "Download the connection file" }
                " and open it. It is for all sets; "
                a href=(set_file(address, target)) download { "another one" } " is for " (set) " alone."
            }
            li { (sign_in(target.keys, "Anonymous", "Basic")) " Choose the address without a set's name as the level." }
            li {
                "Tick the tables in the navigator, then choose " b { "Transform data" } " rather than " b { "Load" }
                ": what you leave out there is never fetched."
            }
        }
        p { "By hand: " b { "Get data → OData feed" } ", this address, OK." }
        (copyable("root", &target.root))
        (note(&html! {
            p {
                "Stay with one spelling of the address in all reports. Power BI takes " code { "localhost" } ", "
                code { "127.0.0.1" } " and the machine's name for different sources, and asks again for each."
            }
            @if target.keys {
                p {
                    "Where Basic is not possible, choose " b { "Web API" } " and add " code { "ApiKeyName = \"key\"" }
                    " to the options of " code { "OData.Feed" } ". The key itself stays out of the report in both cases."
                }
            }
        }))
        h2 { "The same as M" }
        p {
            "For the advanced editor of a blank query. " code { "Implementation = \"2.0\"" }
            " chooses the newer reader, which sends more of your steps along."
        }
        (snippet("m", &format!("All of {set}"), &m::table(target)))
        (make_it_small(target))
        (incremental(target))
        p {
            "Next: let the " a href=(address.link(&format!("{}?{}", Program::PowerBiGateway.path(), target.choice()))) {
                "Power BI service refresh it"
            } "."
        }
    }
}

fn make_it_small(target: &Target) -> Markup {
    html! {
        h2 { "Make it small" }
        p { "Each page of a table is one query at Citrix Cloud, one after the other. What is not asked for costs nothing." }
        ul {
            @if let Some(date) = target.date() {
                li { b { "Filter by " (date) " first." } " It is the date of " (target.set.name) " that Citrix lists as indexed." }
            }
            li {
                b { "Choose columns" } " before any step that is not sent along. Filters, chosen columns, sorting and "
                i { "Keep top rows" } " are; counting and grouping are done by Power BI."
            }
            li { b { "Do not expand" } " columns that hold tables. Load both tables and relate them in the model." }
            li {
                "Leave out " code { "OmitValues" } " and " code { "EnableBatch" }
                ". Empty values are always sent, compressed they cost next to nothing."
            }
        }
    }
}

fn incremental(target: &Target) -> Markup {
    let set = &target.set.name;
    let Some(date) = target.date() else {
        return html! {
            h2 { "Incremental refresh" }
            p {
                (set) " has no date that Citrix lists as indexed and that stays as it is. Load it whole: it is stored here, and a "
                "second refresh costs Citrix Cloud nothing."
            }
        };
    };
    html! {
        h2 { "Incremental refresh" }
        p {
            "Citrix Cloud removes old rows. With incremental refresh Power BI asks for the latest days only and keeps what it has, so "
            "the report remembers more than Citrix Cloud does."
        }
        ol class="steps" {
            li {
                p { "Two parameters, of the type " b { "Date/Time" } " and with exactly these names. In the advanced editor of a blank query each:" }
                (snippet("range-start", "RangeStart", &m::parameter(target, 7)))
                (snippet("range-end", "RangeEnd", &m::parameter(target, 0)))
            }
            li {
                p { "The query, which becomes a " code { "$filter" } " for each period:" }
                (snippet("incremental", &format!("{set} by {date}"), &m::incremental(target, date)))
            }
            li {
                "On the table choose " b { "Incremental refresh" } ". Archive as long as you like; refresh as many days as a row may "
                "still change: a session's row does until the session has ended."
            }
        }
        (note(&html! {
            p {
                code { ">=" } " on one side and " code { "<" } " on the other: otherwise rows on the border come twice, or not at all. "
                "Look at the proxy's log once: a line " code { "GET " (set) " 200" } " without a filter means that the step was not sent "
                "along, and the whole table came."
            }
        }))
        @if let Some(text) = m::undated(target) {
            h3 { "Rows without a date" }
            p {
                "Rows without " (date) ", if there are any, are in no period, so no partition has them. Where they count, load them "
                "as a table of their own, without incremental refresh:"
            }
            (snippet("undated", &format!("{set} without {date}"), &text))
        }
        h3 { "When a step is not sent along" }
        p {
            "This one writes the filter itself, so nothing depends on what Power Query makes of the steps. The address must stay one "
            "constant text, as here. When it is put together from parts, the Power BI service calls it a " i { "dynamic data source" }
            " and refuses to refresh it; that is why the filter is in " code { "Query" } ". The price: " (set)
            " becomes a source of its own, which is signed in to, and added to the gateway, by its own address."
        }
        (snippet("explicit", &format!("{set} by {date}, filter written out"), &m::explicit(target, date)))
    }
}
