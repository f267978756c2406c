//! What a client asked, spelled one way.
//!
//! Power BI, Excel, Python and JavaScript clients write the same question in many ways: `$filter` or
//! `%24filter` or `filter`, `+` or `%20`, options in any order. A [`Question`] is the canonical form: two
//! spellings of one question are equal, and two questions that differ never are. It is what upstream is
//! sent and what the cache is keyed by, so an answer always belongs to exactly the text that was asked.

use super::name::EntitySet;

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
    #[error("bad percent-encoding in `{text}`")]
    PercentEncoding {
        /// The piece of the URL, shortened.
        text: String,
    },
    /// The same system query option twice.
    #[error("query option `{name}` appears twice")]
    Duplicate {
        /// The option's canonical name.
        name: String,
    },
    /// More than [`QUESTION_BYTES_MAX`].
    #[error("URL of {bytes} bytes is longer than the limit of {QUESTION_BYTES_MAX}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}

/// The longest path and query, in bytes, that is read. Power Query sends up to 2048 characters; generated
/// filters of other tools are longer.
pub const QUESTION_BYTES_MAX: usize = 32 * 1024;
