//! The functions through DataFusion's SQL, with the answers of PostgreSQL and pgvector.

use datafusion::common::DataFusionError;
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::base::SqlError;
use crate::types::{ColumnEncoder, PgType, TextContext};

fn context() -> SessionContext {
    let config = SessionConfig::new().with_target_partitions(1);
    let mut context = SessionContext::new_with_config(config);
    super::register(&mut context).unwrap();
    context.register_udf(
        super::cast_text_to(&PgType::Vector(None), &TextContext::default()).as_ref().clone(),
    );
    context
}

/// The first column of the answer, row by row.
async fn rows(sql: &str) -> Result<Vec<String>, SqlError> {
    let answer = async {
        let batches = context().sql(sql).await?.collect().await?;
        Ok::<_, DataFusionError>(batches)
    };
    let batches = answer.await.map_err(|error| match error.find_root() {
        DataFusionError::External(inner) => match inner.downcast_ref::<SqlError>() {
            Some(error) => error.clone(),
            None => SqlError::internal(error.to_string()),
        },
        _ => SqlError::internal(error.to_string()),
    })?;
    let mut rows = Vec::new();
    for batch in batches {
        let ty = PgType::of_field(batch.schema().field(0));
        let encoder = ColumnEncoder::new(batch.column(0), &ty)?;
        for row in 0..batch.num_rows() {
            let mut out = bytes::BytesMut::new();
            if encoder.is_null(row) {
                out.extend_from_slice(b"NULL");
            } else {
                encoder.write_text(row, &mut out, &TextContext::default());
            }
            rows.push(String::from_utf8(out.to_vec()).unwrap());
        }
    }
    Ok(rows)
}

