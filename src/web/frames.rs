//! Bytes on their way to the connection, in pieces of bounded length.
//!
//! hyper takes a piece as a whole, and is done with a body as soon as it has the last one. With long pieces an answer would
//! count as over while its client has most of it still to come: in the log, at the order to stop, and where connections are
//! closed that have nothing to do.

use std::collections::VecDeque;

use bytes::Bytes;
use http::Version;

/// Takes the next piece, at most `bytes_max` long. Copies nothing.
pub(crate) fn next(queue: &mut VecDeque<Bytes>, bytes_max: usize) -> Option<Bytes> {
    match queue.front_mut() {
        Some(front) if front.len() > bytes_max => Some(front.split_to(bytes_max)),
        _ => queue.pop_front(),
    }
}

/// How long pieces may be over this version of HTTP. Over HTTP/1 the socket tells of what is not taken, and a call of the system
/// for each piece should cost little beside the piece. Over HTTP/2 nobody tells: what a client's window has no room for is
/// held, and is sent in small frames anyway.
pub(crate) fn bytes_max(version: Version) -> usize {
    if version < Version::HTTP_2 {
        1024 * 1024
    } else {
        64 * 1024
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_pieces_are_cut_and_short_ones_are_not() {
        let (short, long) = (vec![1; 10], vec![2; 2001]);
        let mut queue = VecDeque::from([short.clone().into(), long.clone().into(), Bytes::new()]);
        let pieces: Vec<Bytes> = std::iter::from_fn(|| next(&mut queue, 1000)).collect();
        let lengths: Vec<usize> = pieces.iter().map(Bytes::len).collect();
        assert_eq!(lengths, [10, 1000, 1000, 1, 0]);
        assert_eq!(pieces.concat(), [short, long].concat());
    }
}
