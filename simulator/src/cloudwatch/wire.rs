//! Dimensions and points in time as CloudWatch writes them.

use ciborium::Value;
use ciborium::tag::Required;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};
use time::OffsetDateTime;

/// The tag of a point in time, in seconds since 1970.
const EPOCH: u64 = 1;

/// A list of names and values.
pub(super) mod dimensions {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::cloudwatch::Dimensions;

    #[derive(Deserialize, Serialize)]
    #[serde(rename_all = "PascalCase", deny_unknown_fields)]
    struct Dimension {
        name: String,
        value: String,
    }

    pub(in crate::cloudwatch) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Dimensions, D::Error> {
        let list = Vec::<Dimension>::deserialize(deserializer)?;
        Ok(list.into_iter().map(|it| (it.name, it.value)).collect())
    }

    pub(in crate::cloudwatch) fn serialize<S: Serializer>(
        dimensions: &Dimensions,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(dimensions.iter().map(|(name, value)| Dimension {
            name: name.clone(),
            value: value.clone(),
        }))
    }
}

/// SDKs write points in time as integers or as floating-point numbers.
pub(super) fn moment<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<OffsetDateTime, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let tagged = value.as_tag().filter(|(tag, _)| *tag == EPOCH);
    let seconds = tagged.and_then(|(_, seconds)| {
        let fraction = seconds.as_float().map(|seconds| seconds as i64);
        fraction.or_else(|| seconds.as_integer()?.try_into().ok())
    });
    seconds
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .ok_or_else(|| D::Error::custom("a point in time was expected"))
}

pub(super) fn moments<S: Serializer>(
    moments: &[OffsetDateTime],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let seconds = moments.iter().map(|at| at.unix_timestamp());
    serializer.collect_seq(seconds.map(Required::<i64, EPOCH>))
}
