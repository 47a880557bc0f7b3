//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use redkite::base::{FailPoint, FailPointPlace};
use redkite::node::{
    Configuration, Guard, Metadata, Node, Telemetry, TelemetryOptions, TlsFiles, TlsMode, check,
    drain, status, with_configuration_file,
};
use tokio_util::sync::CancellationToken;

/// A query allocates in one thread and frees in another, thousands of times a second: this one is
/// made for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A distributed vector database that any PostgreSQL client can use.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
#[command(after_help = "\
Without arguments, redkite serves: metadata, objects and cache in ./data, clients on 127.0.0.1:5432.

  redkite serve --data /var/lib/redkite --listen 0.0.0.0:5432 --password-file FILE
  redkite serve --metadata etcd://10.0.0.1:2379 --objects s3://bucket/prefix --cluster app
  psql -h 127.0.0.1 -U redkite redkite

--log info (or debug, or warn,redkite::maintenance=debug) tells more on standard error.
SIGTERM ends a server cleanly; whatever was committed is durable before that.")]
struct Command {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Serve PostgreSQL clients (what `redkite` does when nothing else is said).
    Serve(Box<Serve>),
    /// Print the database's nodes, tables, segments, rows and bytes.
    Status(Box<Serve>),
    /// Ask a node of these clusters to take no more work, to finish what it runs and to end.
    ///
    /// Waits until it has left, for a minute longer than its statements may take. The flags are those of
    /// `serve`: the metadata in etcd, the database, the cluster, and the node by its name.
    Drain(Box<Serve>),
    /// Read every object and compare its length and checksum with the metadata.
    ///
    /// Ends with a non-zero status when an object is missing or damaged. With embedded metadata no
    /// server may run over the same data folder meanwhile.
    Check(Box<Serve>),
    /// List the steps of a flush at which REDKITE_FAILPOINT makes a server die (for tests).
    #[command(hide = true)]
    Failpoints,
}

