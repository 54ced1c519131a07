//! The published contract in Rust.
//!
//! - `v1`: messages, clients and servers, generated from `proto/hourbook/v1`
//! - `convert`: requests to commands, with every shape check; reports and views to messages
//! - `client`: a typed client; it may do nothing that a customer cannot

#![forbid(unsafe_code)]

pub mod client;
pub mod convert;

/// Generated from `proto/hourbook/v1`.
#[allow(clippy::all, missing_docs, rustdoc::all)]
pub mod v1 {
    tonic::include_proto!("hourbook.v1");
}

/// The contract's descriptors, for reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

#[cfg(test)]
mod tests;
