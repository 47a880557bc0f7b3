//! Types of users' own.

use super::World;
use crate::base::limits::ENUM_LABELS_MAX;

#[test]
fn an_enum_has_so_many_labels_and_no_more() {
    let mut world = World::new();
    let labels: Vec<String> = (0..ENUM_LABELS_MAX).map(|at| format!("'l{at}'")).collect();
    world.run(&format!("CREATE TYPE many AS ENUM ({})", labels.join(", ")));
    let message = format!("an enum can have at most {ENUM_LABELS_MAX} labels");
    world.fails("ALTER TYPE many ADD VALUE 'more'", "54000", &message);
    let sql = format!("CREATE TYPE more AS ENUM ({}, 'more')", labels.join(", "));
    world.fails(&sql, "54000", &message);
}

#[test]
fn labels_find_room_between_others_many_times() {
    let mut world = World::new();
    world.run("CREATE TYPE t AS ENUM ('a', 'b')");
    for at in 0..40 {
        world.run(&format!("ALTER TYPE t ADD VALUE 'x{at}' BEFORE 'b'"));
        world.run(
            &format!("ALTER TYPE t ADD VALUE 'first{at}' BEFORE 'first{}'", at - 1)
                .replace("BEFORE 'first-1'", "BEFORE 'a'"),
        );
    }
    let labels = world.snapshot.types.values().next().unwrap().labels().to_vec();
    assert!(labels.is_sorted_by(|left, right| left.place < right.place));
    let names: Vec<&str> = labels.iter().map(|label| label.label.as_str()).collect();
    assert_eq!(names.first(), Some(&"first39"));
    assert_eq!(names.last(), Some(&"b"));
    for at in 40..50 {
        let added = world.try_run(&format!("ALTER TYPE t ADD VALUE 'x{at}' BEFORE 'b'"));
        if let Err(error) = added {
            assert_eq!(error.code().as_str(), "54000");
            return;
        }
    }
    panic!("there is no end of places");
}

#[test]
fn columns_know_their_types_as_they_are_now() {
    let mut world = World::new();
    world.run("CREATE TYPE mood AS ENUM ('sad', 'ok')");
    world.run("CREATE TABLE t (m mood DEFAULT 'ok'::mood, past mood[], CHECK (m <> 'sad'::mood))");
    let shown = |world: &World| {
        let table = world.table("t");
        let types = table.columns.iter().map(|column| column.ty.pg_type().to_string());
        (types.collect::<Vec<_>>(), table.columns[0].default.clone().unwrap())
    };
    assert_eq!(
        shown(&world),
        (vec!["mood".to_owned(), "mood[]".to_owned()], "'ok'::public.mood".to_owned())
    );
    world.run("ALTER TYPE mood RENAME TO feeling");
    assert_eq!(
        shown(&world),
        (vec!["feeling".to_owned(), "feeling[]".to_owned()], "'ok'::public.feeling".to_owned())
    );
    assert_eq!(world.table("t").checks[0].expression, "m <> 'sad'::public.feeling");
    world.run("ALTER TYPE feeling RENAME VALUE 'ok' TO 'fine'");
    assert_eq!(shown(&world).1, "'fine'::public.feeling");
    let error = world.fails(
        "ALTER TYPE feeling RENAME VALUE 'sad' TO 'blue'",
        "0A000",
        "label \"sad\" can't be renamed while an expression mentions it",
    );
    let detail = error.fields().detail.clone();
    assert_eq!(detail.as_deref(), Some("It stands in constraint t_m_check on table t."));
    world.fails(
        "DROP TYPE feeling",
        "2BP01",
        "cannot drop type feeling because other objects depend on it",
    );
    world.run("DROP TYPE feeling CASCADE");
    assert!(world.table("t").columns.is_empty());
    assert!(world.table("t").checks.is_empty());
}

#[test]
fn names_of_types_are_claimed_with_those_of_their_arrays() {
    let mut world = World::new();
    world.run("CREATE TYPE t AS ENUM ('a')");
    world.fails("CREATE TYPE t AS ENUM ('a')", "42710", "type \"t\" already exists");
    world.fails("CREATE TYPE _t AS ENUM ('a')", "42710", "type \"_t\" already exists");
    world.run("CREATE TABLE u (a int)");
    world.fails("CREATE TYPE u AS ENUM ('a')", "42710", "type \"u\" already exists");
    world.run("CREATE SCHEMA apart");
    world.run("ALTER TYPE t SET SCHEMA apart");
    world.run("CREATE TYPE t AS ENUM ('b')");
    world.run("DROP SCHEMA apart CASCADE");
    assert_eq!(world.snapshot.types.len(), 1);
}
