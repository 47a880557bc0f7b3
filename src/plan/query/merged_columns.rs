//! Joins with USING or NATURAL whose merged columns DataFusion would take from the wrong side.

use sqlparser::ast::{JoinConstraint, JoinOperator, Select, SelectItem, TableFactor};

use super::names::fold;

/// Whether a join's merged columns come from its right side: DataFusion takes the left one's.
pub(super) fn merges_columns(join: &JoinOperator) -> bool {
    let constraint = match join {
        JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint) => constraint,
        _ => return false,
    };
    matches!(constraint, JoinConstraint::Using(_) | JoinConstraint::Natural)
}

/// Whether `*` would show the merged column of a left join's right side, which may be NULL:
/// DataFusion takes the one whose table's name comes first.
pub(super) fn merges_from_right(select: &Select) -> bool {
    let name = |factor: &TableFactor| match factor {
        TableFactor::Table { name, alias, .. } => {
            let last = name.0.last().and_then(|part| part.as_ident());
            alias.as_ref().map(|alias| &alias.name).or(last).map(fold)
        }
        TableFactor::Derived { alias, .. } => alias.as_ref().map(|alias| fold(&alias.name)),
        _ => None,
    };
    let wildcard = select.projection.iter().any(|item| matches!(item, SelectItem::Wildcard(_)));
    wildcard
        && select.from.iter().any(|from| {
            let first = name(&from.relation);
            from.joins.iter().any(|join| {
                let (JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint)) =
                    &join.join_operator
                else {
                    return false;
                };
                let merged =
                    matches!(constraint, JoinConstraint::Using(_) | JoinConstraint::Natural);
                merged && name(&join.relation) < first
            })
        })
}
