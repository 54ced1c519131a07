//! Where, for whom and how a maker quotes, and why it cannot.

use crate::limits::Breach;
use crate::quoter::Settings;
use hourbook_api::client;
use hourbook_pricing::Params;
use std::sync::Arc;
use std::time::Duration;

/// Which part of the books is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Best bid and best ask: for very many instruments.
    Top,
    /// All levels, checked by their checksum.
    Levels,
}

/// Where and for whom a maker quotes.
#[derive(Clone)]
pub struct Config {
    /// Such as `http://127.0.0.1:7070`.
    pub address: String,
    pub key: String,
    /// The PEM of who signed the server's certificate, where that is not a public one.
    pub authority: Option<String>,
    /// All its orders are the maker's: everything of it is cancelled at the start and at the end.
    pub account: u32,
    /// The session's name.
    pub session: String,
    /// What to quote, such as `GP.CNNX.*`; 1 to 100.
    pub patterns: Vec<String>,
    /// The participant whose score makes the fair price; 0 for nobody in particular.
    pub provider: u32,
    /// The exchange's fair price counts no further than this from what these parameters say of a product, millionths.
    pub params: Arc<Params>,
    pub leash_ppm: u32,
    pub depth: Depth,
    /// How often it decides.
    pub pace: Duration,
    pub settings: Settings,
}

impl Config {
    /// What settings have where nothing else is said: the session `maker`, prices for nobody in particular under the parameters
    /// of this version, with a leash of a tenth, all levels, 20 ms from one decision to the next.
    ///
    /// ```no_run
    /// # use hourbook_maker::{Config, FixedSpread, Maker};
    /// # async fn run(key: &str) -> Result<(), Box<dyn std::error::Error>> {
    /// let config = Config::new("http://127.0.0.1:7070", key, 2, ["GP.CNNX.*"]);
    /// let maker = Maker::start(config, Box::new(FixedSpread { half_ppm: 10_000, skew_ppm: 20_000 })).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(
        address: &str,
        key: &str,
        account: u32,
        patterns: impl IntoIterator<Item = impl Into<String>>,
    ) -> Config {
        Config {
            address: address.into(),
            key: key.into(),
            authority: None,
            account,
            session: "maker".into(),
            patterns: patterns.into_iter().map(Into::into).collect(),
            provider: 0,
            params: Arc::new(Params::standard()),
            leash_ppm: 100_000,
            depth: Depth::Levels,
            pace: Duration::from_millis(20),
            settings: Settings::default(),
        }
    }
}

impl std::fmt::Debug for Config {
    /// Without the key, which whoever reads a log is not to have.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Config { address, account, session, patterns, provider, leash_ppm, depth, settings, .. } = self;
        f.debug_struct("Config")
            .field("address", address)
            .field("account", account)
            .field("session", session)
            .field("patterns", patterns)
            .field("provider", provider)
            .field("leash_ppm", leash_ppm)
            .field("depth", depth)
            .field("settings", settings)
            .finish_non_exhaustive()
    }
}

/// Why a maker cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Client(#[from] client::Error),
    #[error("{0}")]
    Config(String),
    #[error("killed: {0}")]
    Breach(Breach),
    #[error("the maker's task is gone: {0}")]
    Task(String),
}

impl From<tonic::Status> for Error {
    fn from(status: tonic::Status) -> Error {
        Error::Client(status.into())
    }
}
