//! Network.

/// Sends requests over the network.
#[derive(Debug)]
pub struct Network;

/// What it needs.
#[derive(Debug, Clone)]
pub struct NetworkSettings;
