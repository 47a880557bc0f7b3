//! Values: parameters, rows, types, arrays, vectors.

use crate::{Outcome, case, code, same, table};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use futures::TryStreamExt;
use pgvector::{HalfVector, SparseVector, Vector};
use rust_decimal::Decimal;
use sqlx::postgres::PgPool;
use sqlx::postgres::types::PgInterval;
use sqlx::types::Json;
use sqlx::{Column, QueryBuilder, Row, TypeInfo};
use uuid::Uuid;

pub async fn run(pool: &PgPool) {
    case("connect", connect(pool)).await;
    case("scalars", scalars(pool)).await;
    case("nulls", nulls(pool)).await;
    case("types", types(pool)).await;
    case("decimals", decimals(pool)).await;
    case("intervals", intervals(pool)).await;
    case("arrays", arrays(pool)).await;
    case("json", json(pool)).await;
    case("from_row", from_row(pool)).await;
    case("enums", enums(pool)).await;
    case("columns", columns(pool)).await;
    case("optional_and_one", optional_and_one(pool)).await;
    case("stream", stream(pool)).await;
    case("returning", returning(pool)).await;
    case("upsert", upsert(pool)).await;
    case("any_of_a_list", any_of_a_list(pool)).await;
    case("insert_by_unnest", insert_by_unnest(pool)).await;
    case("query_builder", query_builder(pool)).await;
    case("vectors", vectors(pool)).await;
    case("other_vectors", other_vectors(pool)).await;
}

async fn connect(pool: &PgPool) -> Outcome {
    let row = sqlx::query("SELECT 1, current_database()::text").fetch_one(pool).await?;
    same(row.try_get::<i32, _>(0)?, 1)?;
    same(row.try_get::<String, _>(1)?, std::env::var("PGDATABASE")?)
}

async fn scalars(pool: &PgPool) -> Outcome {
    same(sqlx::query_scalar::<_, i32>("SELECT $1 + 1").bind(41).fetch_one(pool).await?, 42)?;
    let text: String = sqlx::query_scalar("SELECT $1 || '!'").bind("é").fetch_one(pool).await?;
    same(text, "é!".to_owned())?;
    let none: Option<i64> = sqlx::query_scalar("SELECT NULL::int8").fetch_one(pool).await?;
    same(none, None)?;
    same(sqlx::query_scalar::<_, i64>("SELECT count(*) FROM generate_series(1, 9)").fetch_one(pool).await?, 9)
}

async fn nulls(pool: &PgPool) -> Outcome {
    let row = sqlx::query("SELECT $1::int4, $2::text, $3::bytea, $4::text[]")
        .bind(None::<i32>)
        .bind(None::<String>)
        .bind(None::<Vec<u8>>)
        .bind(None::<Vec<String>>)
        .fetch_one(pool)
        .await?;
    same(row.try_get::<Option<i32>, _>(0)?, None)?;
    same(row.try_get::<Option<Vec<String>>, _>(3)?, None)?;
    same(row.try_get::<i32, _>(0).is_err(), true)
}

type Values = (bool, i16, i32, i64, f32, f64, String, Vec<u8>);
type Times = (NaiveDate, NaiveTime, NaiveDateTime, DateTime<Utc>, Uuid);

async fn types(pool: &PgPool) -> Outcome {
    table(
        pool,
        "sx_types",
        "a bool, b int2, c int4, d int8, e float4, f float8, g varchar(20), h bytea, \
         i date, j time, k timestamp, l timestamptz, m uuid",
    )
    .await?;
    let values: Values = (true, i16::MIN, i32::MAX, i64::MIN, 1.5, 0.1, "žluť".to_owned(), vec![0, 255]);
    let day = NaiveDate::from_ymd_opt(2024, 2, 29).ok_or("a day")?;
    let at = day.and_hms_micro_opt(23, 59, 59, 123_456).ok_or("a time")?;
    let times: Times = (day, at.time(), at, at.and_utc(), Uuid::from_u128(7));
    sqlx::query("INSERT INTO sx_types VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)")
        .bind(values.0)
        .bind(values.1)
        .bind(values.2)
        .bind(values.3)
        .bind(values.4)
        .bind(values.5)
        .bind(&values.6)
        .bind(&values.7)
        .bind(times.0)
        .bind(times.1)
        .bind(times.2)
        .bind(times.3)
        .bind(times.4)
        .execute(pool)
        .await?;
    let got: Values = sqlx::query_as("SELECT a, b, c, d, e, f, g, h FROM sx_types").fetch_one(pool).await?;
    same(got, values)?;
    let got: Times = sqlx::query_as("SELECT i, j, k, l, m FROM sx_types").fetch_one(pool).await?;
    same(got, times)
}

