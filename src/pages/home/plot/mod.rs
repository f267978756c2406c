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

use self::columns::{Column, Scale, highest, stacked};
use self::figure::{Figure, Layer, Paint};
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
    let columns = stacked(&[
        rows(|seen| seen.from_cache),
        rows(|seen| seen.fetched),
        rows(|seen| seen.failed),
    ]);
    let names = [
        ("From the cache", Paint::Plain),
        ("From Citrix Cloud", Paint::Striped),
        ("Failed", Paint::Alarming),
    ];
    let layers = names.into_iter().zip(&columns);
    let layers = layers.map(|((name, paint), columns)| Layer {
        name: Some(name),
        paint,
        columns,
    });
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
        scale: Scale::of_counts(highest(&columns)),
        layers: layers.collect(),
        window,
    }
    .render()
}

fn busy(window: &Window) -> Markup {
    let columns = stacked(&[window.values(share)]);
    Figure {
        id: "busy",
        title: "Citrix Cloud at work",
        unit: "% of the time",
        summary: &format!(
            "Citrix Cloud worked on queries for {:.0} % of the time; at most {:.0} % of {}.",
            share(&window.total()),
            highest(&columns),
            window.step_words()
        ),
        scale: Scale::percent(),
        layers: plain(&columns),
        window,
    }
    .render()
}

fn queue(window: &Window) -> Markup {
    let columns = stacked(&[window.values(|seen| exact(seen.queue as u64))]);
    let longest = highest(&columns);
    let summary = if longest > 0.0 {
        format!("At most {longest:.0} requests waited for their turn.")
    } else {
        "No request was seen waiting.".to_owned()
    };
    Figure {
        id: "queue",
        title: "Longest queue",
        unit: "requests that wait",
        summary: &summary,
        scale: Scale::of_counts(longest),
        layers: plain(&columns),
        window,
    }
    .render()
}

/// Per cent of the time that upstream was at work.
fn share(seen: &Seen) -> f64 {
    let covered = seen.covered.as_secs_f64();
    if covered > 0.0 {
        (seen.busy.as_secs_f64() / covered * 100.0).min(100.0)
    } else {
        0.0
    }
}

/// Columns of one kind.
fn plain(columns: &[Vec<Column>]) -> Vec<Layer<'_>> {
    let layers = columns.iter().map(|columns| Layer {
        name: None,
        paint: Paint::Plain,
        columns,
    });
    layers.collect()
}

/// Counts of an hour are far below 2⁵³.
#[expect(clippy::cast_precision_loss, reason = "for a drawing")]
fn exact(count: u64) -> f64 {
    count as f64
}
