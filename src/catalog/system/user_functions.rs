//! Functions that users defined, as `pg_proc` has them and as the text that defines them.

use super::cell::{Cell, NULL, array, row, vector};
use super::definition::Row;
use super::describe::quoted;
use super::facts::Facts;
use crate::base::Oid;
use crate::catalog::{ArgumentDef, ArgumentMode, BodyForm, FunctionDef, ReturnsDef, Volatility};
use crate::types::PgType;

/// `pg_language.oid` of SQL.
const SQL: u32 = 14;

impl Facts {
    /// The users' functions in the order of their oids.
    pub(super) fn functions(&self) -> Vec<&FunctionDef> {
        let functions = self.catalog().functions.values().map(|function| &**function);
        let mut functions: Vec<&FunctionDef> = functions.collect();
        functions.sort_by_key(|function| function.oid);
        functions
    }

    /// A type by its name, those of relations' rows too.
    fn type_of_function(&self, oid: Oid) -> String {
        let ty = self.catalog().type_of(oid);
        let of_extension = ty.as_ref().is_some_and(|ty| {
            let element = ty.element().unwrap_or(ty);
            matches!(element, PgType::Vector(_) | PgType::Halfvec(_) | PgType::Sparsevec(_))
        });
        let prefix = if of_extension { self.prefix_of_vector() } else { "" };
        let shown = self.type_shown(oid).map(|shown| format!("{prefix}{shown}"));
        shown.or_else(|| self.row_type_shown(oid)).unwrap_or_else(|| "???".to_owned())
    }

    /// The type of a relation's rows, which is called like it.
    pub(super) fn row_type_shown(&self, oid: Oid) -> Option<String> {
        let (schema, name) = self.catalog().relation_name(oid)?;
        let schema = self.catalog().schema_name(schema);
        let visible = self.session().search_path().iter().any(|known| known == schema);
        Some(if visible { quoted(name) } else { format!("{}.{}", quoted(schema), quoted(name)) })
    }
}

/// The oid of the type that a function returns.
pub(super) fn result_type(function: &FunctionDef) -> Oid {
    match &function.returns {
        ReturnsDef::Void => PgType::Void.oid(),
        ReturnsDef::Value(ty) => ty.oid,
        ReturnsDef::Row => PgType::Record.oid(),
        ReturnsDef::RowOf(relation) => *relation,
    }
}

/// The rows of `pg_proc`.
pub(super) fn rows(facts: &Facts) -> Vec<Row> {
    facts.functions().into_iter().map(|function| proc_row(facts, function)).collect()
}

fn proc_row(facts: &Facts, function: &FunctionDef) -> Row {
    let types = function.input_types();
    let outputs = function.outputs().next().is_some();
    let all = || array(function.arguments.iter().map(|argument| argument.ty.oid));
    let modes = || array(function.arguments.iter().map(|argument| argument.mode.letter()));
    let named = function.arguments.iter().any(|argument| argument.name.is_some());
    let names = || {
        let name = |argument: &ArgumentDef| element(argument.name.as_deref().unwrap_or_default());
        array(function.arguments.iter().map(name))
    };
    let defaults: Vec<&str> =
        function.inputs().filter_map(|argument| argument.default.as_deref()).collect();
    let rows = if function.set { "1000" } else { "0" };
    let path = function.set_path.as_ref();
    let config: Cell = path.map(|path| array([element(&format!("search_path={path}"))]));
    let text = function.form == BodyForm::Text;
    row![
        function.oid,
        &function.name,
        function.schema,
        function.owner,
        SQL,
        function.cost.as_deref().unwrap_or("100"),
        function.rows.as_deref().unwrap_or(rows),
        0,
        0,
        "f",
        function.security_definer,
        function.leakproof,
        function.strict,
        function.set,
        function.volatility.letter(),
        function.parallel,
        types.len(),
        defaults.len(),
        result_type(function),
        vector(&types),
        outputs.then(all),
        outputs.then(modes),
        named.then(names),
        (!defaults.is_empty()).then(|| defaults.join(", ")),
        NULL,
        if text { function.body.as_str() } else { "" },
        NULL,
        (!text).then(|| body(function)),
        config,
        facts.acl(function.oid),
    ]
}