async fn decimals(pool: &PgPool) -> Outcome {
    table(pool, "sx_decimals", "id int4, n numeric(12, 3), free numeric").await?;
    let value: Decimal = "123456789.125".parse()?;
    sqlx::query("INSERT INTO sx_decimals VALUES (1, $1, $1), (2, -0.5, 1e5)").bind(value).execute(pool).await?;
    let got: Vec<(Decimal, Decimal)> =
        sqlx::query_as("SELECT n, free FROM sx_decimals ORDER BY id").fetch_all(pool).await?;
    same(got[0], (value, value))?;
    same(got[1], ("-0.500".parse()?, "100000".parse()?))?;
    let sum: Decimal = sqlx::query_scalar("SELECT sum(n) FROM sx_decimals").fetch_one(pool).await?;
    same(sum.to_string(), "123456788.625".to_owned())
}

async fn intervals(pool: &PgPool) -> Outcome {
    let value = PgInterval { months: 14, days: -3, microseconds: 4_500_000 };
    let got: PgInterval = sqlx::query_scalar("SELECT $1").bind(value).fetch_one(pool).await?;
    same(got, value)?;
    let got: PgInterval = sqlx::query_scalar("SELECT interval '1 day 2 hours'").fetch_one(pool).await?;
    same(got, PgInterval { months: 0, days: 1, microseconds: 7_200_000_000 })
}

async fn arrays(pool: &PgPool) -> Outcome {
    let ints = vec![Some(1), None, Some(3)];
    let texts = vec!["a".to_owned(), "quo\"te".to_owned(), "com,ma".to_owned(), String::new()];
    let row = sqlx::query("SELECT $1::int4[], $2::text[], $3::float8[]")
        .bind(&ints)
        .bind(&texts)
        .bind([0.5, -1.0].as_slice())
        .fetch_one(pool)
        .await?;
    same(row.try_get::<Vec<Option<i32>>, _>(0)?, ints)?;
    same(row.try_get::<Vec<String>, _>(1)?, texts)?;
    same(row.try_get::<Vec<f64>, _>(2)?, vec![0.5, -1.0])
}

async fn json(pool: &PgPool) -> Outcome {
    let value = serde_json::json!({"a": [1, null, "x"], "b": {"c": 1.5}});
    let row = sqlx::query("SELECT $1::jsonb, $2::jsonb -> 'a'").bind(&value).bind(Json(&value)).fetch_one(pool).await?;
    same(row.try_get::<serde_json::Value, _>(0)?, value)?;
    same(row.try_get::<Json<Vec<Option<serde_json::Value>>>, _>(1)?.0.len(), 3)
}

#[derive(Debug, PartialEq, sqlx::FromRow)]
struct Item {
    id: i64,
    #[sqlx(rename = "title")]
    name: String,
    price: Option<f64>,
    #[sqlx(default)]
    other: i32,
}

async fn from_row(pool: &PgPool) -> Outcome {
    table(pool, "sx_items", "id bigserial PRIMARY KEY, title text NOT NULL, price float8").await?;
    sqlx::query("INSERT INTO sx_items (title, price) VALUES ('one', 1.5), ('two', NULL)").execute(pool).await?;
    let items: Vec<Item> = sqlx::query_as("SELECT * FROM sx_items ORDER BY id").fetch_all(pool).await?;
    let item = |id, name: &str, price| Item { id, name: name.to_owned(), price, other: 0 };
    same(items, vec![item(1, "one", Some(1.5)), item(2, "two", None)])
}

#[derive(Clone, Copy, Debug, PartialEq, sqlx::Type)]
#[sqlx(type_name = "sx_mood", rename_all = "lowercase")]
enum Mood {
    Sad,
    Happy,
}

async fn enums(pool: &PgPool) -> Outcome {
    sqlx::raw_sql("DROP TABLE IF EXISTS sx_moods; DROP TYPE IF EXISTS sx_mood").execute(pool).await?;
    sqlx::raw_sql("CREATE TYPE sx_mood AS ENUM ('sad', 'happy')").execute(pool).await?;
    table(pool, "sx_moods", "id int4, m sx_mood").await?;
    for (id, mood) in [(1, Mood::Happy), (2, Mood::Sad)] {
        sqlx::query("INSERT INTO sx_moods VALUES ($1, $2)").bind(id).bind(mood).execute(pool).await?;
    }
    let got: Vec<Mood> = sqlx::query_scalar("SELECT m FROM sx_moods ORDER BY m").fetch_all(pool).await?;
    same(got, vec![Mood::Sad, Mood::Happy])?;
    let found: i32 =
        sqlx::query_scalar("SELECT id FROM sx_moods WHERE m = $1").bind(Mood::Happy).fetch_one(pool).await?;
    same(found, 1)
}

