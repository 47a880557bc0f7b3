//! `redkite status` and `redkite check`: the metadata and the objects, read without serving.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::base::{Clock, OsRandom, Random, SystemClock};
use crate::catalog::{Keys, Snapshot};
use crate::cluster::{LiveNode, live_nodes, nodes_range};
use crate::maintenance::{check_objects, summarize};
use crate::store::meta::{Embedded, Etcd, EtcdConfig, MetaStore, Mirror, MirrorConfig, Mirrored};
use crate::store::object::Objects;

use super::configuration::{Configuration, Metadata};
use super::serve::{StartError, absolute, object_location};

/// A database as it is now, for a look from outside.
struct Inspected {
    nodes: Vec<LiveNode>,
    now: Arc<Mirrored<Snapshot>>,
}

async fn inspect(configuration: &Configuration) -> Result<Inspected, StartError> {
    let meta: Arc<dyn MetaStore> = match &configuration.metadata {
        Metadata::Embedded => {
            let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
            let data = absolute(&configuration.data)?;
            Arc::new(Embedded::open(&data.join("metadata"), clock)?)
        }
        Metadata::Etcd(url) => Arc::new(Etcd::connect(EtcdConfig::from_url(url)?).await?),
    };
    let database = &configuration.database;
    let (_, keys) = meta.range(nodes_range(database), None).await?;
    let nodes = live_nodes(database, &keys)?;
    let keys = Keys::new(database);
    let config = MirrorConfig::new(keys.all(), keys.head());
    let mirror = Mirror::<Snapshot>::start(meta, config).await?;
    Ok(Inspected { nodes, now: mirror.current() })
}

/// What there is: nodes, tables, segments, rows, bytes; lines for people.
///
/// # Errors
/// When the metadata can't be read.
pub async fn status(configuration: &Configuration) -> Result<String, StartError> {
    let Inspected { nodes, now } = inspect(configuration).await?;
    let mut text = String::new();
    // Writing into a string doesn't fail.
    let _ = writeln!(text, "database {}, revision {}", configuration.database, now.revision);
    if configuration.metadata == Metadata::Embedded {
        let _ = writeln!(text, "metadata embedded; no node serves while this command reads it");
    } else {
        let _ = writeln!(text, "nodes {}", nodes.len());
        for node in &nodes {
            let _ = writeln!(
                text,
                "  {}/{} at {}, oldest revision in use {}",
                node.cluster, node.node, node.address, node.oldest_revision
            );
        }
    }
    let tables = summarize(&now.state);
    let _ = writeln!(text, "tables {}", tables.len());
    for table in tables {
        let _ = writeln!(
            text,
            "  {}: {} rows ({} deleted), {} segments of {} bytes, {} commits of {} bytes in metadata",
            table.name,
            table.rows,
            table.deleted_rows,
            table.segments,
            table.object_bytes,
            table.inline_segments,
            table.inline_bytes
        );
    }
    Ok(text.trim_end().to_owned())
}

/// Reads all objects and compares them with the metadata. Lines for people, and whether all is
/// well.
///
/// # Errors
/// When the metadata can't be read, or the object store can't be opened.
pub async fn check(configuration: &Configuration) -> Result<(String, bool), StartError> {
    let Inspected { now, .. } = inspect(configuration).await?;
    let random: Arc<dyn Random> = Arc::new(OsRandom);
    let location = object_location(configuration, &absolute(&configuration.data)?)?;
    let objects = Objects::open(&location, random)?;
    let (right, bytes, damage) = check_objects(&now.state, &objects).await;
    let mut text = String::new();
    for found in &damage {
        let _ = writeln!(text, "damaged: table {}: {}: {}", found.table, found.path, found.what);
    }
    let _ = write!(text, "{right} objects of {bytes} bytes are right, {} are not", damage.len());
    Ok((text, damage.is_empty()))
}
