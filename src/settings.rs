//! Reading settings: a TOML text becomes a typed value, or one sentence that names file, key and remedy.
//!
//! Both files, the market's and the server's, are read here. Unknown keys are errors; every number
//! carries its range in its type (see `values`), so the range cannot be forgotten.

mod values;

pub use values::*;

use std::fmt::Display;
use std::path::Path;

use serde::de::DeserializeOwned;

/// Why a settings file cannot be used. It names the file and the key: `FILE: KEY: WHAT`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("{file}: {why}")]
    Unreadable { file: String, why: String },
    #[error("{file}: line {line}, `{text}`: {why}")]
    Syntax { file: String, line: usize, text: String, why: String },
    #[error("{file}: {key}: {why}")]
    Key { file: String, key: String, why: String },
}

impl Error {
    pub fn key(file: &str, key: impl Display, why: impl Display) -> Error {
        Error::Key { file: file.into(), key: key.to_string(), why: why.to_string() }
    }
}

/// Reads `text`; `file` is what messages call it.
pub fn read<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Error> {
    let document = toml::Deserializer::parse(text).map_err(|error| syntax(file, text, &error))?;
    serde_path_to_error::deserialize(document).map_err(|error| match error.path().iter().len() {
        0 => Error::Unreadable { file: file.into(), why: error.inner().message().into() },
        _ => Error::key(file, error.path(), error.inner().message()),
    })
}

/// What is no TOML has no key yet, but a line.
fn syntax(file: &str, text: &str, error: &toml::de::Error) -> Error {
    let before = error.span().map_or("", |span| &text[..span.start]);
    let line = before.matches('\n').count();
    let shown = text.lines().nth(line).unwrap_or("").trim().chars().take(80).collect();
    Error::Syntax { file: file.into(), line: line + 1, text: shown, why: error.message().replace('\n', ", ") }
}

/// The text of the file at `path`.
pub fn text_of(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path)
        .map_err(|error| Error::Unreadable { file: path.display().to_string(), why: error.to_string() })
}
