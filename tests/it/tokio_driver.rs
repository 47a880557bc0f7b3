//! The behaviours of `tests/drivers/README.md` by tokio-postgres.

use crate::fleet::connect;
use futures::{SinkExt, StreamExt, TryStreamExt, pin_mut};
use std::error::Error as StdError;
use std::fmt::Debug;
use std::time::Duration;
use tokio_postgres::binary_copy::{BinaryCopyInWriter, BinaryCopyOutStream};
use tokio_postgres::types::{IsNull, ToSql, Type};
use tokio_postgres::{Client, Config, Error, NoTls, SimpleQueryMessage};

type Outcome = Result<(), Box<dyn StdError + Send + Sync>>;

const SLOW: &str = "SELECT count(*) FROM generate_series(1, 100000) AS a(x), \
                    generate_series(1, 1000000) AS b(y) WHERE (x + y) % 7 = 1";

/// Runs them all; a line for each.
pub(crate) async fn run(config: &Config) -> String {
    let mut lines = Vec::new();
    macro_rules! behaviours {
        ($($name:ident)*) => {$(
            lines.push(line(stringify!($name), one(config, $name(config)).await));
        )*};
    }
    behaviours!(connect_options types_text types_binary nulls arrays prepared parameters fetch_size
        several_statements pipeline error_sqlstate error_recovery copy_text copy_binary cancel
        vectors large_results unicode);
    lines.join("\n")
}

async fn one(_: &Config, behaviour: impl Future<Output = Outcome>) -> Outcome {
    tokio::time::timeout(Duration::from_secs(60), behaviour).await?
}

fn line(name: &str, outcome: Outcome) -> String {
    match outcome {
        Ok(()) => format!("ok {name}"),
        Err(error) => {
            let source = error.source().map(|source| format!(": {source}")).unwrap_or_default();
            let why = format!("{error}{source}");
            format!("not ok {name}: {}", why.split_whitespace().collect::<Vec<_>>().join(" "))
        }
    }
}

fn same<T: PartialEq<U> + Debug, U: Debug>(got: T, expected: U) -> Outcome {
    if got == expected {
        return Ok(());
    }
    Err(format!("got {got:?}, expected {expected:?}").into())
}

fn fails<T: Debug>(state: &str, result: Result<T, Error>) -> Outcome {
    let got = result.map_err(|error| error.code().map(|code| code.code().to_owned()));
    same(format!("{:?}", got.err().flatten()), format!("{:?}", Some(state)))
}

async fn table(c: &Client, name: &str, columns: &str) -> Result<(), Error> {
    c.batch_execute(&format!("DROP TABLE IF EXISTS {name}; CREATE TABLE {name} ({columns})")).await
}

async fn connect_options(config: &Config) -> Outcome {
    let mut config = config.clone();
    config.options("-c statement_timeout=1234").application_name("drivers");
    let c = connect(&config).await?;
    same(text(&c, "SHOW statement_timeout").await?, Some("1234ms".to_owned()))?;
    same(text(&c, "SHOW application_name").await?, Some("drivers".to_owned()))
}

/// The first column of the first row, by the simple protocol.
async fn text(c: &Client, sql: &str) -> Result<Option<String>, Error> {
    let messages = c.simple_query(sql).await?;
    Ok(messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    }))
}

async fn types_text(config: &Config) -> Outcome {
    let c = connect(config).await?;
    for (sql, expected) in [
        ("true", "t"),
        ("(-32768)::int2", "-32768"),
        ("1e-10::float8", "1e-10"),
        ("'-12345.67'::numeric(12,4)", "-12345.6700"),
        ("'ab'::char(5)", "ab   "),
        ("'\\x0001ff'::bytea", "\\x0001ff"),
        ("'2024-02-29'::date", "2024-02-29"),
        ("'1999-12-31 23:59:59.5'::timestamp", "1999-12-31 23:59:59.5"),
        ("'1 mon 3 days 04:00:00.5'::interval", "1 mon 3 days 04:00:00.5"),
        ("'{\"b\" : [1,2]}'::jsonb", "{\"b\": [1, 2]}"),
    ] {
        same(text(&c, &format!("SELECT {sql}")).await?.as_deref(), Some(expected))?;
    }
    Ok(())
}

