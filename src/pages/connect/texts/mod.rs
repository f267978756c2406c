//! Queries and settings as text to copy, each in its own language. Pure.
//!
//! Whatever is put into a text is quoted for its language; no text holds a key: it says where one goes.

pub(super) mod curl;
pub(super) mod grafana;
pub(super) mod m;
pub(super) mod powershell;
pub(super) mod python;
pub(super) mod warm;
