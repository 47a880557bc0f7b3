//! A connection's settings: values checked by type, put back by RESET, ROLLBACK and the end of a
//! transaction (PostgreSQL, chapter 20.1 and `SET`).

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::base::limits::INDEX_BUILD_BYTES_DEFAULT;
use crate::base::{Result, SqlError, SqlState};
use crate::plan::ddl::PG_TEMP;
use crate::txn::Consistency;
use crate::types::{ByteaOutput, IntervalStyle, TextContext, TimeZone};

use super::identity::{NO_ROLE, ROLE, SESSION_AUTHORIZATION};
use super::setting_list::{SETTINGS, display_name};
use super::usual_settings::UsualSettings;

/// A setting.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) default: &'static str,
    /// Clients are told of every change (ParameterStatus).
    pub(super) reported: bool,
    pub(super) read_only: bool,
}

/// What values a setting takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Bool,
    Integer(i64, i64),
    Milliseconds,
    Kilobytes,
    Enum(&'static [&'static str]),
    Text,
    Encoding,
    DateStyle,
    IntervalStyle,
    TimeZone,
    Consistency,
    /// A share of the whole, above 0 and up to 1; empty: not set.
    Share,
}

/// Until when a value holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Until the end of the connection, if the transaction commits.
    Session,
    /// Until the end of the transaction.
    Local,
}

/// A connection's settings. Each statement has a copy, which shares the values.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    /// What RESET goes back to, where it isn't the built-in default.
    defaults: Arc<BTreeMap<String, String>>,
    values: Arc<BTreeMap<String, String>>,
    /// What to put back at the end of the transaction, oldest first: SET LOCAL.
    local: Vec<(String, Option<String>)>,
    /// What to put back if the transaction is rolled back, oldest first.
    undo: Vec<(String, Option<String>)>,
    /// Names whose clients must be told.
    changed: Vec<&'static str>,
    /// The schema of the session's temporary objects.
    temporary: Option<String>,
    /// Goes up with every change.
    version: u64,
    /// What plans depend on, until the next change.
    surroundings: OnceLock<Arc<Surroundings>>,
    /// What every statement asks for, until the next change.
    usual: OnceLock<Arc<UsualSettings>>,
}

/// The settings that a plan depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Surroundings {
    /// The role whose rights statements have: plans are not shared between roles.
    pub(super) user: String,
    /// `row_security`: whether policies may hide rows, rather than be an error.
    pub(super) row_security: bool,
    /// The schemas that names are looked up in.
    pub(super) search_path: Vec<String>,
    /// How literals are read and folded values shown.
    pub(super) text: Arc<TextContext>,
}

fn find(name: &str) -> Option<&'static Setting> {
    let by_name = |name: &str| SETTINGS.binary_search_by(|setting| setting.name.cmp(name)).ok();
    // Each statement asks for several by their own names.
    let found = by_name(name).or_else(|| by_name(&name.to_ascii_lowercase()));
    found.and_then(|at| SETTINGS.get(at))
}

impl Settings {
    /// A value that RESET goes back to: from the database, the role or the connection's start.
    pub(super) fn set_default(&mut self, name: &str, value: &str) -> Result<()> {
        let (name, value) = self.check(name, value, true)?;
        Arc::make_mut(&mut self.defaults).insert(name.clone(), value.clone());
        Arc::make_mut(&mut self.values).insert(name, value);
        self.touched();
        Ok(())
    }

