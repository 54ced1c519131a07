//! Which rows are kept back to test on, by the hash of what must be new to the model.

use sha2::{Digest, Sha256};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// New types: A.
    Types,
    /// New families: A2.
    Families,
    /// New regions: B.
    Regions,
    /// A whole provider.
    Cloud(String),
}

impl std::str::FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Rule, String> {
        match text {
            "A" => Ok(Rule::Types),
            "A2" => Ok(Rule::Families),
            "B" => Ok(Rule::Regions),
            _ => match text.strip_prefix("cloud:") {
                Some(name) if !name.is_empty() => Ok(Rule::Cloud(name.into())),
                _ => Err(format!("{text:?} is not A, A2, B or cloud:NAME")),
            },
        }
    }
}

impl Rule {
    /// Whether a row is kept back to test on.
    pub fn tests(&self, cloud: &str, region: &str, family: &str, instance_type: &str) -> bool {
        match self {
            Rule::Types => percent(&format!("type|{cloud}|{instance_type}")) < 20,
            Rule::Families => percent(&format!("family|{cloud}|{family}")) < 20,
            Rule::Regions => percent(&format!("region|{cloud}|{region}")) < 20,
            Rule::Cloud(name) => cloud == name,
        }
    }
}

/// The first eight hexadecimal digits of the text's SHA-256, as a number, modulo 100.
pub fn percent(text: &str) -> u32 {
    let digest = Sha256::digest(text.as_bytes());
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]) % 100
}

/// By what anchors are drawn: the rows where this is smallest.
pub fn anchor_rank(cloud: &str, region: &str, instance_type: &str) -> [u8; 32] {
    Sha256::digest(format!("anchor|{cloud}|{region}|{instance_type}").as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read() {
        assert_eq!("A2".parse(), Ok(Rule::Families));
        assert_eq!("cloud:aws".parse(), Ok(Rule::Cloud("aws".into())));
        assert!("cloud:".parse::<Rule>().is_err());
        assert!("a".parse::<Rule>().is_err());
    }

    #[test]
    fn rows_are_drawn_by_their_hash() {
        // sha256("type|aws|m5.large") begins with what the tool sha256sum prints.
        assert_eq!(percent("abc"), 0xba78_16bf_u32 % 100);
    }
}
