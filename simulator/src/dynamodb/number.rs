//! Numbers: decimal, up to 38 significant digits ("Supported data types",
//! DynamoDB developer guide).

use std::cmp::Ordering;
use std::fmt;

use super::error::validation;
use crate::calls::ApiError;

const DIGITS: u32 = 38;
const LARGEST_EXPONENT: i32 = 125;
const SMALLEST_EXPONENT: i32 = -130;

/// A number. Two that are equal have the same fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    coefficient: i128,
    exponent: i32,
}

impl Number {
    /// Reads a number as it stands on the wire: digits in a text.
    pub(super) fn parse(text: &str) -> Result<Number, ApiError> {
        let unreadable = || {
            validation(format!(
                "The parameter cannot be converted to a numeric value: {text}"
            ))
        };
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse().map_err(|_| unreadable())?),
            None => (rest, 0i32),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(unreadable());
        }
        let ends_in = digits.len() - digits.trim_end_matches('0').len();
        let digits = digits.trim_matches('0');
        if digits.is_empty() {
            return Ok(Number {
                coefficient: 0,
                exponent: 0,
            });
        }
        if digits.len() > DIGITS as usize {
            return Err(too_precise());
        }
        let coefficient: i128 = digits.parse().map_err(|_| unreadable())?;
        let shift = i32::try_from(ends_in).and_then(|zeros| {
            i32::try_from(fraction.len()).map(|places| zeros.saturating_sub(places))
        });
        let exponent = exponent.saturating_add(shift.map_err(|_| unreadable())?);
        Number {
            coefficient: if negative { -coefficient } else { coefficient },
            exponent,
        }
        .in_range()
    }

    /// The sum.
    pub(super) fn plus(self, other: Number) -> Result<Number, ApiError> {
        let exponent = self.exponent.min(other.exponent);
        let sum = self
            .scaled(exponent)
            .zip(other.scaled(exponent))
            .and_then(|(a, b)| a.checked_add(b))
            .ok_or_else(too_precise)?;
        Number::reduced(sum, exponent)
    }

    /// The same number with the other sign.
    pub(super) fn negated(self) -> Number {
        Number {
            coefficient: -self.coefficient,
            ..self
        }
    }

    /// A whole number.
    pub(super) fn whole(number: i64) -> Number {
        Number::trimmed(number.into(), 0)
    }

    fn reduced(coefficient: i128, exponent: i32) -> Result<Number, ApiError> {
        let number = Number::trimmed(coefficient, exponent);
        if number.coefficient.unsigned_abs() >= 10u128.pow(DIGITS) {
            return Err(too_precise());
        }
        number.in_range()
    }

    /// Without zeros at the end of the coefficient.
    fn trimmed(mut coefficient: i128, mut exponent: i32) -> Number {
        if coefficient == 0 {
            exponent = 0;
        }
        while coefficient != 0 && coefficient % 10 == 0 {
            coefficient /= 10;
            exponent += 1;
        }
        Number {
            coefficient,
            exponent,
        }
    }

    fn in_range(self) -> Result<Number, ApiError> {
        let beyond = if self.coefficient == 0 {
            None
        } else if self.magnitude() > LARGEST_EXPONENT {
            Some(
                "Number overflow. Attempting to store a number with magnitude larger than supported range",
            )
        } else if self.magnitude() < SMALLEST_EXPONENT {
            Some(
                "Number underflow. Attempting to store a number with magnitude smaller than supported range",
            )
        } else {
            None
        };
        beyond.map_or(Ok(self), |message| Err(validation(message)))
    }

    /// The exponent of the first digit.
    fn magnitude(self) -> i32 {
        let digits = self
            .coefficient
            .unsigned_abs()
            .checked_ilog10()
            .unwrap_or(0);
        self.exponent.saturating_add(digits as i32)
    }

    /// The coefficient that belongs to a smaller exponent, if it can be written.
    fn scaled(self, exponent: i32) -> Option<i128> {
        if self.coefficient == 0 {
            return Some(0);
        }
        let places = u32::try_from(self.exponent.checked_sub(exponent)?).ok()?;
        self.coefficient.checked_mul(10i128.checked_pow(places)?)
    }
}

fn too_precise() -> ApiError {
    validation("Attempting to store more than 38 significant digits in a Number")
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        let signs = self.coefficient.signum().cmp(&other.coefficient.signum());
        if signs.is_ne() || self.coefficient == 0 {
            return signs;
        }
        let larger = self.magnitude().cmp(&other.magnitude()).then_with(|| {
            // Of the same magnitude, so that neither grows beyond 38 digits.
            let exponent = self.exponent.min(other.exponent);
            let digits = |number: &Number| number.scaled(exponent).map(i128::unsigned_abs);
            digits(self).cmp(&digits(other))
        });
        if self.coefficient < 0 {
            larger.reverse()
        } else {
            larger
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.coefficient < 0 { "-" } else { "" };
        let digits = self.coefficient.unsigned_abs().to_string();
        if let Ok(zeros) = usize::try_from(self.exponent) {
            return write!(f, "{sign}{digits}{}", "0".repeat(zeros));
        }
        let places = self.exponent.unsigned_abs() as usize;
        let digits = format!("{digits:0>width$}", width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        write!(f, "{sign}{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number::parse(text).unwrap()
    }

    #[test]
    fn a_number_is_written_without_what_does_not_matter() {
        for (given, written) in [
            ("0", "0"),
            ("-0.00", "0"),
            ("007", "7"),
            ("1.50", "1.5"),
            ("-12e2", "-1200"),
            ("1E-3", "0.001"),
            ("1800000000", "1800000000"),
            (".5", "0.5"),
        ] {
            assert_eq!(number(given).to_string(), written, "{given}");
        }
        for refused in ["", "-", "1x", "0x10", "1e", "NaN", " 1", "1.2.3"] {
            assert!(Number::parse(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn numbers_keep_to_38_digits_and_their_range() {
        assert!(Number::parse(&"9".repeat(38)).is_ok());
        assert!(Number::parse(&"9".repeat(39)).is_err());
        assert!(Number::parse("9.9e125").is_ok());
        assert!(Number::parse("1e126").is_err());
        assert!(Number::parse("1e-130").is_ok());
        assert!(Number::parse("1e-131").is_err());
        assert!(number("1e100").plus(number("1")).is_err());
    }

    #[test]
    fn numbers_are_ordered_by_value() {
        let ordered = [
            "-1e5", "-10", "-9.99", "0", "1e-5", "0.5", "9", "10", "1e38",
        ];
        for (n, small) in ordered.iter().enumerate() {
            for large in &ordered[n + 1..] {
                assert!(number(small) < number(large), "{small} < {large}");
            }
        }
        assert_eq!(number("10"), number("1e1"));
    }

    #[test]
    fn sums_are_exact() {
        assert_eq!(number("0.1").plus(number("0.2")).unwrap(), number("0.3"));
        assert_eq!(
            number("5").plus(number("5").negated()).unwrap(),
            number("0")
        );
    }
}
