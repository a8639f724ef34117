//! Says what a run of `provision` would make, with its price, or what stands in
//! its way. One look by the same inspections that the run begins with; changes
//! nothing, and does not ask for an endpoint service either. The command makes its plans
//! of the same looks.

use shared::cloud::Cloud;
use shared::config::Config;
use shared::ec2::{Endpoints, Network, SecurityGroups};
use shared::gateway::{Answer, ConnectionRequest, Refusal, Request, Route, route};
use shared::place::Places;
use shared::{StepError, StepErrorName};
use time::OffsetDateTime;

mod differences;
mod look;
mod price;
mod view;

pub use differences::{Difference, DifferenceAction, Differences};
pub use look::{Found, Known, Looks, Once, Outlook, Partly, Side, Sides, look};
pub use price::Price;
pub use view::{
    Parts, Plan, PlanStatus, PlannedEndpoint, PlannedGroup, PlannedRegistration, PlannedSubnet,
};

pub const ROUTES: [Route<()>; 1] = [Route {
    method: "POST",
    path: "/plans",
    to: (),
}];

/// Answers one request.
///
/// # Errors
/// What is not granted, with its HTTP status; 422 if something stands in the way.
pub async fn handle<P>(
    places: &P,
    cloud: &impl Cloud,
    config: &Config,
    now: OffsetDateTime,
    request: &Request,
) -> Result<Answer, Refusal>
where
    P: Places<Ec2: Network + Endpoints + SecurityGroups>,
{
    config.admits_caller(&request.groups)?;
    route::find(&ROUTES, request)?;
    let ConnectionRequest(mut asked) = ConnectionRequest::read(request)?;
    config.admits(&asked)?;
    let allowed = config.allowed_sources()?;
    asked.tags = config.tags_for(&asked)?;
    let ec2 = places.ec2(&asked.subject().place()).await;
    let ec2 = ec2.map_err(in_the_way)?;
    let sides = Sides {
        ec2: &ec2,
        cloud,
        allowed: &allowed,
        prefix: &config.tag_prefix,
    };
    let outlook = look(&sides, &asked, false, &mut Once(now)).await;
    let plan = outlook.plan();
    match outlook.in_the_way {
        Some(error) => Err(in_the_way(error)),
        None => Ok(Answer::json(200, &plan)?),
    }
}

/// What the inspections say is for the caller to read, other than a fault of
/// ours or of the other sides.
fn in_the_way(error: StepError) -> Refusal {
    let name = error.name();
    let refusal = Refusal::from(error);
    match name {
        StepErrorName::InvalidInput | StepErrorName::Denied | StepErrorName::Rejected => {
            refusal.with_status(422)
        }
        StepErrorName::Transient | StepErrorName::Unexpected => refusal,
    }
}

#[cfg(test)]
mod tests;
