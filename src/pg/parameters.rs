//! The values of a Bind message.

use datafusion::scalar::ScalarValue;

use super::message::frontend::Bind;
use crate::base::{Result, SqlError, SqlState};
use crate::types::{PgType, TextContext, parse_binary, parse_text, utf8};

/// Decodes the values for a statement of these parameter types.
pub(super) fn decode(
    bind: &Bind<'_>,
    types: &[PgType],
    context: &TextContext,
) -> Result<Vec<ScalarValue>> {
    let (formats, values) = (bind.formats.count(), bind.parameters.count());
    if formats > 1 && formats != values {
        return Err(SqlError::new(
            SqlState::PROTOCOL_VIOLATION,
            format!("bind message has {formats} parameter formats but {values} parameters"),
        ));
    }
    if values != types.len() {
        return Err(SqlError::new(
            SqlState::PROTOCOL_VIOLATION,
            format!(
                "bind message supplies {values} parameters, but prepared statement \"{}\" \
                 requires {}",
                bind.statement,
                types.len()
            ),
        ));
    }
    let mut decoded = Vec::with_capacity(types.len());
    for (index, (ty, value)) in types.iter().zip(bind.parameters.iter()).enumerate() {
        let value = match value {
            None => null(ty),
            Some(bytes) if bind.formats.is_binary(index)? => parse_binary(ty, bytes),
            Some(bytes) => utf8(bytes).and_then(|text| parse_text(ty, text, context)),
        };
        decoded.push(value.map_err(|error| locate(error, bind.portal, index))?);
    }
    Ok(decoded)
}

/// Says which parameter an error is about, as PostgreSQL does.
fn locate(error: SqlError, portal: &str, index: usize) -> SqlError {
    let number = index + 1;
    error.with_context(if portal.is_empty() {
        format!("unnamed portal parameter ${number}")
    } else {
        format!("portal \"{portal}\" parameter ${number}")
    })
}

fn null(ty: &PgType) -> Result<ScalarValue> {
    ScalarValue::try_from(&ty.arrow())
        .map_err(|error| SqlError::internal(format!("no NULL of type {}: {error}", ty.name())))
}
