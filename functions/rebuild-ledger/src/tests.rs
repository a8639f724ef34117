//! The function over the in-process world. A ledger that was lost altogether is
//! compared with the one before in `tests/it/sweep.rs`.

use in_process::stage::{Stage, assert_strict, at_once};
use shared::ownership::{Claim, Origin};
use time::macros::datetime;

use super::*;

fn input(write: bool) -> Input {
    Input {
        cursor: None,
        only: vec!["eu-west-1".to_owned()],
        always: String::new(),
        write,
        now: datetime!(2027-01-15 08:00 UTC),
        execution: "arn:rebuild".to_owned(),
        sum: None,
    }
}

/// A world with an adopted endpoint and a ledger without entries.
fn adopted() -> Stage {
    Stage::with_endpoint("half-made-by-hand", |endpoint, claim| {
        endpoint.tags = claim.tags(Origin::Adopted);
        endpoint.tags.extend(claim.registration_tags(false, None));
    })
}

fn rebuild(stage: &Stage, write: bool) -> Output {
    let known = Known::new(&Config::of(|_| None)).unwrap();
    at_once(handle(&stage.ports, &stage.ports, &known, input(write))).unwrap()
}

fn entry(stage: &Stage) -> Option<Connection> {
    at_once(stage.ports.connection(&stage.claim.connection_id)).unwrap()
}

#[test]
fn an_entry_is_written_once_and_only_if_it_is_wanted() {
    let stage = adopted();
    let before = stage.things();
    assert_eq!(rebuild(&stage, false).entries.len(), 1);
    assert_eq!(entry(&stage), None);
    assert_eq!(rebuild(&stage, true).sum.rebuilt, 1);
    let written = entry(&stage).unwrap();
    assert_eq!(written.phase, Phase::Ready);
    assert_eq!(written.request.vpc_id, stage.request.vpc_id);
    let again = rebuild(&stage, true).sum;
    assert_eq!((again.rebuilt, again.recorded), (0, 1));
    assert_eq!(entry(&stage), Some(written));
    assert_eq!(stage.things(), before, "nothing but the ledger is written");
}

#[test]
fn a_registration_that_was_there_before_stays() {
    let stage = adopted();
    rebuild(&stage, true);
    let written = entry(&stage).unwrap();
    assert_eq!(written.registrations, [], "it is not the connection's own");
}

/// Of an endpoint with more claims than are told, with the longest list of places.
#[test]
fn the_longest_answer_fits_into_what_is_assigned() {
    let stage = Stage::changed("half-made-by-hand", |scenario| {
        let own = in_process::stage::claim(scenario);
        let vpc = &mut scenario.vpcs[0];
        let id: VpcId = vpc.id.parse().unwrap();
        let mut tags = own.tags(Origin::Adopted);
        for n in 0..120 {
            let cluster: ClusterId = format!("1a2b3c4d-0000-4000-8000-{n:012}").parse().unwrap();
            let claim = Claim::of(&"eu-west-1".parse().unwrap(), &id, &cluster);
            tags.extend(claim.tags(Origin::Adopted));
        }
        vpc.endpoints[0].tags = tags;
    });
    let error = StepError::new(Code::AwsAccessDenied, "\"\\".repeat(1000));
    let mut sum = Sum::default();
    let mut places: Vec<Place> = vec!["eu-west-1".parse().unwrap()];
    for n in 0..499 {
        let region = format!("{}{}-100", "a".repeat(10), format!("-{n:012}").repeat(4));
        let place: Place = format!("{n:012}/{region}").parse().unwrap();
        Unseen::new(&place, &error).add_to(&mut sum.unseen);
        places.push(place);
    }
    let input = Input {
        cursor: Some(places),
        sum: Some(sum),
        ..input(false)
    };
    let known = Known::new(&Config::of(|_| None)).unwrap();
    let output = at_once(handle(&stage.ports, &stage.ports, &known, input)).unwrap();
    assert_eq!((output.entries.len(), output.sum.rebuilt), (100, 121));
    let bytes = serde_json::to_string(&output).unwrap().len();
    assert!(bytes <= bounds::ANSWER / 2, "{bytes} bytes");
}

#[test]
fn a_misspelled_field_is_refused() {
    let output = rebuild(&adopted(), false);
    assert_strict(&input(true));
    assert_strict(&output.sum);
    assert_strict(&output.entries[0]);
}

/// The tag's words are separated in every way that the door takes.
#[test]
fn what_a_tag_asks_for_is_the_tags_again() {
    let other = "ffffffff-0000-4000-8000-000000000009";
    for (before, tagged) in [
        (String::new(), true),
        (format!("{other}+"), true),
        (format!("{other};"), true),
        (format!("{other}, "), true),
        (format!("{other}x"), false),
    ] {
        let stage = adopted();
        let (vpc, cluster) = (&stage.request.vpc_id, &stage.claim.cluster_id);
        stage.meddle(|world| {
            let vpc = world.ec2.vpcs.get_mut(vpc.as_str()).unwrap();
            let key = "cockroachdb-privatelink:cluster-id".to_owned();
            vpc.tags.insert(key, format!("{before}{cluster}"));
        });
        rebuild(&stage, true);
        let by = entry(&stage).unwrap().request.requested_by;
        assert_eq!(by == RequestedBy::VpcTag, tagged, "{before:?}");
    }
}

#[test]
fn what_was_protected_is_so_again() {
    for protected in [false, true] {
        let stage = adopted();
        stage.meddle(|world| {
            let endpoint = world.ec2.endpoints.values_mut().next().unwrap();
            endpoint.tags.extend(stage.claim.protection_tags(protected));
        });
        rebuild(&stage, true);
        assert_eq!(entry(&stage).unwrap().request.protect, protected);
    }
}
