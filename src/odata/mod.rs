//! The language: what may be asked, and what the answers look like.
//!
//! Pure: no I/O, no async, no clock. The same bytes in give the same bytes out.
//!
//! - Words of a question: [`name`], [`question`], [`representation`], [`shape`]; in what they are written:
//!   `percent`, `quotes`.
//! - What `$metadata` says: [`schema`], [`csdl`] (which reads `markup`), [`key`], [`deny`].
//! - Answers within answers: [`contained`].
//! - Walks from page to page: [`next`] by links, [`range`] by a date.
//! - Bodies: [`page`], [`row`] (which walks by `scan`), [`member`], [`link`], [`expand`], [`splice`], [`neutral`], [`error`].

pub mod contained;
pub mod csdl;
pub mod deny;
pub mod error;
pub mod expand;
pub mod key;
pub mod link;
mod markup;
pub mod member;
pub mod name;
pub mod neutral;
pub mod next;
pub mod page;
mod percent;
pub mod question;
mod quotes;
pub mod range;
mod reach;
pub mod representation;
pub mod row;
mod scan;
pub mod schema;
pub mod shape;
pub mod splice;
