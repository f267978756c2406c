//! A stored answer, in the JSON and on the page.

use std::time::Duration;

use serde::Serialize;

use super::html::Text;
use super::page::{duration, size};
use super::status::{seconds, whole_seconds};
use crate::gateway::{StoredAnswer, StoredState, grouped};

/// A stored answer.
#[derive(Debug, Serialize)]
pub(super) struct Stored {
    pub site: String,
    /// The entity set that its question begins at; none has the service document, or `$metadata`.
    pub set: Option<String>,
    /// The question without its values; empty for the service document.
    pub shape: String,
    /// How it is written, when that is not the default: `full;IEEE754Compatible=true`.
    pub representation: Option<String>,
    /// Rows on each page, when the client wanted pages.
    pub page_size: Option<u32>,
    pub rows: u64,
    /// As it is kept, packed.
    pub bytes: u64,
    /// Of its text.
    pub text_bytes: u64,
    /// When its oldest page was asked for.
    pub fetched_at: String,
    /// Since then.
    pub age_seconds: u64,
    /// `fresh`, `refreshing`, `failed`, `stale` or `expired`.
    pub state: &'static str,
    /// Why no new one could be had the last time.
    pub failure: Option<String>,
    /// How much longer it is fresh; negative when it is stale.
    pub fresh_seconds: i64,
    /// How often it was given.
    pub hits: u64,
    /// Upstream's.
    pub pages: u64,
    /// That upstream took for them, to the millisecond.
    pub upstream_seconds: f64,
    /// Where it is kept: `memory`.
    pub place: &'static str,
    /// For people.
    #[serde(skip)]
    state_words: String,
}

impl Stored {
    /// A stored answer as it is now.
    pub(super) fn new(answer: &StoredAnswer) -> Self {
        Self {
            site: answer.site.to_string(),
            set: answer.set.clone(),
            shape: answer.shape.clone(),
            representation: answer.representation.map(|chosen| chosen.to_string()),
            page_size: answer.page_size.map(Into::into),
            rows: answer.rows,
            bytes: answer.bytes,
            text_bytes: answer.text_bytes,
            fetched_at: whole_seconds(answer.fetched_at),
            age_seconds: seconds(answer.age),
            state: answer.state.as_str(),
            failure: answer.failure.clone(),
            fresh_seconds: answer.fresh_for.as_secs(),
            hits: answer.hits,
            pages: answer.pages,
            upstream_seconds: to_the_millisecond(answer.upstream_time).as_secs_f64(),
            place: answer.place.as_str(),
            state_words: state_words(answer),
        }
    }
}

/// A table of those that are shown, of `total`; nothing when there are none.
pub(super) fn table(shown: &[Stored], total: usize) -> String {
    if shown.is_empty() {
        return String::new();
    }
    let caption = if shown.len() < total {
        format!("<caption>The latest {}</caption>\n", shown.len())
    } else {
        String::new()
    };
    let rows: String = shown.iter().map(row).collect();
    format!("<table>\n{caption}{HEAD}{rows}</table>\n")
}

fn row(stored: &Stored) -> String {
    let shape = match stored.shape.as_str() {
        "" => "(service document)",
        shape => shape,
    };
    let written = stored.representation.as_ref();
    let written = written.map(|chosen| format!(", {}", Text(chosen)));
    let pages = stored.page_size.map(|rows| format!(", pages of {rows}"));
    format!(
        "<tr><td><code>{shape}</code> of {site}{written}{pages}</td><td>{rows}</td><td>{age}</td><td>{state}</td>\
         <td>{size}</td><td>{hits}</td></tr>\n",
        shape = Text(shape),
        site = Text(&stored.site),
        written = written.unwrap_or_default(),
        pages = pages.unwrap_or_default(),
        rows = grouped(stored.rows),
        age = duration(stored.age_seconds),
        state = stored.state_words,
        size = size(stored.bytes),
        hits = grouped(stored.hits),
    )
}

/// As HTML.
fn state_words(answer: &StoredAnswer) -> String {
    let time = duration(answer.fresh_for.as_secs().unsigned_abs());
    match (answer.state, &answer.failure) {
        (StoredState::Fresh, _) => format!("fresh for {time}"),
        (StoredState::Refreshing, _) => "being refreshed".to_owned(),
        (StoredState::Failed, Some(failure)) => {
            format!(
                r#"<span class="bad">stale for {time}: {}</span>"#,
                Text(failure)
            )
        }
        (StoredState::Failed | StoredState::Stale, _) => format!("stale for {time}"),
        (StoredState::Expired, _) => "expired".to_owned(),
    }
}

fn to_the_millisecond(time: Duration) -> Duration {
    Duration::new(time.as_secs(), time.subsec_millis() * 1_000_000)
}

const HEAD: &str =
    "<tr><th>Answer</th><th>Rows</th><th>Age</th><th>State</th><th>Size</th><th>Hits</th></tr>\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_answers_there_is_no_table() {
        assert_eq!(table(&[], 0), "");
    }
}
