//! The common name in a certificate that has been verified: what `cert` authentication compares
//! with the role. Just enough of DER to walk to it, every length checked.

/// An object identifier's bytes: 2.5.4.3, the common name.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_IDENTIFIER: u8 = 0x06;
const VERSION: u8 = 0xa0;
/// The kinds of strings whose bytes are UTF-8: UTF8String, PrintableString, IA5String.
const TEXTS: [u8; 3] = [0x0c, 0x13, 0x16];

/// The subject's common name; none where there is none, or more than one.
pub(super) fn common_name(certificate: &[u8]) -> Option<String> {
    let (_, mut fields, _) = element(certificate).filter(|(tag, ..)| *tag == SEQUENCE)?;
    let (_, signed, _) = element(fields)?;
    fields = signed;
    // version, serial number, signature, issuer, validity, and then the subject
    if let Some((VERSION, _, rest)) = element(fields) {
        fields = rest;
    }
    for _ in 0..4 {
        (_, _, fields) = element(fields)?;
    }
    let (_, mut names, _) = element(fields).filter(|(tag, ..)| *tag == SEQUENCE)?;
    let mut found = None;
    while !names.is_empty() {
        let (tag, mut set, rest) = element(names)?;
        names = rest;
        while tag == SET && !set.is_empty() {
            let (_, attribute, rest) = element(set)?;
            set = rest;
            let (kind, identifier, value) = element(attribute)?;
            if kind != OBJECT_IDENTIFIER || identifier != COMMON_NAME {
                continue;
            }
            let (kind, text, _) = element(value)?;
            let text = std::str::from_utf8(text).ok()?;
            // A NUL could make two programs read two names.
            if !TEXTS.contains(&kind) || text.contains('\0') || found.is_some() {
                return None;
            }
            found = Some(text.to_owned());
        }
    }
    found
}

/// The element at the front: its tag, its content, and what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match usize::from(*first) {
        short @ 0..=0x7f => (short, rest),
        // Up to three bytes of length: certificates are not larger.
        long @ 0x81..=0x83 => {
            let (length, rest) = rest.split_at_checked(long - 0x80)?;
            (length.iter().fold(0, |all, byte| all << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::{common_name, element};

    fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).unwrap();
        [&[tag, 0x81, length], content].concat()
    }

    fn certificate(names: &[u8]) -> Vec<u8> {
        let fields = [
            wrap(0xa0, &[2, 1, 2]),
            wrap(2, &[1]),
            wrap(0x30, &[]),
            wrap(0x30, &[]),
            wrap(0x30, &[]),
            wrap(0x30, names),
        ];
        wrap(0x30, &wrap(0x30, &fields.concat()))
    }

    fn name(text: &[u8]) -> Vec<u8> {
        let identifier = wrap(6, &[0x55, 4, 3]);
        wrap(0x31, &wrap(0x30, &[identifier, wrap(0x0c, text)].concat()))
    }

    #[test]
    fn the_subject_s_common_name_is_found() {
        assert_eq!(common_name(&certificate(&name(b"ann"))).as_deref(), Some("ann"));
    }

    #[test]
    fn two_names_or_a_nul_are_none() {
        assert_eq!(common_name(&certificate(&[name(b"ann"), name(b"bob")].concat())), None);
        assert_eq!(common_name(&certificate(&name(b"ann\0bob"))), None);
        assert_eq!(common_name(&certificate(&[])), None);
    }

    #[test]
    fn what_is_cut_off_is_no_certificate() {
        let whole = certificate(&name(b"ann"));
        for length in 0..whole.len() {
            assert_eq!(common_name(&whole[..length]), None);
        }
        assert!(element(&[0x30, 0x84, 0, 0, 0, 0]).is_none());
    }
}
