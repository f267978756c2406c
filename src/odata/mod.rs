//! The language: what may be asked, and what the answers look like.
//!
//! Pure: no I/O, no async, no clock. The same bytes in give the same bytes out.
//!
//! - Words of a question: [`name`], [`question`], [`representation`], [`shape`].
//! - What `$metadata` says: [`schema`], [`csdl`], [`key`], [`deny`].
//! - Bodies: [`page`], [`link`], [`neutral`], [`error`].

pub mod csdl;
pub mod deny;
pub mod error;
pub mod key;
pub mod link;
mod markup;
pub mod name;
pub mod neutral;
pub mod page;
mod percent;
pub mod question;
mod quotes;
mod reach;
pub mod representation;
pub mod schema;
pub mod shape;
