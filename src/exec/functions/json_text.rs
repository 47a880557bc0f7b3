//! Moves over the text of a JSON document that is known to be right, without building a tree.

/// The raw texts of an object's members, keys with their quotes, or nothing for other values.
pub(super) fn members(json: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut cursor = Cursor::inside(json, b'{');
    std::iter::from_fn(move || {
        let key = cursor.as_mut()?.value()?;
        cursor.as_mut()?.skip(b':');
        Some((key, cursor.as_mut()?.value()?))
    })
}

/// The raw texts of an array's elements, or nothing for other values.
pub(super) fn elements(json: &str) -> impl Iterator<Item = &str> {
    let mut cursor = Cursor::inside(json, b'[');
    std::iter::from_fn(move || cursor.as_mut()?.value())
}

/// Whether the document is an object, an array, or neither, by its first character.
pub(super) fn first(json: &str) -> u8 {
    json.trim_ascii_start().as_bytes().first().copied().unwrap_or_default()
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn inside(json: &'a str, bracket: u8) -> Option<Self> {
        let text = json.trim_ascii();
        (first(text) == bracket).then_some(Self { text, at: 1 })
    }

    fn skip(&mut self, byte: u8) {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(|b| b.is_ascii_whitespace() || *b == byte) {
            self.at += 1;
        }
    }

    /// The next value's text; none before a closing bracket.
    fn value(&mut self) -> Option<&'a str> {
        self.skip(b',');
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut depth = 0;
        loop {
            match bytes.get(self.at)? {
                b'"' => self.skip_string(),
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' if depth == 0 => break,
                b'}' | b']' => {
                    depth -= 1;
                    self.at += 1;
                }
                b',' | b':' if depth == 0 => break,
                _ => self.at += 1,
            }
        }
        let value = self.text[start..self.at].trim_ascii();
        (!value.is_empty()).then_some(value)
    }

    fn skip_string(&mut self) {
        let bytes = self.text.as_bytes();
        self.at += 1;
        while let Some(byte) = bytes.get(self.at) {
            self.at += match byte {
                b'\\' => 2,
                _ => 1,
            };
            if *byte == b'"' {
                return;
            }
        }
    }
}
