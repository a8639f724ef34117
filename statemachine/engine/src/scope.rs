//! What an expression can see: variables, `$states`, and the functions that
//! Step Functions adds or that read the clock.

use std::collections::BTreeMap;

use jsonata_core::evaluator::{Context, Evaluator, EvaluatorError};
use jsonata_core::value::JValue;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use crate::expression::Expression;
use crate::task::TaskFailure;

/// The variables of an execution, by name without the `$`.
pub(crate) type Variables = BTreeMap<String, JValue>;

/// The instant of `$now()` as the JSONata documentation writes it, and of the
/// times in the context object.
const ISO_8601: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// A time as text, to the millisecond and in UTC.
pub(crate) fn timestamp(at: OffsetDateTime) -> String {
    let utc = at.to_offset(time::UtcOffset::UTC);
    // A valid time always has these components.
    utc.format(ISO_8601).unwrap_or_default()
}

/// Evaluates the expressions of one moment of one state.
pub(crate) struct Scope<'v> {
    variables: &'v Variables,
    /// Makes `$states`.
    states: Box<dyn Fn() -> JValue + 'v>,
    now: OffsetDateTime,
    /// Made for the first expression, because many states have none.
    evaluator: Option<Evaluator>,
}

impl<'v> Scope<'v> {
    pub(crate) fn new(
        variables: &'v Variables,
        states: impl Fn() -> JValue + 'v,
        now: OffsetDateTime,
    ) -> Self {
        Scope {
            variables,
            states: Box::new(states),
            now,
            evaluator: None,
        }
    }

    /// What an expression yields. Nothing (undefined) is a failure, because a
    /// field must have a value.
    pub(crate) fn evaluate(&mut self, expression: &Expression) -> Result<JValue, TaskFailure> {
        let (variables, states, now) = (self.variables, &self.states, self.now);
        let evaluator = self
            .evaluator
            .get_or_insert_with(|| evaluator(variables, states(), now));
        // Step Functions gives an expression no input document, only `$states`.
        match evaluator.evaluate(expression.ast(), &JValue::Undefined) {
            Ok(JValue::Undefined) => Err(expression.failure("yields nothing (undefined)")),
            Ok(value) => Ok(value),
            Err(error) => Err(expression.failure(&format!("fails: {}", error.message()))),
        }
    }
}

fn evaluator(variables: &Variables, states: JValue, now: OffsetDateTime) -> Evaluator {
    let mut context = Context::new();
    for (name, value) in variables {
        context.bind(name.clone(), value.clone());
    }
    context.bind("states".to_owned(), states);
    let mut evaluator = Evaluator::with_context(context);
    // The names are free or may be replaced, so registering cannot fail;
    // the tests below would show it.
    let _ = evaluator.register_fn("parse", parse);
    let _ =
        evaluator.register_fn_override("now", move |_: &[JValue]| Ok(JValue::from(timestamp(now))));
    let _ = evaluator.register_fn_override("millis", move |_: &[JValue]| {
        let millis = now.unix_timestamp_nanos() / 1_000_000;
        Ok(JValue::from(i64::try_from(millis).unwrap_or(i64::MAX)))
    });
    evaluator
}

/// `$parse(text)`: reads JSON, as Step Functions' own function does.
fn parse(arguments: &[JValue]) -> Result<JValue, EvaluatorError> {
    match arguments {
        [JValue::Undefined] => Ok(JValue::Undefined),
        [JValue::String(text)] => JValue::from_json_str(text)
            .map_err(|error| EvaluatorError::EvaluationError(format!("$parse: {error}"))),
        _ => Err(EvaluatorError::TypeError(
            "$parse takes one string".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use time::macros::datetime;

    use super::*;
    use crate::value::{from_json, to_json};

    fn evaluate(source: &str) -> Result<Value, String> {
        let mut variables = Variables::new();
        variables.insert("count".into(), from_json(json!(2)));
        let states = from_json(json!({"input": {"items": [1, 2, 3], "none": null}}));
        let now = datetime!(2030-01-01 02:03:04.5678 UTC);
        let expression = Expression::parse(source, "here".into()).unwrap();
        Scope::new(&variables, || states.clone(), now)
            .evaluate(&expression)
            .map(|value| to_json(&value).unwrap())
            .map_err(|failure| failure.cause)
    }

    #[test]
    fn expressions_see_variables_and_the_states_object() {
        assert_eq!(evaluate("$count + 1"), Ok(json!(3)));
        assert_eq!(evaluate("$states.input.items[1]"), Ok(json!(2)));
        assert_eq!(evaluate("$states.input.none"), Ok(json!(null)));
        assert_eq!(
            evaluate("{'a': $states.input.absent, 'b': 1}"),
            Ok(json!({"b": 1}))
        );
    }

    #[test]
    fn the_clock_answers_now_and_millis() {
        assert_eq!(evaluate("$now()"), Ok(json!("2030-01-01T02:03:04.567Z")));
        assert_eq!(evaluate("$millis()"), Ok(json!(1_893_463_384_567_i64)));
        assert_eq!(evaluate("$fromMillis($millis())"), evaluate("$now()"));
    }

    #[test]
    fn parse_reads_json() {
        assert_eq!(evaluate(r#"$parse('{"a":[1]}').a[0]"#), Ok(json!(1)));
        assert!(evaluate("$parse('{')").unwrap_err().contains("$parse"));
        assert!(evaluate("$parse(1)").is_err());
    }

    #[test]
    fn nothing_is_a_failure_that_says_where() {
        let cause = evaluate("$states.input.absent").unwrap_err();
        assert_eq!(
            cause,
            "here: `$states.input.absent` yields nothing (undefined)"
        );
    }

    #[test]
    fn an_expression_that_fails_says_why() {
        assert!(
            evaluate("1 + 'a'")
                .unwrap_err()
                .starts_with("here: `1 + 'a'` fails: T2002")
        );
    }
}
