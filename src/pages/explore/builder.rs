//! The form that builds a query, and the query as text to take along.

use maud::{Markup, html};

use super::form::{CONDITIONS_MAX, Condition, Form, Operator, TOP_MAX};
use super::knowledge::knowledge;
use super::literal::is_comparable;
use super::query::NESTED_ROWS;
use crate::odata::csdl::{Column, SetEntry};
use crate::pages::shell::copyable;
use crate::pages::snippets::{self, Feed};

/// The form. `action` is the address of the set's page.
pub(super) fn builder(action: &str, set: &SetEntry, form: &Form) -> Markup {
    html! {
        h2 id="query" { "Query" }
        (quick_looks(action, set))
        @if !form.raw.is_empty() {
            p class="soft" { "The rows below are of a query that was written by hand; this form begins a new one." }
        }
        form class="card builder" action={ (action) "#rows" } method="get" {
            (conditions(set, form))
            div class="line" {
                div class="field" {
                    label for="order" { "Sort by" }
                    select id="order" name="order" {
                        option value="" { "as it comes" }
                        @for column in &set.columns {
                            option value=(column.name) selected[column.name == form.order] { (column.name) }
                        }
                    }
                }
                div class="field" {
                    label for="dir" { "Direction" }
                    select id="dir" name="dir" {
                        option value="asc" { "ascending" }
                        option value="desc" selected[form.descending] { "descending" }
                    }
                }
                div class="field" {
                    label for="top" { "Rows (at most " (TOP_MAX) ")" }
                    input id="top" name="top" type="number" min="1" max=(TOP_MAX) value=(form.top);
                }
                label class="tick" {
                    input type="checkbox" name="count" value="true" checked[form.count];
                    " Count all rows"
                }
            }
            details open[!form.select.is_empty()] {
                summary { "Columns" span class="soft" { @if form.select.is_empty() { " · all" } @else { " · " (form.select.len()) " chosen" } } }
                fieldset class="ticks" {
                    legend class="unseen" { "Columns to show; none means all" }
                    @for column in &set.columns {
                        label { input type="checkbox" name="select" value=(column.name) checked[form.select.contains(&column.name)]; " " (column.name) }
                    }
                }
            }
            @if !set.links.is_empty() {
                details open[!form.expand.is_empty()] {
                    summary { "Related rows" span class="soft" { @if !form.expand.is_empty() { " · " (form.expand.len()) " chosen" } } }
                    fieldset class="ticks" {
                        legend class="unseen" { "Related rows to add to each row" }
                        @for link in &set.links {
                            label {
                                input type="checkbox" name="expand" value=(link.name) checked[form.expand.contains(&link.name)];
                                " " (link.name)
                                @if link.collection { span class="soft" { " (the first " (NESTED_ROWS) ")" } }
                            }
                        }
                    }
                }
            }
            p class="act" { button type="submit" class="main" { "Show rows" } }
        }
    }
}

/// Queries that nearly everybody begins with.
fn quick_looks(action: &str, set: &SetEntry) -> Markup {
    let known = knowledge().set(&set.name);
    let date = known
        .and_then(|known| known.date.as_deref())
        .filter(|date| set.column(date).is_some());
    let newest = |hours: Option<u16>| {
        let date = date.unwrap_or_default().to_owned();
        let condition = hours.map(|hours| Condition {
            column: date.clone(),
            operator: Operator::Hours(hours),
            value: String::new(),
        });
        let form = Form {
            conditions: condition.into_iter().collect(),
            order: date,
            descending: true,
            ..Form::default()
        };
        format!("{action}?{}#rows", form.to_query())
    };
    let any = format!("{action}?{}#rows", Form::default().to_query());
    html! {
        p class="looks" {
            span class="soft" { "Quick looks:" }
            a class="button" href=(any) { "Any rows" }
            @if date.is_some() {
                a class="button" href=(newest(None)) { "Newest rows" }
                a class="button" href=(newest(Some(24))) { "Last 24 hours" }
                a class="button" href=(newest(Some(7 * 24))) { "Last 7 days" }
            }
        }
    }
}

