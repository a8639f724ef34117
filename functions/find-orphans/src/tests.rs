//! The function over the in-process world. Stories with every kind of orphan are
//! told in `tests/it/sweep.rs`.

use in_process::stage::{Stage, assert_strict, at_once};
use shared::ledger::{OwnRegistration, Upkeep};
use shared::ownership::Origin;
use simulator::Scenario;
use simulator::cloud::ClusterState;
use simulator::scenario::GroupSpec;
use time::macros::datetime;

use super::*;

const NOW: OffsetDateTime = datetime!(2027-01-15 08:00 UTC);

pub(crate) fn input() -> Input {
    Input {
        cursor: None,
        only: Vec::new(),
        always: "eu-west-1".to_owned(),
        minimum_age_hours: 24,
        remove: true,
        now: NOW + time::Duration::days(2),
        execution: "arn:sweep".to_owned(),
        sum: None,
    }
}

/// A world with an endpoint that carries our tags and a ledger without entries.
fn orphan() -> Stage {
    orphan_where(|_| {})
}

/// The same with a change.
fn orphan_where(change: impl FnOnce(&mut Scenario)) -> Stage {
    Stage::changed("half-made-by-hand", |scenario| {
        let claim = in_process::stage::claim(scenario);
        scenario.vpcs[0].endpoints[0].tags = claim.tags(Origin::Made);
        change(scenario);
    })
}

/// A call that only looks.
fn report() -> Input {
    Input {
        remove: false,
        ..input()
    }
}

fn only(output: &Output) -> &Finding {
    assert_eq!(output.findings.len(), 1, "{output:?}");
    &output.findings[0]
}

fn find(stage: &Stage, input: Input) -> Result<Output, StepError> {
    let known = Known::new(&Config::of(|_| None)).unwrap();
    let ports = Ports {
        places: &stage.ports,
        cloud: &stage.ports,
        ledger: &stage.ports,
    };
    at_once(handle(ports, &known, input))
}

#[test]
fn a_call_that_is_made_again_says_the_same_and_changes_nothing() {
    let stage = orphan();
    let before = stage.things();
    let first = find(&stage, input()).unwrap();
    assert_eq!(find(&stage, input()).unwrap(), first);
    assert_eq!(stage.things(), before);
    let finding = only(&first);
    assert_eq!((finding.kind, &finding.kept), (Kind::Unrecorded, &None));
    let request = &first.to_remove[0];
    assert_eq!(request.subject().claim(), stage.claim);
    let seen = request.unless_changed.as_ref().unwrap();
    assert_eq!(seen.execution, None);
    assert_eq!(request.unless_traffic_minutes, Some(24 * 60));
    assert!(first.sum.looks_lost() && first.notices.is_empty());
}

/// The words of the tag are separated in every way in which tags are followed, and a
/// word that cannot be read may be any cluster.
#[test]
fn what_a_tag_on_the_vpc_asks_for_or_may_ask_for_is_kept() {
    let other = "ffffffff-0000-4000-8000-000000000009";
    let own = orphan().claim.cluster_id.to_string();
    for (value, kept) in [
        (format!("{other};{own}"), "asks for"),
        (format!("{other}+{own}"), "asks for"),
        (format!("{other}, {}", own.to_uppercase()), "asks for"),
        (format!("{other} orders"), "may ask for"),
        (other.to_owned(), ""),
    ] {
        let stage = orphan();
        stage.meddle(|world| {
            let vpc = stage.request.vpc_id.as_str();
            let tags = &mut world.ec2.vpcs.get_mut(vpc).unwrap().tags;
            let key = "cockroachdb-privatelink:cluster-id".to_owned();
            tags.insert(key, value.clone());
        });
        let output = find(&stage, input()).unwrap();
        let said = output.findings[0].kept.clone().unwrap_or_default();
        assert!(said.contains(kept), "{value}: {said}");
        assert_eq!(output.to_remove.is_empty(), !kept.is_empty(), "{value}");
    }
}

