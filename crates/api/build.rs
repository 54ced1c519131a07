//! Compiles the published contract without protoc, and keeps its descriptors for reflection.

use prost::Message;
use std::path::PathBuf;

const FILES: [&str; 7] = ["types", "orders", "market_data", "instruments", "accounts", "pricing", "admin"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from("../../proto");
    println!("cargo:rerun-if-changed={}", root.display());
    let files = FILES.map(|file| root.join(format!("hourbook/v1/{file}.proto")));
    let descriptors = protox::compile(files, [&root])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .build_transport(true)
        .extern_path(".hourbook.v1.SubscribeResponse", "crate::ready::SubscribeResponse")
        .compile_fds(descriptors)?;
    Ok(())
}
