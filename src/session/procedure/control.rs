//! Statements that lead somewhere: blocks with their handlers, IF, CASE, EXIT; and which statement is
//! which.

use datafusion::scalar::ScalarValue;
use futures::future::BoxFuture;

use super::variables::{Scope, Variable};
use super::{Flow, Procedure};
use crate::base::{Result, SqlError, SqlState};
use crate::plan::statement::plpgsql::{Action, Block, Condition, Handler, Step};
use crate::types::PgType;

/// An error with the place in the block where it came up.
pub(super) fn in_line(error: SqlError, line: usize, at: &str) -> SqlError {
    if error.fields().context.is_some() {
        return error;
    }
    error.with_context(format!("PL/pgSQL function inline_code_block line {line} {at}"))
}

/// What messages call a statement.
fn name_of(action: &Action) -> &'static str {
    match action {
        Action::Block(_) => "statement block",
        Action::Assign { .. } => "assignment",
        Action::If { .. } => "IF",
        Action::Case { .. } => "CASE",
        Action::Loop(_) => "FOR",
        Action::Leave { goes_on: true, .. } => "CONTINUE",
        Action::Leave { .. } => "EXIT",
        Action::Return => "RETURN",
        Action::Raise(_) => "RAISE",
        Action::Assert { .. } => "ASSERT",
        Action::Perform(_) => "PERFORM",
        Action::Sql { .. } => "SQL statement",
        Action::Execute { .. } => "EXECUTE",
        Action::Diagnostics { .. } => "GET DIAGNOSTICS",
        Action::Nothing => "NULL",
    }
}

/// Whether a handler is for an error.
fn catches(handler: &Handler, error: &SqlError) -> bool {
    let code = error.code();
    // What stops a statement, and what may have happened or not, is nobody's to overlook.
    let final_ = matches!(
        code,
        SqlState::QUERY_CANCELED
            | SqlState::ADMIN_SHUTDOWN
            | SqlState::TRANSACTION_RESOLUTION_UNKNOWN
    );
    handler.conditions.iter().any(|condition| match condition {
        Condition::Others => !final_ && code != SqlState::ASSERT_FAILURE,
        Condition::State(state) => {
            let class = state.ends_with("000") && state[..2] == code.as_str()[..2];
            !final_ && (class || state == code.as_str())
        }
    })
}

