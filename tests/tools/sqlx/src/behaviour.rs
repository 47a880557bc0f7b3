//! Connections: pools, transactions, errors, COPY, notifications, locks, migrations, what `query!` asks.

use crate::{Outcome, case, code, options, same, table};
use futures::TryStreamExt;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgAdvisoryLock, PgListener, PgPool, PgPoolCopyExt, PgPoolOptions};
use sqlx::{Acquire, AssertSqlSafe, Column, Connection, Executor, SqlSafeStr, Statement, TypeInfo};
use std::path::PathBuf;
use std::time::Duration;

pub async fn run(pool: &PgPool) {
    case("prepared", prepared(pool)).await;
    case("several_statements", several_statements(pool)).await;
    case("pool", pools()).await;
    case("by_url", by_url()).await;
    case("start_options", start_options()).await;
    case("transactions", transactions(pool)).await;
    case("savepoints", savepoints(pool)).await;
    case("isolation", isolation(pool)).await;
    case("errors", errors(pool)).await;
    case("error_recovery", error_recovery(pool)).await;
    case("timeout", timeout(pool)).await;
    case("copy_in_and_out", copy(pool)).await;
    case("notifications", notifications(pool)).await;
    case("advisory_locks", advisory_locks(pool)).await;
    case("migrations", migrations(pool)).await;
    case("failed_migration", failed_migration(pool)).await;
    case("describe", describe(pool)).await;
    case("describe_changes", describe_changes(pool)).await;
    case("explain", explain(pool)).await;
}

async fn prepared(pool: &PgPool) -> Outcome {
    let mut connection = pool.acquire().await?;
    let statement = connection.prepare("SELECT $1::int4 + 1 AS n, $2::text AS t".into_sql_str()).await?;
    same(statement.columns().iter().map(|c| c.name().to_owned()).collect(), vec!["n".to_owned(), "t".to_owned()])?;
    for value in 0..20 {
        let row: (i32, String) = statement.query_as().bind(value).bind("x").fetch_one(&mut *connection).await?;
        same(row, (value + 1, "x".to_owned()))?;
    }
    for value in 0..300 {
        let text = AssertSqlSafe(format!("SELECT {value} + $1"));
        same(sqlx::query_scalar::<_, i32>(text).bind(1).fetch_one(&mut *connection).await?, value + 1)?;
    }
    same(connection.cached_statements_size() <= 100, true)
}

async fn several_statements(pool: &PgPool) -> Outcome {
    let script = "DROP TABLE IF EXISTS sx_script; CREATE TABLE sx_script (id int4); \
                  INSERT INTO sx_script VALUES (1), (2); SELECT id FROM sx_script ORDER BY id";
    let rows = sqlx::raw_sql(script).fetch_all(pool).await?;
    same(rows.len(), 2)?;
    let mixed = sqlx::raw_sql("SELECT 1; SELECT * FROM nothing_here").fetch_all(pool).await;
    same(code(mixed), "42P01".to_owned())
}

async fn pools() -> Outcome {
    let pool = PgPoolOptions::new()
        .max_connections(2)
        .acquire_timeout(Duration::from_millis(500))
        .after_connect(|connection, _| {
            Box::pin(async move { connection.execute("SET application_name = 'sx'").await.map(|_| ()) })
        })
        .connect_with(options())
        .await?;
    let (first, second) = (pool.acquire().await?, pool.acquire().await?);
    same(matches!(pool.acquire().await, Err(sqlx::Error::PoolTimedOut)), true)?;
    drop((first, second));
    same(sqlx::query_scalar::<_, String>("SHOW application_name").fetch_one(&pool).await?, "sx".to_owned())?;
    let ask = |n: i32| sqlx::query_scalar::<_, i32>("SELECT $1").bind(n).fetch_one(&pool);
    same(futures::future::try_join_all((0..20).map(ask)).await?, (0..20).collect::<Vec<_>>())?;
    pool.close().await;
    Ok(())
}

async fn by_url() -> Outcome {
    let of = |name: &str| std::env::var(name).unwrap_or_default();
    let escaped: String = of("PGPASSWORD").bytes().map(|b| format!("%{b:02x}")).collect();
    let url = format!("postgres://{}:{escaped}@{}:{}/{}", of("PGUSER"), of("PGHOST"), of("PGPORT"), of("PGDATABASE"));
    let mut connection = sqlx::PgConnection::connect(&url).await?;
    connection.ping().await?;
    same(sqlx::query_scalar::<_, i32>("SELECT 1").fetch_one(&mut connection).await?, 1)?;
    connection.close().await?;
    Ok(())
}

