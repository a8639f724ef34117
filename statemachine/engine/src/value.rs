//! Between the JSON of the outside world and the values of JSONata.

use std::io::{self, Write};

use jsonata_core::value::JValue;
use serde_json::{Map, Number, Value};

/// Largest whole number up to which a double is exact, 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// JSON as a JSONata value. Numbers become doubles, as in JSONata.
pub(crate) fn from_json(value: Value) -> JValue {
    JValue::from(value)
}

/// A JSONata value as JSON, or what kind of value it is that JSON cannot
/// express. Whole numbers lose their fraction point, so that `1` stays `1`.
pub(crate) fn to_json(value: &JValue) -> Result<Value, &'static str> {
    match value {
        JValue::Null => Ok(Value::Null),
        JValue::Bool(value) => Ok(Value::Bool(*value)),
        JValue::Number(value) => number(*value),
        JValue::String(value) => Ok(Value::String(value.to_string())),
        JValue::Array(items) => items.iter().map(to_json).collect(),
        JValue::Object(fields) => {
            let mut object = Map::new();
            for (key, value) in fields.iter() {
                if !value.is_undefined() {
                    object.insert(key.clone(), to_json(value)?);
                }
            }
            Ok(Value::Object(object))
        }
        JValue::Undefined => Err("nothing (undefined)"),
        JValue::Lambda(_) | JValue::Builtin { .. } => Err("a function"),
        JValue::Regex { .. } => Err("a regular expression"),
    }
}

fn number(value: f64) -> Result<Value, &'static str> {
    if value.fract() == 0.0 && value.abs() <= EXACT {
        // Exact within the bounds just checked.
        #[expect(clippy::cast_possible_truncation, reason = "checked above")]
        return Ok(Value::from(value as i64));
    }
    Number::from_f64(value)
        .map(Value::Number)
        .ok_or("a number that JSON cannot express")
}

/// How many bytes a value takes as compact JSON.
pub(crate) fn size(value: &Value) -> usize {
    struct Counter(usize);
    impl Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter(0);
    // Counting cannot fail, and a `Value` has only string keys.
    let _ = serde_json::to_writer(&mut counter, value);
    counter.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-1_000_000_000_i64..1_000_000_000).prop_map(Value::from),
            (-1.0e6..1.0e6_f64)
                .prop_filter("whole numbers lose their point", |n| n.fract() != 0.0)
                .prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z]{1,4}", inner, 0..4)
                    .prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn json_survives_the_way_through_jsonata(value in any_json()) {
            prop_assert_eq!(to_json(&from_json(value.clone())), Ok(value));
        }

        #[test]
        fn the_size_is_that_of_compact_json(value in any_json()) {
            prop_assert_eq!(size(&value), serde_json::to_string(&value).unwrap().len());
        }
    }

    #[test]
    fn whole_numbers_stay_whole() {
        assert_eq!(to_json(&JValue::Number(3.0)), Ok(json!(3)));
        assert_eq!(to_json(&JValue::Number(0.5)), Ok(json!(0.5)));
    }

    #[test]
    fn what_json_cannot_express_is_named() {
        assert_eq!(to_json(&JValue::Undefined), Err("nothing (undefined)"));
        assert_eq!(to_json(&JValue::builtin("sum")), Err("a function"));
        assert!(to_json(&JValue::Number(f64::INFINITY)).is_err());
    }
}
