//! What CREATE INDEX asks of a vector index: pgvector's access methods, operator classes and
//! options, with its errors, and our own kind beside them.

use crate::base::{Result, SqlError, SqlState};
use crate::catalog::{ColumnDef, TableDef, TypeDef, VectorIndexDef};
use crate::index::{DefinitionError, Elements, IndexKind, IndexSpec, Metric};
use crate::plan::data_type_of;
use crate::plan::statement::{CreateIndex, IndexColumn, StorageOption};
use crate::types::{PgType, dimensions_differ};
use sqlparser::ast::{Expr, FunctionArg, FunctionArgExpr, FunctionArguments};

/// An access method that builds something over vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VectorMethod {
    Hnsw,
    IvfFlat,
    Redkite,
}

/// pgvector's operator classes: over which type, for which metric. An index over `halfvec` is one
/// over the same numbers with 32 bits.
const OPERATOR_CLASSES: &[(&str, PgType, Metric)] = &[
    ("vector_l2_ops", PgType::Vector(None), Metric::L2),
    ("vector_ip_ops", PgType::Vector(None), Metric::InnerProduct),
    ("vector_cosine_ops", PgType::Vector(None), Metric::Cosine),
    ("vector_l1_ops", PgType::Vector(None), Metric::L1),
    ("halfvec_l2_ops", PgType::Halfvec(None), Metric::L2),
    ("halfvec_ip_ops", PgType::Halfvec(None), Metric::InnerProduct),
    ("halfvec_cosine_ops", PgType::Halfvec(None), Metric::Cosine),
    ("halfvec_l1_ops", PgType::Halfvec(None), Metric::L1),
    ("bit_hamming_ops", PgType::Bit(None), Metric::Hamming),
    ("bit_jaccard_ops", PgType::Bit(None), Metric::Jaccard),
    ("sparsevec_l2_ops", PgType::Sparsevec(None), Metric::L2),
    ("sparsevec_ip_ops", PgType::Sparsevec(None), Metric::InnerProduct),
    ("sparsevec_cosine_ops", PgType::Sparsevec(None), Metric::Cosine),
    ("sparsevec_l1_ops", PgType::Sparsevec(None), Metric::L1),
];

impl VectorMethod {
    /// The method that `USING` names.
    pub(super) fn of(name: &str) -> Option<Self> {
        [Self::Hnsw, Self::IvfFlat, Self::Redkite].into_iter().find(|method| method.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Hnsw => "hnsw",
            Self::IvfFlat => "ivfflat",
            Self::Redkite => "redkite",
        }
    }

    /// What is to be built, in so many bytes of memory; nothing over expressions other than casts.
    pub(super) fn define(
        self,
        table: &TableDef,
        create: &CreateIndex,
        memory: u64,
    ) -> Result<Option<VectorIndexDef>> {
        let unsupported = |what: &str| {
            let message = format!("access method \"{}\" does not support {what}", self.name());
            Err(SqlError::unsupported(message))
        };
        if create.unique {
            return unsupported("unique indexes");
        }
        if !create.include.is_empty() {
            return unsupported("included columns");
        }
        let [part] = create.columns.as_slice() else {
            return unsupported("multicolumn indexes");
        };
        if part.descending || part.nulls_first.is_some() {
            let what = if part.descending { "ASC/DESC" } else { "NULLS FIRST/LAST" };
            return unsupported(&format!("{what} options"));
        }
        let (column, cast) = match part.column.as_ref().and_then(|name| table.column(name)) {
            Some(column) => (column, None),
            None => match cast_of_column(table, part) {
                Some((column, ty)) => (column, Some(ty)),
                None => {
                    self.kind(&create.options)?;
                    if let Some(class) = &part.operator_class {
                        self.class_named(&class.name)?;
                    }
                    return Ok(None);
                }
            },
        };
        let declared = column.ty.pg_type();
        let ty = cast.as_ref().unwrap_or(&declared);
        let metric = self.metric(ty, part)?;
        let dimensions = dimensions(ty)?;
        if let (Some(_), Some(found)) = (&cast, dimensions_of(&declared))
            && found != dimensions
        {
            return Err(match ty {
                PgType::Bit(_) => other_length(found),
                _ => dimensions_differ(dimensions, found),
            });
        }
        let elements = match ty {
            PgType::Bit(_) => Elements::Bits,
            PgType::Sparsevec(_) => Elements::Sparse,
            _ => Elements::Numbers,
        };
        let kind = self.kind(&create.options)?;
        let spec = IndexSpec { kind, metric, dimensions, elements };
        spec.check().map_err(refused)?;
        let cast = cast.as_ref().map(TypeDef::from);
        Ok(Some(VectorIndexDef { column: column.id, cast, spec, memory }))
    }

