//! What benches from end to end share: the real programs as processes, and a client that does as little as can be.

pub(crate) mod client;
pub(crate) mod server;

/// Memory as people read it.
pub(crate) fn mebibytes(bytes: Option<u64>) -> String {
    bytes.map_or_else(
        || "(not known here)".to_owned(),
        |bytes| format!("{} MiB", bytes >> 20),
    )
}
