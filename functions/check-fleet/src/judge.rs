//! Compares what was asked for and made with what is there.

use std::collections::BTreeSet;

use shared::cloud::{ClusterState, RegistrationStatus, registration_of};
use shared::ec2::{Endpoint, EndpointState, IngressRule, Source, admits, shut_out};
use shared::ids::{EndpointId, SubnetId, ZoneId};
use shared::ledger::{Connection, Finding};
use shared::ownership::{Claim, Origin};
use shared::report::SQL_PORT;
use shared::surroundings::{Remark, client_networks, of_acls, of_dhcp_options};
use shared::vpc_tags::TagKeys;
use shared::{Code, StepError, bounds, subnets};

use crate::cloud_side::{self, ClusterSeen};
use crate::network_side::{self, PlaceSeen, VpcSeen};
use crate::zones;

/// What was found out about one connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// What is not as it was asked for.
    pub(crate) drift: Vec<(Code, String)>,
    /// The codes of that drift which `provision` notes and leaves as it is.
    pub(crate) noted: Vec<Code>,
    /// What is neither good nor at a bad end: not yet, or a word that nobody knows.
    pub(crate) unsettled: Vec<(Code, String)>,
    /// What could not be looked at, and why.
    pub(crate) unseen: Vec<(Code, String)>,
    /// What does no harm.
    pub(crate) remarks: Vec<(Code, String)>,
}

/// Most findings of one connection that are told one by one.
const MOST_FINDINGS: usize = 20;

/// Most bytes of what one finding says, written in JSON.
const LONGEST_DETAIL: usize = 400;

impl Judgement {
    /// What is to be told of it, the worst first. They lie in the ledger and in a
    /// notice, so there are at most so many; the log has all.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let all = [&self.drift, &self.unsettled, &self.unseen, &self.remarks];
        let mut findings: Vec<Finding> = all
            .into_iter()
            .flatten()
            .map(|(code, detail)| Finding {
                code: code.to_string(),
                detail: bounds::text(detail, LONGEST_DETAIL),
            })
            .collect();
        let left_out = findings.len().saturating_sub(MOST_FINDINGS);
        for finding in findings.drain(findings.len() - left_out..) {
            tracing::info!("{}: {}", finding.code, finding.detail);
        }
        if let Some(last) = findings.last_mut().filter(|_| left_out > 0) {
            last.detail
                .push_str(&format!(" (and {left_out} more findings)"));
        }
        findings
    }

    /// Whether a run of `provision` may set right all that it does not only note. Where it
    /// cannot, it would fail each time, and take down what is left of the connection.
    pub(crate) fn is_for_provision(&self) -> bool {
        let codes = self.drift.iter().map(|(code, _)| *code);
        let mut codes = codes.filter(|code| !self.noted.contains(code)).peekable();
        codes.peek().is_some() && codes.all(provision_mends)
    }
}

/// Whether `provision` mends what the code stands for.
fn provision_mends(code: Code) -> bool {
    [
        Code::EndpointGone,
        Code::EndpointRejected,
        Code::EndpointFailed,
        Code::EndpointExpired,
        Code::EndpointLacksZone,
        Code::EndpointInShutOutSubnet,
        Code::OwnershipTagsMissing,
        Code::PrivateDnsSwitchedOff,
        Code::SecurityGroupDetached,
        Code::SecurityGroupRuleMissing,
        Code::RegistrationGone,
        Code::RegistrationFailed,
        Code::RegistrationExpired,
        Code::RegistrationStale,
    ]
    .contains(&code)
}

/// Compares one connection with both sides.
pub(crate) fn judge(
    connection: &Connection,
    network: Option<&network_side::Seen>,
    cluster: Option<&cloud_side::Seen>,
    keys: &TagKeys,
) -> Judgement {
    let mut found = Judgement::default();
    match network {
        Some(Ok(place)) => judge_network(connection, place, keys, &mut found),
        Some(Err(error)) => found.unseen.push(why(error)),
        None => {}
    }
    match cluster {
        Some(Ok(cluster)) => judge_cluster(connection, cluster, &mut found),
        Some(Err(error)) => found.unseen.push(why(error)),
        None => {}
    }
    found
}

fn why(error: &StepError) -> (Code, String) {
    (error.code, error.detail.clone())
}

fn judge_network(
    connection: &Connection,
    place: &PlaceSeen,
    keys: &TagKeys,
    found: &mut Judgement,
) {
    let vpc_id = &connection.vpc_id;
    let vpc = match place.vpcs.get(vpc_id) {
        Some(Ok(Some(vpc))) => {
            judge_dns(connection, vpc, found);
            Some(vpc)
        }
        Some(Ok(None)) => {
            let detail = format!("there is no VPC {vpc_id} in {}", connection.region);
            found.drift.push((Code::VpcNotFound, detail));
            None
        }
        Some(Err(error)) => {
            found.unseen.push(why(error));
            None
        }
        None => None,
    };
    let Some(endpoint) = place.endpoint_of(connection) else {
        let detail = match connection.endpoint() {
            Some(id) => format!("endpoint {id} is not there any more"),
            None => "the ledger knows no endpoint of this connection".to_owned(),
        };
        found.drift.push((Code::EndpointGone, detail));
        return;
    };
    judge_endpoint(connection, endpoint, found);
    if let Some(vpc) = vpc {
        judge_zones(connection, endpoint, vpc, place, keys, found);
    }
    if !endpoint.state.is_dead() {
        judge_groups(connection, endpoint, &place.rules, vpc, found);
        if let Some(vpc) = vpc {
            judge_surroundings(connection, endpoint, place, vpc, found);
        }
    }
}

