//! Servers that are measured, each a process of its own that ends with this one, even where this one is killed: each
//! stops when its standard input ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::Context;

use super::noop;
use crate::serve::OPERATOR_KEY;

/// The subcommand that is the server that does nothing.
pub const NOOP: &str = "no-op";

/// A running server.
pub struct Server {
    child: Child,
    pub address: String,
    /// What more it says has somewhere to go.
    says: BufReader<ChildStdout>,
}

impl Server {
    /// `hourbook serve` with its defaults but for what is given, a new journal, and its operator's key. It says errors
    /// only: what it warns of, such as a disk that is slow for a moment, is part of what is measured.
    ///
    /// # Errors
    /// When it does not come to serve; it has said why.
    pub fn exchange(
        program: &Path,
        data: &Path,
        market: Option<&Path>,
        awake: bool,
    ) -> anyhow::Result<(Server, String)> {
        let mut command = Command::new(program);
        command.args(["serve", "--listen", "127.0.0.1:0", "--metrics", "none", "--log", "error"]);
        command.arg("--stop-with-stdin");
        command.arg("--data").arg(data);
        if let Some(market) = market {
            command.arg("--market").arg(market);
        }
        if awake {
            command.arg("--awake");
        }
        let server = Server::start(&mut command).context("the exchange")?;
        let key = std::fs::read_to_string(data.join(OPERATOR_KEY))?;
        Ok((server, key.trim().into()))
    }

    /// The server that does nothing, which knows these accounts by [`noop_key`].
    ///
    /// # Errors
    /// When it does not come to serve.
    pub fn noop(program: &Path, accounts: &[u32]) -> anyhow::Result<Server> {
        let mut command = Command::new(program);
        command.arg(NOOP).args(accounts.iter().map(u32::to_string));
        Server::start(&mut command).context("the server that does nothing")
    }

    /// Starts a server whose first line ends with its address.
    fn start(command: &mut Command) -> anyhow::Result<Server> {
        // What is set for an exchange or a customer of this machine is not meant for it.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("HOURBOOK_") {
                command.env_remove(name);
            }
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let says = BufReader::new(child.stdout.take().expect("it is piped"));
        // From here on it ends with this, whatever it says.
        let mut server = Server { child, address: String::new(), says };
        let mut line = String::new();
        server.says.read_line(&mut line)?;
        let address = line.split_whitespace().last().context("it ended before it served")?;
        server.address = format!("http://{address}");
        Ok(server)
    }

    /// Processor time that it has taken, in hundredths of a second.
    ///
    /// # Errors
    /// Where the system does not tell.
    pub fn processor_ticks(&self) -> anyhow::Result<u64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // Behind the name, which stands in brackets: user and system time are the 12th and 13th.
        let (_, fields) = stat.rsplit_once(')').context("no process like ours")?;
        let fields = fields.split_whitespace().skip(11).take(2);
        fields.map(|ticks| ticks.parse::<u64>().context("no number")).sum()
    }

    /// Memory that it has, KiB.
    ///
    /// # Errors
    /// Where the system does not tell.
    pub fn memory_kib(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = resident.and_then(|line| line.split_whitespace().next()).context("no process like ours")?;
        Ok(kib.parse()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The key under which the server that does nothing knows an account.
pub fn noop_key(account: u32) -> String {
    noop::key_of(account)
}

/// Is the server that does nothing, until whoever started it is gone.
///
/// # Errors
/// When it cannot listen.
pub fn serve_noop(accounts: &[u32]) -> anyhow::Result<()> {
    std::thread::spawn(|| {
        // Ends when the other end of the pipe does.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let told = |address| {
        let mut out = std::io::stdout().lock();
        // Nobody to hear it is nobody to serve.
        if writeln!(out, "serves on {address}").and_then(|()| out.flush()).is_err() {
            std::process::exit(1);
        }
    };
    crate::serve::runtime()?.block_on(noop::serve(accounts, told))
}
