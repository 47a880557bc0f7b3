use super::evaluate::query;
use super::parse::parse;

fn found(path: &str, document: &str) -> String {
    let path = match parse(path) {
        Ok(path) => path,
        Err(error) => return error.to_string(),
    };
    match query(&path, document, "{\"min\": 2}") {
        Ok(items) => items.join(" "),
        Err(error) => error.to_string(),
    }
}

#[test]
fn steps_find_parts() {
    let document = r#"{"a": [1, 2, {"b": "x"}], "c": {"d": null}}"#;
    for (path, items) in [
        ("$.a[*]", r#"1 2 {"b": "x"}"#),
        ("$.a.b", r#""x""#),
        ("strict $.a[2].b", r#""x""#),
        ("$.a[0, 1 to last]", r#"1 2 {"b": "x"}"#),
        ("$.c.*", "null"),
        ("$.\"c\".d", "null"),
        ("$.**.d", "null"),
        ("$.a.size()", "3"),
        ("$.a[*].type()", r#""number" "number" "object""#),
        ("$.a[*] ? (@ >= $min)", "2"),
        ("$.a[0] + $.a[1] * 2.5", "6.0"),
        ("-$.a[0]", "-1"),
        ("$.a[0] / 3", "0.33333333333333333333"),
        ("$.nothing", ""),
        ("$.a[9]", ""),
    ] {
        assert_eq!(found(path, document), items, "{path}");
    }
}

#[test]
fn predicates_have_three_values() {
    for (path, document, holds) in [
        ("$ == 1", "1.0", "true"),
        ("$ == null", "1", "false"),
        ("$ != null", "1", "true"),
        ("$ > \"a\"", "1", "null"),
        ("($ > \"a\") is unknown", "1", "true"),
        ("!($ == 1)", "2", "true"),
        ("$[*] > 2 && $[*] < 2", "[1, 3]", "true"),
        ("strict $ > 2", "[1, 3]", "null"),
        ("exists($.a)", "{\"a\": 0}", "true"),
        ("$ like_regex \"^A\" flag \"i\"", "\"abc\"", "true"),
        ("$ like_regex \"a.\" flag \"q\"", "\"abc\"", "false"),
        ("$ starts with \"ab\"", "\"abc\"", "true"),
    ] {
        assert_eq!(found(path, document), holds, "{path}");
    }
}

#[test]
fn what_is_wrong_is_told() {
    for (path, document, error) in [
        ("strict $.b", "{}", "JSON object does not contain key \"b\""),
        ("strict $[3]", "[1]", "jsonpath array subscript is out of bounds"),
        ("$.", "{}", "syntax error at end of jsonpath input"),
        ("$[", "{}", "syntax error at end of jsonpath input"),
        ("$ ? (@)", "{}", "syntax error at end of jsonpath input"),
        ("$ / 0", "1", "division by zero"),
        ("$ + 1", "\"x\"", "left operand of jsonpath operator + is not a single numeric value"),
    ] {
        assert_eq!(found(path, document), error, "{path}");
    }
    let deep = "(".repeat(500) + "1" + &")".repeat(500);
    assert_eq!(found(&deep, "1"), "stack depth limit exceeded");
}
