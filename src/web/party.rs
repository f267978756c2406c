//! Who asks: clients told apart, for fairness among them.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use http::header;
use http::request::Parts;

use crate::gateway::Party;

/// The party of a request: its client's machine and program. Connections of one program are one party, since report
/// tools open many. What is not known, as the address within this process, distinguishes nobody.
pub(crate) fn party(request: &Parts) -> Party {
    let mut known_by = Vec::new();
    if let Some(ConnectInfo(client)) = request.extensions.get::<ConnectInfo<SocketAddr>>() {
        let ip = client.ip().to_canonical();
        // `127.0.0.1` and `::1` are one machine, and a program may try both.
        let machine = if ip.is_loopback() {
            "this machine".to_owned()
        } else {
            ip.to_string()
        };
        known_by.extend_from_slice(machine.as_bytes());
    }
    known_by.push(0);
    if let Some(program) = request.headers.get(header::USER_AGENT) {
        known_by.extend_from_slice(program.as_bytes());
    }
    Party::of(&known_by)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn party_of(address: Option<&str>, program: Option<&str>) -> Party {
        let mut request = Request::new(());
        if let Some(address) = address {
            let address: SocketAddr = address.parse().unwrap();
            request.extensions_mut().insert(ConnectInfo(address));
        }
        if let Some(program) = program {
            let program = program.parse().unwrap();
            request.headers_mut().insert(header::USER_AGENT, program);
        }
        party(&request.into_parts().0)
    }

    #[test]
    fn machine_and_program_are_one_party() {
        let excel = Some("Microsoft.Data.Mashup");
        let party = party_of(Some("127.0.0.1:50000"), excel);
        for address in ["127.0.0.1:50001", "[::1]:50002", "[::ffff:127.0.0.1]:50000"] {
            assert_eq!(party_of(Some(address), excel), party, "{address}");
        }
        for (address, program) in [
            (Some("192.0.2.7:50000"), excel),
            (Some("[2001:db8::7]:50000"), excel),
            (Some("127.0.0.1:50000"), Some("curl/8.5.0")),
            (Some("127.0.0.1:50000"), None),
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
