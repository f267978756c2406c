//! An expression without its values: of `$filter`, `$expand` and the like.

use super::{is_name, is_plain};
use crate::odata::quotes::{Span, is_blank, spans};

/// The value of the system query option `option` with `?` in place of every value in it.
pub(super) fn expression(option: &str, value: &str) -> String {
    Shaper::new(Inside::of_option(option)).shape(value)
}

/// Writes an expression word by word. It knows just enough of the grammar to tell where only a name can stand; what
/// it does not understand is a value.
#[derive(Debug)]
struct Shaper {
    text: String,
    /// Whether a name or a value stands directly before, so that an operator follows, or `(`.
    operand: bool,
    /// Where everything stands that is in no parentheses.
    outermost: Level,
    /// The open parentheses, the innermost last. The value of an option in parentheses is a level of its own, above
    /// [`Inside::Options`].
    levels: Vec<Level>,
}

/// How far one level has come.
#[derive(Debug, Clone, Copy)]
struct Level {
    inside: Inside,
    /// Right of a comparison, until `and` or `or`: no names but those of functions. A path might stand there, but it
    /// could as well be a value that lacks its quotes.
    right: bool,
    /// There was a comparison, so that a comma may belong to a value that lacks its quotes.
    compared: bool,
}

/// What a level holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// Names, expressions, transformations.
    Names,
    /// What is expanded, with options in parentheses.
    Items,
    /// The options of something that is expanded.
    Options,
    /// The arguments of a function on text, of which the first is a name.
    Arguments,
    /// A number, or a word like `true`.
    Setting,
    /// Values.
    Values,
}

impl Inside {
    /// What the value of an option holds. Options that are not known may hold anything: search words, literals.
    fn of_option(name: &str) -> Self {
        match name.strip_prefix('$').unwrap_or(name) {
            "filter" | "select" | "orderby" | "apply" | "compute" => Self::Names,
            "expand" => Self::Items,
            "top" | "skip" | "count" | "levels" => Self::Setting,
            _ => Self::Values,
        }
    }
}

impl Level {
    fn new(inside: Inside) -> Self {
        Self {
            inside,
            right: false,
            compared: false,
        }
    }
}

impl Shaper {
    fn new(outermost: Inside) -> Self {
        Self {
            text: String::new(),
            operand: false,
            outermost: Level::new(outermost),
            levels: Vec::new(),
        }
    }

    fn shape(mut self, value: &str) -> String {
        for span in spans(value) {
            match span {
                Span::Quoted(_) | Span::Open(_) => self.value(),
                Span::Plain(mut rest) => {
                    while let Some(c) = rest.chars().next() {
                        let length = match rest.find(is_delimiter) {
                            Some(0) => c.len_utf8(),
                            Some(length) => length,
                            None => rest.len(),
                        };
                        let (token, behind) = rest.split_at_checked(length).unwrap_or((rest, ""));
                        match c {
                            _ if !is_delimiter(c) => self.word(token, behind.chars().next()),
                            _ => self.delimiter(c),
                        }
                        rest = behind;
                    }
                }
            }
        }
        self.text
    }

    fn delimiter(&mut self, c: char) {
        match c {
            '(' => self.open(),
            ')' => self.close(),
            ',' => {
                let level = self.level();
                level.compared |= level.inside == Inside::Arguments;
                level.right = level.compared;
                self.operand = level.inside == Inside::Options;
            }
            ';' => {
                if self.in_option() {
                    self.levels.pop();
                }
                let level = self.level();
                level.right = level.inside != Inside::Options;
                level.compared |= level.right;
                self.operand = false;
            }
            '=' => self.assign(),
            '/' => {
                let behind_value = self.text.ends_with('?');
                let level = self.level();
                level.right |= behind_value;
                self.operand = level.inside == Inside::Options;
            }
            _ => {}
        }
        self.text.push(c);
    }