#[test]
fn only_a_cluster_that_says_so_is_deleted() {
    let hidden = orphan_where(|scenario| scenario.keys[0].other_organization = true);
    let output = find(&hidden, input()).unwrap();
    assert!(output.to_remove.is_empty());
    let kept = output.findings[0].kept.clone().unwrap_or_default();
    assert!(kept.contains("not shown to this API key"), "{kept}");
    assert_eq!(output.sum.unseen[0].code, "cluster-not-found");

    let deleted = orphan_where(|scenario| {
        scenario.clusters[0].connections.clear();
        scenario.clusters[0].state = ClusterState::Deleted;
    });
    let output = find(&deleted, input()).unwrap();
    assert_eq!(output.to_remove.len(), 1);
    assert_eq!(output.sum.unseen, []);
}

#[test]
fn a_report_asks_for_no_removal() {
    let output = find(&orphan(), report()).unwrap();
    assert_eq!((output.to_remove.len(), output.notices.len()), (0, 1));
}

#[test]
fn an_age_or_a_place_that_cannot_be_read_is_refused() {
    let young = Input {
        minimum_age_hours: 0,
        ..input()
    };
    let nowhere = Input {
        only: vec!["Ireland".to_owned()],
        ..input()
    };
    for (input, said) in [(young, "minimum_age_hours"), (nowhere, "places: Ireland")] {
        let error = find(&orphan(), input).unwrap_err();
        assert_eq!(error.code, Code::InvalidRequest);
        assert!(error.detail.starts_with(said), "{error}");
    }
}

#[test]
fn places_beyond_those_of_one_list_are_told() {
    let places = (0..502).map(|n| format!("{n:012}/eu-west-1"));
    let many = Input {
        always: places.collect::<Vec<_>>().join(" "),
        ..input()
    };
    let output = find(&orphan(), many).unwrap();
    assert_eq!(output.next.unwrap().places.len(), 499);
    let unseen = &output.sum.unseen;
    // The first place of them has no role for us.
    let codes: Vec<&str> = unseen.iter().map(|it| it.code.as_str()).collect();
    assert_eq!(codes, ["sweep-incomplete", "other-account-role-refused"]);
    let said = "places that are left out: 2, from 000000000500/eu-west-1 on";
    assert!(unseen[0].detail.starts_with(said), "{unseen:?}");
}

/// turbot/steampipe-plugin-aws issue 75: EC2 says there that the credentials are wrong.
#[test]
fn a_region_that_is_not_enabled_is_named_beside_those_that_were_seen() {
    let stage = Stage::changed("half-made-by-hand", |scenario| {
        scenario.regions_off = vec!["me-south-1".to_owned()];
    });
    let two = Input {
        always: "eu-west-1, me-south-1\n".to_owned(),
        ..input()
    };
    let first = find(&stage, two.clone()).unwrap();
    let second = Input {
        cursor: first.next,
        sum: Some(first.sum),
        ..two
    };
    let output = find(&stage, second).unwrap();
    assert_eq!((output.sum.places, output.next), (1, None));
    let [unseen] = &output.sum.unseen[..] else {
        panic!("{:?}", output.sum.unseen);
    };
    let told = (unseen.what.as_str(), unseen.code.as_str());
    assert_eq!(told, ("me-south-1", "aws-region-not-enabled"));
    assert!(unseen.detail.contains(" in me-south-1 "), "{unseen:?}");
}

#[test]
fn a_group_is_as_old_as_the_first_look_at_it() {
    let stage = orphan();
    let group = "sg-0a71e831".parse().unwrap();
    for days in [0, 3] {
        let now = NOW + time::Duration::days(days);
        let seen = stage.ports.first_seen(&group, now);
        assert_eq!(at_once(seen).unwrap(), NOW);
    }
}

#[test]
fn a_misspelled_field_is_refused() {
    let output = find(&orphan(), input()).unwrap();
    assert_strict(&input());
    assert_strict(&output.sum);
    assert_strict(&output.findings[0]);
    assert_strict(&OwnRegistration {
        endpoint_id: "vpce-0a71e831".parse().unwrap(),
        trusted_account: "111122223333".parse().ok(),
    });
}

