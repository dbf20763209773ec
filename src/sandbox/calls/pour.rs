//! Bodies without measure: more than anyone should take, slower than anyone should wait, larger than they look.

use std::convert::Infallible;
use std::io::{self, Write};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream;
use serde::{Deserialize, Serialize};

/// Bytes that are sent at once, and bytes of text in a packed piece.
const PIECE: usize = 64 << 10;
const PACKED_PIECE: usize = 1 << 20;

/// A body that is poured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pour {
    /// What comes first.
    #[serde(default)]
    pub(crate) first: String,
    /// What comes again and again.
    pub(crate) again: String,
    /// So many bytes of it; without an end where that is not said.
    #[serde(default)]
    pub(crate) bytes: Option<u64>,
    /// Whether its length is announced, where it has one.
    #[serde(default)]
    pub(crate) announced: bool,
    /// Whether it is packed by gzip, a thousandth of its size; the end of the packing never comes.
    #[serde(default)]
    pub(crate) gzip: bool,
    /// Wait so long before each byte.
    #[serde(default)]
    pub(crate) every_millis: Option<u64>,
    #[serde(default = "json")]
    pub(crate) content_type: String,
}

fn json() -> String {
    "application/json".to_owned()
}

/// What is left to be sent.
struct Left {
    first: Option<Vec<u8>>,
    piece: Vec<u8>,
    bytes: Option<u64>,
    /// How many of the bytes that were asked for are in a piece.
    counted: u64,
    wait: Option<Duration>,
    next: usize,
}

impl Pour {
    /// The answer that it is.
    ///
    /// # Errors
    /// There is nothing to pour.
    pub(super) fn answer(self) -> io::Result<Response> {
        if self.again.is_empty() {
            return Err(io::Error::other("nothing can be poured out of nothing"));
        }
        let mut headers = vec![(header::CONTENT_TYPE, self.content_type.clone())];
        if self.gzip {
            headers.push((header::CONTENT_ENCODING, "gzip".to_owned()));
        }
        if let Some(bytes) = self.bytes.filter(|_| self.announced && !self.gzip) {
            let length = bytes.saturating_add(self.first.len() as u64);
            headers.push((header::CONTENT_LENGTH, length.to_string()));
        }
        let left = if self.gzip {
            self.packed()?
        } else {
            self.plain()
        };
        let pieces = stream::unfold(left, |mut left| async {
            let piece = left.next().await?;
            Some((Ok::<_, Infallible>(piece), left))
        });
        let mut response = Response::new(Body::from_stream(pieces));
        for (name, value) in headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
        Ok(response)
    }

    fn plain(self) -> Left {
        let times = (PIECE / self.again.len()).max(1);
        let piece = self.again.repeat(times).into_bytes();
        Left {
            first: Some(self.first.into_bytes()).filter(|first| !first.is_empty()),
            counted: piece.len() as u64,
            piece,
            bytes: self.bytes,
            wait: self.every_millis.map(Duration::from_millis),
            next: 0,
        }
    }

    /// What follows a piece that was flushed depends on nothing but that the same came before, so it can be sent for ever.
    fn packed(self) -> io::Result<Left> {
        let times = (PACKED_PIECE / self.again.len()).max(1);
        let piece = self.again.repeat(times);
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        packer.write_all(self.first.as_bytes())?;
        packer.write_all(piece.as_bytes())?;
        packer.flush()?;
        let first = packer.get_ref().clone();
        packer.write_all(piece.as_bytes())?;
        packer.flush()?;
        Ok(Left {
            piece: packer.get_ref()[first.len()..].to_vec(),
            first: Some(first),
            bytes: self.bytes,
            counted: piece.len() as u64,
            wait: None,
            next: 0,
        })
    }
}

impl Left {
    async fn next(&mut self) -> Option<Vec<u8>> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        if self.bytes == Some(0) {
            return None;
        }
        if let Some(wait) = self.wait {
            tokio::time::sleep(wait).await;
            self.bytes = self.bytes.map(|bytes| bytes - 1);
            let byte = self.piece[self.next];
            self.next = (self.next + 1) % self.piece.len();
            return Some(vec![byte]);
        }
        let left = self.bytes.unwrap_or(u64::MAX);
        self.bytes = self.bytes.map(|bytes| bytes.saturating_sub(self.counted));
        let mut piece = self.piece.clone();
        if left < self.counted && self.counted == piece.len() as u64 {
            piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        }
        Some(piece)
    }
}
