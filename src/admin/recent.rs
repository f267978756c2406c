//! A request that is over, in the JSON and on the page.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::status::rfc3339;
use crate::journal::{Ended, Finished, Written};

/// A request that is over.
#[derive(Debug, Serialize)]
pub struct Recent {
    /// Counts from 1 on, from the start of the program.
    pub number: u64,
    /// When it came.
    #[serde(serialize_with = "rfc3339")]
    pub at: Timestamp,
    /// Its method.
    pub method: &'static str,
    /// The question without its values, empty for the service document, or one of our own paths.
    pub shape: Option<String>,
    /// The site that was asked.
    pub site: Option<String>,
    /// The entity set that its question begins at.
    pub set: Option<String>,
    /// None when the client left before there was one.
    pub status: Option<u16>,
    /// How its answer came about: a word of the metrics' label `outcome`.
    pub outcome: Option<&'static str>,
    /// Rows of its body.
    pub rows: u64,
    /// Bytes of its body, as encoded.
    pub bytes: u64,
    /// From its head to the end of its body.
    pub milliseconds: u64,
    /// `complete`, `cut` or `client-gone`.
    #[serde(serialize_with = "ended")]
    pub ended: Ended,
    /// What went wrong.
    pub error: Option<String>,
}

impl Recent {
    /// As it was written down.
    pub(super) fn new(written: Written) -> Self {
        let Written {
            number,
            at,
            finished,
        } = written;
        let Finished {
            method,
            shape,
            site,
            set,
            status,
            outcome,
            rows,
            bytes,
            duration,
            ended,
            error,
            ..
        } = finished;
        Self {
            number,
            at,
            method,
            shape: shape.as_deref().map(str::to_owned),
            site: site.as_deref().map(str::to_owned),
            set: set.as_deref().map(str::to_owned),
            status,
            outcome,
            rows,
            bytes,
            milliseconds: duration.as_millis().try_into().unwrap_or(u64::MAX),
            ended,
            error,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it")]
fn ended<S: Serializer>(ended: &Ended, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(ended.as_str())
}