/// What has changed around the connection since it was made. Nobody knows where its
/// clients are, so it is no drift, unless somebody else answers for its host in the VPC.
fn judge_surroundings(
    connection: &Connection,
    endpoint: &Endpoint,
    place: &PlaceSeen,
    vpc: &VpcSeen,
    found: &mut Judgement,
) {
    let mut remarks: Vec<Remark> = Vec::new();
    match &place.acls {
        Ok(acls) => {
            let asked = &connection.request.sources;
            let planned = asked.resolve(Some(&vpc.owner), &vpc.cidrs, &vpc.peer_cidrs);
            let clients = client_networks(&planned, &vpc.cidrs);
            remarks.extend(of_acls(acls.as_deref(), &endpoint.subnet_ids, &clients));
        }
        Err(error) => found.unseen.push(why(error)),
    }
    let options = vpc.dhcp_options.as_ref();
    if let Some(options) = options.filter(|_| connection.request.private_dns) {
        match &place.dns_servers {
            Ok(servers) => {
                remarks.extend(of_dhcp_options(options, servers.as_ref(), &vpc.cidrs));
            }
            Err(error) => found.unseen.push(why(error)),
        }
    }
    if let Some(name) = network_side::private_name(connection, endpoint, &vpc.owner) {
        remarks.extend(place.names.get(&name).into_iter().flatten().cloned());
    }
    // Whoever connected the VPC was told what was so then.
    let told = connection
        .ready
        .as_ref()
        .map_or(&[][..], |it| it.notes.as_slice());
    remarks.retain(|(_, remark)| !told.contains(&bounds::text(remark, bounds::DETAIL)));
    for remark in remarks {
        let is_rule = remark.0 == Code::ResolverRuleTakesName;
        if !is_rule && remark.0 != Code::PrivateDnsConflict {
            found.remarks.push(remark);
            continue;
        }
        // A zone is in the way of a run only if that has to switch private DNS on.
        if is_rule || endpoint.private_dns {
            found.noted.push(remark.0);
        }
        found.drift.push(remark);
    }
}

/// The attributes of the VPC that private DNS depends on.
fn judge_dns(connection: &Connection, vpc: &VpcSeen, found: &mut Judgement) {
    let Some(dns) = vpc.dns.filter(|_| connection.request.private_dns) else {
        return;
    };
    let mut hold = |is_on: bool, code: Code, name: &str| {
        if !is_on {
            let detail = format!("{} has {name} = false", connection.vpc_id);
            found.drift.push((code, detail));
        }
    };
    let hostnames = Code::VpcDnsHostnamesDisabled;
    hold(dns.support, Code::VpcDnsSupportDisabled, "enableDnsSupport");
    hold(dns.hostnames, hostnames, "enableDnsHostnames");
}

fn judge_endpoint(connection: &Connection, endpoint: &Endpoint, found: &mut Judgement) {
    let (id, state) = (&endpoint.id, &endpoint.state);
    let reason = endpoint.failure.as_ref();
    let reason = reason.map(|why| format!(": {why}")).unwrap_or_default();
    let is = format!("endpoint {id} is {state}{reason}");
    if let Some(code) = state.bad_end() {
        // The rest of it does not matter any more.
        return found.drift.push((code, is));
    }
    if *state != EndpointState::Available {
        found.unsettled.push((Code::StateNotSettled, is));
    }
    if let Some(service) = &connection.service_name
        && endpoint.service_name != service.as_str()
    {
        let leads_to = &endpoint.service_name;
        let detail = format!("endpoint {id} leads to {leads_to}, not to {service}");
        found.drift.push((Code::EndpointOfOtherService, detail));
    }
    let claim = connection.claim();
    let origin = Origin::of(&endpoint.tags);
    if origin.is_none() || !claim.is_in(&endpoint.tags) {
        let detail = format!("endpoint {id} does not carry the tags of this connection");
        found.drift.push((Code::OwnershipTagsMissing, detail));
    }
    // While it is being switched, its state says so.
    if connection.request.private_dns
        && endpoint.state == EndpointState::Available
        && !endpoint.private_dns
    {
        let detail = format!("private DNS of endpoint {id} is off");
        found.drift.push((Code::PrivateDnsSwitchedOff, detail));
    }
    // An endpoint that others made, by hand or for another connection, has the
    // subnets that they chose.
    let is_as_asked_for =
        origin == Some(Origin::Made) && claim.others_in(&endpoint.tags).is_empty();
    let asked = connection.request.subnet_ids.iter();
    let lost = asked.filter(|id| is_as_asked_for && !endpoint.subnet_ids.contains(id));
    let lost: Vec<SubnetId> = lost.cloned().collect();
    let lacks = match (endpoint.subnet_ids.is_empty(), lost.is_empty()) {
        (true, _) => "in no subnet".to_owned(),
        (false, false) => format!("not in {}", subnets::list_ids(&lost)),
        (false, true) => return,
    };
    let detail = format!("endpoint {id} is {lacks}");
    found.drift.push((Code::EndpointSubnetsChanged, detail));
}