    /// The value of a setting.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        match find(name) {
            Some(setting) => {
                Some(self.values.get(setting.name).map_or(setting.default, String::as_str))
            }
            None => self.values.get(&name.to_ascii_lowercase()).map(String::as_str),
        }
    }

    /// The value as SHOW prints it, or 42704.
    pub(super) fn show(&self, name: &str) -> Result<String> {
        let value = self.get(name).ok_or_else(|| unknown(name))?;
        Ok(match find(name).map(|setting| setting.kind) {
            Some(Kind::Milliseconds) => show_milliseconds(value),
            Some(Kind::Kilobytes) => show_kilobytes(value),
            _ => value.to_owned(),
        })
    }

    /// All settings as SHOW ALL lists them.
    pub(super) fn all(&self) -> impl Iterator<Item = (&'static str, String)> {
        SETTINGS.iter().map(|setting| {
            (display_name(setting.name), self.show(setting.name).unwrap_or_default())
        })
    }

    /// SET.
    pub(super) fn set(&mut self, name: &str, value: &str, scope: Scope) -> Result<()> {
        let (name, value) = self.check(name, value, false)?;
        self.put(name, Some(value), scope);
        Ok(())
    }

    /// SET .. TO DEFAULT, RESET.
    pub(super) fn reset(&mut self, name: &str, scope: Scope) -> Result<()> {
        let setting = find(name);
        if setting.is_some_and(|setting| setting.read_only) {
            return Err(read_only(name));
        }
        if setting.is_none() && !name.contains('.') {
            return Err(unknown(name));
        }
        let name = setting.map_or_else(|| name.to_ascii_lowercase(), |s| s.name.to_owned());
        let default = self.defaults.get(&name).cloned();
        self.put(name, default, scope);
        Ok(())
    }

    /// RESET ALL.
    pub(super) fn reset_all(&mut self) {
        let names: Vec<String> = self.values.keys().cloned().collect();
        for name in names {
            if !matches!(&*name, "session_authorization" | "role" | "is_superuser") {
                let _read_only_stays = self.reset(&name, Scope::Session);
            }
        }
    }

    /// Sets what a client can't: who it is.
    pub(super) fn force(&mut self, name: &'static str, value: &str) {
        Arc::make_mut(&mut self.values).insert(name.to_owned(), value.to_owned());
        self.changed.push(name);
        self.touched();
    }

    /// The schema of the session's temporary objects, where there are some.
    pub(super) fn temporary(&self) -> Option<&str> {
        self.temporary.as_deref()
    }

    /// Names are looked for among temporary objects first.
    pub(super) fn set_temporary(&mut self, schema: Option<String>) {
        self.temporary = schema;
        self.touched();
    }

    /// A value has changed.
    fn touched(&mut self) {
        self.version += 1;
        self.surroundings = OnceLock::new();
        self.usual = OnceLock::new();
    }

    /// Another number for every change.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// What every statement asks for.
    pub(super) fn usual(&self) -> &Arc<UsualSettings> {
        self.usual.get_or_init(|| Arc::new(UsualSettings::of(self)))
    }

    /// What plans depend on.
    pub(super) fn surroundings(&self) -> &Arc<Surroundings> {
        self.surroundings.get_or_init(|| {
            let text = Arc::new(self.text_context());
            let user = self.current_user().to_owned();
            let (row_security, search_path) = (self.is_on("row_security"), self.search_path());
            Arc::new(Surroundings { user, row_security, search_path, text })
        })
    }

    /// What SET SESSION AUTHORIZATION and SET ROLE have set.
    pub(super) fn identity(&self) -> (&str, &str) {
        (self.get(SESSION_AUTHORIZATION).unwrap_or_default(), self.get(ROLE).unwrap_or(NO_ROLE))
    }

    /// `current_user`.
    pub(super) fn current_user(&self) -> &str {
        match self.identity() {
            (session, NO_ROLE) => session,
            (_, role) => role,
        }
    }

    fn put(&mut self, name: String, value: Option<String>, scope: Scope) {
        let old = match value {
            Some(value) => Arc::make_mut(&mut self.values).insert(name.clone(), value),
            None => Arc::make_mut(&mut self.values).remove(&name),
        };
        self.touched();
        if let Some(setting) = find(&name).filter(|setting| setting.reported) {
            self.changed.push(setting.name);
        }
        match scope {
            Scope::Local => self.local.push((name, old)),
            Scope::Session => self.undo.push((name, old)),
        }
    }

    /// The end of a transaction: local values go, and if it was rolled back, all that it set.
    pub(super) fn end_transaction(&mut self, committed: bool) {
        let local = std::mem::take(&mut self.local);
        let undo = std::mem::take(&mut self.undo);
        let undone = if committed { Vec::new() } else { undo };
        if !local.is_empty() || !undone.is_empty() {
            self.touched();
        }
        for (name, old) in local.into_iter().rev().chain(undone.into_iter().rev()) {
            if let Some(setting) = find(&name).filter(|setting| setting.reported) {
                self.changed.push(setting.name);
            }
            match old {
                Some(old) => Arc::make_mut(&mut self.values).insert(name, old),
                None => Arc::make_mut(&mut self.values).remove(&name),
            };
        }
    }

    /// What clients must be told, with values.
    pub(super) fn take_changes(&mut self) -> Vec<(String, String)> {
        let mut changed = std::mem::take(&mut self.changed);
        changed.dedup();
        changed
            .into_iter()
            .map(|name| {
                let value = self.get(name).unwrap_or_default().to_owned();
                (display_name(name).to_owned(), value)
            })
            .collect()
    }

    /// What a client is told at the start.
    pub(super) fn reported(&self) -> Vec<(String, String)> {
        let reported = SETTINGS.iter().filter(|setting| setting.reported);
        reported
            .map(|setting| {
                let value = self.get(setting.name).unwrap_or_default().to_owned();
                (display_name(setting.name).to_owned(), value)
            })
            .collect()
    }

    /// The setting's own name and its value in canonical form.
    fn check(&self, name: &str, value: &str, starting: bool) -> Result<(String, String)> {
        let Some(setting) = find(name) else {
            // PostgreSQL takes any qualified name, for extensions that may read it.
            let qualified = name.contains('.') && !name.starts_with("redkite.");
            return if qualified {
                Ok((name.to_ascii_lowercase(), value.to_owned()))
            } else {
                Err(unknown(name))
            };
        };
        if setting.read_only && !starting {
            return Err(read_only(setting.name));
        }
        let value = canonical(setting, value, self)?;
        Ok((setting.name.to_owned(), value))
    }

    pub(super) fn is_on(&self, name: &str) -> bool {
        self.get(name) == Some("on")
    }

    /// A time-out; none where it is 0.
    pub(super) fn timeout(&self, name: &str) -> Option<Duration> {
        let ms = self.get(name)?.parse().ok().filter(|ms| *ms > 0)?;
        Some(Duration::from_millis(ms))
    }

    /// `maintenance_work_mem` in bytes.
    pub(super) fn maintenance_bytes(&self) -> u64 {
        let kilobytes = self.get("maintenance_work_mem").and_then(|text| text.parse::<u64>().ok());
        kilobytes.map_or(INDEX_BUILD_BYTES_DEFAULT, |kilobytes| kilobytes.saturating_mul(1024))
    }

    /// How values are read and shown.
    pub(super) fn text_context(&self) -> TextContext {
        let mut context = TextContext::default();
        if let Some(zone) = self.get("timezone").and_then(TimeZone::parse_setting) {
            context.time_zone = zone;
        }
        if let Some(style) = self.get("datestyle") {
            context.date_style =
                context.date_style.with_setting(style).unwrap_or(context.date_style);
        }
        if let Some(style) = self.get("intervalstyle").and_then(IntervalStyle::parse) {
            context.interval_style = style;
        }
        if self.get("bytea_output") == Some("escape") {
            context.bytea_output = ByteaOutput::Escape;
        }
        if let Some(digits) = self.get("extra_float_digits").and_then(|text| text.parse().ok()) {
            context.extra_float_digits = digits;
        }
        context
    }

    /// The search path with `"$user"` in place, `pg_catalog` first unless it is named.
    pub(super) fn search_path(&self) -> Vec<String> {
        let mut path = split_names(self.get("search_path").unwrap_or_default());
        for name in &mut path {
            if name == "$user" {
                self.current_user().clone_into(name);
            }
        }
        if !path.iter().any(|name| name == "pg_catalog") {
            path.insert(0, "pg_catalog".to_owned());
        }
        // Temporary objects come first, unless the path says where.
        let place = path.iter().position(|name| name == PG_TEMP);
        path.retain(|name| name != PG_TEMP);
        if let Some(own) = &self.temporary {
            path.insert(place.unwrap_or(0).min(path.len()), own.clone());
        }
        path
    }
}

