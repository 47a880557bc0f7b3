//! Variables of a block: their types, values, and how they get them.

use datafusion::scalar::ScalarValue;

use super::Procedure;
use crate::base::limits::VARIABLE_BYTES_MAX;
use crate::base::{Result, SqlError, SqlState};
use crate::catalog::{Relation, RelationName, Snapshot};
use crate::plan::statement::plpgsql::{Block, Declaration, VariableType};
use crate::plan::{Name, quote_identifier};
use crate::types::{PgType, cast_context, parse_text, to_text};

/// A variable.
#[derive(Clone, Debug)]
pub(super) struct Variable {
    pub(super) name: String,
    constant: bool,
    not_null: bool,
    value: Value,
}

/// What a variable holds.
#[derive(Clone, Debug)]
enum Value {
    /// A value of a type.
    One(PgType, ScalarValue),
    /// A row; none: none was given to it so far.
    Row(Option<Vec<Field>>),
}

/// A field of a row.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) ty: PgType,
    pub(super) value: ScalarValue,
}

/// The variables of a block or a loop.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    label: Option<String>,
    variables: Vec<Variable>,
}

impl Scope {
    /// What every block has.
    pub(super) fn outermost() -> Self {
        let found = Variable::of("found", PgType::Bool, ScalarValue::Boolean(Some(false)));
        Self { label: None, variables: vec![found] }
    }

    /// The scope of some variables.
    pub(super) fn of(label: Option<String>, variables: Vec<Variable>) -> Self {
        Self { label, variables }
    }
}

impl Variable {
    /// A variable with a value.
    pub(super) fn of(name: &str, ty: PgType, value: ScalarValue) -> Self {
        let value = Value::One(ty, value);
        Self { name: name.to_owned(), constant: false, not_null: false, value }
    }
}

/// The NULL of a type.
pub(super) fn null(ty: &PgType) -> ScalarValue {
    ScalarValue::try_from(&ty.arrow()).unwrap_or(ScalarValue::Null)
}

