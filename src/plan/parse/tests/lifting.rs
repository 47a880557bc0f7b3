//! Which constants become parameters, and which stay.

use super::super::lift::{Constant, lift};
use super::super::*;
use crate::plan::Statement;
use crate::plan::statement::Cell;
use crate::types::TextContext;

/// The statement after lifting, its fingerprint, and `value type` of each constant.
fn lifted(sql: &str) -> Option<(String, String, Vec<String>)> {
    let mut parsed = parse(sql).unwrap().pop().unwrap();
    let lifted = lift(&mut parsed)?;
    let tree = match &parsed.statement {
        Statement::Query(query) => query.ast.to_string(),
        other => format!("{other:?}"),
    };
    let shown = |constant: &Constant| {
        let text = match &constant.cell {
            Cell::Literal { text, .. } | Cell::Cast { text: Some(text), .. } => text.clone(),
            other => format!("{other:?}"),
        };
        let ty = constant.ty.as_ref().map_or("unknown".to_owned(), ToString::to_string);
        format!("{text} {ty}")
    };
    Some((tree, lifted.fingerprint, lifted.constants.iter().map(shown).collect()))
}

#[test]
fn operands_are_lifted() {
    for (sql, tree, constants) in [
        ("SELECT * FROM t WHERE id = 5", "SELECT * FROM t WHERE id = $1", &["5 unknown"] as &[_]),
        ("SELECT * FROM t WHERE 5.5 < a", "SELECT * FROM t WHERE $1 < a", &["5.5 unknown"]),
        ("SELECT * FROM t WHERE a = -7", "SELECT * FROM t WHERE a = $1", &["-7 unknown"]),
        (
            "SELECT * FROM t WHERE a = 3000000000 AND b = 'x'",
            "SELECT * FROM t WHERE a = $1 AND b = $2",
            &["3000000000 unknown", "x unknown"],
        ),
        (
            "SELECT id, e <-> '[1,2]' AS d FROM t ORDER BY e <=> '[1,2]'::vector(2) LIMIT 5",
            "SELECT id, e <-> $1 AS d FROM t ORDER BY e <=> $2 LIMIT 5",
            &["[1,2] unknown", "[1,2] vector(2)"],
        ),
        (
            "SELECT cosine_distance(e, '[1,2]') FROM t WHERE a IN (1, 2) AND b BETWEEN 3 AND 4",
            "SELECT cosine_distance(e, $1) FROM t WHERE a IN ($2, $3) AND b BETWEEN $4 AND $5",
            &["[1,2] unknown", "1 unknown", "2 unknown", "3 unknown", "4 unknown"],
        ),
        (
            "SELECT * FROM t WHERE a = $1 AND b > date '2024-01-01'",
            "SELECT * FROM t WHERE a = $1 AND b > $2",
            &["2024-01-01 date"],
        ),
        (
            "SELECT * FROM a JOIN b ON a.x = b.x AND b.y = 1 WHERE EXISTS (SELECT 1 FROM c WHERE z = 2)",
            "SELECT * FROM a JOIN b ON a.x = b.x AND b.y = $1 WHERE EXISTS (SELECT 1 FROM c WHERE z = $2)",
            &["1 unknown", "2 unknown"],
        ),
        (
            "SELECT a, count(*) FROM t WHERE b = 1 GROUP BY a HAVING count(*) > 2",
            "SELECT a, count(*) FROM t WHERE b = $1 GROUP BY a HAVING count(*) > $2",
            &["1 unknown", "2 unknown"],
        ),
    ] {
        let (actual, _, found) = lifted(sql).expect(sql);
        assert_eq!(actual, tree, "{sql}");
        assert_eq!(found, constants, "{sql}");
    }
}

#[test]
fn what_would_change_the_meaning_stays() {
    for sql in [
        "SELECT 1, 'x', a + 1 FROM t ORDER BY 1 LIMIT 5 OFFSET 6",
        "SELECT * FROM t WHERE false",
        "SELECT * FROM t WHERE a = NULL OR b = true",
        "SELECT * FROM t WHERE 1 = 2",
        "SELECT a > 5 FROM t GROUP BY a > 5",
        "SELECT DISTINCT a > 5 FROM t ORDER BY a > 5",
        "SELECT * FROM t WHERE a = 'items'::regclass",
        "SELECT * FROM t WHERE a > now() - interval '1 day'",
        "SELECT * FROM t WHERE a LIKE 'x%'",
        "INSERT INTO t SELECT a FROM u WHERE b = 1",
        "UPDATE t SET a = DEFAULT, b = NULL, c = true",
        "INSERT INTO t VALUES (DEFAULT, NULL, true, now())",
        "INSERT INTO t SELECT 1, 'x'",
        "SELECT * FROM t WHERE a = 1.5::int",
    ] {
        assert_eq!(lifted(sql), None, "{sql}");
    }
}

