//! Rank 5: what exists at a revision: schemas, tables with their rows, sequences, functions, roles.
//!
//! [`Snapshot`] is the typed form of the whole keyspace, kept by the metadata mirror: immutable,
//! structurally shared, never half a revision. [`Keys`] is the key layout. An [`Edit`] is a
//! change of definitions as one metadata transaction, made from a snapshot; `txn` publishes it.
//! [`access`] decides who may do what.
//!
//! May use `store`, `segment`, `types`. Never does I/O.

pub mod access;
mod comments;
mod definition;
mod edit;
mod foreign_key;
mod function;
mod inline;
mod keys;
mod lookup;
mod notification;
mod snapshot;
pub mod system;
mod table;
mod user_type;

pub use comments::{Commented, Comments};
pub use definition::{
    CheckDef, ColumnDef, DatabaseDef, DefaultGrants, ExtensionDef, GrantsDef, IdentityDef,
    IndexColumnDef, IndexDef, KeyDef, MaterializedDef, Membership, RoleDef, SchemaDef, SequenceDef,
    TableDef, TypeDef, VectorIndexDef, ViewDef,
};
pub use edit::Edit;
pub use foreign_key::{ForeignKeyDef, ReferentialActionDef};
pub use function::{ArgumentDef, ArgumentMode, BodyForm, FunctionDef, ReturnsDef, Volatility};
pub use inline::InlineSegments;
pub use keys::{Key, Keys};
pub use lookup::{Relation, RelationName};
pub use notification::{Notification, Notifications, encode_notifications};
pub use snapshot::{ChangeSetParts, Snapshot};
pub use table::{Table, table_schema};
pub use user_type::{DomainDef, EnumLabelDef, UserTypeDef, UserTypeKind, undefined_type};
