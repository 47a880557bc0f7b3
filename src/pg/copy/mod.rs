//! COPY's three formats, streaming both ways in bounded memory: a [`Decoder`] makes batches of
//! the messages that come in, an [`Encoder`] makes messages of the batches that go out.

mod batch;
mod binary;
mod decoder;
mod fields;
mod lines;
mod names;
mod output;

pub(super) use decoder::Decoder;
pub(super) use output::Encoder;
