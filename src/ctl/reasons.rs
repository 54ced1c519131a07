//! What a refusal means and what helps, as docs/errors.md says it: the page is read, so that there is one.

const PAGE: &str = include_str!("../../docs/errors.md");

/// Meaning and remedy of a reason such as `PRICE_OUT_OF_BAND`; `None` for one that the page does not list.
pub fn of(reason: &str) -> Option<(&'static str, &'static str)> {
    let quoted = format!("`{reason}`");
    PAGE.lines().find_map(|line| {
        let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
        let (names, meaning, remedy) = (cells.next()?, cells.next()?, cells.next()?);
        names.split(", ").any(|name| name == quoted).then_some((meaning, remedy))
    })
}