#[derive(Args, Debug)]
struct Serve {
    /// A TOML file that says what the flags say: `listen = "0.0.0.0:5432"`.
    ///
    /// A flag outweighs the environment, which outweighs the file.
    #[arg(long, env = "REDKITE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where clients connect.
    #[arg(
        long,
        env = "REDKITE_LISTEN",
        default_value = "127.0.0.1:5432",
        value_name = "HOST:PORT"
    )]
    listen: String,
    /// The folder for metadata, objects (unless they are elsewhere) and the cache.
    #[arg(long, env = "REDKITE_DATA", default_value = "./data", value_name = "DIR")]
    data: PathBuf,
    /// Where metadata is: `embedded`, or `etcd://host:port[,host:port]`.
    #[arg(long, env = "REDKITE_METADATA", default_value = "embedded")]
    metadata: String,
    /// Where objects are: `file:///DIR` or `s3://BUCKET/PREFIX` [default: in the data folder].
    #[arg(long, env = "REDKITE_OBJECTS", value_name = "URL")]
    objects: Option<String>,
    /// The S3 server, where it is not Amazon's. Credentials come from the AWS_* variables.
    #[arg(long, env = "REDKITE_S3_ENDPOINT", value_name = "URL")]
    s3_endpoint: Option<String>,
    /// The cluster that this node is of.
    #[arg(long, env = "REDKITE_CLUSTER", default_value = "main")]
    cluster: String,
    /// This node's name.
    #[arg(long, env = "REDKITE_NODE", default_value = "node")]
    node: String,
    /// The database.
    #[arg(long, env = "REDKITE_DATABASE", default_value = "redkite")]
    database: String,
    /// The superuser's password, for the first start.
    #[arg(long, env = "REDKITE_PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// A file with the superuser's password, for the first start.
    #[arg(long, env = "REDKITE_PASSWORD_FILE", value_name = "FILE", conflicts_with = "password")]
    password_file: Option<PathBuf>,
    /// Where /metrics (Prometheus), /healthz and /readyz are answered, without a login.
    #[arg(long, env = "REDKITE_HTTP", value_name = "HOST:PORT")]
    http: Option<String>,
    /// Which logs go to standard error: levels, for all and for parts, as in `warn,redkite::audit=info`.
    #[arg(long, env = "REDKITE_LOG", default_value = "warn", value_name = "LEVELS")]
    log: String,
    /// What a line of the logs is: `text`, or a `json` object.
    #[arg(long, env = "REDKITE_LOG_FORMAT", default_value = "text", value_name = "text|json")]
    #[arg(value_parser = ["text", "json"])]
    log_format: String,
    /// Where traces go: an OpenTelemetry collector (OTLP over gRPC), as in `http://127.0.0.1:4317`.
    #[arg(long, env = "REDKITE_OTLP_ENDPOINT", value_name = "URL")]
    otlp_endpoint: Option<String>,
    /// Whether connections are encrypted: `off`, `allowed` (where clients ask) or `required`.
    #[arg(long, env = "REDKITE_TLS", default_value = "off", value_name = "off|allowed|required")]
    #[arg(value_parser = ["off", "allowed", "required"])]
    tls: String,
    /// The server's certificate (PEM), with those between it and its authority after it.
    #[arg(long, env = "REDKITE_TLS_CERTIFICATE", value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// The certificate's key (PEM).
    #[arg(long, env = "REDKITE_TLS_KEY", value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// The authorities whose clients' certificates are taken for proof (PEM).
    #[arg(long, env = "REDKITE_TLS_CLIENT_CA", value_name = "FILE")]
    tls_client_ca: Option<PathBuf>,
    /// Who may come from where, and how it proves itself: a file like pg_hba.conf.
    #[arg(long, env = "REDKITE_HBA", value_name = "FILE")]
    hba: Option<PathBuf>,
    /// Connections at once.
    #[arg(long, env = "REDKITE_MAX_CONNECTIONS", default_value_t = 1000, value_name = "N")]
    max_connections: usize,
    /// The local cache's size on disk, in bytes.
    #[arg(long, env = "REDKITE_CACHE_BYTES", default_value_t = 16 << 30, value_name = "BYTES")]
    cache_bytes: u64,
    /// Memory for decoded columns, in bytes.
    #[arg(long, env = "REDKITE_MEMORY_BYTES", default_value_t = 512 << 20, value_name = "BYTES")]
    memory_bytes: u64,
    /// The step of a flush at which to die (for tests).
    #[arg(long, env = "REDKITE_FAILPOINT", hide = true)]
    failpoint: Option<String>,
    /// Background work (merges, removal of garbage): `on`, or `off` where other nodes do it.
    #[arg(long, env = "REDKITE_MAINTENANCE", default_value = "on", value_name = "on|off")]
    #[arg(value_parser = ["on", "off"])]
    maintenance: String,
    /// How long this node may be silent before the others take it for dead (with etcd).
    ///
    /// Longer than outages of etcd that nodes should sit out; what a dead node has claimed or left
    /// is taken over after so long.
    #[arg(long, env = "REDKITE_LEASE_SECONDS", default_value_t = 30, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u64).range(2..=3600))]
    lease_seconds: u64,
    /// How long /readyz says no before the node, told to end, refuses connections.
    ///
    /// As long as load balancers need to notice.
    #[arg(long, env = "REDKITE_DRAIN_NOTICE_SECONDS", default_value_t = 0, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u64).range(..=3600))]
    drain_notice_seconds: u64,
    /// How long running statements may then take before they are stopped.
    #[arg(long, env = "REDKITE_DRAIN_SECONDS", default_value_t = 10, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u64).range(..=3600))]
    drain_seconds: u64,
}

impl Serve {
    fn telemetry(&self, task: Task) -> TelemetryOptions {
        TelemetryOptions {
            log: self.log.clone(),
            log_json: self.log_format == "json",
            otlp_endpoint: self.otlp_endpoint.clone().filter(|_| matches!(task, Task::Serve)),
            node: self.node.clone(),
            cluster: self.cluster.clone(),
        }
    }

    fn configuration(self) -> Result<Configuration, String> {
        let metadata = match self.metadata.as_str() {
            "embedded" => Metadata::Embedded,
            url if url.starts_with("etcd://") => Metadata::Etcd(url.to_owned()),
            other => {
                return Err(format!(
                    "--metadata is neither \"embedded\" nor etcd://host:port: \"{other}\""
                ));
            }
        };
        let password = match (self.password, self.password_file) {
            (Some(password), _) => Some(password),
            (None, None) => None,
            (None, Some(file)) => {
                let read = std::fs::read_to_string(&file);
                let read = read.map_err(|error| format!("cannot read {}: {error}", file.display()));
                Some(read?.trim_end_matches(['\r', '\n']).to_owned())
            }
        };
        // Its settings are among the flags by now.
        let _read = self.config;
        Ok(Configuration {
            listen: self.listen,
            data: self.data,
            metadata,
            objects: self.objects,
            s3_endpoint: self.s3_endpoint,
            cluster: self.cluster,
            node: self.node,
            database: self.database,
            password,
            http: self.http,
            tls: match self.tls.as_str() {
                "required" => TlsMode::Required,
                "allowed" => TlsMode::Allowed,
                _ => TlsMode::Off,
            },
            tls_files: self.tls_certificate.zip(self.tls_key).map(|(certificate, key)| TlsFiles {
                certificate,
                key,
                client_authorities: self.tls_client_ca,
            }),
            hba: self.hba,
            max_connections: self.max_connections,
            cache_bytes: self.cache_bytes,
            memory_bytes: self.memory_bytes,
            maintenance: self.maintenance == "on",
            drain_notice: std::time::Duration::from_secs(self.drain_notice_seconds),
            drain_grace: std::time::Duration::from_secs(self.drain_seconds),
            lease_ttl: std::time::Duration::from_secs(self.lease_seconds),
        })
    }
}

