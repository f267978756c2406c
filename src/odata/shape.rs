//! A question without its values, for log lines: filters hold names of people.

use super::question::{Question, Resource};
use super::quotes::{Span, is_blank, is_identifier, spans, split, split_once};

/// The canonical text of a question with `?` in place of every literal, of keys and of whatever else a
/// client may have put in: `Users?$filter=UserName eq ?&$top=5`. Only names in places where upstream's
/// model has names remain, so a mistyped filter (`UserName eq Smith`) does not give the name away.
/// Percent-encoding is left out for the reader; what is kept is printable ASCII. At most
/// 300 characters; a longer text ends in `…`.
pub fn shape(question: &Question) -> String {
    let mut text = path(question.resource());
    for (index, (name, value)) in question.options().iter().enumerate() {
        text.push(if index == 0 { '?' } else { '&' });
        let word = name.strip_prefix(['$', '@']).unwrap_or(name);
        text.push_str(if is_identifier(word) { name } else { "?" });
        text.push('=');
        text.push_str(&option(name, value));
    }
    if let Some((end, _)) = text.char_indices().nth(SHAPE_CHARS_MAX) {
        text.truncate(end);
        text.pop();
        text.push('…');
    }
    text
}

fn path(resource: &Resource) -> String {
    match resource {
        Resource::ServiceDocument => String::new(),
        Resource::Metadata => "$metadata".to_owned(),
        Resource::Batch => "$batch".to_owned(),
        Resource::Collection(set) => segment(set.as_str()),
        Resource::Count(set) => format!("{}/$count", segment(set.as_str())),
        Resource::Entity { set, key, rest } => {
            let mut path = format!("{}({})", segment(set.as_str()), predicate(key));
            for step in rest {
                path.push('/');
                path.push_str(&segment(step));
            }
            path
        }
        Resource::Other(segments) => {
            let steps: Vec<String> = segments.iter().map(|step| segment(step)).collect();
            steps.join("/")
        }
    }
}

/// `Name`, `Name(key)`, `Namespace.Name`, `$count`.
fn segment(text: &str) -> String {
    let (name, arguments) = match text.split_once('(') {
        Some((name, arguments)) => (name, Some(arguments.strip_suffix(')').unwrap_or(arguments))),
        None => (text, None),
    };
    let name = if is_name(name) { name } else { "?" };
    match arguments {
        Some("") => format!("{name}()"),
        Some(arguments) => format!("{name}({})", predicate(arguments)),
        None => name.to_owned(),
    }
}

/// `?`, `Id=?,Date=?`.
fn predicate(key: &str) -> String {
    let parts: Vec<String> = split(key, ',')
        .into_iter()
        .map(|part| {
            let name = split_once(part, '=').map(|(name, _)| name.trim_matches(is_blank));
            match name.filter(|name| is_identifier(name)) {
                Some(name) => format!("{name}=?"),
                None => "?".to_owned(),
            }
        })
        .collect();
    parts.join(",")
}

fn option(name: &str, value: &str) -> String {
    match name {
        "$filter" | "$select" | "$expand" | "$orderby" | "$apply" | "$compute" => {
            Shaper::default().shape(value)
        }
        "$top" | "$skip" | "$count" | "$index" | "$levels" if is_plain(value) => value.to_owned(),
        _ => "?".to_owned(),
    }
}

fn is_plain(value: &str) -> bool {
    matches!(value, "true" | "false" | "max")
        || (value.len() <= NUMBER_DIGITS_MAX && value.bytes().all(|c| c.is_ascii_digit()))
}

/// `Name`, `Namespace.Name`, with `$` or `@` in front perhaps.
fn is_name(word: &str) -> bool {
    let word = word.strip_prefix(['$', '@']).unwrap_or(word);
    word == "*" || word.split('.').all(is_identifier)
}

/// Writes an expression word by word. It knows just enough of the grammar to tell where a value stands.
#[derive(Debug, Default)]
struct Shaper {
    text: String,
    /// What stands directly before: decides what a bare word can be.
    before: Before,
    /// The open parentheses.
    inside: Vec<Inside>,
}

