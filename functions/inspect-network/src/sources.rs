//! Who may connect.

use shared::cidr::Cidr;
use shared::ec2::{Network, PeeredVpc, PrefixList, Source, Vpc};
use shared::ids::{PrefixListId, SecurityGroupId, SourceGroup};
use shared::request::ProvisionRequest;
use shared::sources::{AllowedSources, is_wide};
use shared::{Code, StepError, bounds};

/// The most sources of a connection. A run carries them from step to step, and there is
/// room for so many (Step Functions developer guide, "Service quotas").
const MOST_SOURCES: usize = 1000;

/// So many sources a note names one by one.
const MOST_NAMED: usize = 5;

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
        Source::Cidr(cidr) => Some(*cidr),
        Source::Group(_) | Source::PrefixList(_) => None,
    });
    let networks: Vec<Cidr> = networks.collect();
    if request.private_dns {
        // Peered VPCs have notes of their own.
        let inside: Vec<Cidr> = vpc.cidrs.iter().chain(&of_peers).copied().collect();
        notes.extend(outside_note(&networks, &lists, &inside));
    }
    notes.extend(ipv6_note(&asked.cidrs, &lists));
    // First, because a reader must not miss it.
    let wide = networks.into_iter().filter(|cidr| is_wide(*cidr));
    let wide: Vec<String> = wide.map(wide_note).collect();
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
        Some(missing) => {
            let what = format!("has no security group {missing}");
            Err(not_found(Code::SourceGroupNotFound, vpc, &what))
        }
    }
}

fn not_found(code: Code, vpc: &Vpc, what: &str) -> StepError {
    let Vpc { owner, id, .. } = vpc;
    let detail = format!("account {owner}, which owns {id}, {what} in this Region");
    StepError::new(code, detail)
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
        Some(missing) => {
            let what = format!("sees no prefix list {missing}");
            Err(not_found(Code::PrefixListNotFound, vpc, &what))
        }
    }
}

/// How many rules fit into a group, EC2 alone knows.
fn check_count(sources: &[Source]) -> Result<(), StepError> {
    let count = sources.len();
    if count <= MOST_SOURCES {
        return Ok(());
    }
    let detail = format!("{count} sources, and no connection may have more than {MOST_SOURCES}");
    Err(StepError::new(Code::TooManySources, detail))
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

fn wide_note(network: Cidr) -> String {
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

/// Private DNS is for the VPC alone. What is on a prefix list changes, so it counts as
/// outside; where the group of another account is, nobody is told.
fn outside_note(networks: &[Cidr], lists: &[PrefixList], inside: &[Cidr]) -> Option<String> {
    let is_outside = |network: &&Cidr| !network.is_covered_by(inside.iter().copied());
    let networks = networks.iter().filter(|network| !network.is_ipv6());
    let networks = networks.filter(is_outside).map(Cidr::to_string);
    let lists = lists.iter().filter(|list| !list.is_ipv6).map(list_name);
    let named = named(networks.chain(lists))?;
    Some(format!(
        "clients of {named} that are outside of this VPC may connect, but the private host does \
         not resolve for them by itself: forward its name from there to a Route 53 Resolver \
         inbound endpoint of this VPC, or let them use the endpoint's own DNS name with \
         sslmode=verify-ca"
    ))
}

/// IPv6 sources that somebody has asked for. The networks of a VPC have come along.
fn ipv6_note(asked: &[Cidr], lists: &[PrefixList]) -> Option<String> {
    let networks = asked.iter().filter(|network| network.is_ipv6());
    let lists = lists.iter().filter(|list| list.is_ipv6).map(list_name);
    let named = named(networks.map(Cidr::to_string).chain(lists))?;
    Some(format!(
        "nobody gets in from {named}: these are IPv6, and endpoints are made with IPv4 addresses"
    ))
}

fn list_name(list: &PrefixList) -> String {
    Source::PrefixList(list.id.clone()).described()
}

/// The sources in a row, if there are any.
fn named(sources: impl Iterator<Item = String>) -> Option<String> {
    let named = bounds::texts(sources, MOST_NAMED).join(", ");
    (!named.is_empty()).then_some(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(texts: &[&str]) -> Vec<Cidr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn list(is_ipv6: bool) -> PrefixList {
        list_of(is_ipv6, None)
    }

    fn list_of(is_ipv6: bool, max_entries: Option<usize>) -> PrefixList {
        PrefixList {
            id: "pl-63a5400a".parse().unwrap(),
            is_ipv6,
            max_entries,
        }
    }

    #[test]
    fn only_for_clients_outside_of_the_vpc_a_note_says_how_the_host_resolves() {
        let inside = networks(&["10.20.0.0/17", "10.20.128.0/17", "172.31.0.0/16"]);
        for (sources, lists, expected) in [
            (&["10.20.0.0/16", "172.31.7.0/24"][..], &[][..], None),
            (&["10.20.0.0/16", "10.0.0.0/8"], &[], Some("10.0.0.0/8")),
            (&["0.0.0.0/0"], &[], Some("0.0.0.0/0")),
            (&[], &[list(false)], Some("prefix list pl-63a5400a")),
            (
                &["1.0.0.0/8"],
                &[list(false)],
                Some("1.0.0.0/8, prefix list pl-63a5400a"),
            ),
            // Nobody gets in from there.
            (&["2001:db8::/56"], &[list(true)], None),
        ] {
            let note = outside_note(&networks(sources), lists, &inside);
            let begins = expected.map(|named| format!("clients of {named} that are outside"));
            assert_eq!(note.is_some(), expected.is_some(), "{note:?}");
            let (note, begins) = (note.unwrap_or_default(), begins.unwrap_or_default());
            assert!(note.starts_with(&begins), "{note}");
        }
        let many = networks(&["1.0.0.0/8", "2.0.0.0/8", "3.0.0.0/8", "4.0.0.0/8"]);
        let many = [many, networks(&["5.0.0.0/8", "6.0.0.0/8", "7.0.0.0/8"])].concat();
        let note = outside_note(&many, &[], &inside).unwrap();
        assert!(note.contains("5.0.0.0/8, and 2 more that"), "{note}");
    }

    #[test]
    fn ipv6_sources_that_are_asked_for_are_told_to_be_of_no_use() {
        let (four, six) = (["10.0.0.0/8"], ["2001:db8::/56"]);
        assert_eq!(ipv6_note(&networks(&four), &[list(false)]), None);
        let note = ipv6_note(&networks(&[four[0], six[0]]), &[list(true)]).unwrap();
        let said = "from 2001:db8::/56, prefix list pl-63a5400a: these are IPv6";
        assert!(note.contains(said), "{note}");
    }

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
        for (is_ipv6, entries, said) in [
            (false, Some(50), "and it counts for 50 IPv4 rules"),
            (true, Some(60), "and it counts for 60 IPv6 rules"),
            // One of AWS's own.
            (false, None, "EC2 does not tell"),
        ] {
            let note = list_note(&list_of(is_ipv6, entries));
            assert!(note.contains(said), "{note}");
        }
    }
}
