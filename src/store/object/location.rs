//! Where objects live: `file:///DIR` or `s3://BUCKET/PREFIX`.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore;
use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::local::LocalFileSystem;
use object_store::{BackoffConfig, ClientOptions, RetryConfig};

use super::error::{Error, Result};
use crate::base::make_durable_folder;

/// One part of a large upload takes at most this long on a slow line.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Where objects live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A folder of this machine.
    File(PathBuf),
    /// A bucket, below a prefix (without slashes at its ends; may be empty).
    S3 {
        /// The bucket.
        bucket: String,
        /// The prefix of all names.
        prefix: String,
        /// The server, where it is not Amazon's; `AWS_ENDPOINT_URL` when not given.
        endpoint: Option<String>,
    },
}

impl FromStr for Location {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if let Some(path) = text.strip_prefix("file://") {
            if !path.starts_with('/') {
                return Err(Error::Location(format!(
                    "object location \"{text}\" must name an absolute folder: file:///DIR"
                )));
            }
            return Ok(Self::File(PathBuf::from(path)));
        }
        if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            if bucket.is_empty() {
                return Err(Error::Location(format!(
                    "object location \"{text}\" names no bucket: s3://BUCKET/PREFIX"
                )));
            }
            let prefix = prefix.trim_matches('/').to_owned();
            return Ok(Self::S3 { bucket: bucket.to_owned(), prefix, endpoint: None });
        }
        Err(Error::Location(format!(
            "object location \"{text}\" is neither file:///DIR nor s3://BUCKET/PREFIX"
        )))
    }
}

impl Location {
    /// The same bucket on this server.
    #[must_use]
    pub fn with_endpoint(mut self, url: Option<String>) -> Self {
        if let Self::S3 { endpoint, .. } = &mut self {
            *endpoint = url;
        }
        self
    }

    /// Opens the store: the store, the prefix of names in it, and the folder where writes
    /// must be fsynced.
    pub(super) fn open(&self) -> Result<(Arc<dyn ObjectStore>, String, Option<PathBuf>)> {
        match self {
            Self::File(folder) => {
                let bad = |error: &dyn std::fmt::Display| {
                    Error::Location(format!(
                        "cannot use \"{}\" for objects: {error}",
                        folder.display()
                    ))
                };
                make_durable_folder(folder).map_err(|error| bad(&error))?;
                let folder = folder.canonicalize().map_err(|error| bad(&error))?;
                let store =
                    LocalFileSystem::new_with_prefix(&folder).map_err(|error| bad(&error))?;
                Ok((Arc::new(store), String::new(), Some(folder)))
            }
            Self::S3 { bucket, prefix, endpoint } => {
                let store = s3(bucket, endpoint.as_deref())?;
                Ok((store, prefix.clone(), None))
            }
        }
    }
}

/// Credentials, region and endpoint come from the usual `AWS_*` variables.
pub(super) fn s3(bucket: &str, endpoint: Option<&str>) -> Result<Arc<dyn ObjectStore>> {
    let from_environment = std::env::var("AWS_ENDPOINT_URL_S3")
        .or_else(|_| std::env::var("AWS_ENDPOINT_URL"))
        .or_else(|_| std::env::var("AWS_ENDPOINT"))
        .ok();
    let endpoint = endpoint.map(str::to_owned).or(from_environment);
    let plain = endpoint.as_deref().is_some_and(|url| url.starts_with("http://"));
    let retry = RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(50),
            max_backoff: Duration::from_secs(3),
            base: 2.0,
        },
        max_retries: 8,
        retry_timeout: Duration::from_secs(20),
    };
    let mut options =
        ClientOptions::new().with_timeout(REQUEST_TIMEOUT).with_connect_timeout(CONNECT_TIMEOUT);
    if plain {
        options = options.with_allow_http(true);
    }
    let mut builder = AmazonS3Builder::from_env()
        .with_bucket_name(bucket)
        .with_client_options(options)
        .with_retry(retry)
        .with_allow_http(plain)
        .with_conditional_put(S3ConditionalPut::ETagMatch);
    if let Some(url) = endpoint {
        builder = builder.with_endpoint(url).with_virtual_hosted_style_request(false);
    }
    if std::env::var_os("AWS_REGION").is_none() && std::env::var_os("AWS_DEFAULT_REGION").is_none()
    {
        builder = builder.with_region("us-east-1");
    }
    let store = builder
        .build()
        .map_err(|error| Error::Location(format!("cannot use bucket \"{bucket}\": {error}")))?;
    Ok(Arc::new(store))
}
