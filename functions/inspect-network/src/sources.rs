//! Who may connect.

use shared::cidr::Cidr;
use shared::ec2::{Network, PeeredVpc, PrefixList, Source, Vpc};
use shared::ids::{PrefixListId, SecurityGroupId, SourceGroup};
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
    let groups = asked.security_group_ids.iter();
    let groups: Vec<SourceGroup> = groups.map(|it| it.seen_from(&vpc.owner)).collect();
    check_groups(ec2, &groups, vpc).await?;
    let lists = find_lists(ec2, &asked.prefix_list_ids, vpc).await?;
    let peered = if asked.include_peered_vpcs {
        ec2.peered_vpcs(&vpc.id).await?
    } else {
        Vec::new()
    };
    notes.extend(peered.iter().map(peering_note));
    notes.extend(lists.iter().map(list_note));
    let of_others = groups.iter().filter(|group| group.account().is_some());
    notes.extend(of_others.map(group_note));

    let of_peers: Vec<Cidr> = peered.into_iter().flat_map(|peer| peer.cidrs).collect();
    let sources = asked.resolve(Some(&vpc.owner), &vpc.cidrs, &of_peers);
    allowed.admit(&sources)?;
    let networks = sources.iter().filter_map(|source| match source {
        Source::Cidr(cidr) => Some(cidr),
        Source::Group(_) | Source::PrefixList(_) => None,
    });
    let wide = networks.filter(|cidr| is_wide(**cidr)).map(wide_note);
    // First, because a reader must not miss it.
    let wide: Vec<String> = wide.collect();
    notes.splice(0..0, wide);
    let sources: Vec<Source> = sources.into_iter().collect();
    check_count(&sources)?;
    Ok(sources)
}

/// Whether the groups of the VPC's own account exist. Those of other accounts EC2 shows
/// to nobody else; it refuses the rule of one that cannot be had.
async fn check_groups(
    ec2: &impl Network,
    groups: &[SourceGroup],
    vpc: &Vpc,
) -> Result<(), StepError> {
    let own = groups.iter().filter(|group| group.account().is_none());
    let own: Vec<SecurityGroupId> = own.map(SourceGroup::id).collect();
    let existing = ec2.existing_groups(&own).await?;
    match own.iter().find(|group| !existing.contains(group)) {
        None => Ok(()),
        Some(missing) => Err(StepError::new(
            Code::SourceGroupNotFound,
            format!(
                "account {}, which owns {}, has no security group {missing} in this Region",
                vpc.owner, vpc.id
            ),
        )),
    }
}

/// The prefix lists that are asked for, all of them.
async fn find_lists(
    ec2: &impl Network,
    asked: &[PrefixListId],
    vpc: &Vpc,
) -> Result<Vec<PrefixList>, StepError> {
    let lists = ec2.prefix_lists(asked).await?;
    let is_missing = |id: &&PrefixListId| lists.iter().all(|list| list.id != **id);
    match asked.iter().find(is_missing) {
        None => Ok(lists),
        Some(missing) => Err(StepError::new(
            Code::PrefixListNotFound,
            format!(
                "account {}, which owns {}, sees no prefix list {missing} in this Region",
                vpc.owner, vpc.id
            ),
        )),
    }
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

/// What a prefix list as a source means. It counts for as many rules as it may have
/// entries, whichever it has ("Security group rules", Amazon VPC user guide).
fn list_note(list: &PrefixList) -> String {
    let counts = match list.max_entries {
        Some(entries) => {
            let family = if list.is_ipv6 { "IPv6" } else { "IPv4" };
            format!("it counts for {entries} {family} rules of the security group")
        }
        None => "for how many rules of the security group it counts, EC2 does not tell".to_owned(),
    };
    format!(
        "whoever is on prefix list {} may connect; the list's owner may change it at any time, and {counts}",
        list.id
    )
}

fn group_note(group: &SourceGroup) -> String {
    format!(
        "whether security group {group} can be a source is seen when its rule is made: EC2 does not show groups of other accounts"
    )
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

    #[test]
    fn for_how_many_rules_a_prefix_list_counts_is_told() {
        let note = |is_ipv6, max_entries| {
            list_note(&PrefixList {
                id: "pl-63a5400a".parse().unwrap(),
                is_ipv6,
                max_entries,
            })
        };
        for (note, said) in [
            (note(false, Some(50)), "and it counts for 50 IPv4 rules"),
            (note(true, Some(60)), "and it counts for 60 IPv6 rules"),
            // One of AWS's own.
            (note(false, None), "EC2 does not tell"),
        ] {
            assert!(note.contains(said), "{note}");
        }
    }
}
