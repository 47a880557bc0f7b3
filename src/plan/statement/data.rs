//! Statements that read and write rows.

use std::fmt;

use sqlparser::ast;

use crate::base::{Result, SqlError};
use crate::copy::CopyOptions;
use crate::plan::Name;
use crate::types::PgType;

/// A query: what DataFusion plans.
#[derive(Clone, PartialEq)]
pub struct Query {
    /// The tree. Identifiers are folded and cut already; identifiers with letters beyond ASCII
    /// are marked as quoted, since only PostgreSQL leaves those alone. A span's `line` is the
    /// token's number and its `column` the character within the whole query string, both from
    /// one: the `column` of what an error is about is the error's position.
    pub ast: Box<ast::Query>,
    /// The query's source text.
    pub text: String,
    /// `FOR UPDATE` and the like (removed from the tree).
    pub locking: Vec<LockClause>,
}

/// `FOR UPDATE | SHARE [OF table]`. `NO KEY` and `KEY` lock more here than they say, `NOWAIT` and
/// `SKIP LOCKED` find nothing that is locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockClause {
    /// How.
    pub strength: LockStrength,
    /// Of which table, by the name that the query has for it; none: of all.
    pub of: Option<String>,
}

/// How rows are locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockStrength {
    /// `FOR [NO KEY] UPDATE`.
    Update,
    /// `FOR [KEY] SHARE`.
    Share,
}

impl fmt::Display for LockStrength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Update => "FOR UPDATE",
            Self::Share => "FOR SHARE",
        })
    }
}

/// An expression: its tree for planning, its text for the catalog (`DEFAULT`, `CHECK`).
#[derive(Clone, PartialEq)]
pub struct Expression {
    /// The tree, under the same rules as [`Query::ast`].
    pub ast: Box<ast::Expr>,
    /// The source text.
    pub text: String,
}

impl Query {
    /// 0A000 where rows are read for something that no transaction changes them by.
    ///
    /// # Errors
    /// 0A000.
    pub fn refuse_locking(&self) -> Result<()> {
        match self.locking.first() {
            None => Ok(()),
            Some(LockClause { strength, .. }) => {
                Err(SqlError::unsupported(format!("{strength} is not supported here")))
            }
        }
    }
}

/// Shows the text: a tree fills pages.
impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Query({})", self.text)?;
        for clause in &self.locking {
            write!(f, " {clause:?}")?;
        }
        Ok(())
    }
}

/// Shows the text: a tree fills pages.
impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expression({})", self.text)
    }
}

/// The items after `RETURNING`; empty where there is no such clause.
pub type Returning = Vec<ast::SelectItem>;

/// `INSERT INTO table [AS alias] (columns) source [ON CONFLICT ..] [RETURNING ..]`.
#[derive(Clone, PartialEq)]
pub struct Insert {
    /// `WITH`.
    pub with: Option<Box<ast::With>>,
    /// The table.
    pub table: Name,
    /// Its alias.
    pub alias: Option<String>,
    /// The columns written; none: all, in the table's order.
    pub columns: Option<Vec<String>>,
    /// `OVERRIDING SYSTEM | USER VALUE`.
    pub overriding: Option<Overriding>,
    /// The rows.
    pub source: InsertSource,
    /// Where each cell of `VALUES` stands, row by row: characters of the query string from one,
    /// the end excluded.
    pub places: Vec<(u64, u64)>,
    /// `ON CONFLICT`.
    pub on_conflict: Option<OnConflict>,
    /// `RETURNING`.
    pub returning: Returning,
}

/// Shows no places: the text tells them.
impl fmt::Debug for Insert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Insert")
            .field("with", &self.with)
            .field("table", &self.table)
            .field("alias", &self.alias)
            .field("columns", &self.columns)
            .field("overriding", &self.overriding)
            .field("source", &self.source)
            .field("on_conflict", &self.on_conflict)
            .field("returning", &self.returning)
            .finish()
    }
}

/// What happens with values written for identity columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overriding {
    /// They are used.
    System,
    /// They are replaced by generated ones.
    User,
}

