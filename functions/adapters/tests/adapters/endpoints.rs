//! Interface endpoints.

use adapters::ec2::AwsEc2;
use shared::Code;
use shared::ec2::{Endpoint, EndpointState, Endpoints, NewEndpoint};
use shared::ids::EndpointId;
use shared::ownership::Tags;
use simulator::Simulator;
use simulator::ec2::{Endpoint as SimulatedEndpoint, EndpointType};

use crate::stage::{
    ABSENT_ENDPOINT, ABSENT_GROUP, ABSENT_VPC, ENDPOINT, GROUP, SERVICE, SUBNET_1, SUBNET_2, Stage,
    VPC, parsed,
};
use crate::stub::{Stub, answer, aws};

pub(crate) fn new_endpoint() -> NewEndpoint {
    NewEndpoint {
        vpc_id: parsed(VPC),
        service_name: parsed(SERVICE),
        subnet_ids: vec![parsed(SUBNET_1), parsed(SUBNET_2)],
        group_id: parsed(GROUP),
        token: "token-1".to_owned(),
        tags: tags(&[("owner", "us"), ("Name", "cockroach & co")]),
    }
}

fn tags(pairs: &[(&str, &str)]) -> Tags {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn seen<T>(sim: &Simulator, id: &str, look: impl FnOnce(&SimulatedEndpoint) -> T) -> T {
    sim.look(|world| look(world.ec2.endpoint(id).unwrap()))
}

#[tokio::test]
async fn an_endpoint_is_created_for_interfaces_with_our_group_and_tags_and_no_private_dns() {
    let stage = Stage::new().await;
    let created = stage.ec2().await.create_endpoint(&new_endpoint()).await;
    let created = created.unwrap();
    seen(&stage.sim, created.id.as_str(), |endpoint| {
        assert_eq!(endpoint.kind, EndpointType::Interface);
        assert_eq!(endpoint.vpc_id, VPC);
        assert_eq!(endpoint.service_name, SERVICE);
        assert_eq!(endpoint.groups, [GROUP]);
        assert!(endpoint.subnet_ids().eq([SUBNET_1, SUBNET_2]));
        assert!(!endpoint.private_dns);
        assert_eq!(endpoint.tags, new_endpoint().tags);
    });
    let expected = Endpoint {
        id: created.id.clone(),
        owner: crate::stage::ACCOUNT.parse().ok(),
        is_interface: true,
        service_name: SERVICE.to_owned(),
        state: EndpointState::PendingAcceptance,
        failure: None,
        subnet_ids: new_endpoint().subnet_ids,
        group_ids: vec![new_endpoint().group_id],
        private_dns: false,
        dns_names: created.dns_names.clone(),
        tags: new_endpoint().tags,
    };
    assert_eq!(created, expected);
    let name = &created.dns_names[0];
    assert!(name.starts_with(created.id.as_str()), "{name}");
}

#[tokio::test]
async fn the_same_token_finds_the_same_endpoint_and_refuses_other_parameters() {
    let stage = Stage::new().await;
    let ec2 = stage.ec2().await;
    let first = ec2.create_endpoint(&new_endpoint()).await.unwrap();
    let second = ec2.create_endpoint(&new_endpoint()).await.unwrap();
    assert_eq!(first.id, second.id);
    let other = NewEndpoint {
        subnet_ids: vec![parsed(SUBNET_1)],
        ..new_endpoint()
    };
    let error = ec2.create_endpoint(&other).await.unwrap_err();
    assert_eq!(error.code, Code::IdempotencyMismatch);
    let again = NewEndpoint {
        token: "token-2".to_owned(),
        ..new_endpoint()
    };
    assert_ne!(ec2.create_endpoint(&again).await.unwrap().id, first.id);
}

#[tokio::test]
async fn every_refusal_of_a_new_endpoint_has_its_code() {
    let stage = Stage::with(|scenario| scenario.quotas.endpoints_per_vpc = 1).await;
    let ec2 = stage.ec2().await;
    type Change = fn(&mut NewEndpoint);
    let changes: [(Code, Change); 7] = [
        (Code::VpcNotFound, |new| new.vpc_id = parsed(ABSENT_VPC)),
        (Code::ServiceNotVisible, |new| {
            new.service_name = parsed("com.amazonaws.vpce.eu-west-1.vpce-svc-0a00000000000000f");
        }),
        (Code::SubnetZoneNotOffered, |new| {
            new.subnet_ids = vec![parsed("subnet-0a000000000000003")];
        }),
        (Code::SubnetNotFound, |new| {
            new.subnet_ids = vec![parsed("subnet-0a00000000000000f")];
        }),
        (Code::AwsResourceBusy, |new| {
            new.group_id = parsed(ABSENT_GROUP)
        }),
        (Code::EndpointQuotaReached, |_| {}),
        (Code::IdempotencyMismatch, |new| new.token = "é".to_owned()),
    ];
    for (code, change) in changes {
        let mut new = new_endpoint();
        change(&mut new);
        let error = ec2.create_endpoint(&new).await.unwrap_err();
        assert_eq!(error.code, code, "{error}");
    }
}

#[tokio::test]
async fn every_state_is_read_as_ec2_spells_it() {
    use simulator::ec2::EndpointState as Simulated;
    let stage = Stage::new().await;
    let ec2 = stage.ec2().await;
    let id = parsed(ENDPOINT);
    let partial = EndpointState::Unknown("partial".to_owned());
    let pending = EndpointState::PendingAcceptance;
    for (simulated, state) in [
        (Simulated::PendingAcceptance, pending),
        (Simulated::Pending, EndpointState::Pending),
        (Simulated::Available, EndpointState::Available),
        (Simulated::Deleting, EndpointState::Deleting),
        (Simulated::Rejected, EndpointState::Rejected),
        (Simulated::Failed, EndpointState::Failed),
        (Simulated::Expired, EndpointState::Expired),
        (Simulated::Partial, partial),
    ] {
        stage
            .sim
            .meddle(|world| world.ec2.endpoints.get_mut(ENDPOINT).unwrap().state = simulated);
        let endpoint = ec2.endpoint(&id).await.unwrap().unwrap();
        assert_eq!(endpoint.state, state);
    }
}

#[tokio::test]
async fn an_endpoint_that_failed_says_why() {
    let stage = Stage::new().await;
    let ec2 = stage.ec2().await;
    let id = ec2.create_endpoint(&new_endpoint()).await.unwrap().id;
    stage
        .sim
        .meddle(|world| world.fail_endpoint(id.as_str(), "InternalError", "it broke"));
    let failed = ec2.endpoint(&id).await.unwrap().unwrap();
    assert_eq!(failed.failure.as_deref(), Some("InternalError: it broke"));
}

#[tokio::test]
async fn endpoints_are_listed_with_gateways_and_without_those_that_are_deleted() {
    let stage = Stage::with(|scenario| {
        scenario.pace.deleted_listed = std::time::Duration::from_secs(600);
    })
    .await;
    stage.sim.meddle(|world| {
        let gateway = world.ec2.endpoints.get_mut("vpce-0a000000000000002");
        gateway.unwrap().kind = EndpointType::Gateway;
    });
    let ec2 = stage.ec2().await;
    let id = ec2.create_endpoint(&new_endpoint()).await.unwrap().id;
    let vpc = parsed(VPC);
    let listed = ec2.endpoints(&vpc).await.unwrap();
    let kinds = listed.iter().map(|it| (it.id.as_str(), it.is_interface));
    let kinds: Vec<_> = kinds.collect();
    let gateway = ("vpce-0a000000000000002", false);
    for kind in [(ENDPOINT, true), gateway, (id.as_str(), true)] {
        assert!(kinds.contains(&kind), "{kind:?} in {kinds:?}");
    }

    ec2.delete_endpoint(&id).await.unwrap();
    // EC2 still lists it, as deleted.
    seen(&stage.sim, id.as_str(), |endpoint| {
        assert!(endpoint.listed_until.is_some())
    });
    assert_eq!(ec2.endpoints(&vpc).await.unwrap().len(), listed.len() - 1);
    assert_eq!(ec2.endpoint(&id).await, Ok(None));
}

/// A world with so many endpoints more.
async fn with_more(number: u32) -> Stage {
    let more = |scenario: &mut simulator::Scenario| {
        let vpc = &mut scenario.vpcs[0];
        let gateway = vpc.endpoints[1].clone();
        vpc.endpoints.extend((0..number).map(|n| {
            let mut endpoint = gateway.clone();
            endpoint.id = format!("vpce-0b{n:015x}");
            endpoint
        }));
    };
    Stage::with(more).await
}

#[tokio::test]
async fn more_endpoints_than_a_page_holds_are_all_listed() {
    let stage = with_more(1500).await;
    let listed = stage.ec2().await.endpoints(&parsed(VPC)).await;
    assert_eq!(listed.unwrap().len(), 1502);
    // The last page ends in an empty token, which leads to the beginning again.
    assert_eq!(stage.count("ec2:DescribeVpcEndpoints"), 2);
}

#[tokio::test]
async fn endpoints_are_found_by_id_and_one_that_is_absent_does_not_hide_the_others() {
    let stage = with_more(250).await;
    let ec2 = stage.ec2().await;
    let ids = [ABSENT_ENDPOINT, ENDPOINT].map(|id| id.parse().unwrap());
    let found = ec2.endpoints_by_id(&ids).await.unwrap();
    let found: Vec<&str> = found.iter().map(|endpoint| endpoint.id.as_str()).collect();
    assert_eq!(found, [ENDPOINT]);
    assert_eq!(stage.count("ec2:DescribeVpcEndpoints"), 1);

    // A filter takes 200 values.
    let many: Vec<EndpointId> = (0..250)
        .map(|n| format!("vpce-0b{n:015x}").parse().unwrap())
        .collect();
    assert_eq!(ec2.endpoints_by_id(&many).await.unwrap().len(), 250);
    assert_eq!(stage.count("ec2:DescribeVpcEndpoints"), 3);
}

#[tokio::test]
async fn a_fresh_endpoint_is_none_until_ec2_shows_it() {
    let stage = Stage::with(|scenario| {
        scenario.pace.visible = std::time::Duration::from_secs(3);
    })
    .await;
    let ec2 = stage.ec2().await;
    let id = ec2.create_endpoint(&new_endpoint()).await.unwrap().id;
    assert_eq!(ec2.endpoint(&id).await, Ok(None));
    let error = ec2.set_private_dns(&id, true).await.unwrap_err();
    assert_eq!(error.code, Code::AwsResourceBusy);
    stage.advance(3);
    assert!(ec2.endpoint(&id).await.unwrap().is_some());
}

#[tokio::test]
async fn private_dns_is_switched_on_and_off() {
    let stage = Stage::with(|scenario| scenario.vpcs[0].dns_hostnames = true).await;
    let ec2 = stage.ec2().await;
    let id = ec2.create_endpoint(&new_endpoint()).await.unwrap().id;
    let error = ec2.set_private_dns(&id, true).await.unwrap_err();
    assert_eq!(error.code, Code::AwsResourceBusy, "not accepted: {error}");
    stage.sim.meddle(|world| world.accept_endpoint(id.as_str()));
    for on in [true, false] {
        ec2.set_private_dns(&id, on).await.unwrap();
        let endpoint = ec2.endpoint(&id).await.unwrap().unwrap();
        assert_eq!(endpoint.private_dns, on);
        assert_eq!(endpoint.state, EndpointState::Available);
        let last = endpoint.dns_names.last().unwrap();
        assert_eq!(last.ends_with("cockroachlabs.cloud"), on, "{last}");
    }
}

#[tokio::test]
async fn a_group_is_put_on_and_taken_off() {
    let stage = Stage::new().await;
    let ec2 = stage.ec2().await;
    let id = ec2.create_endpoint(&new_endpoint()).await.unwrap().id;
    stage.sim.meddle(|world| world.accept_endpoint(id.as_str()));
    let other = parsed("sg-0a000000000000002");
    for on in [true, true, false] {
        ec2.set_group(&id, &other, on).await.unwrap();
        let groups = ec2.endpoint(&id).await.unwrap().unwrap().group_ids;
        let mut expected = vec![new_endpoint().group_id];
        expected.extend(on.then(|| other.clone()));
        assert_eq!(groups, expected);
    }
}

#[tokio::test]
async fn every_refusal_of_private_dns_has_its_code() {
    let stage = Stage::new().await;
    let ec2 = stage.ec2().await;
    let id = ec2.create_endpoint(&new_endpoint()).await.unwrap().id;
    stage.sim.meddle(|world| world.accept_endpoint(id.as_str()));
    let refusal = async || ec2.set_private_dns(&id, true).await.unwrap_err().code;
    assert_eq!(refusal().await, Code::VpcDnsHostnamesDisabled);
    stage.sim.meddle(|world| {
        let vpc = world.ec2.vpcs.get_mut(VPC).unwrap();
        vpc.dns_hostnames = true;
        vpc.hosted_zones = vec!["internal-orders-k4x.aws-eu-west-1.cockroachlabs.cloud".to_owned()];
    });
    assert_eq!(refusal().await, Code::PrivateDnsConflict);
    stage.sim.meddle(|world| {
        let mut services = world.ec2.services.iter_mut();
        let service = services.find(|service| service.name == SERVICE);
        service.unwrap().private_dns_name = None;
    });
    assert_eq!(refusal().await, Code::PrivateDnsNotOffered);
}

#[tokio::test]
async fn deleting_what_is_absent_is_success() {
    let stage = Stage::new().await;
    let ec2 = stage.ec2().await;
    let id = parsed(ENDPOINT);
    assert_eq!(ec2.delete_endpoint(&id).await, Ok(()));
    assert_eq!(ec2.endpoint(&id).await, Ok(None));
    // EC2 answers 200 and says in its list of failures that there is no such thing.
    assert_eq!(ec2.delete_endpoint(&id).await, Ok(()));
    assert_eq!(ec2.delete_endpoint(&parsed(ABSENT_ENDPOINT)).await, Ok(()));
}

#[tokio::test]
async fn tags_are_added_and_removed_whatever_their_values() {
    let stage = Stage::new().await;
    let ec2 = stage.ec2().await;
    let id = parsed(ENDPOINT);
    ec2.tag_endpoint(&id, &tags(&[("a", "1"), ("b", "")]))
        .await
        .unwrap();
    let with = |sim: &Simulator| seen(sim, ENDPOINT, |endpoint| endpoint.tags.clone());
    let all = tags(&[("Name", "secrets"), ("a", "1"), ("b", "")]);
    assert_eq!(with(&stage.sim), all);
    assert_eq!(ec2.endpoint(&id).await.unwrap().unwrap().tags, all);
    ec2.untag_endpoint(&id, &["a".to_owned(), "b".to_owned(), "c".to_owned()])
        .await
        .unwrap();
    assert_eq!(with(&stage.sim), tags(&[("Name", "secrets")]));
}

#[tokio::test]
async fn tagging_what_is_absent_is_not_yet_and_untagging_it_is_success() {
    let stage = Stage::new().await;
    let ec2 = stage.ec2().await;
    let id = parsed(ABSENT_ENDPOINT);
    let error = ec2
        .tag_endpoint(&id, &tags(&[("a", "1")]))
        .await
        .unwrap_err();
    assert_eq!(error.code, Code::AwsResourceBusy);
    assert_eq!(ec2.untag_endpoint(&id, &["a".to_owned()]).await, Ok(()));
}

/// EC2 answers 200 and keeps what it did not delete in a list.
#[tokio::test]
async fn an_endpoint_that_ec2_did_not_delete_is_no_success() {
    for (code, expected) in [
        ("InvalidVpcEndpoint.NotFound", Ok(())),
        ("InvalidVpcEndpointId.NotFound", Ok(())),
        ("UnauthorizedOperation", Err(Code::AwsAccessDenied)),
        ("InternalError", Err(Code::AwsUnavailable)),
        ("SomethingNew", Err(Code::UnexpectedAwsAnswer)),
    ] {
        let body = format!(
            "<DeleteVpcEndpointsResponse><requestId>1</requestId><unsuccessful><item>\
             <resourceId>{ENDPOINT}</resourceId>\
             <error><code>{code}</code><message>why</message></error>\
             </item></unsuccessful></DeleteVpcEndpointsResponse>"
        );
        let stub = Stub::answering([answer(200, "Content-Type: text/xml\r\n", &body)]).await;
        let ec2 = AwsEc2::new(&aws(&stub.url()).await);
        let deleted = ec2.delete_endpoint(&parsed(ENDPOINT)).await;
        assert_eq!(deleted.map_err(|error| error.code), expected, "{code}");
    }
}
