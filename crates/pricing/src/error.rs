//! What can go wrong: bad parameters, or a question that they have no answer to.

use rust_decimal::Decimal;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is not TOML, or not of the expected shape; the message names line and column.
    #[error("parameters: {0}")]
    Syntax(String),
    /// A value that is well written but makes no sense.
    #[error("parameters: {key}: {why}")]
    Parameter { key: String, why: String },
    #[error("no {what} {name:?} in the parameters")]
    Unknown { what: &'static str, name: String },
    #[error("{what} is {value}, which is not within {least} ..= {most}")]
    OutOfRange { what: &'static str, value: Decimal, least: Decimal, most: Decimal },
    /// More digits than a price can be exact in.
    #[error("{what} {value} has too many digits for an exact price")]
    TooPrecise { what: &'static str, value: Decimal },
    /// An observation that does not fit its metric.
    #[error("observation of {metric}: {why}")]
    Observation { metric: String, why: String },
}

impl Error {
    pub(crate) fn parameter(key: impl Into<String>, why: impl Into<String>) -> Error {
        Error::Parameter { key: key.into(), why: why.into() }
    }

    pub(crate) fn unknown(what: &'static str, name: &str) -> Error {
        Error::Unknown { what, name: name.to_string() }
    }
}

/// `value` when it lies within `least ..= most`.
pub(crate) fn within(
    what: &'static str,
    value: Decimal,
    least: Decimal,
    most: Decimal,
) -> Result<Decimal, Error> {
    if value < least || value > most {
        return Err(Error::OutOfRange { what, value, least, most });
    }
    Ok(value)
}
