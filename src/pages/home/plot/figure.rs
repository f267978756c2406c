//! A drawing with its words: what it shows is said in text, too.

use maud::{Markup, html};

use super::columns::{Column, Frame, Scale};
use super::window::Window;

/// One plot.
pub(super) struct Figure<'a> {
    /// Not used twice on a page.
    pub id: &'a str,
    /// What it shows.
    pub title: &'a str,
    /// In which unit.
    pub unit: &'a str,
    /// What one who does not see it misses, in a sentence.
    pub summary: &'a str,
    /// What is at its top.
    pub scale: Scale,
    /// The columns, those at the bottom first.
    pub layers: Vec<Layer<'a>>,
    /// The time that is shown.
    pub window: &'a Window,
}

/// Columns of one kind.
pub(super) struct Layer<'a> {
    /// What they are; `None` when there is one kind only.
    pub name: Option<&'a str>,
    /// How they look.
    pub paint: Paint,
    /// One for each step.
    pub columns: &'a [Column],
}

/// How columns look: colours are in the style sheet, and none says something alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    /// What is usual.
    Plain,
    /// What is to be told from it.
    Striped,
    /// What should not be.
    Alarming,
}

impl Figure<'_> {
    pub(super) fn render(&self) -> Markup {
        let known: Vec<bool> = self
            .window
            .values(|_| 0.0)
            .iter()
            .map(Option::is_some)
            .collect();
        let (title, summary) = (
            format!("plot-{}-title", self.id),
            format!("plot-{}-summary", self.id),
        );
        html! {
            figure class="card plot" {
                h3 id=(title) { (self.title) " " span class="soft" { (self.unit) } }
                svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-labelledby=(title) aria-describedby=(summary) {
                    (stripes(self.id))
                    (self.axes())
                    @for layer in &self.layers {
                        (self.painted(layer.paint, &FRAME.path(layer.columns, self.scale)))
                    }
                    path class="ground" d=(FRAME.ground(&known)) {}
                }
                figcaption {
                    @if self.layers.len() > 1 { (self.legend()) }
                    span id=(summary) class="soft" { (self.summary) }
                }
            }
        }
    }

    /// Lines with their values at the left, times below.
    fn axes(&self) -> Markup {
        let right = FRAME.left + FRAME.width;
        let rows = self
            .scale
            .labels()
            .into_iter()
            .zip([0.0, 0.5, 1.0])
            .map(|(label, down)| (label, FRAME.top + FRAME.height * down));
        let [first, middle, last] = self.window.labels();
        let times = [
            (first, FRAME.left, "start"),
            (middle, FRAME.left + FRAME.width / 2.0, "middle"),
            (last, right, "end"),
        ];
        html! {
            @for (label, y) in rows {
                line x1=(FRAME.left) x2=(right) y1=(y) y2=(y) {}
                text x=(FRAME.left - 5.0) y=(y + 3.5) text-anchor="end" { (label) }
            }
            @for (label, x, anchor) in times {
                text x=(x) y=(HEIGHT - 4.0) text-anchor=(anchor) { (label) }
            }
        }
    }

    fn painted(&self, paint: Paint, path: &str) -> Markup {
        let (class, fill) = match paint {
            Paint::Plain => ("plain", None),
            Paint::Striped => ("striped", Some(format!("url(#stripes-{})", self.id))),
            Paint::Alarming => ("alarming", None),
        };
        html! { path class=(class) fill=[fill] d=(path) {} }
    }

    fn legend(&self) -> Markup {
        html! {
            ul class="legend" {
                @for layer in &self.layers {
                    @if let Some(name) = layer.name {
                        li {
                            svg viewBox="0 0 12 12" aria-hidden="true" {
                                (self.painted(layer.paint, "M0 0h12v12H0z"))
                            }
                            (name)
                        }
                    }
                }
            }
        }
    }
}

/// Stripes, so that no meaning is in the colour alone.
fn stripes(id: &str) -> Markup {
    html! {
        defs {
            pattern id={ "stripes-" (id) } width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                rect class="stripe" width="2" height="4" {}
            }
        }
    }
}

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 130.0;

const FRAME: Frame = Frame {
    left: 34.0,
    top: 8.0,
    width: 322.0,
    height: 98.0,
};
