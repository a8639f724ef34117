//! Route 53, as far as it tells which private hosted zones a VPC has, and an account.
//!
//! Source: the botocore model `route53/2013-04-01` and the page of
//! `ListHostedZonesByVPC` in the Route 53 API reference. The words of the
//! messages are ours unless a comment says otherwise.

use std::collections::BTreeMap;

use crate::authorization::Authorization;
use crate::calls::ApiError;
use crate::context::Context;
use crate::ec2::{self, Ec2};
use crate::faults::FaultKind;
use crate::splitmix::{fold, mix};

/// What owns the hidden zone of an endpoint with private DNS. The API reference
/// names `efs.amazonaws.com` as an example of such an owner and says nothing of
/// endpoints. That their zones are listed is the cautious assumption: a caller
/// who takes them for zones of an account sees conflicts that are none.
const ENDPOINTS: &str = "vpce.amazonaws.com";

/// The largest page, and the size of one that nobody chose.
const LARGEST_PAGE: usize = 100;

#[derive(Debug, Clone, Default)]
pub struct ListHostedZonesByVpc {
    pub vpc_id: String,
    /// Its Region; Route 53 itself has none.
    pub vpc_region: String,
    pub max_items: Option<usize>,
    /// Where the last page ended.
    pub next_token: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListHostedZonesByVpcResult {
    pub hosted_zone_summaries: Vec<HostedZoneSummary>,
    pub max_items: usize,
    /// How to ask for the next page.
    pub next_token: Option<String>,
}

/// `ListHostedZonesByName`.
#[derive(Debug, Clone, Default)]
pub struct ListHostedZonesByName {
    /// The first name that is asked for.
    pub dns_name: String,
    /// The size of a page.
    pub max_items: Option<usize>,
}

/// The answer to [`ListHostedZonesByName`]: a page, in the order of the names read from
/// their last label to the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListHostedZonesByNameResult {
    /// The zones, by id and name, with a dot at its end.
    pub hosted_zones: Vec<(String, String)>,
    /// The size of a page.
    pub max_items: usize,
    /// The first zone of the next page.
    pub next: Option<(String, String)>,
}

/// A private hosted zone that is associated with the VPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostedZoneSummary {
    pub hosted_zone_id: String,
    /// The name, with a dot at its end.
    pub name: String,
    pub owner: Owner,
}

/// Who owns a hosted zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// An account, by number.
    Account(String),
    /// A service of AWS, by its name.
    Service(String),
}

/// Lists the private hosted zones that are associated with a VPC.
pub(crate) fn list_hosted_zones_by_vpc(
    mut context: Context<'_>,
    ec2: &Ec2,
    request: &ListHostedZonesByVpc,
) -> Result<ListHostedZonesByVpcResult, ApiError> {
    let caller = context.caller;
    context.needs(|| {
        let actions = ["route53:ListHostedZonesByVPC", "ec2:DescribeVpcs"];
        let needs = actions.map(|action| Authorization::new(caller, action, "*"));
        needs.into()
    });
    if !ec2::well_formed("vpc", &request.vpc_id) {
        return Err(invalid_input("The VPC id is not valid."));
    }
    let max_items = page_size(request.max_items)?;
    let vpc = ec2
        .vpcs
        .get(&request.vpc_id)
        .filter(|vpc| vpc.owner == caller.account && vpc.region == request.vpc_region);
    // A VPC that is absent is not the caller's either: terraform-provider-aws
    // looks for "is not owned by you" after it has deleted one.
    let vpc = vpc.ok_or_else(|| {
        let message = format!("The VPC: {} is not owned by you.", request.vpc_id);
        ApiError::new(403, "AccessDenied", message)
    })?;
    let own = vpc.hosted_zones.iter().map(|name| HostedZoneSummary {
        hosted_zone_id: zone_id(name),
        name: dotted(name),
        owner: Owner::Account(vpc.owner.clone()),
    });
    let hidden = ec2::hidden_zones(ec2, &vpc.id);
    let hidden = hidden.into_iter().map(|(id, name)| HostedZoneSummary {
        hosted_zone_id: id,
        name: dotted(&name),
        owner: Owner::Service(ENDPOINTS.to_owned()),
    });
    let mut zones: Vec<HostedZoneSummary> = own.chain(hidden).collect();
    // A token is the id of the first zone of its page.
    if let Some(token) = &request.next_token {
        let first = zones.iter().position(|zone| zone.hosted_zone_id == *token);
        let first = first.ok_or_else(|| {
            let message = "The pagination token is not valid.";
            ApiError::new(400, "InvalidPaginationToken", message)
        })?;
        zones.drain(..first);
    }
    let next_token = zones.get(max_items).map(|zone| zone.hosted_zone_id.clone());
    zones.truncate(max_items);
    Ok(ListHostedZonesByVpcResult {
        hosted_zone_summaries: zones,
        max_items,
        next_token,
    })
}

