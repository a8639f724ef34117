//! What is refused and what is not, in the simulated world.

use in_process::InProcess;
use in_process::stage::{Stage, assert_strict, at_once};
use shared::traffic::Dimensions;
use simulator::scenario::EndpointSpec;
use simulator::{Fault, FaultKind, Moment};
use time::macros::datetime;

use shared::ownership::Tags;

use super::*;

const KEY: &str = "net:protect";

fn known(protect: bool, requested_by: RequestedBy, phase: Phase) -> Known {
    Known {
        request: Asked {
            protect,
            requested_by,
        },
        phase,
        timeline: Vec::new(),
        execution: "arn:earlier".to_owned(),
        endpoint_id: None,
    }
}

fn input(stage: &Stage, known: Option<Known>) -> Input {
    Input {
        connection: stage.request.subject(),
        force: false,
        unless_traffic_minutes: None,
        known,
        now: stage.ports.simulator().now(),
    }
}

fn ask(stage: &Stage, input: Input) -> Result<Output, StepError> {
    let ports = Ports {
        ec2: &stage.ports,
        traffic: &stage.ports,
    };
    at_once(handle(Ok(ports), "net", input))
}

fn refusal(stage: &Stage, known: Option<Known>) -> String {
    let error = ask(stage, input(stage, known)).unwrap_err();
    assert_eq!(error.code, Code::ConnectionProtected);
    error.detail
}

/// The world with the tag on the VPC or on the endpoint.
fn tagged(on_vpc: Option<&str>, on_endpoint: Option<&str>) -> Stage {
    let set = |tags: &mut Tags, value: Option<&str>| {
        tags.extend(value.map(|value| (KEY.to_owned(), value.to_owned())));
    };
    Stage::changed("connected", |scenario| {
        let vpc = &mut scenario.vpcs[0];
        set(&mut vpc.tags, on_vpc);
        set(&mut vpc.endpoints[0].tags, on_endpoint);
    })
}

fn denied(stage: &Stage, kind: FaultKind) {
    stage.ports.simulator().add_fault(Fault::from_then_on(
        "ec2:DescribeVpcs",
        1,
        kind,
        Moment::Before,
    ));
}

#[test]
fn each_place_can_protect_and_the_refusal_says_which() {
    let ready = |protect| Some(known(protect, RequestedBy::Call, Phase::Ready));
    let free = tagged(None, None);
    assert!(ask(&free, input(&free, None)).is_ok());
    assert!(ask(&free, input(&free, ready(false))).is_ok());
    let by_request = refusal(&free, ready(true));
    assert!(by_request.contains("protect: true"), "{by_request}");
    assert!(by_request.contains("arn:earlier"), "{by_request}");
    let by_vpc = refusal(&tagged(Some("true"), None), ready(false));
    assert_eq!(
        by_vpc,
        "by the tag net:protect=true of vpc-0a1b2c3d4e5f60718"
    );
    let by_endpoint = refusal(&tagged(None, Some("")), None);
    assert_eq!(
        by_endpoint,
        "by the tag net:protect= of vpce-0a10000000000000e"
    );
    let no = tagged(Some("False"), Some("false"));
    assert!(ask(&no, input(&no, None)).is_ok());
}

/// As where the ledger that knows of the request is another one, or lost.
#[test]
fn the_mark_of_a_request_protects_its_own_connection_and_no_other() {
    let marked = |of_another: bool| {
        Stage::changed("connected", |scenario| {
            let mut claim = in_process::stage::claim(scenario);
            if of_another {
                claim.cluster_id = "5a0e8400-e29b-41d4-a716-4466554400ff".parse().unwrap();
            }
            let tags = &mut scenario.vpcs[0].endpoints[0].tags;
            tags.extend(claim.tags(shared::ownership::Origin::Made));
            tags.extend(claim.protection_tags(true));
        })
    };
    let stage = marked(false);
    let said = refusal(&stage, None);
    assert!(
        said.starts_with("by protect: true, asked for by a call"),
        "{said}"
    );
    assert!(said.contains(&stage.claim.protected_key()), "{said}");
    // Whether or not the tags of the VPC are shown.
    denied(&stage, FaultKind::Denied);
    assert_eq!(refusal(&stage, None), said);
    let stage = marked(true);
    assert!(ask(&stage, input(&stage, None)).is_ok());
}

