//! The parts of the `hourbook` binary that tests reach too: composition only, no market rules.
//!
//! - `settings`: how TOML files are read, and how their mistakes are named
//! - `config`: the server's settings, from file, environment and flags
//! - `market`: the market's definition, from file to commands
//! - `ctl`: the exchange from a terminal
//! - `simulate`: a file of operations through the real core

#![forbid(unsafe_code)]

pub mod config;
pub mod ctl;
pub mod market;
pub mod settings;
pub mod simulate;
