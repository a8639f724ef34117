//! `provision`: runs the definition to its end.

use shared::request::ProvisionRequest;
use steps::definition;
use steps::words::Tale;

use crate::arguments::Provision;
use crate::display::text;
use crate::error::Error;
use crate::run::Run;
use crate::world::{Chosen, World};
use crate::{Answer, asked};

/// Runs it.
///
/// # Errors
/// When the run cannot begin.
pub async fn run(arguments: &Provision, logging: bool) -> Result<Answer, Error> {
    let chosen = Chosen::new(&arguments.place)?;
    let region = arguments.asked.region.as_deref();
    let usual = chosen.request(&arguments.place, region).await;
    let request = asked::request(&arguments.asked, usual)?;
    let described = chosen.describe(&arguments.place);
    let world = chosen.open(&arguments.place, &request.region).await?;
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
