//! RAISE, ASSERT and GET DIAGNOSTICS.

use datafusion::scalar::ScalarValue;

use super::Procedure;
use crate::base::{Result, Severity, SqlError, SqlState};
use crate::plan::condition_state;
use crate::plan::statement::plpgsql::{Raise, RaiseLevel, Raised, Target};
use crate::types::PgType;

impl Procedure<'_> {
    /// RAISE.
    pub(super) async fn raise(&mut self, raise: &Raise) -> Result<()> {
        let error = match &raise.what {
            Raised::Again => {
                return Err(self.handled.last().cloned().ok_or_else(|| {
                    let message =
                        "RAISE without parameters cannot be used outside an exception handler";
                    SqlError::new(
                        SqlState::STACKED_DIAGNOSTICS_ACCESSED_WITHOUT_ACTIVE_HANDLER,
                        message,
                    )
                })?);
            }
            what => self.raised(what, raise).await?,
        };
        let severity = match raise.level {
            RaiseLevel::Error => return Err(error),
            RaiseLevel::Warning => Severity::Warning,
            RaiseLevel::Notice => Severity::Notice,
            RaiseLevel::Info => Severity::Info,
            RaiseLevel::Quiet => return Ok(()),
        };
        self.session.notice(error.with_severity(severity));
        Ok(())
    }

    async fn raised(&mut self, what: &Raised, raise: &Raise) -> Result<SqlError> {
        let mut code = match raise.level {
            RaiseLevel::Error => SqlState::RAISE_EXCEPTION,
            RaiseLevel::Warning => SqlState::WARNING,
            RaiseLevel::Notice | RaiseLevel::Info | RaiseLevel::Quiet => {
                SqlState::SUCCESSFUL_COMPLETION
            }
        };
        let mut message = match what {
            Raised::Message(format) => Some(self.message(format, &raise.arguments).await?),
            Raised::Condition(state, name) => {
                code = SqlState::from_code(state).unwrap_or(code);
                Some(name.clone())
            }
            Raised::Again | Raised::Options => None,
        };
        let mut named = Vec::new();
        for (name, expression) in &raise.options {
            let Some(value) = self.text(expression).await? else {
                let message = "RAISE statement option cannot be null";
                return Err(SqlError::new(SqlState::NULL_VALUE_NOT_ALLOWED, message));
            };
            match name.as_str() {
                "errcode" => code = state_of(&value)?,
                "message" => message = Some(value),
                _ => named.push((name.as_str(), value)),
            }
        }
        let message = message.unwrap_or_else(|| code.as_str().to_owned());
        let mut error = SqlError::new(code, message);
        let (mut schema, mut table) = (String::new(), String::new());
        for (name, value) in named {
            error = match name {
                "detail" => error.with_detail(value),
                "hint" => error.with_hint(value),
                "column" => error.with_column(value),
                "constraint" => error.with_constraint(value),
                "schema" => {
                    schema = value;
                    error
                }
                "table" => {
                    table = value;
                    error
                }
                _ => error,
            };
        }
        if !table.is_empty() || !schema.is_empty() {
            error = error.with_table(schema, table);
        }
        Ok(error)
    }

    /// A message with its values.
    async fn message(&mut self, format: &str, arguments: &[String]) -> Result<String> {
        let mut message = String::with_capacity(format.len());
        let mut values = arguments.iter();
        let mut characters = format.chars().peekable();
        while let Some(character) = characters.next() {
            if character != '%' {
                message.push(character);
            } else if characters.next_if_eq(&'%').is_some() {
                message.push('%');
            } else if let Some(value) = values.next() {
                let text = self.text(value).await?;
                message.push_str(text.as_deref().unwrap_or("<NULL>"));
            }
        }
        Ok(message)
    }

    /// ASSERT.
    pub(super) async fn assert(&mut self, condition: &str, message: Option<&str>) -> Result<()> {
        if self.holds(condition).await? {
            return Ok(());
        }
        let text = match message {
            Some(message) => self.text(message).await?,
            None => None,
        };
        let text = text.unwrap_or_else(|| "assertion failed".to_owned());
        Err(SqlError::new(SqlState::ASSERT_FAILURE, text))
    }

    /// GET DIAGNOSTICS.
    pub(super) async fn diagnostics(
        &mut self,
        stacked: bool,
        items: &[(Target, String)],
    ) -> Result<()> {
        for (target, item) in items {
            let value = match stacked {
                true => self.about_error(item)?,
                false => self.about_statement(item)?,
            };
            self.assign(target, value).await?;
        }
        Ok(())
    }

    fn about_statement(&self, item: &str) -> Result<(PgType, ScalarValue)> {
        match item {
            "row_count" => Ok((PgType::Int8, ScalarValue::Int64(Some(self.row_count)))),
            "pg_context" => {
                let context = "PL/pgSQL function inline_code_block".to_owned();
                Ok((PgType::Text, ScalarValue::from(context)))
            }
            item => Err(unrecognized(item)),
        }
    }

    fn about_error(&self, item: &str) -> Result<(PgType, ScalarValue)> {
        let error = self.handled.last().ok_or_else(|| {
            let message = "GET STACKED DIAGNOSTICS cannot be used outside an exception handler";
            let code = SqlState::STACKED_DIAGNOSTICS_ACCESSED_WITHOUT_ACTIVE_HANDLER;
            SqlError::new(code, message)
        })?;
        let fields = error.fields();
        let text = match item {
            "returned_sqlstate" => Some(error.code().as_str().to_owned()),
            "message_text" => Some(fields.message.clone()),
            "pg_exception_detail" => fields.detail.clone(),
            "pg_exception_hint" => fields.hint.clone(),
            "pg_exception_context" => fields.context.clone(),
            "column_name" => fields.column.clone(),
            "constraint_name" => fields.constraint.clone(),
            "table_name" => fields.table.clone(),
            "schema_name" => fields.schema.clone(),
            "pg_datatype_name" => None,
            item => return Err(unrecognized(item)),
        };
        Ok((PgType::Text, ScalarValue::from(text.unwrap_or_default())))
    }
}

/// 42601.
fn unrecognized(item: &str) -> SqlError {
    let message = format!("unrecognized GET DIAGNOSTICS item at or near \"{item}\"");
    SqlError::new(SqlState::SYNTAX_ERROR, message)
}

/// The SQLSTATE that ERRCODE names, itself or by its condition.
fn state_of(text: &str) -> Result<SqlState> {
    let state = condition_state(text).unwrap_or(text);
    SqlState::from_code(state).ok_or_else(|| {
        let message = format!("unrecognized exception condition \"{text}\"");
        SqlError::new(SqlState::UNDEFINED_OBJECT, message)
    })
}