/// What stands before a word, blanks left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Before {
    /// The beginning, an operator, `(`, `;`, `=`, `/`: a name may follow.
    #[default]
    Start,
    /// `eq` and its like: a value follows, or a function. A path might, but it could as well be a value
    /// that lacks its quotes.
    Comparison,
    /// `in`: a list of values follows.
    List,
    /// A name or a value: an operator follows, or `(`.
    Operand,
}

/// What parentheses hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// Expressions, nested options, aggregations.
    Names,
    /// The arguments of a function on text, of which the first is a name.
    Arguments,
    /// Values.
    Values,
}

impl Shaper {
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
            '(' => {
                let function = self.text.rsplit(is_delimiter).next().unwrap_or_default();
                self.inside.push(match self.before {
                    Before::List => Inside::Values,
                    _ if TEXT_FUNCTIONS.contains(&function) => Inside::Arguments,
                    _ => Inside::Names,
                });
                self.before = Before::Start;
            }
            ')' => {
                self.inside.pop();
                self.before = Before::Operand;
            }
            ',' if self.inside.last() == Some(&Inside::Arguments) => {
                self.before = Before::Comparison;
            }
            '/' if self.text.ends_with('?') => self.before = Before::Comparison,
            ',' | ';' | '=' | '/' => self.before = Before::Start,
            _ => {}
        }
        self.text.push(c);
    }

    fn word(&mut self, word: &str, next: Option<char>) {
        let values = self.inside.last() == Some(&Inside::Values);
        let name = is_name(word) || word.split(':').all(|part| part.is_empty() || is_name(part));
        let before = match word {
            "eq" | "ne" | "gt" | "ge" | "lt" | "le" | "has" => Before::Comparison,
            "in" => Before::List,
            _ if OPERATORS.contains(&word) => Before::Start,
            _ => Before::Operand,
        };
        let operator = before != Before::Operand && !values;
        let sound = match self.before {
            _ if values => false,
            Before::Start => true,
            Before::Comparison => next == Some('('),
            Before::List | Before::Operand => operator,
        };
        if name && sound {
            self.text.push_str(word);
            self.before = before;
        } else {
            self.value();
        }
    }

    /// Adjacent values are one: `datetime'…'`, `'it''s'`.
    fn value(&mut self) {
        if !self.text.ends_with('?') {
            self.text.push('?');
        }
        self.before = Before::Operand;
    }
}

fn is_delimiter(c: char) -> bool {
    is_blank(c) || matches!(c, '(' | ')' | ',' | ';' | '=' | '/')
}

const OPERATORS: [&str; 15] = [
    "add", "and", "as", "asc", "desc", "div", "divby", "from", "mod", "mul", "not", "or", "sub",
    "to", "with",
];

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

/// Longer shapes are cut.
const SHAPE_CHARS_MAX: usize = 300;

