//! One frame: `u32` length of all that follows, `u32` length of the header, the header as JSON, the body.
//!
//! Both lengths are big-endian. A frame beyond its bound is refused before its bytes are read, so a peer
//! cannot make a reader reserve memory by announcing a length.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Largest frame on an established link: the largest payload and room for its header.
pub const FRAME_BYTES_MAX: usize = 7 * 1024 * 1024;
/// Largest frame while the peer has not proved who it is.
pub const HANDSHAKE_FRAME_BYTES_MAX: usize = 8 * 1024;
/// Responses cross the link in bodies of at most this size, so that the first byte need not wait for the last.
pub const CHUNK_BYTES_MAX: usize = 256 * 1024;

/// Bytes of either length.
const LENGTH_BYTES: usize = 4;

/// A message and the bytes that go with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame<H> {
    /// What the frame says.
    pub header: H,
    /// Payload, code or log bytes; empty where the message needs none.
    pub body: Bytes,
}

impl<H> Frame<H> {
    /// A frame without a body.
    pub fn bare(header: H) -> Self {
        Self { header, body: Bytes::new() }
    }
}

/// Why a frame could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The peer closed the connection between two frames.
    #[error("the peer closed the link")]
    Closed,
    /// The connection failed.
    #[error("the link failed: {0}")]
    Io(#[from] std::io::Error),
    /// The announced length is over the bound, or the header's is over the frame's.
    #[error("a frame of {announced} bytes is over the bound of {bound}")]
    TooLong {
        /// The length that the peer announced, in bytes.
        announced: usize,
        /// The bound in force, in bytes.
        bound: usize,
    },
    /// The announced length leaves no room for the header's.
    #[error("a frame of {0} bytes is too short to be one")]
    TooShort(usize),
    /// The header is no message that this side knows how to read.
    #[error("a frame's header cannot be read: {0}")]
    Header(#[from] serde_json::Error),
}

/// Reads one frame of at most `bound` bytes.
///
/// Cancelling this future loses what it had read: give each connection one task that only reads.
pub async fn read_frame<H, R>(reader: &mut R, bound: usize) -> Result<Frame<H>, FrameError>
where
    H: DeserializeOwned,
    R: AsyncRead + Unpin,
{
    let mut prefix = [0_u8; LENGTH_BYTES];
    match reader.read_exact(&mut prefix).await {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Err(FrameError::Closed),
        Err(error) => return Err(error.into()),
    }
    let announced = u32::from_be_bytes(prefix) as usize;
    if announced > bound {
        return Err(FrameError::TooLong { announced, bound });
    }
    if announced < LENGTH_BYTES {
        return Err(FrameError::TooShort(announced));
    }
    let mut rest = vec![0_u8; announced];
    reader.read_exact(&mut rest).await?;
    decode(Bytes::from(rest))
}

/// Writes one frame; the caller flushes if its writer buffers.
pub async fn write_frame<H, W>(writer: &mut W, frame: &Frame<H>) -> Result<(), FrameError>
where
    H: Serialize,
    W: AsyncWrite + Unpin,
{
    // One write for prefix and header: a header in a packet of its own would wait for a delayed ACK.
    writer.write_all(&encode_head(frame)?).await?;
    writer.write_all(&frame.body).await?;
    writer.flush().await?;
    Ok(())
}

/// The frame's bytes before its body.
fn encode_head<H: Serialize>(frame: &Frame<H>) -> Result<Vec<u8>, FrameError> {
    let header = serde_json::to_vec(&frame.header)?;
    let announced = 4 + header.len() + frame.body.len();
    let too_long = || FrameError::TooLong { announced, bound: FRAME_BYTES_MAX };
    if announced > FRAME_BYTES_MAX {
        return Err(too_long());
    }
    let mut head = Vec::with_capacity(8 + header.len());
    head.extend(u32::try_from(announced).map_err(|_| too_long())?.to_be_bytes());
    head.extend(u32::try_from(header.len()).map_err(|_| too_long())?.to_be_bytes());
    head.extend(header);
    Ok(head)
}

/// Takes a frame apart; `rest` is everything after the first length.
fn decode<H: DeserializeOwned>(mut rest: Bytes) -> Result<Frame<H>, FrameError> {
    let (prefix, _) = rest.split_first_chunk().ok_or(FrameError::TooShort(rest.len()))?;
    let header_length = u32::from_be_bytes(*prefix) as usize;
    drop(rest.split_to(LENGTH_BYTES));
    if header_length > rest.len() {
        return Err(FrameError::TooLong { announced: header_length, bound: rest.len() });
    }
    let header = rest.split_to(header_length);
    Ok(Frame { header: serde_json::from_slice(&header)?, body: rest })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    proptest! {
        #[test]
        fn a_frame_is_read_as_it_was_written(header in "\\PC{0,100}", body: Vec<u8>) {
            let frame = Frame { header, body: Bytes::from(body) };
            let read = block_on(async {
                let mut wire = Vec::new();
                write_frame(&mut wire, &frame).await.unwrap();
                read_frame::<String, _>(&mut wire.as_slice(), FRAME_BYTES_MAX).await.unwrap()
            });
            prop_assert_eq!(read, frame);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(wire: Vec<u8>) {
            drop(block_on(read_frame::<String, _>(&mut wire.as_slice(), 64)));
        }
    }

    #[test]
    fn an_announced_length_over_the_bound_is_refused_unread() {
        let wire = u32::MAX.to_be_bytes();
        let read = block_on(read_frame::<String, _>(&mut wire.as_slice(), HANDSHAKE_FRAME_BYTES_MAX));
        assert!(matches!(read, Err(FrameError::TooLong { .. })));
    }
}
