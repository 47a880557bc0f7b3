//! JSON in the layout in which PostgreSQL prints it: members in order, two spaces a level.

use super::node::Detail;

/// A JSON value whose members keep their order.
#[derive(Clone, Debug)]
pub(super) enum Json {
    Text(String),
    /// A number as it is printed.
    Number(String),
    Flag(bool),
    List(Vec<Self>),
    Object(Vec<(&'static str, Self)>),
}

impl From<&Detail> for Json {
    fn from(detail: &Detail) -> Self {
        match detail {
            Detail::Text(text) => Self::Text(text.clone()),
            Detail::List(texts) => Self::List(texts.iter().cloned().map(Self::Text).collect()),
            Detail::Number(number) => Self::Number(number.to_string()),
        }
    }
}

impl Json {
    /// The value as text, `indent` levels in.
    pub(super) fn print(&self, indent: usize, out: &mut String) {
        match self {
            Self::Text(text) => out.push_str(&serde_json::Value::from(text.as_str()).to_string()),
            Self::Number(number) => out.push_str(number),
            Self::Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
            // A list of texts stays on its line.
            Self::List(values) if values.iter().all(|value| matches!(value, Self::Text(_))) => {
                out.push('[');
                for (at, value) in values.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { ", " });
                    value.print(indent, out);
                }
                out.push(']');
            }
            Self::List(values) => {
                block(('[', ']'), indent, out, values, |value, out| value.print(indent + 1, out));
            }
            Self::Object(members) => {
                block(('{', '}'), indent, out, members, |(name, value), out| {
                    out.push('"');
                    out.push_str(name);
                    out.push_str("\": ");
                    value.print(indent + 1, out);
                });
            }
        }
    }
}

fn block<T>(
    (open, close): (char, char),
    indent: usize,
    out: &mut String,
    items: &[T],
    print: impl Fn(&T, &mut String),
) {
    out.push(open);
    for (at, item) in items.iter().enumerate() {
        out.push_str(if at == 0 { "\n" } else { ",\n" });
        out.push_str(&"  ".repeat(indent + 1));
        print(item, out);
    }
    out.push('\n');
    out.push_str(&"  ".repeat(indent));
    out.push(close);
}
