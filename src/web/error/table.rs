//! The whole table, for reading.

use std::fmt::Write;
use std::time::Duration;

use super::*;
use crate::transport::TransportFault;
use crate::upstream::{BadResponse, FetchError, Refusal, Spent};

#[test]
fn every_error_has_its_status_code_and_words() {
    let mut table = String::new();
    for error in all() {
        let problem = Problem::from(&error);
        let retry = problem.retry_after.map(|s| format!(" after {s} s"));
        writeln!(
            table,
            "{} {}{}: {}",
            problem.status.as_u16(),
            problem.code,
            retry.unwrap_or_default(),
            problem.message
        )
        .unwrap();
        let status = problem.status.as_u16();
        assert!(![308, 401, 403].contains(&status));
    }
    insta::assert_snapshot!(table, @r"
    400 InvalidRequest: The URL cannot be read: bad percent-encoding in `%ZZ`. Write `%` as `%25`, and other characters in UTF-8.
    400 InvalidRequest: The URL cannot be read: query option `$top` appears twice. Give each option once.
    400 InvalidRequest: The URL cannot be read: a path segment is `.` or `..`. Write the path without `.` and `..`.
    400 InvalidRequest: The URL cannot be read: a path segment holds a control character. Write the path without line breaks, tabs and the like.
    400 InvalidRequest: The URL cannot be read: URL of 40000 bytes is longer than the limit of 32768. Shorten the query, for example with fewer values in `$filter`.
    400 InvalidRequest: The query cannot be read: `$top` must be a number.
    404 NotFound: There is no site `mian`. `/` lists those that there are.
    404 EntitySetBlocked: `DirectorAgent` is not offered, because its rows can carry secrets. Leave it out of the query; if it is needed, the administrator can take it off the list `sets.deny`.
    404 NotFound: There is no entity set `Session`. Did you mean `Sessions`, `SessionMetrics` or `SessionV2`?
    404 NotFound: There is no entity set `Quux`. The service document lists those that there are.
    404 NotFound: No row of `Users` has the key `7`. Check the key; Citrix also removes old rows.
    501 NotSupported: This server does not support `$ref`. Ask for an entity set with `$filter`, `$select`, `$expand`, `$orderby`, `$top`, `$skip` or `$count`.
    504 NotStored: There is no stored answer, and the client wants no other (`Cache-Control: only-if-cached`). Ask without this directive.
    503 UpstreamUnavailable after 10 s: The answer was interrupted, because the proxy is stopping or its temporary file cannot be read. Try again; the log has more.
    400 X: Could not find a property named 'Y'.
    400 BadRequest: Citrix refused the query with status 400 and did not say why. Check the names and options in the URL against `$metadata`.
    404 NotFound: Citrix refused the query with status 404 and did not say why. Check the names and options in the URL against `$metadata`.
    400 BadRequest: Citrix refused the query with status 410 and did not say why. Check the names and options in the URL against `$metadata`.
    501 NotImplemented: Citrix refused the query with status 501 and did not say why. Check the names and options in the URL against `$metadata`.
    502 UpstreamCredentials: The client secret was refused; enter a new one.
    503 UpstreamBusy after 120 s: Citrix Cloud was too busy for this customer for 10m (14 times status 429; 9m 40s of it in pauses that Citrix asked for), and the proxy gave up waiting. Try again later, and let fewer reports refresh at the same time.
    503 UpstreamBusy after 30 s: The queue for Citrix Cloud is full: 256 queries wait, and no more may (`upstream.queue_limit`). Try again later, or have the administrator raise this limit.
    503 UpstreamBusy after 30 s: The queue for Citrix Cloud is full: 1 query waits, and no more may (`upstream.queue_limit`). Try again later, or have the administrator raise this limit.
    503 UpstreamBusy after 30 s: The queue for Citrix Cloud is full: no query may wait for its turn (`upstream.queue_limit`). Try again later, or have the administrator raise this limit.
    503 UpstreamUnavailable after 21 s: Citrix Cloud answered with status 503 for 10m (14 times status 503; 9m 40s of it in pauses that Citrix asked for). Try again later; https://status.cloud.com tells of outages.
    503 UpstreamUnavailable after 21 s: Citrix Cloud was not reachable for 10m (9 times a failed connection): its host name could not be resolved. Check the machine's DNS, and `region` or `upstream.endpoint`. `citrix-odata-proxy check` tests each step.
    503 UpstreamUnavailable after 21 s: Citrix Cloud was not reachable for 10m (9 times a failed connection): no connection could be made. Check the network, the firewall and the proxy settings of the machine. `citrix-odata-proxy check` tests each step.
    503 UpstreamUnavailable after 21 s: Citrix Cloud was not reachable for 10m (9 times a failed connection): no trusted TLS session could be made. If a company proxy inspects TLS, install its root certificate in the machine's certificate store. `citrix-odata-proxy check` tests each step.
    503 UpstreamUnavailable after 21 s: Citrix Cloud was not reachable for 10m (9 times a failed connection): its answers stopped before their end. Check the network and any proxy on the way. `citrix-odata-proxy check` tests each step.
    503 UpstreamUnavailable after 21 s: Citrix Cloud was not reachable for 10m (9 times a failed connection): it could not be asked. The proxy's log, and the last error on its page, have more. `citrix-odata-proxy check` tests each step.
    503 UpstreamUnavailable after 21 s: Citrix Cloud was not reachable for 10m (9 times a failed connection): it could not be asked. The proxy's log, and the last error on its page, have more. `citrix-odata-proxy check` tests each step.
    504 UpstreamTimeout: Citrix Cloud did not answer within 1m (3 times no answer in time). Ask for less at once, with `$filter` on a shorter time or with `$select`, or have the administrator raise `upstream.page_timeout`.
    502 UpstreamBadResponse: Citrix Cloud's answer cannot be used: an HTML page instead of data. Something on the way answered in its place, such as a company proxy or a log-on page. Let the proxy's machine reach Citrix Cloud directly, and run `citrix-odata-proxy check`.
    502 UpstreamBadResponse: Citrix Cloud's answer cannot be used: a redirect (status 302). Redirects are not followed, because credentials would go with them. Check `upstream.endpoint` and `region`, and what stands between here and Citrix Cloud.
    502 UpstreamBadResponse: Citrix Cloud's answer cannot be used: a page larger than 1048576 bytes. Ask for fewer columns with `$select`, or for less with `$expand`.
    502 UpstreamBadResponse: Citrix Cloud's answer cannot be used: an unexpected status 418. Check `upstream.endpoint` and `region`, and run `citrix-odata-proxy check`.
    502 UpstreamBadResponse: Citrix Cloud's answer cannot be used: a malformed body: expected `,` at column 7. Try again; if it stays so, run `citrix-odata-proxy check`.
    502 UpstreamBadResponse: Citrix Cloud's answer cannot be used: a next link that leads back to a page already read. The answer cannot be completed, so nothing of it is given. Try again, or ask for less at once with `$filter`.
    502 UpstreamBadResponse: Citrix Cloud's answer cannot be used: a next link that does not continue this collection: another host. The answer cannot be completed, so nothing of it is given. Try again, or ask for less at once with `$filter`.
    502 UpstreamBadResponse: Citrix Cloud's answer cannot be used: a page whose context differs from the first page's. The answer cannot be completed, so nothing of it is given. Try again, or ask for less at once with `$filter`.
    502 UpstreamBadResponse: Citrix Cloud's answer cannot be used: rows by date that are not as they were asked for: they are not in the order of `StartDate` (see `scans.range_never`). Try again; if it stays so, have the administrator add the set to `scans.range_never`, so that it is not walked by date.
    502 UpstreamBadResponse: Citrix Cloud's answer cannot be used: 58000 rows where upstream counts 60000 (see `scans.range_never`). Try again; if it stays so, have the administrator add the set to `scans.range_never`, so that it is not walked by date.
    502 UpstreamBadResponse: Citrix Cloud's answer cannot be used: more than 10000 pages. Ask for less at once, with `$filter` on a shorter time.
    ");
}

fn all() -> Vec<AnswerError> {
    let mut all = ours();
    all.extend(refused());
    all.extend(fetches().into_iter().map(AnswerError::Fetch));
    all.extend(
        bad_responses()
            .into_iter()
            .map(|error| AnswerError::Fetch(FetchError::BadResponse(error))),
    );
    all
}

fn ours() -> Vec<AnswerError> {
    let encoding = ParseError::PercentEncoding {
        text: "%ZZ".to_owned(),
    };
    let duplicate = ParseError::Duplicate {
        name: "$top".to_owned(),
    };
    vec![
        encoding.into(),
        duplicate.into(),
        ParseError::DotSegment {
            segment: "..".to_owned(),
        }
        .into(),
        ParseError::ControlCharacter.into(),
        ParseError::TooLong { bytes: 40_000 }.into(),
        AnswerError::InvalidOption {
            reason: "`$top` must be a number".to_owned(),
        },
        AnswerError::UnknownSite {
            site: "mian".to_owned(),
        },
        AnswerError::Blocked {
            set: "DirectorAgent".to_owned(),
        },
        AnswerError::UnknownSet {
            set: "Session".to_owned(),
            near: ["Sessions", "SessionMetrics", "SessionV2"]
                .map(str::to_owned)
                .into(),
        },
        AnswerError::UnknownSet {
            set: "Quux".to_owned(),
            near: vec![],
        },
        AnswerError::NoSuchEntity {
            set: "Users".to_owned(),
            key: "7".to_owned(),
        },
        AnswerError::Unsupported { what: "`$ref`" },
        AnswerError::NotStored,
        AnswerError::Interrupted,
    ]
}

fn refused() -> Vec<AnswerError> {
    let refusal = |status, code: Option<&str>, message: Option<&str>| {
        AnswerError::Fetch(FetchError::Refused(Refusal {
            status,
            code: code.map(ToOwned::to_owned),
            message: message.map(ToOwned::to_owned),
        }))
    };
    vec![
        refusal(400, Some("X"), Some("Could not find a property named 'Y'.")),
        refusal(400, None, None),
        refusal(404, None, None),
        refusal(410, Some(" "), Some("")),
        refusal(501, None, None),
    ]
}

fn fetches() -> Vec<FetchError> {
    let minutes = Duration::from_mins(10);
    let unavailable = |status, fault| FetchError::Unavailable {
        cause: None,
        status,
        fault,
        waited: minutes,
        spent: Box::new(spent(status)),
        retry_after: Duration::from_millis(20_001),
    };
    vec![
        FetchError::Credentials {
            explanation: "the client secret was refused; enter a new one".to_owned(),
        },
        FetchError::Busy {
            waited: minutes,
            spent: Box::new(spent(Some(429))),
            retry_after: minutes,
        },
        FetchError::QueueFull { queued: 256 },
        FetchError::QueueFull { queued: 1 },
        FetchError::QueueFull { queued: 0 },
        unavailable(Some(503), None),
        unavailable(None, Some(TransportFault::Dns)),
        unavailable(None, Some(TransportFault::Connect)),
        unavailable(None, Some(TransportFault::Tls)),
        unavailable(None, Some(TransportFault::Cut)),
        unavailable(None, Some(TransportFault::Other)),
        unavailable(None, None),
        FetchError::Timeout {
            timeout: Duration::from_mins(1),
            spent: Box::new(Spent {
                timeouts: 3,
                ..Spent::default()
            }),
        },
    ]
}

fn spent(status: Option<u16>) -> Spent {
    Spent {
        statuses: status.into_iter().map(|status| (status, 14)).collect(),
        faults: u32::from(status.is_none()) * 9,
        held: Duration::from_secs(status.map_or(0, |_| 580)),
        ..Spent::default()
    }
}

fn bad_responses() -> Vec<BadResponse> {
    vec![
        BadResponse::Html,
        BadResponse::Redirect { status: 302 },
        BadResponse::TooLarge { limit: 1 << 20 },
        BadResponse::Status { status: 418 },
        BadResponse::Malformed {
            reason: "expected `,` at column 7".to_owned(),
        },
        BadResponse::Loop,
        BadResponse::ForeignLink {
            reason: "another host".to_owned(),
        },
        BadResponse::ContextChanged,
        BadResponse::DateWalk {
            reason: "they are not in the order of `StartDate`".to_owned(),
        },
        BadResponse::Incomplete {
            counted: 60_000,
            came: 58_000,
        },
        BadResponse::TooManyPages { limit: 10_000 },
    ]
}
