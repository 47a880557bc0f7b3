//! A whole embedded node over disks that lose what was not synced: metadata and objects go
//! through one journal, and at many points of it the power fails. What was acknowledged is
//! there, whole; what was not is there whole or not at all; every object that is listed is right.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::base::{Oid, Random, SeededRandom};
use crate::maintenance::{Collector, Compactor, check_objects};
use crate::store::meta::{DiskKeep, DiskReplay, DiskStep, JournalDisks};
use crate::store::object::{FileJournal, FileStep, Location, Objects};
use crate::txn::{Engine, WriteSet, tests as fixture};

use super::eager;
use fixture::{OTHER, TABLE, World, add, create, fresh, insert, remove, rows};

/// Marks of acknowledgements and of files' steps; the number says which.
const ACKNOWLEDGED: u64 = 1 << 40;
/// Marks of transactions that are about to be committed.
const BEGUN: u64 = 1 << 41;

/// Rows of one transaction: enough, now and then, to need an object.
fn count(transaction: i64) -> i64 {
    if transaction % 5 == 0 { 9_000 } else { 3 }
}

/// The files' steps, at their places in the disk's journal.
#[derive(Debug)]
struct Files {
    disk: JournalDisks,
    steps: Mutex<Vec<FileStep>>,
}

impl FileJournal for Files {
    fn note(&self, step: FileStep) {
        let mut steps = self.steps.lock();
        self.disk.mark(steps.len() as u64);
        steps.push(step);
    }
}

fn open_objects(folder: &Path, journal: Option<Arc<Files>>, random: u64) -> Arc<Objects> {
    let location = Location::File(folder.to_owned());
    let random: Arc<dyn Random> = Arc::new(SeededRandom::new(random));
    let journal = journal.map(|journal| journal as Arc<dyn FileJournal>);
    Arc::new(Objects::open_journaled(&location, random, journal).unwrap())
}

fn keys(transaction: i64) -> Vec<(i64, i32)> {
    (0..count(transaction)).map(|row| (transaction * 10_000 + row, 1)).collect()
}

/// Transactions that add rows to two tables; each fourth takes back what the one before added.
async fn write(engine: &Arc<Engine>, disk: &JournalDisks, worker: i64) {
    for step in 0..12 {
        let transaction = worker * 100 + step;
        let mut writes = WriteSet::default();
        let added = keys(transaction);
        add(engine, &mut writes, TABLE, &added).await.unwrap();
        add(engine, &mut writes, OTHER, &added).await.unwrap();
        if step % 4 == 3 {
            let gone: Vec<i64> = keys(transaction - 1).iter().map(|(id, _)| *id).collect();
            remove(engine, &mut writes, TABLE, &gone).await.unwrap();
        }
        disk.mark(BEGUN + transaction.unsigned_abs());
        engine.commit(writes).await.unwrap();
        disk.mark(ACKNOWLEDGED + transaction.unsigned_abs());
    }
}

