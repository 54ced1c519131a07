//! Certificates: from files, or one that is made for trying things out.

use crate::Error;
use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fs;
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What a server shows its clients.
#[derive(Clone)]
pub struct Tls(TlsAcceptor);

impl Tls {
    /// Certificate chain and private key, PEM.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Pem`], and [`Error::Certificate`] where the two do not belong together.
    pub fn from_files(certificate: &Path, key: &Path) -> Result<Tls, Error> {
        let chain = CertificateDer::pem_slice_iter(&read(certificate)?)
            .collect::<Result<Vec<_>, _>>()
            .ok()
            .filter(|chain| !chain.is_empty())
            .ok_or_else(|| Error::Pem { path: certificate.into(), what: "certificate" })?;
        let private = PrivateKeyDer::from_pem_slice(&read(key)?)
            .map_err(|_| Error::Pem { path: key.into(), what: "private key" })?;
        let failed = |error| Error::Certificate { path: certificate.into(), error };
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(failed)?
                .with_no_client_auth()
                .with_single_cert(chain, private)
                .map_err(failed)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Tls(TlsAcceptor::from(Arc::new(config))))
    }

    pub(crate) async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        self.0.accept(stream).await
    }
}

/// A certificate for this machine and `address`, signed by itself, in `directory`: made once and kept, so
/// that clients which were told to trust it still do. For trying things out only.
///
/// Returns the paths of certificate and key, `development-certificate.pem` and `development-key.pem`.
///
/// # Errors
/// [`Error::File`] and [`Error::Development`].
pub fn development_certificate(directory: &Path, address: IpAddr) -> Result<(PathBuf, PathBuf), Error> {
    let certificate = directory.join("development-certificate.pem");
    let key = directory.join("development-key.pem");
    if certificate.exists() && key.exists() {
        return Ok((certificate, key));
    }
    let names = ["localhost".to_string(), "127.0.0.1".into(), "::1".into(), address.to_string()];
    let pair = KeyPair::generate()?;
    let made = CertificateParams::new(names)?.self_signed(&pair)?;
    write(&key, 0o600, &pair.serialize_pem())?;
    write(&certificate, 0o644, &made.pem())?;
    Ok((certificate, key))
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|error| Error::File { path: path.into(), error })
}

fn write(path: &Path, mode: u32, text: &str) -> Result<(), Error> {
    let open = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(path);
    open.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| Error::File { path: path.into(), error })
}