/// Each line: an expression, and what it gives: a value, or `!` and SQLSTATE and message.
async fn check(cases: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (expression, expected) in cases {
        let found = match rows(&format!("SELECT {expression}")).await {
            Ok(rows) => rows.join("|"),
            Err(error) => format!("!{} {}", error.code(), error),
        };
        if found != *expected {
            wrong.push(format!("{expression}\n  ours     {found}\n  expected {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn vectors() {
    check(&[
        ("l2_distance('[1,2,3]', '[4,6,3]')", "5"),
        ("inner_product('[1,2]', '[3,4]')", "11"),
        ("vector_negative_inner_product('[1,2]', '[3,4]')", "-11"),
        ("cosine_distance('[1,2]', '[2,4]')", "0"),
        ("cosine_distance('[1,1]', '[0,0]')", "NaN"),
        ("l1_distance('[0,0]', '[3,4]')", "7"),
        ("l2_distance('[1,2,3]', '[1,2]')", "!22000 different vector dimensions 3 and 2"),
        ("l2_distance('[1,2,3]', NULL)", "NULL"),
        ("vector_dims('[1,2,3]')", "3"),
        ("vector_norm('[3,4]')", "5"),
        ("l2_norm('[3,4]')", "5"),
        ("l2_normalize('[3,4]')", "[0.6,0.8]"),
        ("l2_normalize('[0,0]')", "[0,0]"),
        ("subvector('[1,2,3,4,5]', 1, 3)", "[1,2,3]"),
        ("subvector('[1,2,3,4,5]', 3, 9)", "[3,4,5]"),
        ("subvector('[1,2,3,4,5]', -1, 3)", "[1]"),
        ("subvector('[1,2,3,4,5]', 6, 1)", "!22000 vector must have at least 1 dimension"),
        ("vector_add('[1,2]', '[3,4]')", "[4,6]"),
        ("vector_sub('[1,2]', '[3,4]')", "[-2,-2]"),
        ("vector_mul('[1,2]', '[3,4]')", "[3,8]"),
        ("vector_add('[3e38]', '[3e38]')", "!22003 value out of range: overflow"),
        ("vector_mul('[1e-37]', '[1e-37]')", "!22003 value out of range: underflow"),
        ("vector_concat('[1,2]', '[3]')", "[1,2,3]"),
        ("vector_lt('[1,2]', '[1,3]')", "t"),
        ("vector_eq('[1,2]', '[1,2]')", "t"),
        ("vector_cmp('[1,2]', '[1]')", "1"),
        ("array_to_vector(make_array(1, 2, 3))", "[1,2,3]"),
        ("array_to_vector(make_array(1.5, 2))", "[1.5,2]"),
        ("array_to_vector(make_array(1, NULL))", "!22004 array must not contain nulls"),
        ("array_to_vector(make_array(1, 2), 3, false)", "!22000 expected 3 dimensions, not 2"),
        ("vector_to_float4('[1,2.5]')", "{1,2.5}"),
        ("l2_distance('[1', '[1]')", "!22P02 invalid input syntax for type vector: \"[1\""),
    ])
    .await;
}

#[tokio::test]
async fn vector_columns_and_aggregates() {
    let table = "(VALUES (1, '[1,2]'), (2, '[3,5]'), (3, NULL)) AS t(id, text)";
    let vectors = format!("(SELECT id, \"cast_text_to vector\"(text) AS v FROM {table}) AS u");
    let ask = |what: &str| rows_of(format!("SELECT {what} FROM {vectors}"));
    assert_eq!(ask("l2_distance(v, '[1,2]')").await, ["0", "3.605551275463989", "NULL"]);
    assert_eq!(ask("l2_distance('[1,2]', v)").await, ["0", "3.605551275463989", "NULL"]);
    assert_eq!(ask("l2_distance(v, v)").await, ["0", "0", "NULL"]);
    assert_eq!(ask("avg(v)").await, ["[2,3.5]"]);
    assert_eq!(ask("sum(v)").await, ["[4,7]"]);
    assert_eq!(ask("sum(id)").await, ["6"]);
    assert_eq!(ask("avg(id)").await, ["2.0000000000000000"]);
    assert_eq!(ask("vector_add(v, v)").await, ["[2,4]", "[6,10]", "NULL"]);
    assert_eq!(
        rows_of(format!("SELECT avg(v) FROM {vectors} GROUP BY id % 2 ORDER BY id % 2")).await,
        ["[3,5]", "[1,2]"]
    );
    assert_eq!(rows_of(format!("SELECT sum(v) FROM {vectors} WHERE id > 5")).await, ["NULL"]);
}

async fn rows_of(sql: String) -> Vec<String> {
    rows(&sql).await.unwrap()
}

#[tokio::test]
async fn integers_overflow_as_errors() {
    let int4 = |n: &str| format!("arrow_cast({n}, 'Int32')");
    let (max, min, one) = (int4("2147483647"), int4("-2147483648"), int4("1"));
    let cases = [
        (format!("checked_add({max}, {one})"), "!22003 integer out of range"),
        (format!("checked_add({max}, 1)"), "2147483648"),
        (format!("checked_sub({min}, {one})"), "!22003 integer out of range"),
        (format!("checked_mul({max}, {max})"), "!22003 integer out of range"),
        (format!("checked_div({one}, {})", int4("0")), "!22012 division by zero"),
        (format!("checked_div({min}, {})", int4("-1")), "!22003 integer out of range"),
        (format!("checked_mod({min}, {})", int4("-1")), "0"),
        (format!("checked_mod({}, {})", int4("-7"), int4("3")), "-1"),
        (format!("checked_neg({min})"), "!22003 integer out of range"),
        (format!("checked_neg({one})"), "-1"),
        ("checked_add(9223372036854775807, 1)".to_owned(), "!22003 bigint out of range"),
        ("checked_add(1, NULL)".to_owned(), "NULL"),
    ];
    let cases: Vec<(&str, &str)> = cases.iter().map(|(a, b)| (a.as_str(), *b)).collect();
    check(&cases).await;
}

#[tokio::test]
async fn json() {
    check(&[
        (r#"json_get('{"a": {"b": 1}}', 'a')"#, r#"{"b": 1}"#),
        (r#"json_get('{"a": 1, "b": [1, 2]}', 'b')"#, "[1, 2]"),
        (r#"json_get('[1, {"x": "]"}, 3]', 1)"#, r#"{"x": "]"}"#),
        (r#"json_get('[1, 2, 3]', -1)"#, "3"),
        (r#"json_get('[1, 2, 3]', 5)"#, "NULL"),
        (r#"json_get('{"a": 1}', 'z')"#, "NULL"),
        (r#"json_get('5', 'z')"#, "NULL"),
        (r#"json_get_text('{"a": "x\"y"}', 'a')"#, "x\"y"),
        (r#"json_get_text('{"a": null}', 'a')"#, "NULL"),
        (r#"json_get('{"a": null}', 'a')"#, "null"),
        (r#"json_get_path('{"a": [{"b": 7}]}', '{a,0,b}')"#, "7"),
        (r#"json_get_path_text('{"a": ["x"]}', make_array('a', '0'))"#, "x"),
        (r#"jsonb_extract_path_text('{"a": {"b": "c"}}', 'a', 'b')"#, "c"),
        (r#"jsonb_typeof('[1]')"#, "array"),
        (r#"jsonb_array_length('[1, [2, 3], {}]')"#, "3"),
        (r#"jsonb_array_length('{}')"#, "!22023 cannot get array length of a non-array"),
        (r#"jsonb_contains('{"a": 1, "b": [1, 2]}', '{"b": [2]}')"#, "t"),
        (r#"jsonb_contains('{"a": 1}', '{"a": 2}')"#, "f"),
        (r#"jsonb_contains('[1, 2.0]', '2')"#, "t"),
        (r#"jsonb_contains('{"a": [1]}', '{"a": 1}')"#, "f"),
        (r#"jsonb_exists('{"a": 1}', 'a')"#, "t"),
        (r#"jsonb_exists('["a"]', 'b')"#, "f"),
        (r#"jsonb_build_object('b', 1, 'a', 'x"y')"#, r#"{"a": "x\"y", "b": 1}"#),
        (r#"json_build_object('b', 1, 'a', NULL)"#, r#"{"b" : 1, "a" : null}"#),
        ("jsonb_build_array(1, 'a', true, NULL)", r#"[1, "a", true, null]"#),
        ("to_jsonb(make_array(1, 2))", "[1, 2]"),
        ("to_json('a')", "\"a\""),
        ("jsonb_build_object('a')", "!22023 argument list must have even number of elements"),
    ])
    .await;
}

#[tokio::test]
async fn texts_and_types() {
    check(&[
        ("quote_ident('abc')", "abc"),
        ("quote_ident('select')", "\"select\""),
        ("quote_ident('A\"b')", "\"A\"\"b\""),
        ("quote_literal('it''s')", "'it''s'"),
        (r"quote_literal('a\b')", r"E'a\\b'"),
        ("quote_nullable(NULL)", "NULL"),
        ("format('%s and %I = %L %%', 1, 'Col', 'x''y')", "1 and \"Col\" = 'x''y' %"),
        ("format('%2$s %1$s|%-5s|%5s', 'a', 'b', 'c')", "b a|b    |    c"),
        ("format('%s', NULL)", ""),
        ("format('%s')", "!22023 too few arguments for format()"),
        ("format('%d', 1)", "!22023 unrecognized format() type specifier \"d\""),
        ("pg_typeof(1.5)", "701"),
        ("pg_typeof(make_array('a'))", "1009"),
        ("array_length(make_array(1, 2, 3), 1)", "3"),
        ("array_length(make_array(1, 2, 3), 2)", "NULL"),
        ("array_upper(make_array(1, 2), 1)", "2"),
        ("cardinality(make_array(1, 2))", "2"),
        ("num_nulls(1, NULL, NULL)", "2"),
        ("num_nonnulls(1, NULL, NULL)", "1"),
        ("mod(7, 3)", "1"),
    ])
    .await;
}

#[tokio::test]
async fn to_char() {
    let at = "TIMESTAMP '2024-03-05 14:07:09.012345'";
    let cases = [
        ("YYYY-MM-DD HH24:MI:SS", "2024-03-05 14:07:09"),
        ("FMDD FMMonth YYYY, HH12:MI am", "5 March 2024, 02:07 pm"),
        ("Day|DY|D|DDD|Q|IW", "Tuesday  |TUE|3|065|1|10"),
        ("MS US FF2 SSSS", "012 012345 01 50829"),
        ("DDth \"of\" Mon", "05th of Mar"),
        ("Y,YYY YY J", "2,024 24 2460375"),
    ];
    for (format, expected) in cases {
        let sql = format!("SELECT to_char({at}, '{format}')");
        assert_eq!(rows_of(sql).await, [expected], "{format}");
    }
}