/// Two writers, with merges and collections of garbage meanwhile.
async fn work(world: &World, disk: &JournalDisks) {
    let engine = world.engine().await;
    create(&engine, TABLE, true).await;
    create(&engine, OTHER, false).await;
    disk.mark(ACKNOWLEDGED);
    let done = Arc::new(AtomicBool::new(false));
    let background = tokio::spawn({
        let (engine, done) = (Arc::clone(&engine), Arc::clone(&done));
        let compactor = Compactor::new(Arc::clone(&engine), eager());
        let collector = Collector::new(engine);
        async move {
            // On a machine that is busy the writers may be done before anything was merged.
            let mut rounds = 0;
            while !done.load(Ordering::SeqCst) || rounds < 5 {
                rounds += 1;
                collector.observe();
                compactor.run_once().await;
                collector.observe();
                collector.remove_unreachable().await.unwrap();
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    });
    tokio::join!(write(&engine, disk, 1), write(&engine, disk, 2));
    done.store(true, Ordering::SeqCst);
    background.await.unwrap();
}

/// What is durable of the files, and what may be.
#[derive(Clone, Debug, Default)]
struct Wreck {
    /// Bytes of each file, and how many of them are durable.
    files: HashMap<PathBuf, (Vec<u8>, usize)>,
    folders: HashSet<PathBuf>,
    /// Files and folders whose names are durable in the folder above.
    named: HashSet<PathBuf>,
    removed: HashSet<PathBuf>,
}

impl Wreck {
    fn step(&mut self, root: &Path, step: &FileStep) {
        match step {
            FileStep::MakeFolder(folder) => {
                let new = folder.ancestors().take_while(|above| *above != root);
                self.folders.extend(new.map(Path::to_owned));
            }
            FileStep::FolderSynced(folder) => {
                let below = self.files.keys().chain(&self.folders);
                let below = below.filter(|path| path.parent() == Some(folder)).cloned();
                self.named.extend(below.collect::<Vec<_>>());
            }
            FileStep::Create(file) => {
                self.files.insert(file.clone(), (Vec::new(), 0));
            }
            FileStep::Append(file, bytes) => {
                self.files.get_mut(file).unwrap().0.extend_from_slice(bytes);
            }
            FileStep::Synced(file) => {
                let file = self.files.get_mut(file).unwrap();
                file.1 = file.0.len();
            }
            FileStep::Remove(file) => {
                self.removed.insert(file.clone());
            }
        }
    }

    /// Writes below `to` what a power failure may leave of what was below `root`: all that is
    /// durable, and of the rest what chance keeps.
    fn leave(&self, root: &Path, to: &Path, random: &SeededRandom, keep_of_eight: u64) {
        let kept = || random.u64() % 8 < keep_of_eight;
        let mut lost = HashSet::new();
        for folder in &self.folders {
            if !self.named.contains(folder) && !kept() {
                lost.insert(folder.clone());
            }
        }
        for (file, (bytes, durable)) in &self.files {
            let gone = file.ancestors().any(|above| lost.contains(above))
                || (!self.named.contains(file) && !kept())
                || (self.removed.contains(file) && !kept());
            if gone {
                continue;
            }
            let length = if kept() { bytes.len() } else { *durable };
            let path = to.join(file.strip_prefix(root).unwrap());
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, &bytes[..length]).unwrap();
        }
    }
}

/// The node that starts on the wreck has what it must have, and works.
async fn check(what: &str, disk: &JournalDisks, folder: &Path, begun: &[i64], acked: &[i64]) {
    let store = disk.store().unwrap_or_else(|error| panic!("{what}: {error}"));
    let world = World::on(Arc::new(store), open_objects(folder, None, 1), 77);
    let engine = world.engine().await;
    for again in [false, true] {
        let now = fresh(&engine).await.unwrap();
        let (_, _, damage) = check_objects(&now.state, &world.objects).await;
        assert!(damage.is_empty(), "{what}: {damage:?}");
        let of = async |table: Oid| -> HashMap<i64, i64> {
            let mut counts = HashMap::new();
            for (id, _) in rows(&engine, table).await {
                *counts.entry(id / 10_000).or_default() += 1;
            }
            counts
        };
        let (one, two) = (of(TABLE).await, of(OTHER).await);
        for transaction in begun {
            let there = two.get(transaction).copied().unwrap_or(0);
            assert!(there == 0 || there == count(*transaction), "{what}: {transaction} in part");
            let is_there = there > 0;
            assert!(is_there || !acked.contains(transaction), "{what}: {transaction} is lost");
            let taken_back = transaction % 100 % 4 == 2 && two.contains_key(&(transaction + 1));
            let expected = if is_there && !taken_back { there } else { 0 };
            let found = one.get(transaction).copied().unwrap_or(0);
            assert_eq!(found, expected, "{what}: {transaction} in the other table");
        }
        if !again {
            drop(now);
            insert(&engine, TABLE, &[(-1, 1)]).await.unwrap();
            Compactor::new(Arc::clone(&engine), eager()).run_once().await;
            Collector::new(Arc::clone(&engine)).sweep().await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_loses_power_keeps_what_it_acknowledged() {
    let random = SeededRandom::new(5);
    let root = tempfile::tempdir().unwrap();
    let root_path = root.path().canonicalize().unwrap();
    let disk = JournalDisks::new();
    let mut replay = DiskReplay::new(disk.disk());
    let files = Arc::new(Files { disk: disk.clone(), steps: Mutex::default() });
    let objects = open_objects(&root_path, Some(Arc::clone(&files)), 6);
    let world = World::on(Arc::new(disk.store().unwrap()), objects, 7);
    work(&world, &disk).await;
    let (steps, files) = (disk.steps(), files.steps.lock().clone());
    assert!(files.iter().any(|step| matches!(step, FileStep::Remove(_))), "nothing was removed");
    let mut state = Wreck::default();
    let (mut begun, mut acked, mut ready, mut tried) = (Vec::new(), Vec::new(), false, 0);
    for (i, step) in steps.iter().enumerate() {
        match step {
            DiskStep::Mark(ACKNOWLEDGED) => ready = true,
            DiskStep::Mark(mark) if *mark > BEGUN => begun.push((mark - BEGUN).cast_signed()),
            DiskStep::Mark(mark) if *mark > ACKNOWLEDGED => {
                acked.push((mark - ACKNOWLEDGED).cast_signed());
            }
            DiskStep::Mark(file) => state.step(&root_path, &files[usize::try_from(*file).unwrap()]),
            DiskStep::Write { .. } | DiskStep::Length(..) | DiskStep::Sync(_) => {}
        }
        replay.step(step);
        let acknowledges =
            matches!(step, DiskStep::Mark(mark) if *mark > ACKNOWLEDGED && *mark < BEGUN);
        if !ready || !(acknowledges || random.u64().is_multiple_of(40)) {
            continue;
        }
        for keep_of_eight in [0, 5] {
            let left =
                JournalDisks::holding(replay.crash(&random, DiskKeep::Sectors(keep_of_eight)));
            let folder = tempfile::tempdir().unwrap();
            state.leave(&root_path, folder.path(), &random, keep_of_eight);
            let what = format!("power lost after step {i}, keeping {keep_of_eight}/8");
            check(&what, &left, folder.path(), &begun, &acked).await;
            tried += 1;
        }
    }
    assert!(tried > 48, "only {tried} failures were tried");
}
