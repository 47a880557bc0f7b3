//! `sum` and `avg` of intervals: months, days and the rest are added up apart, and divided as `/` divides.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Field, FieldRef, Int64Type, IntervalMonthDayNanoType, IntervalUnit,
};
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::logical_expr::Accumulator;

use super::function::{external, internal};
use super::interval::{Span, out_of_range};
use crate::base::Result;

type Outcome<T> = std::result::Result<T, DataFusionError>;

/// The type of intervals.
pub(super) const INTERVAL: DataType = DataType::Interval(IntervalUnit::MonthDayNano);

/// Sums of an interval's parts, and how many were added.
#[derive(Debug, Default)]
pub(super) struct Intervals {
    /// Whether the average is asked for.
    average: bool,
    months: i64,
    days: i64,
    us: i64,
    count: i64,
}

impl Intervals {
    pub(super) fn new(average: bool) -> Self {
        Self { average, ..Self::default() }
    }

    fn add(&mut self, [months, days, us, count]: [i64; 4]) -> Option<()> {
        self.months = self.months.checked_add(months)?;
        self.days = self.days.checked_add(days)?;
        self.us = self.us.checked_add(us)?;
        self.count = self.count.checked_add(count)?;
        Some(())
    }

    fn span(&self) -> Result<Span> {
        let narrow = |part: i64| i32::try_from(part).map_err(|_| out_of_range());
        let sum = Span { months: narrow(self.months)?, days: narrow(self.days)?, us: self.us };
        #[expect(clippy::cast_precision_loss, reason = "rows are fewer than 2^53")]
        let count = self.count as f64;
        if self.average { sum.scaled(|part| part / count) } else { Ok(sum) }
    }
}

/// What the state has: the sums and the count.
pub(super) fn state_fields(name: &str) -> Vec<FieldRef> {
    let parts = ["months", "days", "us", "count"];
    let field = |part| Field::new(format!("{name}[{part}]"), DataType::Int64, true);
    parts.into_iter().map(|part| FieldRef::new(field(part))).collect()
}

impl Accumulator for Intervals {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Outcome<()> {
        for value in values[0].as_primitive::<IntervalMonthDayNanoType>().iter().flatten() {
            let span = Span::from(value);
            self.add([span.months.into(), span.days.into(), span.us, 1])
                .ok_or_else(|| external(out_of_range()))?;
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Outcome<ScalarValue> {
        if self.count == 0 {
            return ScalarValue::try_from(&INTERVAL);
        }
        let span = self.span().and_then(Span::arrow).map_err(external)?;
        Ok(ScalarValue::IntervalMonthDayNano(Some(span)))
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }

    fn state(&mut self) -> Outcome<Vec<ScalarValue>> {
        let parts = [self.months, self.days, self.us, self.count];
        Ok(parts.into_iter().map(ScalarValue::from).collect())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Outcome<()> {
        let [months, days, us, count] = states else {
            return Err(external(internal("the state of intervals")));
        };
        for row in 0..months.len() {
            let part = |column: &ArrayRef| column.as_primitive::<Int64Type>().value(row);
            self.add([part(months), part(days), part(us), part(count)])
                .ok_or_else(|| external(out_of_range()))?;
        }
        Ok(())
    }
}