/// An array's element in quotes.
fn element(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !text.is_empty() && text.chars().all(plain) && !text.eq_ignore_ascii_case("null") {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// `a integer, b text DEFAULT 'x'`.
pub(super) fn arguments(facts: &Facts, function: &FunctionDef, defaults: bool) -> String {
    let arguments = function.arguments.iter();
    let shown = arguments.filter(|argument| argument.mode != ArgumentMode::Table);
    let shown = shown.map(|argument| {
        let mode = match argument.mode {
            ArgumentMode::Out => "OUT ",
            ArgumentMode::InOut => "INOUT ",
            ArgumentMode::In | ArgumentMode::Table => "",
        };
        let default = argument.default.as_ref().filter(|_| defaults);
        let default = default.map(|default| format!(" DEFAULT {default}")).unwrap_or_default();
        format!("{mode}{}{default}", named(facts, argument))
    });
    shown.collect::<Vec<_>>().join(", ")
}

fn named(facts: &Facts, argument: &ArgumentDef) -> String {
    let ty = facts.type_of_function(argument.ty.oid);
    match &argument.name {
        Some(name) => format!("{} {ty}", quoted(name)),
        None => ty,
    }
}

/// `integer`, `SETOF text`, `TABLE(a integer, b text)`.
pub(super) fn result(facts: &Facts, function: &FunctionDef) -> String {
    let columns = function.arguments.iter();
    let columns = columns.filter(|argument| argument.mode == ArgumentMode::Table);
    let columns: Vec<String> = columns.map(|column| named(facts, column)).collect();
    if !columns.is_empty() {
        return format!("TABLE({})", columns.join(", "));
    }
    let set = if function.set { "SETOF " } else { "" };
    format!("{set}{}", facts.type_of_function(result_type(function)))
}

/// The body where it is no string.
pub(super) fn body(function: &FunctionDef) -> String {
    match function.form {
        BodyForm::Text => function.body.clone(),
        BodyForm::Return => format!("RETURN {}", function.body),
        BodyForm::Atomic => format!("BEGIN ATOMIC\n {};\nEND", function.body.trim()),
    }
}

/// `f(integer,text)`.
pub(super) fn signature(facts: &Facts, function: &FunctionDef) -> String {
    let types = function.inputs().map(|argument| facts.type_of_function(argument.ty.oid));
    format!("{}({})", quoted(&function.name), types.collect::<Vec<_>>().join(","))
}

/// The statement that makes a function.
pub(super) fn definition(facts: &Facts, function: &FunctionDef) -> String {
    let schema = quoted(facts.catalog().schema_name(function.schema));
    let mut text = format!(
        "CREATE OR REPLACE FUNCTION {schema}.{}({})\n RETURNS {}\n LANGUAGE sql\n",
        quoted(&function.name),
        arguments(facts, function, true),
        result(facts, function),
    );
    let mut options = Vec::new();
    if function.volatility != Volatility::Volatile {
        options.push(function.volatility.word().to_owned());
    }
    match function.parallel {
        's' => options.push("PARALLEL SAFE".to_owned()),
        'r' => options.push("PARALLEL RESTRICTED".to_owned()),
        _ => {}
    }
    if function.strict {
        options.push("STRICT".to_owned());
    }
    if function.security_definer {
        options.push("SECURITY DEFINER".to_owned());
    }
    if function.leakproof {
        options.push("LEAKPROOF".to_owned());
    }
    options.extend(function.cost.iter().map(|cost| format!("COST {cost}")));
    options.extend(function.rows.iter().map(|rows| format!("ROWS {rows}")));
    if !options.is_empty() {
        text.push_str(&format!(" {}\n", options.join(" ")));
    }
    if let Some(path) = &function.set_path {
        let literal = |name: &str| {
            let name = match name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
                Some(quoted) => quoted.replace("\"\"", "\""),
                None => name.to_owned(),
            };
            format!("'{}'", name.replace('\'', "''"))
        };
        let schemas: Vec<String> = path.split(", ").map(literal).collect();
        text.push_str(&format!(" SET search_path TO {}\n", schemas.join(", ")));
    }
    match function.form {
        BodyForm::Text => {
            let mut tag = "$function$".to_owned();
            while function.body.contains(&tag) {
                tag.insert(tag.len() - 1, 'x');
            }
            text.push_str(&format!("AS {tag}{}{tag}\n", function.body));
        }
        BodyForm::Return | BodyForm::Atomic => text.push_str(&format!("{}\n", body(function))),
    }
    text
}