fn main() -> ExitCode {
    let arguments = match with_configuration_file(std::env::args_os().collect()) {
        Ok(arguments) => arguments,
        Err(message) => return fail(&message),
    };
    let command = if arguments.len() == 1 {
        Command::parse_from(arguments.into_iter().chain(["serve".into()]))
    } else {
        Command::parse_from(arguments)
    };
    let (serve, task) = match command.action {
        Some(Action::Serve(serve)) => (serve, Task::Serve),
        Some(Action::Status(serve)) => (serve, Task::Status),
        Some(Action::Drain(serve)) => (serve, Task::Drain),
        Some(Action::Check(serve)) => (serve, Task::Check),
        Some(Action::Failpoints) => return list_fail_points(),
        None => return fail("say what to do: see --help"),
    };
    if let Some(name) = &serve.failpoint
        && !FailPoint::arm(name)
    {
        return fail(&format!("there is no fail point \"{name}\": see redkite failpoints"));
    }
    let telemetry = serve.telemetry(task);
    let configuration = match serve.configuration() {
        Ok(configuration) => configuration,
        Err(message) => return fail(&message),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.to_string()),
    };
    let served = runtime.block_on(async {
        let _until_it_ends = Telemetry::start(&telemetry)?;
        match task {
            Task::Serve => serve_until_told(&configuration).await,
            Task::Status => print_status(&configuration).await,
            Task::Drain => drain(&configuration).await.map_err(|error| error.to_string()),
            Task::Check => print_check(&configuration).await,
        }
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => fail(&message),
    }
}

/// What to do with a configuration.
#[derive(Clone, Copy, Debug)]
enum Task {
    Serve,
    Status,
    Drain,
    Check,
}

async fn print_status(configuration: &Configuration) -> Result<(), String> {
    announce(&status(configuration).await.map_err(|error| error.to_string())?);
    Ok(())
}

async fn print_check(configuration: &Configuration) -> Result<(), String> {
    let (lines, is_well) = check(configuration).await.map_err(|error| error.to_string())?;
    announce(&lines);
    if is_well { Ok(()) } else { Err("objects are damaged".to_owned()) }
}

fn list_fail_points() -> ExitCode {
    for point in FailPoint::ALL {
        let place = match point.place() {
            FailPointPlace::Unpublished => "unpublished",
            FailPointPlace::Published => "published",
            FailPointPlace::Background => "background",
        };
        announce(&format!("{} {place}", point.name()));
    }
    ExitCode::SUCCESS
}

async fn serve_until_told(configuration: &Configuration) -> Result<(), String> {
    let node = Node::start(configuration).await.map_err(|error| error.to_string())?;
    announce(&format!("listening on {}", node.address()));
    tokio::spawn(reload_when_told(node.guard().clone()));
    let shutdown = CancellationToken::new();
    let told = shutdown.clone();
    tokio::spawn(async move {
        wait_for_signal().await;
        told.cancel();
    });
    node.serve(shutdown).await.map_err(|error| error.to_string())
}

/// SIGHUP: certificates and host rules are read again.
async fn reload_when_told(guard: Guard) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    while hangup.recv().await.is_some() {
        match guard.reload() {
            Ok(()) => tracing::warn!("certificates and host rules were read again"),
            Err(errors) => errors.iter().for_each(|error| tracing::error!("{error}")),
        }
    }
}

async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

#[expect(clippy::print_stdout, reason = "the command line talks to whoever started it")]
fn announce(line: &str) {
    println!("{line}");
}

#[expect(clippy::print_stderr, reason = "the command line talks to whoever started it")]
fn fail(message: &str) -> ExitCode {
    eprintln!("redkite: {message}");
    ExitCode::FAILURE
}
