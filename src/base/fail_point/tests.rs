//! Each fail point is told apart from the others.

use super::FailPoint;

#[test]
fn a_point_stands_at_its_own_place() {
    for (place, point) in FailPoint::ALL.into_iter().enumerate() {
        assert_eq!(point as usize, place, "{}", point.name());
    }
}

#[test]
fn an_unknown_name_arms_nothing() {
    assert!(!FailPoint::arm("no-such-point"));
    FailPoint::ALL.into_iter().for_each(FailPoint::reach);
}