    fn metric(self, ty: &PgType, part: &IndexColumn) -> Result<Metric> {
        let Some(class) = &part.operator_class else {
            // Only ivfflat has a default in pgvector, over `vector`; our own kind has one for both.
            return match (self, ty) {
                (Self::IvfFlat | Self::Redkite, PgType::Vector(_))
                | (Self::Redkite, PgType::Halfvec(_)) => Ok(Metric::L2),
                _ => {
                    let message = format!(
                        "data type {} has no default operator class for access method \"{}\"",
                        ty.bare().sql_name(),
                        self.name()
                    );
                    Err(SqlError::new(SqlState::UNDEFINED_OBJECT, message).with_hint(
                        "You must specify an operator class for the index or define a default \
                         operator class for the data type.",
                    ))
                }
            };
        };
        let (name, over, metric) = self.class_named(&class.name)?;
        let ty = ty.bare();
        // To PostgreSQL it is as good as `bit`, to pgvector it is not.
        if ty == PgType::Varbit(None) && *over == PgType::Bit(None) {
            let message = format!("type not supported for {} index", self.name());
            return Err(SqlError::unsupported(message));
        }
        if ty != *over {
            let message =
                format!("operator class \"{name}\" does not accept data type {}", ty.sql_name());
            return Err(SqlError::new(SqlState::DATATYPE_MISMATCH, message));
        }
        Ok(*metric)
    }

    /// An operator class of the method.
    fn class_named(self, name: &str) -> Result<&'static (&'static str, PgType, Metric)> {
        let known = OPERATOR_CLASSES.iter().find(|(known, ..)| *known == name);
        known.filter(|(_, ty, metric)| self.serves(ty, *metric)).ok_or_else(|| {
            let message = format!(
                "operator class \"{name}\" does not exist for access method \"{}\"",
                self.name()
            );
            SqlError::new(SqlState::UNDEFINED_OBJECT, message)
        })
    }

    /// pgvector has for ivfflat no classes of L1, of Jaccard and of sparse vectors. Our own kind has those
    /// of numbers.
    fn serves(self, ty: &PgType, metric: Metric) -> bool {
        match self {
            Self::Hnsw => true,
            Self::IvfFlat => {
                !matches!(ty, PgType::Sparsevec(_))
                    && !matches!(metric, Metric::L1 | Metric::Jaccard)
            }
            Self::Redkite => {
                matches!(ty, PgType::Vector(_) | PgType::Halfvec(_)) && metric != Metric::L1
            }
        }
    }

    fn kind(self, options: &[StorageOption]) -> Result<IndexKind> {
        let (mut m, mut ef_construction) =
            (IndexKind::M_DEFAULT, IndexKind::EF_CONSTRUCTION_DEFAULT);
        let mut lists = None;
        for option in options {
            match (self, option.name.as_str()) {
                (Self::Hnsw, "m") => m = number(option)?,
                (Self::Hnsw, "ef_construction") => ef_construction = number(option)?,
                (Self::IvfFlat | Self::Redkite, "lists") => lists = Some(number(option)?),
                (_, name) => {
                    let message = format!("unrecognized parameter \"{name}\"");
                    return Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message));
                }
            }
        }
        Ok(match self {
            Self::Hnsw => IndexKind::Hnsw { m, ef_construction },
            Self::IvfFlat => {
                IndexKind::IvfFlat { lists: lists.unwrap_or(IndexKind::LISTS_DEFAULT) }
            }
            Self::Redkite => IndexKind::Redkite { lists },
        })
    }
}

