//! Which form of a long answer its clients ask for.
//!
//! A long answer lies in memory in one form only: packed, or as text. Which one, is what its clients ask for of late:
//! each request counts one for its form, and the count does not go beyond a bound, so that what was asked long ago is
//! forgotten. There is a distance between the two counts at which the form changes, so that clients of both kinds do not
//! make it swing.

use std::sync::atomic::{AtomicI8, Ordering};

/// How a body is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As gzip.
    Packed,
    /// As it is.
    Text,
}

/// How many more clients asked for text than for gzip of late. Costs an atomic load a request, and a store as long as
/// they do not all ask for the same.
#[derive(Debug, Default)]
pub(super) struct Demand(AtomicI8);

impl Demand {
    /// A client asks for this form.
    pub(super) fn asked(&self, form: Form) {
        let moved = |lean| Some(leaning(lean, form)).filter(|moved| *moved != lean);
        // An error means that nothing changes.
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, moved);
    }

    /// The form to change to from this one.
    pub(super) fn wanted(&self, form: Form) -> Option<Form> {
        wanted(self.0.load(Ordering::Relaxed), form)
    }

    /// Text cannot be had now. It is not tried again before many more have asked for it.
    pub(super) fn refused(&self) {
        self.0.store(-LEAN_MAX, Ordering::Relaxed);
    }
}

impl Clone for Demand {
    fn clone(&self) -> Self {
        Self(AtomicI8::new(self.0.load(Ordering::Relaxed)))
    }
}

fn leaning(lean: i8, asked: Form) -> i8 {
    let step = match asked {
        Form::Text => 1,
        Form::Packed => -1,
    };
    lean.saturating_add(step).clamp(-LEAN_MAX, LEAN_MAX)
}

fn wanted(lean: i8, form: Form) -> Option<Form> {
    match form {
        Form::Packed if lean >= CLEAR => Some(Form::Text),
        Form::Text if lean <= -CLEAR => Some(Form::Packed),
        Form::Packed | Form::Text => None,
    }
}

/// So many more requests for one form than for the other are a clear case. To change the form costs little more than one
/// request for the wrong one does (the text is unpacked once, or the file read), so it need not be clearer.
const CLEAR: i8 = 4;

/// No more than this is remembered. When all clients change their minds, twenty requests go by until the form follows.
const LEAN_MAX: i8 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    /// The forms in which an answer lies when this is asked, `t` for text and `g` for gzip: after each request.
    fn forms(asked: &str) -> String {
        let (demand, mut form) = (Demand::default(), Form::Packed);
        let mut forms = String::new();
        for letter in asked.chars() {
            demand.asked(match letter {
                't' => Form::Text,
                _ => Form::Packed,
            });
            form = demand.wanted(form).unwrap_or(form);
            forms.push(match form {
                Form::Text => 't',
                Form::Packed => 'g',
            });
        }
        forms
    }

    #[test]
    fn the_form_follows_what_is_clearly_asked_for() {
        for (asked, expected) in [
            ("ggg", "ggg"),
            ("ttt", "ggg"),
            ("tttt", "gggt"),
            ("ttgttt", "gggggt"),
            ("ttttgggg", "gggttttt"),
            ("ttttgggggggg", "gggttttttttg"),
            ("ttttggggggggtttttttt", "gggttttttttggggggggt"),
        ] {
            assert_eq!(forms(asked), expected, "{asked}");
        }
    }

    #[test]
    fn clients_of_both_kinds_do_not_make_it_swing() {
        for turn in ["tg", "gt", "ttgg", "tggt", "tttggg"] {
            let forms = forms(&turn.repeat(100));
            assert!(!forms.contains("tg"), "{turn}: {forms}");
        }
    }

    #[test]
    fn what_was_asked_long_ago_is_forgotten() {
        let late = forms(&["t".repeat(1000), "g".repeat(20)].concat());
        assert!(late.ends_with("tg"), "{late}");
        let early = forms(&["g".repeat(1000), "t".repeat(20)].concat());
        assert!(early.ends_with("gt"), "{early}");
    }

    #[test]
    fn what_was_refused_is_not_tried_again_at_once() {
        let demand = Demand::default();
        demand.refused();
        for _ in 0..19 {
            demand.asked(Form::Text);
            assert_eq!(demand.wanted(Form::Packed), None);
        }
        demand.asked(Form::Text);
        assert_eq!(demand.wanted(Form::Packed), Some(Form::Text));
    }
}
