//! Walks a path over a document. Items are parts of the document's own text, or computed ones.

use std::borrow::Cow;
use std::cmp::Ordering;

use arrow::array::{Array, StringArray};
use arrow::compute::regexp_is_match_scalar;

use super::super::json_navigate::type_name;
use super::super::json_text::{elements, first, members};
use super::number::Number;
use super::parse::{Comparison, Node, Path, Step};
use crate::base::limits::JSON_PATH_ITEMS_MAX;
use crate::base::{Result, SqlError, SqlState};
use crate::types::json;

/// A value as JSON text.
type Item<'a> = Cow<'a, str>;

/// What a path is evaluated over.
#[derive(Debug)]
pub(super) struct Evaluation<'a> {
    document: &'a str,
    variables: &'a str,
    strict: bool,
}

/// Where an expression stands.
#[derive(Clone)]
struct Place<'a> {
    /// What `@` is
    current: Item<'a>,
    /// What `last` is: the length of the innermost array less one
    last: Option<i64>,
}

fn fails(state: SqlState, message: impl Into<String>) -> SqlError {
    SqlError::new(state, message)
}

/// The items that a path finds in a document.
pub(super) fn query<'a>(
    path: &Path,
    document: &'a str,
    variables: &'a str,
) -> Result<Vec<Item<'a>>> {
    if first(variables) != b'{' {
        let message = "\"vars\" argument is not an object";
        return Err(fails(SqlState::INVALID_PARAMETER_VALUE, message).with_detail(
            "Jsonpath parameters should be encoded as key-value pairs of \"vars\" object.",
        ));
    }
    let document = document.trim_ascii();
    let evaluation = Evaluation { document, variables, strict: path.strict };
    evaluation.items(&path.root, &Place { current: Cow::Borrowed(document), last: None })
}

/// The parts of an item, each as the item is: borrowed from the document or not.
fn parts<'a>(item: &Item<'a>, of: fn(&str) -> Vec<&str>) -> Vec<Item<'a>> {
    match item {
        Cow::Borrowed(text) => of(text).into_iter().map(Cow::Borrowed).collect(),
        Cow::Owned(text) => of(text).into_iter().map(|part| Cow::Owned(part.to_owned())).collect(),
    }
}

fn of_array(text: &str) -> Vec<&str> {
    elements(text).collect()
}

fn of_object(text: &str) -> Vec<&str> {
    members(text).map(|(_, value)| value).collect()
}

fn of_either(text: &str) -> Vec<&str> {
    if first(text) == b'{' { of_object(text) } else { of_array(text) }
}

fn is_array(item: &str) -> bool {
    first(item) == b'['
}

fn number(item: &str) -> Option<Number> {
    matches!(first(item), b'-' | b'0'..=b'9').then(|| Number::parse(item.trim_ascii())).flatten()
}

fn boolean(value: Option<bool>) -> Item<'static> {
    Cow::Borrowed(match value {
        Some(true) => "true",
        Some(false) => "false",
        None => "null",
    })
}

/// Arrays give their elements where the lax mode unwraps.
fn unwrapped<'a>(items: Vec<Item<'a>>) -> Vec<Item<'a>> {
    let elements = |item: Item<'a>| match is_array(&item) {
        true => parts(&item, of_array),
        false => vec![item],
    };
    items.into_iter().flat_map(elements).collect()
}