#[test]
fn force_overrides_everything_and_asks_nobody() {
    let stage = tagged(Some("true"), Some("true"));
    let forced = Input {
        force: true,
        ..input(&stage, Some(known(true, RequestedBy::Call, Phase::Ready)))
    };
    assert_strict(&forced);
    assert!(ask(&stage, forced.clone()).is_ok());
    assert_eq!(stage.ports.simulator().calls().len(), 0);
    let unreachable = StepError::new(Code::AwsThrottled, "no answer");
    let ports: Result<Ports<'_, InProcess, InProcess>, _> = Err(&unreachable);
    assert!(at_once(handle(ports, "net", forced)).is_ok());
}

#[test]
fn a_removal_that_has_begun_is_finished() {
    let stage = tagged(Some("true"), None);
    let mut interrupted = known(true, RequestedBy::Call, Phase::Interrupted);
    refusal(&stage, Some(interrupted.clone()));
    interrupted.timeline = vec![Milestone {
        phase: Phase::Disconnecting,
        at: datetime!(2026-11-22 18:00 UTC),
    }];
    for begun in [
        interrupted,
        known(true, RequestedBy::Call, Phase::Disconnecting),
        known(true, RequestedBy::Call, Phase::DisconnectIncomplete),
    ] {
        assert!(ask(&stage, input(&stage, Some(begun))).is_ok());
    }
}

#[test]
fn the_copy_of_the_tags_counts_only_where_they_cannot_be_read() {
    let by_tag = known(true, RequestedBy::VpcTag, Phase::Ready);
    let stage = tagged(None, None);
    assert!(ask(&stage, input(&stage, Some(by_tag.clone()))).is_ok());
    denied(&stage, FaultKind::Denied);
    let copy = refusal(&stage, Some(by_tag));
    assert!(copy.contains("cannot be read"), "{copy}");
    let by_call = known(false, RequestedBy::Call, Phase::Ready);
    assert!(ask(&stage, input(&stage, Some(by_call))).is_ok());
    // The endpoint could be removed, and nobody knows whether the VPC's tags protect it.
    let error = ask(&stage, input(&stage, None)).unwrap_err();
    assert_eq!(error.code, Code::AwsAccessDenied);
    // Where it is not shown either, nothing could be removed.
    stage.fails("ec2:DescribeVpcEndpoints", FaultKind::Denied);
    assert!(ask(&stage, input(&stage, None)).is_ok());
}

/// A VPC that has an endpoint is there, so its tags were only not shown.
#[test]
fn tags_that_are_not_shown_are_none_that_were_read() {
    let by_tag = known(true, RequestedBy::VpcTag, Phase::Ready);
    let stage = tagged(None, None);
    denied(&stage, FaultKind::NotFound);
    let copy = refusal(&stage, Some(by_tag.clone()));
    assert!(copy.contains("cannot be read"), "{copy}");
    // The endpoint is shown, so it is there to be removed.
    assert!(ask(&stage, input(&stage, None)).is_ok());
    // With the VPC itself its tags are gone.
    let stage = vpc_gone();
    assert!(ask(&stage, input(&stage, Some(by_tag))).is_ok());
}

fn vpc_gone() -> Stage {
    let stage = tagged(None, None);
    stage.meddle(|world| {
        world.ec2.endpoints.clear();
        world.ec2.groups.clear();
        world.ec2.vpcs.clear();
    });
    stage
}

/// As in another account or Region.
#[test]
fn where_nothing_is_shown_or_recorded_nothing_is_said_to_be_gone() {
    let stage = vpc_gone();
    let error = ask(&stage, input(&stage, None)).unwrap_err();
    assert_eq!(error.code, Code::VpcNotFound);
    let recorded = known(false, RequestedBy::Call, Phase::Ready);
    assert!(ask(&stage, input(&stage, Some(recorded))).is_ok());
    let forced = Input {
        force: true,
        ..input(&stage, None)
    };
    assert!(ask(&stage, forced).is_ok());
}

