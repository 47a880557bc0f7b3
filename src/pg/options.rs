//! The startup parameter `options`: the server's command line, as PostgreSQL reads it.
//! `-c name=value`, `-cname=value` and `--name=value`, separated by white space; a backslash
//! takes the next character as it is.

use crate::base::{Result, SqlError, SqlState};

/// The settings in order.
pub(super) fn parse(options: &str) -> Result<Vec<(String, String)>> {
    let mut settings = Vec::new();
    let mut arguments = split(options).into_iter();
    while let Some(argument) = arguments.next() {
        let setting = if let Some(rest) = argument.strip_prefix("--") {
            rest.to_owned()
        } else if let Some(rest) = argument.strip_prefix("-c") {
            if rest.is_empty() {
                arguments.next().ok_or_else(|| invalid(&argument))?
            } else {
                rest.to_owned()
            }
        } else {
            return Err(invalid(&argument));
        };
        let (name, value) = setting.split_once('=').ok_or_else(|| {
            SqlError::fatal(SqlState::SYNTAX_ERROR, format!("{argument} requires a value"))
        })?;
        settings.push((name.replace('-', "_"), value.to_owned()));
    }
    Ok(settings)
}

fn invalid(argument: &str) -> SqlError {
    SqlError::fatal(
        SqlState::SYNTAX_ERROR,
        format!("invalid command-line argument for server process: {argument}"),
    )
    .with_hint("Use \"-c name=value\".")
}

fn split(options: &str) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut current: Option<String> = None;
    let mut characters = options.chars();
    while let Some(character) = characters.next() {
        if character.is_ascii_whitespace() || character == '\x0b' {
            arguments.extend(current.take());
            continue;
        }
        let literal = if character == '\\' { characters.next() } else { Some(character) };
        let argument = current.get_or_insert_default();
        argument.extend(literal);
    }
    arguments.extend(current);
    arguments
}

#[cfg(test)]
mod tests;
