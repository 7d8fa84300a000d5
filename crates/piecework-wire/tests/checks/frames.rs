//! Frames: however the bytes of a stream are cut on their way, the same frames come out.
use bytes::{Bytes, BytesMut};
use piecework_wire::{WireError, frame};

/// The first byte says how long frames may be, the second in which pieces the stream arrives; the
/// rest is the stream.
pub fn check(data: &[u8]) {
    let [max, piece, stream @ ..] = data else { return };
    let bytes_max = usize::from(*max) * 4;
    let (whole, end) = cut_all(stream, stream.len().max(1), bytes_max);
    let (pieces, end_of_pieces) = cut_all(stream, usize::from(*piece).max(1), bytes_max);
    assert_eq!((&whole, &end), (&pieces, &end_of_pieces), "it depends on how the stream was cut");
    for body in whole {
        assert!(body.len() <= bytes_max, "a frame over the limit got through");
        let mut again = BytesMut::new();
        frame::put(&mut again, &body);
        assert_eq!(frame::header_of(body.len())[..], again[..again.len() - body.len()]);
        assert_eq!(frame::missing(&again), Some(0));
        assert_eq!(frame::cut(&mut again, bytes_max), Ok(Some(body)));
        assert!(again.is_empty());
    }
}

/// The frames of the stream, and why it ended.
fn cut_all(stream: &[u8], piece: usize, bytes_max: usize) -> (Vec<Bytes>, Option<WireError>) {
    let (mut buffer, mut frames) = (BytesMut::new(), Vec::new());
    for piece in stream.chunks(piece) {
        buffer.extend_from_slice(piece);
        loop {
            match frame::cut(&mut buffer, bytes_max) {
                Ok(Some(body)) => frames.push(body),
                Ok(None) => break,
                Err(error) => {
                    if let WireError::FrameTooLong { len, max } = error {
                        assert!(len > max as u64);
                        assert!(frame::announced(&buffer).is_some_and(|whole| whole >= len));
                    }
                    return (frames, Some(error));
                }
            }
        }
        if let Some(missing) = frame::missing(&buffer) {
            assert!(0 < missing && missing <= bytes_max, "there was a whole frame");
            let announced = frame::announced(&buffer).expect("the header is in");
            assert_eq!(announced, (buffer.len() + missing) as u64);
        }
    }
    (frames, None)
}