async fn start_options() -> Outcome {
    let options = options().application_name("sx app").options([("statement_timeout", "1234ms"), ("search_path", "public")]);
    let mut connection = sqlx::PgConnection::connect_with(&options).await?;
    let shown: String = sqlx::query_scalar("SHOW statement_timeout").fetch_one(&mut connection).await?;
    same(shown, "1234ms".to_owned())?;
    let name: String = sqlx::query_scalar("SELECT current_setting('application_name')").fetch_one(&mut connection).await?;
    same(name, "sx app".to_owned())
}

async fn transactions(pool: &PgPool) -> Outcome {
    table(pool, "sx_transactions", "id int4 PRIMARY KEY").await?;
    let count = || sqlx::query_scalar::<_, i64>("SELECT count(*) FROM sx_transactions").fetch_one(pool);
    let mut transaction = pool.begin().await?;
    sqlx::query("INSERT INTO sx_transactions VALUES (1)").execute(&mut *transaction).await?;
    let inside: i64 = sqlx::query_scalar("SELECT count(*) FROM sx_transactions").fetch_one(&mut *transaction).await?;
    same((inside, count().await?), (1, 0))?;
    transaction.commit().await?;
    same(count().await?, 1)?;
    let mut dropped = pool.begin().await?;
    sqlx::query("INSERT INTO sx_transactions VALUES (2)").execute(&mut *dropped).await?;
    drop(dropped);
    let mut back = pool.begin().await?;
    sqlx::query("DELETE FROM sx_transactions").execute(&mut *back).await?;
    back.rollback().await?;
    same(count().await?, 1)
}

async fn savepoints(pool: &PgPool) -> Outcome {
    table(pool, "sx_savepoints", "id int4 PRIMARY KEY").await?;
    let mut outer = pool.begin().await?;
    sqlx::query("INSERT INTO sx_savepoints VALUES (1)").execute(&mut *outer).await?;
    let mut inner = outer.begin().await?;
    sqlx::query("INSERT INTO sx_savepoints VALUES (2)").execute(&mut *inner).await?;
    let twice = sqlx::query("INSERT INTO sx_savepoints VALUES (1)").execute(&mut *inner).await;
    same(code(twice), "23505".to_owned())?;
    inner.rollback().await?;
    let mut other = outer.begin().await?;
    sqlx::query("INSERT INTO sx_savepoints VALUES (3)").execute(&mut *other).await?;
    other.commit().await?;
    outer.commit().await?;
    let found: Vec<i32> = sqlx::query_scalar("SELECT id FROM sx_savepoints ORDER BY id").fetch_all(pool).await?;
    same(found, vec![1, 3])
}

async fn isolation(pool: &PgPool) -> Outcome {
    table(pool, "sx_isolation", "id int4").await?;
    let mut transaction = pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let count = "SELECT count(*) FROM sx_isolation";
    same(sqlx::query_scalar::<_, i64>(count).fetch_one(&mut *transaction).await?, 0)?;
    sqlx::query("INSERT INTO sx_isolation VALUES (1)").execute(pool).await?;
    same(sqlx::query_scalar::<_, i64>(count).fetch_one(&mut *transaction).await?, 0)?;
    let refused = sqlx::query("INSERT INTO sx_isolation VALUES (2)").execute(&mut *transaction).await;
    same(code(refused), "25006".to_owned())
}

