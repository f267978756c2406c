//! Bytes on their way to the connection, in pieces of bounded length.
//!
//! hyper takes a piece as a whole, and is done with a body as soon as it has the last one. With long pieces an answer would
//! count as over while its client has most of it still to come: in the log, at the order to stop, and where connections are
//! closed that have nothing to do.

use std::collections::VecDeque;

use bytes::Bytes;

/// Takes the next piece, at most [`FRAME_BYTES_MAX`] long. Copies nothing.
pub(crate) fn next(queue: &mut VecDeque<Bytes>) -> Option<Bytes> {
    match queue.front_mut() {
        Some(front) if front.len() > FRAME_BYTES_MAX => Some(front.split_to(FRAME_BYTES_MAX)),
        _ => queue.pop_front(),
    }
}

/// Long enough that a piece costs little by itself, and shorter than what a socket's buffers hold.
pub(crate) const FRAME_BYTES_MAX: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_pieces_are_cut_and_short_ones_are_not() {
        let (short, long) = (vec![1; 10], vec![2; FRAME_BYTES_MAX * 2 + 1]);
        let mut queue = VecDeque::from([short.clone().into(), long.clone().into(), Bytes::new()]);
        let pieces: Vec<Bytes> = std::iter::from_fn(|| next(&mut queue)).collect();
        let lengths: Vec<usize> = pieces.iter().map(Bytes::len).collect();
        assert_eq!(lengths, [10, FRAME_BYTES_MAX, FRAME_BYTES_MAX, 1, 0]);
        assert_eq!(pieces.concat(), [short, long].concat());
    }
}
