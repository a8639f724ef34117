//! `DescribeVpcEndpoints`.

use super::Endpoint;
use super::view::VpcEndpoint;
use crate::World;
use crate::calls::{ApiError, Caller};
use crate::ec2::error::not_found;
use crate::ec2::filter::{self, Filter, Filtered};
use crate::ec2::{Page, Tags, ids, page};

/// `DescribeVpcEndpoints`.
#[derive(Debug, Clone, Default)]
pub struct DescribeVpcEndpoints {
    /// Endpoints by id.
    pub vpc_endpoint_ids: Vec<String>,
    /// Filters.
    pub filters: Vec<Filter>,
    /// Which page.
    pub page: Page,
}

/// The answer to [`DescribeVpcEndpoints`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribeVpcEndpointsResult {
    /// The endpoints.
    pub vpc_endpoints: Vec<VpcEndpoint>,
    /// How to ask for the next page. At the end it is there and empty.
    pub next_token: String,
}

impl Filtered for Endpoint {
    const FILTERS: &'static [&'static str] = &[
        "service-name",
        "vpc-endpoint-id",
        "vpc-endpoint-state",
        "vpc-id",
    ];

    fn value(&self, name: &str) -> &str {
        match name {
            "service-name" => &self.service_name,
            "vpc-endpoint-id" => &self.id,
            "vpc-endpoint-state" => self.state.word(),
            _ => &self.vpc_id,
        }
    }

    fn tags(&self) -> &Tags {
        &self.tags
    }
}

impl World {
    /// Lists endpoints. One that was asked for by id and cannot be seen, or
    /// not yet, fails the whole call.
    pub fn describe_vpc_endpoints(
        &mut self,
        caller: &Caller,
        request: &DescribeVpcEndpoints,
    ) -> Result<DescribeVpcEndpointsResult, ApiError> {
        self.admit(caller, "DescribeVpcEndpoints")?;
        filter::check::<Endpoint>(&request.filters)?;
        for id in &request.vpc_endpoint_ids {
            self.seen_endpoint(caller, id)?;
        }
        let wanted = &request.vpc_endpoint_ids;
        let list = self
            .ec2
            .endpoints
            .values()
            .filter(|endpoint| {
                endpoint.seen_by(caller, self.now)
                    && (wanted.is_empty() || wanted.contains(&endpoint.id))
                    && filter::passes(*endpoint, &request.filters)
            })
            .collect();
        let (list, next_token) = page::page(list, &request.page, 1..=1000)?;
        Ok(DescribeVpcEndpointsResult {
            vpc_endpoints: list.into_iter().map(|e| self.ec2.view(e)).collect(),
            next_token: next_token.unwrap_or_default(),
        })
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
