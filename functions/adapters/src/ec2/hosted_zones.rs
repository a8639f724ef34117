//! The private hosted zones of a VPC. Only Route 53 knows them.

use aws_sdk_route53::Client;
use aws_sdk_route53::types::VpcRegion;
use shared::StepError;
use shared::ec2::errors;
use shared::ids::VpcId;

use super::code_of;

use crate::sdk;

const OPERATION: &str = "ListHostedZonesByVPC";

/// The largest page that Route 53 gives. It answers five requests a second for the
/// whole account (Route 53 developer guide, "Quotas"), so few pages are best.
const PAGE: i32 = 100;

/// The names of the zones that belong to an account. `None` if Route 53 refuses to
/// tell: the permission is missing, or the VPC is only shared with this account.
pub(super) async fn names(route53: &Client, vpc: &VpcId) -> Result<Option<Vec<String>>, StepError> {
    let region = route53.config().region();
    let region = region.map(|region| VpcRegion::from(region.as_ref()));
    let mut names = Vec::new();
    let mut token = None;
    loop {
        let request = route53.list_hosted_zones_by_vpc().vpc_id(vpc.as_str());
        let request = request.set_vpc_region(region.clone()).max_items(PAGE);
        let page = match request.set_next_token(token).send().await {
            Ok(page) => page,
            Err(error) if code_of(&error).is_some_and(errors::is_denied) => return Ok(None),
            Err(error) => {
                let asked = format!("Route 53 {OPERATION}");
                return Err(sdk::failure(&asked, &error, |code, message| {
                    errors::classify_route53(OPERATION, code, message)
                }));
            }
        };
        for zone in page.hosted_zone_summaries {
            let owner = zone.owner.as_ref();
            if owner.is_none_or(|owner| owner.owning_service().is_none()) {
                names.push(zone.name.trim_end_matches('.').to_owned());
            }
        }
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(Some(names));
        }
    }
}
