//! Transactions and savepoints.

use super::cursor::Cursor;
use super::dispatch::Tagged;
use super::token::Symbol;
use crate::base::Result;
use crate::plan::statement::{Isolation, Statement, TransactionModes};

impl Cursor<'_> {
    /// `BEGIN`, `START TRANSACTION`, `COMMIT`, `END`, `ROLLBACK`, `ABORT`, `SAVEPOINT`,
    /// `RELEASE`.
    pub(super) fn transaction(&mut self) -> Result<Tagged> {
        if self.accept("begin") {
            self.accept_any(&["work", "transaction"]);
            return Ok((Statement::Begin(self.transaction_modes()?), "BEGIN"));
        }
        if self.accept("start") {
            self.expect("transaction")?;
            return Ok((Statement::Begin(self.transaction_modes()?), "START TRANSACTION"));
        }
        if self.accept("savepoint") {
            return Ok((Statement::Savepoint(self.identifier()?), "SAVEPOINT"));
        }
        if self.accept("release") {
            self.accept("savepoint");
            return Ok((Statement::Release(self.identifier()?), "RELEASE"));
        }
        let word = self.accept_any(&["commit", "end", "rollback", "abort"]);
        let commit = matches!(word, Some("commit" | "end"));
        if matches!(word, Some("commit" | "rollback")) && self.is("prepared") {
            return Err(self.unsupported_statement());
        }
        self.accept_any(&["work", "transaction"]);
        if word == Some("rollback") && self.accept("to") {
            self.accept("savepoint");
            return Ok((Statement::RollbackTo(self.identifier()?), "ROLLBACK"));
        }
        let chain = self.chain()?;
        if commit {
            return Ok((Statement::Commit { chain }, "COMMIT"));
        }
        Ok((Statement::Rollback { chain }, "ROLLBACK"))
    }

    /// `AND [NO] CHAIN`.
    fn chain(&mut self) -> Result<bool> {
        if !self.accept("and") {
            return Ok(false);
        }
        let chain = !self.accept("no");
        self.expect("chain")?;
        Ok(chain)
    }

    /// What follows `SET` or `SET SESSION CHARACTERISTICS AS`.
    pub(super) fn set_transaction(&mut self, session: bool) -> Result<Tagged> {
        self.expect("transaction")?;
        if !session && self.accept("snapshot") {
            return Ok((Statement::SetTransactionSnapshot(self.string()?), "SET"));
        }
        let start = self.at;
        let modes = self.transaction_modes()?;
        if self.at == start {
            return Err(self.unexpected());
        }
        Ok((Statement::SetTransaction { session, modes }, "SET"))
    }

    /// Modes, with or without commas between; the last one of a kind holds.
    fn transaction_modes(&mut self) -> Result<TransactionModes> {
        let mut modes = TransactionModes::default();
        let mut comma = false;
        loop {
            if self.accept_all("isolation level") {
                modes.isolation = Some(self.isolation()?);
            } else if self.accept_all("read only") {
                modes.read_only = Some(true);
            } else if self.accept_all("read write") {
                modes.read_only = Some(false);
            } else if self.accept("deferrable") {
                modes.deferrable = Some(true);
            } else if self.accept_all("not deferrable") {
                modes.deferrable = Some(false);
            } else if comma {
                return Err(self.unexpected());
            } else {
                return Ok(modes);
            }
            comma = self.accept_symbol(Symbol::Comma);
        }
    }

    fn isolation(&mut self) -> Result<Isolation> {
        for (words, isolation) in Isolation::NAMES {
            if self.accept_all(words) {
                return Ok(isolation);
            }
        }
        if self.accept("read") {
            return Err(self.unexpected());
        }
        if self.accept("repeatable") {
            return Err(self.unexpected());
        }
        Err(self.unexpected())
    }

    /// `CONSTRAINTS ALL | names DEFERRED | IMMEDIATE`.
    pub(super) fn set_constraints(&mut self) -> Result<Tagged> {
        self.expect("constraints")?;
        let names = if self.accept("all") {
            Vec::new()
        } else {
            self.comma_separated(Self::qualified_name)?
        };
        let deferred = match self.accept_any(&["deferred", "immediate"]) {
            Some(word) => word == "deferred",
            None => return Err(self.unexpected()),
        };
        Ok((Statement::SetConstraints { names, deferred }, "SET CONSTRAINTS"))
    }
}
