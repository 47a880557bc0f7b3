//! PostgreSQL's keywords that are not free for use as names (`pg_get_keywords()`, release 18).
//! Unreserved keywords need no list: they are names like any other.

use std::sync::LazyLock;

/// Where a keyword may still be a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Category {
    /// Nowhere.
    Reserved,
    /// As the name of a function or type, not of a column or table.
    TypeOrFunction,
    /// As the name of a column or table, not of a function or type.
    Column,
}

const RESERVED: &str = "all analyse analyze and any array as asc asymmetric both case cast check \
    collate column constraint create current_catalog current_date current_role current_time \
    current_timestamp current_user default deferrable desc distinct do else end except false \
    fetch for foreign from grant group having in initially intersect into lateral leading limit \
    localtime localtimestamp not null offset on only or order placing primary references \
    returning select session_user some symmetric system_user table then to trailing true union \
    unique user using variadic when where window with";

const TYPE_OR_FUNCTION: &str = "authorization binary collation concurrently cross current_schema \
    freeze full ilike inner is isnull join left like natural notnull outer overlaps right \
    similar tablesample verbose";

const COLUMN: &str = "between bigint bit boolean char character coalesce dec decimal exists \
    extract float greatest grouping inout int integer interval json json_array json_arrayagg \
    json_exists json_object json_objectagg json_query json_scalar json_serialize json_table \
    json_value least merge_action national nchar none normalize nullif numeric out overlay \
    position precision real row setof smallint substring time timestamp treat trim values \
    varchar xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi \
    xmlroot xmlserialize xmltable";

/// The longest word in the lists.
const LENGTH_MAX: usize = 17;

/// The category of a word in any case; none for unreserved keywords and plain words.
pub(super) fn category(word: &str) -> Option<Category> {
    if word.len() > LENGTH_MAX || word.len() < 2 {
        return None;
    }
    let mut folded = [0; LENGTH_MAX];
    let folded = &mut folded[..word.len()];
    folded.copy_from_slice(word.as_bytes());
    folded.make_ascii_lowercase();
    let table = table();
    let at = table.binary_search_by(|(word, _)| word.as_bytes().cmp(folded)).ok()?;
    Some(table[at].1)
}

/// All three lists as one, sorted.
fn table() -> &'static [(&'static str, Category)] {
    static TABLE: LazyLock<Vec<(&'static str, Category)>> = LazyLock::new(|| {
        let lists = [
            (RESERVED, Category::Reserved),
            (TYPE_OR_FUNCTION, Category::TypeOrFunction),
            (COLUMN, Category::Column),
        ];
        let mut table: Vec<_> = lists
            .into_iter()
            .flat_map(|(words, category)| {
                words.split_ascii_whitespace().map(move |word| (word, category))
            })
            .collect();
        table.sort_unstable_by_key(|(word, _)| *word);
        table
    });
    &TABLE
}

/// Whether an identifier must be quoted because it is a keyword: PostgreSQL's `quote_ident`.
pub(crate) fn is_reserved(word: &str) -> bool {
    category(word).is_some()
}
