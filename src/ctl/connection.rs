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
    #[arg(long, global = true, value_name = "DIR", env = "HOURBOOK_DATA", default_value = "data")]
    pub data: PathBuf,
    /// PEM of whoever signed the server's certificate, where that is not a public authority
    #[arg(long, global = true, value_name = "FILE", env = "HOURBOOK_AUTHORITY")]
    authority: Option<PathBuf>,
}

pub const DEFAULT_ADDRESS: &str = "http://127.0.0.1:7070";
/// The file in the data directory to which a new exchange writes its operator's key.
pub const OPERATOR_KEY: &str = "operator.key";
/// The certificate that a server made for itself, to be trusted by whoever shares its machine.
const DEVELOPMENT_CERTIFICATE: &str = "development-certificate.pem";

impl Connection {
    /// Connects.
    pub async fn open(&self) -> Outcome<Client> {
        let address = self.url();
        let key = self.key()?;
        let authority = self.authority(&address)?;
        match Client::connect(&address, &key, authority.as_deref()).await {
            Ok(client) => Ok(client),
            Err(Error::Connect(error)) => {
                let why = root_cause(&error);
                Err(Failure::said(format!(
                    "cannot reach {address}: {why}\n  Is the exchange running there? `hourbook serve` starts one; --address names another."
                )))
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

    fn authority(&self, address: &str) -> Outcome<Option<String>> {
        let made_here = self.data.join(DEVELOPMENT_CERTIFICATE);
        let path = match &self.authority {
            Some(path) => path,
            None if address.starts_with("https://") && made_here.exists() => &made_here,
            None => return Ok(None),
        };
        read(path).map(Some)
    }
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
