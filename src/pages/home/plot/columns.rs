//! Columns, their scale, and the paths that draw them. Pure.

use std::fmt::Write;

/// From where to where a column goes, in the unit of its scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Column {
    /// Where those below it end.
    pub from: f64,
    /// Not below `from`.
    pub to: f64,
}

/// What is at the top of a plot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    top: f64,
}

/// Where columns are drawn: a rectangle in the units of the drawing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    /// Its left side.
    pub left: f64,
    /// Its top.
    pub top: f64,
    /// From left to right.
    pub width: f64,
    /// From top to bottom.
    pub height: f64,
}

/// For each of `parts` its columns, on top of those of the parts before it. A step without a value has columns of no
/// height.
pub(super) fn stacked(parts: &[Vec<Option<f64>>]) -> Vec<Vec<Column>> {
    let mut below: Vec<f64> = Vec::new();
    let mut stack = |part: &Vec<Option<f64>>| {
        below.resize(part.len(), 0.0);
        let column = |(below, value): (&mut f64, &Option<f64>)| {
            let from = *below;
            *below += value.unwrap_or_default().max(0.0);
            Column { from, to: *below }
        };
        below.iter_mut().zip(part).map(column).collect()
    };
    parts.iter().map(&mut stack).collect()
}

/// The top of the highest column; 0 when there is none.
pub(super) fn highest(columns: &[Vec<Column>]) -> f64 {
    let tops = columns.iter().flatten().map(|column| column.to);
    tops.fold(0.0, f64::max)
}

impl Scale {
    /// From 0 to 100.
    pub(super) fn percent() -> Self {
        Self { top: 100.0 }
    }

    /// For whole numbers up to `highest`: its top is 2, 4, 10, 20, 40, 100 …, so that its middle is whole, too.
    pub(super) fn of_counts(highest: f64) -> Self {
        let mut ten = 1.0;
        loop {
            for step in [2.0, 4.0, 10.0] {
                // Not for ever, whatever comes.
                if step * ten >= highest || ten > 1e15 {
                    return Self { top: step * ten };
                }
            }
            ten *= 10.0;
        }
    }

    /// What is written at the top, the middle and the bottom.
    pub(super) fn labels(self) -> [f64; 3] {
        [self.top, self.top / 2.0, 0.0]
    }
}

impl Frame {
    /// A path around all columns that have a height. Between two there is a gap of a fifth of their width.
    pub(super) fn path(&self, columns: &[Column], scale: Scale) -> String {
        let step = self.step(columns.len());
        let y = |value: f64| self.top + self.height * (1.0 - (value / scale.top).clamp(0.0, 1.0));
        let mut path = String::new();
        for (at, column) in columns.iter().enumerate() {
            if column.to > column.from {
                let x = self.left + step * index(at) + step * 0.1;
                let (from, to) = (y(column.from), y(column.to));
                // Writing to a string cannot fail.
                let _ = write!(
                    path,
                    "M{x:.1} {from:.1}V{to:.1}h{:.1}V{from:.1}z",
                    step * 0.8
                );
            }
        }
        path
    }

    /// A path along the bottom, broken where a step has no value.
    pub(super) fn ground(&self, known: &[bool]) -> String {
        let step = self.step(known.len());
        let bottom = self.top + self.height;
        let mut path = String::new();
        let mut before = false;
        for (at, known) in known.iter().enumerate() {
            if *known && !before {
                let x = self.left + step * index(at);
                let _ = write!(path, "M{x:.1} {bottom:.1}");
            }
            if *known {
                let _ = write!(path, "h{step:.1}");
            }
            before = *known;
        }
        path
    }

    fn step(&self, steps: usize) -> f64 {
        self.width / index(steps.max(1))
    }
}

/// There are dozens of steps.
#[expect(clippy::cast_precision_loss, reason = "for a drawing")]
fn index(at: usize) -> f64 {
    at as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Frame = Frame {
        left: 10.0,
        top: 5.0,
        width: 40.0,
        height: 100.0,
    };

    fn column(from: f64, to: f64) -> Column {
        Column { from, to }
    }

    #[test]
    fn parts_stand_on_each_other() {
        let found = stacked(&[
            vec![Some(3.0), None, Some(0.0)],
            vec![Some(1.0), None, Some(2.0)],
        ]);
        let expected = [
            vec![column(0.0, 3.0), column(0.0, 0.0), column(0.0, 0.0)],
            vec![column(3.0, 4.0), column(0.0, 0.0), column(0.0, 2.0)],
        ];
        assert_eq!(found, expected);
        assert!((highest(&found) - 4.0).abs() < f64::EPSILON);
        assert!(highest(&[]).abs() < f64::EPSILON);
    }

    #[test]
    fn the_top_of_a_scale_is_a_round_number() {
        for (highest, expected) in [
            (0.0, 2.0),
            (2.0, 2.0),
            (3.0, 4.0),
            (5.0, 10.0),
            (11.0, 20.0),
            (399.0, 400.0),
            (401.0, 1000.0),
        ] {
            let scale = Scale::of_counts(highest);
            assert_eq!(scale, Scale { top: expected }, "{highest}");
        }
        assert_eq!(
            format!("{:?}", Scale::percent().labels()),
            "[100.0, 50.0, 0.0]"
        );
        assert!(Scale::of_counts(f64::INFINITY).top > 1e15);
    }

    #[test]
    fn columns_become_paths() {
        let scale = Scale { top: 4.0 };
        for (columns, expected) in [
            (vec![], ""),
            (vec![column(0.0, 0.0); 4], ""),
            (
                vec![
                    column(0.0, 4.0),
                    column(0.0, 0.0),
                    column(2.0, 3.0),
                    column(0.0, 9.0),
                ],
                "M11.0 105.0V5.0h8.0V105.0zM31.0 55.0V30.0h8.0V55.0zM41.0 105.0V5.0h8.0V105.0z",
            ),
        ] {
            assert_eq!(FRAME.path(&columns, scale), expected);
        }
    }

    #[test]
    fn the_ground_is_broken_where_nothing_is_known() {
        for (known, expected) in [
            (&[][..], ""),
            (&[false; 4], ""),
            (&[true; 4], "M10.0 105.0h10.0h10.0h10.0h10.0"),
            (
                &[true, false, true, true],
                "M10.0 105.0h10.0M30.0 105.0h10.0h10.0",
            ),
        ] {
            assert_eq!(FRAME.ground(known), expected);
        }
    }
}
