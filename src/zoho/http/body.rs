//! The body of an answer, piece by piece and within its bound: into memory, or into a file where it may be large.

use std::ops::Deref;
use std::time::Duration;

use tokio::io::{AsyncSeekExt, AsyncWriteExt};

use super::message::Download;
use super::{Client, TransportError};

/// Longest time for a body that goes into a file.
pub(super) const DOWNLOAD_TIME_MAX: Duration = Duration::from_secs(3600);

/// Most values of an answer in JSON: 2,000 rows of 200 fields of which most are lookups, which have two values each.
const VALUES_MAX: usize = 2_000_000;

impl Client {
    /// The body, in memory.
    pub(super) async fn read(
        &self,
        host: &str,
        response: &mut reqwest::Response,
    ) -> Result<Vec<u8>, TransportError> {
        let mut body: Vec<u8> = Vec::new();
        while let Some(chunk) = self.chunk(host, response).await? {
            if body.len() + chunk.len() > self.options.body_bytes_max {
                return Err(too_large(host, self.options.body_bytes_max as u64));
            }
            body.extend_from_slice(&chunk);
        }
        match is_crowded(&body) {
            true => Err(TransportError::Crowded {
                host: host.to_owned(),
                values_max: VALUES_MAX,
            }),
            false => Ok(body),
        }
    }

    /// Puts the body into a file, in place of what is there.
    pub(super) async fn save(
        &self,
        host: &str,
        response: &mut reqwest::Response,
        download: &Download,
    ) -> Result<(), TransportError> {
        let lost = |source| TransportError::File {
            host: host.to_owned(),
            source,
        };
        let file = download.file.try_clone().map_err(lost)?;
        let mut file = tokio::fs::File::from_std(file);
        file.rewind().await.map_err(lost)?;
        file.set_len(0).await.map_err(lost)?;
        let copied = self.copy(host, response, &mut file, download.bytes_max);
        let copied = copied.await;
        // Also after a failure: what is still being written would get into the next attempt.
        file.flush().await.map_err(lost)?;
        copied
    }

    async fn copy(
        &self,
        host: &str,
        response: &mut reqwest::Response,
        file: &mut tokio::fs::File,
        bytes_max: u64,
    ) -> Result<(), TransportError> {
        let mut bytes: u64 = 0;
        while let Some(chunk) = self.chunk(host, response).await? {
            bytes += chunk.len() as u64;
            if bytes > bytes_max {
                return Err(too_large(host, bytes_max));
            }
            let written = file.write_all(&chunk).await;
            written.map_err(|source| TransportError::File {
                host: host.to_owned(),
                source,
            })?;
        }
        Ok(())
    }

    async fn chunk(
        &self,
        host: &str,
        response: &mut reqwest::Response,
    ) -> Result<Option<impl Deref<Target = [u8]> + use<>>, TransportError> {
        let chunk = response.chunk().await;
        chunk.map_err(|error| self.lost(host, error))
    }
}

/// Whether decoding the body could take many times its own size: two bytes of JSON can make a value of a hundred. Each
/// value but the first of a list or object has a comma before it; those within texts count as well, which is no harm.
fn is_crowded(body: &[u8]) -> bool {
    let begins = body.iter().filter(|byte| b",[{".contains(byte));
    begins.count() > VALUES_MAX
}

fn too_large(host: &str, bytes_max: u64) -> TransportError {
    TransportError::TooLarge {
        host: host.to_owned(),
        mib_max: bytes_max >> 20,
    }
}
