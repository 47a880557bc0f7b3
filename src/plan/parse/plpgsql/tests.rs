use super::parse_block;
use crate::plan::bind_variables;
use crate::plan::statement::plpgsql::{Action, Condition, Over, RaiseLevel, Raised, VariableType};

fn only(code: &str) -> Action {
    let block =
        parse_block(&format!("BEGIN {code} END")).unwrap_or_else(|e| panic!("{code}: {e:?}"));
    assert_eq!(block.body.len(), 1, "{code}");
    block.body.into_iter().next().unwrap().action
}

fn refused(code: &str) -> (String, String) {
    let error = parse_block(code).unwrap_err();
    (error.code().as_str().to_owned(), error.to_string())
}

#[test]
fn a_block_has_variables_a_body_and_handlers() {
    let block = parse_block(
        "<<all>> DECLARE a int := 1; b CONSTANT text NOT NULL DEFAULT 'x;y'; c t.v%TYPE; \
         d t%ROWTYPE; e record; \
         BEGIN NULL; EXCEPTION WHEN unique_violation OR SQLSTATE '22012' THEN NULL; \
         WHEN OTHERS THEN NULL; END all;",
    )
    .unwrap();
    assert_eq!(block.label.as_deref(), Some("all"));
    assert_eq!(block.declarations.len(), 5);
    assert_eq!(block.declarations[1].default.as_deref(), Some("'x;y'"));
    assert!(block.declarations[1].constant && block.declarations[1].not_null);
    let like = VariableType::Like(vec!["t".to_owned(), "v".to_owned()]);
    assert_eq!(block.declarations[2].ty, like);
    assert!(matches!(block.declarations[3].ty, VariableType::RowOf(_)));
    assert_eq!(block.declarations[4].ty, VariableType::Record);
    let states = ["23505", "22012"].map(|state| Condition::State(state.to_owned()));
    assert_eq!(block.handlers[0].conditions, states);
    assert_eq!(block.handlers[1].conditions, [Condition::Others]);
}

#[test]
fn a_statement_of_sql_ends_at_its_semicolon_and_gives_its_into() {
    let Action::Sql { text, into } = only("SELECT a, ';' INTO STRICT x, r.y FROM t WHERE (b = 1);")
    else {
        panic!("a query");
    };
    assert_eq!(text, "SELECT a, ';' FROM t WHERE (b = 1)");
    let into = into.unwrap();
    assert!(into.strict);
    assert_eq!(into.targets, [vec!["x".to_owned()], vec!["r".to_owned(), "y".to_owned()]]);
    let Action::Sql { text, into } = only("INSERT INTO t VALUES (1) RETURNING id INTO x;") else {
        panic!("an INSERT");
    };
    assert_eq!(text, "INSERT INTO t VALUES (1) RETURNING id ");
    assert!(into.is_some());
    let Action::Sql { text, into } = only("CREATE TABLE into_it (a int);") else {
        panic!("a definition");
    };
    assert_eq!((text.as_str(), into), ("CREATE TABLE into_it (a int)", None));
}

#[test]
fn loops_tell_numbers_from_rows() {
    let over = |code: &str| match only(code) {
        Action::Loop(over) => over.over,
        other => panic!("{code}: {other:?}"),
    };
    let Over::Numbers { reverse, from, to, by, .. } =
        over("FOR i IN REVERSE 10 .. a + 1 BY 2 LOOP NULL; END LOOP;")
    else {
        panic!("a range");
    };
    assert!(reverse);
    assert_eq!((from.as_str(), to.as_str(), by.as_deref()), ("10", "a + 1", Some("2")));
    assert!(matches!(over("FOR i IN 1..3 LOOP END LOOP;"), Over::Numbers { reverse: false, .. }));
    let rows = over("FOR r IN SELECT 1 LOOP END LOOP;");
    assert!(matches!(rows, Over::Rows { dynamic: None, .. }));
    let rows = over("FOR a, b IN EXECUTE 'x' USING 1, 2 LOOP END LOOP;");
    let Over::Rows { targets, dynamic: Some(using), .. } = rows else { panic!("rows") };
    assert_eq!((targets.len(), using.len()), (2, 2));
    assert!(matches!(over("FOREACH a IN ARRAY b LOOP END LOOP;"), Over::Elements { .. }));
    assert!(matches!(over("<<l>> WHILE a < 1 LOOP EXIT l; END LOOP l;"), Over::While(_)));
}

