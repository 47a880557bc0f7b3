//! Every limit of Redkite, each with its reason. Units stand last in the name. The relations
//! between limits are asserted at compile time below.

/// PostgreSQL's `NAMEDATALEN - 1`: longer names are cut, with a NOTICE.
pub const IDENTIFIER_BYTES_MAX: usize = 63;
/// PostgreSQL's limit on the columns of a table (`MaxHeapAttributeNumber`).
pub const TABLE_COLUMNS_MAX: usize = 1600;
/// The extended protocol counts parameters in 16 bits.
pub const PARAMETERS_MAX: usize = 65_535;
/// pgvector's storage limit (`VECTOR_MAX_DIM`): ours for the type as well.
pub const VECTOR_DIMENSIONS_MAX: usize = 16_000;
/// pgvector's limit on a sparse vector's dimensions (`SPARSEVEC_MAX_DIM`).
pub const SPARSE_DIMENSIONS_MAX: u32 = 1_000_000_000;
/// pgvector's limit on a sparse vector's elements that are not zero (`SPARSEVEC_MAX_NNZ`).
pub const SPARSE_ELEMENTS_MAX: usize = 16_000;
/// A frontend message: PostgreSQL's limit on one datum (1 GiB) bounds what a client can mean.
pub const MESSAGE_BYTES_MAX: usize = 1 << 30;
/// A message before authentication: a stranger must not make the server hold more.
pub const STARTUP_MESSAGE_BYTES_MAX: usize = 10_000;
/// A query string: tokens are numbered with 32 bits, and are about as large as their text.
pub const QUERY_STRING_BYTES_MAX: usize = 256 << 20;
/// Parentheses and the like within each other in an expression: sqlparser, DataFusion and our
/// own passes recurse that deep.
pub const EXPRESSION_DEPTH_MAX: usize = 128;
/// Operators in a row (`a + b + c ..`), which make a tree as deep as the row is long.
pub const OPERATOR_CHAIN_MAX: usize = 200;
/// `AND`s and `OR`s in a row: their tree is balanced once it is read.
pub const LOGICAL_CHAIN_MAX: usize = 2_000;
/// Rows that a `SCROLL` cursor keeps to go back to: a session holds them until it is closed.
pub const CURSOR_BYTES_MAX: usize = 256 << 20;
/// A value of a variable of a `DO` block: a loop that doubles a text ends before the memory does.
pub const VARIABLE_BYTES_MAX: usize = 256 << 20;
/// Items that a step of a JSON path may find: `$.**.**` finds the same ones again and again.
pub const JSON_PATH_ITEMS_MAX: usize = 10_000_000;
/// A SASL message (PostgreSQL's `PG_MAX_SASL_MESSAGE_LENGTH`): names and nonces are short.
pub const SASL_MESSAGE_BYTES_MAX: usize = 1_024;
/// Connections that have not proved who they are: each holds a socket and some buffers.
pub const CONNECTIONS_UNAUTHENTICATED_MAX: usize = 1_000;
/// Bytes of COPY data that a batch may hold, however few rows they are: bounds what a
/// connection holds besides the transaction's own buffer.
pub const COPY_BATCH_BYTES_MAX: usize = 8 << 20;
/// Files that one COPY reads by a pattern: each is open until it ends.
pub const COPY_FILES_MAX: usize = 1_000;
/// What one read of a file asks for: few requests to a bucket.
pub const COPY_READ_BYTES: usize = 4 << 20;
/// Such reads that are on their way at once.
pub const COPY_READS_AHEAD: usize = 3;
/// Threads that decode the Parquet files of one COPY.
pub const COPY_THREADS_MAX: usize = 4;
/// Threads that decode the Parquet files of all COPYs of a node: they wait for whoever stores the rows,
/// which takes threads too.
pub const COPY_NODE_THREADS_MAX: usize = 16;
/// What each of them holds of the files' bytes besides the page that it decodes.
pub const COPY_THREAD_BYTES_MAX: usize = 32 << 20;
/// A page or a footer of a Parquet file: it must be whole in memory.
pub const COPY_PAGE_BYTES_MAX: usize = 256 << 20;
/// Bytes of rows from which COPY makes a row group of a Parquet file.
pub const COPY_GROUP_BYTES: usize = 32 << 20;
/// Rows of such a row group.
pub const COPY_GROUP_ROWS_MAX: usize = 1 << 20;

