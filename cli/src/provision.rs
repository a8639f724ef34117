//! `provision`: runs the definition to its end.

use shared::request::ProvisionRequest;
use steps::definition;
use steps::words::Tale;

use crate::arguments::Provision;
use crate::consent::Consent;
use crate::display::text;
use crate::error::Error;
use crate::run::Run;
use crate::world::{Chosen, World, default_scenario};
use crate::{Answer, asked};

/// The world in which a connection can be made.
pub(crate) fn scenario() -> &'static str {
    default_scenario()
}

/// Runs it.
///
/// # Errors
/// When the run cannot begin.
pub async fn run(arguments: &Provision, logging: bool) -> Result<Answer, Error> {
    let chosen = Chosen::new(&arguments.place)?;
    let region = arguments.asked.region.as_deref();
    let usual = chosen.request(&arguments.place, region).await;
    let request = asked::request(&arguments.asked, usual)?;
    let subject = request.subject();
    let subnets = request.subnet_ids.iter().map(|subnet| subnet.as_str());
    chosen.knows(asked::ids(&subject).chain(subnets))?;
    let consent = Consent::of(&arguments.place, arguments.consented, arguments.json)?;
    let world = chosen.open(&arguments.place, &subject.place()).await?;
    if let Some(answer) = consent.to_provision(&world, &request).await {
        return Ok(answer);
    }
    let described = world.described(&arguments.place, scenario());
    let machine = definition::provision_unrecorded(&world.config.settings())?;
    let run = Run {
        tale: Tale::Connect,
        machine: &machine,
        input: serde_json::to_value(&request).unwrap_or_default(),
        heading: heading(&request, &world, arguments.place.aws),
        world,
        described,
        json: arguments.json,
        logging,
    };
    run.to_its_end().await
}

/// What is going to happen, and where.
fn heading(request: &ProvisionRequest, world: &World, billed: bool) -> String {
    let what = format!(
        "Connecting {} in {} to cluster {}",
        request.vpc_id, request.region, request.cluster_id
    );
    let warning = "This is real: a security group, an interface endpoint and a private endpoint connection will be made, \
                   and the endpoint is billed from then on. Ctrl-C undoes what was made.";
    text::heading(&what, &world.about, billed.then_some(warning))
}