impl<'a> Evaluation<'a> {
    fn items(&self, node: &Node, place: &Place<'a>) -> Result<Vec<Item<'a>>> {
        if node.is_predicate() {
            return Ok(vec![boolean(self.holds(node, place))]);
        }
        Ok(match node {
            Node::Root => vec![Cow::Borrowed(self.document)],
            Node::Current => vec![place.current.clone()],
            Node::Last => {
                let last = place.last.ok_or_else(|| {
                    fails(SqlState::SYNTAX_ERROR, "LAST is allowed only in array subscripts")
                })?;
                vec![Cow::Owned(last.to_string())]
            }
            Node::Literal(text) => vec![Cow::Owned(match Number::parse(text) {
                Some(number) => number.shown(),
                None => text.clone(),
            })],
            Node::Variable(name) => vec![self.variable(name)?],
            Node::Steps(base, steps) => {
                let mut items = self.items(base, place)?;
                let mut forgiving = !self.strict;
                for step in steps {
                    items = self.step(step, items, place, forgiving)?;
                    if items.len() > JSON_PATH_ITEMS_MAX {
                        let message = "a jsonpath expression finds too many items";
                        return Err(fails(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
                            .with_detail(format!("A step may find {JSON_PATH_ITEMS_MAX} items.")));
                    }
                    // What lies anywhere below need not have the members that follow.
                    forgiving |= matches!(step, Step::Deep(..));
                }
                items
            }
            Node::Sign(sign, inner) => {
                let items = self.operand(inner, place)?;
                items.into_iter().map(|item| signed(*sign, &item)).collect::<Result<_>>()?
            }
            Node::Arithmetic(operator, left, right) => {
                let left = self.single(*operator, "left", left, place)?;
                let right = self.single(*operator, "right", right, place)?;
                vec![Cow::Owned(left.computed(*operator, &right)?.shown())]
            }
            _ => return Err(SqlError::internal("a predicate that is none")),
        })
    }

    /// An expression's items, arrays unwrapped in the lax mode.
    fn operand(&self, node: &Node, place: &Place<'a>) -> Result<Vec<Item<'a>>> {
        let items = self.items(node, place)?;
        Ok(if self.strict { items } else { unwrapped(items) })
    }

    fn single(&self, operator: char, side: &str, node: &Node, place: &Place<'a>) -> Result<Number> {
        let items = self.operand(node, place)?;
        let only = match items.as_slice() {
            [only] => number(only),
            _ => None,
        };
        only.ok_or_else(|| {
            fails(
                SqlState::SINGLETON_SQL_JSON_ITEM_REQUIRED,
                format!(
                    "{side} operand of jsonpath operator {operator} is not a single numeric value"
                ),
            )
        })
    }

    fn variable(&self, name: &str) -> Result<Item<'a>> {
        let found = members(self.variables)
            .filter(|(key, _)| json::unquote(key).is_ok_and(|key| key == name))
            .last();
        let value = found.map(|(_, value)| Cow::Borrowed(value));
        value.ok_or_else(|| {
            let message = format!("could not find jsonpath variable \"{name}\"");
            fails(SqlState::UNDEFINED_OBJECT, message)
        })
    }

    fn step(
        &self,
        step: &Step,
        items: Vec<Item<'a>>,
        place: &Place<'a>,
        forgiving: bool,
    ) -> Result<Vec<Item<'a>>> {
        let mut found = Vec::new();
        for item in items {
            self.step_from(step, item, place, forgiving, &mut found)?;
        }
        Ok(found)
    }

    fn step_from(
        &self,
        step: &Step,
        item: Item<'a>,
        place: &Place<'a>,
        forgiving: bool,
        found: &mut Vec<Item<'a>>,
    ) -> Result<()> {
        let unwraps = match step {
            Step::Key(_) | Step::AnyKey | Step::Filter(_) => true,
            Step::Method(name) => !matches!(name.as_str(), "type" | "size"),
            _ => false,
        };
        if unwraps && !self.strict && is_array(&item) {
            // Only one level is unwrapped.
            for element in parts(&item, of_array) {
                self.one(step, element, place, forgiving, found)?;
            }
            return Ok(());
        }
        self.one(step, item, place, forgiving, found)
    }

    /// A step from an item as it is.
    fn one(
        &self,
        step: &Step,
        item: Item<'a>,
        place: &Place<'a>,
        forgiving: bool,
        found: &mut Vec<Item<'a>>,
    ) -> Result<()> {
        let lacks = |state: SqlState, message: String| match forgiving {
            true => Ok(()),
            false => Err(fails(state, message)),
        };
        match step {
            Step::Key(key) if first(&item) == b'{' => match member(&item, key) {
                Some(value) => found.push(value),
                None => {
                    let message = format!("JSON object does not contain key \"{key}\"");
                    return lacks(SqlState::SQL_JSON_MEMBER_NOT_FOUND, message);
                }
            },
            Step::Key(_) => {
                let message = "jsonpath member accessor can only be applied to an object";
                return lacks(SqlState::SQL_JSON_MEMBER_NOT_FOUND, message.into());
            }
            Step::AnyKey if first(&item) == b'{' => found.extend(parts(&item, of_object)),
            Step::AnyKey => {
                let message = "jsonpath wildcard member accessor can only be applied to an object";
                return lacks(SqlState::SQL_JSON_OBJECT_NOT_FOUND, message.into());
            }
            Step::AnyElement if is_array(&item) => found.extend(parts(&item, of_array)),
            Step::AnyElement if !self.strict => found.push(item),
            Step::AnyElement => {
                let message = "jsonpath wildcard array accessor can only be applied to an array";
                return lacks(SqlState::SQL_JSON_ARRAY_NOT_FOUND, message.into());
            }
            Step::Elements(ranges) => {
                let array = match is_array(&item) {
                    true => parts(&item, of_array),
                    false if !self.strict => vec![item],
                    false => {
                        let message = "jsonpath array accessor can only be applied to an array";
                        return lacks(SqlState::SQL_JSON_ARRAY_NOT_FOUND, message.into());
                    }
                };
                self.elements_at(ranges, &array, place, forgiving, found)?;
            }
            Step::Deep(from, to) => deep(item, 0, *from, *to, found),
            Step::Filter(predicate) => {
                let inside = Place { current: item.clone(), last: place.last };
                if self.holds(predicate, &inside) == Some(true) {
                    found.push(item);
                }
            }
            Step::Method(name) => self.method(name, item, found)?,
        }
        Ok(())
    }

    fn elements_at(
        &self,
        ranges: &[(Node, Option<Node>)],
        array: &[Item<'a>],
        place: &Place<'a>,
        forgiving: bool,
        found: &mut Vec<Item<'a>>,
    ) -> Result<()> {
        let length = i64::try_from(array.len()).unwrap_or(i64::MAX);
        let inside = Place { last: Some(length - 1), current: place.current.clone() };
        for (from, to) in ranges {
            let start = self.position(from, &inside)?;
            let end = to.as_ref().map_or(Ok(start), |to| self.position(to, &inside))?;
            if !forgiving && (start < 0 || start > end || end >= length) {
                let message = "jsonpath array subscript is out of bounds";
                return Err(fails(SqlState::INVALID_SQL_JSON_SUBSCRIPT, message));
            }
            let bound = |position: i64| usize::try_from(position.max(0)).unwrap_or(usize::MAX);
            let end = bound(end.saturating_add(1)).min(array.len());
            found.extend(array.get(bound(start)..end).unwrap_or_default().iter().cloned());
        }
        Ok(())
    }

    fn position(&self, node: &Node, place: &Place<'a>) -> Result<i64> {
        let items = self.items(node, place)?;
        let only = match items.as_slice() {
            [only] => number(only),
            _ => None,
        };
        let message = "jsonpath array subscript is not a single numeric value";
        let only = only.ok_or_else(|| fails(SqlState::INVALID_SQL_JSON_SUBSCRIPT, message))?;
        let message = "jsonpath array subscript is out of integer range";
        only.whole().ok_or_else(|| fails(SqlState::INVALID_SQL_JSON_SUBSCRIPT, message))
    }

    fn method(&self, name: &str, item: Item<'a>, found: &mut Vec<Item<'a>>) -> Result<()> {
        let wrong = |what: &str| {
            let message = format!("jsonpath item method .{name}() can only be applied to {what}");
            Err(fails(SqlState::NON_NUMERIC_SQL_JSON_ITEM, message))
        };
        match name {
            "type" => found.push(Cow::Owned(format!("\"{}\"", type_name(&item)))),
            "size" if is_array(&item) => {
                found.push(Cow::Owned(elements(&item).count().to_string()));
            }
            "size" if !self.strict => found.push(Cow::Borrowed("1")),
            "size" => {
                let message = "jsonpath item method .size() can only be applied to an array";
                return Err(fails(SqlState::SQL_JSON_ARRAY_NOT_FOUND, message));
            }
            "abs" | "floor" | "ceiling" => {
                let Some(number) = number(&item) else { return wrong("a numeric value") };
                let number = match name {
                    "abs" => number.absolute(),
                    name => number.rounded(name == "ceiling"),
                };
                found.push(Cow::Owned(number.shown()));
            }
            "double" | "number" => {
                let text = json::unquote_if_string(&item);
                let value = text.as_deref().unwrap_or(&item);
                if text.is_none() && number(&item).is_none() {
                    return wrong("a string or numeric value");
                }
                let Some(number) = Number::parse(value.trim_ascii()) else {
                    let ty = if name == "double" { "double precision" } else { "numeric" };
                    let message = format!(
                        "argument \"{value}\" of jsonpath item method .{name}() is invalid for \
                         type {ty}"
                    );
                    return Err(fails(SqlState::NON_NUMERIC_SQL_JSON_ITEM, message));
                };
                let number = if name == "double" { number.trimmed() } else { number };
                found.push(Cow::Owned(number.shown()));
            }
            "string" => match first(&item) {
                b'{' | b'[' | b'n' => {
                    return wrong("a boolean, string, numeric, or datetime value");
                }
                b'"' => found.push(item),
                _ => found.push(Cow::Owned(format!("\"{item}\""))),
            },
            "keyvalue" if first(&item) == b'{' => {
                let pair = |(key, value): (&str, &str)| {
                    Cow::Owned(format!("{{\"id\": 0, \"key\": {key}, \"value\": {value}}}"))
                };
                found.extend(members(&item).map(pair).collect::<Vec<_>>());
            }
            "keyvalue" => {
                let message = "jsonpath item method .keyvalue() can only be applied to an object";
                return Err(fails(SqlState::SQL_JSON_OBJECT_NOT_FOUND, message));
            }
            other => {
                let message = format!("jsonpath item method .{other}() is not supported");
                return Err(SqlError::unsupported(message));
            }
        }
        Ok(())
    }

    /// Whether a predicate holds; `None` is unknown. What fails inside of it is unknown.
    fn holds(&self, node: &Node, place: &Place<'a>) -> Option<bool> {
        match node {
            Node::And(left, right) => match (self.holds(left, place), right) {
                (Some(false), _) => Some(false),
                (Some(true), right) => self.holds(right, place),
                (None, right) => self.holds(right, place).filter(|right| !right),
            },
            Node::Or(left, right) => match (self.holds(left, place), right) {
                (Some(true), _) => Some(true),
                (Some(false), right) => self.holds(right, place),
                (None, right) => self.holds(right, place).filter(|right| *right),
            },
            Node::Not(inner) => self.holds(inner, place).map(|holds| !holds),
            Node::IsUnknown(inner) => Some(self.holds(inner, place).is_none()),
            Node::Exists(inner) => self.items(inner, place).ok().map(|items| !items.is_empty()),
            Node::Compare(comparison, left, right) => {
                let left = self.operand(left, place).ok()?;
                let right = self.operand(right, place).ok()?;
                let pairs =
                    left.iter().flat_map(|left| right.iter().map(move |right| (left, right)));
                self.any(pairs.map(|(left, right)| compare(*comparison, left, right)))
            }
            Node::StartsWith(left, initial) => {
                let items = self.operand(left, place).ok()?;
                let initial = self.items(initial, place).ok()?;
                let initial = json::unquote_if_string(initial.first()?)?;
                self.any(items.iter().map(|item| {
                    json::unquote_if_string(item).map(|text| text.starts_with(&initial))
                }))
            }
            Node::LikeRegex(left, pattern, flags) => {
                let items = self.operand(left, place).ok()?;
                self.any(items.iter().map(|item| matches(item, pattern, flags)))
            }
            _ => None,
        }
    }

    /// Whether any holds. In the strict mode one that is unknown makes all unknown.
    fn any(&self, mut each: impl Iterator<Item = Option<bool>>) -> Option<bool> {
        let (mut found, mut unknown) = (false, false);
        for holds in each.by_ref() {
            match holds {
                Some(true) if !self.strict => return Some(true),
                Some(holds) => found |= holds,
                None if self.strict => return None,
                None => unknown = true,
            }
        }
        if unknown { None } else { Some(found) }
    }
}

fn member<'a>(item: &Item<'a>, key: &str) -> Option<Item<'a>> {
    let is = |raw: &str| json::unquote(raw).is_ok_and(|content| content == key);
    match item {
        Cow::Borrowed(text) => {
            members(text).filter(|(raw, _)| is(raw)).last().map(|(_, value)| Cow::Borrowed(value))
        }
        Cow::Owned(text) => members(text)
            .filter(|(raw, _)| is(raw))
            .last()
            .map(|(_, value)| Cow::Owned(value.to_owned())),
    }
}

