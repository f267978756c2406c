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
    /// A segment with `.` or `..` between slashes or backslashes, however encoded, or a control character: URL
    /// libraries and gateways resolve them, so the path that upstream sees would be another one, even one
    /// outside the service.
    #[error("a path segment is not allowed")]
    DotSegment {
        /// The segment, decoded.
        segment: String,
    },
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
        if let Some(segment) = segments.iter().find(|segment| leads_elsewhere(segment)) {
            let segment = segment.clone();
            return Err(ParseError::DotSegment { segment });
        }
        let mut question = Self {
            resource: Resource::from_segments(segments),
            options: Vec::new(),
        };
        for piece in query.unwrap_or_default().split('&') {
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
fn canonical_name(name: &str) -> String {
    let name = name.trim();
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

/// Whether some reader on the way could take a decoded segment for a way up: gateways decode `%2F` and `%5C`,
/// some decode twice, some cut parameters (`..;x`) and blanks.
fn leads_elsewhere(segment: &str) -> bool {
    let suspicious = |text: &str| {
        text.chars().any(char::is_control)
            || text.split(['/', '\\']).any(|piece| {
                let piece = piece.split(';').next().unwrap_or_default().trim();
                piece == "." || piece == ".."
            })
    };
    let again = percent_decode_str(segment).decode_utf8_lossy();
    suspicious(segment) || suspicious(&again)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ask(url: &str) -> Result<Question, ParseError> {
        let (path, query) = url
            .split_once('?')
            .map_or((url, None), |(p, q)| (p, Some(q)));
        Question::parse(path, query)
    }

    #[track_caller]
    fn check(url: &str, canonical: &str) {
        let question = ask(url).unwrap();
        assert_eq!(question.canonical(), canonical);
        assert_eq!(ask(canonical).unwrap(), question);
    }

    #[test]
    fn spellings_of_one_question_meet() {
        check("", "");
        check("//", "");
        check("/$metadata/", "$metadata");
        check("%24metadata", "$metadata");
        check("/Sessions//", "Sessions");
        check("Sessions()", "Sessions");
        check("Sessions()/$count/", "Sessions/$count");
        check("Sessions?%24top=5", "Sessions?$top=5");
        check("Sessions?top=5", "Sessions?$top=5");
        check("Sessions?$Top=+5+", "Sessions?$top=5");
        check("Sessions?+TOP=5", "Sessions?$top=5");
        check("S?&$top=1&&$skip=2&", "S?$skip=2&$top=1");
        check(
            "S?$select=A%2CB,+C&$filter=A+%20eq%091",
            "S?$filter=A%20eq%201&$select=A,B,C",
        );
        check(
            "S?$expand=N(%20$select=A%20;%20$top=1%20)",
            "S?$expand=N($select=A;$top=1)",
        );
        check(
            "S?$filter=A+eq+'x++%2B%2f%26%25''y'",
            "S?$filter=A%20eq%20'x%20%20%2B/%26%25''y'",
        );
        check("S?$filter=A+eq+%27%c3%a9%27", "S?$filter=A%20eq%20'%C3%A9'");
    }

    #[test]
    fn keeps_what_is_not_ours_to_change() {
        check("S?null=null&b=+2+&a=1&b=1", "S?a=1&b=%202%20&b=1&null=null");
        check("S?%2524top=1", "S?%2524top=1");
        check("S?a%3Db=c=d", "S?a%3Db=c=d");
        check("S?@p=%27x%27", "S?@p='x'");
        check("S?flag", "S?flag=");
        check("S?$skiptoken=a++b", "S?$skiptoken=a%20%20b");
        check(
            "S?$search=%22a++b%22+++c",
            "S?$search=%22a%20%20b%22%20%20%20c",
        );
        check("S('a%2Fb')", "S('a%2Fb')");
        check("S('a+b')", "S('a%2Bb')");
        check("S(5)/User", "S(5)/User");
        check("S/Ns.Type", "S/Ns.Type");
        check("S/$query", "S/$query");
        check("sessions", "sessions");
    }

    #[test]
    fn paths_name_resources() {
        let check = |path: &str, resource: Resource| {
            assert_eq!(Question::parse(path, None).unwrap().resource, resource);
        };
        let set = || EntitySet::new("S").unwrap();
        let entity = |key: &str, rest: &[&str]| Resource::Entity {
            set: set(),
            key: key.into(),
            rest: rest.iter().map(|s| (*s).to_owned()).collect(),
        };
        check("/$batch/", Resource::Batch);
        check("S( )", Resource::Other(vec!["S( )".into()]));
        check("S/$count", Resource::Count(set()));
        check("S('%25%2F'')')", entity("'%/'')'", &[]));
        check("S( A=1,B='x' )", entity("A=1,B='x'", &[]));
        check("S(5)/User/$count", entity("5", &["User", "$count"]));
        check(
            "S()/User",
            Resource::Other(vec!["S()".into(), "User".into()]),
        );
        check("$all", Resource::Other(vec!["$all".into()]));
        check("1S", Resource::Other(vec!["1S".into()]));
    }

    #[test]
    fn faults_are_named() {
        let check = |url: &str, message: &str| {
            assert_eq!(ask(url).unwrap_err().to_string(), message);
        };
        check("S%2", "bad percent-encoding");
        check("S?$filter=%E9", "bad percent-encoding");
        check("S?$top=1&top=1", "query option `$top` appears twice");
        check("S/../T", "a path segment is not allowed");
        check("S/%2e%2E/T", "a path segment is not allowed");
        check("./S", "a path segment is not allowed");
    }

    #[test]
    fn options_can_be_changed() {
        let question = ask("S?$top=5&$skip=x&a=1").unwrap();
        assert_eq!((question.top(), question.skip()), (Some(5), None));
        let changed = question.with("$skip", "10").without("a").with("b", " ");
        assert_eq!(changed.canonical(), "S?$skip=10&$top=5&b=%20");
        assert_eq!(changed.skip(), Some(10));
        let all = Question::collection(EntitySet::new("S").unwrap());
        assert_eq!(all.canonical(), "S");
        assert_eq!(ask("S?$top=+").unwrap().top(), None);
    }

    /// Spells `text` in some other way that means the same: any character may be percent-encoded, in either
    /// case of hexadecimal digits, and a space may be a plus sign.
    fn spell(text: &str, choices: &[u8]) -> String {
        let encoded = |c: char| {
            let mut bytes = [0; 4];
            let bytes = c.encode_utf8(&mut bytes).bytes();
            let bytes: Vec<String> = bytes.map(|byte| format!("%{byte:02X}")).collect();
            bytes.concat()
        };
        let spelled = text.chars().zip(choices.iter().cycle()).map(|(c, choice)| {
            let plain = c.is_ascii_alphanumeric() || "$'(),:;/@*!".contains(c);
            match choice % 3 {
                0 if plain => c.to_string(),
                0 | 1 if c == ' ' => "+".to_owned(),
                1 => encoded(c).to_lowercase(),
                _ => encoded(c),
            }
        });
        spelled.collect()
    }

    /// A string literal with anything in it, quotes doubled.
    fn literal() -> impl Strategy<Value = String> {
        "[a-z '\"%+/;&=#?,()é\u{1F600}$\\\\]{0,8}|%2[0BF5]".prop_map(|s| s.replace('\'', "''"))
    }

    proptest! {
        #[test]
        fn spellings_meet(
            value in literal(),
            choices in prop::collection::vec(any::<u8>(), 1..40),
            swapped: bool,
            dollar: bool,
            blanks in "[ \t]{0,3}",
        ) {
            let plain = format!("A eq '{value}' and contains(B,'{value}')");
            let loose = format!("{blanks}A eq {blanks}'{value}' and contains({blanks}B{blanks},{blanks}'{value}'{blanks}){blanks}");
            let name = if dollar { "$filter" } else { "FILTER" };
            let filter = format!("{}={}", spell(name, &choices), spell(&loose, &choices));
            let query = if swapped {
                format!("%24top=5&{filter}")
            } else {
                format!("{filter}&&top=5")
            };
            let question = Question::parse("/S/", Some(&query)).unwrap();
            prop_assert_eq!(question.option("$filter"), Some(plain.as_str()));
            let straight = Question::parse("S", None).unwrap().with("$top", "5").with("$filter", &plain);
            prop_assert_eq!(question.canonical(), straight.canonical());
            prop_assert_eq!(question, straight);
        }

        #[test]
        fn different_literals_never_meet(
            a in literal(),
            b in literal(),
            name in "\\$filter|\\$orderby|\\$expand|\\$apply|\\$search|custom|\\$skiptoken",
        ) {
            let question = |value: &str| {
                let value = format!("A eq '{value}' and B eq 1");
                let query = format!("{}={}", spell(&name, &[1]), spell(&value, &[2]));
                Question::parse("S", Some(&query)).unwrap()
            };
            prop_assert_eq!(a == b, question(&a).canonical() == question(&b).canonical());
        }

        #[test]
        fn different_keys_never_meet(a in literal(), b in literal()) {
            let question = |key: &str| {
                Question::parse(&encode_segment(&format!("S('{key}')")), None).unwrap()
            };
            prop_assert_eq!(a == b, question(&a).canonical() == question(&b).canonical());
        }

        #[test]
        fn different_custom_values_never_meet(a in "\\PC{0,6}", b in "\\PC{0,6}") {
            let question = |value: &str| {
                Question::parse("S", Some(&format!("x={}", encode_value(value)))).unwrap()
            };
            prop_assert_eq!(a == b, question(&a).canonical() == question(&b).canonical());
        }

        #[test]
        fn canonical_text_reads_back(path in "\\PC*|[A-Z$()'/a.%2F]{0,12}", query in "\\PC*|[$a-z=&+%2'\"(), ;]{0,40}") {
            if let Ok(question) = Question::parse(&path, Some(&query)) {
                let canonical = question.canonical();
                let again = ask(&canonical).unwrap();
                prop_assert_eq!(again.canonical(), canonical);
                prop_assert_eq!(again, question);
            }
        }

        #[test]
        fn tidying_keeps_the_words(value in "[A-C '\"(),;]{0,30}") {
            let query = format!("$expand={}", encode_value(&value));
            let question = Question::parse("S", Some(&query)).unwrap();
            let words = |text: &str| text.replace(' ', "");
            prop_assert_eq!(words(question.option("$expand").unwrap()), words(&value));
        }
    }
}
