//! Fields of text and csv lines: escapes, quotes, NULL.

use proptest::prelude::*;

use super::*;

fn split(line: &str, syntax: &Syntax) -> Vec<Option<String>> {
    let mut fields = Fields::default();
    fields.split(line, syntax).unwrap();
    (0..fields.len()).map(|index| fields.get(line, index).map(str::to_owned)).collect()
}

fn text() -> Syntax {
    Syntax::Text { delimiter: b'\t', null: "\\N".to_owned() }
}

fn csv() -> Syntax {
    Syntax::Csv { delimiter: b',', null: String::new(), quote: b'"', escape: b'"' }
}

fn some(values: &[&str]) -> Vec<Option<String>> {
    values.iter().map(|value| Some((*value).to_owned())).collect()
}

#[test]
fn text_fields_and_escapes() {
    assert_eq!(split("a\tb\t", &text()), some(&["a", "b", ""]));
    assert_eq!(split("", &text()), some(&[""]));
    assert_eq!(split("\\N\tx", &text()), [None, Some("x".to_owned())]);
    assert_eq!(split("\\\\N\t\\t\t\\\t", &text()), some(&["\\N", "\t", "\t"]));
    assert_eq!(
        split("\\b\\f\\n\\r\\t\\v\\x41\\x4a1\\101\\0611\\xg\\q\\", &text()),
        some(&["\x08\x0c\n\r\t\x0bAJ1A11xgq\\"])
    );
    assert_eq!(split("é\\303\\251", &text()), some(&["éé"]));
}

#[test]
fn escapes_can_not_smuggle_what_is_not_utf_8() {
    let mut fields = Fields::default();
    for line in ["\\377", "a\\x00", "\\000"] {
        let error = fields.split(line, &text()).unwrap_err();
        assert_eq!(error.code().as_str(), "22021", "{line}");
    }
}

#[test]
fn csv_fields_and_quotes() {
    assert_eq!(
        split("a,\"b\",\"\",,\"c\"\"d\",x\"y,\"z", &csv()),
        [
            Some("a".to_owned()),
            Some("b".to_owned()),
            Some(String::new()),
            None,
            Some("c\"d".to_owned()),
            Some("xy,z".to_owned())
        ]
    );
    assert_eq!(split("\"a,b\",\"x\ny\"", &csv()), some(&["a,b", "x\ny"]));
    let error = Fields::default().split("a,\"b", &csv()).unwrap_err();
    assert_eq!(error.fields().message, "unterminated CSV quoted field");
}

#[test]
fn another_escape_character() {
    let syntax =
        Syntax::Csv { delimiter: b';', null: "NULL".to_owned(), quote: b'\'', escape: b'\\' };
    assert_eq!(
        split("'a\\'b';NULL;'NULL';'c\\\\d';'e\\f'", &syntax),
        [
            Some("a'b".to_owned()),
            None,
            Some("NULL".to_owned()),
            Some("c\\d".to_owned()),
            Some("e\\f".to_owned())
        ]
    );
}

proptest! {
    #[test]
    fn never_panics(line in "[a\\\\\"',\tNx0-9é.]{0,40}") {
        let mut fields = Fields::default();
        for syntax in [text(), csv()] {
            if fields.split(&line, &syntax).is_ok() {
                for index in 0..fields.len() {
                    let _ = fields.get(&line, index);
                }
            }
        }
    }
}
