//! How a command stands in the journal: who asked, then the body, both in postcard.
//!
//! The kind and its version stand in the record's header, so a body can change its shape under a new
//! version while old records are still read.

use crate::{Command, Digest, Request};
use postcard::ser_flavors::Flavor;
use serde::{Serialize, de::DeserializeOwned};

pub(crate) trait Encode {
    type Output;
    fn encode<T: Serialize>(self, body: &T) -> Self::Output;
}

pub(crate) trait Decode {
    type Error;
    fn decode<T: DeserializeOwned>(self) -> Result<T, Self::Error>;
}

/// Why a record's body cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error(
        "command kind {kind} version {version} is not known to this program; was the journal written by a newer one?"
    )]
    UnknownKind { kind: u16, version: u16 },
    #[error("body of command kind {kind}: {source}")]
    Body { kind: u16, source: postcard::Error },
}

struct Append<'a>(&'a mut Vec<u8>);

impl Encode for Append<'_> {
    type Output = ();
    fn encode<T: Serialize>(self, body: &T) {
        // Writing to a vector cannot fail, and every body here is a plain structure.
        postcard::to_io(body, self.0).expect("a vector takes every body");
    }
}

/// Bytes on their way into a digest.
struct Digested(Digest);

impl Flavor for Digested {
    type Output = u128;

    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<u128> {
        Ok(self.0.finish())
    }
}

impl Encode for Digested {
    type Output = u128;
    fn encode<T: Serialize>(self, body: &T) -> u128 {
        postcard::serialize_with_flavor(body, self).expect("a digest takes every body")
    }
}

struct Whole<'a>(&'a [u8]);

impl Decode for Whole<'_> {
    type Error = postcard::Error;
    fn decode<T: DeserializeOwned>(self) -> Result<T, postcard::Error> {
        let (body, rest) = postcard::take_from_bytes(self.0)?;
        if rest.is_empty() { Ok(body) } else { Err(postcard::Error::DeserializeUnexpectedEnd) }
    }
}

/// Appends a request and its command; their kind and version go into the record's header.
pub fn encode(request: &Request, command: &Command, to: &mut Vec<u8>) {
    Append(to).encode(request);
    command.encode_body(Append(to));
}

/// The digest of a command: of its kind's number, two bytes, and its body as it is journaled.
pub fn digest(command: &Command) -> u128 {
    let mut digest = Digest::default();
    command.kind().0.to_le_bytes().into_iter().for_each(|byte| digest.push(byte));
    command.encode_body(Digested(digest))
}

/// Reads what [`encode`] wrote.
pub fn decode(kind: u16, version: u16, body: &[u8]) -> Result<(Request, Command), Error> {
    let failed = |source| Error::Body { kind, source };
    let (request, rest) = postcard::take_from_bytes(body).map_err(failed)?;
    let command = Command::decode_body(kind, version, Whole(rest))
        .ok_or(Error::UnknownKind { kind, version })?
        .map_err(failed)?;
    Ok((request, command))
}