    fn open(&mut self) {
        // Options are words with `=`; anything else is taken for the value of one.
        if self.level().inside == Inside::Options {
            self.levels.push(Level::new(Inside::Values));
        }
        let Level { inside, right, .. } = *self.level();
        let before = self.text.rsplit(is_delimiter).next().unwrap_or_default();
        let named = self.operand && !before.is_empty() && !before.ends_with('?');
        let opened = match inside {
            Inside::Names | Inside::Arguments if !right && !self.operand => Inside::Names,
            Inside::Names | Inside::Arguments if !right && named => match before {
                "search" => Inside::Values,
                _ if TEXT_FUNCTIONS.contains(&before) => Inside::Arguments,
                _ => Inside::Names,
            },
            Inside::Items if !right && named => Inside::Options,
            _ => Inside::Values,
        };
        self.levels.push(Level::new(opened));
        self.operand = false;
    }

    fn close(&mut self) {
        if self.in_option() {
            self.levels.pop();
        }
        self.levels.pop();
        self.operand = true;
    }

    /// `=` belongs behind the name of an option in parentheses, and nowhere else.
    fn assign(&mut self) {
        if self.level().inside == Inside::Options {
            let name = self.text.rsplit(is_delimiter).next().unwrap_or_default();
            self.levels.push(Level::new(Inside::of_option(name)));
        } else {
            self.level().inside = Inside::Values;
        }
        self.operand = false;
    }

    fn word(&mut self, word: &str, next: Option<char>) {
        let operand = self.operand;
        let level = self.level();
        let shown = match level.inside {
            Inside::Values => false,
            Inside::Setting => is_plain(word),
            Inside::Options => !operand && next == Some('=') && is_name(word),
            _ if operand => INFIX.iter().any(|words| words.contains(&word)),
            _ if level.right => FUNCTIONS.contains(&word) && next == Some('('),
            // `n:n`, in a lambda.
            _ => is_name(word) || word.split(':').all(|part| part.is_empty() || is_name(part)),
        };
        if !shown {
            return self.value();
        }
        if COMPARISONS.contains(&word) {
            level.right = true;
            level.compared = true;
        } else if CONNECTIVES.contains(&word) {
            level.right = false;
        }
        self.operand = ![COMPARISONS, CONNECTIVES, OPERATORS, &["not"]]
            .iter()
            .any(|words| words.contains(&word));
        self.text.push_str(word);
    }

    /// Adjacent values are one: `datetime'…'`, `'it''s'`.
    fn value(&mut self) {
        if !self.text.ends_with('?') {
            self.text.push('?');
        }
        self.operand = true;
    }

    fn level(&mut self) -> &mut Level {
        self.levels.last_mut().unwrap_or(&mut self.outermost)
    }

    /// Whether the innermost level is the value of an option in parentheses.
    fn in_option(&self) -> bool {
        let below = self.levels.iter().rev().nth(1);
        below.is_some_and(|level| level.inside == Inside::Options)
    }
}

fn is_delimiter(c: char) -> bool {
    is_blank(c) || matches!(c, '(' | ')' | ',' | ';' | '=' | '/')
}

/// What may follow an operand.
const INFIX: [&[&str]; 4] = [COMPARISONS, CONNECTIVES, OPERATORS, DIRECTIONS];

/// A value follows.
const COMPARISONS: &[&str] = &["eq", "ge", "gt", "has", "in", "le", "lt", "ne"];

/// A new expression follows.
const CONNECTIVES: &[&str] = &["and", "or"];

/// An operand follows, or the name of a result.
const OPERATORS: &[&str] = &[
    "add", "as", "div", "divby", "from", "mod", "mul", "sub", "to", "with",
];

const DIRECTIONS: &[&str] = &["asc", "desc"];

/// Functions with text as an argument.
const TEXT_FUNCTIONS: [&str; 9] = [
    "concat",
    "contains",
    "endswith",
    "indexof",
    "matchesPattern",
    "replace",
    "startswith",
    "substring",
    "substringof",
];

/// Functions whose results columns are compared with.
const FUNCTIONS: [&str; 13] = [
    "cast",
    "ceiling",
    "concat",
    "date",
    "floor",
    "maxdatetime",
    "mindatetime",
    "now",
    "round",
    "time",
    "tolower",
    "toupper",
    "trim",
];
