//! TLS by rustls: on a client's SSLRequest, or at once (direct negotiation, PostgreSQL 17's
//! `sslnegotiation=direct`). Which certificate is shown is decided at each handshake, so that
//! files can be replaced under a server that runs.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arc_swap::ArcSwap;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;

use super::certificate;
use super::failure::{Failure, Step};

/// What a client asks for when it wants TLS: a length of eight bytes and a code.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
/// The same for GSSAPI, which there is not.
const GSSENC_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30];
/// A TLS record of a handshake begins so; a startup packet does not.
const TLS_HANDSHAKE: u8 = 0x16;
/// The protocol that a client must name when it does not ask first.
const ALPN: &[u8] = b"postgresql";

/// Whether connections are encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsMode {
    /// Never.
    #[default]
    Off,
    /// Where the client asks for it.
    Allowed,
    /// Always: others are turned away.
    Required,
}

/// Where certificates are.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The server's certificate, with those between it and the authority after it (PEM).
    pub certificate: PathBuf,
    /// Its key (PEM).
    pub key: PathBuf,
    /// The authorities whose clients' certificates are taken for proof (PEM).
    pub client_authorities: Option<PathBuf>,
}

/// What a listener needs for TLS.
pub struct Tls {
    mode: TlsMode,
    files: TlsFiles,
    acceptor: ArcSwap<ServerConfig>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("mode", &self.mode).field("files", &self.files).finish()
    }
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// One line, when a file can't be read or holds something else.
    pub fn new(mode: TlsMode, files: TlsFiles) -> Result<Self, String> {
        let acceptor = ArcSwap::new(Arc::new(read(&files)?));
        Ok(Self { mode, files, acceptor })
    }

    /// Reads the files again: for handshakes from now on.
    ///
    /// # Errors
    /// As [`Self::new`]; the old certificate stays.
    pub fn reload(&self) -> Result<(), String> {
        self.acceptor.store(Arc::new(read(&self.files)?));
        Ok(())
    }

    /// Whether only encrypted connections are let in.
    pub(super) fn is_required(&self) -> bool {
        self.mode == TlsMode::Required
    }
}

fn read(files: &TlsFiles) -> Result<ServerConfig, String> {
    let certificates = certificates(&files.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| format!("cannot use the key {}: {error}", files.key.display()))?;
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("cannot use TLS: {error}"))?;
    let builder = match &files.client_authorities {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let mut roots = RootCertStore::empty();
            for certificate in self::certificates(file)? {
                roots.add(certificate).map_err(|error| {
                    format!("cannot use the authority in {}: {error}", file.display())
                })?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .allow_unauthenticated()
                .build()
                .map_err(|error| format!("cannot use {}: {error}", file.display()))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder.with_single_cert(certificates, key).map_err(|error| {
        format!("cannot use the certificate {}: {error}", files.certificate.display())
    })?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(config)
}

fn certificates(file: &std::path::Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let failed = |error| format!("cannot use the certificate {}: {error}", file.display());
    let all = CertificateDer::pem_file_iter(file).map_err(failed)?;
    let all = all.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    if all.is_empty() {
        return Err(format!("there is no certificate in {}", file.display()));
    }
    Ok(all)
}

/// A client's stream, encrypted or not.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(TcpStream),
    Encrypted(Box<TlsStream<TcpStream>>),
}

/// How a client came.
#[derive(Clone, Debug, Default)]
pub(super) struct Secured {
    /// By TLS.
    pub(super) encrypted: bool,
    /// The name in its certificate, which an authority of ours has signed.
    pub(super) certificate_name: Option<String>,
    /// Bytes of its first packet that were read to see what it is.
    pub(super) read: Vec<u8>,
}

/// Settles whether a connection is encrypted.
pub(super) async fn secure(mut stream: TcpStream, tls: Option<&Tls>) -> Step<(Stream, Secured)> {
    let tls = tls.filter(|tls| tls.mode != TlsMode::Off);
    let mut first = [0];
    if stream.peek(&mut first).await? == 0 {
        return Err(Failure::Gone);
    }
    if let (Some(tls), TLS_HANDSHAKE) = (tls, first[0]) {
        let encrypted = shake_hands(stream, tls).await?;
        // Who does not ask first must say what it wants to speak: another protocol's bytes must
        // not be taken for ours.
        let ours = encrypted.get_ref().1.alpn_protocol() == Some(ALPN);
        return if ours { Ok(secured(encrypted)) } else { Err(Failure::Gone) };
    }
    let mut read = [0; 8];
    stream.read_exact(&mut read).await?;
    if read == GSSENC_REQUEST {
        stream.write_all(b"N").await?;
        stream.read_exact(&mut read).await?;
    }
    match tls {
        Some(tls) if read == SSL_REQUEST => {
            stream.write_all(b"S").await?;
            // What a client sends before the handshake, somebody else may have sent: it is read as
            // a part of the handshake, and fails there.
            Ok(secured(shake_hands(stream, tls).await?))
        }
        _ => Ok((
            Stream::Plain(stream),
            Secured { encrypted: false, certificate_name: None, read: read.to_vec() },
        )),
    }
}

async fn shake_hands(stream: TcpStream, tls: &Tls) -> Step<TlsStream<TcpStream>> {
    let acceptor = TlsAcceptor::from(tls.acceptor.load_full());
    Ok(acceptor.accept(stream).await?)
}

fn secured(stream: TlsStream<TcpStream>) -> (Stream, Secured) {
    let certificates = stream.get_ref().1.peer_certificates();
    let first = certificates.and_then(<[CertificateDer<'_>]>::first);
    let certificate_name = first.and_then(|der| certificate::common_name(der));
    let secured = Secured { encrypted: true, certificate_name, read: Vec::new() };
    (Stream::Encrypted(Box::new(stream)), secured)
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Encrypted(stream) => Pin::new(stream.as_mut()).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Encrypted(stream) => Pin::new(stream.as_mut()).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Encrypted(stream) => Pin::new(stream.as_mut()).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Encrypted(stream) => Pin::new(stream.as_mut()).poll_shutdown(context),
        }
    }
}