fn conditions(set: &SetEntry, form: &Form) -> Markup {
    // One empty row to fill in, as long as there is room; two at first.
    let rows = (form.conditions.len() + 1).clamp(2, CONDITIONS_MAX);
    let none = Condition::default();
    let labelled = set.columns.iter().filter_map(|column| {
        let labels = knowledge().labels(&set.name, column)?;
        Some((&column.name, labels))
    });
    html! {
        fieldset class="conditions" {
            legend { "Conditions" span class="soft" { " · all must hold; times are in " span class="zone" { "UTC" } } }
            @for row in 0..rows {
                @let condition = form.conditions.get(row).unwrap_or(&none);
                @let clock = format!("clock-{}", row + 1);
                @let list = set.column(&condition.column).filter(|column| knowledge().labels(&set.name, column).is_some());
                div class="line condition" {
                    select name="where" aria-label={ "Column of condition " (row + 1) } {
                        option value="" { "(no condition)" }
                        @for column in &set.columns { (choice(set, column, condition)) }
                    }
                    select name="is" aria-label={ "Comparison of condition " (row + 1) } {
                        @for (operator, word, words) in Operator::ALL {
                            option value=(word) data-bare[!operator.takes_value()] selected[operator == condition.operator] { (words) }
                        }
                    }
                    input name="value" value=(condition.value) aria-label={ "Value of condition " (row + 1) }
                        list=[list.map(|column| format!("names-{}", column.name))] autocomplete="off" spellcheck="false" placeholder="value" aria-describedby=(clock);
                    span class="soft clock" id=(clock) { @if is_time(set, condition) { "UTC" } }
                }
            }
            @for (name, labels) in labelled {
                datalist id={ "names-" (name) } {
                    @for (name, number) in &labels.members { option value=(name) { (number) } }
                }
            }
        }
    }
}

/// Whether what is typed there is a time: read as UTC, unless it has an offset.
fn is_time(set: &SetEntry, condition: &Condition) -> bool {
    let column = set.column(&condition.column);
    let is_time = column.is_some_and(|column| column.kind == "Edm.DateTimeOffset");
    is_time && condition.operator.takes_value()
}

fn choice(set: &SetEntry, column: &Column, condition: &Condition) -> Markup {
    let labels = knowledge().labels(&set.name, column);
    let chosen = column.name == condition.column;
    html! {
        @if chosen || is_comparable(&column.kind, labels.as_ref()) {
            option value=(column.name) data-kind=(column.kind) data-named[labels.is_some()] selected[chosen] { (column.name) }
        }
    }
}

/// The query as an address and as programs, and by hand.
pub(super) fn texts(action: &str, feed: &Feed, form: &Form) -> Markup {
    let url = feed.url();
    let options: Vec<String> = feed
        .query
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let by_hand = Feed {
        root: String::new(),
        ..feed.clone()
    };
    let by_hand = by_hand.url();
    let by_hand = by_hand.split_once('?').map_or("", |(_, query)| query);
    html! {
        h2 id="take" { "Take it along" }
        p class="soft" {
            "The same query for a browser and for programs. Without " code { "$top" } " a program gets all rows, complete, however many \
             pages Citrix Cloud cuts them into."
        }
        div class="card" {
            h3 { "Address" }
            (copyable("url", &url))
            p { a href=(url) { "Open as JSON" } }
            details class="hand" open[!form.raw.is_empty()] {
                summary { "Write it by hand" }
                form action={ (action) "#rows" } method="get" {
                    label for="raw" { "Query options, encoded as in an address" }
                    textarea id="raw" name="raw" rows="3" spellcheck="false" { (by_hand) }
                    p class="soft" { "Now: " code { (options.join("  ")) } }
                    button type="submit" { "Show rows" }
                }
            }
            h3 { "Programs" }
            @if feed.keys {
                p class="soft" {
                    "Each presents an access key, and none holds one: PowerShell reads it from a file, Python from the variable "
                    code { "CITRIX_ACCESS_KEY" } "; in the curl lines put it in the place of " code { "YOUR-ACCESS-KEY" }
                    ". Power BI and Excel ask you to sign in: choose " b { "Basic" } ", any user name, the access key as the password."
                }
            }
            @for (id, name, text) in [
                ("snippet-m", "Power Query (Power BI, Excel)", snippets::m(feed)),
                ("snippet-powershell", "PowerShell", snippets::powershell(feed)),
                ("snippet-python", "Python", snippets::python(feed)),
                ("snippet-curl", "curl", snippets::curl(feed)),
            ] {
                details name="snippet" class="snippet" open[id == "snippet-m"] {
                    summary { (name) }
                    (copyable(id, &text))
                }
            }
        }
    }
}
