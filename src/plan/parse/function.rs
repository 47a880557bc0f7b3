//! `CREATE FUNCTION`, `ALTER FUNCTION`, `DROP FUNCTION`, and how others name a function; `DO`.

use super::cursor::Cursor;
use super::dispatch::Tagged;
use super::token::{Kind, Symbol};
use crate::base::{Result, SqlState};
use crate::catalog::{ArgumentMode, Volatility};
use crate::plan::TypeName;
use crate::plan::statement::{
    AlterFunction, CreateFunction, Do, DropFunction, FunctionAction, FunctionArgument,
    FunctionBody, FunctionName, FunctionOptions, Statement,
};

impl Cursor<'_> {
    /// What follows `CREATE [OR REPLACE]`.
    pub(super) fn create_function(&mut self, or_replace: bool) -> Result<Tagged> {
        self.expect("function")?;
        let name = self.qualified_name()?;
        let mut create = CreateFunction {
            name,
            or_replace,
            arguments: self.function_arguments()?,
            returns: None,
            set: false,
            language: None,
            body: None,
            options: FunctionOptions::default(),
        };
        if self.accept("returns") {
            self.returned(&mut create)?;
        }
        loop {
            let start = self.at;
            if self.accept("language") {
                let language = self.language()?;
                if create.language.replace(language).is_some() {
                    return Err(self.conflicting(start));
                }
            } else if self.accept("as") {
                let text = self.string()?;
                if self.is_symbol(Symbol::Comma) {
                    let message = "functions of a shared library are not supported";
                    return Err(self.error_at(start, SqlState::FEATURE_NOT_SUPPORTED, message));
                }
                if create.body.replace(FunctionBody::Text(text)).is_some() {
                    return Err(self.conflicting(start));
                }
            } else if !self.function_option(&mut create.options)? {
                break;
            }
        }
        if self.accept("return") {
            let expression = self.expression()?;
            create.body = Some(FunctionBody::Return(expression.text));
        } else if self.accept_all("begin atomic") {
            create.body = Some(FunctionBody::Atomic(self.atomic_body()?));
        }
        Ok((Statement::CreateFunction(Box::new(create)), "CREATE FUNCTION"))
    }

    fn conflicting(&self, at: usize) -> crate::base::SqlError {
        let message = "conflicting or redundant options";
        self.error_at(at, SqlState::SYNTAX_ERROR, message)
    }

    fn language(&mut self) -> Result<String> {
        match self.is_string() {
            true => Ok(self.string()?.to_ascii_lowercase()),
            false => self.non_reserved(),
        }
    }

    /// What follows `RETURNS`.
    fn returned(&mut self, create: &mut CreateFunction) -> Result<()> {
        if self.accept("table") {
            create.set = true;
            let columns = self.parenthesized(|cursor| {
                let name = Some(cursor.type_or_function()?);
                let ty = cursor.type_name()?;
                Ok(FunctionArgument { mode: ArgumentMode::Table, name, ty, default: None })
            })?;
            create.arguments.extend(columns);
            return Ok(());
        }
        create.set = self.accept("setof");
        create.returns = Some(self.type_name()?);
        Ok(())
    }

    /// `( [argument, ...] )`.
    fn function_arguments(&mut self) -> Result<Vec<FunctionArgument>> {
        self.expect_symbol(Symbol::LeftParen)?;
        if self.accept_symbol(Symbol::RightParen) {
            return Ok(Vec::new());
        }
        let arguments = self.comma_separated(Self::function_argument)?;
        self.expect_symbol(Symbol::RightParen)?;
        Ok(arguments)
    }

    fn argument_mode(&mut self) -> Result<Option<ArgumentMode>> {
        if self.is("variadic") {
            let message = "functions with a VARIADIC argument are not supported";
            return Err(self
                .error_at(self.at, SqlState::FEATURE_NOT_SUPPORTED, message)
                .with_hint("Give an array as the last argument."));
        }
        Ok(match self.accept_any(&["inout", "in", "out"]) {
            Some("in") if self.accept("out") => Some(ArgumentMode::InOut),
            Some("in") => Some(ArgumentMode::In),
            Some("out") => Some(ArgumentMode::Out),
            Some(_) => Some(ArgumentMode::InOut),
            None => None,
        })
    }

    fn function_argument(&mut self) -> Result<FunctionArgument> {
        let before = self.argument_mode()?;
        let start = *self;
        // A type by itself, unless more follows than may follow a type.
        let alone = self.type_name().ok().filter(|_| self.argument_ends());
        let (name, mode, ty) = match alone {
            Some(ty) => (None, before, ty),
            None => {
                *self = start;
                let name = self.type_or_function()?;
                let mode = match before {
                    Some(mode) => Some(mode),
                    None => self.argument_mode()?,
                };
                (Some(name), mode, self.type_name()?)
            }
        };
        let given = self.accept("default") || self.accept_operator("=");
        let default = if given { Some(self.expression()?) } else { None };
        Ok(FunctionArgument { mode: mode.unwrap_or(ArgumentMode::In), name, ty, default })
    }

    fn argument_ends(&self) -> bool {
        self.is_symbol(Symbol::Comma)
            || self.is_symbol(Symbol::RightParen)
            || self.is("default")
            || self.is_operator("=")
    }

    /// An option that functions have, if one comes next.
    fn function_option(&mut self, options: &mut FunctionOptions) -> Result<bool> {
        let start = self.at;
        let mut twice = false;
        let volatility = match self.accept_any(&["immutable", "stable", "volatile"]) {
            Some("immutable") => Some(Volatility::Immutable),
            Some("stable") => Some(Volatility::Stable),
            Some(_) => Some(Volatility::Volatile),
            None => None,
        };
        if let Some(volatility) = volatility {
            twice = options.volatility.replace(volatility).is_some();
        } else if self.accept("strict") || self.accept_all("returns null on null input") {
            twice = options.strict.replace(true).is_some();
        } else if self.accept_all("called on null input") {
            twice = options.strict.replace(false).is_some();
        } else if self.is_all("external security") || self.is("security") {
            self.accept("external");
            self.expect("security")?;
            let definer = match self.accept_any(&["definer", "invoker"]) {
                Some(word) => word == "definer",
                None => return Err(self.unexpected()),
            };
            twice = options.security_definer.replace(definer).is_some();
        } else if self.accept_all("not leakproof") {
            options.leakproof = Some(false);
        } else if self.accept("leakproof") {
            options.leakproof = Some(true);
        } else if self.accept("parallel") {
            let word = self.identifier()?;
            let letter = match word.as_str() {
                "safe" => 's',
                "restricted" => 'r',
                "unsafe" => 'u',
                _ => {
                    let message = "parameter \"parallel\" must be SAFE, RESTRICTED, or UNSAFE";
                    return Err(self.error_at(start, SqlState::SYNTAX_ERROR, message));
                }
            };
            twice = options.parallel.replace(letter).is_some();
        } else if self.accept("cost") {
            twice = options.cost.replace(self.positive("COST")?).is_some();
        } else if self.accept("rows") {
            twice = options.rows.replace(self.positive("ROWS")?).is_some();
        } else if self.accept("set") {
            self.function_setting(options)?;
        } else if ["support", "transform", "window"].iter().any(|word| self.is(word)) {
            let word = self.text(self.peek()).to_ascii_uppercase();
            let message = format!("{word} is not supported for functions");
            return Err(self.error_at(start, SqlState::FEATURE_NOT_SUPPORTED, message));
        } else {
            return Ok(false);
        }
        if twice { Err(self.conflicting(start)) } else { Ok(true) }
    }

    fn positive(&mut self, option: &str) -> Result<String> {
        let start = self.at;
        let number = self.signed_number()?;
        if number.starts_with('-') || number.trim_start_matches(['0', '.']).is_empty() {
            let message = format!("{option} must be positive");
            return Err(self.error_at(start, SqlState::INVALID_PARAMETER_VALUE, message));
        }
        Ok(number)
    }

    /// `SET search_path`: what other settings would change of a body's meaning is not kept.
    fn function_setting(&mut self, options: &mut FunctionOptions) -> Result<()> {
        let start = self.at;
        if !self.accept("search_path") {
            let message = "SET is supported for search_path only in a function";
            return Err(self.error_at(start, SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        if self.is("from") {
            let message = "SET .. FROM CURRENT is not supported in a function";
            return Err(self
                .error_at(start, SqlState::FEATURE_NOT_SUPPORTED, message)
                .with_hint("Write the schemas: SET search_path = .."));
        }
        if !self.accept("to") && !self.accept_operator("=") {
            return Err(self.unexpected());
        }
        options.search_path = Some(match self.accept("default") {
            true => None,
            false => Some(self.comma_separated(|cursor| match cursor.is_string() {
                true => cursor.string(),
                false => cursor.non_reserved(),
            })?),
        });
        Ok(())
    }

    /// The statements between `BEGIN ATOMIC` and `END`.
    fn atomic_body(&mut self) -> Result<String> {
        let start = self.at;
        let mut end = self.at;
        while !self.is("end") {
            self.statement()?;
            end = self.at;
            self.expect_symbol(Symbol::Semicolon)?;
        }
        let body = Cursor { at: end, ..*self }.text_since(start).to_owned();
        self.expect("end")?;
        Ok(body)
    }

    /// A function as others name it: `name [( [type, ...] )]`.
    pub(super) fn function_name(&mut self) -> Result<FunctionName> {
        let name = self.qualified_name()?;
        if !self.is_symbol(Symbol::LeftParen) {
            return Ok(FunctionName { name, arguments: None });
        }
        let arguments = self.function_arguments()?.into_iter();
        let given = arguments.filter(|argument| argument.mode.is_input());
        let types: Vec<TypeName> = given.map(|argument| argument.ty).collect();
        Ok(FunctionName { name, arguments: Some(types) })
    }

    /// What follows `DROP`.
    pub(super) fn drop_function(&mut self) -> Result<Tagged> {
        self.expect("function")?;
        let if_exists = self.if_exists();
        let functions = self.comma_separated(Self::function_name)?;
        let cascade = self.cascade();
        let drop = DropFunction { functions, if_exists, cascade };
        Ok((Statement::DropFunction(drop), "DROP FUNCTION"))
    }

    /// What follows `ALTER`.
    pub(super) fn alter_function(&mut self) -> Result<Tagged> {
        self.expect("function")?;
        let function = self.function_name()?;
        let action = if self.accept_all("rename to") {
            FunctionAction::RenameTo(self.identifier()?)
        } else if self.accept_all("owner to") {
            FunctionAction::OwnerTo(self.role_name()?)
        } else if self.accept_all("set schema") {
            FunctionAction::SetSchema(self.identifier()?)
        } else if self.is("depends") || self.is_all("no depends") {
            return Err(self.unsupported_statement());
        } else {
            let mut options = FunctionOptions::default();
            let mut any = false;
            loop {
                if self.accept_all("reset all") || self.accept_all("reset search_path") {
                    options.search_path = Some(None);
                } else if !self.function_option(&mut options)? {
                    break;
                }
                any = true;
            }
            if !any {
                return Err(self.unexpected());
            }
            self.accept("restrict");
            FunctionAction::Options(Box::new(options))
        };
        let alter = AlterFunction { function, action };
        Ok((Statement::AlterFunction(alter), "ALTER FUNCTION"))
    }

    /// `DO ..`.
    pub(super) fn do_block(&mut self) -> Result<Tagged> {
        self.expect("do")?;
        let (mut language, mut code) = (None, None);
        loop {
            let start = self.at;
            if self.accept("language") {
                if language.replace(self.language()?).is_some() {
                    return Err(self.conflicting(start));
                }
            } else if self.is_string() {
                if code.replace(self.string()?).is_some() {
                    return Err(self.conflicting(start));
                }
            } else {
                break;
            }
        }
        match code {
            Some(code) => Ok((Statement::Do(Do { language, code }), "DO")),
            None if language.is_some() && self.peek().kind == Kind::End => {
                let message = "no inline code specified";
                Err(self.error_at(self.at, SqlState::SYNTAX_ERROR, message))
            }
            None => Err(self.unexpected()),
        }
    }
}