fn canonical(setting: &Setting, value: &str, settings: &Settings) -> Result<String> {
    let invalid = || invalid(display_name(setting.name), value);
    match setting.kind {
        Kind::Text => Ok(value.to_owned()),
        Kind::Bool => {
            parse_bool(value).map(|on| if on { "on" } else { "off" }.to_owned()).ok_or_else(|| {
                let message = format!("parameter \"{}\" requires a Boolean value", setting.name);
                SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
            })
        }
        Kind::Integer(min, max) => {
            let number: i64 = value.trim().parse().map_err(|_| invalid())?;
            in_range(setting.name, number, min, max)
        }
        Kind::Milliseconds => {
            let units = [("us", 0.001), ("ms", 1.0), ("s", 1e3), ("min", 6e4), ("h", 3.6e6)];
            let number = with_unit(value, &units).ok_or_else(invalid)?;
            in_range(setting.name, number, 0, i64::from(i32::MAX))
        }
        Kind::Kilobytes => {
            let units = [("B", 1.0 / 1024.0), ("kB", 1.0), ("MB", 1024.0), ("GB", 1048576.0)];
            let number = with_unit(value, &units).ok_or_else(invalid)?;
            in_range(setting.name, number, 64, i64::from(i32::MAX))
        }
        Kind::Enum(values) => values
            .iter()
            .find(|known| known.eq_ignore_ascii_case(value.trim()))
            .map(|known| (*known).to_owned())
            .ok_or_else(|| {
                invalid().with_hint(format!("Available values: {}.", values.join(", ")))
            }),
        Kind::Encoding => match value.to_ascii_lowercase().replace(['-', '_', '\''], "").as_str() {
            "utf8" | "unicode" => Ok("UTF8".to_owned()),
            _ => Err(invalid().with_hint("Redkite speaks UTF8 only.")),
        },
        Kind::DateStyle => {
            let now = settings.text_context().date_style;
            now.with_setting(value).map(|style| style.as_str().to_owned()).ok_or_else(invalid)
        }
        Kind::IntervalStyle => {
            IntervalStyle::parse(value).map(|style| style.as_str().to_owned()).ok_or_else(invalid)
        }
        Kind::TimeZone => {
            TimeZone::parse_setting(value).map(|zone| zone.name().to_owned()).ok_or_else(invalid)
        }
        Kind::Share if value.trim().is_empty() => Ok(String::new()),
        Kind::Share => {
            let share: f32 = value.trim().parse().map_err(|_| invalid())?;
            if share > 0.0 && share <= 1.0 {
                return Ok(share.to_string());
            }
            let message = format!(
                "{share} is outside the valid range for parameter \"{}\" (0 .. 1)",
                setting.name
            );
            Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message))
        }
        Kind::Consistency => {
            consistency(value).map(|_| value.to_ascii_lowercase()).ok_or_else(|| {
                invalid().with_hint("Available values: strong, session, bounded('5s'), eventual.")
            })
        }
    }
}

