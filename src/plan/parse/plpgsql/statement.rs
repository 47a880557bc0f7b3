//! The statements of PL/pgSQL.

use super::conditions::state_of;
use crate::base::{Result, SqlState};
use crate::plan::parse::cursor::Cursor;
use crate::plan::parse::token::{Kind, Symbol};
use crate::plan::statement::plpgsql::{Action, Loop, Over, Raise, RaiseLevel, Raised, Step};

impl Cursor<'_> {
    /// A statement with its semicolon.
    pub(super) fn step(&mut self) -> Result<Step> {
        let label = self.label_before()?;
        let line = self.line();
        let action = if self.is("declare") || self.is("begin") {
            Action::Block(self.block(label)?)
        } else if ["loop", "while", "for", "foreach"].iter().any(|word| self.is(word)) {
            Action::Loop(Box::new(self.loop_statement(label)?))
        } else if label.is_some() {
            return Err(self.unexpected());
        } else {
            self.plain_step()?
        };
        self.expect_symbol(Symbol::Semicolon)?;
        Ok(Step { line, action })
    }

    fn plain_step(&mut self) -> Result<Action> {
        if self.is_assignment() {
            let target = self.variable_name()?;
            if self.is_symbol(Symbol::LeftBracket) {
                let message = "assignment to an element of an array is not supported";
                return Err(self
                    .error_at(self.at, SqlState::FEATURE_NOT_SUPPORTED, message)
                    .with_hint("Assign the whole array: array_append(..), array_replace(..)."));
            }
            self.advance();
            return Ok(Action::Assign { target, value: self.text_until(&[], false)? });
        }
        if self.accept("if") {
            return self.if_statement();
        }
        if self.accept("case") {
            return self.case_statement();
        }
        if self.is("exit") || self.is("continue") {
            return self.leave();
        }
        if self.accept("raise") {
            return self.raise().map(Action::Raise);
        }
        if self.accept("assert") {
            let condition = self.text_until(&[], true)?;
            let message = match self.accept_symbol(Symbol::Comma) {
                true => Some(self.text_until(&[], false)?),
                false => None,
            };
            return Ok(Action::Assert { condition, message });
        }
        if self.accept("perform") {
            return Ok(Action::Perform(format!("SELECT {}", self.text_until(&[], false)?)));
        }
        if self.accept("execute") {
            return self.dynamic();
        }
        if self.is("get") {
            return self.diagnostics();
        }
        if self.accept("null") {
            return Ok(Action::Nothing);
        }
        if self.accept("return") {
            if !self.is_symbol(Symbol::Semicolon) {
                let message = "RETURN cannot have a parameter in function returning void";
                return Err(self.error_at(self.at, SqlState::DATATYPE_MISMATCH, message));
            }
            return Ok(Action::Return);
        }
        let refused = ["open", "fetch", "move", "close", "call", "commit", "rollback"];
        if let Some(word) = refused.iter().find(|word| self.is(word)) {
            let message = format!("{} is not supported in PL/pgSQL", word.to_uppercase());
            let hint = match *word {
                "commit" | "rollback" => "The whole block is one transaction.",
                "call" => "There are no procedures.",
                _ => "FOR row IN query LOOP reads rows one by one.",
            };
            let error = self.error_at(self.at, SqlState::FEATURE_NOT_SUPPORTED, message);
            return Err(error.with_hint(hint));
        }
        if self.peek().kind != Kind::Word && !self.is_symbol(Symbol::LeftParen) {
            return Err(self.unexpected());
        }
        let (text, into) = self.sql_statement()?;
        Ok(Action::Sql { text, into })
    }

    /// Whether what comes next is given a value.
    fn is_assignment(&self) -> bool {
        let mut ahead = *self;
        if ahead.variable_name().is_err() {
            return false;
        }
        ahead.is_symbol(Symbol::Assign)
            || ahead.is_operator("=")
            || ahead.is_symbol(Symbol::LeftBracket)
    }

    /// What follows `IF`.
    fn if_statement(&mut self) -> Result<Action> {
        self.deeper()?;
        let mut branches = Vec::new();
        let mut otherwise = Vec::new();
        loop {
            let condition = self.text_until(&["then"], false)?;
            self.expect("then")?;
            let body = self.steps(&["elsif", "elseif", "else", "end"])?;
            branches.push((condition, body));
            if self.accept_any(&["elsif", "elseif"]).is_some() {
                continue;
            }
            if self.accept("else") {
                otherwise = self.steps(&["end"])?;
            }
            break;
        }
        self.expect("end if")?;
        self.depth -= 1;
        Ok(Action::If { branches, otherwise })
    }

    /// What follows `CASE`.
    fn case_statement(&mut self) -> Result<Action> {
        self.deeper()?;
        let operand = match self.is("when") {
            true => None,
            false => Some(self.text_until(&["when"], false)?),
        };
        let mut branches = Vec::new();
        let mut otherwise = None;
        while self.accept("when") {
            let mut values = vec![self.text_until(&["then"], operand.is_some())?];
            while operand.is_some() && self.accept_symbol(Symbol::Comma) {
                values.push(self.text_until(&["then"], true)?);
            }
            self.expect("then")?;
            branches.push((values, self.steps(&["when", "else", "end"])?));
        }
        if self.accept("else") {
            otherwise = Some(self.steps(&["end"])?);
        }
        self.expect("end case")?;
        self.depth -= 1;
        Ok(Action::Case { operand, branches, otherwise })
    }

    fn loop_statement(&mut self, label: Option<String>) -> Result<Loop> {
        self.deeper()?;
        let over = if self.is("loop") {
            Over::Nothing
        } else if self.accept("while") {
            Over::While(self.text_until(&["loop"], false)?)
        } else if self.accept("foreach") {
            let target = self.variable_name()?;
            if self.is("slice") {
                let message = "FOREACH .. SLICE is not supported";
                return Err(self.error_at(self.at, SqlState::FEATURE_NOT_SUPPORTED, message));
            }
            self.expect("in array")?;
            Over::Elements { target, array: self.text_until(&["loop"], false)? }
        } else {
            self.expect("for")?;
            self.for_loop()?
        };
        self.expect("loop")?;
        let body = self.steps(&["end"])?;
        self.expect("end loop")?;
        self.label_after(label.as_deref())?;
        self.depth -= 1;
        Ok(Loop { label, over, body })
    }

    /// What follows `FOR`, up to `LOOP`.
    fn for_loop(&mut self) -> Result<Over> {
        let start = self.at;
        let mut targets = self.comma_separated(Self::variable_name)?;
        self.expect("in")?;
        if self.accept("execute") {
            let query = self.text_until(&["using", "loop"], false)?;
            let using = if self.accept("using") { self.values(&["loop"])? } else { Vec::new() };
            return Ok(Over::Rows { targets, query, dynamic: Some(using) });
        }
        let reverse = self.is("reverse") && self.comes_before(Symbol::DotDot, "loop");
        if !self.comes_before(Symbol::DotDot, "loop") {
            let query = self.text_until(&["loop"], false)?;
            return Ok(Over::Rows { targets, query, dynamic: None });
        }
        if reverse {
            self.advance();
        }
        let from = self.text_until(&[".."], false)?;
        self.expect_symbol(Symbol::DotDot)?;
        let to = self.text_until(&["by", "loop"], false)?;
        let by = if self.accept("by") { Some(self.text_until(&["loop"], false)?) } else { None };
        let variable = targets.pop().filter(|target| target.len() == 1 && targets.is_empty());
        let Some(variable) = variable.and_then(|mut target| target.pop()) else {
            let message = "integer FOR loop must have only one target variable";
            return Err(self.error_at(start, SqlState::SYNTAX_ERROR, message));
        };
        Ok(Over::Numbers { variable, reverse, from, to, by })
    }

    /// Expressions with commas between, up to one of these words.
    fn values(&mut self, ends: &[&str]) -> Result<Vec<String>> {
        self.comma_separated(|cursor| cursor.text_until(ends, true))
    }

    fn leave(&mut self) -> Result<Action> {
        let goes_on = self.accept("continue");
        if !goes_on {
            self.expect("exit")?;
        }
        let named = !self.is("when") && !self.is_symbol(Symbol::Semicolon);
        let label = if named { Some(self.label()?) } else { None };
        let when = match self.accept("when") {
            true => Some(self.text_until(&[], false)?),
            false => None,
        };
        Ok(Action::Leave { label, when, goes_on })
    }

    /// What follows `EXECUTE`.
    fn dynamic(&mut self) -> Result<Action> {
        let text = self.text_until(&["into", "using"], false)?;
        let (mut using, mut into) = (Vec::new(), None);
        loop {
            if into.is_none() && self.accept("into") {
                into = Some(self.row_targets()?);
            } else if using.is_empty() && self.accept("using") {
                using = self.values(&["into"])?;
            } else {
                return Ok(Action::Execute { text, using, into });
            }
        }
    }

    /// `GET [CURRENT | STACKED] DIAGNOSTICS ..`.
    fn diagnostics(&mut self) -> Result<Action> {
        self.expect("get")?;
        let stacked = self.accept_any(&["current", "stacked"]) == Some("stacked");
        self.expect("diagnostics")?;
        let items = self.comma_separated(|cursor| {
            let target = cursor.variable_name()?;
            if !cursor.accept_symbol(Symbol::Assign) && !cursor.accept_operator("=") {
                return Err(cursor.unexpected());
            }
            Ok((target, cursor.label()?))
        })?;
        Ok(Action::Diagnostics { stacked, items })
    }

    /// What follows `RAISE`.
    fn raise(&mut self) -> Result<Raise> {
        let levels = ["debug", "log", "info", "notice", "warning", "exception"];
        let word = self.accept_any(&levels);
        let level = match word {
            Some("debug" | "log") => RaiseLevel::Quiet,
            Some("info") => RaiseLevel::Info,
            Some("notice") => RaiseLevel::Notice,
            Some("warning") => RaiseLevel::Warning,
            Some(_) | None => RaiseLevel::Error,
        };
        let (mut arguments, mut options) = (Vec::new(), Vec::new());
        let start = self.at;
        let what = if self.is_symbol(Symbol::Semicolon) {
            if word.is_some() {
                return Err(self.unexpected());
            }
            Raised::Again
        } else if self.is_string() {
            let message = self.string()?;
            if self.accept_symbol(Symbol::Comma) {
                arguments = self.values(&["using"])?;
            }
            self.check_arguments(&message, arguments.len(), start)?;
            Raised::Message(message)
        } else if self.is("using") {
            Raised::Options
        } else if self.accept("sqlstate") {
            let state = self.state_text()?;
            Raised::Condition(state.clone(), state)
        } else {
            let name = self.label()?;
            let Some(state) = state_of(&name) else {
                let message = format!("unrecognized exception condition \"{name}\"");
                return Err(self.error_at(start, SqlState::UNDEFINED_OBJECT, message));
            };
            Raised::Condition(state.to_owned(), name)
        };
        if self.accept("using") {
            options = self.comma_separated(|cursor| {
                let start = cursor.at;
                let name = cursor.label()?;
                let known = [
                    "message",
                    "detail",
                    "hint",
                    "errcode",
                    "column",
                    "constraint",
                    "datatype",
                    "table",
                    "schema",
                ];
                if !known.contains(&name.as_str()) {
                    let message =
                        format!("unrecognized RAISE statement option at or near \"{name}\"");
                    return Err(cursor.error_at(start, SqlState::SYNTAX_ERROR, message));
                }
                if !cursor.accept_operator("=") && !cursor.accept_symbol(Symbol::Assign) {
                    return Err(cursor.unexpected());
                }
                Ok((name, cursor.text_until(&[], true)?))
            })?;
        }
        Ok(Raise { level, what, arguments, options })
    }

    /// As many values as the message has places.
    fn check_arguments(&self, message: &str, given: usize, at: usize) -> Result<()> {
        let places = message.replace("%%", "").matches('%').count();
        let message = match given.cmp(&places) {
            std::cmp::Ordering::Equal => return Ok(()),
            std::cmp::Ordering::Less => "too few parameters specified for RAISE",
            std::cmp::Ordering::Greater => "too many parameters specified for RAISE",
        };
        Err(self.error_at(at, SqlState::SYNTAX_ERROR, message))
    }
}