impl Procedure<'_> {
    /// A block's variables, with their first values.
    pub(super) async fn declare(&mut self, block: &Block) -> Result<()> {
        self.scopes.push(Scope::of(block.label.clone(), Vec::new()));
        for declaration in &block.declarations {
            let variable = self.declared(declaration).await.map_err(|error| {
                let at = "during statement block local variable initialization";
                super::control::in_line(error, declaration.line, at)
            })?;
            if let Some(scope) = self.scopes.last_mut() {
                scope.variables.push(variable);
            }
        }
        Ok(())
    }

    async fn declared(&mut self, declaration: &Declaration) -> Result<Variable> {
        let empty = match &declaration.ty {
            VariableType::Record => Value::Row(None),
            VariableType::RowOf(name) => Value::Row(Some(self.row_of(name)?)),
            VariableType::Of(name) => {
                let current = self.session.server.engine().current();
                let ty = self.session.named_type(name, &current)?;
                let value = null(&ty);
                Value::One(ty, value)
            }
            VariableType::Like(parts) => {
                let ty = self.type_like(parts)?;
                let value = null(&ty);
                Value::One(ty, value)
            }
        };
        let name = declaration.name.clone();
        let mut variable = Variable { name, constant: false, not_null: false, value: empty };
        if let Some(default) = &declaration.default {
            match &mut variable.value {
                Value::Row(_) => {
                    return Err(SqlError::unsupported("a row can't have a first value")
                        .with_hint("SELECT .. INTO gives it one."));
                }
                Value::One(ty, value) => *value = self.computed(default, ty).await?,
            }
        }
        variable.constant = declaration.constant;
        variable.not_null = declaration.not_null;
        if let Value::One(_, value) = &variable.value
            && variable.not_null
            && value.is_null()
        {
            return Err(not_null(&variable.name));
        }
        Ok(variable)
    }

    /// `name%TYPE`.
    fn type_like(&self, parts: &[String]) -> Result<PgType> {
        let shown = || parts.join(".");
        if let Some((ty, _)) = self.find(parts).and_then(|found| found.ok()) {
            return Ok(ty);
        }
        let current = self.session.server.engine().current();
        let column = match parts {
            [table, column] => Some((Name::bare(table), column)),
            [schema, table, column] => Some((Name::qualified(schema, table), column)),
            _ => None,
        };
        let found = column.and_then(|(table, column)| {
            let columns = self.columns(&table, &current.state)?;
            columns.into_iter().find(|(name, _)| name == column).map(|(_, ty)| ty)
        });
        found.ok_or_else(|| {
            let message = format!("variable or column \"{}\" does not exist", shown());
            SqlError::new(SqlState::UNDEFINED_COLUMN, message)
        })
    }

    /// `table%ROWTYPE`.
    fn row_of(&self, name: &Name) -> Result<Vec<Field>> {
        let current = self.session.server.engine().current();
        let columns = self.columns(name, &current.state).ok_or_else(|| {
            let message = format!("relation \"{name}\" does not exist");
            SqlError::new(SqlState::UNDEFINED_TABLE, message)
        })?;
        let field = |(name, ty): (String, PgType)| Field { value: null(&ty), name, ty };
        Ok(columns.into_iter().map(field).collect())
    }

    fn columns(&self, name: &Name, state: &Snapshot) -> Option<Vec<(String, PgType)>> {
        let relation = RelationName { schema: name.schema.as_deref(), name: &name.name };
        match state.relation(relation, &self.session.search_path())? {
            Relation::Table(oid) => {
                let columns = state.tables.get(&oid)?.definition.columns.iter();
                Some(columns.map(|c| (c.name.clone(), c.ty.pg_type())).collect())
            }
            Relation::View(oid) => {
                let columns = state.view(oid)?.columns.iter();
                Some(columns.map(|(name, ty)| (name.clone(), ty.pg_type())).collect())
            }
            Relation::Sequence(_) | Relation::Index { .. } => None,
        }
    }

    /// Where a variable is: its scope's place and its own, and the parts of the name behind it.
    fn place<'n>(&self, path: &'n [String]) -> Option<(usize, usize, &'n [String])> {
        let (first, rest) = path.split_first()?;
        for (at, scope) in self.scopes.iter().enumerate().rev() {
            let own = scope.variables.iter().rposition(|variable| variable.name == *first);
            if let Some(own) = own {
                return Some((at, own, rest));
            }
            // `label.variable`.
            if let (Some(label), Some((second, rest))) = (&scope.label, rest.split_first())
                && label == first
                && let Some(own) = scope.variables.iter().position(|known| known.name == *second)
            {
                return Some((at, own, rest));
            }
        }
        None
    }

    fn variable(&self, (scope, own): (usize, usize)) -> Option<&Variable> {
        self.scopes.get(scope)?.variables.get(own)
    }

    /// Whether a name in a statement is that of a variable.
    pub(super) fn is_variable(&self, path: &[String]) -> bool {
        let Some((scope, own, rest)) = self.place(path) else { return false };
        match self.variable((scope, own)).map(|variable| &variable.value) {
            Some(Value::One(..)) => rest.is_empty(),
            Some(Value::Row(_)) => rest.len() <= 1,
            None => false,
        }
    }

    /// The value of a variable; none where there is none of the name.
    pub(super) fn find(&self, path: &[String]) -> Option<Result<(PgType, ScalarValue)>> {
        let (scope, own, rest) = self.place(path)?;
        let variable = self.variable((scope, own))?;
        match (&variable.value, rest) {
            (Value::One(ty, value), []) => Some(Ok((ty.clone(), value.clone()))),
            (Value::Row(None), _) => {
                let name = &variable.name;
                let message = format!("record \"{name}\" is not assigned yet");
                let error = SqlError::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message);
                Some(Err(error.with_detail(
                    "The tuple structure of a not-yet-assigned record is indeterminate.",
                )))
            }
            (Value::Row(Some(fields)), [field]) => {
                let found = fields.iter().find(|known| known.name == *field);
                Some(match found {
                    Some(field) => Ok((field.ty.clone(), field.value.clone())),
                    None => Err(no_field(&variable.name, field)),
                })
            }
            (Value::Row(Some(_)), []) => Some(Err(SqlError::unsupported(
                "a whole row as a value is not supported in PL/pgSQL",
            )
            .with_hint("Name the fields one by one."))),
            _ => None,
        }
    }

    /// Gives a variable a value of a type.
    pub(super) async fn assign(
        &mut self,
        path: &[String],
        (ty, value): (PgType, ScalarValue),
    ) -> Result<()> {
        let Some((scope, own, rest)) = self.place(path) else { return Err(unknown(path)) };
        let Some(variable) = self.variable((scope, own)) else { return Err(unknown(path)) };
        let name = variable.name.clone();
        if variable.constant {
            let message = format!("variable \"{name}\" is declared CONSTANT");
            return Err(SqlError::new(SqlState::ERROR_IN_ASSIGNMENT, message));
        }
        if variable.not_null && value.is_null() {
            return Err(not_null(&name));
        }
        let wanted = match (&variable.value, rest) {
            (Value::One(ty, _), []) => ty.clone(),
            (Value::Row(Some(fields)), [field]) => {
                let found = fields.iter().find(|known| known.name == *field);
                found.ok_or_else(|| no_field(&name, field))?.ty.clone()
            }
            (Value::Row(None), [field]) => return Err(no_field(&name, field)),
            (Value::Row(_), []) => {
                let message = "cannot assign non-composite value to a record variable";
                return Err(SqlError::new(SqlState::DATATYPE_MISMATCH, message));
            }
            _ => return Err(unknown(path)),
        };
        let value = self.converted((ty, value), &wanted).await?;
        if value.size() > VARIABLE_BYTES_MAX {
            let message = format!("value of variable \"{name}\" is too large");
            return Err(SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
                .with_detail(format!("A variable holds at most {VARIABLE_BYTES_MAX} bytes.")));
        }
        let variable = self.scopes.get_mut(scope).and_then(|scope| scope.variables.get_mut(own));
        match (variable.map(|variable| &mut variable.value), rest) {
            (Some(Value::One(_, old)), _) => *old = value,
            (Some(Value::Row(Some(fields))), [name]) => {
                if let Some(field) = fields.iter_mut().find(|field| field.name == *name) {
                    field.value = value;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Gives the row of a query to variables: to one that holds rows, or to each a column.
    pub(super) async fn assign_row(
        &mut self,
        targets: &[Vec<String>],
        row: Option<Vec<Field>>,
        columns: &[(String, PgType)],
    ) -> Result<()> {
        if let [target] = targets
            && let Some((scope, own, [])) = self.place(target)
            && let Some(variable) =
                self.scopes.get_mut(scope).and_then(|scope| scope.variables.get_mut(own))
            && let Value::Row(held) = &mut variable.value
        {
            let empty = |(name, ty): &(String, PgType)| Field {
                name: name.clone(),
                ty: ty.clone(),
                value: null(ty),
            };
            *held = Some(row.unwrap_or_else(|| columns.iter().map(empty).collect()));
            return Ok(());
        }
        let mut fields = row.unwrap_or_default().into_iter();
        for target in targets {
            let field = fields.next().map(|field| (field.ty, field.value));
            let value = field.unwrap_or((PgType::Text, ScalarValue::Utf8(None)));
            self.assign(target, value).await?;
        }
        Ok(())
    }

    /// Notes whether the last statement found something.
    pub(super) fn set_found(&mut self, found: bool) {
        let variable = self.scopes.first_mut().and_then(|scope| scope.variables.first_mut());
        if let Some(variable) = variable {
            variable.value = Value::One(PgType::Bool, ScalarValue::Boolean(Some(found)));
        }
    }

    /// A value in another type: as a cast makes it, or by way of its text.
    pub(super) async fn converted(
        &mut self,
        (from, value): (PgType, ScalarValue),
        to: &PgType,
    ) -> Result<ScalarValue> {
        if value.is_null() {
            return Ok(null(to));
        }
        if from == *to {
            return Ok(value);
        }
        if cast_context(&from, to).is_some() && !from.is_object() {
            let sql = format!("SELECT CAST($1 AS {})", self.type_text(to));
            let (_, value) = self.one_value(&sql, vec![(from, value)]).await?;
            return Ok(value);
        }
        let context = self.text_context();
        match to_text(&from, &value, &context)? {
            Some(text) => parse_text(to, &text, &context),
            None => Ok(null(to)),
        }
    }

    /// A type as SQL names it.
    pub(super) fn type_text(&self, ty: &PgType) -> String {
        match ty {
            PgType::Enum(of) => {
                let facts = of.facts();
                format!("{}.{}", quote_identifier(&facts.schema), quote_identifier(&facts.name))
            }
            other => other.to_sql(),
        }
    }
}

fn no_field(record: &str, field: &str) -> SqlError {
    let message = format!("record \"{record}\" has no field \"{field}\"");
    SqlError::new(SqlState::UNDEFINED_COLUMN, message)
}

fn not_null(name: &str) -> SqlError {
    let message = format!("null value cannot be assigned to variable \"{name}\" declared NOT NULL");
    SqlError::new(SqlState::NULL_VALUE_NOT_ALLOWED, message)
}

/// 42601.
pub(super) fn unknown(path: &[String]) -> SqlError {
    let message = format!("\"{}\" is not a known variable", path.join("."));
    SqlError::new(SqlState::SYNTAX_ERROR, message)
}
