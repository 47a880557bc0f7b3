//! `MERGE`.

use sqlparser::ast;

use super::cursor::Cursor;
use super::dispatch::Tagged;
use crate::base::Result;
use crate::plan::statement::{Merge, MergeAction, MergeBranch, MergeWhen, Statement};

impl Cursor<'_> {
    /// `MERGE ..`, its WITH having been read.
    pub(super) fn merge(&mut self, with: Option<Box<ast::With>>) -> Result<Tagged> {
        self.expect("merge into")?;
        let target = self.target()?;
        self.expect("using")?;
        let source = Box::new(self.table_with_joins()?);
        self.expect("on")?;
        let condition = self.expression()?;
        let mut branches = Vec::new();
        while self.accept("when") {
            branches.push(self.merge_branch()?);
        }
        if branches.is_empty() {
            return Err(self.unexpected());
        }
        let returning = self.returning()?;
        let merge = Merge { with, target, source, condition, branches, returning };
        Ok((Statement::Merge(Box::new(merge)), "MERGE"))
    }

    /// What follows `WHEN`.
    fn merge_branch(&mut self) -> Result<MergeBranch> {
        let when = if self.accept("matched") {
            MergeWhen::Matched
        } else {
            self.expect("not matched")?;
            if self.accept_all("by source") {
                MergeWhen::NotMatchedBySource
            } else {
                if self.accept("by") {
                    self.expect("target")?;
                }
                MergeWhen::NotMatchedByTarget
            }
        };
        let condition = if self.accept("and") { Some(self.expression()?) } else { None };
        self.expect("then")?;
        Ok(MergeBranch { when, condition, action: self.merge_action(when)? })
    }

    fn merge_action(&mut self, when: MergeWhen) -> Result<MergeAction> {
        if self.accept_all("do nothing") {
            return Ok(MergeAction::Nothing);
        }
        if when == MergeWhen::NotMatchedByTarget {
            self.expect("insert")?;
            let columns = self.optional_columns()?;
            let overriding = self.overriding()?;
            let values = if self.accept_all("default values") {
                None
            } else {
                self.expect("values")?;
                Some(self.row()?)
            };
            return Ok(MergeAction::Insert { columns, overriding, values });
        }
        if self.accept("delete") {
            return Ok(MergeAction::Delete);
        }
        self.expect("update set")?;
        Ok(MergeAction::Update(self.comma_separated(Self::assignment)?))
    }
}
