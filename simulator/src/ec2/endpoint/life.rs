//! How endpoints get from state to state: by themselves, and by what the
//! provider of their service does.

use super::{EndpointState, LastError};
use crate::World;
use crate::ec2::Ec2Happening;

/// Lets something happen on the AWS side.
pub(crate) fn happen(world: &mut World, happening: Ec2Happening) {
    match happening {
        Ec2Happening::Endpoint { id, epoch, state } => {
            let foreseen = world
                .ec2
                .endpoints
                .get(&id)
                .is_some_and(|endpoint| endpoint.epoch == epoch);
            if foreseen {
                world.turn_endpoint(&id, state);
            }
        }
        Ec2Happening::VpcAvailable(id) => {
            if let Some(vpc) = world.ec2.vpcs.get_mut(&id) {
                vpc.available = true;
            }
        }
        Ec2Happening::SubnetAppears(subnet) => {
            world.ec2.subnets.insert(subnet.id.clone(), *subnet);
        }
    }
}

impl World {
    /// The provider accepts an endpoint. Says whether there was anything to
    /// accept: an endpoint that waits for it, or one that was rejected before.
    /// The AWS guides call a rejected endpoint lost, but the Terraform provider
    /// of CockroachDB registers rejected ones again and sees them come back.
    pub fn accept_endpoint(&mut self, id: &str) -> bool {
        self.turn_from(
            id,
            &[EndpointState::PendingAcceptance, EndpointState::Rejected],
            EndpointState::Pending,
        )
    }

    /// The provider rejects an endpoint, which is possible at any time.
    pub fn reject_endpoint(&mut self, id: &str) -> bool {
        self.turn_from(
            id,
            &[
                EndpointState::PendingAcceptance,
                EndpointState::Pending,
                EndpointState::Available,
            ],
            EndpointState::Rejected,
        )
    }

    /// Nobody accepts an endpoint in time.
    pub fn expire_endpoint(&mut self, id: &str) -> bool {
        self.turn_from(
            id,
            &[EndpointState::PendingAcceptance],
            EndpointState::Expired,
        )
    }

    /// AWS fails to build an endpoint, and says why.
    pub fn fail_endpoint(&mut self, id: &str, code: &str, message: &str) -> bool {
        let turned = self.turn_from(
            id,
            &[EndpointState::PendingAcceptance, EndpointState::Pending],
            EndpointState::Failed,
        );
        if turned && let Some(endpoint) = self.ec2.endpoints.get_mut(id) {
            endpoint.last_error = Some(LastError {
                code: code.to_owned(),
                message: message.to_owned(),
            });
        }
        turned
    }

    fn turn_from(&mut self, id: &str, from: &[EndpointState], to: EndpointState) -> bool {
        let fits = self
            .ec2
            .endpoints
            .get(id)
            .is_some_and(|endpoint| from.contains(&endpoint.state));
        if fits {
            self.turn_endpoint(id, to);
        }
        fits
    }

    /// Puts an endpoint into a state, with all that goes with it, and foresees
    /// the next one.
    pub(in crate::ec2) fn turn_endpoint(&mut self, id: &str, state: EndpointState) {
        let drained = self.now + self.pace.interfaces_draining;
        let listed_until = self.now + self.pace.deleted_listed;
        let Some(endpoint) = self.ec2.endpoints.get_mut(id) else {
            return;
        };
        endpoint.state = state;
        endpoint.state_since = self.now;
        endpoint.epoch += 1;
        match state {
            EndpointState::Available => {
                if let Some(wanted) = endpoint.private_dns_wanted.take() {
                    endpoint.private_dns = wanted;
                }
            }
            EndpointState::Deleted => {
                endpoint.private_dns = false;
                endpoint.private_dns_wanted = None;
                endpoint.listed_until = Some(listed_until);
                for interface in &mut endpoint.interfaces {
                    interface.drained.get_or_insert(drained);
                }
            }
            EndpointState::PendingAcceptance
            | EndpointState::Pending
            | EndpointState::Deleting
            | EndpointState::Rejected
            | EndpointState::Failed
            | EndpointState::Expired
            | EndpointState::Partial => {}
        }
        self.foresee(id, state);
        crate::cloud::endpoint_turned(self, id, state);
    }
}
