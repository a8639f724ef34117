//! `DeleteVpcEndpoints`.

use super::EndpointState;
use crate::World;
use crate::calls::{ApiError, Caller};
use crate::ec2::error::{missing, not_found};
use crate::ec2::ids;

#[derive(Debug, Clone, Default)]
pub struct DeleteVpcEndpoints {
    pub vpc_endpoint_ids: Vec<String>,
}

/// An endpoint that could not be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsuccessful {
    pub resource_id: String,
    /// Why.
    pub error: ApiError,
}

impl World {
    /// Begins to delete endpoints. What is wrong with one of them is in the
    /// answer, which is a success all the same.
    pub fn delete_vpc_endpoints(
        &mut self,
        caller: &Caller,
        request: &DeleteVpcEndpoints,
    ) -> Result<Vec<Unsuccessful>, ApiError> {
        self.admit(caller, "DeleteVpcEndpoints")?;
        self.needs_on(caller, "ec2:DeleteVpcEndpoints", &request.vpc_endpoint_ids);
        if request.vpc_endpoint_ids.is_empty() {
            return Err(missing("VpcEndpointId"));
        }
        for id in &request.vpc_endpoint_ids {
            ids::check("vpce", id, "InvalidVpcEndpointId.Malformed")?;
        }
        let mut unsuccessful = Vec::new();
        for id in &request.vpc_endpoint_ids {
            let now = self.now;
            let found = self.ec2.endpoints.get(id).filter(|endpoint| {
                endpoint.seen_by(caller, now) && endpoint.state != EndpointState::Deleted
            });
            match found.map(|endpoint| endpoint.state) {
                None => unsuccessful.push(Unsuccessful {
                    resource_id: id.clone(),
                    error: not_found("InvalidVpcEndpoint.NotFound", "Vpc Endpoint Id", id),
                }),
                // It is going already.
                Some(EndpointState::Deleting) => {}
                Some(_) => {
                    self.turn_endpoint(id, EndpointState::Deleting);
                }
            }
        }
        Ok(unsuccessful)
    }
}