/// Whether the endpoint is in each zone that it could be in, and in no subnet that a tag
/// shuts out.
fn judge_zones(
    connection: &Connection,
    endpoint: &Endpoint,
    vpc: &VpcSeen,
    place: &PlaceSeen,
    keys: &TagKeys,
    found: &mut Judgement,
) {
    let subnets = &vpc.subnets;
    let lacking_of =
        |offered: &BTreeSet<ZoneId>| zones::lacking(connection, endpoint, subnets, offered, keys);
    let shut_out = zones::shut_out(connection, endpoint, subnets, keys);
    if shut_out.is_empty() && lacking_of(&zones::all(subnets)).is_empty() {
        return;
    }
    let service = connection.service_name.as_ref();
    match service.and_then(|name| place.offered.get(name)) {
        Some(Ok(offered)) => {
            let lacking = lacking_of(offered);
            if !lacking.is_empty() {
                let detail = zones::told(endpoint, subnets, &lacking);
                found.drift.push((Code::EndpointLacksZone, detail));
            }
            // A service that is not shown here is offered nowhere.
            if !shut_out.is_empty() && !offered.is_empty() {
                let led = subnets::led_by_tags(endpoint, subnets, offered, keys);
                let (id, out) = (&endpoint.id, subnets::list_ids(&shut_out));
                let is_in = format!("endpoint {id} is in {out}, shut out by tags");
                let found_so = (Code::EndpointInShutOutSubnet, is_in);
                found.drift.push(match led {
                    Ok(_) => found_so,
                    Err(error) => {
                        found.noted.push(error.code);
                        why(&error)
                    }
                });
            }
        }
        Some(Err(error)) => found.unseen.push(why(error)),
        None => {}
    }
}

/// Whether the endpoint lets in whom it was to let in: by our group, or where the
/// endpoint keeps the groups that it had, by any of them.
fn judge_groups(
    connection: &Connection,
    endpoint: &Endpoint,
    rules: &[IngressRule],
    vpc: Option<&VpcSeen>,
    found: &mut Judgement,
) {
    let ours = connection.security_group_id.as_ref();
    if let Some(group) = ours.filter(|group| !endpoint.group_ids.contains(group)) {
        let detail = format!("security group {group} is not on endpoint {}", endpoint.id);
        found.drift.push((Code::SecurityGroupDetached, detail));
        return;
    }
    let asked = &connection.request.sources;
    if vpc.is_none() && asked.need_the_vpc() {
        return;
    }
    let owner = vpc.map(|vpc| &vpc.owner);
    let (own, peers) = vpc.map_or((&[][..], &[][..]), |vpc| {
        (vpc.cidrs.as_slice(), vpc.peer_cidrs.as_slice())
    });
    let planned = asked.resolve(owner, own, peers);
    let in_force = |rule: &&IngressRule| match ours {
        Some(group) => rule.group_id == *group,
        None => endpoint.group_ids.contains(&rule.group_id),
    };
    let in_force: Vec<&IngressRule> = rules.iter().filter(in_force).collect();
    let shut_out = shut_out(in_force.iter().copied(), SQL_PORT, &planned);
    // On a prefix list that somebody else's group lets in may be any network.
    let lists = match ours {
        Some(_) => BTreeSet::new(),
        None => prefix_lists(&in_force),
    };
    let (unclear, shut_out): (Vec<&Source>, Vec<&Source>) = shut_out
        .into_iter()
        .partition(|source| !lists.is_empty() && matches!(source, Source::Cidr(_)));
    let list = |sources: &[&Source]| {
        let sources: Vec<String> = sources.iter().map(ToString::to_string).collect();
        sources.join(", ")
    };
    if !unclear.is_empty() {
        let lists: Vec<String> = lists.into_iter().map(Source::described).collect();
        let detail = format!(
            "the security groups of endpoint {} let in {} on TCP {SQL_PORT}, and {} only as far as it is on there",
            endpoint.id,
            lists.join(" and "),
            list(&unclear)
        );
        found.unseen.push((Code::SecurityGroupRuleMissing, detail));
    }
    if !shut_out.is_empty() {
        let group = match ours {
            Some(group) => format!("security group {group} does"),
            None => format!("the security groups of endpoint {} do", endpoint.id),
        };
        let detail = format!(
            "{group} not let in on TCP {SQL_PORT} from {}",
            list(&shut_out)
        );
        found.drift.push((Code::SecurityGroupRuleMissing, detail));
    }
    // Groups that somebody else made have the rules that they want.
    if ours.is_some() {
        let unplanned = in_force
            .into_iter()
            .filter(|rule| !is_planned(rule, &planned, &connection.claim()));
        found.remarks.extend(unplanned.map(|rule| {
            let detail = format!(
                "security group {} has a rule that this connection did not ask for: {rule}",
                rule.group_id
            );
            (Code::SecurityGroupRuleUnplanned, detail)
        }));
    }
}

