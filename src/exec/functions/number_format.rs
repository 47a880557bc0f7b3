//! `to_char(number, format)`: `9`, `0`, `.`, `,`, `D`, `G`, `S`, `MI`, `PL`, `SG`, `PR`, `FM`, `TH`, `RN`.

/// A format taken apart.
#[derive(Default)]
struct Format {
    /// What stands before the point and after it: `9`, `0`, separators and other characters.
    whole: Vec<char>,
    fraction: Vec<char>,
    fill: bool,
    sign: Sign,
    ordinal: Option<bool>,
    roman: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Sign {
    /// A minus or a blank before the first digit.
    #[default]
    Plain,
    /// `S`, first or last.
    First,
    Last,
    /// `MI`: a minus or a blank where it stands.
    Minus,
    /// `PR`: angle brackets.
    Brackets,
}

/// A number's decimal text by a format; `None` for formats that are not supported.
pub(super) fn show(number: &str, format: &str) -> Option<String> {
    let format = parse(format)?;
    let (negative, digits) = match number.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, number),
    };
    if format.roman {
        return roman(digits, negative, format.fill);
    }
    let places = format.fraction.iter().filter(|c| matches!(c, '9' | '0')).count();
    let (whole, fraction) = rounded(digits, places);
    let zero = whole.bytes().all(|b| b == b'0') && fraction.bytes().all(|b| b == b'0');
    let negative = negative && !zero;
    let width = format.whole.iter().filter(|c| matches!(c, '9' | '0')).count();
    let overflow = whole.len() > width && whole != "0";
    let mut before = whole_part(&format, if overflow { "" } else { &whole }, overflow);
    let after = fraction_part(&format, &fraction, overflow);
    let point = if format.fraction.is_empty() { "" } else { "." };
    // The sign goes before the first digit, blanks before the sign.
    let blanks = before.len() - before.trim_start_matches(' ').len();
    let digits = before.split_off(blanks);
    let suffix = match format.ordinal {
        Some(upper) if !negative && format.fraction.is_empty() => ordinal(&whole, upper),
        _ => String::new(),
    };
    let body = format!("{digits}{point}{after}{suffix}");
    let mut out = match format.sign {
        Sign::Plain => format!("{before}{}{body}", if negative { "-" } else { " " }),
        Sign::First => format!("{before}{}{body}", if negative { "-" } else { "+" }),
        Sign::Last => format!("{before}{body}{}", if negative { "-" } else { "+" }),
        Sign::Minus => format!("{before}{body}{}", if negative { "-" } else { " " }),
        Sign::Brackets if negative => format!("{before}<{body}>"),
        Sign::Brackets => format!("{before} {body} "),
    };
    if format.fill {
        out = out.trim().to_owned();
    }
    Some(out)
}

fn parse(format: &str) -> Option<Format> {
    let mut parsed = Format::default();
    let mut after_point = false;
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        let upper = rest.to_ascii_uppercase();
        let mut take = first.len_utf8();
        if upper.starts_with("FM") {
            (parsed.fill, take) = (true, 2);
        } else if upper.starts_with("MI") {
            (parsed.sign, take) = (Sign::Minus, 2);
        } else if upper.starts_with("PR") {
            (parsed.sign, take) = (Sign::Brackets, 2);
        } else if upper.starts_with("TH") {
            (parsed.ordinal, take) = (Some(rest.starts_with('T')), 2);
        } else if upper.starts_with("RN") {
            (parsed.roman, take) = (true, 2);
        } else if upper.starts_with("SG")
            || upper.starts_with("PL")
            || upper.starts_with("EEEE")
            || upper.starts_with('V')
            || upper.starts_with('L')
            || upper.starts_with('"')
        {
            return None;
        } else {
            match first {
                '.' | 'D' | 'd' if !after_point => after_point = true,
                'S' | 's' => {
                    let leads = parsed.whole.is_empty();
                    parsed.sign = if leads { Sign::First } else { Sign::Last };
                }
                ',' | 'G' | 'g' => push(&mut parsed, after_point, ','),
                other => push(&mut parsed, after_point, other),
            }
        }
        rest = &rest[take..];
    }
    Some(parsed)
}

