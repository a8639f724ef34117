//! Whether private DNS can work, and under which host.

use shared::ec2::resolver::{self, PrivateName};
use shared::ec2::{Endpoint, EndpointService, Network, Vpc, VpcDns};
use shared::ids::{ServiceName, VpcId};
use shared::ownership::{Claim, Release};
use shared::plan::ClusterFacts;
use shared::{Code, StepError};

/// Private DNS needs both attributes of the VPC.
pub(crate) fn check_attributes(vpc: &VpcId, dns: VpcDns) -> Result<(), StepError> {
    let off = |code, name| Err(StepError::new(code, format!("{vpc} has {name} = false")));
    if !dns.support {
        return off(Code::VpcDnsSupportDisabled, "enableDnsSupport");
    }
    if !dns.hostnames {
        return off(Code::VpcDnsHostnamesDisabled, "enableDnsHostnames");
    }
    Ok(())
}

/// The host that private DNS will answer for: what the Cloud API says, else the
/// service's own private name if it is a single host.
pub(crate) fn private_host(
    cluster: &ClusterFacts,
    service: &EndpointService,
) -> Result<String, StepError> {
    let from = &cluster.service_name;
    let not_offered = |detail| Err(StepError::new(Code::PrivateDnsNotOffered, detail));
    let Some(name) = &service.private_dns_name else {
        return not_offered(format!("{from} has no private DNS name"));
    };
    if !service.private_dns_verified {
        return not_offered(format!(
            "the private DNS name {name} of {from} is not verified"
        ));
    }
    let said = match &cluster.private_host {
        Some(host) if covers(name, host) => return Ok(host.clone()),
        None if !name.starts_with("*.") => return Ok(name.clone()),
        Some(host) => format!("says {host}, but"),
        None => "names no private host, and".to_owned(),
    };
    let detail = format!("the cluster {said} the endpoint service answers for {name}");
    Err(StepError::new(Code::PrivateHostUnknown, detail))
}

/// An endpoint to another service that answers for the same host already. EC2
/// would refuse private DNS only after everything else has been made. It may be this
/// connection's own, from the time before the cluster's service was replaced.
pub(crate) fn check_conflict(
    host: &str,
    service: &ServiceName,
    endpoints: &[Endpoint],
    claim: &Claim,
) -> Result<(), StepError> {
    let other = endpoints
        .iter()
        .filter(|endpoint| endpoint.private_dns && !endpoint.state.is_gone())
        .filter(|endpoint| endpoint.service_name != service.as_str())
        .find(|endpoint| endpoint.dns_names.iter().any(|name| covers(name, host)));
    let Some(endpoint) = other else {
        return Ok(());
    };
    let (id, tags) = (&endpoint.id, &endpoint.tags);
    let answers = format!(
        "endpoint {id} to {} answers for {host} already",
        endpoint.service_name
    );
    if !claim.is_in(tags) {
        return Err(StepError::new(Code::PrivateDnsConflict, answers));
    }
    let then = match claim.release(tags, endpoint.is_of_our_kind()) {
        Release::Delete => "disconnect, which deletes it, and connect again".to_owned(),
        Release::Untag(_, why) => format!(
            "it stays when this connection is removed, because {why}; \
             disconnect, switch its private DNS off or delete it, and connect again"
        ),
    };
    let detail = format!(
        "{answers}; it is this connection's own, from before the cluster's endpoint service was replaced by {service}: {then}"
    );
    Err(StepError::new(Code::EndpointOfOtherService, detail))
}

/// A private hosted zone that takes the service's name in the VPC. This too EC2
/// would refuse only at the end.
pub(crate) async fn check_zones(
    ec2: &impl Network,
    vpc: &VpcId,
    service: &EndpointService,
    host: &str,
    notes: &mut Vec<String>,
) -> Result<(), StepError> {
    let Some(zones) = ec2.hosted_zones(vpc).await? else {
        notes.push(ZONES_UNSEEN.to_owned());
        return Ok(());
    };
    let Some(zone) = conflicting_zone(service, host, &zones) else {
        return Ok(());
    };
    let detail = format!("the private hosted zone {zone} is associated with {vpc} already");
    Err(StepError::new(Code::PrivateDnsConflict, detail))
}

/// Said when nothing is known about the zones, which mostly means no harm.
const ZONES_UNSEEN: &str =
    "could not check for conflicting hosted zones (route53:ListHostedZonesByVPC is missing)";