/// The prefix lists that the rules let in.
fn prefix_lists<'r>(rules: &[&'r IngressRule]) -> BTreeSet<&'r Source> {
    let admitting = rules.iter().filter(|rule| rule.admits_tcp(SQL_PORT));
    let sources = admitting.map(|rule| &rule.source);
    sources
        .filter(|source| matches!(source, Source::PrefixList(_)))
        .collect()
}

/// Whether somebody asked for what the rule lets in: this connection, or by its
/// description another one that shares the group.
fn is_planned(rule: &IngressRule, planned: &BTreeSet<Source>, claim: &Claim) -> bool {
    (rule.is_exactly_tcp(SQL_PORT) && admits(&planned.iter().collect(), &rule.source))
        || claim.is_rule_of_another(&rule.description)
}

fn judge_cluster(connection: &Connection, seen: &ClusterSeen, found: &mut Judgement) {
    let cluster = &seen.cluster;
    if cluster.state == ClusterState::Deleted {
        let (id, name) = (&connection.cluster_id, &cluster.name);
        let detail = format!("cluster {id} ({name}) is deleted");
        // Its registrations are gone with it.
        return found.drift.push((Code::ClusterDeleted, detail));
    }
    let region = connection.region.as_str();
    if !cluster.regions.iter().any(|it| it.name == region) {
        let detail = format!("cluster {} has no nodes in {region} any more", cluster.name);
        found.drift.push((Code::ClusterNotInRegion, detail));
    }
    if let Some(endpoint) = connection.endpoint() {
        let registration = registration_of(endpoint, &seen.registrations);
        judge_registration(endpoint, registration.map(|it| &it.status), found);
    }
}