#[test]
fn tags_that_cannot_be_read_for_another_reason_are_an_error() {
    let stage = tagged(None, None);
    denied(&stage, FaultKind::Throttle);
    let error = ask(&stage, input(&stage, None)).unwrap_err();
    assert_eq!(error.code, Code::AwsThrottled);
}

/// Who has no credentials has not been refused by EC2, and knows nothing of the tags.
#[test]
fn only_an_account_that_refuses_access_leaves_it_to_the_ledger() {
    let stage = tagged(Some("true"), None);
    let ready = || known(false, RequestedBy::Call, Phase::Ready);
    let answer = |code| {
        let error = StepError::new(code, "no answer");
        let ports: Result<Ports<'_, InProcess, InProcess>, _> = Err(&error);
        let answer = at_once(handle(ports, "net", input(&stage, Some(ready()))));
        answer.map_err(|error| error.code)
    };
    for code in [Code::OtherAccountRoleRefused, Code::AwsAccessDenied] {
        assert!(answer(code).is_ok(), "{code}");
    }
    for code in [
        Code::AwsCredentialsInvalid,
        Code::AwsClockDiffers,
        Code::CertificateNotTrusted,
        Code::ConfigurationInvalid,
    ] {
        assert_eq!(answer(code), Err(code));
    }
}

#[test]
fn an_entry_of_an_older_version_protects_nothing() {
    let text = r#"{"cluster_id": "x", "database": "defaultdb"}"#;
    let asked: Asked = serde_json::from_str(text).unwrap();
    assert!(!asked.protect);
}

/// The world whose endpoint carries what `change` makes of 3 new connections, 12 at
/// once and 48,000 bytes in each minute.
fn carrying(change: impl FnOnce(&mut EndpointSpec)) -> Stage {
    Stage::changed("connected", |scenario| {
        change(&mut scenario.vpcs[0].endpoints[0]);
    })
}

fn unless_traffic(stage: &Stage, minutes: u32) -> Result<Output, StepError> {
    let input = Input {
        unless_traffic_minutes: Some(minutes),
        ..input(stage, None)
    };
    assert_strict(&input);
    ask(stage, input)
}

#[test]
fn what_carries_traffic_stays_and_the_refusal_says_how_much() {
    let stage = carrying(|_| {});
    assert!(ask(&stage, input(&stage, None)).is_ok(), "nobody asked");
    let error = unless_traffic(&stage, 60).unwrap_err();
    assert_eq!(error.code, Code::ConnectionCarriesTraffic);
    assert_eq!(
        error.detail,
        "vpce-0a10000000000000e: 180 new connections, at most 12 at once, 2880000 bytes in the last 60 minutes"
    );
    let forced = Input {
        force: true,
        unless_traffic_minutes: Some(60),
        ..input(&stage, None)
    };
    assert!(ask(&stage, forced).is_ok());
    let begun = Input {
        unless_traffic_minutes: Some(60),
        ..input(
            &stage,
            Some(known(false, RequestedBy::Call, Phase::Disconnecting)),
        )
    };
    assert!(ask(&stage, begun).is_ok());
    // The tags of the VPC say nothing of it.
    denied(&stage, FaultKind::Denied);
    let recorded = Input {
        unless_traffic_minutes: Some(60),
        ..input(&stage, Some(known(false, RequestedBy::Call, Phase::Ready)))
    };
    assert_eq!(ask(&stage, recorded).unwrap_err().detail, error.detail);
}

#[test]
fn what_was_idle_for_long_enough_goes() {
    let hour = Some(std::time::Duration::from_secs(3600));
    let stage = carrying(|endpoint| {
        let traffic = endpoint.traffic.as_mut().expect("traffic");
        traffic.stopped_before = hour;
    });
    assert!(unless_traffic(&stage, 59).is_ok());
    let error = unless_traffic(&stage, 61).unwrap_err();
    assert_eq!(error.code, Code::ConnectionCarriesTraffic);
    let never = carrying(|endpoint| endpoint.traffic = None);
    assert!(unless_traffic(&never, 10_080).is_ok());
}

