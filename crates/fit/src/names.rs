//! Names of families and instance types, taken apart into a tree: series, generation, attributes, the rest.
//!
//!     m7i-flex              series m, generation 7, attributes i, extra flex
//!     ecs.g7ne              series g, generation 7, attributes ne
//!     n2d-highmem           series n, generation 2, attributes d, extra highmem
//!     Standard_E16-8ads_v5  series E, generation v5, attributes ads
//!
//! A name of another kind is its own series: the model then knows nothing of its relatives, and says so by its interval.

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Name {
    pub series: String,
    pub generation: String,
    pub attributes: String,
    pub extra: String,
    /// `lssd` where a local disk is named whose size the list does not give.
    pub disk: String,
}

pub fn parse(instance_type: &str, family: &str) -> Name {
    sized(instance_type).unwrap_or_else(|| plain(instance_type, family))
}

/// The grammar of Azure, where the family's own name is less regular than the type's:
/// `Standard_`, letters, size, perhaps `-` and fewer cores, attributes, then parts joined by `_`.
fn sized(instance_type: &str) -> Option<Name> {
    let rest = instance_type.strip_prefix("Standard_").or_else(|| instance_type.strip_prefix("Basic_"))?;
    let (series, rest) = split(rest, |letter| letter.is_ascii_uppercase());
    let (size, mut rest) = split(rest, |letter| letter.is_ascii_digit());
    if series.is_empty() || size.is_empty() {
        return None;
    }
    if let Some(fewer) = rest.strip_prefix('-') {
        let (cores, after) = split(fewer, |letter| letter.is_ascii_digit());
        if cores.is_empty() {
            return None;
        }
        rest = after;
    }
    let (attributes, rest) = split(rest, |letter| letter.is_ascii_lowercase());
    if !rest.is_empty() && !rest.starts_with('_') {
        return None;
    }
    let parts: Vec<&str> = rest.split('_').filter(|part| !part.is_empty()).collect();
    if parts.iter().any(|part| !part.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
        return None;
    }
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_generation = |part: &&str| part.strip_prefix('v').is_some_and(number);
    let generation = parts.iter().copied().find(is_generation).unwrap_or("v1");
    let extra: Vec<&str> =
        parts.iter().copied().filter(|part| !is_generation(part) && !number(part)).collect();
    Some(Name {
        series: series.into(),
        generation: generation.into(),
        attributes: attributes.into(),
        extra: extra.join("_"),
        disk: String::new(),
    })
}

/// The grammar of the others: letters, digits, letters, then parts joined by `-`.
fn plain(instance_type: &str, family: &str) -> Name {
    let family = family.to_lowercase();
    let family = family.strip_prefix("ecs.").unwrap_or(&family);
    let (head, extra) = family.split_once('-').unwrap_or((family, ""));
    let disk = if instance_type.contains("lssd") { "lssd" } else { "" };
    let (series, rest) = split(head, |letter| letter.is_ascii_lowercase());
    let (generation, rest) = split(rest, |letter| letter.is_ascii_digit());
    let (attributes, rest) = split(rest, |letter| letter.is_ascii_lowercase());
    let name =
        if series.is_empty() || !rest.is_empty() { (head, "", "") } else { (series, generation, attributes) };
    Name {
        series: name.0.into(),
        generation: name.1.into(),
        attributes: name.2.into(),
        extra: extra.into(),
        disk: disk.into(),
    }
}

/// The longest beginning of such characters, and what follows it.
fn split(text: &str, of_kind: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|letter| !of_kind(letter)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_apart() {
        let table = [
            ("m7i-flex.large", "m7i-flex", "m|7|i|flex|"),
            ("c5.12xlarge", "c5", "c|5|||"),
            ("u7in-32tb.224xlarge", "u7in-32tb", "u|7|in|32tb|"),
            ("ecs.g7ne.large", "ecs.g7ne", "g|7|ne||"),
            ("ecs.e-c1m2.large", "ecs.e-c1m2", "e|||c1m2|"),
            ("n2d-highmem-4", "n2d-highmem", "n|2|d|highmem|"),
            ("c4-standard-8-lssd", "c4-standard", "c|4||standard|lssd"),
            ("Standard_E16-8ads_v5", "EADSv5", "E|v5|ads||"),
            ("Standard_NC16as_T4_v3", "Standard NCASv3_T4", "NC|v3|as|T4|"),
            ("Standard_A0", "A0_A7", "A|v1|||"),
            ("Basic_A1", "A0_A7", "A|v1|||"),
            ("Standard_odd", "Odd Family", "odd family||||"),
            ("gpu_8x_v100", "v100", "v|100|||"),
            ("", "", "||||"),
            ("Standard_", "Standard_", "standard_||||"),
            ("Standard_D2é", "D2é", "d2é||||"),
        ];
        for (instance_type, family, expected) in table {
            let Name { series, generation, attributes, extra, disk } = parse(instance_type, family);
            let found = format!("{series}|{generation}|{attributes}|{extra}|{disk}");
            assert_eq!(found, expected, "{instance_type}");
        }
    }
}
