//! Addresses of clients: which are this machine's own, and which count as one.

use std::net::{IpAddr, Ipv6Addr};

/// Whether a client with this address is on this machine: all of `127.0.0.0/8`, and `::1`.
pub fn is_this_machine(client: IpAddr) -> bool {
    client.to_canonical().is_loopback()
}

/// The address under which a client is counted. An IPv4 address is the same however it is written; an IPv6 client can take any
/// address of its network (64 bits), so the network stands for it, and with it for its neighbours there. Link-local addresses
/// (RFC 4291 §2.5.6) all have the same network, which says nothing.
pub fn counted(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(ip) if !ip.is_loopback() && !ip.is_unicast_link_local() => {
            let network = u128::from(ip) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(network))
        }
        ip => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn neighbours_in_a_network_of_a_client_count_as_one() {
        for (client, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.2", "192.0.2.2"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("127.0.0.1", "127.0.0.1"),
            ("::ffff:127.0.0.2", "127.0.0.2"),
            ("2001:db8::1", "2001:db8::"),
            ("2001:db8::ffff:1", "2001:db8::"),
            ("2001:db8:0:0:ffff:ffff:ffff:ffff", "2001:db8::"),
            ("2001:db8:0:1::1", "2001:db8:0:1::"),
            ("fe80::1", "fe80::1"),
            // Otherwise it would be the address of nobody.
            ("::1", "::1"),
            ("::2", "::"),
        ] {
            assert_eq!(counted(ip(client)), ip(expected), "{client}");
        }
    }

    #[test]
    fn this_machine_has_many_addresses() {
        for (client, expected) in [
            ("127.0.0.1", true),
            ("127.1.2.3", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("::", false),
            ("0.0.0.0", false),
            ("192.168.0.1", false),
            ("fe80::1", false),
        ] {
            assert_eq!(is_this_machine(ip(client)), expected, "{client}");
        }
    }
}