async fn columns(pool: &PgPool) -> Outcome {
    let row = sqlx::query("SELECT 1::int2 AS a, 'x'::varchar AS b, now() AS c, '{}'::jsonb AS d").fetch_one(pool).await?;
    let columns: Vec<_> = row.columns().iter().map(|c| (c.name().to_owned(), c.type_info().name().to_owned())).collect();
    let expected = [("a", "INT2"), ("b", "VARCHAR"), ("c", "TIMESTAMPTZ"), ("d", "JSONB")];
    same(columns, expected.map(|(name, ty)| (name.to_owned(), ty.to_owned())).to_vec())?;
    same(row.try_get::<i16, _>("a")?, 1)?;
    same(row.try_get::<i64, _>("a").is_err(), true)
}

async fn optional_and_one(pool: &PgPool) -> Outcome {
    let none = sqlx::query("SELECT 1 WHERE false").fetch_optional(pool).await?;
    same(none.is_none(), true)?;
    let one = sqlx::query("SELECT 1 WHERE false").fetch_one(pool).await;
    same(matches!(one, Err(sqlx::Error::RowNotFound)), true)?;
    same(code(sqlx::query("SELECT * FROM nothing_here").fetch_one(pool).await), "42P01".to_owned())
}

async fn stream(pool: &PgPool) -> Outcome {
    let query = sqlx::query_as::<_, (i32, String)>("SELECT x, repeat('x', 100) FROM generate_series(1, 100000) AS g(x)");
    let mut rows = query.fetch(pool);
    let mut sum = 0i64;
    while let Some((x, _)) = rows.try_next().await? {
        sum += i64::from(x);
    }
    same(sum, 50_000 * 100_001)?;
    let mut early = sqlx::query("SELECT x FROM generate_series(1, 100000) AS g(x)").fetch(pool);
    same(early.try_next().await?.is_some(), true)?;
    drop(early);
    same(sqlx::query_scalar::<_, i32>("SELECT 7").fetch_one(pool).await?, 7)
}

async fn returning(pool: &PgPool) -> Outcome {
    table(pool, "sx_returning", "id int4 GENERATED ALWAYS AS IDENTITY PRIMARY KEY, t text DEFAULT 'x'").await?;
    let id: i32 =
        sqlx::query_scalar("INSERT INTO sx_returning (t) VALUES ($1) RETURNING id").bind("a").fetch_one(pool).await?;
    same(id, 1)?;
    let row: (i32, String) = sqlx::query_as("INSERT INTO sx_returning DEFAULT VALUES RETURNING *").fetch_one(pool).await?;
    same(row, (2, "x".to_owned()))?;
    let done = sqlx::query("UPDATE sx_returning SET t = t || '!' WHERE id <= $1").bind(2).execute(pool).await?;
    same(done.rows_affected(), 2)?;
    let gone: Vec<String> = sqlx::query_scalar("DELETE FROM sx_returning RETURNING t").fetch_all(pool).await?;
    same(gone.len(), 2)
}

async fn upsert(pool: &PgPool) -> Outcome {
    table(pool, "sx_upsert", "k text PRIMARY KEY, n int8").await?;
    let upsert = "INSERT INTO sx_upsert VALUES ($1, $2) ON CONFLICT (k) DO UPDATE SET n = sx_upsert.n + excluded.n RETURNING n";
    for expected in [1i64, 2, 3] {
        let n: i64 = sqlx::query_scalar(upsert).bind("a").bind(1i64).fetch_one(pool).await?;
        same(n, expected)?;
    }
    let done = sqlx::query("INSERT INTO sx_upsert VALUES ('a', 1) ON CONFLICT DO NOTHING").execute(pool).await?;
    same(done.rows_affected(), 0)
}

async fn any_of_a_list(pool: &PgPool) -> Outcome {
    let query = "SELECT x FROM generate_series(1, 10) AS g(x) WHERE x = ANY($1) ORDER BY x";
    let found: Vec<i32> = sqlx::query_scalar(query).bind(vec![2, 3, 99]).fetch_all(pool).await?;
    same(found, vec![2, 3])?;
    let all = "SELECT count(*) FROM generate_series(1, 10) AS g(x) WHERE x <> ALL($1)";
    same(sqlx::query_scalar::<_, i64>(all).bind(vec![2, 3, 99]).fetch_one(pool).await?, 8)
}