async fn errors(pool: &PgPool) -> Outcome {
    table(pool, "sx_errors", "id int4 CONSTRAINT sx_errors_key PRIMARY KEY, n int4 NOT NULL CHECK (n > 0)").await?;
    sqlx::query("INSERT INTO sx_errors VALUES (1, 1)").execute(pool).await?;
    let failed = |result: Result<_, sqlx::Error>| match result {
        Err(sqlx::Error::Database(error)) => Ok(error),
        _ => Err("no error of the database"),
    };
    let twice = failed(sqlx::query("INSERT INTO sx_errors VALUES (1, 2)").execute(pool).await)?;
    same((twice.is_unique_violation(), twice.constraint(), twice.table()), (true, Some("sx_errors_key"), Some("sx_errors")))?;
    let check = failed(sqlx::query("INSERT INTO sx_errors VALUES (2, 0)").execute(pool).await)?;
    same((check.is_check_violation(), check.constraint()), (true, Some("sx_errors_n_check")))?;
    let null = failed(sqlx::query("INSERT INTO sx_errors VALUES (2, NULL)").execute(pool).await)?;
    same(null.kind(), sqlx::error::ErrorKind::NotNullViolation)?;
    same(code(sqlx::query("SELECT 1 / $1").bind(0).fetch_one(pool).await), "22012".to_owned())?;
    same(code(sqlx::query("SELEC 1").fetch_one(pool).await), "42601".to_owned())
}

async fn error_recovery(pool: &PgPool) -> Outcome {
    let mut transaction = pool.begin().await?;
    same(code(sqlx::query("SELECT * FROM nothing_here").execute(&mut *transaction).await), "42P01".to_owned())?;
    same(code(sqlx::query("SELECT 1").execute(&mut *transaction).await), "25P02".to_owned())?;
    transaction.rollback().await?;
    same(sqlx::query_scalar::<_, i32>("SELECT 1").fetch_one(pool).await?, 1)
}

async fn timeout(pool: &PgPool) -> Outcome {
    let mut connection = pool.acquire().await?;
    sqlx::query("SET statement_timeout = '300ms'").execute(&mut *connection).await?;
    same(code(sqlx::query("SELECT pg_sleep(20)").execute(&mut *connection).await), "57014".to_owned())?;
    sqlx::query("SET statement_timeout = 0").execute(&mut *connection).await?;
    Ok(())
}

async fn copy(pool: &PgPool) -> Outcome {
    table(pool, "sx_copy", "id int8, t text").await?;
    let mut sink = pool.copy_in_raw("COPY sx_copy FROM STDIN (FORMAT csv)").await?;
    sink.send("1,one\n2,\"tw".as_bytes()).await?;
    sink.send("o, too\"\n3,\n".as_bytes()).await?;
    same(sink.finish().await?, 3)?;
    let stream = pool.copy_out_raw("COPY (SELECT * FROM sx_copy ORDER BY id) TO STDOUT").await?;
    let mut text = Vec::new();
    for part in stream.try_collect::<Vec<_>>().await? {
        text.extend_from_slice(&part);
    }
    same(String::from_utf8(text)?, "1\tone\n2\ttwo, too\n3\t\\N\n".to_owned())?;
    let sink = pool.copy_in_raw("COPY sx_copy FROM STDIN").await?;
    sink.abort("changed my mind").await?;
    same(sqlx::query_scalar::<_, i64>("SELECT count(*) FROM sx_copy").fetch_one(pool).await?, 3)
}

async fn notifications(pool: &PgPool) -> Outcome {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen_all(["sx_one", "sx two"]).await?;
    sqlx::query("SELECT pg_notify($1, $2)").bind("sx_one").bind("hello").execute(pool).await?;
    sqlx::query("NOTIFY \"sx two\"").execute(pool).await?;
    let first = listener.recv().await?;
    same((first.channel(), first.payload()), ("sx_one", "hello"))?;
    same(listener.recv().await?.channel(), "sx two")?;
    listener.unlisten_all().await?;
    Ok(())
}

async fn advisory_locks(pool: &PgPool) -> Outcome {
    let lock = PgAdvisoryLock::new("sx lock");
    let held = lock.acquire(pool.acquire().await?).await?;
    same(lock.try_acquire(pool.acquire().await?).await?.is_right(), true)?;
    held.release_now().await?;
    same(lock.try_acquire(pool.acquire().await?).await?.is_left(), true)
}

