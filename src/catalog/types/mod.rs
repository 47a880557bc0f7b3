//! PostgreSQL's types: identity, Arrow form, text and binary form.
