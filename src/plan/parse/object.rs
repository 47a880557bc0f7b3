//! Views, indexes, schemas, extensions; `DROP` and `COMMENT ON`.

use super::cursor::Cursor;
use super::dispatch::Tagged;
use super::token::{Kind, Symbol};
use crate::base::{Result, SqlState};
use crate::plan::Name;
use crate::plan::statement::{
    Comment, CommentTarget, CreateExtension, CreateIndex, CreateSchema, CreateView, Drop,
    DropDatabase, DropRole, IndexColumn, ObjectKind, Statement,
};

impl Cursor<'_> {
    /// What follows `CREATE [OR REPLACE] [TEMPORARY]`.
    pub(super) fn create_view(&mut self, or_replace: bool, temporary: bool) -> Result<Tagged> {
        self.expect("view")?;
        let name = self.qualified_name()?;
        let columns = self.optional_columns()?.unwrap_or_default();
        let options = if self.accept("with") { self.storage_options()? } else { Vec::new() };
        self.expect("as")?;
        let query = self.query()?;
        if self.is("with") && !self.is_ahead(1, "data") {
            let message = "WITH CHECK OPTION is not supported";
            return Err(self.error_at(self.at, SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        let create = CreateView { name, or_replace, temporary, columns, options, query };
        Ok((Statement::CreateView(Box::new(create)), "CREATE VIEW"))
    }

    /// What follows `CREATE`.
    pub(super) fn create_index(&mut self) -> Result<Tagged> {
        let unique = self.accept("unique");
        self.expect("index")?;
        let concurrently = self.accept("concurrently");
        let if_not_exists = self.if_not_exists();
        let name = if self.is("on") { None } else { Some(self.identifier()?) };
        if if_not_exists && name.is_none() {
            return Err(self.unexpected());
        }
        self.expect("on")?;
        self.accept("only");
        let table = self.qualified_name()?;
        let method = if self.accept("using") { self.identifier()? } else { "btree".to_owned() };
        let columns = self.parenthesized(Self::index_column)?;
        let include =
            if self.accept("include") { self.parenthesized(Self::identifier)? } else { Vec::new() };
        let nulls_distinct = self.nulls_distinct()?;
        let options = if self.accept("with") { self.storage_options()? } else { Vec::new() };
        if self.accept("tablespace") {
            self.identifier()?;
        }
        let filter = if self.accept("where") { Some(self.expression()?) } else { None };
        let create = CreateIndex {
            name,
            if_not_exists,
            unique,
            concurrently,
            table,
            method,
            columns,
            include,
            nulls_distinct,
            options,
            filter,
        };
        Ok((Statement::CreateIndex(Box::new(create)), "CREATE INDEX"))
    }

    /// `column | (expression) | function(..)`, operator class and order.
    fn index_column(&mut self) -> Result<IndexColumn> {
        let start = *self;
        let after = self.peek_ahead(1).kind;
        let (expression, column) = if self.is_symbol(Symbol::LeftParen) {
            // No query but one in parentheses of its own.
            let inner = self.at + 1;
            if self.text(self.peek_ahead(1)).eq_ignore_ascii_case("select") {
                return Err(self.unexpected_at(inner));
            }
            (self.expression_in_parentheses()?, None)
        } else if matches!(after, Kind::Symbol(Symbol::LeftParen | Symbol::Dot)) {
            (self.function_call()?, None)
        } else {
            let name = self.identifier()?;
            let end = *self;
            *self = start;
            let expression = self.expression_until(end.at)?;
            (expression, Some(name))
        };
        if self.accept("collate") {
            self.qualified_collation()?;
        }
        let ends = self.is_symbol(Symbol::Comma)
            || self.is_symbol(Symbol::RightParen)
            || ["asc", "desc", "nulls"].iter().any(|word| self.is(word));
        let operator_class = if ends { None } else { Some(self.qualified_name()?) };
        if operator_class.is_some() && self.is_symbol(Symbol::LeftParen) {
            self.storage_options()?;
        }
        let descending = self.accept_any(&["asc", "desc"]) == Some("desc");
        let nulls_first = if self.accept("nulls") {
            match self.accept_any(&["first", "last"]) {
                Some(which) => Some(which == "first"),
                None => return Err(self.unexpected()),
            }
        } else {
            None
        };
        Ok(IndexColumn { expression, column, operator_class, descending, nulls_first })
    }

    /// What follows `CREATE`.
    pub(super) fn create_schema(&mut self) -> Result<Tagged> {
        self.expect("schema")?;
        let if_not_exists = self.if_not_exists();
        let name = if self.is("authorization") { None } else { Some(self.identifier()?) };
        let owner = if self.accept("authorization") { Some(self.role_name()?) } else { None };
        if name.is_none() && owner.is_none() {
            return Err(self.unexpected());
        }
        if ["create", "grant"].iter().any(|word| self.is(word)) {
            let message = "CREATE SCHEMA with schema elements is not supported";
            return Err(self
                .error_at(self.at, SqlState::FEATURE_NOT_SUPPORTED, message)
                .with_hint("Create the schema first, then what belongs into it."));
        }
        let create = CreateSchema { name, if_not_exists, owner };
        Ok((Statement::CreateSchema(create), "CREATE SCHEMA"))
    }

    /// What follows `CREATE`.
    pub(super) fn create_extension(&mut self) -> Result<Tagged> {
        self.expect("extension")?;
        let mut create = CreateExtension {
            if_not_exists: self.if_not_exists(),
            name: self.identifier()?,
            schema: None,
            version: None,
            cascade: false,
        };
        self.accept("with");
        loop {
            if self.accept("schema") {
                create.schema = Some(self.identifier()?);
            } else if self.accept("version") {
                create.version = Some(self.option_value()?);
            } else if self.accept("cascade") {
                create.cascade = true;
            } else {
                return Ok((Statement::CreateExtension(create), "CREATE EXTENSION"));
            }
        }
    }

    /// The kind of object that comes next, for DROP and COMMENT.
    fn object_kind(&mut self) -> Option<(ObjectKind, &'static str)> {
        let kinds = [
            ("table", ObjectKind::Table, "DROP TABLE"),
            ("view", ObjectKind::View, "DROP VIEW"),
            ("materialized view", ObjectKind::MaterializedView, "DROP MATERIALIZED VIEW"),
            ("sequence", ObjectKind::Sequence, "DROP SEQUENCE"),
            ("index", ObjectKind::Index, "DROP INDEX"),
            ("schema", ObjectKind::Schema, "DROP SCHEMA"),
            ("extension", ObjectKind::Extension, "DROP EXTENSION"),
            ("type", ObjectKind::Type, "DROP TYPE"),
            ("domain", ObjectKind::Domain, "DROP DOMAIN"),
        ];
        kinds
            .into_iter()
            .find(|(words, ..)| self.accept_all(words))
            .map(|(_, kind, tag)| (kind, tag))
    }

    fn object_name(&mut self, kind: ObjectKind) -> Result<Name> {
        if matches!(kind, ObjectKind::Schema | ObjectKind::Extension) {
            return self.identifier().map(Name::bare);
        }
        self.qualified_name()
    }

    /// `DROP ..`.
    pub(super) fn drop_statement(&mut self) -> Result<Tagged> {
        self.expect("drop")?;
        if self.accept("database") {
            return self.drop_database();
        }
        if self.is("policy") {
            return self.drop_policy();
        }
        if self.is("function") {
            return self.drop_function();
        }
        if self.is_all("owned by") {
            return self.drop_owned();
        }
        if self.is_all("user mapping") {
            return Err(self.unsupported_statement());
        }
        if self.accept_any(&["role", "user", "group"]).is_some() {
            let if_exists = self.if_exists();
            let names = self.comma_separated(Self::role_name)?;
            return Ok((Statement::DropRole(DropRole { names, if_exists }), "DROP ROLE"));
        }
        let Some((kind, tag)) = self.object_kind() else {
            const OTHERS: &[&str] = &[
                "access",
                "aggregate",
                "cast",
                "collation",
                "conversion",
                "event",
                "foreign",
                "language",
                "operator",
                "owned",
                "procedure",
                "publication",
                "routine",
                "rule",
                "server",
                "statistics",
                "subscription",
                "tablespace",
                "text",
                "transform",
                "trigger",
            ];
            if OTHERS.iter().any(|word| self.is(word)) {
                return Err(self.unsupported_statement());
            }
            return Err(self.unexpected());
        };
        if kind == ObjectKind::Index {
            self.accept("concurrently");
        }
        let if_exists = self.if_exists();
        let names = self.comma_separated(|cursor| cursor.object_name(kind))?;
        let cascade = self.cascade();
        Ok((Statement::Drop(Drop { kind, names, if_exists, cascade }), tag))
    }

    fn drop_database(&mut self) -> Result<Tagged> {
        let if_exists = self.if_exists();
        let name = self.identifier()?;
        let mut force = false;
        self.accept("with");
        if self.is_symbol(Symbol::LeftParen) {
            self.parenthesized(|cursor| cursor.expect("force"))?;
            force = true;
        }
        let drop = DropDatabase { name, if_exists, force };
        Ok((Statement::DropDatabase(drop), "DROP DATABASE"))
    }

    /// `COMMENT ON ..`.
    pub(super) fn comment(&mut self) -> Result<Tagged> {
        self.expect("comment on")?;
        let target = if self.accept("column") {
            let (table, column) = self.qualified_column()?;
            CommentTarget::Column(table, column)
        } else if self.accept("constraint") {
            let name = self.identifier()?;
            self.expect("on")?;
            CommentTarget::Constraint(name, self.qualified_name()?)
        } else if self.accept("database") {
            CommentTarget::Database(self.identifier()?)
        } else if self.accept("role") {
            CommentTarget::Role(self.role_name()?)
        } else if self.accept("function") {
            CommentTarget::Function(self.function_name()?)
        } else if let Some((kind, _)) = self.object_kind() {
            CommentTarget::Object(kind, self.object_name(kind)?)
        } else if ["policy", "publication", "rule", "server", "subscription", "trigger", "cast"]
            .iter()
            .any(|word| self.is(word))
        {
            return Err(self.unsupported_statement());
        } else {
            return Err(self.unexpected());
        };
        self.expect("is")?;
        let text = if self.accept("null") { None } else { Some(self.string()?) };
        Ok((Statement::Comment(Comment { target, text }), "COMMENT"))
    }
}
