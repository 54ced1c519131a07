//! The published contract in Rust.
//!
//! - `v1`: messages, clients and servers, generated from `proto/hourbook/v1`
//! - `convert`: requests to commands, with every shape check; reports and views to messages
//! - `ready`: updates of market data that are encoded once for all who read them
//! - `client`: a typed client; it may do nothing that a customer cannot

#![forbid(unsafe_code)]

pub mod client;
pub mod convert;
pub mod ready;

/// Generated from `proto/hourbook/v1`.
#[allow(clippy::all, missing_docs, rustdoc::all)]
pub mod v1 {
    tonic::include_proto!("hourbook.v1");
    pub use crate::ready::SubscribeResponse;
}

/// The contract's descriptors, for reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

#[cfg(test)]
mod tests;
