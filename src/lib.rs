//! The parts of the `hourbook` binary that tests reach too: composition only, no market rules.
//!
//! - `settings`: how TOML files are read, and how their mistakes are named
//! - `config`: the server's settings, from file, environment and flags
//! - `market`: the market's definition, from file to commands
//! - `serve`: a running exchange, put together from its parts; `awake`: on cores that do not sleep
//! - `ctl`: the exchange from a terminal
//! - `maker`: a market maker at an exchange, from a file of settings
//! - `backtest`: a strategy against an exchange in this process
//! - `demo`: an exchange with a market on it that makes itself
//! - `load`: an exchange under load, measured
//! - `replay`, `journal`, `backup`: the journal again, checked, copied
//! - `simulate`: a file of operations through the real core

#![forbid(unsafe_code)]

mod awake;
pub mod backtest;
pub mod backup;
pub mod config;
pub mod ctl;
pub mod demo;
pub mod journal;
pub mod load;
pub mod maker;
pub mod market;
pub mod replay;
pub mod serve;
pub mod settings;
pub mod simulate;
