//! How long a `Wait` lasts.

use std::time::Duration;

use jsonata_core::value::JValue;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::load::LONGEST_SECONDS;
use crate::machine::Until;
use crate::scope::Scope;
use crate::task::TaskFailure;

/// The time until the end of the wait; none if that has passed.
pub(crate) fn duration(
    until: &Until,
    scope: &mut Scope,
    now: OffsetDateTime,
) -> Result<Duration, TaskFailure> {
    let instant = match until {
        Until::Seconds(template) => {
            let seconds = template.evaluate_as(scope, "whole seconds", |value| {
                whole(value, 0, LONGEST_SECONDS)
            })?;
            return Ok(Duration::from_secs(seconds.into()));
        }
        Until::Instant(instant) => *instant,
        Until::Timestamp(template) => {
            template.evaluate_as(scope, "a time as in 2030-12-31T23:59:59Z", |value| {
                parse_timestamp(value.as_str()?)
            })?
        }
    };
    Ok(Duration::try_from(instant - now).unwrap_or(Duration::ZERO))
}

/// A time with a capital `T` and a zone, as the States Language asks for.
pub(crate) fn parse_timestamp(text: &str) -> Option<OffsetDateTime> {
    let strict = text.contains('T') && !text.contains(['t', 'z']);
    OffsetDateTime::parse(text, &Rfc3339)
        .ok()
        .filter(|_| strict)
}

/// A whole number within bounds.
pub(crate) fn whole(value: &JValue, least: u32, most: u32) -> Option<u32> {
    let number = value.as_f64()?;
    let within = (f64::from(least)..=f64::from(most)).contains(&number);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "only taken when whole and within bounds"
    )]
    let converted = number as u32;
    (within && number.fract() == 0.0).then_some(converted)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn only_whole_numbers_within_bounds_are_seconds() {
        let seconds = |number: f64| whole(&JValue::Number(number), 1, 10);
        assert_eq!(seconds(1.0), Some(1));
        assert_eq!(seconds(10.0), Some(10));
        for wrong in [0.0, 11.0, 1.5, -1.0, f64::NAN] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
        assert_eq!(whole(&JValue::from("1"), 1, 10), None);
    }

    #[test]
    fn a_timestamp_has_a_capital_t_and_a_zone() {
        let instant = datetime!(2030-01-01 10:00:00 UTC);
        assert_eq!(parse_timestamp("2030-01-01T10:00:00Z"), Some(instant));
        assert_eq!(parse_timestamp("2030-01-01T12:00:00+02:00"), Some(instant));
        for wrong in ["2030-01-01t10:00:00z", "2030-01-01 10:00:00Z", "2030-01-01"] {
            assert_eq!(parse_timestamp(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_time_in_the_past_is_not_waited_for() {
        let variables = crate::scope::Variables::new();
        let mut scope = Scope::new(
            &variables,
            || JValue::Null,
            datetime!(2030-01-01 00:00:00 UTC),
        );
        let past = Until::Instant(datetime!(2029-01-01 00:00:00 UTC));
        let now = datetime!(2030-01-01 00:00:00 UTC);
        assert_eq!(duration(&past, &mut scope, now), Ok(Duration::ZERO));
    }
}
