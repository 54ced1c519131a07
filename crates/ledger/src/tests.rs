//! Tests of the ledger. `desk` is a small exchange around it, which most stories use.

mod cash;
mod desk;
mod hours;
mod positions;
mod stories;

use serde::{Serialize, de::DeserializeOwned};

/// The state as a snapshot has it.
fn bytes(state: &impl Serialize) -> Vec<u8> {
    postcard::to_allocvec(state).expect("state serialises")
}

/// The state as it comes back from a snapshot, which must have the same bytes again.
fn restored<T: Serialize + DeserializeOwned>(state: &T) -> T {
    let before = bytes(state);
    let restored = postcard::from_bytes(&before).expect("a snapshot restores");
    assert_eq!(bytes(&restored), before, "a restored state has the same bytes");
    restored
}
