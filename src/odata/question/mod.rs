//! What a client asked, spelled one way.
//!
//! Power BI, Excel, Python and JavaScript clients write the same question in many ways: `$filter` or
//! `%24filter` or `filter`, `+` or `%20`, options in any order. A [`Question`] is the canonical form: two
//! spellings of one question are equal, and two questions that differ never are. It is what upstream is
//! sent and what the cache is keyed by, so an answer always belongs to exactly the text that was asked.

use percent_encoding::percent_decode_str;

use super::name::EntitySet;
use super::percent::{decode_query, decode_segment, encode_name, encode_segment, encode_value};
use super::quotes::tidy;

/// A path below the service root and the options that go with it, in canonical form.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    resource: Resource,
    /// Sorted by name; system options begin with `$`; names and values are decoded.
    options: Vec<(String, String)>,
}

/// What a path below the service root names (OData 4.0 URL Conventions, section 4).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Resource {
    /// The service document: no path.
    ServiceDocument,
    /// `$metadata`.
    Metadata,
    /// `$batch`.
    Batch,
    /// `Set`, `Set/`, `Set()`.
    Collection(EntitySet),
    /// `Set/$count`.
    Count(EntitySet),
    /// `Set(key)` and what follows it.
    Entity {
        /// The set.
        set: EntitySet,
        /// What stands between the parentheses, decoded: `5`, `Id=5`, `A='x',B=2`.
        key: String,
        /// The segments behind it, decoded: navigation properties, `$count`, `$value`, …
        rest: Vec<String>,
    },
    /// Anything else below the root, as decoded segments: `Set/Ns.Type`, `Set/$query`, functions, …
    Other(Vec<String>),
}

/// Why a URL cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// A `%` that two hexadecimal digits do not follow, or bytes that are not UTF-8.
    #[error("bad percent-encoding")]
    PercentEncoding {
        /// The piece of the URL, shortened; for the client alone, because it may be a person's name.
        text: String,
    },
    /// The same system query option twice.
    #[error("query option `{name}` appears twice")]
    Duplicate {
        /// The option's canonical name.
        name: String,
    },
    /// A segment with `.` or `..` between slashes or backslashes, however encoded: URL libraries and gateways
    /// resolve them, so the path that upstream sees would be another one, even one outside the service.
    #[error("a path segment is `.` or `..`")]
    DotSegment {
        /// The segment, decoded.
        segment: String,
    },
    /// A segment with a control character, however encoded: some readers on the way drop it, some cut there.
    #[error("a path segment holds a control character")]
    ControlCharacter,
    /// More than [`QUESTION_BYTES_MAX`].
    #[error("URL of {bytes} bytes is longer than the limit of {QUESTION_BYTES_MAX}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}

impl Question {
    /// Reads a path below the service root and a query, both as they came: percent-encoded. Slashes at
    /// either end and doubled ones mean nothing.
    ///
    /// `Sessions/?top=5&%24filter=UserId+eq++7` is the question `Sessions?$filter=UserId%20eq%207&$top=5`.
    ///
    /// Any length is read: upstream's next links spell the client's question in a longer way. What clients
    /// may send is [`QUESTION_BYTES_MAX`].
    pub fn parse(path: &str, query: Option<&str>) -> Result<Self, ParseError> {
        let segments = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(decode_segment)
            .collect::<Result<Vec<_>, _>>()?;
        for segment in &segments {
            refuse_ambiguous(segment)?;
        }
        let mut question = Self {
            resource: Resource::from_segments(segments),
            options: Vec::new(),
        };
        let pieces = query.unwrap_or_default().split('&');
        for piece in pieces.filter(|piece| !piece.is_empty()) {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            let name = canonical_name(&decode_query(name)?);
            let value = canonical_value(&name, &decode_query(value)?);
            if is_system(&name) && question.option(&name).is_some() {
                return Err(ParseError::Duplicate { name });
            }
            if !(name.is_empty() && value.is_empty()) {
                question.options.push((name, value));
            }
        }
        question.sort();
        Ok(question)
    }

