//! sqlx: its driver, its derives, what its macros ask of a server, its migrations, and pgvector's types in it.

mod behaviour;
mod rows;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use std::error::Error;
use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

pub type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// Fails unless both are equal.
pub fn same<T: PartialEq + Debug>(got: T, expected: T) -> Outcome {
    if got == expected { Ok(()) } else { Err(format!("got {got:?}, expected {expected:?}").into()) }
}

/// The SQLSTATE of an error that the server gave.
pub fn code<T>(result: Result<T, sqlx::Error>) -> String {
    match result {
        Ok(_) => "no error".to_owned(),
        Err(error) => match error.as_database_error().and_then(|error| error.code()) {
            Some(code) => code.into_owned(),
            None => error.to_string(),
        },
    }
}

/// Makes the table anew.
pub async fn table(pool: &PgPool, name: &str, columns: &str) -> Outcome {
    let drop = sqlx::AssertSqlSafe(format!("DROP TABLE IF EXISTS {name}"));
    sqlx::raw_sql(drop).execute(pool).await?;
    let create = sqlx::AssertSqlSafe(format!("CREATE TABLE {name} ({columns})"));
    sqlx::raw_sql(create).execute(pool).await?;
    Ok(())
}

pub fn options() -> PgConnectOptions {
    let of = |name: &str| std::env::var(name).unwrap_or_default();
    PgConnectOptions::new_without_pgpass()
        .host(&of("PGHOST"))
        .port(of("PGPORT").parse().unwrap_or(5432))
        .username(&of("PGUSER"))
        .password(&of("PGPASSWORD"))
        .database(&of("PGDATABASE"))
}

pub async fn case(name: &str, body: impl Future<Output = Outcome>) {
    match tokio::time::timeout(Duration::from_secs(60), body).await {
        Ok(Ok(())) => println!("ok {name}"),
        Ok(Err(error)) => {
            let why = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
            println!("not ok {name}: {why}");
        }
        Err(_) => println!("not ok {name}: no answer in 60 s"),
    }
}

#[tokio::main]
async fn main() -> Outcome {
    let lock = include_str!("../Cargo.lock");
    let version = lock.split("name = \"sqlx\"\nversion = \"").nth(1).and_then(|rest| rest.split('"').next());
    println!("version {}", version.unwrap_or_default());
    let pool = PgPoolOptions::new().max_connections(5).connect_with(options()).await?;
    rows::run(&pool).await;
    behaviour::run(&pool).await;
    Ok(())
}
