//! The private hosted zones of a VPC. Only Route 53 knows them.

use aws_sdk_route53::Client;
use aws_sdk_route53::types::VpcRegion;
use shared::StepError;
use shared::ids::VpcId;

use super::resolver::{PAGE, unless_denied};

/// The names of the zones that belong to an account. `None` if Route 53 refuses to
/// tell: the permission is missing, or the VPC is only shared with this account.
/// It answers five requests a second for the whole account (Route 53 developer guide,
/// "Quotas"), so few pages are best.
pub(super) async fn names(route53: &Client, vpc: &VpcId) -> Result<Option<Vec<String>>, StepError> {
    let region = route53.config().region();
    let region = region.map(|region| VpcRegion::from(region.as_ref()));
    let mut names = Vec::new();
    let mut token = None;
    loop {
        let request = route53.list_hosted_zones_by_vpc().vpc_id(vpc.as_str());
        let request = request.set_vpc_region(region.clone()).max_items(PAGE);
        let sent = request.set_next_token(token).send().await;
        let Some(page) = unless_denied("route53:ListHostedZonesByVPC", sent)? else {
            return Ok(None);
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