fn judge_registration(
    endpoint: &EndpointId,
    status: Option<&RegistrationStatus>,
    found: &mut Judgement,
) {
    let Some(status) = status else {
        let detail = format!("the cluster does not list endpoint {endpoint}");
        return found.drift.push((Code::RegistrationGone, detail));
    };
    let is = format!("the private endpoint connection of {endpoint} is {status}");
    let code = match status {
        RegistrationStatus::Available => return,
        RegistrationStatus::Pending
        | RegistrationStatus::PendingAcceptance
        | RegistrationStatus::Unknown(_) => {
            return found.unsettled.push((Code::StateNotSettled, is));
        }
        RegistrationStatus::Rejected
        | RegistrationStatus::Deleting
        | RegistrationStatus::Deleted => Code::RegistrationGone,
        RegistrationStatus::Failed => Code::RegistrationFailed,
        RegistrationStatus::Expired => Code::RegistrationExpired,
        RegistrationStatus::Stale => Code::RegistrationStale,
    };
    found.drift.push((code, is));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use in_process::stage::{another_claim, ready};
    use shared::cloud::{Cluster, ClusterRegion, Plan, Registration};
    use shared::ec2::{AclRule, NetworkAcl, Subnet, VpcDns};

    use super::*;
    use crate::tests::connection;

    /// A rule of a network ACL that lets everything through.
    fn open(egress: bool) -> AclRule {
        AclRule {
            number: 100,
            egress,
            allows: true,
            protocol: "-1".to_owned(),
            cidr: "0.0.0.0/0".parse().unwrap(),
            ports: None,
        }
    }

    /// What both sides of the connection look like when all is well.
    fn well() -> (Connection, PlaceSeen, ClusterSeen) {
        let connection = connection();
        let id = connection.endpoint_id.clone().unwrap();
        let group = connection.security_group_id.clone().unwrap();
        let endpoint = Endpoint {
            id: id.clone(),
            service_name: connection.service_name.clone().unwrap().to_string(),
            subnet_ids: vec!["subnet-0b000001".parse().unwrap()],
            group_ids: vec![group.clone()],
            private_dns: true,
            tags: connection.claim().tags(Origin::Made),
            failure: Some("why".to_owned()),
            ..in_process::stage::endpoint("available")
        };
        let rule = IngressRule {
            id: "sgr-1".to_owned(),
            group_id: group,
            protocol: "tcp".to_owned(),
            ports: Some((SQL_PORT, SQL_PORT)),
            source: Source::Cidr("10.20.0.0/16".parse().unwrap()),
            description: connection.claim().rule_description(),
        };
        let vpc = VpcSeen {
            owner: "111122223333".parse().unwrap(),
            cidrs: vec!["10.20.0.0/16".parse().unwrap()],
            peer_cidrs: vec!["10.30.0.0/16".parse().unwrap()],
            dns: Some(VpcDns {
                support: true,
                hostnames: true,
            }),
            dhcp_options: None,
            subnets: vec![subnet(1)],
        };
        let acl = NetworkAcl {
            id: "acl-1".to_owned(),
            subnet_ids: endpoint.subnet_ids.clone(),
            rules: [false, true].map(open).into(),
        };
        let place = PlaceSeen {
            endpoints: vec![endpoint],
            rules: vec![rule],
            vpcs: [(connection.vpc_id.clone(), Ok(Some(vpc)))].into(),
            acls: Ok(Some(vec![acl])),
            dns_servers: Ok(Some(BTreeMap::new())),
            names: BTreeMap::new(),
            offered: BTreeMap::new(),
        };
        let cluster = ClusterSeen {
            cluster: Cluster {
                name: "orders".to_owned(),
                cloud_provider: "AWS".to_owned(),
                plan: Plan::Advanced,
                state: ClusterState::Created,
                regions: vec![ClusterRegion {
                    name: "eu-west-1".to_owned(),
                    internal_dns: None,
                }],
            },
            registrations: vec![Registration {
                endpoint_id: id.to_string(),
                status: RegistrationStatus::Available,
                account: None,
            }],
        };
        (connection, place, cluster)
    }

    /// What is found after a change of what was asked for or is there.
    fn found(change: impl FnOnce(&mut Connection, &mut PlaceSeen, &mut ClusterSeen)) -> Judgement {
        let (mut connection, mut place, mut cluster) = well();
        change(&mut connection, &mut place, &mut cluster);
        let keys = TagKeys::new("net");
        judge(&connection, Some(&Ok(place)), Some(&Ok(cluster)), &keys)
    }

    /// A subnet in the zone of that number.
    fn subnet(zone: u32) -> Subnet {
        Subnet {
            id: format!("subnet-0b{zone:06}").parse().unwrap(),
            zone_id: format!("euw1-az{zone}").parse().ok(),
            available: true,
            cidr: format!("10.20.{zone}.0/24").parse().ok(),
            free_addresses: 200,
            ipv6_only: false,
            on_outpost: false,
            tags: Default::default(),
        }
    }

    /// The VPC, which is there and was seen.
    fn vpc(place: &mut PlaceSeen) -> &mut VpcSeen {
        let vpc = place.vpcs.values_mut().next().unwrap();
        vpc.as_mut().unwrap().as_mut().unwrap()
    }

    fn throttled() -> StepError {
        StepError::new(Code::AwsThrottled, "slow down")
    }

    fn cidrs(texts: &[&str]) -> Vec<shared::cidr::Cidr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn codes(list: &[(Code, String)]) -> Vec<Code> {
        list.iter().map(|(code, _)| *code).collect()
    }

    #[test]
    fn when_all_is_well_nothing_is_found() {
        assert_eq!(found(|_, _, _| {}), Judgement::default());
    }

    #[test]
    fn every_state_of_an_endpoint_is_good_drift_or_not_settled() {
        for (word, drift, unsettled) in [
            ("available", None, false),
            ("pending", None, true),
            ("pendingAcceptance", None, true),
            ("partial", None, true),
            ("rejected", Some(Code::EndpointRejected), false),
            ("failed", Some(Code::EndpointFailed), false),
            ("expired", Some(Code::EndpointExpired), false),
            ("deleting", Some(Code::EndpointGone), false),
            ("deleted", Some(Code::EndpointGone), false),
        ] {
            let found = found(|_, place, _| place.endpoints[0].state = EndpointState::parse(word));
            assert_eq!(codes(&found.drift), Vec::from_iter(drift), "{word}");
            assert_eq!(found.unsettled.len(), usize::from(unsettled), "{word}");
            let details = found.drift.iter().chain(&found.unsettled);
            assert!(details.clone().all(|(_, detail)| detail.ends_with(": why")));
        }
    }

    #[test]
    fn every_word_for_a_registration_is_good_drift_or_not_settled() {
        for (word, drift, unsettled) in [
            ("STATUS_AVAILABLE", None, false),
            ("STATUS_PENDING", None, true),
            ("STATUS_PENDING_ACCEPTANCE", None, true),
            ("STATUS_SOMETHING_NEW", None, true),
            ("STATUS_REJECTED", Some(Code::RegistrationGone), false),
            ("STATUS_DELETING", Some(Code::RegistrationGone), false),
            ("STATUS_DELETED", Some(Code::RegistrationGone), false),
            ("STATUS_FAILED", Some(Code::RegistrationFailed), false),
            ("STATUS_EXPIRED", Some(Code::RegistrationExpired), false),
            ("STATUS_STALE", Some(Code::RegistrationStale), false),
        ] {
            let found = found(|_, _, cluster| {
                cluster.registrations[0].status = RegistrationStatus::parse(word);
            });
            assert_eq!(codes(&found.drift), Vec::from_iter(drift), "{word}");
            assert_eq!(found.unsettled.len(), usize::from(unsettled), "{word}");
        }
    }

    #[test]
    fn a_cluster_that_has_left_the_region_is_drift_and_a_busy_one_is_not() {
        let elsewhere = found(|_, _, cluster| cluster.cluster.regions[0].name.clear());
        assert_eq!(codes(&elsewhere.drift), [Code::ClusterNotInRegion]);
        for word in ["LOCKED", "MAINTENANCE"] {
            let busy = found(|_, _, it| it.cluster.state = ClusterState::parse(word));
            assert_eq!(busy, Judgement::default(), "{word}");
        }
    }

    #[test]
    fn whom_to_let_in_is_what_was_asked_for() {
        let missing = |change: fn(&mut Connection)| {
            let found = found(|connection, _, _| change(connection));
            found.drift.into_iter().next().map(|(code, detail)| {
                assert_eq!(code, Code::SecurityGroupRuleMissing);
                detail.rsplit(" from ").next().unwrap().to_owned()
            })
        };
        assert_eq!(missing(|_| {}), None);
        // A part of what is let in, and all of it in two.
        let part = |it: &mut Connection| it.request.sources.cidrs = cidrs(&["10.20.7.0/24"]);
        assert_eq!(missing(part), None);
        let halves = |it: &mut Connection| {
            it.request.sources.cidrs = cidrs(&["10.20.0.0/17", "10.20.128.0/17"]);
        };
        assert_eq!(missing(halves), None);
        let others = |it: &mut Connection| it.request.sources.cidrs = cidrs(&["10.21.0.0/16"]);
        assert_eq!(missing(others).as_deref(), Some("10.21.0.0/16"));
        let peers = |it: &mut Connection| it.request.sources.include_peered_vpcs = true;
        assert_eq!(missing(peers).as_deref(), Some("10.30.0.0/16"));
    }

    #[test]
    fn lists_and_groups_of_others_that_were_asked_for_are_let_in_by_name() {
        for (asked, there, is_well) in [
            ("pl-0c000001", "pl-0c000001", true),
            ("pl-0c000001", "pl-0c000002", false),
            ("222222222222/sg-0c000001", "222222222222/sg-0c000001", true),
            ("222222222222/sg-0c000001", "sg-0c000001", false),
            // The VPC's own account is as good as none.
            ("111122223333/sg-0c000001", "sg-0c000001", true),
        ] {
            let found = found(|connection, place, _| {
                let sources = &mut connection.request.sources;
                sources.prefix_list_ids = asked.parse().into_iter().collect();
                sources.security_group_ids = asked.parse().into_iter().collect();
                place.rules[0].source = match there.parse() {
                    Ok(list) => Source::PrefixList(list),
                    Err(_) => Source::Group(there.parse().unwrap()),
                };
            });
            assert_eq!(found == Judgement::default(), is_well, "{asked}: {found:?}");
            let drift = codes(&found.drift);
            let expected = (!is_well).then_some(Code::SecurityGroupRuleMissing);
            assert_eq!(drift, Vec::from_iter(expected), "{asked}");
        }
    }

    /// What is on a list is not looked at. A group of ours has the rules that it was
    /// given, whatever else somebody adds.
    #[test]
    fn whether_a_prefix_list_of_somebody_elses_group_has_a_network_is_not_known() {
        let by_list = |is_ours: bool| {
            found(|connection, place, _| {
                place.rules[0].source = Source::PrefixList("pl-0c000001".parse().unwrap());
                if !is_ours {
                    connection.security_group_id = None;
                }
            })
        };
        let adopted = by_list(false);
        assert_eq!(codes(&adopted.drift), []);
        assert_eq!(codes(&adopted.remarks), []);
        assert_eq!(codes(&adopted.unseen), [Code::SecurityGroupRuleMissing]);
        let told = "let in prefix list pl-0c000001 on TCP 26257, and 10.20.0.0/16 only";
        assert!(adopted.unseen[0].1.contains(told), "{adopted:?}");
        let ours = by_list(true);
        assert_eq!(codes(&ours.drift), [Code::SecurityGroupRuleMissing]);
        assert_eq!(codes(&ours.unseen), []);
        // A group that is not let in is not on a list either.
        let group = found(|connection, place, _| {
            place.rules[0].source = Source::PrefixList("pl-0c000001".parse().unwrap());
            connection.security_group_id = None;
            let asked = vec!["sg-0c000001".parse().unwrap()];
            connection.request.sources.security_group_ids = asked;
        });
        assert_eq!(codes(&group.drift), [Code::SecurityGroupRuleMissing]);
        assert_eq!(codes(&group.unseen), []);
    }

    #[test]
    fn rules_count_by_what_they_let_in_together() {
        let with_rules = |networks: &[&str]| {
            found(|_, place, _| {
                let mut rule = place.rules.remove(0);
                rule.description = "by hand".to_owned();
                let rules = networks.iter().map(|network| IngressRule {
                    source: Source::Cidr(network.parse().unwrap()),
                    ..rule.clone()
                });
                place.rules.extend(rules);
            })
        };
        let halves = with_rules(&["10.20.0.0/17", "10.20.128.0/17"]);
        assert_eq!(halves, Judgement::default());
        let half = with_rules(&["10.20.0.0/17"]);
        assert_eq!(codes(&half.drift), [Code::SecurityGroupRuleMissing]);
        assert_eq!(codes(&half.remarks), []);
        let more = with_rules(&["10.20.0.0/15"]);
        assert_eq!(codes(&more.drift), []);
        assert_eq!(codes(&more.remarks), [Code::SecurityGroupRuleUnplanned]);
    }

    #[test]
    fn rules_of_other_groups_and_ports_do_not_count() {
        let missing = [Code::SecurityGroupRuleMissing];
        let other = "sg-0c000001".parse().unwrap();
        let elsewhere = found(|_, place, _| place.rules[0].group_id = other);
        assert_eq!(codes(&elsewhere.drift), missing);
        let other_port = found(|_, place, _| place.rules[0].ports = Some((443, 443)));
        assert_eq!(codes(&other_port.drift), missing);
        let unplanned = [Code::SecurityGroupRuleUnplanned];
        assert_eq!(codes(&other_port.remarks), unplanned);
    }

    #[test]
    fn subnets_are_held_to_the_request_where_it_could_choose_them() {
        let ask = |connection: &mut Connection| {
            connection.request.subnet_ids = vec!["subnet-0b000002".parse().unwrap()];
        };
        let chosen = found(|connection, _, _| ask(connection));
        assert_eq!(codes(&chosen.drift), [Code::EndpointSubnetsChanged]);
        let adopted = found(|connection, place, _| {
            ask(connection);
            place.endpoints[0].tags = connection.claim().tags(Origin::Adopted);
        });
        assert_eq!(adopted, Judgement::default());
        let shared = found(|connection, place, _| {
            ask(connection);
            let other = another_claim().tags(Origin::Made);
            place.endpoints[0].tags.extend(other);
        });
        assert_eq!(shared, Judgement::default());
    }

    fn tagged(value: &str, subnet: Subnet) -> Subnet {
        Subnet {
            tags: [("net:subnet".to_owned(), value.to_owned())].into(),
            ..subnet
        }
    }

    /// Another subnet of the VPC, and where the service is offered.
    type Zones = (Subnet, Result<Vec<u32>, StepError>);

    fn zones_of(numbers: Vec<u32>) -> BTreeSet<ZoneId> {
        let zones = numbers.into_iter().map(|zone| format!("euw1-az{zone}"));
        zones.map(|zone| zone.parse().unwrap()).collect()
    }

    fn with_zones(
        (more, offered): Zones,
        change: impl FnOnce(&mut Connection, &mut Endpoint),
    ) -> Judgement {
        found(|connection, place, _| {
            vpc(place).subnets.push(more);
            let service = connection.service_name.clone().unwrap();
            place.offered.insert(service, offered.map(zones_of));
            change(connection, &mut place.endpoints[0]);
        })
    }

    #[test]
    fn a_zone_that_got_a_subnet_later_is_drift_that_provision_mends() {
        let late = with_zones((subnet(2), Ok(vec![1, 2, 3])), |_, _| {});
        assert_eq!(codes(&late.drift), [Code::EndpointLacksZone]);
        let told = "not in euw1-az2, where its service is offered and the VPC has subnet-0b000002";
        assert!(late.drift[0].1.contains(told), "{:?}", late.drift);
        assert!(late.is_for_provision());
        let not_offered = with_zones((subnet(2), Ok(vec![1, 3])), |_, _| {});
        assert_eq!(not_offered, Judgement::default());
        let same_zone = Subnet {
            id: "subnet-0b000009".parse().unwrap(),
            ..subnet(1)
        };
        let same_zone = with_zones((same_zone, Ok(vec![1, 2, 3])), |_, _| {});
        assert_eq!(same_zone, Judgement::default());
        let unseen = with_zones((subnet(2), Err(throttled())), |_, _| {});
        assert_eq!(codes(&unseen.unseen), [Code::AwsThrottled]);
    }

    #[test]
    fn a_subnet_that_its_tag_shuts_out_is_drift_that_provision_mends_where_there_is_a_way() {
        // The endpoint is in the first subnet, which its tag shuts out by now.
        let shut_out = |(more, offered): Zones, change: fn(&mut Connection, &mut Endpoint)| {
            found(|connection, place, _| {
                let subnets = &mut vpc(place).subnets;
                subnets[0] = tagged("false", subnet(1));
                subnets.push(more);
                let service = connection.service_name.clone().unwrap();
                place.offered.insert(service, offered.map(zones_of));
                place.endpoints[0].subnet_ids.push(subnet(2).id);
                change(connection, &mut place.endpoints[0]);
            })
        };
        let both = || (subnet(2), Ok(vec![1, 2]));
        let found = shut_out(both(), |_, _| {});
        assert_eq!(codes(&found.drift), [Code::EndpointInShutOutSubnet]);
        let told = "is in subnet-0b000001, shut out by tags";
        assert!(found.drift[0].1.ends_with(told), "{:?}", found.drift);
        assert!(found.is_for_provision());
        // A run would leave it there, so none is started for that alone.
        let all_out = || (tagged("no", subnet(2)), Ok(vec![1, 2]));
        let nowhere = shut_out(all_out(), |_, _| {});
        assert_eq!(codes(&nowhere.drift), [Code::SubnetUnusable]);
        assert!(!nowhere.is_for_provision());
        let off: fn(&mut Connection, &mut Endpoint) = |_, endpoint| endpoint.private_dns = false;
        let beside = shut_out(all_out(), off);
        assert_eq!(
            codes(&beside.drift),
            [Code::PrivateDnsSwitchedOff, Code::SubnetUnusable]
        );
        assert!(beside.is_for_provision());
        let named: fn(&mut Connection, &mut Endpoint) =
            |connection, _| connection.request.subnet_ids = vec![subnet(1).id];
        let adopted: fn(&mut Connection, &mut Endpoint) =
            |connection, endpoint| endpoint.tags = connection.claim().tags(Origin::Adopted);
        let shared: fn(&mut Connection, &mut Endpoint) =
            |_, endpoint| endpoint.tags.extend(another_claim().tags(Origin::Made));
        for change in [named, adopted, shared] {
            assert_eq!(codes(&shut_out(both(), change).drift), []);
        }
        let unseen = shut_out((subnet(2), Err(throttled())), |_, _| {});
        assert_eq!(codes(&unseen.unseen), [Code::AwsThrottled]);
    }

    /// A run notes these, but for a zone that keeps it from switching private DNS on.
    #[test]
    fn what_takes_the_host_keeps_nothing_else_from_being_mended() {
        let drift = |code: Code, is_on: bool, is_registered: bool| {
            found(|connection, place, cluster| {
                connection.ready = Some(ready(connection, "internal.example.cloud", vec![]));
                let endpoint = &mut place.endpoints[0];
                endpoint.private_dns = is_on;
                endpoint.dns_names = vec!["internal.example.cloud".to_owned()];
                let owner = "111122223333".parse().unwrap();
                let name = network_side::private_name(connection, endpoint, &owner).unwrap();
                place.names.insert(name, vec![(code, "why".to_owned())]);
                if !is_registered {
                    cluster.registrations.clear();
                }
            })
        };
        for code in [Code::ResolverRuleTakesName, Code::PrivateDnsConflict] {
            let alone = drift(code, true, true);
            assert_eq!(codes(&alone.drift), [code]);
            assert!(!alone.is_for_provision(), "{code}");
            let beside = drift(code, true, false);
            assert_eq!(codes(&beside.drift), [code, Code::RegistrationGone]);
            assert!(beside.is_for_provision(), "{code}");
            let off = drift(code, false, true);
            assert_eq!(codes(&off.drift), [Code::PrivateDnsSwitchedOff, code]);
            let is_rule = code == Code::ResolverRuleTakesName;
            assert_eq!(off.is_for_provision(), is_rule, "{code}");
        }
    }

    #[test]
    fn a_zone_that_provision_would_not_add_is_no_drift() {
        let shut_out = |value| tagged(value, subnet(2));
        let full = Subnet {
            free_addresses: 0,
            ..subnet(2)
        };
        for unused in [shut_out("no"), shut_out("perhaps"), full] {
            let found = with_zones((unused, Ok(vec![1, 2])), |_, _| {});
            assert_eq!(found, Judgement::default());
        }
        let late = || (subnet(2), Ok(vec![1, 2]));
        let named = with_zones(late(), |connection, _| {
            connection.request.subnet_ids = vec![subnet(1).id];
        });
        assert_eq!(named, Judgement::default());
        let adopted = with_zones(late(), |connection, endpoint| {
            endpoint.tags = connection.claim().tags(Origin::Adopted);
        });
        assert_eq!(adopted, Judgement::default());
        let changing = with_zones(late(), |_, endpoint| {
            endpoint.state = EndpointState::Pending;
        });
        assert_eq!(codes(&changing.drift), []);
    }

    #[test]
    fn without_the_vpc_only_what_does_not_need_it_is_judged() {
        let unseen = found(|connection, place, _| {
            let vpc_id = connection.vpc_id.clone();
            place.vpcs.insert(vpc_id, Err(throttled()));
            place.rules.clear();
        });
        assert_eq!(codes(&unseen.unseen), [Code::AwsThrottled]);
        assert_eq!(codes(&unseen.drift), []);
    }

    #[test]
    fn the_endpoint_of_the_report_stands_in_for_one_that_was_not_recorded() {
        let unknown = found(|connection, _, _| connection.endpoint_id = None);
        assert_eq!(codes(&unknown.drift), [Code::EndpointGone]);
        let reported = found(|connection, _, _| {
            connection.ready = Some(ready(connection, "host", vec![]));
            connection.endpoint_id = None;
        });
        assert_eq!(reported, Judgement::default());
    }

    #[test]
    fn provision_is_asked_only_if_it_can_mend_everything() {
        let judgement = |codes: &[Code]| Judgement {
            drift: codes.iter().map(|code| (*code, String::new())).collect(),
            ..Judgement::default()
        };
        for (codes, expected) in [
            (&[][..], false),
            (&[Code::EndpointGone], true),
            (&[Code::EndpointGone, Code::RegistrationStale], true),
            (&[Code::EndpointGone, Code::VpcDnsHostnamesDisabled], false),
            (&[Code::ClusterDeleted], false),
        ] {
            assert_eq!(judgement(codes).is_for_provision(), expected, "{codes:?}");
        }
    }
}
