//! Who may connect.

use shared::cidr::Cidr;
use shared::ec2::{Network, PeeredVpc, Source, Vpc};
use shared::request::ProvisionRequest;
use shared::sources::{AllowedSources, is_wide};
use shared::{Code, StepError};

/// The most sources of a connection. A run carries them from step to step, and there is
/// room for so many (Step Functions developer guide, "Service quotas").
const MOST_SOURCES: usize = 1000;

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
    check_count(&sources)?;
    Ok(sources)
}

/// How many rules fit into a group, EC2 alone knows.
fn check_count(sources: &[Source]) -> Result<(), StepError> {
    if sources.len() <= MOST_SOURCES {
        return Ok(());
    }
    Err(StepError::new(
        Code::TooManySources,
        format!(
            "{} sources, and no connection may have more than {MOST_SOURCES}",
            sources.len()
        ),
    ))
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

    /// Quotas are raised, so it is EC2 that refuses.
    #[test]
    fn as_many_sources_are_planned_as_a_run_can_carry() {
        let sources: Vec<Source> = (0..=MOST_SOURCES)
            .map(|n| Source::Cidr(format!("10.{}.{}.0/24", n / 256, n % 256).parse().unwrap()))
            .collect();
        assert_eq!(check_count(&sources[1..]), Ok(()));
        let error = check_count(&sources).unwrap_err();
        assert_eq!(error.code, Code::TooManySources);
        assert!(error.detail.starts_with("1001 sources"), "{}", error.detail);
    }
}