async fn types_binary(config: &Config) -> Outcome {
    let c = connect(config).await?;
    table(
        &c,
        "d_tokio_types",
        "b bool, i2 int2, i4 int4, i8 int8, f4 float4, f8 float8, t text, y bytea, d date, \
         ti time, ts timestamp, tz timestamptz, u uuid, j json, jb jsonb",
    )
    .await?;
    let day = chrono::NaiveDate::from_ymd_opt(2024, 2, 29).ok_or("a date")?;
    let time = chrono::NaiveTime::from_hms_micro_opt(23, 59, 59, 999_999).ok_or("a time")?;
    let json = serde_json::json!({"a": [1, null, "x"]});
    let uuid = uuid::Uuid::from_u128(0x1234_5678_1234_5678_1234_5678_1234_5678);
    let at = day.and_time(time);
    let bytes: &[u8] = &[0, 1, 255];
    let insert = "INSERT INTO d_tokio_types \
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
    let values: [&(dyn ToSql + Sync); 15] = [
        &true,
        &i16::MIN,
        &i32::MAX,
        &i64::MIN,
        &1.5f32,
        &0.1f64,
        &"é",
        &bytes,
        &day,
        &time,
        &at,
        &at.and_utc(),
        &uuid,
        &json,
        &json,
    ];
    same(c.execute(insert, &values).await?, 1u64)?;
    let row = c.query_one("SELECT * FROM d_tokio_types", &[]).await?;
    same((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?), (true, i16::MIN, i32::MAX))?;
    same((row.try_get(3)?, row.try_get(4)?, row.try_get(5)?), (i64::MIN, 1.5f32, 0.1f64))?;
    same((row.try_get(6)?, row.try_get(7)?, row.try_get(8)?), ("é", bytes, day))?;
    same((row.try_get(9)?, row.try_get(10)?, row.try_get(11)?), (time, at, at.and_utc()))?;
    same((row.try_get(12)?, row.try_get(13)?, row.try_get(14)?), (uuid, json.clone(), json))
}

async fn nulls(config: &Config) -> Outcome {
    let c = connect(config).await?;
    let row = c
        .query_one("SELECT NULL::int4, NULL::text, $1::float8, NULL::text[]", &[&None::<f64>])
        .await?;
    same((row.try_get(0)?, row.try_get(1)?), (None::<i32>, None::<String>))?;
    same((row.try_get(2)?, row.try_get(3)?), (None::<f64>, None::<Vec<String>>))
}

async fn arrays(config: &Config) -> Outcome {
    let c = connect(config).await?;
    let (ints, texts) = (vec![Some(1), None, Some(3)], vec!["a", "quo\"te", "com,ma", ""]);
    let row = c.query_one("SELECT $1::int4[], $2::text[]", &[&ints, &texts]).await?;
    same((row.try_get(0)?, row.try_get(1)?), (ints, texts))?;
    let any = "SELECT count(*) FROM generate_series(1, 10) AS g(x) WHERE x = ANY($1::int4[])";
    same(c.query_one(any, &[&vec![2, 3, 99]]).await?.try_get::<_, i64>(0)?, 2)
}

async fn prepared(config: &Config) -> Outcome {
    let c = connect(config).await?;
    let statement = c.prepare("SELECT $1::int4 + 1 AS n, $2::text AS t").await?;
    same(statement.params(), &[Type::INT4, Type::TEXT][..])?;
    same(statement.columns().iter().map(|column| column.name()).collect::<Vec<_>>(), ["n", "t"])?;
    for value in 0..20 {
        let row = c.query_one(&statement, &[&value, &"x"]).await?;
        same((row.try_get(0)?, row.try_get(1)?), (value + 1, "x"))?;
    }
    Ok(())
}

async fn parameters(config: &Config) -> Outcome {
    let c = connect(config).await?;
    table(&c, "d_tokio_parameters", "id int8 PRIMARY KEY, t text, p float8").await?;
    for i in 0..20i64 {
        let (t, p) = (format!("t{i}"), f64::from(i32::try_from(i)?) / 4.0);
        c.execute("INSERT INTO d_tokio_parameters VALUES ($1, $2, $3)", &[&i, &t, &p]).await?;
    }
    let select = "SELECT t FROM d_tokio_parameters WHERE id > $1 AND p < $2 ORDER BY id LIMIT $3";
    let rows = c.query(select, &[&3i64, &4.5f64, &2i64]).await?;
    same(rows.iter().map(|row| row.get::<_, &str>(0)).collect::<Vec<_>>(), ["t4", "t5"])?;
    let update = "UPDATE d_tokio_parameters SET t = $1 WHERE id = $2";
    same(c.execute(update, &[&"new", &7i64]).await?, 1u64)?;
    let delete = "DELETE FROM d_tokio_parameters WHERE id = $1 RETURNING t";
    same(c.query_one(delete, &[&7i64]).await?.try_get::<_, &str>(0)?, "new")
}