async fn insert_by_unnest(pool: &PgPool) -> Outcome {
    table(pool, "sx_unnest", "id int8, t text, at timestamptz").await?;
    let ids: Vec<i64> = (0..1000).collect();
    let texts: Vec<String> = ids.iter().map(|id| format!("t{id}")).collect();
    let times: Vec<DateTime<Utc>> = ids.iter().filter_map(|id| DateTime::from_timestamp(*id, 0)).collect();
    let insert = "INSERT INTO sx_unnest (id, t, at) SELECT * FROM UNNEST($1::int8[], $2::text[], $3::timestamptz[])";
    let done = sqlx::query(insert).bind(&ids).bind(&texts).bind(&times).execute(pool).await?;
    same(done.rows_affected(), 1000)?;
    let got: (i64, String) = sqlx::query_as("SELECT id, t FROM sx_unnest WHERE at = to_timestamp(77)").fetch_one(pool).await?;
    same(got, (77, "t77".to_owned()))
}

async fn query_builder(pool: &PgPool) -> Outcome {
    table(pool, "sx_built", "id int4, t text").await?;
    let mut insert = QueryBuilder::<sqlx::Postgres>::new("INSERT INTO sx_built (id, t) ");
    insert.push_values(0..500, |mut row, id| {
        row.push_bind(id).push_bind(format!("t{id}"));
    });
    same(insert.build().execute(pool).await?.rows_affected(), 500)?;
    let mut select = QueryBuilder::<sqlx::Postgres>::new("SELECT id FROM sx_built WHERE (id, t) IN ");
    select.push_tuples([(1, "t1"), (2, "no"), (3, "t3")], |mut row, (id, t)| {
        row.push_bind(id).push_bind(t);
    });
    select.push(" ORDER BY id LIMIT ").push_bind(10i64);
    same(select.build_query_scalar::<i32>().fetch_all(pool).await?, vec![1, 3])
}

async fn vectors(pool: &PgPool) -> Outcome {
    sqlx::raw_sql("CREATE EXTENSION IF NOT EXISTS vector").execute(pool).await?;
    table(pool, "sx_vectors", "id bigserial PRIMARY KEY, e vector(3)").await?;
    for value in [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]] {
        sqlx::query("INSERT INTO sx_vectors (e) VALUES ($1)").bind(Vector::from(value.to_vec())).execute(pool).await?;
    }
    sqlx::query("CREATE INDEX ON sx_vectors USING hnsw (e vector_l2_ops)").execute(pool).await?;
    let query = Vector::from(vec![0.1, 0.9, 0.0]);
    let near: Vec<(i64, Vector, f64)> =
        sqlx::query_as("SELECT id, e, e <-> $1 FROM sx_vectors ORDER BY e <-> $1 LIMIT 2").bind(&query).fetch_all(pool).await?;
    same(near.iter().map(|row| row.0).collect::<Vec<_>>(), vec![2, 1])?;
    same(near[0].1.to_vec(), vec![0.0, 1.0, 0.0])?;
    let average: Vector = sqlx::query_scalar("SELECT avg(e) FROM sx_vectors WHERE id <= 2").fetch_one(pool).await?;
    same(average.to_vec(), vec![0.5, 0.5, 0.0])?;
    let wrong = sqlx::query("INSERT INTO sx_vectors (e) VALUES ($1)").bind(Vector::from(vec![1.0])).execute(pool).await;
    same(code(wrong), "22000".to_owned())
}

async fn other_vectors(pool: &PgPool) -> Outcome {
    table(pool, "sx_others", "id int4, h halfvec(2), s sparsevec(5)").await?;
    let half = HalfVector::from_f32_slice(&[1.5, -2.0]);
    let sparse = SparseVector::from_dense(&[0.0, 1.5, 0.0, 0.0, 3.0]);
    sqlx::query("INSERT INTO sx_others VALUES (1, $1, $2)").bind(&half).bind(&sparse).execute(pool).await?;
    let got: (HalfVector, SparseVector) = sqlx::query_as("SELECT h, s FROM sx_others").fetch_one(pool).await?;
    same((got.0, got.1), (half.clone(), sparse))?;
    let distance: f64 = sqlx::query_scalar("SELECT h <=> $1 FROM sx_others").bind(&half).fetch_one(pool).await?;
    same(distance.abs() < 1e-6, true)
}
