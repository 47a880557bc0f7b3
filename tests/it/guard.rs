//! Who is let in: TLS asked for and begun with, certificates for proof, host rules, and all of it
//! read again under a node that runs. The certificates in `certificates/` are for tests only, and
//! their authority's key was thrown away.

use crate::fleet::{Backend, Fleet, NAME, PASSWORD, connect};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_postgres::{Client, Config, Error, NoTls};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/certificates").join(name)
}

fn certificate(name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(file(name)).expect("a certificate")
}

/// A TLS connection: asked for as PostgreSQL's clients do, or begun at once.
async fn encrypted(
    address: &str,
    asks: bool,
    protocol: &[u8],
    certificate_of: Option<&str>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate("authority.crt")).expect("an authority");
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_root_certificates(roots);
    let mut config = match certificate_of {
        None => builder.with_no_client_auth(),
        Some(name) => {
            let key = PrivateKeyDer::from_pem_file(file(&format!("{name}.key"))).expect("a key");
            let chain = vec![certificate(&format!("{name}.crt"))];
            builder.with_client_auth_cert(chain, key).expect("a certificate and its key")
        }
    };
    config.alpn_protocols = vec![protocol.to_vec()];
    let mut stream = TcpStream::connect(address).await?;
    if asks {
        stream.write_all(&SSL_REQUEST).await?;
        assert_eq!(stream.read_u8().await?, b'S');
    }
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

async fn log_in(stream: TlsStream<TcpStream>, user: &str) -> Result<Client, Error> {
    let mut config = Config::new();
    config.user(user).dbname(NAME).password(PASSWORD);
    let (client, connection) = config.connect_raw(stream, NoTls).await?;
    tokio::spawn(async move { drop(connection.await) });
    Ok(client)
}

fn code(refused: Result<Client, Error>) -> String {
    let error = refused.expect_err("it is refused");
    error.code().map_or_else(|| error.to_string(), |code| code.code().to_owned())
}

#[tokio::test]
async fn only_who_may_comes_in() {
    let mut fleet = Fleet::bare(Backend::Embedded).await;
    let rules = fleet.folder().join("rules");
    let allow =
        "hostssl all ann all cert\nhostssl all bob all cert\nhostssl all all all scram-sha-256\n";
    std::fs::write(&rules, allow).expect("rules");
    let (crt, key, authority) = (file("server.crt"), file("server.key"), file("authority.crt"));
    let text = |path: &PathBuf| path.to_string_lossy().into_owned();
    let env = [
        ("REDKITE_TLS", "required".to_owned()),
        ("REDKITE_TLS_CERTIFICATE", text(&crt)),
        ("REDKITE_TLS_KEY", text(&key)),
        ("REDKITE_TLS_CLIENT_CA", text(&authority)),
        ("REDKITE_HBA", text(&rules)),
        ("REDKITE_PASSWORD", PASSWORD.to_owned()),
    ];
    let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let node = fleet.add("a", "a1", &env).await;
    let (address, plain) = (node.address.clone(), node.config());

    assert_eq!(code(connect(&plain).await), "28000");
    let admin = encrypted(&address, true, b"postgresql", None).await.expect("TLS");
    let admin = log_in(admin, NAME).await.expect("the superuser, by password");
    let roles = "CREATE ROLE ann LOGIN; CREATE ROLE bob LOGIN; CREATE ROLE one LOGIN \
                 PASSWORD 'a test''s password' CONNECTION LIMIT 1";
    admin.batch_execute(roles).await.expect("roles");

    let ann = encrypted(&address, false, b"postgresql", Some("ann")).await.expect("TLS at once");
    let ann = log_in(ann, "ann").await.expect("by certificate");
    let row = ann.query_one("SELECT current_user::text", &[]).await.expect("a row");
    assert_eq!(row.get::<_, String>(0), "ann");
    // Another's certificate, and none.
    let bob = encrypted(&address, true, b"postgresql", Some("ann")).await.expect("TLS");
    assert_eq!(code(log_in(bob, "bob").await), "28000");
    let bob = encrypted(&address, true, b"postgresql", None).await.expect("TLS");
    assert_eq!(code(log_in(bob, "bob").await), "28000");
    // Another protocol's client.
    assert!(encrypted(&address, false, b"http/1.1", None).await.is_err());

    let first = encrypted(&address, true, b"postgresql", None).await.expect("TLS");
    let _first = log_in(first, "one").await.expect("one connection");
    let second = encrypted(&address, true, b"postgresql", None).await.expect("TLS");
    assert_eq!(code(log_in(second, "one").await), "53300");

    std::fs::write(&rules, "hostssl all all all reject\n").expect("rules");
    fleet.node(0).process.signal("HUP");
    for _ in 0..100 {
        let late = encrypted(&address, true, b"postgresql", Some("ann")).await.expect("TLS");
        match log_in(late, "ann").await {
            Ok(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            refused => return assert_eq!(code(refused), "28000"),
        }
    }
    panic!("the rules were not read again");
}

/// VALID UNTIL: a password that has ended is as good as a wrong one.
#[tokio::test]
async fn a_password_ends() {
    let fleet = Fleet::start(Backend::Embedded).await;
    let admin = fleet.node(0).connect().await;
    let role = "CREATE ROLE until LOGIN PASSWORD 'until' VALID UNTIL '2999-01-01'";
    admin.batch_execute(role).await.expect("a role");
    let mut config = fleet.node(0).config();
    config.user("until").password("until").dbname(NAME);
    connect(&config).await.expect("it is valid");
    admin.batch_execute("ALTER ROLE until VALID UNTIL '2001-01-01'").await.expect("its end");
    assert_eq!(code(connect(&config).await), "28P01");
    admin.batch_execute("ALTER ROLE until VALID UNTIL 'infinity'").await.expect("no end");
    connect(&config).await.expect("it is valid again");
}
