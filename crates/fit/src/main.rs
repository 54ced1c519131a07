//! `hourbook-pricing`: the offline half of pricing. Fits parameters on price lists, predicts and evaluates, and shows
//! scores, quotes and pictures to people. Floats live here and end here: what it writes is decimals.
//!
//! - `table`, `inputs`, `names`: tables read with every check; machines and the tree of their families
//! - `model`, `solve`, `anchors`, `calibrate`: what is fitted, how, and how far off it is
//! - `fitting`, `products`, `write`: parameters as a file
//! - `split`, `splitting`, `predicting`, `evaluating`: held against prices that were not fitted
//! - `scoring`, `quoting`, `reporting`, `picture`: the library at the command line, and on pictures

#![forbid(unsafe_code)]

mod anchors;
mod calibrate;
mod evaluating;
mod fitting;
mod inputs;
mod knowledge;
mod model;
mod names;
mod picture;
mod predicting;
mod products;
mod progress;
mod quoting;
mod reporting;
mod scoring;
mod solve;
mod split;
mod splitting;
mod table;
mod write;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "hourbook-pricing", version, about = "Prices from service quality and price lists")]
struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Parts a price list into rows to fit on and rows to test on.
    Split(splitting::Arguments),
    /// Fits parameters on a price list.
    Fit(fitting::Arguments),
    /// Prices machines, with intervals.
    Predict(predicting::Arguments),
    /// Holds predictions against prices.
    Eval(evaluating::Arguments),
    /// Scores providers by measurements of their service.
    Score(scoring::Arguments),
    /// Quotes a product: fair price, bid and ask.
    Quote(quoting::Arguments),
    /// Draws accuracy, scores and quotes as SVG.
    Report(reporting::Arguments),
}

fn main() -> ExitCode {
    let result = match Program::parse().command {
        Command::Split(arguments) => splitting::run(&arguments),
        Command::Fit(arguments) => fitting::run(&arguments),
        Command::Predict(arguments) => predicting::run(&arguments),
        Command::Eval(arguments) => evaluating::run(&arguments),
        Command::Score(arguments) => scoring::run(&arguments),
        Command::Quote(arguments) => quoting::run(&arguments),
        Command::Report(arguments) => reporting::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads the output has seen enough.
        Err(why) if is_closed(&why) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_closed(why: &anyhow::Error) -> bool {
    why.downcast_ref::<std::io::Error>().is_some_and(|why| why.kind() == std::io::ErrorKind::BrokenPipe)
}
