//! The exchange as `hourbook serve` composes it, in a process of the bench's own.

use hourbook::market::Market;
use hourbook_gateway::{Gateway, Recorder, Settings, digest_of, serve};
use hourbook_history::History;
use hourbook_model::*;
use hourbook_sequencer::{Config, Sequencer};
use std::net::SocketAddr;
use std::path::Path;
use tokio::net::TcpListener;

pub async fn run(directory: &Path, operator: &str, told: impl FnOnce(SocketAddr)) -> anyhow::Result<()> {
    let history = History::open(&directory.join("history"), Default::default())?;
    let recorder = Recorder::start(history.clone())?;
    let (mut sequencer, handle, _) =
        Sequencer::open(Config::new(directory.join("journal")), vec![Box::new(recorder)])?;
    let gateway = Gateway::new(sequencer.exchange(), handle.clone(), history, Settings::default());
    sequencer.subscribe(gateway.subscriber());
    std::thread::spawn(move || sequencer.run().expect("no fault"));
    for command in Market::built_in().commands {
        handle.submit(Request::default(), command).await?;
    }
    handle.submit(Request::default(), CreateParticipant { name: "house".into() }.into()).await?;
    let (participant, account, role) = (ParticipantId(1), AccountId(0), Role::Operator);
    let digest = digest_of(operator);
    let issue = IssueKey { participant, account, role, digest, label: "bench".into() };
    handle.submit(Request::default(), issue.into()).await?;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    told(listener.local_addr()?);
    serve(&gateway, listener, None, std::future::pending()).await?;
    Ok(())
}
