//! `DescribeVpcEndpoints`.

use super::Endpoint;
use super::view::VpcEndpoint;
use crate::World;
use crate::calls::{ApiError, Caller};
use crate::ec2::error::not_found;
use crate::ec2::filter::Filtered;
use crate::ec2::{Describe, Described, Tags, ids};

impl Filtered for Endpoint {
    const FILTERS: &'static [&'static str] = &[
        "service-name",
        "vpc-endpoint-id",
        "vpc-endpoint-state",
        "vpc-id",
    ];

    fn id(&self) -> &str {
        &self.id
    }

    fn values(&self, name: &str) -> Vec<&str> {
        let value: &str = match name {
            "service-name" => &self.service_name,
            "vpc-endpoint-id" => &self.id,
            "vpc-endpoint-state" => self.state.word(),
            _ => &self.vpc_id,
        };
        vec![value]
    }

    fn tags(&self) -> Option<&Tags> {
        Some(&self.tags)
    }
}

impl World {
    /// Lists endpoints. One that was asked for by id and cannot be seen, or
    /// not yet, fails the whole call.
    pub fn describe_vpc_endpoints(
        &mut self,
        caller: &Caller,
        request: &Describe,
    ) -> Result<Described<VpcEndpoint>, ApiError> {
        self.admit_describe::<Endpoint>(caller, "DescribeVpcEndpoints", request)?;
        for id in &request.ids {
            self.seen_endpoint(caller, id)?;
        }
        let endpoints = self.ec2.endpoints.values();
        let wanted = endpoints.filter(|it| it.seen_by(caller, self.now) && request.wants(*it));
        request.page(wanted.map(|it| self.ec2.view(it)), 1..=1000)
    }

    /// An endpoint that the caller can see.
    pub(super) fn seen_endpoint(&self, caller: &Caller, id: &str) -> Result<&Endpoint, ApiError> {
        ids::check("vpce", id, "InvalidVpcEndpointId.Malformed")?;
        self.ec2
            .endpoints
            .get(id)
            .filter(|endpoint| endpoint.seen_by(caller, self.now))
            .ok_or_else(|| not_found("InvalidVpcEndpointId.NotFound", "Vpc Endpoint Id", id))
    }
}
