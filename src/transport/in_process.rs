//! In process.

/// Hands requests to a router in this process.
#[derive(Debug)]
pub struct InProcess;
