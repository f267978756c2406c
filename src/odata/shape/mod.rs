//! A question without its values, for log lines: filters hold names of people.

mod expression;

use self::expression::expression;
use super::question::{Question, Resource};
use super::quotes::{is_blank, is_identifier, split, split_once};

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
            expression(name, value)
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

/// Longer shapes are cut.
const SHAPE_CHARS_MAX: usize = 300;

/// Longer numbers are no `$top`.
const NUMBER_DIGITS_MAX: usize = 12;

#[cfg(test)]
mod tests;
