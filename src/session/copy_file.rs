//! COPY with files and objects on the server's side: read and written whole within the statement, so
//! that it can be cancelled, and run again after a lost race.

use bytes::BytesMut;
use futures::{StreamExt, TryStreamExt};

use crate::base::limits::COPY_READ_BYTES;
use crate::base::{Result, SqlError};
use crate::copy::{CopyFormat, Decoder, Encoder, ParquetTarget, read_parquet};
use crate::plan::statement::Copy;
use crate::plan::{OutputColumn, sql_error};
use crate::store::object::{OutsideSource, OutsideTarget};
use crate::types::PgType;

use super::connection::Session;
use super::copy::{Filling, Flowing, copy_tag};
use super::outcome::Outcome;

impl Session {
    pub(super) async fn copy_from_file(
        &mut self,
        copy: &Copy,
        name: &str,
        mut filling: Filling,
    ) -> Result<Outcome> {
        let sources = self.server.parts.outside.open(name).await?;
        filling.progress.expect_bytes(sources.iter().map(OutsideSource::length).sum());
        match copy.options.format {
            CopyFormat::Parquet => self.fill_from_parquet(sources, &mut filling).await?,
            CopyFormat::Text | CopyFormat::Csv | CopyFormat::Binary => {
                self.fill_from_lines(copy, sources, &mut filling).await?;
            }
        }
        self.finish_filling(&mut filling).await?;
        Ok(Outcome::command(copy_tag(&filling.progress)))
    }

    async fn fill_from_parquet(
        &mut self,
        sources: Vec<OutsideSource>,
        filling: &mut Filling,
    ) -> Result<()> {
        let context = format!("COPY {}", filling.table());
        let mut reading = read_parquet(sources, filling.table(), &filling.columns, filling.listed);
        while let Some((rows, bytes)) = reading.next().await? {
            filling.progress.add_bytes(bytes);
            self.take_rows(filling, rows, || context.clone()).await?;
        }
        Ok(())
    }

    async fn fill_from_lines(
        &mut self,
        copy: &Copy,
        sources: Vec<OutsideSource>,
        filling: &mut Filling,
    ) -> Result<()> {
        let (context, table) = (self.text_context(), filling.table().to_owned());
        let mut decoder = Decoder::new(&table, &filling.columns, &copy.options, context)?;
        let several = sources.len() > 1;
        for source in sources {
            if several {
                decoder.next_file(&format!("{table}, file \"{}\"", source.name()));
            }
            let mut pieces = source.pieces();
            while let Some(piece) = pieces.try_next().await? {
                self.take_data(filling, &mut decoder, Some(BytesMut::from(piece))).await?;
            }
            self.take_data(filling, &mut decoder, None).await?;
        }
        if let Some(notice) = decoder.skipped_notice() {
            self.notice(notice);
        }
        Ok(())
    }

    pub(super) async fn copy_to_file(
        &mut self,
        copy: &Copy,
        name: &str,
        flowing: Flowing,
    ) -> Result<Outcome> {
        let target = self.server.parts.outside.create(name).await?;
        let progress = std::sync::Arc::clone(&flowing.progress);
        match copy.options.format {
            CopyFormat::Parquet => self.write_parquet(copy, target, flowing).await?,
            CopyFormat::Text | CopyFormat::Csv | CopyFormat::Binary => {
                self.write_lines(copy, target, flowing).await?;
            }
        }
        Ok(Outcome::command(copy_tag(&progress)))
    }

    async fn write_parquet(
        &self,
        copy: &Copy,
        target: OutsideTarget,
        mut flowing: Flowing,
    ) -> Result<()> {
        let columns = shape(&flowing.columns);
        let (schema, context) = (flowing.stream.schema(), self.text_context());
        let mut parquet = ParquetTarget::new(target, &columns, &schema, &copy.options, &context)?;
        let mut written = 0;
        while let Some(batch) = flowing.stream.next().await {
            let batch = batch.map_err(sql_error)?;
            let rows = batch.num_rows() as u64;
            let now = parquet.write(batch).await?;
            flowing.progress.add_rows(rows);
            flowing.progress.add_bytes(now - written);
            written = now;
        }
        let now = parquet.finish().await?;
        flowing.progress.add_bytes(now - written);
        Ok(())
    }

    async fn write_lines(
        &self,
        copy: &Copy,
        mut target: OutsideTarget,
        mut flowing: Flowing,
    ) -> Result<()> {
        let columns = shape(&flowing.columns);
        let mut encoder = Encoder::new(columns.into_iter(), &copy.options, self.text_context())?;
        let mut out = BytesMut::from(encoder.signature());
        encoder.header(&mut out);
        while let Some(batch) = flowing.stream.next().await {
            let batch = batch.map_err(sql_error)?;
            let mut encoders = encoder.batch(&batch)?;
            for row in 0..batch.num_rows() {
                encoder.row(&mut out, &mut encoders, row)?;
                if out.len() >= COPY_READ_BYTES {
                    let bytes = out.split().freeze();
                    flowing.progress.add_bytes(bytes.len() as u64);
                    target.write(bytes).await?;
                }
            }
            flowing.progress.add_rows(batch.num_rows() as u64);
        }
        out.extend_from_slice(encoder.trailer());
        flowing.progress.add_bytes(out.len() as u64);
        target.write(out.freeze()).await?;
        target.finish().await.map_err(SqlError::from)
    }
}

/// The columns' names and types.
fn shape(columns: &[OutputColumn]) -> Vec<(&str, &PgType)> {
    columns.iter().map(|column| (column.name.as_str(), &column.ty)).collect()
}
