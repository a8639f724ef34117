//! Availability zones.

use std::borrow::Cow;

use crate::World;
use crate::calls::ApiError;
use crate::ec2::error::invalid_value;
use crate::ec2::filter::{self, Filter, Filtered};
use crate::ec2::{Caller, Tags};
use crate::scenario::ZoneSpec;

/// A zone of the Region that the scenario is about. Its name is an alias that
/// the account has for it; its id is the same for everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// The id, such as `euw1-az1`.
    pub id: String,
    /// The name, such as `eu-west-1b`.
    pub name: String,
    /// `availability-zone`, `local-zone` or `wavelength-zone`.
    pub kind: String,
    /// The Region.
    pub region: String,
}

/// What is told about a zone: nothing less than the zone.
pub type ZoneAnswer = Zone;

impl Zone {
    pub(in crate::ec2) fn new(spec: &ZoneSpec, region: &str) -> Self {
        Zone {
            id: spec.id.clone(),
            name: spec.name.clone(),
            kind: spec.kind.clone(),
            region: region.to_owned(),
        }
    }
}

/// `DescribeAvailabilityZones`.
#[derive(Debug, Clone, Default)]
pub struct DescribeAvailabilityZones {
    /// Only ask whether the call would be allowed.
    pub dry_run: bool,
    /// Zones by name.
    pub zone_names: Vec<String>,
    /// Zones by id.
    pub zone_ids: Vec<String>,
    /// Also zones that the account has not opted into; this world has none.
    pub all_availability_zones: bool,
    /// Filters.
    pub filters: Vec<Filter>,
}

/// The answer to [`DescribeAvailabilityZones`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribeAvailabilityZonesResult {
    /// The zones.
    pub availability_zones: Vec<ZoneAnswer>,
}

static NO_TAGS: Tags = Tags::new();

impl Filtered for Zone {
    const FILTERS: &'static [&'static str] = &[
        "group-name",
        "opt-in-status",
        "region-name",
        "state",
        "zone-id",
        "zone-name",
        "zone-type",
    ];

    fn values(&self, name: &str) -> Vec<Cow<'_, str>> {
        vec![match name {
            "zone-id" => (&self.id).into(),
            "zone-name" => (&self.name).into(),
            "zone-type" => (&self.kind).into(),
            "opt-in-status" => "opt-in-not-required".into(),
            "state" => "available".into(),
            _ => (&self.region).into(),
        }]
    }

    fn tags(&self) -> &Tags {
        &NO_TAGS
    }
}

impl World {
    /// Lists the zones of the caller's Region.
    pub fn describe_availability_zones(
        &mut self,
        caller: &Caller,
        request: &DescribeAvailabilityZones,
    ) -> Result<DescribeAvailabilityZonesResult, ApiError> {
        self.admit(caller, "DescribeAvailabilityZones", request.dry_run)?;
        filter::check::<Zone>(&request.filters)?;
        let here: Vec<&Zone> = self
            .ec2
            .zones
            .iter()
            .filter(|zone| zone.region == caller.region)
            .collect();
        for name in &request.zone_names {
            if !here.iter().any(|zone| zone.name == *name) {
                return Err(invalid_value(format!(
                    "Invalid availability zone: [{name}]"
                )));
            }
        }
        for id in &request.zone_ids {
            if !here.iter().any(|zone| zone.id == *id) {
                return Err(invalid_value(format!(
                    "Invalid availability zone-id: [{id}]"
                )));
            }
        }
        let availability_zones = here
            .into_iter()
            .filter(|zone| {
                (request.zone_names.is_empty() || request.zone_names.contains(&zone.name))
                    && (request.zone_ids.is_empty() || request.zone_ids.contains(&zone.id))
                    && filter::passes(*zone, &request.filters)
            })
            .cloned()
            .collect();
        Ok(DescribeAvailabilityZonesResult { availability_zones })
    }
}