fn push(format: &mut Format, after_point: bool, character: char) {
    match after_point {
        true => format.fraction.push(character),
        false => format.whole.push(character),
    }
}

/// The digits before the point and so many after it, rounded half away from zero.
fn rounded(digits: &str, places: usize) -> (String, String) {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut all: Vec<u8> = whole.bytes().collect();
    let kept = fraction.bytes().chain(std::iter::repeat(b'0')).take(places);
    all.extend(kept);
    if fraction.as_bytes().get(places).is_some_and(|next| *next >= b'5') {
        let mut at = all.len();
        loop {
            if at == 0 {
                all.insert(0, b'1');
                break;
            }
            at -= 1;
            if all[at] == b'9' {
                all[at] = b'0';
            } else {
                all[at] += 1;
                break;
            }
        }
    }
    let text = String::from_utf8(all).unwrap_or_default();
    let split = text.len() - places;
    let whole = text[..split].trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    (whole.to_owned(), text[split..].to_owned())
}

/// The part before the point: blanks, then digits and separators.
fn whole_part(format: &Format, whole: &str, overflow: bool) -> String {
    let width = format.whole.iter().filter(|c| matches!(c, '9' | '0')).count();
    let mut digits = whole.bytes().rev();
    // From a `0` on, or the first digit, every place is shown.
    let forced = format.whole.iter().filter(|c| matches!(c, '9' | '0')).position(|c| *c == '0');
    let zeros_from = forced.map_or(0, |at| width - at);
    let has_fraction = !format.fraction.is_empty();
    let mut out: Vec<char> = Vec::new();
    let mut place = 0;
    for character in format.whole.iter().rev() {
        match character {
            '9' | '0' => {
                place += 1;
                let digit = digits.next().map(char::from);
                let lone_zero = whole == "0" && place == 1;
                out.push(match digit {
                    _ if overflow => '#',
                    // Before a point a single zero is not shown, unless it is asked for.
                    Some(_) if lone_zero && has_fraction && place > zeros_from => ' ',
                    Some(digit) => digit,
                    None if place <= zeros_from => '0',
                    None => ' ',
                });
            }
            ',' => {
                let more = overflow || digits.len() > 0 || place < zeros_from;
                out.push(if more { ',' } else { ' ' });
            }
            other => out.push(*other),
        }
    }
    out.iter().rev().collect()
}

fn fraction_part(format: &Format, fraction: &str, overflow: bool) -> String {
    let mut digits = fraction.chars();
    let mut out: String = format
        .fraction
        .iter()
        .map(|character| match character {
            '9' | '0' if overflow => '#',
            '9' | '0' => digits.next().unwrap_or('0'),
            other => *other,
        })
        .collect();
    if format.fill {
        // Zeros at the end stay only where a `0` asks for them.
        let least = format.fraction.iter().rposition(|c| *c == '0').map_or(0, |at| at + 1);
        while out.len() > least && out.ends_with('0') {
            out.pop();
        }
    }
    out
}

fn ordinal(whole: &str, upper: bool) -> String {
    let last = whole.as_bytes();
    let teen = last.len() > 1 && last[last.len() - 2] == b'1';
    let suffix = match last.last() {
        _ if teen => "th",
        Some(b'1') => "st",
        Some(b'2') => "nd",
        Some(b'3') => "rd",
        _ => "th",
    };
    if upper { suffix.to_uppercase() } else { suffix.to_owned() }
}

fn roman(digits: &str, negative: bool, fill: bool) -> Option<String> {
    const NUMERALS: &[(u32, &str)] = &[
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    let (whole, _) = rounded(digits, 0);
    let mut number: u32 = whole.parse().unwrap_or(0);
    if negative || !(1..=3999).contains(&number) {
        return Some("#".repeat(15));
    }
    let mut out = String::new();
    for (value, numeral) in NUMERALS {
        while number >= *value {
            number -= value;
            out.push_str(numeral);
        }
    }
    Some(if fill { out } else { format!("{out:>15}") })
}