fn folder(files: &[(&str, &str)]) -> Result<PathBuf, std::io::Error> {
    let folder = std::env::temp_dir().join(format!("sx-migrations-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    for (name, text) in files {
        std::fs::write(folder.join(name), text)?;
    }
    Ok(folder)
}

async fn migrations(pool: &PgPool) -> Outcome {
    sqlx::raw_sql("DROP TABLE IF EXISTS _sqlx_migrations, sx_posts, sx_authors CASCADE").execute(pool).await?;
    let folder = folder(&[
        ("1_authors.up.sql", "CREATE TABLE sx_authors (id serial PRIMARY KEY, name text NOT NULL UNIQUE);"),
        ("1_authors.down.sql", "DROP TABLE sx_authors;"),
        (
            "2_posts.up.sql",
            "CREATE TABLE sx_posts (id bigserial PRIMARY KEY, author int4 NOT NULL REFERENCES sx_authors (id));\n\
             CREATE INDEX sx_posts_author ON sx_posts (author);\nINSERT INTO sx_authors (name) VALUES ('ada');",
        ),
        ("2_posts.down.sql", "DROP TABLE sx_posts;\nDELETE FROM sx_authors;"),
    ])?;
    let migrator = Migrator::new(folder.as_path()).await?;
    migrator.run(pool).await?;
    migrator.run(pool).await?;
    same(sqlx::query_scalar::<_, i64>("SELECT count(*) FROM _sqlx_migrations WHERE success").fetch_one(pool).await?, 2)?;
    same(sqlx::query_scalar::<_, String>("SELECT name FROM sx_authors").fetch_one(pool).await?, "ada".to_owned())?;
    migrator.undo(pool, 1).await?;
    let table: Option<String> = sqlx::query_scalar("SELECT to_regclass('sx_posts')::text").fetch_one(pool).await?;
    same(table, None)?;
    migrator.run(pool).await?;
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

async fn failed_migration(pool: &PgPool) -> Outcome {
    sqlx::raw_sql("DROP TABLE IF EXISTS _sqlx_migrations, sx_half").execute(pool).await?;
    let folder = folder(&[("1_bad.sql", "CREATE TABLE sx_half (id int4); SELECT * FROM nothing_here;")])?;
    let failed = Migrator::new(folder.as_path()).await?.run(pool).await;
    std::fs::remove_dir_all(folder)?;
    same(failed.is_err(), true)?;
    let applied: i64 = sqlx::query_scalar("SELECT count(*) FROM _sqlx_migrations").fetch_one(pool).await?;
    let table: Option<String> = sqlx::query_scalar("SELECT to_regclass('sx_half')::text").fetch_one(pool).await?;
    same((applied, table), (0, None))
}

/// What `query!` does when it is compiled.
async fn describe(pool: &PgPool) -> Outcome {
    table(pool, "sx_described", "id int8 PRIMARY KEY, t text, at timestamptz NOT NULL, tags text[], n numeric(5,2)").await?;
    let query = "SELECT id, t, at, tags, n, count(*) OVER () AS c FROM sx_described WHERE id > $1 AND t = $2";
    let described = pool.describe(query.into_sql_str()).await?;
    let types: Vec<_> = described.columns().iter().map(|c| c.type_info().name().to_owned()).collect();
    same(types, ["INT8", "TEXT", "TIMESTAMPTZ", "TEXT[]", "NUMERIC", "INT8"].map(str::to_owned).to_vec())?;
    let parameters = described.parameters().and_then(|either| either.left()).unwrap_or_default();
    same(parameters.iter().map(|ty| ty.name().to_owned()).collect::<Vec<_>>(), vec!["INT8".to_owned(), "TEXT".to_owned()])?;
    let nullable: Vec<_> = (0..6).map(|column| described.nullable(column)).collect();
    same(nullable, vec![Some(false), Some(true), Some(false), Some(true), Some(true), None])
}

async fn describe_changes(pool: &PgPool) -> Outcome {
    table(pool, "sx_right", "id int4 PRIMARY KEY, t text NOT NULL").await?;
    let deleted = pool.describe("DELETE FROM sx_right WHERE id = $1".into_sql_str()).await?;
    same(deleted.columns().len(), 0)?;
    let inserted = pool.describe("INSERT INTO sx_right VALUES ($1, $2) RETURNING id, t".into_sql_str()).await?;
    same((inserted.nullable(0), inserted.nullable(1)), (Some(false), Some(false)))
}

async fn explain(pool: &PgPool) -> Outcome {
    let plan: sqlx::types::Json<serde_json::Value> =
        sqlx::query_scalar("EXPLAIN (VERBOSE, FORMAT JSON) SELECT 1 AS x").fetch_one(pool).await?;
    same(plan.0[0]["Plan"]["Output"].clone(), serde_json::json!(["1"]))
}
