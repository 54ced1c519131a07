//! Tables of comma-separated values, read with every check: what is wrong is told with file, line and column.

use anyhow::{Context, Result, anyhow, bail};
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

/// Longest table that is read, in rows.
const MOST_ROWS: usize = 5_000_000;
/// Largest file that is read.
const MOST_BYTES: u64 = 1 << 30;
/// Longest line, in bytes: a file without line ends is not a table.
const MOST_LINE: usize = 1 << 20;

/// A table in memory.
pub struct Table {
    path: PathBuf,
    pub header: Vec<String>,
    columns: HashMap<String, usize>,
    rows: Vec<csv::StringRecord>,
}

/// One row, with the means to complain about it.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    table: &'a Table,
    record: &'a csv::StringRecord,
}

impl Table {
    pub fn read(path: &Path) -> Result<Table> {
        let file = File::open(path).with_context(|| format!("{}: cannot be opened", path.display()))?;
        let length = file.metadata().with_context(|| path.display().to_string())?.len();
        if length > MOST_BYTES {
            bail!("{}: {length} bytes are more than {MOST_BYTES}", path.display());
        }
        let mut bytes = BufReader::new(file.take(MOST_BYTES));
        let mut start = [0; 3];
        let read = read_full(&mut bytes, &mut start).with_context(|| path.display().to_string())?;
        // Spreadsheets put a mark in front, which is not part of the first column's name.
        let start = if start == *b"\xef\xbb\xbf" { &start[..0] } else { &start[..read] };
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(start.chain(bytes));
        let header = reader.headers().map_err(|why| unreadable(path, why))?.clone();
        if header.is_empty() || header.iter().all(str::is_empty) {
            bail!("{}: line 1: the file is empty; a line of column names is expected", path.display());
        }
        let mut columns = HashMap::new();
        for (at, name) in header.iter().enumerate() {
            if columns.insert(name.to_string(), at).is_some() {
                bail!("{}: line 1: column {name:?} stands there twice", path.display());
            }
        }
        let mut rows = Vec::new();
        for row in reader.records() {
            let row = row.map_err(|why| unreadable(path, why))?;
            let line = row.position().map_or(0, csv::Position::line);
            if row.len() != header.len() {
                bail!(
                    "{}: line {line}: {} columns where the header has {}",
                    path.display(),
                    row.len(),
                    header.len()
                );
            }
            if row.as_slice().len() > MOST_LINE {
                bail!("{}: line {line}: longer than {MOST_LINE} bytes", path.display());
            }
            if rows.len() == MOST_ROWS {
                bail!("{}: line {line}: more than {MOST_ROWS} rows", path.display());
            }
            rows.push(row);
        }
        let header = header.iter().map(String::from).collect();
        Ok(Table { path: path.into(), header, columns, rows })
    }

    /// Complains about the first of these columns that is not there.
    pub fn require(&self, columns: &[&str]) -> Result<()> {
        match columns.iter().find(|column| !self.columns.contains_key(**column)) {
            Some(column) => bail!("{}: line 1: no column {column:?}", self.path.display()),
            None => Ok(()),
        }
    }

    pub fn has(&self, column: &str) -> bool {
        self.columns.contains_key(column)
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|record| Row { table: self, record })
    }

    /// Complains about the second of two rows that agree in all these columns.
    pub fn refuse_duplicates(&self, columns: &[&str]) -> Result<()> {
        let mut seen: HashMap<Vec<&str>, u64> = HashMap::new();
        for row in self.rows() {
            let key: Vec<&str> = columns.iter().map(|column| row.text(column)).collect();
            let shown = key.join(", ");
            if let Some(first) = seen.insert(key, row.line()) {
                let why = format!("{shown} stood on line {first} already");
                return Err(row.wrong(columns[columns.len() - 1], &why));
            }
        }
        Ok(())
    }
}

impl<'a> Row<'a> {
    pub fn line(&self) -> u64 {
        self.record.position().map_or(0, csv::Position::line)
    }

    pub fn fields(&self) -> impl Iterator<Item = &'a str> {
        self.record.iter()
    }

    /// What stands in the column; nothing when the table does not have it.
    pub fn text(&self, column: &str) -> &'a str {
        self.table.columns.get(column).map_or("", |at| &self.record[*at])
    }

    /// A name: not empty, no longer than 200 bytes, without `|`, which parts the keys of terms.
    pub fn name(&self, column: &str) -> Result<&'a str> {
        let text = self.word(column)?;
        if text.is_empty() {
            return Err(self.wrong(column, "is empty"));
        }
        Ok(text)
    }

    /// As a name, but it may be empty.
    pub fn word(&self, column: &str) -> Result<&'a str> {
        let text = self.text(column);
        if text.len() > 200 {
            return Err(self.wrong(column, "is longer than 200 bytes"));
        }
        if text.contains('|') || text.chars().any(char::is_control) {
            return Err(self.wrong(column, "has a | or a control character in it"));
        }
        if text.trim() != text {
            return Err(self.wrong(column, "begins or ends with a blank"));
        }
        Ok(text)
    }

    /// A number within `least ..= most`.
    pub fn number(&self, column: &str, least: f64, most: f64) -> Result<f64> {
        match self.maybe(column, least, most)? {
            Some(number) => Ok(number),
            None => Err(self.wrong(column, "is empty")),
        }
    }

    /// As a number, but it may be empty.
    pub fn maybe(&self, column: &str, least: f64, most: f64) -> Result<Option<f64>> {
        let text = self.text(column);
        if text.is_empty() {
            return Ok(None);
        }
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        let Some(number) = text.parse::<f64>().ok().filter(|number| plain && number.is_finite()) else {
            return Err(self.wrong(column, &format!("{text:?} is not a number")));
        };
        if number < least || number > most {
            return Err(self.wrong(column, &format!("{text} is not within {least} ..= {most}")));
        }
        Ok(Some(number))
    }

    pub fn flag(&self, column: &str) -> Result<bool> {
        match self.text(column) {
            "0" => Ok(false),
            "1" => Ok(true),
            other => Err(self.wrong(column, &format!("{other:?} is neither 0 nor 1"))),
        }
    }

    pub fn wrong(&self, column: &str, why: &str) -> anyhow::Error {
        anyhow!("{}: line {}, column {column:?}: {why}", self.table.path.display(), self.line())
    }
}

fn unreadable(path: &Path, why: csv::Error) -> anyhow::Error {
    let line = why.position().map_or(String::new(), |position| format!(" line {}:", position.line()));
    match why.kind() {
        csv::ErrorKind::Utf8 { err, .. } => {
            anyhow!("{}:{line} column {}: is not UTF-8", path.display(), err.field() + 1)
        }
        _ => anyhow!("{}:{line} {why}", path.display()),
    }
}

fn read_full(from: &mut impl Read, to: &mut [u8]) -> std::io::Result<usize> {
    let mut at = 0;
    while at < to.len() {
        match from.read(&mut to[at..])? {
            0 => break,
            read => at += read,
        }
    }
    Ok(at)
}
