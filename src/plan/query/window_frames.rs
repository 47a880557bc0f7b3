//! Frames of windows: their numbers without the types that literals take elsewhere, and what PostgreSQL
//! refuses of them.

use sqlparser::ast::{
    DataType, Expr, Function, Value, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowSpec,
    WindowType,
};

use super::rewrite::{null, plain_number};
use crate::base::{Result, SqlError, SqlState};

/// The frame of a function's window.
pub(super) fn plain_frame(function: &mut Function) -> Result<()> {
    match &mut function.over {
        Some(WindowType::WindowSpec(spec)) => plain_bounds(spec),
        _ => Ok(()),
    }
}

/// The frame of a window.
pub(super) fn plain_bounds(spec: &mut WindowSpec) -> Result<()> {
    let order = spec.order_by.len();
    let Some(frame) = &mut spec.window_frame else { return Ok(()) };
    for bound in std::iter::once(&mut frame.start_bound).chain(frame.end_bound.as_mut()) {
        let (WindowFrameBound::Preceding(Some(offset)) | WindowFrameBound::Following(Some(offset))) =
            bound
        else {
            continue;
        };
        plain_number(offset);
        if let Expr::Cast { expr, data_type: DataType::Interval { .. }, .. } = offset.as_mut() {
            **offset = std::mem::replace(expr.as_mut(), null());
        }
    }
    check(frame, order)
}

fn check(frame: &WindowFrame, order: usize) -> Result<()> {
    use WindowFrameBound::{CurrentRow, Following, Preceding};
    let refused = |message: &str| Err(SqlError::new(SqlState::WINDOWING_ERROR, message));
    let (start, end) = (&frame.start_bound, frame.end_bound.as_ref());
    let offset =
        |bound: &WindowFrameBound| matches!(bound, Preceding(Some(_)) | Following(Some(_)));
    if frame.units == WindowFrameUnits::Groups && order == 0 {
        return refused("GROUPS mode requires an ORDER BY clause");
    }
    let ranged = offset(start) || end.is_some_and(offset);
    if frame.units == WindowFrameUnits::Range && ranged && order != 1 {
        let message = "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column";
        return refused(message);
    }
    match (start, end) {
        (Following(None), _) => return refused("frame start cannot be UNBOUNDED FOLLOWING"),
        (_, Some(Preceding(None))) => return refused("frame end cannot be UNBOUNDED PRECEDING"),
        (CurrentRow, Some(Preceding(_))) => {
            return refused("frame starting from current row cannot have preceding rows");
        }
        (Following(_), Some(Preceding(_) | CurrentRow)) => {
            return refused("frame starting from following row cannot have preceding rows");
        }
        _ => {}
    }
    let negative = |bound: &WindowFrameBound| match bound {
        Preceding(Some(offset)) | Following(Some(offset)) => match offset.as_ref() {
            Expr::Value(value) => {
                matches!(&value.value, Value::Number(digits, _) if digits.starts_with('-'))
            }
            _ => false,
        },
        _ => false,
    };
    for (bound, which) in [(Some(start), "starting"), (end, "ending")] {
        if bound.is_some_and(negative) {
            let message = format!("frame {which} offset must not be negative");
            return Err(SqlError::new(SqlState::INVALID_PRECEDING_OR_FOLLOWING_SIZE, message));
        }
    }
    Ok(())
}
