//! A statement as statistics name it: with `$n` in the place of every constant.

use super::token::{Kind, tokenize};

/// Longer texts are cut: what makes them long is mostly rows of constants.
const TEXT_BYTES_MAX: usize = 8 << 10;

/// The text with parameters in the place of its constants, numbered after its own `parameters`.
pub fn normalize(text: &str, parameters: u16) -> String {
    let mut end = text.len().min(TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = &text[..end];
    let (mut out, mut from, mut next) = (String::with_capacity(end), 0, u32::from(parameters));
    for token in tokenize(text).tokens {
        let constant = matches!(
            token.kind,
            Kind::String
                | Kind::EscapeString
                | Kind::UnicodeString
                | Kind::DollarString
                | Kind::BitString
                | Kind::HexString
                | Kind::Number
        );
        if constant {
            next += 1;
            out.push_str(&text[from..token.start as usize]);
            out.push('$');
            out.push_str(&next.to_string());
            from = token.end as usize;
        }
    }
    out.push_str(&text[from..]);
    out
}

#[cfg(test)]
mod tests {
    use super::normalize;

    #[test]
    fn constants_become_parameters() {
        for (text, parameters, expected) in [
            ("SELECT 1", 0, "SELECT $1"),
            (
                "SELECT a FROM t WHERE b = $1 AND c IN (1, 2.5, 'it''s')",
                1,
                "SELECT a FROM t WHERE b = $1 AND c IN ($2, $3, $4)",
            ),
            ("SELECT \"1\", $$x$$ -- 2", 0, "SELECT \"1\", $1 -- 2"),
            ("SELECT 'unended", 0, "SELECT 'unended"),
            ("INSERT INTO t VALUES (-1, E'\\n', B'1')", 0, "INSERT INTO t VALUES (-$1, $2, $3)"),
        ] {
            assert_eq!(normalize(text, parameters), expected);
        }
    }
}
