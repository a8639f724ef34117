//! Names of endpoints, and when private DNS may be switched on.

use super::view::DnsEntry;
use super::{Endpoint, EndpointType};
use crate::calls::ApiError;
use crate::ec2::error::invalid_parameter;
use crate::ec2::service::{EndpointService, Verification};
use crate::ec2::{Ec2, Vpc};
use crate::splitmix::{fold, mix};

/// The public hosted zone of PrivateLink; one per Region in reality.
const PUBLIC_ZONE: &str = "Z38GZ743OKFT7T";

/// The names that lead to an endpoint: one of the Region, one of each zone,
/// and the private name of the service once private DNS is on.
pub(super) fn entries(ec2: &Ec2, endpoint: &Endpoint) -> Vec<DnsEntry> {
    if endpoint.kind != EndpointType::Interface || endpoint.subnet_ids().next().is_none() {
        return Vec::new();
    }
    let suffix = suffix(&endpoint.id);
    let service_id = endpoint.service_name.rsplit('.').next().unwrap_or_default();
    let tail = format!("{service_id}.{}.vpce.amazonaws.com", endpoint.region);
    let public = |first: String| DnsEntry {
        dns_name: format!("{first}.{tail}"),
        hosted_zone_id: PUBLIC_ZONE.to_owned(),
    };
    let mut names = vec![public(format!("{}-{suffix}", endpoint.id))];
    for subnet in endpoint.subnet_ids().filter_map(|id| ec2.subnets.get(id)) {
        names.push(public(format!(
            "{}-{suffix}-{}",
            endpoint.id, subnet.zone_name
        )));
    }
    if endpoint.private_dns
        && let Some(name) = ec2
            .service_anywhere(&endpoint.service_name)
            .and_then(|service| service.private_dns_name.clone())
    {
        names.push(DnsEntry {
            dns_name: name,
            hosted_zone_id: hidden_zone_id(endpoint),
        });
    }
    names
}

/// The zones that private DNS of endpoints has associated with a VPC, each with
/// its id and its name.
pub(crate) fn hidden_zones(ec2: &Ec2, vpc_id: &str) -> Vec<(String, String)> {
    let here = ec2.endpoints.values().filter(|endpoint| {
        endpoint.vpc_id == vpc_id && endpoint.private_dns && endpoint.state.is_there()
    });
    here.filter_map(|endpoint| {
        let service = ec2.service_anywhere(&endpoint.service_name)?;
        let name = zone_name(service.private_dns_name.as_deref()?);
        Some((hidden_zone_id(endpoint), name.to_owned()))
    })
    .collect()
}

fn hidden_zone_id(endpoint: &Endpoint) -> String {
    format!("Z0{:018X}", mix(fold(&endpoint.id)))
}

/// Eight letters and digits that make the public name hard to guess.
fn suffix(id: &str) -> String {
    let mut bits = mix(fold(id));
    (0..8)
        .map(|_| {
            let digit = b"abcdefghijklmnopqrstuvwxyz0123456789"[(bits % 36) as usize];
            bits /= 36;
            char::from(digit)
        })
        .collect()
}

impl Ec2 {
    /// Whether private DNS of this service may be switched on in this VPC, by
    /// an endpoint that is there already or is still to be made.
    pub(super) fn check_private_dns(
        &self,
        vpc: &Vpc,
        service: &EndpointService,
        endpoint_id: Option<&str>,
    ) -> Result<(), ApiError> {
        let Some(name) = &service.private_dns_name else {
            return Err(invalid_parameter(format!(
                "Private DNS can't be enabled because the service {} does not provide a private DNS name.",
                service.name
            )));
        };
        // Consumers cannot use the name before the provider has proven that
        // it is theirs ("Manage DNS names for VPC endpoint services", AWS
        // PrivateLink guide). The words of the message are ours.
        if service.verification != Verification::Verified {
            return Err(invalid_parameter(format!(
                "Private DNS can't be enabled because the private DNS name of the service {} is not verified.",
                service.name
            )));
        }
        if !(vpc.dns_support && vpc.dns_hostnames) {
            return Err(invalid_parameter(format!(
                "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC \
                 attributes set to true for {}",
                vpc.id
            )));
        }
        let taken_by_zone = vpc.hosted_zones.iter().any(|zone| overlap(zone, name));
        let taken_by_endpoint = self.endpoints.values().any(|other| {
            other.vpc_id == vpc.id
                && Some(other.id.as_str()) != endpoint_id
                && other.claims_dns()
                && self
                    .service_anywhere(&other.service_name)
                    .and_then(|service| service.private_dns_name.as_deref())
                    .is_some_and(|theirs| overlap(theirs, name))
        });
        if taken_by_zone || taken_by_endpoint {
            return Err(invalid_parameter(format!(
                "private-dns-enabled cannot be set because there is already a conflicting DNS \
                 domain for {name} in the VPC {}",
                vpc.id
            )));
        }
        Ok(())
    }
}

/// Whether two names cannot both be the name of a zone in one VPC. The hidden
/// zone of an endpoint is named after the name without a leading `*`, and two
/// zones of one name cannot be associated with one VPC. A zone for a parent
/// domain may be: the more specific one wins ("Considerations when working
/// with a private hosted zone", Route 53 developer guide).
fn overlap(one: &str, other: &str) -> bool {
    zone_name(one).eq_ignore_ascii_case(zone_name(other))
}

fn zone_name(name: &str) -> &str {
    name.trim_end_matches('.').trim_start_matches("*.")
}

#[cfg(test)]
mod tests {
    use super::overlap;

    #[test]
    fn names_conflict_when_their_zones_are_the_same() {
        for (one, other, conflict) in [
            (
                "internal-a.aws-eu-west-1.crdb.io",
                "internal-a.aws-eu-west-1.crdb.io.",
                true,
            ),
            ("*.aws-eu-west-1.crdb.io", "AWS-eu-west-1.crdb.io", true),
            (
                "internal-a.aws-eu-west-1.crdb.io",
                "aws-eu-west-1.crdb.io",
                false,
            ),
            ("internal-a.crdb.io", "internal-b.crdb.io", false),
        ] {
            assert_eq!(overlap(one, other), conflict, "{one} {other}");
        }
    }
}
