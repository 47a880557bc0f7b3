//! Who may come from where, and how it proves itself: a file like PostgreSQL's `pg_hba.conf`.
//!
//! The first rule that fits decides; where none fits, nobody is let in. Connections come by TCP, so
//! `local` rules are read and never fit.

use std::net::IpAddr;

/// The rules, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostRules {
    rules: Vec<Rule>,
}

/// How a role proves itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// Not at all.
    Trust,
    /// By a password (SCRAM-SHA-256).
    Scram,
    /// By a certificate with its name.
    Certificate,
    /// It can't.
    Reject,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    kind: Kind,
    databases: Vec<Word>,
    users: Vec<Word>,
    network: Network,
    method: Method,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Local,
    Any,
    Encrypted,
    Plain,
}

/// A word of a list; in quotes it has no other meaning than itself.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Word {
    text: String,
    quoted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Network {
    All,
    Within(IpAddr, u8),
}

/// Who wants in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visitor<'a> {
    /// From where; none: this very process.
    pub(super) address: Option<IpAddr>,
    /// By TLS.
    pub(super) encrypted: bool,
    /// To which database.
    pub(super) database: &'a str,
    /// As which role.
    pub(super) user: &'a str,
}

impl HostRules {
    /// Reads a file's text.
    ///
    /// # Errors
    /// One line, which names the file's line that is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut rules = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let fields = fields(line);
            if !fields.is_empty() {
                let rule = rule(&fields).map_err(|error| format!("line {number}: {error}"))?;
                rules.push(rule);
            }
        }
        Ok(Self { rules })
    }

    /// How a visitor proves itself; none where no rule fits. `is_member` tells whether it is a member
    /// of a role.
    pub(super) fn method(
        &self,
        visitor: Visitor<'_>,
        is_member: impl Fn(&str) -> bool,
    ) -> Option<Method> {
        let fits = |rule: &&Rule| {
            let by_kind = match rule.kind {
                Kind::Local => false,
                Kind::Any => true,
                Kind::Encrypted => visitor.encrypted,
                Kind::Plain => !visitor.encrypted,
            };
            by_kind
                && visitor.address.is_none_or(|address| rule.network.has(address))
                && rule.databases.iter().any(|word| word.is_database(visitor, &is_member))
                && rule.users.iter().any(|word| word.is_user(visitor, &is_member))
        };
        self.rules.iter().find(fits).map(|rule| rule.method)
    }
}

impl Word {
    fn is_database(&self, visitor: Visitor<'_>, is_member: &impl Fn(&str) -> bool) -> bool {
        match self.text.as_str() {
            "all" if !self.quoted => true,
            "sameuser" if !self.quoted => visitor.database == visitor.user,
            "samerole" | "samegroup" if !self.quoted => is_member(visitor.database),
            // There is no replication.
            "replication" if !self.quoted => false,
            name => name == visitor.database,
        }
    }

    fn is_user(&self, visitor: Visitor<'_>, is_member: &impl Fn(&str) -> bool) -> bool {
        match self.text.as_str() {
            "all" if !self.quoted => true,
            text => match text.strip_prefix('+').filter(|_| !self.quoted) {
                Some(group) => is_member(group),
                None => text == visitor.user,
            },
        }
    }
}

impl Network {
    fn parse(text: &str) -> Result<Self, String> {
        if text == "all" {
            return Ok(Self::All);
        }
        let invalid = || format!("\"{text}\" is no address: write ADDRESS/BITS or \"all\"");
        let Some((address, bits)) = text.split_once('/') else { return Err(invalid()) };
        let address: IpAddr = address.parse().map_err(|_| invalid())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits: u8 = bits.parse().ok().filter(|bits| *bits <= most).ok_or_else(invalid)?;
        Ok(Self::Within(address, bits))
    }

    fn has(self, address: IpAddr) -> bool {
        let Self::Within(network, bits) = self else { return true };
        // An IPv4 client of a socket for both comes as `::ffff:a.b.c.d`.
        match (network, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let shift = 32 - u32::from(bits);
                let first = |bits: u32| u64::from(bits) >> shift;
                first(network.to_bits()) == first(address.to_bits())
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let shift = 128 - u32::from(bits);
                let first = |bits: u128| bits.checked_shr(shift).unwrap_or_default();
                first(network.to_bits()) == first(address.to_bits())
            }
            _ => false,
        }
    }
}

