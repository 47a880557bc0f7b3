//! A block of PL/pgSQL as plain owned data: what it says, with the SQL in it as text. Names are
//! folded; expressions are what follows SELECT.

use crate::plan::{Name, TypeName};

/// `[DECLARE ..] BEGIN .. [EXCEPTION ..] END`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    /// `<<label>>`.
    pub label: Option<String>,
    /// Its variables.
    pub declarations: Vec<Declaration>,
    /// What it does.
    pub body: Vec<Step>,
    /// What it does about errors; empty: nothing.
    pub handlers: Vec<Handler>,
}

/// A variable.
#[derive(Clone, Debug, PartialEq)]
pub struct Declaration {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: VariableType,
    /// `CONSTANT`.
    pub constant: bool,
    /// `NOT NULL`.
    pub not_null: bool,
    /// Its first value, as an expression.
    pub default: Option<String>,
    /// The line where it stands.
    pub line: usize,
}

/// The type of a variable.
#[derive(Clone, Debug, PartialEq)]
pub enum VariableType {
    /// A type.
    Of(TypeName),
    /// `name%TYPE`: that of another variable, or of a column.
    Like(Vec<String>),
    /// `table%ROWTYPE`.
    RowOf(Name),
    /// `RECORD`.
    Record,
}

/// What is done about errors of some kinds.
#[derive(Clone, Debug, PartialEq)]
pub struct Handler {
    /// Of which.
    pub conditions: Vec<Condition>,
    /// What is done.
    pub body: Vec<Step>,
}

/// A kind of errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// All but those that nothing may catch.
    Others,
    /// Those of an SQLSTATE; one that ends with three zeros stands for its class.
    State(String),
}

/// A statement with the line where it begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The line, from one.
    pub line: usize,
    /// What is done.
    pub action: Action,
}

/// A variable, or a field of one: `record.field`.
pub type Target = Vec<String>;

/// What a statement does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// A block within.
    Block(Block),
    /// `target := value`.
    Assign {
        /// The variable.
        target: Target,
        /// The value.
        value: String,
    },
    /// `IF`.
    If {
        /// Conditions, each with what is done.
        branches: Vec<(String, Vec<Step>)>,
        /// `ELSE`.
        otherwise: Vec<Step>,
    },
    /// `CASE`.
    Case {
        /// What the values are compared with; none: they are conditions.
        operand: Option<String>,
        /// Values, each with what is done.
        branches: Vec<(Vec<String>, Vec<Step>)>,
        /// `ELSE`; none: there must be no other case.
        otherwise: Option<Vec<Step>>,
    },
    /// `LOOP`, `WHILE` and `FOR`.
    Loop(Box<Loop>),
    /// `EXIT` and `CONTINUE`.
    Leave {
        /// Of which loop or block; none: of the innermost loop.
        label: Option<String>,
        /// `WHEN`.
        when: Option<String>,
        /// `CONTINUE`.
        goes_on: bool,
    },
    /// `RETURN`.
    Return,
    /// `RAISE`.
    Raise(Raise),
    /// `ASSERT condition [, message]`.
    Assert {
        /// What must hold.
        condition: String,
        /// What is said otherwise.
        message: Option<String>,
    },
    /// `PERFORM`: a query whose rows nobody wants.
    Perform(String),
    /// A statement of SQL.
    Sql {
        /// Its text, without INTO.
        text: String,
        /// Where its row goes.
        into: Option<Into>,
    },
    /// `EXECUTE`.
    Execute {
        /// The expression that gives the text.
        text: String,
        /// The values of its parameters.
        using: Vec<String>,
        /// Where its row goes.
        into: Option<Into>,
    },
    /// `GET DIAGNOSTICS`.
    Diagnostics {
        /// `STACKED`: about the error that is being handled.
        stacked: bool,
        /// Variables, each with what it gets.
        items: Vec<(Target, String)>,
    },
    /// `NULL`.
    Nothing,
}

/// A loop.
#[derive(Clone, Debug, PartialEq)]
pub struct Loop {
    /// `<<label>>`.
    pub label: Option<String>,
    /// How often.
    pub over: Over,
    /// What is done.
    pub body: Vec<Step>,
}

/// What a loop goes over.
#[derive(Clone, Debug, PartialEq)]
pub enum Over {
    /// `LOOP`.
    Nothing,
    /// `WHILE`.
    While(String),
    /// `FOR variable IN [REVERSE] from .. to [BY by]`.
    Numbers {
        /// A variable of the loop's own.
        variable: String,
        /// Downwards.
        reverse: bool,
        /// The first number.
        from: String,
        /// The last one.
        to: String,
        /// The step.
        by: Option<String>,
    },
    /// `FOR targets IN query`.
    Rows {
        /// Where each row goes.
        targets: Vec<Target>,
        /// The query, or with `EXECUTE` the expression that gives its text.
        query: String,
        /// `EXECUTE`, with the values of its parameters.
        dynamic: Option<Vec<String>>,
    },
    /// `FOREACH target IN ARRAY array`.
    Elements {
        /// Where each element goes.
        target: Target,
        /// The array.
        array: String,
    },
}

/// `INTO [STRICT] targets`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Into {
    /// There must be one row.
    pub strict: bool,
    /// Where it goes.
    pub targets: Vec<Target>,
}

/// `RAISE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raise {
    /// How bad it is.
    pub level: RaiseLevel,
    /// What is said.
    pub what: Raised,
    /// The values in the message.
    pub arguments: Vec<String>,
    /// `USING`: names in lower case, with expressions.
    pub options: Vec<(String, String)>,
}

/// How bad what is raised is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RaiseLevel {
    /// `DEBUG` and `LOG`, which clients are not told of.
    Quiet,
    /// `INFO`.
    Info,
    /// `NOTICE`.
    Notice,
    /// `WARNING`.
    Warning,
    /// `EXCEPTION`.
    Error,
}

/// What is raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Raised {
    /// The error that is being handled, again.
    Again,
    /// A message with `%` where its values go.
    Message(String),
    /// An SQLSTATE, and the name that was written.
    Condition(String, String),
    /// What `USING` says.
    Options,
}