/// An item and all below it, of these levels; without levels only what has nothing below it.
fn deep<'a>(
    item: Item<'a>,
    level: usize,
    from: usize,
    to: Option<usize>,
    found: &mut Vec<Item<'a>>,
) {
    let below = match to {
        Some(to) if level >= to => Vec::new(),
        _ => parts(&item, of_either),
    };
    let leaf = from == usize::MAX && !matches!(first(&item), b'{' | b'[');
    if found.len() > JSON_PATH_ITEMS_MAX {
        return;
    }
    if level >= from && to.is_none_or(|to| level <= to) || leaf {
        found.push(item);
    }
    for part in below {
        deep(part, level + 1, from, to, found);
    }
}

fn signed(sign: char, item: &str) -> Result<Item<'static>> {
    let Some(number) = number(item) else {
        let message = format!("operand of unary jsonpath operator {sign} is not a numeric value");
        return Err(fails(SqlState::SQL_JSON_NUMBER_NOT_FOUND, message));
    };
    let number = if sign == '-' { number.negated() } else { number };
    Ok(Cow::Owned(number.shown()))
}

/// What can't be compared is unknown; only null differs from everything else.
fn compare(comparison: Comparison, left: &str, right: &str) -> Option<bool> {
    let (kinds, differs) =
        ((type_name(left), type_name(right)), comparison == Comparison::NotEqual);
    let order = match kinds {
        ("null", "null") => Ordering::Equal,
        ("null", _) | (_, "null") => return Some(differs),
        ("boolean", "boolean") => left.trim_ascii().cmp(right.trim_ascii()),
        ("number", "number") => number(left)?.compare(&number(right)?),
        ("string", "string") => {
            json::unquote_if_string(left)?.cmp(&json::unquote_if_string(right)?)
        }
        _ => return None,
    };
    Some(match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    })
}

fn matches(item: &str, pattern: &str, flags: &str) -> Option<bool> {
    let text = json::unquote_if_string(item)?;
    if flags.contains('q') {
        return Some(text.contains(pattern));
    }
    let known: String = flags.chars().filter(|flag| "ismx".contains(*flag)).collect();
    let flags = Some(known.as_str()).filter(|flags| !flags.is_empty());
    let found = regexp_is_match_scalar(&StringArray::from(vec![text]), pattern, flags).ok()?;
    (!found.is_null(0)).then(|| found.value(0))
}