    /// The question for the service document.
    pub fn service_document() -> Self {
        Self::about(Resource::ServiceDocument)
    }

    /// The question for `$metadata`.
    pub fn metadata() -> Self {
        Self::about(Resource::Metadata)
    }

    /// All rows of `set`.
    pub fn collection(set: EntitySet) -> Self {
        Self::about(Resource::Collection(set))
    }

    /// The collection `set` with this question's options.
    #[must_use]
    pub fn about_collection(&self, set: EntitySet) -> Self {
        Self {
            resource: Resource::Collection(set),
            options: self.options.clone(),
        }
    }

    fn about(resource: Resource) -> Self {
        Self {
            resource,
            options: Vec::new(),
        }
    }

    /// What the path names.
    pub fn resource(&self) -> &Resource {
        &self.resource
    }

    /// Names and values in canonical order. Repeated custom options stand in the order of the client.
    pub fn options(&self) -> &[(String, String)] {
        &self.options
    }

    /// The value of the (first) option of that canonical name: `$top`, not `top`.
    pub fn option(&self, name: &str) -> Option<&str> {
        let (_, value) = self.options.iter().find(|(other, _)| other == name)?;
        Some(value)
    }

    /// The same question with that option, in place of any of the same name.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let name = canonical_name(name);
        let mut question = self.without(&name);
        let value = canonical_value(&name, value);
        question.options.push((name, value));
        question.sort();
        question
    }

    /// The same question without options of that name.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        let mut question = self.clone();
        question.options.retain(|(other, _)| other != name);
        question
    }

    /// The set that the path begins with, when it is one of the forms that name a set.
    pub fn set(&self) -> Option<&EntitySet> {
        match &self.resource {
            Resource::Collection(set) | Resource::Count(set) | Resource::Entity { set, .. } => {
                Some(set)
            }
            Resource::ServiceDocument
            | Resource::Metadata
            | Resource::Batch
            | Resource::Other(_) => None,
        }
    }

    /// `$top`, when it is a plain number.
    pub fn top(&self) -> Option<u64> {
        self.number("$top")
    }

    /// `$skip`, when it is a plain number.
    pub fn skip(&self) -> Option<u64> {
        self.number("$skip")
    }

    /// The question as text, percent-encoded: the path, and the query behind a `?` when there is one.
    /// Reading it again gives an equal question.
    pub fn canonical(&self) -> String {
        let mut text = self.resource.path();
        for (index, (name, value)) in self.options.iter().enumerate() {
            text.push(if index == 0 { '?' } else { '&' });
            text.push_str(&encode_name(name));
            text.push('=');
            text.push_str(&encode_value(value));
        }
        text
    }

    fn number(&self, name: &str) -> Option<u64> {
        let value = self.option(name)?;
        let plain = value.bytes().all(|c| c.is_ascii_digit());
        plain.then(|| value.parse().ok()).flatten()
    }

    /// The sort is stable: a repeated custom option may be a list.
    fn sort(&mut self) {
        self.options.sort_by(|(a, _), (b, _)| a.cmp(b));
    }
}

impl Resource {
    fn from_segments(mut segments: Vec<String>) -> Self {
        let words: Vec<&str> = segments.iter().map(String::as_str).collect();
        match *words.as_slice() {
            [] => return Self::ServiceDocument,
            ["$metadata"] => return Self::Metadata,
            ["$batch"] => return Self::Batch,
            [name] => {
                if let Some(set) = bare_set(name) {
                    return Self::Collection(set);
                }
            }
            [name, "$count"] => {
                if let Some(set) = bare_set(name) {
                    return Self::Count(set);
                }
            }
            _ => {}
        }
        match words.first().copied().and_then(keyed_set) {
            Some((set, key)) => Self::Entity {
                set,
                key,
                rest: segments.split_off(1),
            },
            None => Self::Other(segments),
        }
    }