#[test]
fn updates_and_deletes_are_lifted() {
    let (_, fingerprint, constants) =
        lifted("UPDATE a SET n = n + 100, m = 5 WHERE id = 7").unwrap();
    assert_eq!(fingerprint, "0:UPDATE a SET n = n + $1, m = $2 WHERE id = $3");
    assert_eq!(constants, ["100 integer", "5 unknown", "7 unknown"]);
    let (_, fingerprint, constants) =
        lifted("UPDATE a SET (é, b) = ('ü'::text, -2), c = DEFAULT WHERE id = $1").unwrap();
    assert_eq!(fingerprint, "1:UPDATE a SET (é, b) = ($2, $3), c = DEFAULT WHERE id = $1");
    assert_eq!(constants, ["ü unknown", "-2 unknown"]);
    let (_, fingerprint, _) = lifted("DELETE FROM a WHERE id IN (7, 8)").unwrap();
    assert_eq!(fingerprint, "0:DELETE FROM a WHERE id IN ($1, $2)");
}

#[test]
fn rows_of_values_are_lifted() {
    let (_, fingerprint, constants) = lifted(
        "INSERT INTO a (x) VALUES (1, 'é', n + 2), ($1, '[1]'::vector, DEFAULT) RETURNING 5",
    )
    .unwrap();
    let expected = "1:INSERT INTO a (x) VALUES ($2, $3, n + $4), ($1, $5, DEFAULT) RETURNING 5";
    assert_eq!(fingerprint, expected);
    assert_eq!(constants, ["1 unknown", "é unknown", "2 integer", "[1] unknown"]);
}

#[test]
fn the_vector_that_is_searched_for_is_lifted() {
    let sql = "SELECT * FROM vector_search('items', 'embedding', '[1,2]', 10)";
    let (_, fingerprint, constants) = lifted(sql).unwrap();
    assert_eq!(fingerprint, "0:SELECT * FROM vector_search('items', 'embedding', $1, 10)");
    assert_eq!(constants, ["[1,2] unknown"]);
}

#[test]
fn a_constant_is_a_value_only_of_types_that_it_fits() {
    let context = TextContext::default();
    let value = |sql: &str, ty: &PgType| {
        let mut parsed = parse(sql).unwrap().pop().unwrap();
        let lifted = lift(&mut parsed).unwrap();
        lifted.constants[0].value(ty, &context).map(|value| value.to_string())
    };
    let compared =
        |constant: &str, ty| value(&format!("SELECT 1 FROM t WHERE a = {constant}"), &ty);
    assert_eq!(compared("5", PgType::Int2).as_deref(), Some("5"));
    assert_eq!(compared("5", PgType::Float8).as_deref(), Some("5"));
    assert_eq!(compared("'5'", PgType::Int8).as_deref(), Some("5"));
    assert_eq!(compared("'5'", PgType::Text).as_deref(), Some("5"));
    assert_eq!(compared("70000", PgType::Int2), None);
    assert_eq!(compared("5.5", PgType::Int4), None);
    assert_eq!(compared("5", PgType::Text), None);
    assert_eq!(compared("'x'", PgType::Int4), None);
    assert_eq!(compared("5", PgType::Bool), None);
    let inserted = |constant: &str, ty| value(&format!("INSERT INTO t VALUES ({constant})"), &ty);
    assert_eq!(inserted("'a'::text", PgType::Text).as_deref(), Some("a"));
    assert_eq!(inserted("'2024-01-01'::text", PgType::Date), None);
}

#[test]
fn fingerprints_differ_only_by_what_was_not_lifted() {
    let fingerprint = |sql: &str| lifted(sql).map(|(_, fingerprint, _)| fingerprint);
    let one = fingerprint("SELECT 'é' FROM t WHERE a = 1 AND b = 'ü' AND c = 3");
    assert_eq!(one.as_deref(), Some("0:SELECT 'é' FROM t WHERE a = $1 AND b = $2 AND c = $3"));
    assert_eq!(one, fingerprint("SELECT 'é' FROM t WHERE a = 22222 AND b = '' AND c = 1.5"));
    assert_eq!(
        one,
        fingerprint("SELECT 'ä' FROM x; SELECT 'é' FROM t WHERE a = 1 AND b = 'ü' AND c = 3")
    );
    assert_ne!(one, fingerprint("SELECT 'a' FROM t WHERE a = 1 AND b = 'ü' AND c = 3"));
    // `-5` and `5` differ by the sign outside of the constant's place.
    assert_ne!(
        fingerprint("SELECT * FROM t WHERE a = 5"),
        fingerprint("SELECT * FROM t WHERE a = -5")
    );
    // What was a parameter and what was a constant must not meet in one key.
    assert_ne!(
        fingerprint("SELECT * FROM t WHERE a = $1 AND b = 5"),
        fingerprint("SELECT * FROM t WHERE b = 5 AND a = $1")
    );
}
