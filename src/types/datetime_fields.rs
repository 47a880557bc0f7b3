//! Cuts a date or time literal into fields by their shape.

/// One field of a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field<'a> {
    /// Letters: a month, a zone, `T`, `infinity`.
    Word(&'a str),
    /// Parts with one delimiter: `2003-01-02`, `1/2/2003`, `2-Jan-2003`.
    Date(&'a str),
    /// Parts with colons.
    Time(&'a str),
    /// Digits, with a fraction or without.
    Number(&'a str),
    /// A sign and digits: an offset from Greenwich.
    Offset(&'a str),
}

/// The fields of a literal from left to right.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Fields<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next field; an error where no field can begin.
    pub(super) fn next(&mut self) -> Result<Option<Field<'a>>, ()> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(|b| b.is_ascii_whitespace() || *b == b',') {
            self.at += 1;
        }
        let start = self.at;
        let Some(first) = bytes.get(start) else { return Ok(None) };
        let field = match first {
            b'0'..=b'9' => self.number(),
            b'+' | b'-' => {
                self.at += 1;
                if bytes.get(self.at).is_some_and(u8::is_ascii_alphabetic) {
                    self.take(|b| b.is_ascii_alphabetic());
                    Field::Word(&self.text[start..self.at])
                } else {
                    let digits = self.take(|b| b.is_ascii_digit() || b == b':');
                    if digits == 0 {
                        return Err(());
                    }
                    Field::Offset(&self.text[start..self.at])
                }
            }
            b if b.is_ascii_alphabetic() => {
                self.take(|b| b.is_ascii_alphabetic());
                match bytes.get(self.at) {
                    // A zone's full name: `America/Port-au-Prince`, `Etc/GMT+3`.
                    Some(b'/' | b'_') => {
                        self.take(|b| b.is_ascii_alphanumeric() || b"/_-+".contains(&b));
                        Field::Word(&self.text[start..self.at])
                    }
                    Some(b'-' | b'.') if self.is_month_first() => {
                        self.take(|b| b.is_ascii_digit() || b == b'-' || b == b'.');
                        Field::Date(&self.text[start..self.at])
                    }
                    _ => {
                        let word = &self.text[start..self.at];
                        // `Jan. 2`
                        if bytes.get(self.at) == Some(&b'.') {
                            self.at += 1;
                        }
                        Field::Word(word)
                    }
                }
            }
            _ => return Err(()),
        };
        Ok(Some(field))
    }

    fn take(&mut self, accept: impl Fn(u8) -> bool) -> usize {
        let length =
            self.text.as_bytes()[self.at..].iter().take_while(|byte| accept(**byte)).count();
        self.at += length;
        length
    }

    /// Whether digits follow the delimiter after a word: `Jan-02-2003`.
    fn is_month_first(&self) -> bool {
        self.text.as_bytes().get(self.at + 1).is_some_and(u8::is_ascii_digit)
    }

    fn number(&mut self) -> Field<'a> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        self.take(|b| b.is_ascii_digit());
        match bytes.get(self.at) {
            Some(b':') => {
                self.take(|b| b.is_ascii_digit() || b == b':' || b == b'.');
                return Field::Time(&self.text[start..self.at]);
            }
            Some(delimiter @ (b'-' | b'/' | b'.')) => {
                let rest = &bytes[self.at + 1..];
                let part = rest.iter().take_while(|b| b.is_ascii_alphanumeric()).count();
                let letters = rest.first().is_some_and(u8::is_ascii_alphabetic);
                // A second delimiter makes it a date; else a point begins a fraction, and a
                // hyphen an offset.
                if part > 0 && (rest.get(part) == Some(delimiter) || letters) {
                    let delimiter = *delimiter;
                    self.take(|b| b.is_ascii_alphanumeric() || b == delimiter);
                    // `2003-01-02T04:05:06`: the date ends before the T.
                    let taken = &self.text[start..self.at];
                    let tail = taken.rfind(char::from(delimiter)).map_or(0, |at| at + 1);
                    let letter = taken[tail..].find(|c: char| c.is_ascii_alphabetic());
                    if let Some(letter) = letter.filter(|at| *at > 0) {
                        self.at = start + tail + letter;
                    }
                    return Field::Date(&self.text[start..self.at]);
                }
                if *delimiter == b'.' {
                    self.at += 1;
                    self.take(|b| b.is_ascii_digit());
                }
            }
            _ => {}
        }
        Field::Number(&self.text[start..self.at])
    }
}
