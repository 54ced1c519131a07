//! `hourbook`: one binary, one subcommand for each thing it can do. Nothing is decided here.

#![forbid(unsafe_code)]

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use hourbook::config::Flags;
use hourbook::market::Market;
use hourbook::{backtest, backup, ctl, demo, journal, load, maker, replay, serve, simulate};

/// Short-lived batches and messages are what a venue allocates.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(name = "hourbook", version, about = "An exchange for compute hours")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Watch a market that makes itself: exchange, makers, buyers, and keys to join them
    Demo(demo::Arguments),
    /// Run an exchange: journal, matching, gRPC services
    Serve(Box<Flags>),
    /// Talk to a running exchange: quickstart, place, book, balances and everything else
    Ctl(Box<ctl::Arguments>),
    /// Read a market file as `serve` would, and say what it defines
    CheckMarket {
        /// The file; without one, the market built into this program
        file: Option<PathBuf>,
    },
    /// Rehearse a file of orders in a market of its own, and print what becomes of them
    Simulate {
        /// Compare with what each scenario of the file expects, and show the differences
        #[arg(long)]
        check: bool,
        /// Scenarios or bare operations, one JSON object a line; see docs/matching.md
        file: PathBuf,
    },
    /// Put an exchange under load, and measure it
    Load(Box<load::Arguments>),
    /// The server that does nothing, which `load --baseline` starts
    #[command(name = load::NOOP, hide = true)]
    Noop {
        /// Accounts that it knows
        accounts: Vec<u32>,
    },
    /// Make a market: quote two sides at an exchange, as any customer may
    Maker(maker::Arguments),
    /// Try a strategy on a recorded journal or a series of prices
    Backtest(Box<backtest::Arguments>),
    /// Apply a journal's commands again, and print the state hash they come to
    Replay(replay::Arguments),
    /// Check, show or archive a journal; it may be in use
    #[command(subcommand)]
    Journal(journal::Arguments),
    /// Print completions for a shell, such as `source <(hourbook completions bash)`
    Completions { shell: Shell },
    /// Copy a journal that may be in use, and verify the copy
    Backup(backup::Arguments),
    /// Bring a backup back, into an empty directory, and verify it
    Restore(backup::Arguments),
}

fn main() -> ExitCode {
    // Balances, orders and keys: whatever is made here is its owner's only.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let result = match Arguments::parse().command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Serve(flags) => serve::run(&flags),
        Command::Ctl(arguments) => Ok(ctl::run(*arguments)),
        Command::CheckMarket { file } => check_market(file),
        Command::Simulate { check, file } => simulate(check, &file),
        Command::Load(arguments) => load::run(&arguments),
        Command::Noop { accounts } => load::serve_noop(&accounts).map(|()| ExitCode::SUCCESS),
        Command::Maker(arguments) => maker::run(&arguments),
        Command::Backtest(arguments) => backtest::run(*arguments),
        Command::Replay(arguments) => replay::run(arguments).map(|()| ExitCode::SUCCESS),
        Command::Journal(arguments) => journal::run(arguments).map(|()| ExitCode::SUCCESS),
        Command::Completions { shell } => completions(shell),
        Command::Backup(arguments) | Command::Restore(arguments) => {
            backup::run(arguments).map(|()| ExitCode::SUCCESS)
        }
    };
    match result {
        Ok(code) => code,
        // Whoever read our output has seen enough, as `head` does.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Where nobody can be told, the exit code still says it.
            let _ = writeln!(std::io::stderr(), "hourbook: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    kind == Some(std::io::ErrorKind::BrokenPipe)
}

fn completions(shell: Shell) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "hourbook", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}

fn check_market(file: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let market = match file {
        Some(path) => Market::load(&path)?,
        None => Market::built_in(),
    };
    write!(std::io::stdout(), "{market}")?;
    Ok(ExitCode::SUCCESS)
}

fn simulate(check: bool, file: &Path) -> anyhow::Result<ExitCode> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let as_expected = if check {
        simulate::check(file, &mut out)?.mismatches == 0
    } else {
        simulate::run(file, &mut out)?;
        true
    };
    out.flush()?;
    Ok(if as_expected { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
