//! Columns and constraints of tables.

use super::cursor::Cursor;
use super::token::Symbol;
use crate::base::{Result, SqlError, SqlState};
use crate::plan::Name;
use crate::plan::statement::{
    ColumnDefinition, Constraint, ConstraintKind, ForeignKey, Generated, Identity, MatchKind,
    ReferentialAction, SequenceOptions,
};

impl Cursor<'_> {
    /// `name type constraints`.
    pub(super) fn column_definition(&mut self, table: &Name) -> Result<ColumnDefinition> {
        let name = self.identifier()?;
        let (ty, serial) = self.column_type()?;
        let mut column = ColumnDefinition {
            name,
            ty,
            serial,
            not_null: false,
            default: None,
            identity: None,
            generated: None,
            constraints: Vec::new(),
        };
        let mut nullable = false;
        while self.column_constraint(&mut column, &mut nullable, table)? {}
        Ok(column)
    }

    /// One constraint or option of a column, if one comes next.
    fn column_constraint(
        &mut self,
        column: &mut ColumnDefinition,
        nullable: &mut bool,
        table: &Name,
    ) -> Result<bool> {
        let start = self.at;
        let constraint = if self.accept("constraint") { Some(self.identifier()?) } else { None };
        let columns = || vec![column.name.clone()];
        let kind = if self.accept_then("not", "null")? {
            if *nullable {
                return Err(self.conflicting_nulls(start, &column.name, table));
            }
            column.not_null = true;
            self.accept_all("no inherit");
            return Ok(true);
        } else if self.accept("null") {
            if column.not_null {
                return Err(self.conflicting_nulls(start, &column.name, table));
            }
            *nullable = true;
            return Ok(true);
        } else if self.accept("default") {
            if column.default.is_some() {
                return Err(self.twice(start, "default values", &column.name, table));
            }
            column.default = Some(self.default_expression()?);
            return Ok(true);
        } else if self.accept("generated") {
            self.generated(column, start, table)?;
            return Ok(true);
        } else if self.accept_then("primary", "key")? {
            ConstraintKind::PrimaryKey { columns: columns() }
        } else if self.accept("unique") {
            ConstraintKind::Unique { nulls_distinct: self.nulls_distinct()?, columns: columns() }
        } else if self.accept("check") {
            ConstraintKind::Check(self.expression_in_parentheses()?)
        } else if self.accept("references") {
            let columns = columns();
            ConstraintKind::ForeignKey(self.references(columns)?)
        } else if constraint.is_none() && self.column_option()? {
            return Ok(true);
        } else if constraint.is_some() {
            return Err(self.unexpected());
        } else {
            return Ok(false);
        };
        let constraint = self.constraint_attributes(constraint, kind)?;
        column.constraints.push(constraint);
        Ok(true)
    }

    fn twice(&self, at: usize, what: &str, column: &str, table: &Name) -> SqlError {
        let table = &table.name;
        let message =
            format!("multiple {what} specified for column \"{column}\" of table \"{table}\"");
        self.error_at(at, SqlState::SYNTAX_ERROR, message)
    }

    fn conflicting_nulls(&self, at: usize, column: &str, table: &Name) -> SqlError {
        let table = &table.name;
        let message = format!(
            "conflicting NULL/NOT NULL declarations for column \"{column}\" of table \"{table}\""
        );
        self.error_at(at, SqlState::SYNTAX_ERROR, message)
    }

    /// `COLLATE`, `STORAGE`, `COMPRESSION`: nothing to do, if one comes next.
    fn column_option(&mut self) -> Result<bool> {
        if self.accept("collate") {
            self.qualified_collation()?;
        } else if self.accept("storage") || self.accept("compression") {
            self.label()?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// A collation's name: all strings compare by their bytes, so others are refused.
    pub(super) fn qualified_collation(&mut self) -> Result<()> {
        let at = self.at;
        let mut name = self.label()?;
        while self.accept_symbol(Symbol::Dot) {
            name = self.label()?;
        }
        if ["default", "C", "POSIX", "ucs_basic"].contains(&name.as_str()) {
            return Ok(());
        }
        let message = format!("collation \"{name}\" for encoding \"UTF8\" does not exist");
        Err(self.error_at(at, SqlState::UNDEFINED_OBJECT, message))
    }

    /// What follows `GENERATED` at a column.
    fn generated(
        &mut self,
        column: &mut ColumnDefinition,
        start: usize,
        table: &Name,
    ) -> Result<()> {
        let generated = self.generated_when()?;
        self.expect("as")?;
        if self.is("identity") {
            if column.identity.is_some() {
                return Err(self.twice(start, "identity specifications", &column.name, table));
            }
            column.identity = Some(self.identity(generated)?);
            return Ok(());
        }
        if generated != Generated::Always {
            return Err(self.unexpected());
        }
        if column.generated.is_some() {
            return Err(self.twice(start, "generation clauses", &column.name, table));
        }
        column.generated = Some(self.expression_in_parentheses()?);
        if self.accept("virtual") || !self.accept("stored") {
            let message = "virtual generated columns are not supported";
            return Err(self
                .error_at(start, SqlState::FEATURE_NOT_SUPPORTED, message)
                .with_hint("Write STORED after the expression."));
        }
        Ok(())
    }

    /// `ALWAYS`, `BY DEFAULT`.
    pub(super) fn generated_when(&mut self) -> Result<Generated> {
        if self.accept("always") {
            return Ok(Generated::Always);
        }
        self.expect("by default")?;
        Ok(Generated::ByDefault)
    }

    /// `IDENTITY [(options)]`.
    pub(super) fn identity(&mut self, generated: Generated) -> Result<Identity> {
        self.expect("identity")?;
        let mut options = SequenceOptions::default();
        if self.accept_symbol(Symbol::LeftParen) {
            while self.sequence_option(&mut options)? {}
            self.expect_symbol(Symbol::RightParen)?;
        }
        Ok(Identity { generated, options })
    }

    /// A constraint of the table, if one comes next.
    pub(super) fn table_constraint(&mut self) -> Result<Option<Constraint>> {
        let start = *self;
        let name = if self.accept("constraint") { Some(self.identifier()?) } else { None };
        let kind = if self.accept_then("primary", "key")? {
            self.refuse_using_index()?;
            let columns = self.parenthesized(Self::identifier)?;
            self.index_parameters()?;
            ConstraintKind::PrimaryKey { columns }
        } else if self.accept("unique") {
            self.refuse_using_index()?;
            let nulls_distinct = self.nulls_distinct()?;
            let columns = self.parenthesized(Self::identifier)?;
            self.index_parameters()?;
            ConstraintKind::Unique { columns, nulls_distinct }
        } else if self.accept("check") {
            ConstraintKind::Check(self.expression_in_parentheses()?)
        } else if self.accept_then("foreign", "key")? {
            let columns = self.parenthesized(Self::identifier)?;
            self.expect("references")?;
            ConstraintKind::ForeignKey(self.references(columns)?)
        } else if self.is("exclude") && (name.is_some() || self.is_ahead(1, "using")) {
            return Err(self.error_at(
                self.at,
                SqlState::FEATURE_NOT_SUPPORTED,
                "exclusion constraints are not supported",
            ));
        } else if name.is_some() {
            return Err(self.unexpected());
        } else {
            *self = start;
            return Ok(None);
        };
        self.constraint_attributes(name, kind).map(Some)
    }

    fn refuse_using_index(&self) -> Result<()> {
        if self.is("using") {
            let message = "constraints USING INDEX are not supported";
            return Err(self.error_at(self.at, SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        Ok(())
    }

    /// `NULLS [NOT] DISTINCT`; distinct where nothing is written.
    pub(super) fn nulls_distinct(&mut self) -> Result<bool> {
        if self.accept_all("nulls not") {
            self.expect("distinct")?;
            return Ok(false);
        }
        self.accept_all("nulls distinct");
        Ok(true)
    }

    /// `INCLUDE (..)`, `WITH (..)`, `USING INDEX TABLESPACE`: nothing to do for a key.
    fn index_parameters(&mut self) -> Result<()> {
        if self.accept("include") {
            self.parenthesized(Self::identifier)?;
        }
        if self.accept("with") {
            self.storage_options()?;
        }
        if self.accept_all("using index tablespace") {
            self.identifier()?;
        }
        Ok(())
    }

    /// What follows `REFERENCES`.
    fn references(&mut self, columns: Vec<String>) -> Result<ForeignKey> {
        let mut key = ForeignKey {
            columns,
            table: self.qualified_name()?,
            referenced: self.optional_columns()?.unwrap_or_default(),
            matching: MatchKind::Simple,
            on_delete: ReferentialAction::NoAction,
            on_update: ReferentialAction::NoAction,
        };
        if self.accept("match") {
            key.matching = match self.accept_any(&["simple", "full"]) {
                Some("full") => MatchKind::Full,
                Some(_) => MatchKind::Simple,
                None if self.is("partial") => {
                    let message = "MATCH PARTIAL not yet implemented";
                    return Err(self.error_at(self.at, SqlState::FEATURE_NOT_SUPPORTED, message));
                }
                None => return Err(self.unexpected()),
            };
        }
        while self.accept("on") {
            match self.accept_any(&["delete", "update"]) {
                Some("delete") => key.on_delete = self.referential_action()?,
                Some(_) => key.on_update = self.referential_action()?,
                None => return Err(self.unexpected()),
            }
        }
        Ok(key)
    }

    fn referential_action(&mut self) -> Result<ReferentialAction> {
        if self.accept_all("no action") {
            return Ok(ReferentialAction::NoAction);
        }
        if self.accept_all("set null") {
            return Ok(ReferentialAction::SetNull(self.optional_columns()?.unwrap_or_default()));
        }
        if self.accept_all("set default") {
            return Ok(ReferentialAction::SetDefault(self.optional_columns()?.unwrap_or_default()));
        }
        match self.accept_any(&["restrict", "cascade"]) {
            Some("restrict") => Ok(ReferentialAction::Restrict),
            Some(_) => Ok(ReferentialAction::Cascade),
            None => Err(self.unexpected()),
        }
    }

    /// `DEFERRABLE`, `INITIALLY DEFERRED`, `NOT VALID`, ... after a constraint.
    fn constraint_attributes(
        &mut self,
        name: Option<String>,
        kind: ConstraintKind,
    ) -> Result<Constraint> {
        let mut constraint = Constraint {
            name,
            kind,
            deferrable: false,
            initially_deferred: false,
            not_valid: false,
            no_inherit: false,
        };
        loop {
            let start = self.at;
            if self.accept("deferrable") {
                constraint.deferrable = true;
            } else if self.accept_all("not deferrable") {
                if constraint.initially_deferred {
                    let message = "constraint declared INITIALLY DEFERRED must be DEFERRABLE";
                    return Err(self.error_at(start, SqlState::SYNTAX_ERROR, message));
                }
                constraint.deferrable = false;
            } else if self.accept_all("initially deferred") {
                constraint.initially_deferred = true;
                constraint.deferrable = true;
            } else if self.accept_all("not valid") {
                constraint.not_valid = true;
            } else if self.accept_all("no inherit") {
                constraint.no_inherit = true;
            } else if !self.accept_all("initially immediate") && !self.accept("enforced") {
                return Ok(constraint);
            }
        }
    }
}
