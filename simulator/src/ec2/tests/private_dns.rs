//! Private DNS: when it can be switched on, and what it does.

use super::*;

fn refusal(result: Result<(), ApiError>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.code, "InvalidParameter", "{error}");
    error.message
}

/// cockroachdb/docs, aws-privatelink: modify the endpoint once it is available.
#[test]
fn private_dns_can_only_be_switched_on_after_acceptance() {
    let mut stage = Stage::new();
    let words = format!(
        "Private DNS can only be enabled after the endpoint connection is accepted by the owner of {SERVICE}"
    );
    let at_creation = stage.create(CreateVpcEndpoint {
        private_dns_enabled: Some(true),
        ..request()
    });
    assert!(at_creation.unwrap_err().message.contains(&words));
    let id = stage.create(request()).unwrap().vpc_endpoint_id;
    stage.wait(3);
    assert!(refusal(stage.private_dns(&id, true)).contains(&words));
    stage.world.accept_endpoint(&id);
    assert_eq!(
        code(stage.private_dns(&id, true)),
        "IncorrectState",
        "it is being built"
    );
    stage.wait(45);
    assert_eq!(stage.private_dns(&id, true), Ok(()));
}

/// cockroachdb/docs, aws-privatelink: the endpoint is pending again for up to
/// about five minutes.
#[test]
fn switching_private_dns_on_takes_a_while_and_adds_the_private_name() {
    let mut stage = Stage::new();
    let id = stage.available();
    let before = stage.describe(&id).unwrap();
    assert!(!before.private_dns_enabled);
    assert_eq!(
        before.dns_entries.len(),
        3,
        "one of the Region and one of each zone"
    );
    stage.private_dns(&id, true).unwrap();
    let during = stage.describe(&id).unwrap();
    assert_eq!(during.state, EndpointState::Pending);
    assert!(!during.private_dns_enabled);
    let again = stage.private_dns(&id, true);
    assert_eq!(code(again), "IncorrectState", "it is being switched");
    stage.wait(60);
    let after = stage.describe(&id).unwrap();
    assert_eq!(after.state, EndpointState::Available);
    assert!(after.private_dns_enabled);
    assert_eq!(after.dns_entries[3].dns_name, PRIVATE_NAME);
    assert_eq!(stage.private_dns(&id, true), Ok(()), "again is no change");
    assert_eq!(stage.state(&id), EndpointState::Available);
}

/// "Access AWS services through AWS PrivateLink": names of an endpoint.
#[test]
fn names_of_an_endpoint_tell_its_region_its_service_and_its_zones() {
    let mut stage = Stage::new();
    let id = stage.available();
    let entries = stage.describe(&id).unwrap().dns_entries;
    let tail = ".vpce-svc-0a000000000000001.eu-west-1.vpce.amazonaws.com";
    let first = entries[0].dns_name.strip_suffix(tail).unwrap();
    assert!(first.starts_with(&format!("{id}-")), "{first}");
    assert_eq!(entries[1].dns_name, format!("{first}-eu-west-1b{tail}"));
    assert_eq!(entries[2].dns_name, format!("{first}-eu-west-1c{tail}"));
}

/// "DNS attributes for your VPC", and the message that callers get.
#[test]
fn private_dns_needs_both_dns_attributes_of_the_vpc() {
    for (support, hostnames) in [(true, false), (false, false)] {
        let mut stage = Stage::with(|scenario| {
            scenario.vpcs[0].dns_support = support;
            scenario.vpcs[0].dns_hostnames = hostnames;
        });
        let id = stage.available();
        let words = format!(
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC \
             attributes set to true for {VPC}"
        );
        assert_eq!(refusal(stage.private_dns(&id, true)), words);
    }
}

fn conflict() -> String {
    format!(
        "private-dns-enabled cannot be set because there is already a conflicting DNS domain for \
         {PRIVATE_NAME} in the VPC {VPC}"
    )
}

/// terraform-provider-aws issue 17535: a hosted zone has the name.
#[test]
fn the_private_name_must_not_belong_to_a_hosted_zone_of_the_vpc() {
    let mut stage = Stage::with(|scenario| {
        scenario.vpcs[0].hosted_zones = vec![PRIVATE_NAME.to_owned()];
    });
    let id = stage.available();
    assert_eq!(refusal(stage.private_dns(&id, true)), conflict());
}

/// terraform-provider-aws issue 17535: another endpoint has the name.
#[test]
fn the_private_name_must_not_belong_to_another_endpoint_of_the_vpc() {
    let mut stage = Stage::new();
    let first = stage.create(in_one_subnet()).unwrap().vpc_endpoint_id;
    let second = stage.create(in_one_subnet()).unwrap().vpc_endpoint_id;
    stage.world.accept_endpoint(&first);
    stage.world.accept_endpoint(&second);
    stage.wait(45);
    stage.private_dns(&first, true).unwrap();
    assert_eq!(
        refusal(stage.private_dns(&second, true)),
        conflict(),
        "even while it is coming"
    );
    stage.wait(60);
    stage.private_dns(&first, false).unwrap();
    stage.wait(60);
    assert!(!stage.describe(&first).unwrap().private_dns_enabled);
    assert_eq!(stage.private_dns(&second, true), Ok(()));
}

/// "Manage DNS names for VPC endpoint services": consumers cannot use a name
/// that is not verified.
#[test]
fn the_service_must_have_a_private_name_that_is_verified() {
    let mut stage = Stage::with(|scenario| {
        scenario.endpoint_services[0].private_dns_verified = false;
    });
    let id = stage.available();
    assert!(refusal(stage.private_dns(&id, true)).contains("not verified"));
    let mut stage = Stage::with(|scenario| scenario.endpoint_services[0].private_dns_name = None);
    let id = stage.available();
    let words = format!(
        "Private DNS can't be enabled because the service {SERVICE} does not provide a private DNS name."
    );
    assert_eq!(refusal(stage.private_dns(&id, true)), words);
}

/// terraform-provider-aws issue 7148: a service that accepts by itself allows
/// private DNS at creation, and the name is there before the interfaces work.
#[test]
fn a_service_without_acceptance_allows_private_dns_at_creation() {
    let mut stage = Stage::new();
    let made = stage.create(CreateVpcEndpoint {
        service_name: OPEN_SERVICE.to_owned(),
        private_dns_enabled: Some(true),
        ..request()
    });
    let made = made.unwrap();
    assert!(made.private_dns_enabled);
    assert_eq!(made.state, EndpointState::Pending);
    assert_eq!(made.dns_entries[3].dns_name, "open.example.com");
}