/// Where an INSERT's rows come from.
#[derive(Clone, Debug, PartialEq)]
pub enum InsertSource {
    /// `DEFAULT VALUES`.
    DefaultValues,
    /// `VALUES (..), (..)`: all rows have the same number of cells.
    Values(Vec<Vec<Cell>>),
    /// A query.
    Query(Query),
}

/// One value of a row, told apart so that a row of literals needs no planner.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// `DEFAULT`.
    Default,
    /// `NULL`.
    Null,
    /// A constant without a cast: it takes the column's type by the rules for its kind.
    Literal {
        /// The value: a string without its quotes and escapes, a number with its sign, `true`
        /// or `false`.
        text: String,
        /// How it was written.
        kind: LiteralKind,
    },
    /// `$n`, from one.
    Parameter(u16),
    /// A constant with a type: `'..'::type`, `CAST('..' AS type)`, `type '..'`.
    Cast {
        /// The constant's text; none: NULL.
        text: Option<String>,
        /// How the constant was written.
        kind: LiteralKind,
        /// The type it is cast to.
        ty: PgType,
    },
    /// Anything else.
    Expression(Expression),
}

/// How a constant was written: what decides its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LiteralKind {
    /// `1`, `-1.5`, `1e3`: int4, int8 or numeric by its value; digits, a sign, a point and an
    /// exponent only (hexadecimal and `_` are resolved).
    Number,
    /// `'..'`: of unknown type.
    String,
    /// `TRUE`, `FALSE`.
    Boolean,
    /// `NULL`.
    Null,
}

/// `ON CONFLICT [target] DO ...`.
#[derive(Clone, Debug, PartialEq)]
pub struct OnConflict {
    /// The arbiter; none only with `DO NOTHING`.
    pub target: Option<ConflictTarget>,
    /// What to do.
    pub action: ConflictAction,
}

/// Which key decides about a conflict.
#[derive(Clone, Debug, PartialEq)]
pub enum ConflictTarget {
    /// `(a, b) [WHERE ..]`.
    Columns {
        /// The key's columns.
        columns: Vec<String>,
        /// The predicate of a partial index.
        filter: Option<Expression>,
    },
    /// `ON CONSTRAINT name`.
    Constraint(String),
}

/// What to do about a conflict.
#[derive(Clone, Debug, PartialEq)]
pub enum ConflictAction {
    /// `DO NOTHING`.
    Nothing,
    /// `DO UPDATE SET .. [WHERE ..]`.
    Update {
        /// `SET`.
        assignments: Vec<Assignment>,
        /// `WHERE`.
        filter: Option<Expression>,
    },
}

/// Shows a query as SQL: its tree fills pages.
impl fmt::Debug for AssignmentSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Values(values) => f.debug_tuple("Values").field(values).finish(),
            Self::Query(query) => write!(f, "Query({query})"),
        }
    }
}

/// `column = value`, or `(a, b) = (1, 2)`, or `(a, b) = (SELECT ..)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// One column, or several for the forms with parentheses.
    pub columns: Vec<String>,
    /// Their values.
    pub source: AssignmentSource,
    /// Where each value stands: characters of the query string from one, the end excluded.
    pub places: Vec<(u64, u64)>,
}

/// The right side of an assignment.
#[derive(Clone, PartialEq)]
pub enum AssignmentSource {
    /// One value for each column.
    Values(Vec<Cell>),
    /// A subquery that gives all of them.
    Query(Box<ast::Query>),
}

/// The table that UPDATE, DELETE or MERGE changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The table.
    pub table: Name,
    /// Its alias.
    pub alias: Option<String>,
}

/// `UPDATE`.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// `WITH`.
    pub with: Option<Box<ast::With>>,
    /// The table.
    pub target: Target,
    /// `SET`.
    pub assignments: Vec<Assignment>,
    /// `FROM`.
    pub from: Vec<ast::TableWithJoins>,
    /// `WHERE`.
    pub filter: Option<Expression>,
    /// `RETURNING`.
    pub returning: Returning,
}

