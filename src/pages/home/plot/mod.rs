//! What happened in the last hours, drawn.
//!
//! - [`window`]: which time is shown, in how many steps (pure);
//! - [`columns`]: paths and axes (pure);
//! - [`figure`]: a drawing with its words.

mod columns;
mod figure;
mod window;

use jiff::Timestamp;
use maud::{Markup, html};

use self::columns::{Scale, stacked};
use self::figure::{Figure, Layer};
use self::window::Window;
use crate::admin::{Minute, Seen};
use crate::gateway::grouped;

/// Questions, upstream's time and the queue of the last hours; nothing before anything was written down.
pub(super) fn activity(history: &[Minute], now: Timestamp) -> Markup {
    let window = Window::of(history, now);
    html! {
        section id="home-activity" {
            @if !history.is_empty() {
                h2 { "The last " (window.words()) }
                div class="plots" {
                    (questions(&window))
                    (busy(&window))
                    (queue(&window))
                }
            }
        }
    }
}

fn questions(window: &Window) -> Markup {
    let total = window.total();
    let rows = |of: fn(&Seen) -> u64| window.values(|seen| exact(of(seen)));
    let parts = [
        rows(|seen| seen.from_cache),
        rows(|seen| seen.fetched),
        rows(|seen| seen.failed),
    ];
    let columns = stacked(&parts);
    let scale = Scale::of_counts(columns::highest(&columns));
    let names = [
        ("From the cache", "cache"),
        ("From Citrix Cloud", "fetched"),
        ("Failed", "failed"),
    ];
    let layers = names.into_iter().zip(&columns);
    Figure {
        id: "questions",
        title: "Questions",
        unit: &format!("in {}", window.step_words()),
        summary: &format!(
            "{} answered from the cache, {} by Citrix Cloud, {} without an answer.",
            grouped(total.from_cache),
            grouped(total.fetched),
            grouped(total.failed)
        ),
        scale,
        layers: layers
            .map(|((name, class), columns)| Layer {
                name: Some(name),
                class,
                columns,
            })
            .collect(),
        window,
    }
    .render()
}

fn busy(window: &Window) -> Markup {
    let share = |seen: &Seen| {
        let covered = seen.covered.as_secs_f64();
        if covered > 0.0 {
            (seen.busy.as_secs_f64() / covered * 100.0).min(100.0)
        } else {
            0.0
        }
    };
    let columns = stacked(&[window.values(share)]);
    let summary = format!(
        "Citrix Cloud worked on queries for {:.0} % of the time; at most {:.0} % of {}.",
        share(&window.total()),
        columns::highest(&columns),
        window.step_words()
    );
    single("busy", "Citrix Cloud at work", "% of the time", &summary)
        .with(Scale::percent(), &columns, window)
        .render()
}

fn queue(window: &Window) -> Markup {
    let columns = stacked(&[window.values(|seen| exact(seen.queue as u64))]);
    let longest = columns::highest(&columns);
    let summary = if longest > 0.0 {
        format!("At most {longest:.0} requests waited for their turn.")
    } else {
        "No request was seen waiting.".to_owned()
    };
    single("queue", "Longest queue", "requests that wait", &summary)
        .with(Scale::of_counts(longest), &columns, window)
        .render()
}

/// A figure with one kind of columns.
fn single<'a>(id: &'a str, title: &'a str, unit: &'a str, summary: &'a str) -> Single<'a> {
    Single {
        id,
        title,
        unit,
        summary,
    }
}

struct Single<'a> {
    id: &'a str,
    title: &'a str,
    unit: &'a str,
    summary: &'a str,
}

impl<'a> Single<'a> {
    fn with(
        self,
        scale: Scale,
        columns: &'a [Vec<columns::Column>],
        window: &'a Window,
    ) -> Figure<'a> {
        let layers = columns.iter().map(|columns| Layer {
            name: None,
            class: "cache",
            columns,
        });
        Figure {
            id: self.id,
            title: self.title,
            unit: self.unit,
            summary: self.summary,
            scale,
            layers: layers.collect(),
            window,
        }
    }
}

/// Counts of an hour are far below 2⁵³.
#[expect(clippy::cast_precision_loss, reason = "for a drawing")]
fn exact(count: u64) -> f64 {
    count as f64
}
