//! Who may connect.

use shared::cidr::Cidr;
use shared::ec2::{Network, PeeredVpc, PrefixList, Source, Vpc};
use shared::ids::{PrefixListId, SecurityGroupId, SourceGroup};
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
    notes.extend(asked.prefix_list_ids.iter().map(list_note));
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
    check_quota(&sources, &lists)?;
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

fn check_quota(sources: &[Source], lists: &[PrefixList]) -> Result<(), StepError> {
    for (family, ipv6) in [("IPv4", false), ("IPv6", true)] {
        let rules: usize = sources.iter().map(|it| rules_for(it, ipv6, lists)).sum();
        if rules > RULES_PER_FAMILY {
            let of_lists = lists.iter().filter(|list| list.is_ipv6 == ipv6);
            let of_lists: Vec<String> = of_lists
                .filter_map(|list| Some(format!("{} for {}", list.id, list.max_entries?)))
                .collect();
            let counted = match of_lists.as_slice() {
                [] => String::new(),
                some => format!(
                    " (a prefix list counts for the entries that it may have: {})",
                    some.join(", ")
                ),
            };
            return Err(StepError::new(
                Code::TooManySources,
                format!(
                    "{rules} {family} sources{counted}, {RULES_PER_FAMILY} rules fit into one security group"
                ),
            ));
        }
    }
    Ok(())
}

/// For how many rules of the address family the source counts ("Security group rules",
/// Amazon VPC user guide). For how many one of AWS's own lists does, EC2 does not tell.
fn rules_for(source: &Source, ipv6: bool, lists: &[PrefixList]) -> usize {
    match source {
        Source::Cidr(cidr) => usize::from(cidr.is_ipv6() == ipv6),
        Source::Group(_) => 1,
        Source::PrefixList(id) => {
            let mut of_family = lists.iter().filter(|list| list.is_ipv6 == ipv6);
            let list = of_family.find(|list| list.id == *id);
            list.map_or(0, |list| list.max_entries.unwrap_or(1))
        }
    }
}

fn list_note(list: &PrefixListId) -> String {
    format!(
        "whoever is on prefix list {list} may connect; the list's owner may change it at any time"
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
        assert!(check_quota(&sources, &[]).is_ok());
        sources.push(Source::Group("sg-0a71e831".parse().unwrap()));
        let error = check_quota(&sources, &[]).unwrap_err();
        assert_eq!(error.code, Code::TooManySources);
        assert!(
            error.detail.starts_with("61 IPv4 sources,"),
            "{}",
            error.detail
        );
    }

    #[test]
    fn a_prefix_list_counts_for_the_entries_that_it_may_have_in_its_family() {
        let list = |is_ipv6, max_entries| PrefixList {
            id: "pl-63a5400a".parse().unwrap(),
            is_ipv6,
            max_entries,
        };
        let mut sources = networks("v4", 10);
        sources.push(Source::PrefixList("pl-63a5400a".parse().unwrap()));
        for (list, said) in [
            (list(false, Some(50)), None),
            (
                list(false, Some(51)),
                Some("61 IPv4 sources (a prefix list"),
            ),
            (list(true, Some(60)), None),
            (list(true, Some(61)), Some("61 IPv6 sources (a prefix list")),
            // One of AWS's own.
            (list(false, None), None),
        ] {
            let refused = check_quota(&sources, std::slice::from_ref(&list)).err();
            let detail = refused.map(|error| error.detail);
            assert_eq!(detail.is_some(), said.is_some(), "{list:?}: {detail:?}");
            let detail = detail.unwrap_or_default();
            assert!(detail.starts_with(said.unwrap_or_default()), "{detail}");
            assert!(
                said.is_none() || detail.contains("pl-63a5400a for "),
                "{detail}"
            );
        }
    }
}
