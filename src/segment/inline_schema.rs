//! Schemas of inline rows, and the messages that say them in an Arrow stream. Commits to a table have one
//! schema, and writing or reading that takes longer than a row does: those used last are kept.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::convert::fb_to_schema;
use arrow::ipc::root_as_message;
use arrow::ipc::writer::{DictionaryTracker, IpcDataGenerator, IpcWriteOptions, write_message};
use parking_lot::Mutex;

/// Schemas that are kept: of the tables that many small commits go to.
const KEPT_MAX: usize = 64;

/// The schemas used last, the last one first.
#[derive(Debug)]
pub(super) struct InlineSchemas(Mutex<VecDeque<Known>>);

#[derive(Debug, Clone)]
struct Known {
    schema: SchemaRef,
    message: Arc<[u8]>,
}

/// Those of this process. What they say does not depend on who asked before.
pub(super) static SCHEMAS: InlineSchemas = InlineSchemas(Mutex::new(VecDeque::new()));

impl InlineSchemas {
    /// The message that says a schema, framed as a stream has it.
    ///
    /// # Errors
    /// When Arrow can't write it.
    pub(super) fn message(&self, schema: &SchemaRef) -> Result<Arc<[u8]>, ArrowError> {
        let same = |known: &Known| Arc::ptr_eq(&known.schema, schema) || known.schema == *schema;
        if let Some(known) = self.find(same) {
            return Ok(known.message);
        }
        let options = IpcWriteOptions::default();
        let mut dictionaries = DictionaryTracker::new(false);
        let generator = IpcDataGenerator::default();
        let encoded =
            generator.schema_to_bytes_with_dictionary_tracker(schema, &mut dictionaries, &options);
        let mut message = Vec::new();
        write_message(&mut message, encoded, &options)?;
        let known = Known { schema: Arc::clone(schema), message: message.into() };
        self.keep(&known);
        Ok(known.message)
    }

    /// The schema that a framed message says; `said` is what the frame holds.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn schema(&self, message: &[u8], said: &[u8]) -> Result<SchemaRef, String> {
        if let Some(known) = self.find(|known| *known.message == *message) {
            return Ok(known.schema);
        }
        let said = said.to_vec();
        let said = root_as_message(&said).map_err(|error| error.to_string())?;
        let schema = said.header_as_schema().ok_or("no schema")?;
        let known = Known { schema: Arc::new(fb_to_schema(schema)), message: message.into() };
        self.keep(&known);
        Ok(known.schema)
    }

    fn find(&self, is_wanted: impl FnMut(&Known) -> bool) -> Option<Known> {
        let mut kept = self.0.lock();
        let at = kept.iter().position(is_wanted)?;
        if at > 0 {
            let known = kept.remove(at)?;
            kept.push_front(known);
        }
        kept.front().cloned()
    }

    fn keep(&self, known: &Known) {
        let mut kept = self.0.lock();
        kept.truncate(KEPT_MAX - 1);
        kept.push_front(known.clone());
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;

    #[test]
    fn a_schema_comes_back_and_the_ones_used_last_are_kept() {
        let schemas = InlineSchemas(Mutex::new(VecDeque::new()));
        let schema = |name: usize| {
            let field = Field::new(format!("c{name}"), DataType::Int64, true);
            Arc::new(Schema::new(vec![field])) as SchemaRef
        };
        let first = schemas.message(&schema(0)).unwrap();
        for name in 1..2 * KEPT_MAX {
            schemas.message(&schema(name)).unwrap();
            assert!(Arc::ptr_eq(&first, &schemas.message(&schema(0)).unwrap()));
        }
        assert_eq!(schemas.0.lock().len(), KEPT_MAX);
        let others = InlineSchemas(Mutex::new(VecDeque::new()));
        let read = others.schema(&first, &first[8..]).unwrap();
        assert_eq!(read, schema(0));
        assert!(Arc::ptr_eq(&read, &others.schema(&first, &first[8..]).unwrap()));
        assert!(others.schema(&first[8..], &first[8..20]).is_err());
    }
}
