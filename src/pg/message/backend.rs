//! What we send. Each function appends one whole message to the output.

use bytes::{BufMut, BytesMut};

use super::startup::Version;
use crate::base::{Severity, SqlError};

/// Appends a message of this kind whose body `write` appends. The length is filled in after.
pub(in crate::pg) fn message(out: &mut BytesMut, kind: u8, write: impl FnOnce(&mut BytesMut)) {
    out.put_u8(kind);
    let start = out.len();
    out.put_u32(0);
    write(out);
    patch_length(out, start);
}

/// Writes the length of what follows `start`, the four bytes of the length included.
#[inline]
pub(in crate::pg) fn patch_length(out: &mut BytesMut, start: usize) {
    let length = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

fn put_string(out: &mut BytesMut, text: &str) {
    // A NUL inside would end the string early and shift all that follows.
    match memchr::memchr(0, text.as_bytes()) {
        None => out.put_slice(text.as_bytes()),
        Some(end) => out.put_slice(&text.as_bytes()[..end]),
    }
    out.put_u8(0);
}

pub(in crate::pg) fn authentication_ok(out: &mut BytesMut) {
    message(out, b'R', |out| out.put_u32(0));
}

pub(in crate::pg) fn authentication_sasl(out: &mut BytesMut, mechanisms: &[&str]) {
    message(out, b'R', |out| {
        out.put_u32(10);
        for mechanism in mechanisms {
            put_string(out, mechanism);
        }
        out.put_u8(0);
    });
}

pub(in crate::pg) fn authentication_sasl_continue(out: &mut BytesMut, data: &[u8]) {
    message(out, b'R', |out| {
        out.put_u32(11);
        out.put_slice(data);
    });
}

pub(in crate::pg) fn authentication_sasl_final(out: &mut BytesMut, data: &[u8]) {
    message(out, b'R', |out| {
        out.put_u32(12);
        out.put_slice(data);
    });
}

pub(in crate::pg) fn negotiate_protocol_version(
    out: &mut BytesMut,
    version: Version,
    unknown_options: &[&str],
) {
    message(out, b'v', |out| {
        out.put_u32(version.0);
        out.put_u32(u32::try_from(unknown_options.len()).unwrap_or(u32::MAX));
        for option in unknown_options {
            put_string(out, option);
        }
    });
}

pub(in crate::pg) fn parameter_status(out: &mut BytesMut, name: &str, value: &str) {
    message(out, b'S', |out| {
        put_string(out, name);
        put_string(out, value);
    });
}

pub(in crate::pg) fn notification_response(
    out: &mut BytesMut,
    pid: i32,
    channel: &str,
    payload: &str,
) {
    message(out, b'A', |out| {
        out.put_i32(pid);
        put_string(out, channel);
        put_string(out, payload);
    });
}

pub(in crate::pg) fn backend_key_data(out: &mut BytesMut, pid: i32, secret: &[u8]) {
    message(out, b'K', |out| {
        out.put_i32(pid);
        out.put_slice(secret);
    });
}

pub(in crate::pg) fn ready_for_query(out: &mut BytesMut, status: u8) {
    out.put_slice(&[b'Z', 0, 0, 0, 5, status]);
}

pub(in crate::pg) fn parse_complete(out: &mut BytesMut) {
    out.put_slice(&[b'1', 0, 0, 0, 4]);
}

pub(in crate::pg) fn bind_complete(out: &mut BytesMut) {
    out.put_slice(&[b'2', 0, 0, 0, 4]);
}

pub(in crate::pg) fn close_complete(out: &mut BytesMut) {
    out.put_slice(&[b'3', 0, 0, 0, 4]);
}

pub(in crate::pg) fn no_data(out: &mut BytesMut) {
    out.put_slice(&[b'n', 0, 0, 0, 4]);
}

pub(in crate::pg) fn empty_query_response(out: &mut BytesMut) {
    out.put_slice(&[b'I', 0, 0, 0, 4]);
}

pub(in crate::pg) fn portal_suspended(out: &mut BytesMut) {
    out.put_slice(&[b's', 0, 0, 0, 4]);
}

pub(in crate::pg) fn copy_done(out: &mut BytesMut) {
    out.put_slice(&[b'c', 0, 0, 0, 4]);
}

pub(in crate::pg) fn command_complete(out: &mut BytesMut, tag: &str) {
    message(out, b'C', |out| put_string(out, tag));
}

pub(in crate::pg) fn parameter_description(
    out: &mut BytesMut,
    oids: impl ExactSizeIterator<Item = u32>,
) {
    message(out, b't', |out| {
        out.put_u16(u16::try_from(oids.len()).unwrap_or(u16::MAX));
        for oid in oids {
            out.put_u32(oid);
        }
    });
}

/// One column of a RowDescription.
#[derive(Clone, Copy, Debug)]
pub(in crate::pg) struct Field<'a> {
    pub(in crate::pg) name: &'a str,
    pub(in crate::pg) table: u32,
    pub(in crate::pg) attribute: i16,
    pub(in crate::pg) oid: u32,
    pub(in crate::pg) length: i16,
    pub(in crate::pg) modifier: i32,
    pub(in crate::pg) binary: bool,
}

pub(in crate::pg) fn row_description<'a>(
    out: &mut BytesMut,
    fields: impl ExactSizeIterator<Item = Field<'a>>,
) {
    message(out, b'T', |out| {
        out.put_u16(u16::try_from(fields.len()).unwrap_or(u16::MAX));
        for field in fields {
            put_string(out, field.name);
            out.put_u32(field.table);
            out.put_i16(field.attribute);
            out.put_u32(field.oid);
            out.put_i16(field.length);
            out.put_i32(field.modifier);
            out.put_i16(i16::from(field.binary));
        }
    });
}

/// CopyInResponse (`G`) or CopyOutResponse (`H`): all columns in one format.
pub(in crate::pg) fn copy_response(out: &mut BytesMut, kind: u8, binary: bool, columns: usize) {
    message(out, kind, |out| {
        out.put_u8(u8::from(binary));
        let columns = u16::try_from(columns).unwrap_or(u16::MAX);
        out.put_u16(columns);
        for _ in 0..columns {
            out.put_u16(u16::from(binary));
        }
    });
}

/// ErrorResponse or NoticeResponse, by the severity.
pub(in crate::pg) fn error_or_notice(out: &mut BytesMut, error: &SqlError) {
    let fields = error.fields();
    let kind = match fields.severity {
        Severity::Info | Severity::Notice | Severity::Warning => b'N',
        Severity::Error | Severity::Fatal | Severity::Panic => b'E',
    };
    message(out, kind, |out| {
        let mut field = |code: u8, value: &str| {
            out.put_u8(code);
            put_string(out, value);
        };
        field(b'S', fields.severity.as_str());
        field(b'V', fields.severity.as_str());
        field(b'C', fields.code.as_str());
        field(b'M', &fields.message);
        if let Some(position) = fields.position {
            field(b'P', &position.to_string());
        }
        for (code, value) in [
            (b'D', &fields.detail),
            (b'H', &fields.hint),
            (b'W', &fields.context),
            (b's', &fields.schema),
            (b't', &fields.table),
            (b'c', &fields.column),
            (b'n', &fields.constraint),
        ] {
            if let Some(value) = value {
                field(code, value);
            }
        }
        out.put_u8(0);
    });
}