/// etcd refuses a transaction of more operations by default (`--max-txn-ops`); compares and
/// puts count each.
pub const METADATA_TRANSACTION_OPERATIONS_MAX: usize = 128;
/// etcd refuses a request above 1.5 MiB by default (`--max-request-bytes`).
pub const METADATA_TRANSACTION_BYTES_MAX: usize = 1_500_000;
/// The embedded store takes larger transactions: one is staged in memory and written at once.
pub const EMBEDDED_TRANSACTION_OPERATIONS_MAX: usize = 65_536;
/// Bytes of a transaction of the embedded store, for the same reason.
pub const EMBEDDED_TRANSACTION_BYTES_MAX: usize = 64 << 20;
/// History that the embedded store keeps for watchers that lag: beyond it they read all again.
pub const METADATA_HISTORY_BYTES_MAX: usize = 64 << 20;
/// A response of etcd: a page of keys, or what a lagging watch gets at once (etcd packs up to
/// 1,000 revisions).
pub const ETCD_RESPONSE_BYTES_MAX: usize = 1 << 30;
/// Metadata of one commit, change-set included: what mirrors must hold in memory for it.
pub const CHANGE_SET_BYTES_MAX: usize = 64 << 20;
/// A commit of up to this much rides inside the metadata transaction: beyond, one object
/// costs less than its bytes cost in etcd's quorum.
pub const INLINE_COMMIT_BYTES_MAX: usize = 64 << 10;
/// Inline bytes of a table that are not yet an object: past it commits take the object path.
pub const INLINE_TABLE_BYTES_MAX: usize = 16 << 20;

/// Rows of a table that a transaction locks (`FOR UPDATE`) and does not change, as their numbers,
/// packed: they ride in the metadata transaction.
pub const ROW_LOCKS_BYTES_MAX: usize = 256 << 10;
/// What one transaction says by NOTIFY: it rides in the metadata transaction.
pub const NOTIFICATION_BYTES_MAX: usize = 256 << 10;
/// What was said by NOTIFY and some node has not heard yet: every node holds it in memory.
pub const NOTIFICATIONS_BYTES_MAX: usize = 16 << 20;
/// A payload of NOTIFY (PostgreSQL's `NOTIFY_PAYLOAD_MAX_LENGTH`).
pub const NOTIFICATION_PAYLOAD_BYTES_MAX: usize = 7_999;
/// What waits for a client that listens and does not read.
pub const INBOX_BYTES_MAX: usize = 16 << 20;

/// Rows of a data object: positions are 32 bits, and a merge must fit memory.
pub const SEGMENT_ROWS_MAX: usize = 4 << 20;
/// Bytes of rows in memory at which a transaction writes a segment early.
pub const SEGMENT_BUFFER_BYTES_MAX: usize = 128 << 20;
/// Rows of a Parquet row group: what a point look-up decodes at most.
pub const ROW_GROUP_ROWS: usize = 16_384;
/// Rows of a batch between operators: DataFusion's default.
pub const BATCH_ROWS: usize = 8_192;

/// Rows of a segment from which a vector index is built over it: fewer are compared one by one in
/// the time that a search through an index takes.
pub const INDEX_ROWS_MIN: u64 = 2_048;

/// Bits of a vector that an index is over (pgvector's limit of both its kinds).
pub const INDEX_BITS_MAX: usize = 64_000;
/// Lists of an index (pgvector's `IVFFLAT_MAX_LISTS`).
pub const INDEX_LISTS_MAX: u32 = 32_768;
/// Bytes of the numbers that a sample of a segment's bits is made into at most.
pub const INDEX_SAMPLE_BYTES_MAX: usize = 256 << 20;
/// Memory for building an index where its definition says nothing (`maintenance_work_mem`).
pub const INDEX_BUILD_BYTES_DEFAULT: u64 = 512 << 20;
/// Rows that a part is built over, however little memory there is: fewer would make searches slow.
pub const INDEX_PART_ROWS_MIN: u64 = 16 << 10;

/// Labels of an enum: its Arrow type, which every field of it carries, names them all.
pub const ENUM_LABELS_MAX: usize = 4_096;

/// Row ids that a node takes from metadata at once.
pub const ROW_ID_BLOCK: u64 = 1 << 20;
/// Sequence values that a node caches.
pub const SEQUENCE_CACHE_DEFAULT: i64 = 32;
/// Plans that the connections of a node share.
pub const CACHED_PLANS_MAX: usize = 1_024;
/// The text of a longer statement is rarely met again.
pub const CACHED_PLAN_TEXT_BYTES_MAX: usize = 16 << 10;
/// Statements that `pg_stat_statements` counts (PostgreSQL's `pg_stat_statements.max`).
pub const STATEMENT_STATISTICS_MAX: usize = 5_000;
/// Rows that a subquery gave for values of rows around it, remembered for rows with the same ones.
pub const REMEMBERED_ROWS_MAX: usize = 64 << 10;
/// Times that an autocommit statement is run again after a lost race, before 40001.
pub const AUTOCOMMIT_ATTEMPTS_MAX: u32 = 100;

const _: () = assert!(INLINE_COMMIT_BYTES_MAX < METADATA_TRANSACTION_BYTES_MAX);
const _: () = assert!(SEGMENT_ROWS_MAX < u32::MAX as usize);
