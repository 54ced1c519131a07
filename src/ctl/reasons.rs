//! What a refusal means and what helps, as docs/errors.md says it: the page is read, so that there is one.

const PAGE: &str = include_str!("../../docs/errors.md");

/// Meaning and remedy of a reason such as `PRICE_OUT_OF_BAND`; `None` for one that the page does not list.
///
/// The first column of a table names reasons, the last two say what they mean and what helps.
pub fn of(reason: &str) -> Option<(&'static str, &'static str)> {
    let quoted = format!("`{reason}`");
    PAGE.lines().find_map(|line| {
        let row = line.strip_prefix('|')?.strip_suffix('|')?;
        let (rest, remedy) = row.rsplit_once('|')?;
        let (rest, meaning) = rest.rsplit_once('|')?;
        let names = rest.split('|').next()?;
        names.trim().split(", ").any(|name| name == quoted).then_some((meaning.trim(), remedy.trim()))
    })
}
