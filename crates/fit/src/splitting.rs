//! `split`: a price list parted into rows to fit on and rows to test on.

use crate::split::{Rule, anchor_rank};
use crate::table::{Row, Table};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Arguments {
    /// Price list.
    #[arg(long, value_name = "CSV")]
    prices: PathBuf,
    /// New types (A), new families (A2), new regions (B), or a whole provider (cloud:NAME).
    #[arg(long)]
    rule: Rule,
    /// Where rows to fit on go.
    #[arg(long, value_name = "CSV")]
    train: PathBuf,
    /// Where rows to test on go.
    #[arg(long, value_name = "CSV")]
    test: PathBuf,
    /// Where the anchors go, five rows of the test that are then not tested.
    #[arg(long, value_name = "CSV")]
    anchors: Option<PathBuf>,
}

const ANCHORS: usize = crate::calibrate::ANCHORS;

pub fn run(arguments: &Arguments) -> Result<()> {
    let table = Table::read(&arguments.prices)?;
    table.require(&["cloud", "region", "family", "instance_type"])?;
    table.refuse_duplicates(&["cloud", "region", "instance_type"])?;
    let (mut test, mut train) = (Vec::new(), Vec::new());
    for row in table.rows() {
        let tests = arguments.rule.tests(
            row.name("cloud")?,
            row.name("region")?,
            row.name("family")?,
            row.name("instance_type")?,
        );
        if tests { &mut test } else { &mut train }.push(row);
    }
    if let Rule::Cloud(name) = &arguments.rule
        && test.is_empty()
    {
        bail!("{}: no rows of cloud {name:?}", arguments.prices.display());
    }
    if let Some(path) = &arguments.anchors {
        let mut ranks: Vec<_> = test
            .iter()
            .map(|row| anchor_rank(row.text("cloud"), row.text("region"), row.text("instance_type")))
            .collect();
        ranks.sort_unstable();
        let last = ranks.get(ANCHORS.min(ranks.len()).saturating_sub(1)).copied();
        let is_anchor = |row: &Row| {
            Some(anchor_rank(row.text("cloud"), row.text("region"), row.text("instance_type"))) <= last
        };
        let (anchors, others): (Vec<Row>, Vec<Row>) = test.into_iter().partition(is_anchor);
        write(path, &table, &anchors)?;
        test = others;
    }
    write(&arguments.train, &table, &train)?;
    write(&arguments.test, &table, &test)?;
    eprintln!("{} rows to fit on, {} to test on", train.len(), test.len());
    Ok(())
}

fn write(path: &Path, table: &Table, rows: &[Row]) -> Result<()> {
    let cannot = || format!("{}: cannot be written", path.display());
    let mut writer = csv::Writer::from_path(path).with_context(cannot)?;
    writer.write_record(&table.header).with_context(cannot)?;
    for row in rows {
        writer.write_record(row.fields()).with_context(cannot)?;
    }
    writer.flush().with_context(cannot)
}