/// Whoever may tag may copy our tags onto whatever they like.
#[test]
fn copied_tags_without_number_are_told_in_short() {
    let stage = orphan_where(|scenario| {
        let claim = in_process::stage::claim(scenario);
        let vpc = &mut scenario.vpcs[0];
        let template = vpc.groups[0].clone();
        vpc.groups.extend((0..400).map(|n| GroupSpec {
            id: format!("sg-0c{n:015x}"),
            name: format!("copy-{n}"),
            tags: claim.tags(Origin::Made),
            ..template.clone()
        }));
    });
    let output = find(&stage, report()).unwrap();
    let finding = only(&output);
    assert_eq!(finding.things.len(), 11);
    assert_eq!(finding.things[10], "and 391 more");
    assert!(finding.sentence.len() < 1000, "{}", finding.sentence);
    let size = serde_json::to_string(&output).unwrap().len();
    assert!(size < 10_000, "{size} bytes");
}

/// Whoever may tag may write anything into tags of ours. What a run keeps of the
/// worst page goes into one set of variables.
#[test]
fn the_longest_page_fits_into_what_is_assigned() {
    let stage = Stage::changed("half-made-by-hand", |scenario| {
        let claim = in_process::stage::claim(scenario);
        let tags = &mut scenario.vpcs[0].groups[0].tags;
        *tags = claim.tags(Origin::Made);
        // EC2 user guide, "Tag restrictions": 256 characters.
        let forged = (0..20).map(|n| format!("1a2b3c4d-0000-4000-8000-{n:012}"));
        tags.extend(forged.map(|cluster| {
            let key = format!("cockroachdb-privatelink:cluster:{cluster}");
            (key, "\u{1f600}".repeat(256))
        }));
    });
    let error = StepError::new(Code::AwsAccessDenied, "\"\\".repeat(1000));
    let mut sum = Sum::default();
    let mut places: Vec<Place> = vec!["eu-west-1".parse().unwrap()];
    for n in 0..600 {
        let region = format!("{}{}-100", "a".repeat(10), format!("-{n:012}").repeat(4));
        let place: Place = format!("{n:012}/{region}").parse().unwrap();
        Unseen::new(&place, &error).add_to(&mut sum.unseen);
        places.push(place);
    }
    let places = PlaceList::of(places).telling(&mut sum.unseen);
    let told = (0..MOST_TOLD).map(|n| format!("1a2b3c4d-0000-4000-9000-{n:012}").parse());
    let report = Input {
        cursor: Some(Cursor {
            places,
            after: None,
            told: told.collect::<Result<Vec<ClusterId>, _>>().unwrap(),
        }),
        sum: Some(sum),
        ..report()
    };
    let output = find(&stage, report).unwrap();
    assert_eq!(output.findings.len(), BATCH);
    assert_eq!(output.notices.len(), BATCH);
    let answer = serde_json::to_string(&output).unwrap().len();
    // The run keeps the first hundred findings, and of each less than this.
    let kept = output.findings.iter().map(|it| {
        let told = (it.kind, &it.code, &it.sentence, &it.kept);
        serde_json::to_string(&told).unwrap().len() + 50
    });
    let bytes = answer + 100 * kept.max().unwrap();
    assert!(bytes <= shared::bounds::ANSWER, "{bytes} bytes");
}

#[test]
fn what_could_not_be_looked_at_is_told_once_and_up_to_a_number() {
    let error = StepError::new(Code::AccountNotConfigured, "x".repeat(5000));
    let mut all = Vec::new();
    for _ in 0..2 {
        for n in 0..200 {
            Unseen::new(format!("{n:012}/eu-west-1"), &error).add_to(&mut all);
        }
    }
    assert_eq!(all.len(), 50);
    let size = serde_json::to_string(&all).unwrap().len();
    assert!(size < 25_000, "{size} bytes");
}
