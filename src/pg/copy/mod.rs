//! COPY's three formats, streaming both ways in bounded memory: a [`Decoder`] makes batches of
//! the messages that come in, an [`Encoder`] makes messages of the batches that go out.

mod batch;
mod binary;
mod decoder;
mod fields;
mod lines;
mod names;
mod output;

use crate::base::{Result, SqlError, SqlState};
use crate::plan::statement::CopyOptions;

/// There is one encoding; another one named in ENCODING is refused rather than misread.
fn check_encoding(options: &CopyOptions) -> Result<()> {
    let Some(name) = &options.encoding else {
        return Ok(());
    };
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    match plain.to_ascii_lowercase().as_str() {
        "utf8" | "unicode" => Ok(()),
        _ => Err(SqlError::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            format!("COPY in encoding \"{name}\" is not supported"),
        )
        .with_hint("Redkite stores and speaks UTF8.")),
    }
}

pub(super) use decoder::Decoder;
pub(super) use output::Encoder;