/// The zone that would answer in place of private DNS: one of the same name, which
/// EC2 refuses, or one below it that holds the host, since the most specific zone
/// answers. Zones for parent domains, and for others below, may stand beside it.
fn conflicting_zone<'a>(
    service: &EndpointService,
    host: &str,
    zones: &'a [String],
) -> Option<&'a str> {
    let name = service.private_dns_name.as_deref()?;
    let mut zones = zones.iter().map(String::as_str);
    zones.find(|zone| resolver::takes(zone, name, host))
}

/// A Resolver rule, or what the VPC's Route 53 Profile has, that would answer in place of
/// private DNS. EC2 refuses none of them, and where a rule leads nobody knows. A zone of a
/// Profile is as good as one of the VPC.
pub(crate) async fn check_resolver(
    ec2: &impl Network,
    vpc: &Vpc,
    service: &EndpointService,
    host: &str,
    is_on: bool,
    notes: &mut Vec<String>,
) -> Result<(), StepError> {
    let name = service.private_dns_name.as_deref();
    let name = name.and_then(|name| PrivateName::new(&vpc.id, &vpc.owner, name, host));
    let found = resolver::look(ec2, name.into_iter().collect()).await;
    for (code, told) in found.into_values().flatten() {
        if code == Code::PrivateDnsConflict && !is_on {
            return Err(StepError::new(code, told));
        }
        notes.push(told);
    }
    Ok(())
}

/// What a connection without private DNS means.
pub(crate) fn note_without_private_dns(private_host: Option<&str>) -> String {
    let name = private_host.unwrap_or("the cluster's private host");
    format!(
        "without private DNS the certificate cannot be verified by name; \
         to use sslmode=verify-full, make {name} an alias of the endpoint in a DNS of your own"
    )
}