    /// The path below the service root, percent-encoded.
    fn path(&self) -> String {
        match self {
            Self::ServiceDocument => String::new(),
            Self::Metadata => "$metadata".to_owned(),
            Self::Batch => "$batch".to_owned(),
            Self::Collection(set) => encode_segment(set.as_str()),
            Self::Count(set) => format!("{}/$count", encode_segment(set.as_str())),
            Self::Entity { set, key, rest } => {
                let first = format!("{set}({key})");
                join(std::iter::once(&first).chain(rest))
            }
            Self::Other(segments) => join(segments),
        }
    }
}

fn join<'a>(segments: impl IntoIterator<Item = &'a String>) -> String {
    let encoded: Vec<String> = segments.into_iter().map(|s| encode_segment(s)).collect();
    encoded.join("/")
}

/// `Set` or `Set()`.
fn bare_set(segment: &str) -> Option<EntitySet> {
    EntitySet::new(segment.strip_suffix("()").unwrap_or(segment))
}

/// `Set(key)`.
fn keyed_set(segment: &str) -> Option<(EntitySet, String)> {
    let (name, key) = segment.strip_suffix(')')?.split_once('(')?;
    let key = key.trim_matches([' ', '\t']);
    (!key.is_empty()).then_some((EntitySet::new(name)?, key.to_owned()))
}

/// System options in any case, with or without `$` (OData 4.01), get their 4.0 name. A 4.0 service reads
/// `top=5` as an option of somebody else's, so merging it with `$top=5` would be wrong if upstream were sent
/// what the client wrote. But it is always sent the canonical text: what we answer is what was asked of it.
/// Upstream's framework ignores blanks around names, so they cannot be left in place to hide a name.
pub(crate) fn canonical_name(name: &str) -> String {
    let name = name.trim();
    if is_system(name) {
        return name.to_owned();
    }
    let word = name.strip_prefix('$').unwrap_or(name).to_ascii_lowercase();
    if SYSTEM_OPTIONS.contains(&word.as_str()) {
        format!("${word}")
    } else {
        name.to_owned()
    }
}

fn is_system(name: &str) -> bool {
    name.strip_prefix('$')
        .is_some_and(|word| SYSTEM_OPTIONS.contains(&word))
}

/// Drops the blanks that the grammar of the option ignores. Where the grammar is unknown (custom options),
/// opaque (tokens) or loose (searches), as little as possible is touched.
fn canonical_value(name: &str, value: &str) -> String {
    match name {
        "$expand" | "$select" => tidy(value, &[',', ';']),
        "$filter" | "$orderby" | "$apply" | "$compute" => tidy(value, &[',']),
        "$top" | "$skip" | "$count" | "$format" | "$search" | "$index" | "$levels"
        | "$schemaversion" => value.trim_matches([' ', '\t']).to_owned(),
        _ => value.to_owned(),
    }
}

/// The longest path and query, in bytes, that a client may send. Power Query sends up to 2048 characters; generated
/// filters of other tools are longer.
pub const QUESTION_BYTES_MAX: usize = 32 * 1024;

/// System query options of OData 4.0 and 4.01, without `$`.
const SYSTEM_OPTIONS: [&str; 16] = [
    "apply",
    "compute",
    "count",
    "deltatoken",
    "expand",
    "filter",
    "format",
    "index",
    "levels",
    "orderby",
    "schemaversion",
    "search",
    "select",
    "skip",
    "skiptoken",
    "top",
];

/// Refuses a decoded segment that some reader on the way could take for another one, or for a way up: gateways
/// decode `%2F` and `%5C`, some decode twice, some cut parameters (`..;x`) and blanks.
fn refuse_ambiguous(segment: &str) -> Result<(), ParseError> {
    let harmless = |c: u8| c.is_ascii_alphanumeric() || b"_$(',=)".contains(&c);
    if segment.bytes().all(harmless) {
        return Ok(());
    }
    let again = percent_decode_str(segment).decode_utf8_lossy();
    for text in [segment, &again] {
        if text.chars().any(char::is_control) {
            return Err(ParseError::ControlCharacter);
        }
        let leads_up = text.split(['/', '\\']).any(|piece| {
            let piece = piece.split(';').next().unwrap_or_default().trim();
            piece == "." || piece == ".."
        });
        if leads_up {
            let segment = segment.to_owned();
            return Err(ParseError::DotSegment { segment });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