#[test]
fn one_connection_that_is_open_is_traffic_though_nothing_goes_through_it() {
    let stage = carrying(|endpoint| {
        let traffic = endpoint.traffic.as_mut().expect("traffic");
        traffic.new_connections = 0;
        traffic.bytes = 0;
        traffic.active_connections = 1;
    });
    let error = unless_traffic(&stage, 5).unwrap_err();
    assert_eq!(error.code, Code::ConnectionCarriesTraffic);
}

#[test]
fn a_shared_endpoint_carries_the_traffic_of_all_its_clusters() {
    let other = "5a0e8400-e29b-41d4-a716-4466554400ff";
    let stage = carrying(|endpoint| {
        let key = format!("cockroachdb-privatelink:cluster:{other}");
        endpoint.tags.insert(key, "0123456789abcdef".to_owned());
    });
    let error = unless_traffic(&stage, 5).unwrap_err();
    assert!(error.detail.ends_with(other), "{error}");
}

#[test]
fn an_endpoint_that_only_the_ledger_knows_counts_too() {
    let stage = carrying(|endpoint| endpoint.tags.clear());
    assert!(unless_traffic(&stage, 5).is_ok());
    let mut entry = known(false, RequestedBy::Call, Phase::Ready);
    entry.endpoint_id = Some("vpce-0a10000000000000e".parse().unwrap());
    let recorded = Input {
        unless_traffic_minutes: Some(5),
        ..input(&stage, Some(entry))
    };
    let error = ask(&stage, recorded).unwrap_err();
    assert_eq!(error.code, Code::ConnectionCarriesTraffic);
}

#[test]
fn without_an_answer_nothing_goes() {
    for (operation, kind, code) in [
        (
            "cloudwatch:ListMetrics",
            FaultKind::Denied,
            Code::TrafficUnknown,
        ),
        (
            "cloudwatch:GetMetricData",
            FaultKind::Denied,
            Code::TrafficUnknown,
        ),
        // The account is out of reach, and with it its metrics.
        (
            "ec2:DescribeVpcEndpoints",
            FaultKind::Denied,
            Code::TrafficUnknown,
        ),
        // This may pass, so it is asked again.
        (
            "cloudwatch:GetMetricData",
            FaultKind::Throttle,
            Code::AwsThrottled,
        ),
    ] {
        let stage = carrying(|endpoint| endpoint.traffic = None);
        let fault = Fault::from_then_on(operation, 1, kind, Moment::Before);
        stage.ports.simulator().add_fault(fault);
        let error = unless_traffic(&stage, 5).unwrap_err();
        assert_eq!(error.code, code, "{operation}");
    }
}

#[test]
fn an_endpoint_that_cannot_be_measured_stays() {
    let stage = carrying(|endpoint| {
        let far = endpoint.service_name.replace("eu-west-1", "us-east-1");
        endpoint.service_name = far;
        endpoint.traffic = None;
    });
    let error = unless_traffic(&stage, 5).unwrap_err();
    assert_eq!(error.code, Code::TrafficUnknown);
    assert!(error.detail.contains("another Region"), "{error}");
}

#[test]
fn metrics_are_asked_for_as_they_are_listed() {
    let stage = carrying(|_| {});
    let endpoint = at_once(stage.ports.endpoints(&stage.request.vpc_id))
        .unwrap()
        .remove(0);
    let set = |names: &[&str]| -> Dimensions {
        names
            .iter()
            .map(|name| ((*name).to_owned(), "x".to_owned()))
            .collect()
    };
    let (few, many) = (set(&["a", "b"]), set(&["a", "b", "c"]));
    let asked = crate::traffic::whole(vec![many, few.clone()], &endpoint, &stage.request.vpc_id);
    assert_eq!(asked, [few]);
    // What is too young to be listed is asked for as the guide says.
    let listed = at_once(stage.ports.dimensions(&endpoint.id)).unwrap();
    let documented = crate::traffic::whole(Vec::new(), &endpoint, &stage.request.vpc_id);
    assert_eq!(
        crate::traffic::whole(listed, &endpoint, &stage.request.vpc_id),
        documented
    );
}
