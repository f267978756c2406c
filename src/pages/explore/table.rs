//! A page of rows as a table.

use jiff::Timestamp;
use maud::{Markup, html};

use super::rows::{Cell, Rows};

/// What stands around the rows.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    /// The set.
    pub set: &'a str,
    /// Rows that were passed over.
    pub skip: u32,
    /// Rows that were asked for.
    pub top: u32,
    /// How the answer came, and how long it took.
    pub how: &'a str,
    /// Addresses of the pages before and after; `after` is taken only when this one is full.
    pub before: Option<String>,
    pub after: String,
}

/// The rows with what there is to say about them.
pub(super) fn table(rows: &Rows, frame: &Frame<'_>) -> Markup {
    let (first, shown) = (frame.skip.saturating_add(1), rows.lines.len());
    let is_full = u32::try_from(shown).is_ok_and(|shown| shown >= frame.top);
    html! {
        @if rows.lines.is_empty() {
            p class="empty" {
                @if frame.skip > 0 { "There are no more rows." }
                @else { "No rows. The query is sound; nothing in " code { (frame.set) } " matches it." }
            }
        } @else {
            div class="scroll" tabindex="0" role="region" aria-label={ "Rows of " (frame.set) } {
                table class="rows" {
                    caption {
                        "Rows " (first) " to " (u64::from(frame.skip) + shown as u64)
                        @if let Some(count) = &rows.count { " of " (count) }
                        ". Times are in " span class="zone" { "UTC" } "."
                    }
                    thead {
                        tr {
                            @for head in &rows.heads {
                                th scope="col" class=[head.is_number.then_some("number")] { (head.name) }
                            }
                        }
                    }
                    tbody {
                        @for row in &rows.lines {
                            tr {
                                @for (cell, head) in row.iter().zip(&rows.heads) {
                                    td class=[head.is_number.then_some("number")] { (value(cell, &head.name)) }
                                }
                            }
                        }
                    }
                }
            }
        }
        p class="soft how" { (capital(frame.how)) "." }
        @if is_full || frame.before.is_some() {
            nav class="pages" aria-label="Pages of rows" {
                @if let Some(before) = &frame.before { a class="button" href=(before) rel="prev" { "Previous " (frame.top) } }
                @if is_full { a class="button" href=(frame.after) rel="next" { "Next " (frame.top) } }
                @if frame.skip >= DEEP_ROWS {
                    span class="soft" { "Citrix Cloud counts off all rows before a page, so deep pages are slow: filter by date instead." }
                }
            }
        }
    }
}

fn value(cell: &Cell, column: &str) -> Markup {
    html! {
        @match cell {
            Cell::Absent => {}
            Cell::Null => span class="null" { "null" },
            Cell::Plain(text) => (text),
            Cell::Labelled { number, name } => { (number) " " span class="soft" { (name) } },
            Cell::Time(at) => time datetime=(at) title=(exactly(*at)) { (seconds(*at)) },
            Cell::Text(text) => {
                @match cut(text) {
                    Some(beginning) => span title=(text) { (beginning) "…" },
                    None => (text),
                }
            },
            Cell::Nested { what, json } => details {
                summary { (what) span class="unseen" { " of " (column) } }
                pre { (json) }
            },
        }
    }
}

/// `2026-01-31 10:00:00Z`.
fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// `2026-01-31 10:00:00.5 UTC`, for those whose browser shows its own clock.
fn exactly(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S%.f UTC").to_string()
}

/// The beginning of a text that is too long for a cell.
fn cut(text: &str) -> Option<&str> {
    let (at, _) = text.char_indices().nth(TEXT_CHARS_MAX)?;
    text.get(..at)
}

fn capital(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(rest).collect()
}

/// Characters of a text that a cell shows.
const TEXT_CHARS_MAX: usize = 100;
/// From here on pages are slow enough to say so.
const DEEP_ROWS: u32 = 5000;

#[cfg(test)]
mod tests {
    use super::super::rows::Head;
    use super::*;

    fn shown(cells: Vec<Cell>) -> String {
        let heads = cells.iter().map(|_| Head {
            name: "<i>".to_owned(),
            is_number: false,
        });
        let rows = Rows {
            heads: heads.collect(),
            lines: vec![cells],
            count: Some("7".to_owned()),
        };
        let frame = Frame {
            set: "Sessions",
            skip: 0,
            top: 1,
            how: "a stored answer",
            before: None,
            after: "/explore/main/Sessions?skip=1".to_owned(),
        };
        table(&rows, &frame).into_string()
    }

    #[test]
    fn values_never_become_markup() {
        for text in [
            "<script>alert(1)</script>",
            "\"><img src=x onerror=alert(1)>",
            "'\"</td><svg onload=alert(1)>&lt;",
            "</pre></details><script>alert(1)</script>",
        ] {
            let long = format!("{text}{}{text}", "x".repeat(200));
            let page = shown(vec![
                Cell::Text(text.to_owned()),
                Cell::Text(long),
                Cell::Plain(text.to_owned()),
                Cell::Labelled {
                    number: text.to_owned(),
                    name: text.to_owned(),
                },
                Cell::Nested {
                    what: text.to_owned(),
                    json: text.to_owned(),
                },
            ]);
            for tag in ["<script", "<img", "<svg", "<i>"] {
                assert!(!page.contains(tag), "{page}");
            }
            // Quotes are what ends an attribute.
            let titles: Vec<&str> = page.split(" title=\"").skip(1).collect();
            assert_eq!(titles.len(), 1);
            let title = titles[0].split('"').next().unwrap();
            assert!(title.len() > 200, "{title}");
        }
    }

    #[test]
    fn nothing_times_and_pages_are_shown() {
        let page = shown(vec![
            Cell::Null,
            Cell::Absent,
            Cell::Time("2026-01-31T10:00:00.5Z".parse().unwrap()),
        ]);
        for expected in [
            "<span class=\"null\">null</span>",
            "<td></td>",
            "<time datetime=\"2026-01-31T10:00:00.5Z\" title=\"2026-01-31 10:00:00.5 UTC\">2026-01-31 10:00:00Z</time>",
            "Rows 1 to 1 of 7.",
            "rel=\"next\">Next 1</a>",
            "A stored answer.",
        ] {
            assert!(page.contains(expected), "{expected}: {page}");
        }
    }
}