/// `strong`, `session`, `bounded('5s')`, `eventual`.
pub(super) fn consistency(value: &str) -> Option<Consistency> {
    match value.trim().to_ascii_lowercase().as_str() {
        "strong" => Some(Consistency::Strong),
        "session" => Some(Consistency::Session),
        "eventual" => Some(Consistency::Eventual),
        other => {
            let inside = other.strip_prefix("bounded(")?.strip_suffix(')')?.trim_matches('\'');
            let units = [("ms", 1.0), ("s", 1e3), ("min", 6e4)];
            let ms = with_unit(inside, &units)?;
            Some(Consistency::Bounded(Duration::from_millis(u64::try_from(ms).ok()?)))
        }
    }
}

fn in_range(name: &str, number: i64, min: i64, max: i64) -> Result<String> {
    if (min..=max).contains(&number) {
        return Ok(number.to_string());
    }
    let message =
        format!("{number} is outside the valid range for parameter \"{name}\" ({min} .. {max})");
    Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message))
}

/// A number with an optional unit, in the setting's base unit.
fn with_unit(value: &str, units: &[(&str, f64)]) -> Option<i64> {
    let value = value.trim();
    let end = value.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(value.len());
    let (number, unit) = value.split_at(end);
    let number: f64 = number.trim().parse().ok()?;
    let factor = match unit {
        "" => 1.0,
        unit => units.iter().find(|(name, _)| *name == unit)?.1,
    };
    let scaled = (number * factor).round();
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked just before")]
    (scaled.abs() < 9e15).then_some(scaled as i64)
}

