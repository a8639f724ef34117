//! Availability zones.

use crate::scenario::ZoneSpec;

/// A zone of the Region that the scenario is about. Its name is an alias that
/// the account has for it; its id is the same for everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// The id, such as `euw1-az1`.
    pub id: String,
    /// The name, such as `eu-west-1b`.
    pub name: String,
}

impl Zone {
    pub(in crate::ec2) fn new(spec: &ZoneSpec) -> Self {
        Zone {
            id: spec.id.clone(),
            name: spec.name.clone(),
        }
    }
}
