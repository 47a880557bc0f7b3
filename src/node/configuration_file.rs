//! `--config FILE`: a TOML file whose keys mean what the flags of the same names mean. A flag
//! outweighs the environment, which outweighs the file.

use std::ffi::OsString;
use std::path::Path;

/// The command line with the file's settings as flags, where neither a flag nor the environment
/// says anything.
///
/// # Errors
/// One line, when the file can't be read or isn't such a file.
pub fn with_configuration_file(arguments: Vec<OsString>) -> Result<Vec<OsString>, String> {
    let Some(file) = file_of(&arguments) else { return Ok(arguments) };
    let file = Path::new(&file);
    let shown = file.display();
    let text =
        std::fs::read_to_string(file).map_err(|error| format!("cannot read {shown}: {error}"))?;
    let table: toml::Table =
        text.parse().map_err(|error: toml::de::Error| format!("{shown}: {}", error.message()))?;
    let mut arguments = arguments;
    if arguments.get(1).is_none_or(|first| first.to_string_lossy().starts_with("--config")) {
        arguments.insert(1, "serve".into());
    }
    for (key, value) in table {
        let flag = format!("--{}", key.replace('_', "-"));
        let variable = format!("REDKITE_{}", key.replace('-', "_").to_uppercase());
        if is_given(&arguments, &flag) || std::env::var_os(variable).is_some() {
            continue;
        }
        let value = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Boolean(on) => if on { "on" } else { "off" }.to_owned(),
            _ => return Err(format!("{shown}: {key} is neither a string nor a number")),
        };
        arguments.push(format!("{flag}={value}").into());
    }
    Ok(arguments)
}

fn is_given(arguments: &[OsString], flag: &str) -> bool {
    arguments.iter().any(|argument| {
        let argument = argument.to_string_lossy();
        argument == flag || argument.strip_prefix(flag).is_some_and(|rest| rest.starts_with('='))
    })
}

fn file_of(arguments: &[OsString]) -> Option<OsString> {
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--config" {
            return rest.next().cloned();
        }
        if let Some(file) = argument.to_str().and_then(|text| text.strip_prefix("--config=")) {
            return Some(file.into());
        }
    }
    std::env::var_os("REDKITE_CONFIG")
}
