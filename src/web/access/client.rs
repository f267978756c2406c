//! Clients as they are counted: by address.

use std::net::{IpAddr, Ipv6Addr};

/// Whose requests count together. An IPv6 client has a network of its own (64 bits), in which it can take any address;
/// `None` and what is within this process count as one.
pub(super) fn counted(client: Option<IpAddr>) -> IpAddr {
    match client.map(|ip| ip.to_canonical()) {
        Some(IpAddr::V6(ip)) if !ip.is_loopback() => {
            let network = u128::from(ip) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(network))
        }
        Some(ip) => ip,
        None => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}

/// So many clients are remembered; those not heard of for longest are forgotten. A few megabytes.
pub(super) const CLIENTS_MAX: u64 = 16_384;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_in_a_client_network_count_as_one() {
        for (one, other, same) in [
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("2001:db8::1", "2001:db8::ffff:1", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
            ("::1", "::2", false),
        ] {
            let [a, b] = [one, other].map(|text| counted(Some(text.parse().unwrap())));
            assert_eq!(a == b, same, "{one} {other}");
        }
    }
}
