//! Everything that is wrong with a request. Reading one ends at the first thing that is,
//! so each part of it is read by itself, in a request in which all else is right.

use serde_json::{Map, Value, json};
use shared::StepError;

/// The fields whose own fields are read one by one.
const NESTED: [&str; 2] = ["sources", "limits"];

/// What is wrong with each part of a request, in the words of whoever reads it.
pub(super) fn each<T>(
    fields: &Map<String, Value>,
    parse: &impl Fn(&Value) -> Result<T, StepError>,
) -> Vec<String> {
    let mut faults = Vec::new();
    let fault = |within: Option<&str>, field: &str, value: &Value| {
        let mut request = json!({
            "cluster_id": "00000000-0000-4000-8000-000000000000",
            "region": "us-east-1",
            "vpc_id": "vpc-00000000",
        });
        match within {
            Some(parent) => request[parent] = json!({ field: value }),
            None => request[field] = value.clone(),
        }
        parse(&request).err().map(|error| error.detail)
    };
    let mut read = |within: Option<&str>, field: &str, value: &Value| {
        let before = faults.len();
        let items = value.as_array().into_iter().flatten().enumerate();
        for (n, item) in items {
            let alone = fault(within, field, &json!([item]));
            faults.extend(alone.map(|told| told.replacen("[0]", &format!("[{n}]"), 1)));
        }
        // A list may be wrong though each of its items is right.
        if faults.len() == before {
            faults.extend(fault(within, field, value));
        }
    };
    for (field, value) in fields {
        match value
            .as_object()
            .filter(|_| NESTED.contains(&field.as_str()))
        {
            Some(inner) => {
                for (name, value) in inner {
                    read(Some(field.as_str()), name, value);
                }
            }
            // That a field is missing is told apart.
            None if value.is_null() => {}
            None => read(None, field, value),
        }
    }
    faults
}