/// Longer numbers are no `$top`.
const NUMBER_DIGITS_MAX: usize = 12;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(url: &str, shaped: &str) {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let question = Question::parse(path, Some(query)).unwrap();
        assert_eq!(shape(&question), shaped);
    }

    #[test]
    fn literals_are_left_out() {
        check("", "");
        check("$metadata", "$metadata");
        check("Sessions/$count", "Sessions/$count");
        check(
            "Users?$filter=UserName eq 'O''Brien, J'&$top=5",
            "Users?$filter=UserName eq ?&$top=5",
        );
        check(
            "S?$filter=A eq 5 and not (B lt -1.5e3)",
            "S?$filter=A eq ? and not (B lt ?)",
        );
        check(
            "S?$filter=Id eq a0a1b2c3-0000-1111-2222-333344445555 or At ge 2026-01-01T00:00:00.5Z",
            "S?$filter=Id eq ? or At ge ?",
        );
        check(
            "S?$filter=D eq duration'PT5M' or D eq null",
            "S?$filter=D eq ? or D eq ?",
        );
        check("S?$filter=State in (1,2,'x')", "S?$filter=State in (?,?,?)");
        check(
            "S?$filter=contains(tolower(User/Name),'bob') and Ns/any(n:n/Id eq 1)",
            "S?$filter=contains(tolower(User/Name),?) and Ns/any(n:n/Id eq ?)",
        );
        check(
            "S?$expand=User($select=Id,Name;$filter=Name eq 'bob';$top=3),Machine&$orderby=A desc,B/C",
            "S?$expand=User($select=Id,Name;$filter=Name eq ?;$top=?),Machine&$orderby=A desc,B/C",
        );
        check(
            "S?$apply=filter(A eq 'x')/groupby((B,C/D),aggregate($count as N,X with sum as Y))",
            "S?$apply=filter(A eq ?)/groupby((B,C/D),aggregate($count as N,X with sum as Y))",
        );
        check("S?$filter=A/B eq 1", "S?$filter=A/B eq ?");
        check(
            "S?$filter=cast(A,Edm.DateTimeOffset) gt now()",
            "S?$filter=cast(A,Edm.DateTimeOffset) gt now()",
        );
        check("S?$select=*", "S?$select=*");
    }

    #[test]
    fn keys_searches_and_custom_values_are_left_out() {
        check("Users(5)/Sessions", "Users(?)/Sessions");
        check("Users('bob')", "Users(?)");
        check("Users(bob)", "Users(?)");
        check(
            "M(Id=5,Name='a,b=c')/User/$value",
            "M(Id=?,Name=?)/User/$value",
        );
        check(
            "Users?$search=bob&user=bob&@p='bob'",
            "Users?$search=?&@p=?&user=?",
        );
        check(
            "Users?bob smith=1",
            "Users?=?".replace("?=", "??=").as_str(),
        );
        check("Users?$skiptoken=bob&$top=bob", "Users?$skiptoken=?&$top=?");
        check("Users/Ns.Find(name='bob')", "Users/Ns.Find(name=?)");
        check("Bob Smith/x", "?/x");
    }

    #[test]
    fn mistyped_filters_give_no_names_away() {
        check("U?$filter=Name eq Smith", "U?$filter=Name eq ?");
        check("U?$filter=Name eq John Smith", "U?$filter=Name eq ? ?");
        check(
            "U?$filter=contains(Name,Smith)",
            "U?$filter=contains(Name,?)",
        );
        check("U?$filter=Name in (Smith,Jones)", "U?$filter=Name in (?,?)");
        check("U?$filter=Name eq 'Smith or A eq 1", "U?$filter=Name eq ?");
        check(
            "U?$filter=Name eq O'Brien' or A",
            "U?$filter=Name eq ? or A",
        );
        check(
            "U?$filter=Name eq ACME/smith or A eq ACME\\smith",
            "U?$filter=Name eq ?/? or A eq ?",
        );
        check("U?$filter=Name eq Müller", "U?$filter=Name eq ?");
        check("U?$filter=Name eq \"Smith\"", "U?$filter=Name eq ?");
    }

    #[test]
    fn long_shapes_are_cut() {
        let question =
            Question::parse("S", Some(&format!("$select={}", "Name,".repeat(99)))).unwrap();
        let shaped = shape(&question);
        assert_eq!(shaped.chars().count(), SHAPE_CHARS_MAX);
        assert!(shaped.ends_with('…'));
    }

    proptest! {
        #[test]
        fn quoted_text_never_shows(
            secret in "[a-z(),;=/ &%+]{0,6}zebra[a-z(),;=/ &%+']{0,6}",
            place in 0..5,
        ) {
            let literal = secret.replace('\'', "''");
            let question = Question::parse("S", None).unwrap();
            let question = match place {
                0 => question.with("$filter", &format!("A eq '{literal}' and B in ('{literal}')")),
                1 => question.with("$expand", &format!("N($filter=contains(A,'{literal}'))")),
                2 => question.with("$apply", &format!("filter(A eq '{literal}')")),
                3 => question.with("custom", &secret),
                _ => question.with("$search", &secret),
            };
            prop_assert!(!shape(&question).contains("zebra"), "{}", shape(&question));
        }

        #[test]
        fn every_question_has_a_short_printable_shape(path in "\\PC*", query in "\\PC*|[$a-z=&'\"%0-9(),;/ ]{0,60}") {
            if let Ok(question) = Question::parse(&path, Some(&query)) {
                let shaped = shape(&question);
                prop_assert!(shaped.chars().count() <= SHAPE_CHARS_MAX);
                prop_assert!(shaped.chars().all(|c| c.is_ascii_graphic() || c == ' ' || c == '…' || c == '\t'));
            }
        }
    }
}