/// Lists the private hosted zones of an account. It has no public ones here.
pub(crate) fn list_hosted_zones_by_name(
    mut context: Context<'_>,
    ec2: &Ec2,
    request: &ListHostedZonesByName,
) -> Result<ListHostedZonesByNameResult, ApiError> {
    let caller = context.caller;
    let action = "route53:ListHostedZonesByName";
    context.needs(|| vec![Authorization::new(caller, action, "*")]);
    let max_items = page_size(request.max_items)?;
    let read = |name: &str| -> Vec<String> { name.rsplit('.').map(str::to_owned).collect() };
    let mut zones = BTreeMap::new();
    for vpc in ec2.vpcs.values().filter(|vpc| vpc.owner == caller.account) {
        for name in &vpc.hosted_zones {
            zones.insert((read(&dotted(name)), zone_id(name)), dotted(name));
        }
        let profile = vpc.profile.iter();
        for profile in profile.filter(|profile| profile.is_of(&caller.account)) {
            for (id, name) in &profile.zones {
                zones.insert((read(&dotted(name)), id.clone()), dotted(name));
            }
        }
    }
    let first = read(&dotted(&request.dns_name));
    let zones = zones.into_iter().filter(|((name, _), _)| *name >= first);
    let mut zones = zones.map(|((_, id), name)| (id, name));
    Ok(ListHostedZonesByNameResult {
        hosted_zones: zones.by_ref().take(max_items).collect(),
        max_items,
        next: zones.next(),
    })
}

fn page_size(asked: Option<usize>) -> Result<usize, ApiError> {
    match asked {
        Some(0) => Err(invalid_input("maxitems must be at least 1.")),
        Some(chosen) => Ok(chosen.min(LARGEST_PAGE)),
        None => Ok(LARGEST_PAGE),
    }
}

fn zone_id(name: &str) -> String {
    format!("Z1{:018X}", mix(fold(name)))
}

/// A name as Route 53 writes it.
fn dotted(name: &str) -> String {
    format!("{}.", name.trim_end_matches('.').to_ascii_lowercase())
}

/// Input that Route 53 cannot use.
pub(crate) fn invalid_input(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "InvalidInput", message)
}

/// The fault as Route 53 would say it in an answer to this operation.
pub(crate) fn render_fault(kind: FaultKind, operation: &str) -> ApiError {
    let (status, code, message) = match kind {
        FaultKind::Throttle => (400, "Throttling", "Rate exceeded"),
        FaultKind::Denied => {
            let message = format!(
                "User is not authorized to perform: route53:{operation} because no \
                 identity-based policy allows the route53:{operation} action"
            );
            return ApiError::new(403, "AccessDenied", message);
        }
        FaultKind::NotFound if operation.ends_with("ByVPC") => {
            (400, "InvalidVPCId", "The VPC id is not valid.")
        }
        FaultKind::NotFound => (404, "NoSuchHostedZone", "There is no such hosted zone."),
        FaultKind::Conflict => (
            400,
            "PriorRequestNotComplete",
            "Route 53 is still processing a prior request.",
        ),
        FaultKind::UnknownCode => (400, "SomethingNewException", "Something new went wrong."),
        FaultKind::ServerError => (500, "InternalFailure", "An internal failure has occurred."),
        // These two are no answers; whoever asks for one all the same gets the
        // answer of a service in trouble.
        FaultKind::Timeout | FaultKind::CutOff => {
            (503, "ServiceUnavailable", "The service is unavailable.")
        }
    };
    ApiError::new(status, code, message)
}

#[cfg(test)]
mod tests;
