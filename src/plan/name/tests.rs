use super::*;

#[test]
fn folds_ascii_only() {
    assert_eq!(fold_identifier("Items"), "items");
    assert_eq!(fold_identifier("ÉTÉ"), "ÉtÉ");
}

#[test]
fn cuts_at_63_bytes_between_characters() {
    let long = "a".repeat(70);
    assert_eq!(cut_identifier(&long).len(), 63);
    let accented = format!("{}é", "a".repeat(62));
    assert_eq!(cut_identifier(&accented), "a".repeat(62));
    assert_eq!(cut_identifier("short"), "short");
}

#[test]
fn quotes_what_needs_it() {
    for (identifier, quoted) in [
        ("items", "items"),
        ("items_2", "items_2"),
        ("2items", "\"2items\""),
        ("Items", "\"Items\""),
        ("select", "\"select\""),
        ("a\"b", "\"a\"\"b\""),
        ("", "\"\""),
        ("é", "\"é\""),
        ("int", "\"int\""),
        ("name", "name"),
    ] {
        assert_eq!(quote_identifier(identifier), quoted, "{identifier}");
    }
}

#[test]
fn shows_the_schema_where_there_is_one() {
    assert_eq!(Name::bare("a").to_string(), "a");
    assert_eq!(Name::qualified("s", "a").to_string(), "s.a");
}
