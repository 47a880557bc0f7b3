//! `CREATE TABLE`, `CREATE TABLE AS`, `SELECT INTO`.

use sqlparser::ast;

use super::cursor::Cursor;
use super::dispatch::Tagged;
use super::token::{Kind, Symbol};
use crate::base::{Result, SqlError, SqlState};
use crate::plan::Name;
use crate::plan::statement::{
    CreateTable, CreateTableAs, LikeTable, OnCommit, Persistence, Query, Refresh, Statement,
    StorageOption, TableElement,
};

/// What stands between a table's elements and the end, or `AS`.
struct TableOptions {
    options: Vec<StorageOption>,
    on_commit: OnCommit,
}

impl Cursor<'_> {
    /// What follows `CREATE [TEMPORARY]`.
    pub(super) fn create_table(&mut self, persistence: Persistence) -> Result<Tagged> {
        self.expect("table")?;
        let if_not_exists = self.if_not_exists();
        let name = self.qualified_name()?;
        if self.is_create_as() {
            let columns = self.optional_columns()?.unwrap_or_default();
            let TableOptions { options, on_commit } = self.table_options()?;
            self.expect("as")?;
            if self.is("execute") {
                return Err(self.unsupported_statement());
            }
            let query = self.query_before_with_data()?;
            let with_data = self.with_data()?;
            let create = CreateTableAs {
                name,
                if_not_exists,
                persistence,
                columns,
                options,
                on_commit,
                query,
                with_data,
                materialized: false,
            };
            // With rows its tag counts them: `SELECT 3`.
            let tag = if with_data { "SELECT" } else { "CREATE TABLE AS" };
            return Ok((Statement::CreateTableAs(Box::new(create)), tag));
        }
        if self.is("of") || self.is("partition") {
            return Err(self.unsupported_statement());
        }
        self.expect_symbol(Symbol::LeftParen)?;
        let elements = if self.is_symbol(Symbol::RightParen) {
            Vec::new()
        } else {
            self.comma_separated(|cursor| cursor.table_element(&name))?
        };
        self.expect_symbol(Symbol::RightParen)?;
        if self.is("inherits") || self.is("partition") {
            return Err(self.unsupported_statement());
        }
        let TableOptions { options, on_commit } = self.table_options()?;
        let create = CreateTable { name, if_not_exists, persistence, elements, options, on_commit };
        Ok((Statement::CreateTable(Box::new(create)), "CREATE TABLE"))
    }

    /// What follows `CREATE`.
    pub(super) fn create_materialized_view(&mut self) -> Result<Tagged> {
        self.expect("materialized view")?;
        let if_not_exists = self.if_not_exists();
        let name = self.qualified_name()?;
        let columns = self.optional_columns()?.unwrap_or_default();
        let TableOptions { options, on_commit } = self.table_options()?;
        self.expect("as")?;
        let query = self.query_before_with_data()?;
        let with_data = self.with_data()?;
        let create = CreateTableAs {
            name,
            if_not_exists,
            persistence: Persistence::Permanent,
            columns,
            options,
            on_commit,
            query,
            with_data,
            materialized: true,
        };
        let tag = if with_data { "SELECT" } else { "CREATE MATERIALIZED VIEW" };
        Ok((Statement::CreateTableAs(Box::new(create)), tag))
    }

    /// `REFRESH MATERIALIZED VIEW ..`.
    pub(super) fn refresh(&mut self) -> Result<Tagged> {
        self.expect("refresh materialized view")?;
        let concurrently = self.accept("concurrently");
        let name = self.qualified_name()?;
        let with_data = self.with_data()?;
        let refresh = Refresh { name, concurrently, with_data };
        Ok((Statement::Refresh(refresh), "REFRESH MATERIALIZED VIEW"))
    }

    /// Whether names of columns or options and then `AS` come next, rather than definitions.
    fn is_create_as(&self) -> bool {
        let mut ahead = *self;
        let columns = !ahead.is_symbol(Symbol::LeftParen)
            || ahead.optional_columns().is_ok_and(|columns| columns.is_some());
        columns && ahead.table_options().is_ok() && ahead.is("as")
    }

    /// The query of CREATE TABLE AS. `WITH [NO] DATA` after it would be read as its part.
    fn query_before_with_data(&mut self) -> Result<Query> {
        // A query can't end in WITH, so sqlparser stops there by itself.
        self.query()
    }

    fn with_data(&mut self) -> Result<bool> {
        if self.accept_all("with no") {
            self.expect("data")?;
            return Ok(false);
        }
        if self.accept("with") {
            self.expect("data")?;
        }
        Ok(true)
    }

    fn table_options(&mut self) -> Result<TableOptions> {
        let mut found = TableOptions { options: Vec::new(), on_commit: OnCommit::PreserveRows };
        if self.accept("using") {
            self.identifier()?;
        }
        if self.accept_all("without oids") {
        } else if self.is("with") && self.peek_ahead(1).kind == Kind::Symbol(Symbol::LeftParen) {
            self.advance();
            found.options = self.storage_options()?;
        }
        if self.accept_all("on commit") {
            found.on_commit = if self.accept("drop") {
                OnCommit::Drop
            } else if self.accept_all("delete rows") {
                OnCommit::DeleteRows
            } else {
                self.expect("preserve rows")?;
                OnCommit::PreserveRows
            };
        }
        if self.accept("tablespace") {
            self.identifier()?;
        }
        Ok(found)
    }

    /// `(name = value, ...)`.
    pub(super) fn storage_options(&mut self) -> Result<Vec<StorageOption>> {
        self.parenthesized(|cursor| {
            let name = cursor.option_name()?;
            let value =
                if cursor.accept_operator("=") { Some(cursor.option_value()?) } else { None };
            Ok(StorageOption { name, value })
        })
    }

    /// `name` or `namespace.name`.
    pub(super) fn option_name(&mut self) -> Result<String> {
        let mut name = self.label()?;
        if self.accept_symbol(Symbol::Dot) {
            name = format!("{name}.{}", self.label()?);
        }
        Ok(name)
    }

    /// A word, string or number.
    pub(super) fn option_value(&mut self) -> Result<String> {
        if self.is_string() {
            return self.string();
        }
        match self.peek().kind {
            Kind::Number | Kind::Operator => self.signed_number(),
            _ => self.label(),
        }
    }

    fn table_element(&mut self, table: &Name) -> Result<TableElement> {
        if self.accept("like") {
            return Ok(TableElement::Like(self.like_table()?));
        }
        if let Some(constraint) = self.table_constraint()? {
            return Ok(TableElement::Constraint(constraint));
        }
        Ok(TableElement::Column(Box::new(self.column_definition(table)?)))
    }

    /// What follows `LIKE`.
    fn like_table(&mut self) -> Result<LikeTable> {
        let mut like = LikeTable {
            table: self.qualified_name()?,
            comments: false,
            constraints: false,
            defaults: false,
            generated: false,
            identity: false,
            indexes: false,
        };
        while let Some(which) = self.accept_any(&["including", "excluding"]) {
            let on = which == "including";
            let part = self.accept_any(&[
                "comments",
                "compression",
                "constraints",
                "defaults",
                "generated",
                "identity",
                "indexes",
                "statistics",
                "storage",
                "all",
            ]);
            let Some(part) = part else { return Err(self.unexpected()) };
            let all = part == "all";
            for (name, flag) in [
                ("comments", &mut like.comments),
                ("constraints", &mut like.constraints),
                ("defaults", &mut like.defaults),
                ("generated", &mut like.generated),
                ("identity", &mut like.identity),
                ("indexes", &mut like.indexes),
            ] {
                if all || name == part {
                    *flag = on;
                }
            }
        }
        Ok(like)
    }
}

/// `SELECT .. INTO table`: the statement that it is, or the query as it came.
pub(super) fn select_into(mut query: Query) -> Result<Result<CreateTableAs, Query>, SqlError> {
    let ast::SetExpr::Select(select) = &mut *query.ast.body else { return Ok(Err(query)) };
    let Some(into) = select.into.take() else { return Ok(Err(query)) };
    let parts: Vec<&ast::Ident> = into.name.0.iter().filter_map(|part| part.as_ident()).collect();
    let name = match parts.as_slice() {
        [name] => Name::bare(&name.value),
        [schema, name] => Name::qualified(&schema.value, &name.value),
        _ => {
            let message = format!("improper qualified name (too many dotted names): {}", into.name);
            return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
        }
    };
    let persistence = match (into.temporary, into.unlogged) {
        (true, _) => Persistence::Temporary,
        (_, true) => Persistence::Unlogged,
        _ => Persistence::Permanent,
    };
    query.text = query.ast.to_string();
    Ok(Ok(CreateTableAs {
        name,
        if_not_exists: false,
        persistence,
        columns: Vec::new(),
        options: Vec::new(),
        on_commit: OnCommit::PreserveRows,
        query,
        with_data: true,
        materialized: false,
    }))
}