/// Any unambiguous beginning of true, false, yes, no, on, off; 1 and 0.
pub(super) fn parse_bool(value: &str) -> Option<bool> {
    let value = value.trim().to_ascii_lowercase();
    let begins = |word: &str, least: usize| value.len() >= least && word.starts_with(&value);
    if value == "1" || begins("true", 1) || begins("yes", 1) || begins("on", 2) {
        Some(true)
    } else if value == "0" || begins("false", 1) || begins("no", 1) || begins("off", 2) {
        Some(false)
    } else {
        None
    }
}

fn show_milliseconds(value: &str) -> String {
    match value.parse::<u64>() {
        Ok(0) | Err(_) => value.to_owned(),
        Ok(ms) if ms % 3_600_000 == 0 => format!("{}h", ms / 3_600_000),
        Ok(ms) if ms % 60_000 == 0 => format!("{}min", ms / 60_000),
        Ok(ms) if ms % 1000 == 0 => format!("{}s", ms / 1000),
        Ok(ms) => format!("{ms}ms"),
    }
}

fn show_kilobytes(value: &str) -> String {
    match value.parse::<u64>() {
        Err(_) => value.to_owned(),
        Ok(kb) if kb % 1_048_576 == 0 => format!("{}GB", kb / 1_048_576),
        Ok(kb) if kb % 1024 == 0 => format!("{}MB", kb / 1024),
        Ok(kb) => format!("{kb}kB"),
    }
}

/// Names separated by commas, quoted or not.
pub(super) fn split_names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut name = String::new();
    let mut quoted = false;
    let mut was_quoted = false;
    for c in text.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                was_quoted = true;
            }
            ',' if !quoted => {
                push_name(&mut names, &mut name, was_quoted);
                was_quoted = false;
            }
            c => name.push(c),
        }
    }
    push_name(&mut names, &mut name, was_quoted);
    names
}

fn push_name(names: &mut Vec<String>, name: &mut String, quoted: bool) {
    let text = std::mem::take(name);
    let text = text.trim();
    if !text.is_empty() {
        names.push(if quoted { text.to_owned() } else { text.to_ascii_lowercase() });
    }
}

fn unknown(name: &str) -> SqlError {
    let message = format!("unrecognized configuration parameter \"{name}\"");
    SqlError::new(SqlState::UNDEFINED_OBJECT, message)
}

fn read_only(name: &str) -> SqlError {
    let message = format!("parameter \"{name}\" cannot be changed");
    SqlError::new(SqlState::CANT_CHANGE_RUNTIME_PARAM, message)
}

fn invalid(name: &str, value: &str) -> SqlError {
    let message = format!("invalid value for parameter \"{name}\": \"{value}\"");
    SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
}
