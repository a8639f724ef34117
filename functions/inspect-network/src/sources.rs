//! Who may connect.

use shared::cidr::Cidr;
use shared::ec2::{Network, PeeredVpc, Source, Vpc};
use shared::request::ProvisionRequest;
use shared::sources::{AllowedSources, is_wide};
use shared::{Code, StepError};

/// EC2's quota of inbound rules for one group and address family (Amazon VPC quotas).
const RULES_PER_FAMILY: usize = 60;

/// The sources of the rules, in a stable order.
pub(crate) async fn decide(
    ec2: &impl Network,
    allowed: &AllowedSources,
    request: &ProvisionRequest,
    vpc: &Vpc,
    notes: &mut Vec<String>,
) -> Result<Vec<Source>, StepError> {
    let asked = &request.sources;
    let existing = ec2.existing_groups(&asked.security_group_ids).await?;
    if let Some(missing) = asked
        .security_group_ids
        .iter()
        .find(|group| !existing.contains(group))
    {
        return Err(StepError::new(
            Code::SourceGroupNotFound,
            format!("there is no security group {missing}"),
        ));
    }
    let peered = if asked.include_peered_vpcs {
        ec2.peered_vpcs(&vpc.id).await?
    } else {
        Vec::new()
    };
    notes.extend(peered.iter().map(peering_note));

    let of_peers: Vec<Cidr> = peered.into_iter().flat_map(|peer| peer.cidrs).collect();
    let sources = asked.resolve(&vpc.cidrs, &of_peers);
    let networks = || {
        sources.iter().filter_map(|source| match source {
            Source::Cidr(cidr) => Some(cidr),
            Source::Group(_) | Source::PrefixList(_) => None,
        })
    };
    allowed.admit(networks())?;
    let wide = networks().filter(|cidr| is_wide(**cidr)).map(wide_note);
    // First, because a reader must not miss it.
    let wide: Vec<String> = wide.collect();
    notes.splice(0..0, wide);
    let sources: Vec<Source> = sources.into_iter().collect();
    check_quota(&sources)?;
    Ok(sources)
}

/// A group or prefix list counts in both families.
fn check_quota(sources: &[Source]) -> Result<(), StepError> {
    let count =
        |counts: fn(&Source) -> bool| sources.iter().filter(|source| counts(source)).count();
    let v4 = count(|source| !matches!(source, Source::Cidr(cidr) if cidr.is_ipv6()));
    let v6 = count(|source| !matches!(source, Source::Cidr(cidr) if !cidr.is_ipv6()));
    for (family, rules) in [("IPv4", v4), ("IPv6", v6)] {
        if rules > RULES_PER_FAMILY {
            return Err(StepError::new(
                Code::TooManySources,
                format!(
                    "{rules} {family} sources, {RULES_PER_FAMILY} rules fit into one security group"
                ),
            ));
        }
    }
    Ok(())
}

fn wide_note(network: &Cidr) -> String {
    format!("source {network} is wide: everything that reaches the endpoint from it may connect")
}

fn peering_note(peer: &PeeredVpc) -> String {
    format!(
        "clients in {} (peering {}) may connect, but the private host does not resolve there: \
         private DNS covers this VPC only. Let them use the endpoint's own DNS name, \
         or forward the name from there (Route 53 Resolver) to this VPC",
        peer.vpc_id, peer.peering_id
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(family: &str, count: usize) -> Vec<Source> {
        (0..count)
            .map(|n| match family {
                "v4" => format!("10.{n}.0.0/16"),
                _ => format!("2001:db8:{n:x}::/48"),
            })
            .map(|cidr| Source::Cidr(cidr.parse().unwrap()))
            .collect()
    }

    #[test]
    fn the_families_are_counted_apart_and_groups_in_both() {
        let mut sources = networks("v4", 60);
        sources.extend(networks("v6", 60));
        assert!(check_quota(&sources).is_ok());
        sources.push(Source::Group("sg-0a71e831".parse().unwrap()));
        let error = check_quota(&sources).unwrap_err();
        assert_eq!(error.code, Code::TooManySources);
        assert!(
            error.detail.starts_with("61 IPv4 sources"),
            "{}",
            error.detail
        );
    }
}
