//! `hourbook`: one binary, one subcommand for each thing it can do. Nothing is decided here.

#![forbid(unsafe_code)]

use clap::{Parser, Subcommand};
use hourbook::market::Market;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "hourbook", version, about = "An exchange for compute hours")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Read a market file as `serve` would, and say what it defines
    CheckMarket {
        /// The file; without one, the market built into this program
        file: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::CheckMarket { file } => check_market(file),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hourbook: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn check_market(file: Option<PathBuf>) -> anyhow::Result<()> {
    let market = match file {
        Some(path) => Market::load(&path)?,
        None => Market::built_in(),
    };
    print!("{market}");
    Ok(())
}
