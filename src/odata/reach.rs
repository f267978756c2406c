//! How far the words of a question reach: those that upstream may take for names. Where it is not certain what
//! is a literal, everything counts: this is for finding what must not be asked.

use percent_encoding::percent_decode_str;

use super::question::{Question, Resource};
use super::quotes::{Span, spans};

/// The words of the path.
pub(super) fn path_words(question: &Question) -> impl Iterator<Item = String> {
    let pieces: Vec<&str> = match question.resource() {
        Resource::ServiceDocument | Resource::Metadata | Resource::Batch => Vec::new(),
        Resource::Collection(set) | Resource::Count(set) => vec![set.as_str()],
        Resource::Entity { set, key, rest } => {
            let rest = rest.iter().map(String::as_str);
            [set.as_str(), key].into_iter().chain(rest).collect()
        }
        Resource::Other(segments) => segments.iter().map(String::as_str).collect(),
    };
    words(pieces)
}

/// The words of the options, names and values.
pub(super) fn option_words(question: &Question) -> impl Iterator<Item = String> {
    let pieces = question.options().iter();
    words(pieces.flat_map(|(name, value)| [name.as_str(), value]))
}

/// The identifiers in the pieces, with the dots between them: `Machine`, `Citrix.Monitor.Model.Machine`.
fn words<'a>(pieces: impl IntoIterator<Item = &'a str>) -> impl Iterator<Item = String> {
    let texts: Vec<String> = pieces.into_iter().flat_map(readable).collect();
    texts.into_iter().flat_map(|text| {
        text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'))
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect::<Vec<_>>()
    })
}

/// The text of `piece` in which names may stand, and once more as it would be if somebody decoded it again.
pub(super) fn readable(piece: &str) -> Vec<String> {
    let mut texts = without_literals(piece);
    if piece.contains('%') {
        let decoded = percent_decode_str(piece).decode_utf8_lossy();
        texts.extend(without_literals(&decoded));
    }
    texts
}

/// The text outside quotes. Where another reader might see the quotes otherwise (double quotes, which mean
/// something in searches alone; a search inside `$expand`, where an apostrophe is a letter; a quote that is
/// not closed) it is all of the text. Names of types in quotes count too: `isof('Namespace.Type')`.
fn without_literals(piece: &str) -> Vec<String> {
    let doubtful = piece.contains('"')
        || fold(piece).contains("search")
        || spans(piece).any(|span| matches!(span, Span::Open(_)));
    if doubtful {
        return vec![piece.to_owned()];
    }
    let dotted = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    spans(piece)
        .filter_map(|span| match span {
            Span::Plain(text) => Some(text),
            Span::Quoted(text) | Span::Open(text) => Some(text.trim_matches('\''))
                .filter(|name| name.contains('.') && name.chars().all(dotted)),
        })
        .map(str::to_owned)
        .collect()
}

/// The same for names that some framework might take for the same: `ſ` is an `S` to some.
pub(super) fn fold(name: &str) -> String {
    name.to_uppercase().to_lowercase()
}
