//! A node in this process whose sessions are used without a protocol between: that statements
//! which run again are not planned again, and that plans are made anew when they must be.

use std::sync::Arc;

use arrow::util::display::array_value_to_string;
use datafusion::error::DataFusionError;
use futures::StreamExt;

use super::{Configuration, Metadata, Node};
use crate::base::{Result, SqlError};
use crate::session::{Mode, Outcome, Server, Session, Startup};

const CONNECTIONS_MAX: usize = 4;

struct Local {
    node: Node,
    _folder: tempfile::TempDir,
}

impl Local {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let configuration = Configuration {
            listen: "127.0.0.1:0".to_owned(),
            data: folder.path().to_owned(),
            metadata: Metadata::Embedded,
            objects: None,
            s3_endpoint: None,
            cluster: "main".to_owned(),
            node: "one".to_owned(),
            database: "redkite".to_owned(),
            password: None,
            http: None,
            tls: Default::default(),
            tls_files: None,
            hba: None,
            max_connections: CONNECTIONS_MAX,
            cache_bytes: 1 << 26,
            memory_bytes: 1 << 26,
            maintenance: false,
            drain_notice: std::time::Duration::ZERO,
            drain_grace: std::time::Duration::from_secs(10),
            lease_ttl: std::time::Duration::from_secs(30),
        };
        let node = Node::start(&configuration).await.unwrap();
        Self { node, _folder: folder }
    }

    fn server(&self) -> &Arc<Server> {
        self.node.server()
    }

    fn steps(&self) -> u64 {
        self.server().planning_steps()
    }

    async fn connect(&self) -> Session {
        let name = || "redkite".to_owned();
        let startup = Startup { user: name(), database: name(), ..Startup::default() };
        self.server().connect(startup).await.unwrap()
    }
}

fn sql_error(error: &DataFusionError) -> SqlError {
    match error.find_root() {
        DataFusionError::External(error) => error.downcast_ref::<SqlError>().unwrap().clone(),
        other => panic!("{other}"),
    }
}

/// The rows of an outcome, values separated by `|`.
async fn rows(outcome: Outcome) -> Result<Vec<String>> {
    let Outcome::Rows { mut stream, .. } = outcome else { return Ok(Vec::new()) };
    let mut rows = Vec::new();
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(|error| sql_error(&error))?;
        for row in 0..batch.num_rows() {
            let values = batch.columns().iter();
            let values = values.map(|column| array_value_to_string(column, row).unwrap());
            rows.push(values.collect::<Vec<_>>().join("|"));
        }
    }
    Ok(rows)
}

/// Runs statements as a simple query does; the rows of the last.
async fn ask(session: &mut Session, sql: &str) -> Result<Vec<String>> {
    let mut last = Vec::new();
    for parsed in session.parse(sql)? {
        let prepared = session.prepare(parsed, &[]).await?;
        last = rows(session.execute(&prepared, Vec::new(), Mode::Autocommit).await?).await?;
    }
    Ok(last)
}

async fn is(session: &mut Session, sql: &str, expected: &[&str]) {
    assert_eq!(ask(session, sql).await.unwrap(), expected, "{sql}");
}

async fn code(session: &mut Session, sql: &str) -> String {
    let error = ask(session, sql).await.unwrap_err();
    session.statement_failed();
    error.code().to_string()
}

const TABLE: &str = "CREATE TABLE t (id int8 PRIMARY KEY, n int4 CHECK (n >= 0), v text, \
                     e vector(3), at timestamptz DEFAULT now(), s serial);
                     INSERT INTO t (id, n, v, e) VALUES (1, 1, 'a', '[1,2,3]'), \
                     (2, 2, 'b', '[3,2,1]'), (3, 3, 'c', '[0,0,0]')";

/// Each three times the same but for its constants.
const STATEMENTS: &[[&str; 3]] = &[
    [
        "SELECT v FROM t WHERE id = 1",
        "SELECT v FROM t WHERE id = 2",
        "SELECT v FROM t WHERE id = 3",
    ],
    [
        "SELECT id FROM t WHERE n > 0 AND v <> 'x' ORDER BY e <-> '[1,2,3]' LIMIT 2",
        "SELECT id FROM t WHERE n > 1 AND v <> 'y' ORDER BY e <-> '[3,2,1]' LIMIT 2",
        "SELECT id FROM t WHERE n > 2 AND v <> '' ORDER BY e <-> '[0,2,1]' LIMIT 2",
    ],
    [
        "SELECT id FROM vector_search('t', 'e', '[1,2,3]', 2)",
        "SELECT id FROM vector_search('t', 'e', '[3,2,1]', 2)",
        "SELECT id FROM vector_search('t', 'e', '[0,0,1]', 2)",
    ],
    [
        "INSERT INTO t (id, n, v) VALUES (11, 1, 'x'), (12, 2, NULL) RETURNING id + n, s > 0",
        "INSERT INTO t (id, n, v) VALUES (21, 1, 'y'), (22, 2, NULL) RETURNING id + n, s > 0",
        "INSERT INTO t (id, n, v) VALUES (31, 1, ''), (32, 2, NULL) RETURNING id + n, s > 0",
    ],
    [
        "INSERT INTO t (id, n) VALUES (1, 5) ON CONFLICT (id) DO UPDATE SET n = t.n + excluded.n",
        "INSERT INTO t (id, n) VALUES (2, 5) ON CONFLICT (id) DO UPDATE SET n = t.n + excluded.n",
        "INSERT INTO t (id, n) VALUES (3, 6) ON CONFLICT (id) DO UPDATE SET n = t.n + excluded.n",
    ],
    [
        "UPDATE t SET n = n + 1, v = 'b' WHERE id = 1 RETURNING id, n",
        "UPDATE t SET n = n + 20, v = 'c' WHERE id = 2 RETURNING id, n",
        "UPDATE t SET n = n + 300, v = '' WHERE id = 3 RETURNING id, n",
    ],
    [
        "DELETE FROM t WHERE id IN (11, 12)",
        "DELETE FROM t WHERE id IN (21, 22)",
        "DELETE FROM t WHERE id IN (31, 32)",
    ],
];