/// A line's fields, each a list of words; what follows `#` is a comment.
fn fields(line: &str) -> Vec<Vec<Word>> {
    let mut fields: Vec<Vec<Word>> = Vec::new();
    let mut rest = line.chars().peekable();
    let mut continues = false;
    while let Some(&c) = rest.peek() {
        match c {
            '#' => break,
            ',' => {
                continues = true;
                rest.next();
            }
            c if c.is_whitespace() => {
                rest.next();
            }
            _ => {
                let word = word(&mut rest);
                match fields.last_mut().filter(|_| continues) {
                    Some(last) => last.push(word),
                    None => fields.push(vec![word]),
                }
                continues = false;
            }
        }
    }
    fields
}

fn word(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Word {
    let (mut text, mut quoted, mut inside) = (String::new(), false, false);
    while let Some(&c) = rest.peek() {
        match c {
            '"' => {
                inside = !inside;
                quoted = true;
            }
            c if !inside && (c.is_whitespace() || c == ',' || c == '#') => break,
            c => text.push(c),
        }
        rest.next();
    }
    Word { text, quoted }
}

fn rule(fields: &[Vec<Word>]) -> Result<Rule, String> {
    let one = |at: usize, what: &str| match fields.get(at).map(Vec::as_slice) {
        Some([word]) => Ok(word.text.as_str()),
        _ => Err(format!("{what} is missing")),
    };
    let list =
        |at: usize, what: &str| fields.get(at).cloned().ok_or_else(|| format!("{what} is missing"));
    let kind = match one(0, "the type")? {
        "local" => Kind::Local,
        "host" => Kind::Any,
        "hostssl" => Kind::Encrypted,
        "hostnossl" => Kind::Plain,
        other => return Err(format!("\"{other}\" is none of local, host, hostssl, hostnossl")),
    };
    let (databases, users) = (list(1, "the database")?, list(2, "the role")?);
    let (network, at) = match kind {
        Kind::Local => (Network::All, 3),
        _ => (Network::parse(one(3, "the address")?)?, 4),
    };
    let method = match one(at, "the method")? {
        "trust" => Method::Trust,
        "scram-sha-256" => Method::Scram,
        "cert" => Method::Certificate,
        "reject" => Method::Reject,
        other => return Err(format!("\"{other}\" is none of trust, scram-sha-256, cert, reject")),
    };
    if method == Method::Certificate && kind != Kind::Encrypted {
        return Err("cert authentication is for hostssl only".to_owned());
    }
    if fields.len() > at + 1 {
        return Err("there is something behind the method".to_owned());
    }
    Ok(Rule { kind, databases, users, network, method })
}

#[cfg(test)]
mod tests {
    use super::{HostRules, Method, Visitor};

    const RULES: &str = "\
# TYPE  DATABASE   USER        ADDRESS         METHOD
local   all        all                         trust
host    all        mallory     all             reject
hostssl app        \"ann\",+staff 10.0.0.0/8     cert   # comment
host    sameuser   all         ::1/128         trust
hostnossl all      all         192.168.1.0/24  scram-sha-256
";

    fn method(address: &str, encrypted: bool, database: &str, user: &str) -> Option<Method> {
        let rules = HostRules::parse(RULES).unwrap();
        let visitor =
            Visitor { address: Some(address.parse().unwrap()), encrypted, database, user };
        rules.method(visitor, |group| group == "staff" && user == "bob")
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        assert_eq!(method("10.1.2.3", true, "app", "mallory"), Some(Method::Reject));
        assert_eq!(method("10.1.2.3", true, "app", "ann"), Some(Method::Certificate));
        assert_eq!(method("::ffff:10.1.2.3", true, "app", "bob"), Some(Method::Certificate));
        assert_eq!(method("10.1.2.3", true, "app", "eve"), None);
        assert_eq!(method("10.1.2.3", false, "app", "ann"), None);
        assert_eq!(method("11.1.2.3", true, "app", "ann"), None);
        assert_eq!(method("::1", false, "ann", "ann"), Some(Method::Trust));
        assert_eq!(method("::2", false, "ann", "ann"), None);
        assert_eq!(method("192.168.1.200", false, "x", "ann"), Some(Method::Scram));
        assert_eq!(method("192.168.2.200", false, "x", "ann"), None);
    }

    #[test]
    fn a_wrong_line_is_named() {
        for (text, error) in [
            ("hots all all all trust", "line 1: \"hots\" is none of"),
            ("\nhost all all 10.0.0.0 trust", "line 2: \"10.0.0.0\" is no address"),
            ("host all all 10.0.0.0/33 trust", "line 1: \"10.0.0.0/33\" is no address"),
            ("host all all all md5", "line 1: \"md5\" is none of"),
            ("host all all all", "line 1: the method is missing"),
            ("host all all all cert", "line 1: cert authentication"),
            ("host all all all trust map=x", "line 1: there is something behind"),
        ] {
            let found = HostRules::parse(text).unwrap_err();
            assert!(found.starts_with(error), "{found}");
        }
    }
}
