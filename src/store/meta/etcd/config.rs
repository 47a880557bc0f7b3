//! Where etcd is and how to talk to it.

use std::fmt;
use std::time::Duration;

use etcd_client::{Certificate, ConnectOptions, Identity, TlsOptions};

use super::super::{Error, Result};

/// The scheme that the command line knows etcd by.
const SCHEME: &str = "etcd://";
/// etcd's own port for clients.
const PORT: u16 = 2379;

/// How to reach an etcd cluster.
#[derive(Clone, Debug)]
pub struct EtcdConfig {
    /// `host:port` of the members.
    pub endpoints: Vec<String>,
    /// Who to log in as.
    pub user: Option<EtcdUser>,
    /// Encrypts, when given.
    pub tls: Option<EtcdTls>,
    /// How long one attempt may take; also how long connecting may.
    pub request_timeout: Duration,
    /// For how long what is proven not to have been applied is tried again.
    pub retry_for: Duration,
    /// How often a watch asks whether the other side is still there.
    pub watch_tick: Duration,
}

/// A user of etcd.
#[derive(Clone)]
pub struct EtcdUser {
    /// Its name.
    pub name: String,
    /// Its password.
    pub password: String,
}

impl fmt::Debug for EtcdUser {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdUser").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Certificates, all in PEM.
#[derive(Clone, Default)]
pub struct EtcdTls {
    /// Who signed etcd's certificate.
    pub ca_certificate: Option<Vec<u8>>,
    /// Our certificate and its key, for etcds that ask for them.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
    /// The name in etcd's certificate, where it is not the host's.
    pub server_name: Option<String>,
}

impl fmt::Debug for EtcdTls {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdTls").field("server_name", &self.server_name).finish_non_exhaustive()
    }
}

impl EtcdConfig {
    /// Reads `etcd://[user:password@]host[:port][,host[:port]]...`; TLS is set afterwards.
    pub fn from_url(url: &str) -> Result<Self> {
        let wrong = |what: &str| {
            Error::configuration(format!("{what}: expected {SCHEME}host:port[,host:port]"))
        };
        let rest = url.strip_prefix(SCHEME).ok_or_else(|| wrong("not an etcd URL"))?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (user, hosts) = match rest.rsplit_once('@') {
            None => (None, rest),
            Some((user, hosts)) => {
                let (name, password) =
                    user.split_once(':').ok_or_else(|| wrong("a user without a password"))?;
                let user = EtcdUser { name: name.to_owned(), password: password.to_owned() };
                (Some(user), hosts)
            }
        };
        let endpoint = |host: &str| {
            let port = match host.rsplit_once(':') {
                // "[::1]" has colons and no port.
                Some((_, port)) if !port.ends_with(']') => Some(port),
                _ => None,
            };
            match port {
                _ if host.is_empty() || host.contains('/') => Err(wrong("not an address")),
                None => Ok(format!("{host}:{PORT}")),
                Some(port) if port.parse::<u16>().is_ok() => Ok(host.to_owned()),
                Some(_) => Err(wrong("not a port")),
            }
        };
        let endpoints: Result<Vec<_>> = hosts.split(',').map(endpoint).collect();
        Ok(Self::new(endpoints?, user))
    }

    fn new(endpoints: Vec<String>, user: Option<EtcdUser>) -> Self {
        Self {
            endpoints,
            user,
            tls: None,
            request_timeout: Duration::from_secs(5),
            retry_for: Duration::from_secs(15),
            watch_tick: Duration::from_secs(2),
        }
    }

    pub(super) fn endpoint_urls(&self) -> Vec<String> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        self.endpoints.iter().map(|endpoint| format!("{scheme}://{endpoint}")).collect()
    }

    pub(super) fn options(&self) -> Result<ConnectOptions> {
        // A member without a leader can only serve old data and lose writes.
        let mut options = ConnectOptions::new()
            .with_require_leader(true)
            .with_connect_timeout(self.request_timeout)
            .with_tcp_keepalive(Duration::from_secs(10));
        if let Some(user) = &self.user {
            options = options.with_user(&user.name, &user.password).with_auto_token_refresh(true);
        }
        if let Some(tls) = &self.tls {
            options = options.with_tls(tls.options());
        }
        Ok(options)
    }
}

impl EtcdTls {
    fn options(&self) -> TlsOptions {
        let mut options = TlsOptions::new();
        if let Some(certificate) = &self.ca_certificate {
            options = options.ca_certificate(Certificate::from_pem(certificate));
        }
        if let Some((certificate, key)) = &self.identity {
            options = options.identity(Identity::from_pem(certificate, key));
        }
        if let Some(name) = &self.server_name {
            options = options.domain_name(name);
        }
        options
    }
}