async fn fetch_size(config: &Config) -> Outcome {
    let mut c = connect(config).await?;
    let transaction = c.transaction().await?;
    let portal = transaction.bind("SELECT x FROM generate_series(1, 1000) AS g(x)", &[]).await?;
    same(transaction.query_portal(&portal, 7).await?.len(), 7)?;
    same(transaction.query_portal(&portal, 100).await?.len(), 100)?;
    let rest = transaction.query_portal(&portal, 0).await?;
    same((rest.len(), rest[0].try_get::<_, i32>(0)?), (893, 108))?;
    same(transaction.query_portal(&portal, 10).await?.len(), 0)?;
    transaction.rollback().await?;
    Ok(())
}

async fn several_statements(config: &Config) -> Outcome {
    let c = connect(config).await?;
    let messages = c.simple_query("SELECT 1; SELECT 'a;b'; SELECT 3 WHERE false").await?;
    let mut complete = 0;
    let mut got = Vec::new();
    for message in &messages {
        match message {
            SimpleQueryMessage::Row(row) => got.extend(row.get(0).map(str::to_owned)),
            SimpleQueryMessage::CommandComplete(_) => complete += 1,
            _ => {}
        }
    }
    same((got, complete), (vec!["1".to_owned(), "a;b".to_owned()], 3))
}

async fn pipeline(config: &Config) -> Outcome {
    let c = connect(config).await?;
    let ask = |n: i32| {
        let c = &c;
        async move { c.query_one("SELECT $1::int4", &[&n]).await?.try_get::<_, i32>(0) }
    };
    let got = futures::future::try_join_all((0..50).map(ask)).await?;
    same(got, (0..50).collect::<Vec<_>>())?;
    let (first, broken, last) =
        tokio::join!(ask(1), c.query("SELECT * FROM nothing_here", &[]), ask(2));
    fails("42P01", broken)?;
    same((first?, last?), (1, 2))
}

async fn error_sqlstate(config: &Config) -> Outcome {
    let c = connect(config).await?;
    fails("42P01", c.query("SELECT * FROM nothing_here", &[]).await)?;
    fails("42601", c.query("SELEC 1", &[]).await)?;
    fails("22P02", c.query("SELECT 'x'::int4", &[]).await)?;
    fails("22003", c.query("SELECT $1::int4 + 1", &[&i32::MAX]).await)?;
    fails("22012", c.query("SELECT 1 / $1::int4", &[&0]).await)
}

async fn error_recovery(config: &Config) -> Outcome {
    let c = connect(config).await?;
    c.batch_execute("BEGIN").await?;
    fails("42P01", c.query("SELECT * FROM nothing_here", &[]).await)?;
    fails("25P02", c.query("SELECT 1", &[]).await)?;
    c.batch_execute("ROLLBACK").await?;
    same(c.query_one("SELECT 1", &[]).await?.try_get::<_, i32>(0)?, 1)
}

async fn copy_text(config: &Config) -> Outcome {
    let c = connect(config).await?;
    table(&c, "d_tokio_copy", "id int8, t text, f float8").await?;
    let data = "1\ttab\\tnew\\nline\t0.5\n2\t\\N\t-1\n";
    let sink = c.copy_in("COPY d_tokio_copy FROM STDIN").await?;
    pin_mut!(sink);
    for part in data.as_bytes().chunks(5) {
        sink.send(bytes::Bytes::copy_from_slice(part)).await?;
    }
    same(sink.finish().await?, 2u64)?;
    let stream = c.copy_out("COPY (SELECT * FROM d_tokio_copy ORDER BY id) TO STDOUT").await?;
    let parts: Vec<bytes::Bytes> = stream.try_collect().await?;
    same(String::from_utf8(parts.concat())?, data)
}

