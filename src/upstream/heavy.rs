//! Whether upstream gave up on a query, as opposed to being in trouble itself: a pure function of how an attempt failed
//! and when.
//!
//! Upstream stops working on a query after about 30 s. It may say so (504), fail (500), or just drop the connection; and
//! the page timeout is our own limit of this kind. Whoever can ask for less should not ask the same again.

use std::time::Duration;

use super::retry::Failure;
use crate::transport::TransportFault;

/// The failure by its right name: a connection that fails after so long was there, and was dropped. It was not out of
/// reach.
pub(super) fn named(failure: Failure, after: Duration) -> Failure {
    match failure {
        Failure::Fault(TransportFault::Connect | TransportFault::Other)
            if after >= DROPPED_AFTER =>
        {
            Failure::Fault(TransportFault::Cut)
        }
        failure => failure,
    }
}

/// Whether an attempt that failed `after` so long looks as if the query was too heavy.
pub(super) fn gave_up(failure: Failure, after: Duration) -> bool {
    match failure {
        Failure::Status(500 | 504) | Failure::Timeout => true,
        Failure::Fault(TransportFault::Cut) => after >= DROPPED_AFTER,
        Failure::Status(_) | Failure::Fault(_) | Failure::Implausible => false,
    }
}

/// Whether the failure is none of the query's, but of its size alone: then the smaller one that comes next begins
/// without it.
pub(super) fn is_of_its_size(failure: Failure, after: Duration) -> bool {
    let may_be = matches!(
        failure,
        Failure::Status(500) | Failure::Fault(TransportFault::Cut)
    );
    may_be && after >= OF_ITS_SIZE_AFTER
}

/// A connection that fails after so long was open before: opening one takes 15 s at most.
const DROPPED_AFTER: Duration = Duration::from_secs(20);

/// A query that is wrong fails sooner.
const OF_ITS_SIZE_AFTER: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_failures_look_like_heavy_queries() {
        let fault = Failure::Fault;
        let cut = fault(TransportFault::Cut);
        for (failure, seconds, heavy, of_its_size) in [
            (Failure::Status(504), 0, true, false),
            (Failure::Status(500), 0, true, false),
            (Failure::Status(500), 10, true, true),
            (Failure::Status(502), 30, false, false),
            (Failure::Status(429), 30, false, false),
            (Failure::Status(503), 30, false, false),
            (Failure::Timeout, 60, true, false),
            (cut, 9, false, false),
            (cut, 19, false, true),
            (cut, 20, true, true),
            (fault(TransportFault::Connect), 19, false, false),
            (fault(TransportFault::Connect), 20, true, true),
            (fault(TransportFault::Dns), 30, false, false),
            (Failure::Implausible, 30, false, false),
        ] {
            let after = Duration::from_secs(seconds);
            let named = named(failure, after);
            assert_eq!(gave_up(named, after), heavy, "{failure:?} {seconds}");
            assert_eq!(
                is_of_its_size(named, after),
                of_its_size,
                "{failure:?} {seconds}"
            );
        }
    }
}