#[tokio::test(flavor = "multi_thread")]
async fn statements_that_differ_by_constants_are_planned_once() {
    let local = Local::start().await;
    let (mut one, mut two) = (local.connect().await, local.connect().await);
    ask(&mut one, TABLE).await.unwrap();
    for [first, second, third] in STATEMENTS {
        let before = local.steps();
        ask(&mut one, first).await.unwrap();
        assert!(local.steps() > before, "{first}: the first is planned");
        ask(&mut one, second).await.unwrap();
        let before = local.steps();
        // On another connection, and after other tables have come.
        ask(&mut one, "CREATE TABLE other (x int4); DROP TABLE other").await.unwrap();
        let ddl = local.steps() - before;
        ask(&mut two, third).await.unwrap();
        assert_eq!(local.steps() - before, ddl, "{third}");
    }
    is(&mut two, "SELECT id, n, v FROM t ORDER BY id", &["1|7|b", "2|27|c", "3|309|"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prepared_statement_is_planned_once_on_all_connections() {
    let local = Local::start().await;
    let (mut one, mut two) = (local.connect().await, local.connect().await);
    ask(&mut one, TABLE).await.unwrap();
    for sql in [
        "SELECT v FROM t WHERE id = $1",
        "INSERT INTO t (id, n) VALUES ($1, 5) RETURNING n, at IS NULL",
        "UPDATE t SET n = n + 1 WHERE id = $1 RETURNING n",
    ] {
        let value = |id| vec![datafusion::scalar::ScalarValue::Int64(Some(id))];
        let parsed = |session: &Session| session.parse(sql).unwrap().pop().unwrap();
        let first = one.prepare(parsed(&one), &[]).await.unwrap();
        rows(one.execute(&first, value(101), Mode::Autocommit).await.unwrap()).await.unwrap();
        let before = local.steps();
        rows(one.execute(&first, value(102), Mode::Autocommit).await.unwrap()).await.unwrap();
        let second = two.prepare(parsed(&two), &[]).await.unwrap();
        rows(two.execute(&second, value(103), Mode::Autocommit).await.unwrap()).await.unwrap();
        assert_eq!(local.steps(), before, "{sql}");
        assert_eq!(first.parameters(), second.parameters());
        ask(&mut one, "DELETE FROM t WHERE id > 100 AND n = 0").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_made_again_when_names_or_settings_mean_something_else() {
    let local = Local::start().await;
    let mut session = local.connect().await;
    let s = &mut session;
    ask(s, TABLE).await.unwrap();
    ask(s, "CREATE SCHEMA a; CREATE TABLE a.t (n text); INSERT INTO a.t VALUES ('of a')")
        .await
        .unwrap();
    is(s, "SELECT n FROM t WHERE n IS NOT NULL ORDER BY n LIMIT 1", &["1"]).await;
    ask(s, "SET search_path = a, public").await.unwrap();
    is(s, "SELECT n FROM t WHERE n IS NOT NULL ORDER BY n LIMIT 1", &["of a"]).await;
    ask(s, "ALTER TABLE a.t RENAME TO other").await.unwrap();
    is(s, "SELECT n FROM t WHERE n IS NOT NULL ORDER BY n LIMIT 1", &["1"]).await;
    ask(s, "SET search_path = public").await.unwrap();

    is(s, "SELECT * FROM a.other WHERE n = 'of a'", &["of a"]).await;
    ask(s, "ALTER TABLE a.other ADD COLUMN m int4 DEFAULT 7").await.unwrap();
    is(s, "SELECT * FROM a.other WHERE n = 'of a'", &["of a|7"]).await;
    ask(s, "DROP TABLE a.other; CREATE TABLE a.other (x int4, n text)").await.unwrap();
    is(s, "SELECT * FROM a.other WHERE n = 'of a'", &[]).await;

    ask(s, "CREATE VIEW w AS SELECT id FROM t WHERE id < 3").await.unwrap();
    is(s, "SELECT count(*) FROM w WHERE id > 0", &["2"]).await;
    ask(s, "CREATE OR REPLACE VIEW w AS SELECT id FROM t WHERE id < 2").await.unwrap();
    is(s, "SELECT count(*) FROM w WHERE id > 0", &["1"]).await;

    ask(s, "UPDATE t SET at = '2024-01-01 00:30:00+00'").await.unwrap();
    is(s, "SELECT count(*) FROM t WHERE at > '2024-01-01 00:00'", &["3"]).await;
    ask(s, "SET timezone = 'America/New_York'").await.unwrap();
    is(s, "SELECT count(*) FROM t WHERE at > '2024-01-01 00:00'", &["0"]).await;

    let sql = "SELECT setting FROM pg_settings WHERE name = 'application_name'";
    let parsed = s.parse(sql).unwrap().pop().unwrap();
    let prepared = s.prepare(parsed, &[]).await.unwrap();
    for name in ["first", "second"] {
        ask(s, &format!("SET application_name = '{name}'")).await.unwrap();
        let outcome = s.execute(&prepared, Vec::new(), Mode::Autocommit).await.unwrap();
        assert_eq!(rows(outcome).await.unwrap(), [name]);
    }
}

/// The check and the default of a plan that is kept are those of the table as it is.
#[tokio::test(flavor = "multi_thread")]
async fn an_insert_is_planned_again_when_its_table_changes() {
    let local = Local::start().await;
    let mut session = local.connect().await;
    let s = &mut session;
    ask(s, "CREATE TABLE t (n int4 CHECK (n > 0), m int4 DEFAULT 1)").await.unwrap();
    ask(s, "INSERT INTO t (n) VALUES (1)").await.unwrap();
    assert_eq!(code(s, "INSERT INTO t (n) VALUES (0)").await, "23514");
    ask(s, "ALTER TABLE t ALTER COLUMN m SET DEFAULT 2").await.unwrap();
    ask(s, "ALTER TABLE t ADD CHECK (n < 10)").await.unwrap();
    ask(s, "INSERT INTO t (n) VALUES (9)").await.unwrap();
    assert_eq!(code(s, "INSERT INTO t (n) VALUES (10)").await, "23514");
    is(s, "SELECT n, m FROM t ORDER BY n", &["1|1", "9|2"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_constant_means_the_same_lifted_or_not() {
    let local = Local::start().await;
    let mut session = local.connect().await;
    let s = &mut session;
    ask(s, TABLE).await.unwrap();
    for (sql, expected) in [
        ("SELECT count(*) FROM t WHERE n = 2", "1"),
        ("SELECT count(*) FROM t WHERE n = 2.5", "0"),
        ("SELECT count(*) FROM t WHERE n < 2.5", "2"),
        ("SELECT count(*) FROM t WHERE n < 3000000000", "3"),
        ("SELECT count(*) FROM t WHERE n IN (1, 2.5, 3)", "2"),
        ("SELECT count(*) FROM t WHERE n BETWEEN 1 AND 2.5", "2"),
        ("SELECT count(*) FROM t WHERE v = 'a'", "1"),
        ("SELECT count(*) FROM t WHERE '2' = n", "1"),
    ] {
        is(s, sql, &[expected]).await;
    }
    for (sql, expected) in [
        ("SELECT count(*) FROM t WHERE v = 5", "42883"),
        ("SELECT count(*) FROM t WHERE n = 'x'", "22P02"),
        ("INSERT INTO t (id, n) VALUES (7, 'x')", "22P02"),
        ("INSERT INTO t (id, n) VALUES (7, 3000000000)", "22003"),
        ("UPDATE t SET at = 5", "42804"),
        ("UPDATE t SET at = '2024-01-01'::text", "42804"),
    ] {
        assert_eq!(code(s, sql).await, expected, "{sql}");
    }
    ask(s, "INSERT INTO t (id, v) VALUES (7, 5); UPDATE t SET n = 7.4 WHERE id = 7").await.unwrap();
    is(s, "SELECT n, v FROM t WHERE id = 7", &["7|5"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_room_for_so_many_connections_and_no_more() {
    let local = Local::start().await;
    let mut sessions = Vec::new();
    for _ in 0..CONNECTIONS_MAX {
        sessions.push(local.connect().await);
    }
    let name = || "redkite".to_owned();
    let startup = Startup { user: name(), database: name(), ..Startup::default() };
    let error = local.server().connect(startup).await.unwrap_err();
    assert_eq!(error.code().to_string(), "53300");
    drop(sessions.pop());
    local.connect().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_are_bounded() {
    let local = Local::start().await;
    let mut session = local.connect().await;
    let most = crate::base::limits::CACHED_PLANS_MAX;
    for number in 0..most + 10 {
        is(&mut session, &format!("SELECT {number} AS n"), &[&number.to_string()]).await;
    }
    assert_eq!(local.server().cached_plans(), most);
}
