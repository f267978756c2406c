//! Asking the service: one HTTP question, one whole response body, in the customer's lane.
//!
//! This room knows credentials, status codes, retries and the lane. It does not know that answers are cached
//! or joined, and it does not look into rows.

mod error;

pub use error::{BadResponse, FetchError, Refusal};
