//! Who asks: clients told apart, for fairness among them.

use std::net::{IpAddr, Ipv6Addr};

use http::{HeaderMap, HeaderValue, header};

use crate::gateway::Party;

/// The party of a request: its client's machine and program. Connections of one program are one party, since report
/// tools open many. What is not known, as the address within this process, distinguishes nobody.
pub(crate) fn party(client: Option<IpAddr>, headers: &HeaderMap) -> Party {
    let machine = client.map(|ip| match ip.to_canonical() {
        // `127.0.0.1` and `::1` are one machine, and a program may try both.
        ip if ip.is_loopback() => Ipv6Addr::LOCALHOST,
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    });
    let machine = machine.map_or([0; 16], |ip| ip.octets());
    let program = headers.get(header::USER_AGENT);
    let program = program.map(HeaderValue::as_bytes).unwrap_or_default();
    Party::of(&[&machine, program].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party_of(address: Option<&str>, program: Option<&'static str>) -> Party {
        let mut headers = HeaderMap::new();
        if let Some(program) = program {
            headers.insert(header::USER_AGENT, HeaderValue::from_static(program));
        }
        party(address.map(|address| address.parse().unwrap()), &headers)
    }

    #[test]
    fn machine_and_program_are_one_party() {
        let excel = Some("Microsoft.Data.Mashup");
        let party = party_of(Some("127.0.0.1"), excel);
        for address in ["127.0.0.2", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(party_of(Some(address), excel), party, "{address}");
        }
        for (address, program) in [
            (Some("192.0.2.7"), excel),
            (Some("2001:db8::7"), excel),
            (Some("127.0.0.1"), Some("curl/8.5.0")),
            (Some("127.0.0.1"), None),
            (None, excel),
            (None, None),
        ] {
            assert_ne!(party_of(address, program), party, "{address:?} {program:?}");
        }
    }

    #[test]
    fn within_this_process_programs_are_told_apart() {
        assert_eq!(party_of(None, Some("a")), party_of(None, Some("a")));
        assert_ne!(party_of(None, Some("a")), party_of(None, Some("b")));
    }
}