#[test]
fn a_case_within_an_expression_ends_nothing() {
    let Action::If { branches, otherwise } =
        only("IF CASE WHEN a THEN b ELSE c END THEN NULL; ELSIF d THEN NULL; ELSE NULL; END IF;")
    else {
        panic!("an IF");
    };
    assert_eq!(branches[0].0, "CASE WHEN a THEN b ELSE c END");
    assert_eq!((branches.len(), otherwise.len()), (2, 1));
    let Action::Case { operand, branches, otherwise } =
        only("CASE a WHEN 1, 2 THEN NULL; WHEN 3 THEN NULL; ELSE END CASE;")
    else {
        panic!("a CASE");
    };
    assert_eq!((operand.as_deref(), branches[0].0.len()), (Some("a"), 2));
    assert_eq!(otherwise, Some(Vec::new()));
}

#[test]
fn raise_has_a_level_a_message_and_options() {
    let Action::Raise(raise) =
        only("RAISE NOTICE 'a % %%', f(1, 2) USING HINT = 'h', ERRCODE = 'x';")
    else {
        panic!("a RAISE");
    };
    assert_eq!(
        (raise.level, raise.arguments.as_slice()),
        (RaiseLevel::Notice, &["f(1, 2)".to_owned()][..])
    );
    assert_eq!(raise.options.len(), 2);
    let Action::Raise(raise) = only("RAISE division_by_zero;") else { panic!("a RAISE") };
    assert_eq!(raise.what, Raised::Condition("22012".into(), "division_by_zero".into()));
    let Action::Raise(raise) = only("RAISE;") else { panic!("a RAISE") };
    assert_eq!(raise.what, Raised::Again);
    let few = ("42601".to_owned(), "too few parameters specified for RAISE".to_owned());
    assert_eq!(refused("BEGIN RAISE NOTICE '%'; END"), few);
}

#[test]
fn what_is_wrong_is_told() {
    for code in [
        "",
        "BEGIN",
        "BEGIN NULL END",
        "BEGIN IF a THEN NULL; END",
        "BEGIN LOOP NULL; END;",
        "BEGIN a := ; END",
        "BEGIN END other",
        "DECLARE a int; a text; BEGIN END",
        "BEGIN SELECT 'x; END",
        "BEGIN NULL; EXCEPTION END",
        "BEGIN GET DIAGNOSTICS a; END",
    ] {
        assert_eq!(refused(code).0, "42601", "{code}");
    }
    assert_eq!(refused("BEGIN NULL; EXCEPTION WHEN nothing THEN NULL; END").0, "42704");
    assert_eq!(refused("BEGIN COMMIT; END").0, "0A000");
    let deep = format!("{}{}", "BEGIN ".repeat(150), "END; ".repeat(150));
    assert_eq!(refused(&deep).0, "54001");
}

#[test]
fn variables_become_parameters_where_expressions_stand() {
    let bound = |sql: &str| {
        let known = |path: &[String]| match path {
            [name] => matches!(name.as_str(), "a" | "b" | "r"),
            [record, _] => record == "r",
            _ => false,
        };
        bind_variables(sql, &known).unwrap().text()
    };
    for (sql, wanted) in [
        ("SELECT a + b + a", "SELECT $1 + $2 + $1"),
        (
            "SELECT x AS a FROM t WHERE b = 'a' AND r.c = \"a\"",
            "SELECT x AS a FROM t WHERE $1 = 'a' AND $2 = $3",
        ),
        ("INSERT INTO t (a, b) VALUES (a, 1)", "INSERT INTO t (a, b) VALUES ($1, 1)"),
        ("UPDATE t SET a = b WHERE t.a = a", "UPDATE t SET a = $1 WHERE t.a = $2"),
        ("SELECT r.c FROM t r", "SELECT r.c FROM t r"),
        ("SELECT a(b, a => 1)", "SELECT a($1, a => 1)"),
        ("SELECT a[1], 'é', b", "SELECT ($1)[1], 'é', $2"),
        ("CREATE TABLE a (b int)", "CREATE TABLE a (b int)"),
        (
            "DELETE FROM t USING u WHERE u.a = a RETURNING b",
            "DELETE FROM t USING u WHERE u.a = $1 RETURNING $2",
        ),
    ] {
        assert_eq!(bound(sql), wanted, "{sql}");
    }
}
