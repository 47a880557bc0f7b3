//! Which constants become parameters, and which stay.

use super::super::lift::{Constant, lift};
use super::super::*;
use crate::plan::Statement;
use crate::plan::statement::Cell;

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
        ("SELECT * FROM t WHERE id = 5", "SELECT * FROM t WHERE id = $1", &["5 integer"] as &[_]),
        ("SELECT * FROM t WHERE 5.5 < a", "SELECT * FROM t WHERE $1 < a", &["5.5 numeric"]),
        ("SELECT * FROM t WHERE a = -7", "SELECT * FROM t WHERE a = $1", &["-7 integer"]),
        (
            "SELECT * FROM t WHERE a = 3000000000 AND b = 'x'",
            "SELECT * FROM t WHERE a = $1 AND b = $2",
            &["3000000000 bigint", "x unknown"],
        ),
        (
            "SELECT id, e <-> '[1,2]' AS d FROM t ORDER BY e <=> '[1,2]'::vector(2) LIMIT 5",
            "SELECT id, e <-> $1 AS d FROM t ORDER BY e <=> $2 LIMIT 5",
            &["[1,2] unknown", "[1,2] vector(2)"],
        ),
        (
            "SELECT cosine_distance(e, '[1,2]') FROM t WHERE a IN (1, 2) AND b BETWEEN 3 AND 4",
            "SELECT cosine_distance(e, $1) FROM t WHERE a IN ($2, $3) AND b BETWEEN $4 AND $5",
            &["[1,2] unknown", "1 integer", "2 integer", "3 integer", "4 integer"],
        ),
        (
            "SELECT * FROM t WHERE a = $1 AND b > date '2024-01-01'",
            "SELECT * FROM t WHERE a = $1 AND b > $2",
            &["2024-01-01 date"],
        ),
        (
            "SELECT * FROM a JOIN b ON a.x = b.x AND b.y = 1 WHERE EXISTS (SELECT 1 FROM c WHERE z = 2)",
            "SELECT * FROM a JOIN b ON a.x = b.x AND b.y = $1 WHERE EXISTS (SELECT 1 FROM c WHERE z = $2)",
            &["1 integer", "2 integer"],
        ),
        (
            "SELECT a, count(*) FROM t WHERE b = 1 GROUP BY a HAVING count(*) > 2",
            "SELECT a, count(*) FROM t WHERE b = $1 GROUP BY a HAVING count(*) > $2",
            &["1 integer", "2 integer"],
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
        "SELECT * FROM vector_search('items', 'embedding', '[1,2]', 10)",
        "INSERT INTO t SELECT a FROM u WHERE b = 1",
        "UPDATE t SET a = DEFAULT, b = NULL, c = true",
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
    assert_eq!(constants, ["100 integer", "5 integer", "7 integer"]);
    let (_, fingerprint, constants) =
        lifted("UPDATE a SET (é, b) = ('ü'::text, -2), c = DEFAULT WHERE id = $1").unwrap();
    assert_eq!(fingerprint, "1:UPDATE a SET (é, b) = ($2, $3), c = DEFAULT WHERE id = $1");
    assert_eq!(constants, ["ü text", "-2 integer"]);
    let (_, fingerprint, _) = lifted("DELETE FROM a WHERE id IN (7, 8)").unwrap();
    assert_eq!(fingerprint, "0:DELETE FROM a WHERE id IN ($1, $2)");
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