fn number(option: &StorageOption) -> Result<u32> {
    let text = option.value.as_deref().unwrap_or("true");
    text.parse().map_err(|_| {
        let message = match text.parse::<i64>() {
            Ok(_) => format!("value {text} out of bounds for option \"{}\"", option.name),
            Err(_) => format!("invalid value for integer option \"{}\": {text}", option.name),
        };
        SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
    })
}

fn dimensions(ty: &PgType) -> Result<usize> {
    dimensions_of(ty).ok_or_else(|| {
        let message = "column does not have dimensions";
        SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
    })
}

fn dimensions_of(ty: &PgType) -> Option<usize> {
    match ty {
        PgType::Vector(dimensions) | PgType::Halfvec(dimensions) => dimensions.map(usize::from),
        PgType::Bit(dimensions) | PgType::Sparsevec(dimensions) => {
            dimensions.and_then(|dimensions| usize::try_from(dimensions).ok())
        }
        _ => None,
    }
}

/// An expression without parentheses around it.
fn bare(mut expr: &Expr) -> &Expr {
    while let Expr::Nested(nested) = expr {
        expr = nested;
    }
    expr
}

/// `(column::halfvec(n))`: the column, and what it is cast to. The index is over what the column has:
/// the cast takes no more than digits from it, and searches compare what is found by the rest.
/// `(binary_quantize(column)::bit(n))`: the column, and `bit(n)`. The index is over its signs.
pub(super) fn cast_of_column<'a>(
    table: &'a TableDef,
    part: &IndexColumn,
) -> Option<(&'a ColumnDef, PgType)> {
    let (operand, ty) = match bare(&part.expression.ast) {
        Expr::Cast { expr, data_type, .. } => (bare(expr), data_type_of(data_type).ok()?),
        // Of no length, which an index refuses as pgvector does.
        other => (other, PgType::Bit(None)),
    };
    let (name, signs) = match quantized(operand) {
        Some(inner) => (bare(inner), true),
        None => (operand, false),
    };
    let Expr::Identifier(name) = name else { return None };
    let column = table.column(&name.value)?;
    let vector = |ty: &PgType| matches!(ty, PgType::Vector(_) | PgType::Halfvec(_));
    let fits = if signs { matches!(ty, PgType::Bit(_)) } else { vector(&ty) };
    (vector(&column.ty.pg_type()) && fits).then_some((column, ty))
}

/// What a call of `binary_quantize` is of.
fn quantized(expr: &Expr) -> Option<&Expr> {
    let Expr::Function(function) = expr else { return None };
    let name = function.name.0.last()?.as_ident()?;
    if name.value != "binary_quantize" {
        return None;
    }
    let FunctionArguments::List(list) = &function.args else { return None };
    match list.args.as_slice() {
        [FunctionArg::Unnamed(FunctionArgExpr::Expr(operand))] => Some(operand),
        _ => None,
    }
}

/// The error for signs of vectors of another length: PostgreSQL cuts them off or fills them up, and here
/// the index would not be over them.
fn other_length(found: usize) -> SqlError {
    let message = format!("binary_quantize of this column has {found} bits");
    SqlError::unsupported(message).with_hint(format!("Index binary_quantize(..)::bit({found})."))
}

fn refused(error: DefinitionError) -> SqlError {
    match error {
        DefinitionError::OutOfBounds { option, value, least, most } => SqlError::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("value {value} out of bounds for option \"{option}\""),
        )
        .with_detail(format!("Valid values are between \"{least}\" and \"{most}\".")),
        DefinitionError::TooManyDimensions { .. } => {
            SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, error.to_string())
        }
        other => SqlError::new(SqlState::INVALID_PARAMETER_VALUE, other.to_string()),
    }
}
