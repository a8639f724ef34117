//! `deprovision`: runs the definition that takes a connection away to its end.

use shared::request::DeprovisionRequest;
use steps::definition;
use steps::words::Tale;

use crate::arguments::Deprovision;
use crate::consent::Consent;
use crate::display::text;
use crate::error::Error;
use crate::run::Run;
use crate::world::{Chosen, World};
use crate::{Answer, asked};

/// The world in which there is something to take away.
pub(crate) const DEFAULT_SCENARIO: &str = "connected";

/// Runs it.
///
/// # Errors
/// When the run cannot begin.
pub async fn run(arguments: &Deprovision, logging: bool) -> Result<Answer, Error> {
    let chosen = Chosen::or(&arguments.place, DEFAULT_SCENARIO)?;
    let region = arguments.asked.region.as_deref();
    let usual = chosen.request(&arguments.place, region).await;
    let request = asked::removal(&arguments.asked, usual)?;
    let subject = request.subject();
    chosen.knows(asked::ids(&subject))?;
    let consent = Consent::of(&arguments.place, arguments.consented, arguments.json)?;
    let world = chosen.open(&arguments.place, &subject.place()).await?;
    if let Some(answer) = consent.to_deprovision(&world, &request).await? {
        return Ok(answer);
    }
    let described = world.described(&arguments.place, DEFAULT_SCENARIO);
    let machine = definition::deprovision(&world.config.settings())?;
    let run = Run {
        tale: Tale::Disconnect,
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
fn heading(request: &DeprovisionRequest, world: &World, real: bool) -> String {
    let what = format!(
        "Disconnecting {} in {} from cluster {}",
        request.vpc_id, request.region, request.cluster_id
    );
    let warning = "This is real: whoever uses the connection loses it. What was adopted, or is used by \
                   another cluster too, stays. Ctrl-C keeps what has not been removed by then.";
    text::heading(&what, &world.about, real.then_some(warning))
}
