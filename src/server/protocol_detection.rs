//! The detection of HTTP/2 with prior knowledge: by the connection preface (RFC 9113, section 3.4).

use std::io;
use std::io::Cursor;

use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWrite;
use tokio::io::join;

/// Reads until the first bytes are, or can't be, the preface. Returns a stream of all bytes, those that were read
/// included, and true if it begins with the preface.
///
/// Without a time limit.
pub(crate) async fn detect_http2<S>(
    stream: S,
) -> io::Result<(impl AsyncRead + AsyncWrite + Send + Unpin + 'static, bool)>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut read, write) = tokio::io::split(stream);
    let mut start = Vec::with_capacity(PREFACE.len());
    while start.len() < PREFACE.len() && PREFACE.starts_with(&start) {
        let missing = PREFACE.len() - start.len();
        let mut more = (&mut read).take(missing as u64);
        if more.read_buf(&mut start).await? == 0 {
            break;
        }
    }
    let is_http2 = start == PREFACE;
    Ok((join(Cursor::new(start).chain(read), write), is_http2))
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    #[tokio::test]
    async fn preface_whole_or_partial_is_detected_and_no_byte_lost() {
        let whole = [PREFACE, b"frames"].concat();
        for (sent, expected) in [
            (&whole[..], true),
            (&PREFACE[..10], false),
            (b"", false),
            (b"P", false),
            (b"POST / HTTP/1.1\r\n\r\n", false),
            (b"GET / HTTP/1.1\r\n\r\n", false),
        ] {
            for size in [1, 7, 1000] {
                let (mut client, server) = tokio::io::duplex(8);
                let pieces: Vec<_> = sent.chunks(size).map(<[u8]>::to_vec).collect();
                let sending = tokio::spawn(async move {
                    for piece in pieces {
                        client.write_all(&piece).await.unwrap();
                    }
                });
                let (mut stream, is_http2) = detect_http2(server).await.unwrap();
                assert_eq!(is_http2, expected, "{sent:?}");
                let mut all = Vec::new();
                stream.read_to_end(&mut all).await.unwrap();
                sending.await.unwrap();
                assert_eq!(all, sent);
            }
        }
    }
}
