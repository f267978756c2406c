//! Clients as their requests are counted: by address.

use std::net::{IpAddr, Ipv6Addr};

use crate::address;

/// Whose requests count together; `None`, what is within this process, counts as one.
pub(super) fn counted(client: Option<IpAddr>) -> IpAddr {
    client.map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), address::counted)
}

/// So many clients are remembered; those not heard of for longest are forgotten. A few megabytes.
pub(super) const CLIENTS_MAX: u64 = 16_384;
