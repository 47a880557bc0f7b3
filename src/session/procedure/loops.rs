//! LOOP, WHILE, FOR and FOREACH.

use datafusion::scalar::ScalarValue;

use super::sql::Rows;
use super::variables::{Scope, Variable};
use super::{Flow, Procedure};
use crate::base::{Result, SqlError, SqlState};
use crate::plan::statement::plpgsql::{Loop, Over, Target};
use crate::types::PgType;

impl Procedure<'_> {
    /// A loop.
    pub(super) async fn run_loop(&mut self, over: &Loop) -> Result<Flow> {
        let depth = self.scopes.len();
        let flow = match &over.over {
            Over::Nothing => self.endless(over, None).await,
            Over::While(condition) => self.endless(over, Some(condition)).await,
            Over::Numbers { variable, reverse, from, to, by } => {
                let bounds = (from.as_str(), to.as_str(), by.as_deref());
                self.numbers(over, variable, *reverse, bounds).await
            }
            Over::Rows { targets, query, dynamic: None } => {
                let rows = self.query(query).await?;
                self.over_rows(over, targets, rows).await
            }
            Over::Rows { targets, query, dynamic: Some(using) } => {
                let rows = self.dynamic_rows(query, using).await?;
                self.over_rows(over, targets, rows).await
            }
            Over::Elements { target, array } => {
                let rows = self.query(&format!("SELECT unnest({array})")).await?;
                self.over_rows(over, std::slice::from_ref(target), rows).await
            }
        }?;
        self.scopes.truncate(depth);
        Ok(flow)
    }

    /// One round: where it leads that is not to the next one.
    async fn round(&mut self, over: &Loop) -> Result<Option<Flow>> {
        // What stops the statement is heard between rounds.
        tokio::task::yield_now().await;
        Ok(match self.steps(&over.body).await? {
            Flow::Next => None,
            Flow::Leave { label, goes_on } if label.is_none() || label == over.label => {
                (!goes_on).then_some(Flow::Next)
            }
            flow => Some(flow),
        })
    }

    async fn endless(&mut self, over: &Loop, condition: Option<&String>) -> Result<Flow> {
        loop {
            if let Some(condition) = condition
                && !self.holds(condition).await?
            {
                return Ok(Flow::Next);
            }
            if let Some(flow) = self.round(over).await? {
                return Ok(flow);
            }
        }
    }

    /// A bound of a loop over numbers.
    async fn bound(&mut self, expression: &str, what: &str) -> Result<i32> {
        match self.computed(expression, &PgType::Int4).await? {
            ScalarValue::Int32(Some(number)) => Ok(number),
            _ => {
                let message = format!("{what} of FOR loop cannot be null");
                Err(SqlError::new(SqlState::NULL_VALUE_NOT_ALLOWED, message))
            }
        }
    }

    async fn numbers(
        &mut self,
        over: &Loop,
        variable: &str,
        reverse: bool,
        (from, to, by): (&str, &str, Option<&str>),
    ) -> Result<Flow> {
        let from = self.bound(from, "lower bound").await?;
        let to = self.bound(to, "upper bound").await?;
        let by = match by {
            Some(by) => self.bound(by, "BY value").await?,
            None => 1,
        };
        if by <= 0 {
            let message = "BY value of FOR loop must be greater than zero";
            return Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        let depth = self.scopes.len();
        let (mut next, mut found) = (Some(from), false);
        while let Some(number) = next {
            if if reverse { number < to } else { number > to } {
                break;
            }
            found = true;
            self.scopes.truncate(depth);
            let value = ScalarValue::Int32(Some(number));
            let variable = Variable::of(variable, PgType::Int4, value);
            self.scopes.push(Scope::of(over.label.clone(), vec![variable]));
            if let Some(flow) = self.round(over).await? {
                self.set_found(true);
                return Ok(flow);
            }
            next = if reverse { number.checked_sub(by) } else { number.checked_add(by) };
        }
        self.set_found(found);
        Ok(Flow::Next)
    }

    async fn over_rows(&mut self, over: &Loop, targets: &[Target], mut rows: Rows) -> Result<Flow> {
        let mut found = false;
        while let Some(row) = rows.next().await? {
            found = true;
            self.assign_row(targets, Some(row), &rows.columns).await?;
            if let Some(flow) = self.round(over).await? {
                self.set_found(true);
                return Ok(flow);
            }
        }
        if !found {
            self.assign_row(targets, None, &rows.columns).await?;
        }
        self.set_found(found);
        Ok(Flow::Next)
    }
}
