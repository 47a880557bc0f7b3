//! The checker of append/read histories. Every element is appended once, so a list tells in which
//! order its appends took effect, and every read must be a prefix of the last one.

use crate::promises::clients::Fate;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

type Lists = BTreeMap<i64, Vec<u64>>;

/// What a client did, and between which moments it took effect.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) began: Duration,
    pub(super) ended: Duration,
    pub(super) operation: Operation,
}

/// A read of all lists, or an append of one element to some of them.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    Read(Lists),
    Append { keys: Vec<i64>, element: u64, fate: Fate },
}

/// All that the clients saw, and the lists after they had finished.
#[derive(Clone, Debug)]
pub(super) struct History {
    pub(super) events: Vec<Event>,
    pub(super) last: Lists,
}

impl History {
    /// The first rule that the history breaks.
    pub(super) fn check(&self) -> Result<(), String> {
        self.appends_are_there_once()?;
        for event in &self.events {
            if let Operation::Read(lists) = &event.operation {
                self.read_is_a_prefix(lists)?;
                self.read_is_fresh(event, lists)?;
                self.read_shows_whole_transactions(lists)?;
            }
        }
        self.reads_do_not_go_back()
    }

    fn appends(&self) -> impl Iterator<Item = (&Event, &Vec<i64>, u64, Fate)> {
        self.events.iter().filter_map(|event| match &event.operation {
            Operation::Append { keys, element, fate } => Some((event, keys, *element, *fate)),
            Operation::Read(_) => None,
        })
    }

    /// Lost updates, appends done twice, and refused ones that happened.
    fn appends_are_there_once(&self) -> Result<(), String> {
        for (_, keys, element, fate) in self.appends() {
            let times = |key: &i64| {
                let list = self.last.get(key).map(Vec::as_slice).unwrap_or_default();
                list.iter().filter(|e| **e == element).count()
            };
            let times: BTreeSet<usize> = keys.iter().map(times).collect();
            let allowed: &[usize] = match fate {
                Fate::Committed => &[1],
                Fate::Refused => &[0],
                Fate::Unknown => &[0, 1],
            };
            if times.len() != 1 || !times.iter().all(|n| allowed.contains(n)) {
                return Err(format!("{element} ({fate:?}) stands {times:?} times in {keys:?}"));
            }
        }
        Ok(())
    }

    fn read_is_a_prefix(&self, lists: &Lists) -> Result<(), String> {
        for (key, list) in lists {
            if !self.last.get(key).is_some_and(|last| last.starts_with(list)) {
                return Err(format!(
                    "list {key} was read as {list:?}, at last {:?}",
                    self.last[key]
                ));
            }
        }
        Ok(())
    }

    /// What was acknowledged before the read began is in it.
    fn read_is_fresh(&self, read: &Event, lists: &Lists) -> Result<(), String> {
        for (append, keys, element, fate) in self.appends() {
            if fate != Fate::Committed || append.ended >= read.began {
                continue;
            }
            for key in keys {
                if !lists.get(key).is_some_and(|list| list.contains(&element)) {
                    return Err(format!(
                        "{element} in {key} was acknowledged at {:?}, a read at {:?} misses it",
                        append.ended, read.began
                    ));
                }
            }
        }
        Ok(())
    }

    fn read_shows_whole_transactions(&self, lists: &Lists) -> Result<(), String> {
        for (_, keys, element, _) in self.appends() {
            let seen = |key: &i64| lists.get(key).is_some_and(|list| list.contains(&element));
            let count = keys.iter().filter(|key| seen(key)).count();
            if count != 0 && count != keys.len() {
                return Err(format!("a read saw {element} in {count} of {keys:?}"));
            }
        }
        Ok(())
    }

    /// A read that began after another had ended sees at least as much.
    fn reads_do_not_go_back(&self) -> Result<(), String> {
        let reads: Vec<(&Event, &Lists)> = self
            .events
            .iter()
            .filter_map(|event| match &event.operation {
                Operation::Read(lists) => Some((event, lists)),
                Operation::Append { .. } => None,
            })
            .collect();
        for (before, earlier) in &reads {
            for (after, later) in reads.iter().filter(|(after, _)| after.began > before.ended) {
                for (key, list) in *earlier {
                    let shorter = later.get(key).is_none_or(|l| l.len() < list.len());
                    if shorter {
                        return Err(format!(
                            "list {key} had {} elements at {:?} and fewer at {:?}",
                            list.len(),
                            before.ended,
                            after.began
                        ));
                    }
                }
            }
        }
        Ok(())
    }

    /// Counts, to show that something was checked.
    pub(super) fn summary(&self) -> String {
        let count = |wanted: Fate| self.appends().filter(|(.., fate)| *fate == wanted).count();
        format!(
            "{} operations, {} appends, {} of them refused",
            self.events.len(),
            self.appends().count(),
            count(Fate::Refused)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{Event, Fate, History, Operation};
    use std::time::Duration;

    fn event(began: u64, ended: u64, operation: Operation) -> Event {
        let at = Duration::from_millis;
        Event { began: at(began), ended: at(ended), operation }
    }

    fn append(began: u64, ended: u64, keys: &[i64], element: u64, fate: Fate) -> Event {
        event(began, ended, Operation::Append { keys: keys.to_vec(), element, fate })
    }

    fn read(began: u64, ended: u64, one: &[u64], two: &[u64]) -> Event {
        event(began, ended, Operation::Read([(1, one.to_vec()), (2, two.to_vec())].into()))
    }

    fn broken(events: Vec<Event>, one: &[u64], two: &[u64]) -> String {
        let last = [(1, one.to_vec()), (2, two.to_vec())].into();
        History { events, last }.check().err().unwrap_or_default()
    }

    #[test]
    fn a_good_history_passes() {
        let events = vec![
            append(0, 5, &[1], 10, Fate::Committed),
            read(2, 4, &[10], &[]),
            append(6, 9, &[1, 2], 11, Fate::Committed),
            append(6, 9, &[1], 12, Fate::Refused),
            append(6, 9, &[2], 13, Fate::Unknown),
            read(10, 11, &[10, 11], &[11]),
        ];
        assert_eq!(broken(events, &[10, 11], &[11, 13]), "");
    }

    #[test]
    fn it_finds_what_it_looks_for() {
        let committed = append(0, 5, &[1], 10, Fate::Committed);
        for (events, one, two, why) in [
            (vec![committed.clone()], &[][..], &[][..], "stands {0} times"),
            (vec![committed.clone()], &[10, 10], &[], "stands {2} times"),
            (vec![append(0, 5, &[1], 10, Fate::Refused)], &[10], &[], "stands {1} times"),
            (vec![append(0, 5, &[1, 2], 10, Fate::Unknown)], &[10], &[], "stands {0, 1} times"),
            (vec![committed.clone(), read(6, 7, &[], &[])], &[10], &[], "misses it"),
            (vec![read(6, 7, &[10], &[])], &[11, 10], &[], "was read as"),
            (
                vec![append(0, 9, &[1, 2], 10, Fate::Committed), read(1, 2, &[10], &[])],
                &[10],
                &[10],
                "in 1 of [1, 2]",
            ),
            (
                vec![
                    append(0, 9, &[1], 10, Fate::Committed),
                    read(1, 2, &[10], &[]),
                    read(3, 4, &[], &[]),
                ],
                &[10],
                &[],
                "and fewer at",
            ),
        ] {
            let found = broken(events, one, two);
            assert!(found.contains(why), "{found:?} does not say {why:?}");
        }
    }
}
