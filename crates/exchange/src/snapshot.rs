//! The whole state as bytes, and its digest.
//!
//! The same state reached by replay has the same bytes: maps are written sorted, free lists in their
//! order. `state_hash` is the digest of exactly these bytes, so whatever a snapshot keeps, it covers.

use crate::machine::{Exchange, RULES};

/// Why a snapshot cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "the snapshot has format {found}, this program reads {expected}: replay the journal from its beginning"
    )]
    Format { found: u32, expected: u32 },
    #[error("the snapshot is of rules version {found}, this program knows those up to {RULES}")]
    Rules { found: u32 },
    #[error("the snapshot's state cannot be read: {0}")]
    State(#[from] postcard::Error),
}

/// Raised whenever the shape of the state changes; an older snapshot is then replaced by a replay.
const FORMAT: u32 = 2;

impl Exchange {
    /// Appends the canonical bytes of the whole state.
    pub fn encode(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&FORMAT.to_le_bytes());
        postcard::to_io(self, to).expect("a vector takes every state");
    }

    /// Reads what [`Exchange::encode`] wrote.
    ///
    /// # Errors
    /// [`Error::Format`] when another version of the program wrote it, [`Error::Rules`] when a newer one did, [`Error::State`] when it is cut,
    /// too long or contradicts itself.
    pub fn decode(bytes: &[u8]) -> Result<Exchange, Error> {
        let (format, state) =
            bytes.split_first_chunk::<4>().ok_or(postcard::Error::DeserializeUnexpectedEnd)?;
        let found = u32::from_le_bytes(*format);
        if found != FORMAT {
            return Err(Error::Format { found, expected: FORMAT });
        }
        let (state, rest) = postcard::take_from_bytes::<Exchange>(state)?;
        match state.rules_version {
            _ if !rest.is_empty() => Err(postcard::Error::DeserializeBadEncoding.into()),
            found if found > RULES => Err(Error::Rules { found }),
            _ => Ok(state),
        }
    }

    /// 256 bits that change with everything that matters.
    pub fn state_hash(&self) -> [u8; 32] {
        let mut hasher = Hasher(blake3::Hasher::new());
        postcard::to_io(self, &mut hasher).expect("hashing cannot fail");
        *hasher.0.finalize().as_bytes()
    }
}

struct Hasher(blake3::Hasher);

impl std::io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