impl Procedure<'_> {
    /// Runs statements, one after the other.
    pub(super) fn steps<'p>(&'p mut self, steps: &'p [Step]) -> BoxFuture<'p, Result<Flow>> {
        Box::pin(async move {
            for step in steps {
                let flow = self.step(&step.action).await.map_err(|error| {
                    in_line(error, step.line, &format!("at {}", name_of(&step.action)))
                })?;
                if flow != Flow::Next {
                    return Ok(flow);
                }
            }
            Ok(Flow::Next)
        })
    }

    async fn step(&mut self, action: &Action) -> Result<Flow> {
        match action {
            Action::Block(block) => return self.block(block).await,
            Action::Loop(over) => return self.run_loop(over).await,
            Action::If { branches, otherwise } => {
                for (condition, body) in branches {
                    if self.holds(condition).await? {
                        return self.steps(body).await;
                    }
                }
                return self.steps(otherwise).await;
            }
            Action::Case { operand, branches, otherwise } => {
                return self.case(operand.as_deref(), branches, otherwise.as_deref()).await;
            }
            Action::Leave { label, when, goes_on } => {
                if let Some(when) = when
                    && !self.holds(when).await?
                {
                    return Ok(Flow::Next);
                }
                return Ok(Flow::Leave { label: label.clone(), goes_on: *goes_on });
            }
            Action::Return => return Ok(Flow::Return),
            Action::Assign { target, value } => {
                let value = self.value(value).await?;
                self.assign(target, value).await?;
            }
            Action::Raise(raise) => self.raise(raise).await?,
            Action::Assert { condition, message } => {
                self.assert(condition, message.as_deref()).await?;
            }
            Action::Perform(query) => self.perform(query).await?,
            Action::Sql { text, into } => self.sql_step(text, into.as_ref()).await?,
            Action::Execute { text, using, into } => {
                self.execute(text, using, into.as_ref()).await?;
            }
            Action::Diagnostics { stacked, items } => self.diagnostics(*stacked, items).await?,
            Action::Nothing => {}
        }
        Ok(Flow::Next)
    }

    /// CASE.
    async fn case(
        &mut self,
        operand: Option<&str>,
        branches: &[(Vec<String>, Vec<Step>)],
        otherwise: Option<&[Step]>,
    ) -> Result<Flow> {
        // Computed once, and named so that no variable hides it.
        const OPERAND: &str = "\u{0}case";
        let depth = self.scopes.len();
        if let Some(operand) = operand {
            let (ty, value) = self.value(operand).await?;
            let variable = Variable::of(OPERAND, ty, value);
            self.scopes.push(Scope::of(None, vec![variable]));
        }
        let mut chosen = None;
        'branches: for (values, body) in branches {
            for value in values {
                let holds = match operand {
                    Some(_) => self.holds(&format!("(\"{OPERAND}\") = ({value})")).await?,
                    None => self.holds(value).await?,
                };
                if holds {
                    chosen = Some(body.as_slice());
                    break 'branches;
                }
            }
        }
        self.scopes.truncate(depth);
        match chosen.or(otherwise) {
            Some(body) => self.steps(body).await,
            None => Err(SqlError::new(SqlState::CASE_NOT_FOUND, "case not found")
                .with_hint("CASE statement is missing ELSE part.")),
        }
    }

    /// A block.
    pub(super) async fn block(&mut self, block: &Block) -> Result<Flow> {
        let depth = self.scopes.len();
        self.declare(block).await?;
        let flow = match block.handlers.is_empty() {
            true => self.steps(&block.body).await,
            false => self.guarded(block).await,
        };
        let flow = flow?;
        self.scopes.truncate(depth);
        Ok(match flow {
            Flow::Leave { label: Some(label), goes_on: false }
                if block.label.as_ref() == Some(&label) =>
            {
                Flow::Next
            }
            flow => flow,
        })
    }

    /// The body of a block with handlers: a savepoint for rows.
    async fn guarded(&mut self, block: &Block) -> Result<Flow> {
        let depth = self.scopes.len();
        self.savepoints += 1;
        let name = format!("\u{0}block {}", self.savepoints);
        // What was done before belongs to what is before.
        self.session.take_over_effects()?;
        if let Some(transaction) = self.session.transaction() {
            transaction.writes.savepoint(name.clone());
        }
        let done = self.steps(&block.body).await;
        let error = match done.and_then(|flow| self.session.take_over_effects().map(|()| flow)) {
            Ok(flow) => {
                if let Some(transaction) = self.session.transaction() {
                    transaction.writes.release(&name)?;
                }
                return Ok(flow);
            }
            Err(error) => error,
        };
        let Some(handler) = block.handlers.iter().find(|handler| catches(handler, &error)) else {
            if let Some(transaction) = self.session.transaction() {
                transaction.writes.release(&name)?;
            }
            return Err(error);
        };
        self.scopes.truncate(depth);
        self.session.shared.forget();
        if let Some(transaction) = self.session.transaction() {
            transaction.writes.rollback_to(&name)?;
            transaction.writes.release(&name)?;
        }
        let text = |text: &str| ScalarValue::from(text.to_owned());
        let variables = vec![
            Variable::of("sqlstate", PgType::Text, text(error.code().as_str())),
            Variable::of("sqlerrm", PgType::Text, text(&error.to_string())),
        ];
        self.scopes.push(Scope::of(None, variables));
        self.handled.push(error);
        let flow = self.steps(&handler.body).await;
        self.handled.pop();
        self.scopes.truncate(depth);
        flow
    }
}
