//! Where the exchange is, and under which key it is asked.

use std::path::{Path, PathBuf};

use clap::Args;
use hourbook_api::client::{Client, Error};

use super::{Failure, Outcome};

/// The flags; the environment sets what a flag does not.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Connection")]
pub struct Connection {
    /// Address of the exchange
    #[arg(long, global = true, value_name = "URL", env = "HOURBOOK_ADDRESS", default_value = DEFAULT_ADDRESS)]
    pub address: String,
    /// API key; without one, that of the key file
    #[arg(long, global = true, value_name = "KEY", env = "HOURBOOK_KEY", hide_env_values = true)]
    key: Option<String>,
    /// File that holds the API key; without one, operator.key in the data directory
    #[arg(long, global = true, value_name = "FILE", env = "HOURBOOK_KEY_FILE")]
    key_file: Option<PathBuf>,
    /// Data directory of a server on this machine, where its operator key is found
    #[arg(long, global = true, value_name = "DIR", env = "HOURBOOK_DATA", default_value = DEFAULT_DATA)]
    pub data: PathBuf,
    /// PEM of whoever signed the server's certificate, where that is not a public authority
    #[arg(long, global = true, value_name = "FILE", env = "HOURBOOK_AUTHORITY")]
    authority: Option<PathBuf>,
}

pub const DEFAULT_ADDRESS: &str = "http://127.0.0.1:7070";
const DEFAULT_DATA: &str = "data";
/// The file in the data directory to which a new exchange writes its operator's key.
pub const OPERATOR_KEY: &str = "operator.key";
/// The certificate that a server made for itself, to be trusted by whoever shares its machine.
const DEVELOPMENT_CERTIFICATE: &str = "development-certificate.pem";

impl Connection {
    /// Connects.
    pub async fn open(&self) -> Outcome<Client> {
        let address = self.url();
        let key = self.key()?;
        let authority = self.authority()?;
        match Client::connect(&address, &key, authority.as_deref()).await {
            Ok(client) => Ok(client),
            Err(Error::Connect(error)) => {
                let why = root_cause(&error);
                let help = if why.contains("InvalidContentType") {
                    "What answers there has no TLS: its address begins with http://"
                } else if why.contains("invalid peer certificate") {
                    "--authority names the PEM file of whoever signed it; of a server's own development certificate, --data its data directory"
                } else {
                    "Is the exchange running there? `hourbook serve` starts one; --address names another"
                };
                Err(Failure::said(format!("cannot reach {address}: {why}\n  {help}.")))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The address with its scheme.
    pub fn url(&self) -> String {
        match self.address.contains("://") {
            true => self.address.clone(),
            false => format!("http://{}", self.address),
        }
    }

    /// The flags by which another call finds the same exchange, and trusts it.
    pub fn flags(&self) -> String {
        let mut flags = String::new();
        if self.address != DEFAULT_ADDRESS {
            flags += &format!(" --address {}", quoted(&self.address));
        }
        match &self.authority {
            Some(authority) => flags += &format!(" --authority {}", quoted(&authority.display().to_string())),
            None if self.made_here().is_some() && self.data != Path::new(DEFAULT_DATA) => {
                flags += &format!(" --data {}", quoted(&self.data.display().to_string()));
            }
            None => {}
        }
        flags
    }

    fn key(&self) -> Outcome<String> {
        if let Some(key) = &self.key {
            return Ok(key.trim().to_string());
        }
        let default = self.data.join(OPERATOR_KEY);
        let path = self.key_file.as_ref().unwrap_or(&default);
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(text.trim().to_string()),
            Err(error) => Err(Failure::said(format!(
                "no key: {}: {error}\n  Give --key or --key-file, set HOURBOOK_KEY, or name the server's directory with --data.",
                path.display()
            ))),
        }
    }

    fn authority(&self) -> Outcome<Option<String>> {
        self.authority.clone().or_else(|| self.made_here()).map(|path| read(&path)).transpose()
    }

    /// The certificate that the server has made for itself, where it is on this machine and asked for one.
    fn made_here(&self) -> Option<PathBuf> {
        let made_here = self.data.join(DEVELOPMENT_CERTIFICATE);
        (self.address.starts_with("https://") && made_here.exists()).then_some(made_here)
    }
}

/// As a shell takes it for one word.
fn quoted(word: &str) -> String {
    let is_plain = |one: char| one.is_ascii_alphanumeric() || "-._/:".contains(one);
    if word.chars().all(is_plain) { word.into() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

fn read(path: &Path) -> Outcome<String> {
    std::fs::read_to_string(path).map_err(|error| Failure::said(format!("{}: {error}", path.display())))
}

fn root_cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => root_cause(source),
        None => error.to_string(),
    }
}