/// `DELETE`.
#[derive(Clone, Debug, PartialEq)]
pub struct Delete {
    /// `WITH`.
    pub with: Option<Box<ast::With>>,
    /// The table.
    pub target: Target,
    /// `USING`.
    pub using: Vec<ast::TableWithJoins>,
    /// `WHERE`.
    pub filter: Option<Expression>,
    /// `RETURNING`.
    pub returning: Returning,
}

/// `MERGE INTO target USING source ON condition WHEN ...`.
#[derive(Clone, Debug, PartialEq)]
pub struct Merge {
    /// `WITH`.
    pub with: Option<Box<ast::With>>,
    /// The table that changes.
    pub target: Target,
    /// `USING`.
    pub source: RowSource,
    /// `ON`.
    pub condition: Expression,
    /// `WHEN`, in order: the first that fits acts.
    pub branches: Vec<MergeBranch>,
    /// `RETURNING`.
    pub returning: Returning,
}

/// A table or subquery with its alias and joins.
pub type RowSource = Box<ast::TableWithJoins>;

/// One `WHEN` of a MERGE.
#[derive(Clone, Debug, PartialEq)]
pub struct MergeBranch {
    /// For which rows.
    pub when: MergeWhen,
    /// `AND ..`.
    pub condition: Option<Expression>,
    /// `THEN`.
    pub action: MergeAction,
}

/// Which rows of a MERGE a branch is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeWhen {
    /// `MATCHED`.
    Matched,
    /// `NOT MATCHED [BY TARGET]`.
    NotMatchedByTarget,
    /// `NOT MATCHED BY SOURCE`.
    NotMatchedBySource,
}

/// What a branch of a MERGE does.
#[derive(Clone, Debug, PartialEq)]
pub enum MergeAction {
    /// `DO NOTHING`.
    Nothing,
    /// `DELETE`.
    Delete,
    /// `UPDATE SET`.
    Update(Vec<Assignment>),
    /// `INSERT`.
    Insert {
        /// The columns written; none: all.
        columns: Option<Vec<String>>,
        /// `OVERRIDING`.
        overriding: Option<Overriding>,
        /// The row; none: `DEFAULT VALUES`.
        values: Option<Vec<Cell>>,
    },
}

/// A statement whose WITH changes rows: all parts read the same snapshot.
#[derive(Clone, Debug, PartialEq)]
pub struct WithChanges {
    /// The changes in WITH, in order.
    pub changes: Vec<NamedChange>,
    /// The statement, which reads what they return by their names.
    pub main: super::Statement,
}

/// `name AS (INSERT .. RETURNING ..)`.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedChange {
    /// Its name.
    pub name: String,
    /// Names for its columns, from the left.
    pub columns: Vec<String>,
    /// `INSERT`, `UPDATE`, `DELETE` or `MERGE`.
    pub statement: super::Statement,
}

/// `TRUNCATE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truncate {
    /// The tables.
    pub tables: Vec<Name>,
    /// `RESTART IDENTITY`.
    pub restart_identity: bool,
    /// `CASCADE`.
    pub cascade: bool,
}

/// `COPY`.
#[derive(Clone, Debug, PartialEq)]
pub struct Copy {
    /// A table, or a query whose rows go out.
    pub source: CopySource,
    /// Into the table or out of it.
    pub direction: CopyDirection,
    /// The other end.
    pub endpoint: CopyEndpoint,
    /// Options, checked among each other.
    pub options: CopyOptions,
    /// `WHERE`, with FROM only.
    pub filter: Option<Expression>,
}

/// What COPY reads or fills.
#[derive(Clone, Debug, PartialEq)]
pub enum CopySource {
    /// A table.
    Table {
        /// Its name.
        name: Name,
        /// The columns; none: all.
        columns: Option<Vec<String>>,
    },
    /// A query or a statement with RETURNING.
    Query(Box<super::Statement>),
}

/// COPY's direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyDirection {
    /// Rows come in.
    From,
    /// Rows go out.
    To,
}

/// The other end of a COPY.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopyEndpoint {
    /// `STDIN`, `STDOUT`: the client.
    Client,
    /// A file on the server.
    File(String),
    /// A program on the server.
    Program(String),
}
