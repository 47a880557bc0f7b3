//! The spellings of the startup parameter `options`.

use super::parse;

fn pairs(options: &str) -> Vec<(String, String)> {
    parse(options).unwrap()
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn all_spellings() {
    assert_eq!(
        pairs("-c a=1 -cb=2  --search-path=x,y\t-c redkite.consistency=strong"),
        [
            pair("a", "1"),
            pair("b", "2"),
            pair("search_path", "x,y"),
            pair("redkite.consistency", "strong")
        ]
    );
    assert_eq!(pairs("  "), []);
}

#[test]
fn backslashes_escape() {
    assert_eq!(pairs(r"-c a=x\ y\\z"), [pair("a", r"x y\z")]);
    assert_eq!(pairs(r"-c a=\"), [pair("a", "")]);
    assert_eq!(pairs("-c a=b=c"), [pair("a", "b=c")]);
    assert_eq!(pairs("-c a="), [pair("a", "")]);
}

#[test]
fn what_is_not_an_option_is_refused() {
    for options in ["-c", "x", "-x", "-c a", "--a", "a=b"] {
        let error = parse(options).unwrap_err();
        assert_eq!(error.code().as_str(), "42601", "{options}");
    }
}