async fn copy_binary(config: &Config) -> Outcome {
    let c = connect(config).await?;
    table(&c, "d_tokio_copy_binary", "id int8, t text").await?;
    let kinds = [Type::INT8, Type::TEXT];
    let sink = c.copy_in("COPY d_tokio_copy_binary FROM STDIN (FORMAT binary)").await?;
    let writer = BinaryCopyInWriter::new(sink, &kinds);
    pin_mut!(writer);
    for i in 0..1000i64 {
        let t = (i % 3 != 0).then(|| format!("é{i}"));
        writer.as_mut().write(&[&i, &t]).await?;
    }
    same(writer.finish().await?, 1000u64)?;
    let query = "COPY (SELECT * FROM d_tokio_copy_binary ORDER BY id) TO STDOUT (FORMAT binary)";
    let rows = BinaryCopyOutStream::new(c.copy_out(query).await?, &kinds);
    pin_mut!(rows);
    let mut expected = 0i64;
    while let Some(row) = rows.next().await {
        let row = row?;
        let t = (expected % 3 != 0).then(|| format!("é{expected}"));
        same((row.get::<i64>(0), row.get::<Option<String>>(1)), (expected, t))?;
        expected += 1;
    }
    same(expected, 1000)
}

async fn cancel(config: &Config) -> Outcome {
    let mut c = connect(config).await?;
    let token = c.cancel_token();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(500)).await;
        token.cancel_query(NoTls).await
    });
    fails("57014", c.query(SLOW, &[]).await)?;
    same(c.query_one("SELECT 1", &[]).await?.try_get::<_, i32>(0)?, 1)?;
    c.batch_execute("SET statement_timeout = '500ms'").await?;
    fails("57014", c.query(SLOW, &[]).await)?;
    // What a portal waits for its client is not the statement's time.
    let transaction = c.transaction().await?;
    let portal = transaction.bind("SELECT x FROM generate_series(1, 1000) AS g(x)", &[]).await?;
    same(transaction.query_portal(&portal, 1).await?.len(), 1)?;
    tokio::time::sleep(Duration::from_millis(700)).await;
    same(transaction.query_portal(&portal, 0).await?.len(), 999)
}

/// A vector as pgvector sends it: dimensions, zero, floats.
#[derive(Debug)]
struct Vector(Vec<f32>);

impl ToSql for Vector {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut bytes::BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        out.extend_from_slice(&u16::try_from(self.0.len())?.to_be_bytes());
        out.extend_from_slice(&[0, 0]);
        self.0.iter().for_each(|x| out.extend_from_slice(&x.to_be_bytes()));
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        ty.name() == "vector"
    }

    tokio_postgres::types::to_sql_checked!();
}

async fn vectors(config: &Config) -> Outcome {
    let c = connect(config).await?;
    c.batch_execute("CREATE EXTENSION IF NOT EXISTS vector").await?;
    table(&c, "d_tokio_vectors", "id int8 PRIMARY KEY, e vector(3)").await?;
    for i in 0..10u8 {
        let x = f32::from(i);
        let values: [&(dyn ToSql + Sync); 2] = [&i64::from(i), &Vector(vec![x, x / 2.0, -x])];
        c.execute("INSERT INTO d_tokio_vectors VALUES ($1, $2)", &values).await?;
    }
    let query = Vector(vec![4.1, 2.0, -4.0]);
    let near = "SELECT id FROM d_tokio_vectors ORDER BY e <-> $1 LIMIT 3";
    let rows = c.query(near, &[&query]).await?;
    same(rows.iter().map(|row| row.get::<_, i64>(0)).collect::<Vec<_>>(), [4, 5, 3])?;
    let wrong = Vector(vec![1.0, 2.0]);
    fails("22000", c.execute("INSERT INTO d_tokio_vectors VALUES (99, $1)", &[&wrong]).await)
}

async fn large_results(config: &Config) -> Outcome {
    let c = connect(config).await?;
    let query = "SELECT x, repeat('x', 100) FROM generate_series(1, 200000) AS g(x)";
    let rows = c.query_raw(query, Vec::<i32>::new()).await?;
    pin_mut!(rows);
    let mut sum = 0;
    while let Some(row) = rows.next().await {
        sum += i64::from(row?.try_get::<_, i32>(0)?);
    }
    same(sum, 200_000 * 200_001 / 2)
}

async fn unicode(config: &Config) -> Outcome {
    let c = connect(config).await?;
    for text in ["žluťoučký kůň", "日本語", "🪁🐦", "e\u{301}", " \t\n", "back\\slash"]
    {
        same(c.query_one("SELECT $1::text", &[&text]).await?.try_get::<_, &str>(0)?, text)?;
    }
    Ok(())
}