/// Whether a DNS name, perhaps with a leading `*.`, covers the host.
fn covers(name: &str, host: &str) -> bool {
    let (name, host) = (name.to_ascii_lowercase(), host.to_ascii_lowercase());
    match name.strip_prefix("*.") {
        Some(domain) => host
            .strip_suffix(domain)
            .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
        None => name == host,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use in_process::stage::{Stage, a_claim, another_claim, at_once};
    use shared::ownership::{Origin, Tags};
    use shared::progress::Progress;
    use simulator::ec2::EndpointState;
    use simulator::scenario::ServiceStatus;
    use simulator::{FaultKind, Scenario};

    use super::*;

    #[test]
    fn a_wildcard_covers_hosts_below_it_only() {
        assert!(covers(
            "*.eu.example.cloud",
            "internal-shop.eu.example.cloud"
        ));
        assert!(covers("Internal-Shop.example", "internal-shop.example"));
        assert!(!covers("*.example.cloud", "example.cloud"));
        assert!(!covers("*.example.cloud", "badexample.cloud"));
        assert!(!covers("internal-shop.example", "internal-book.example"));
    }

    const HOST: &str = "internal-shop.example.cloud";

    fn service(name: Option<&str>) -> EndpointService {
        EndpointService {
            zone_ids: BTreeSet::new(),
            private_dns_name: name.map(str::to_owned),
            private_dns_verified: true,
        }
    }

    #[test]
    fn a_zone_of_the_very_name_or_of_the_host_below_it_is_in_the_way() {
        for (name, zone, conflict) in [
            (Some(HOST), HOST, true),
            (Some(HOST), "Internal-Shop.Example.cloud.", true),
            (Some("internal-shop.example.cloud."), HOST, true),
            (Some("*.example.cloud"), "example.cloud", true),
            (Some("*.example.cloud"), "*.example.cloud", true),
            (Some(HOST), "example.cloud", false),
            (Some(HOST), "a.internal-shop.example.cloud", false),
            (Some("*.example.cloud"), HOST, true),
            (
                Some("*.example.cloud"),
                "internal-book.example.cloud",
                false,
            ),
            (Some("*.cloud"), "example.cloud", true),
            (Some(HOST), "internal-book.example.cloud", false),
            (None, "example.cloud", false),
        ] {
            let zones = ["corp.example".to_owned(), zone.to_owned()];
            let service = service(name);
            let found = conflicting_zone(&service, HOST, &zones);
            assert_eq!(found, conflict.then_some(zone), "{name:?} {zone}");
        }
    }

    /// The service of a cluster that was made anew is another one.
    #[test]
    fn an_endpoint_to_a_former_service_is_named_as_what_it_is() {
        let (own, other) = (a_claim(), another_claim());
        let service = "com.amazonaws.vpce.eu-west-1.vpce-svc-0c0c0a0a0b0b00d02";
        let check = |tags: Tags| {
            let mut endpoint = in_process::stage::endpoint("available");
            (endpoint.private_dns, endpoint.tags) = (true, tags);
            endpoint.dns_names = vec!["*.example.cloud".to_owned()];
            check_conflict(HOST, &service.parse().unwrap(), &[endpoint], &own).unwrap_err()
        };
        let mut shared = own.tags(Origin::Made);
        shared.extend(other.tags(Origin::Made));
        let goes = "vpce-svc-0c0c0a0a0b0b00d02: disconnect, which deletes it, and connect again";
        let stays = "because it was not made by this tool; disconnect, switch";
        for (tags, is_own, said) in [
            (Tags::new(), false, "answers for"),
            (other.tags(Origin::Made), false, "answers for"),
            (own.tags(Origin::Made), true, goes),
            (own.tags(Origin::Adopted), true, stays),
            (shared, true, "still uses it; disconnect, switch"),
        ] {
            let error = check(tags);
            let code = match is_own {
                true => Code::EndpointOfOtherService,
                false => Code::PrivateDnsConflict,
            };
            assert_eq!(error.code, code, "{error}");
            let whose = error.detail.contains("this connection's own");
            assert_eq!(whose, is_own, "{error}");
            assert!(error.detail.contains(said), "{error}");
        }
    }

    const LIST: &str = "route53:ListHostedZonesByVPC";

    /// A scenario in which the cluster's service is there already.
    fn stage(name: &str, change: impl FnOnce(&mut Scenario)) -> Stage {
        Stage::changed(name, |scenario| {
            let region = &mut scenario.clusters[0].regions[0];
            region.service.status = Some(ServiceStatus::Available);
            change(scenario);
        })
    }

    /// The notes of the plan, or what stands in the way; and how often zones were
    /// asked for.
    fn inspect(stage: &Stage) -> (Result<Vec<String>, StepError>, usize) {
        let mut input = crate::tests::input(stage, stage.wait());
        input.patient = false;
        input.cluster.private_host =
            stage.look(|world| world.ec2.services[0].private_dns_name.clone());
        let before = stage.things();
        let result = at_once(crate::tests::look(stage, input));
        assert_eq!(stage.things(), before, "something was made");
        let asked = stage.calls(LIST);
        let notes = result.map(|progress| match progress {
            Progress::Ready(plan) => plan.notes,
            Progress::Pending(pending) => panic!("{pending:?}"),
        });
        (notes, asked)
    }

    #[test]
    fn a_zone_in_the_way_is_named_before_anything_is_made() {
        let stage = stage("private-dns-conflict", |_| {});
        let error = inspect(&stage).0.unwrap_err();
        assert_eq!(error.code, Code::PrivateDnsConflict);
        let told = "the private hosted zone internal-orders-k4x.aws-eu-west-1.cockroachlabs.cloud \
                    is associated with vpc-0a1b2c3d4e5f60718 already";
        assert_eq!(error.detail, told);
    }

    #[test]
    fn zones_above_and_below_the_name_are_no_conflict() {
        let stage = stage("private-dns-conflict", |scenario| {
            let zones = &mut scenario.vpcs[0].hosted_zones;
            *zones = vec!["cockroachlabs.cloud".to_owned(), format!("a.{}", zones[0])];
        });
        assert_eq!(inspect(&stage), (Ok(Vec::new()), 1));
    }

    #[test]
    fn without_the_permission_to_look_there_is_a_note_and_a_plan() {
        let stage = stage("private-dns-conflict", |_| {});
        stage.fails(LIST, FaultKind::Denied);
        assert_eq!(inspect(&stage), (Ok(vec![ZONES_UNSEEN.to_owned()]), 1));
    }

    #[test]
    fn nobody_looks_when_private_dns_is_not_wanted() {
        let mut stage = stage("private-dns-conflict", |_| {});
        stage.request.private_dns = false;
        let (plan, asked) = inspect(&stage);
        assert_eq!((plan.is_ok(), asked), (true, 0));
    }

    #[test]
    fn nobody_looks_when_the_endpoint_has_private_dns_already() {
        use EndpointState::{Available, Rejected};
        for (state, private_dns, looked) in [
            (Available, true, 0),
            (Available, false, 1),
            // One that nobody can use any more still has its hidden zone, which is not
            // somebody else's.
            (Rejected, true, 1),
        ] {
            let stage = stage("half-made-by-hand", |scenario| {
                let endpoint = &mut scenario.vpcs[0].endpoints[0];
                (endpoint.state, endpoint.private_dns) = (state, private_dns);
            });
            let (plan, asked) = inspect(&stage);
            assert_eq!((plan.is_ok(), asked), (true, looked));
        }
    }
}
