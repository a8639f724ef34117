//! Whole trims.

use in_process::stage::{Stage, assert_strict, at_once};
use shared::StepErrorName;

use super::*;

const GROUP: &str = "sg-0a10000000000000d";
const OTHER: &str = "cockroachdb-privatelink:cluster:1a2b3c4d-0000-4000-8000-00000000000b";

fn source(text: &str) -> Source {
    Source::Cidr(text.parse().unwrap())
}

/// The group of `connected` with rules of this connection, of one that it added
/// beside others', of another connection, and by hand.
fn stage() -> Stage {
    Stage::changed("connected", |scenario| {
        let claim = in_process::stage::claim(scenario);
        let group = &mut scenario.vpcs[0].groups[0];
        for (network, description) in [
            ("10.1.0.0/16", claim.rule_description()),
            ("10.2.0.0/16", claim.added_rule_description()),
            ("10.3.0.0/16", "crdb-privatelink c0ffee".to_owned()),
            ("10.4.0.0/16", "by hand".to_owned()),
        ] {
            let mut rule = group.rules[0].clone();
            rule.source = network.to_owned();
            rule.description = Some(description);
            group.rules.push(rule);
        }
    })
}

fn input(stage: &Stage, stay: &[&str]) -> Input {
    Input {
        connection: stage.request.subject(),
        security_group: SecurityGroupPlan {
            name: stage.things().groups[GROUP].name.clone(),
            sources: stay.iter().map(|text| source(text)).collect(),
        },
    }
}

fn trim(stage: &Stage, stay: &[&str]) -> Result<String, StepError> {
    at_once(handle(&stage.ports, input(stage, stay))).map(|done| done.undone)
}

fn admitted(stage: &Stage) -> Vec<String> {
    let group = &stage.things().groups[GROUP];
    let inbound = group.rules.iter().filter(|rule| !rule.is_egress);
    inbound.map(|rule| rule.source.text()).collect()
}

#[test]
fn rules_of_this_connection_go_unless_they_are_to_stay_and_others_stay() {
    let stage = stage();
    let (first, second) = stage.twice(async || {
        let input = input(&stage, &["10.20.0.0/16"]);
        handle(&stage.ports, input).await.unwrap().undone
    });
    assert!(
        first.contains("10.1.0.0/16, 10.2.0.0/16 no more"),
        "{first}"
    );
    assert!(second.contains("too many"), "{second}");
    let left = ["10.20.0.0/16", "10.3.0.0/16", "10.4.0.0/16"];
    assert_eq!(admitted(&stage), left);
}

/// Somebody has made another rule of it, and keeps our description.
#[test]
fn a_rule_that_lets_in_on_other_ports_is_not_ours_to_take() {
    let stage = stage();
    stage.meddle(|world| {
        let rules = &mut world.ec2.groups.get_mut(GROUP).unwrap().rules;
        let mut own = rules
            .iter_mut()
            .filter(|it| it.source.text() == "10.1.0.0/16");
        own.next().unwrap().to_port = Some(26258);
    });
    trim(&stage, &["10.20.0.0/16"]).unwrap();
    let left = ["10.20.0.0/16", "10.1.0.0/16", "10.3.0.0/16", "10.4.0.0/16"];
    assert_eq!(admitted(&stage), left);
}

#[test]
fn in_a_shared_group_only_what_was_added_beside_others_goes() {
    let stage = stage();
    stage.meddle(|world| {
        let group = world.ec2.groups.get_mut(GROUP).unwrap();
        group.tags.insert(OTHER.to_owned(), "c0ffee".to_owned());
    });
    trim(&stage, &[]).unwrap();
    let left = ["10.20.0.0/16", "10.1.0.0/16", "10.3.0.0/16", "10.4.0.0/16"];
    assert_eq!(admitted(&stage), left);
}

#[test]
fn a_group_that_is_not_ours_or_not_there_is_left_alone() {
    let stage = stage();
    stage.meddle(|world| world.ec2.groups.get_mut(GROUP).unwrap().tags.clear());
    let before = stage.things();
    trim(&stage, &[]).unwrap();
    assert_eq!(stage.things(), before);
}

#[test]
fn a_call_that_was_cut_off_is_completed_by_the_next_one() {
    let stage = stage();
    stage.cut_off("ec2:RevokeSecurityGroupIngress");
    let error = trim(&stage, &["10.20.0.0/16"]).unwrap_err();
    assert_eq!(error.name(), StepErrorName::Transient);
    trim(&stage, &["10.20.0.0/16"]).unwrap();
    assert_eq!(admitted(&stage).len(), 3);
}

#[test]
fn a_misspelled_field_is_refused() {
    assert_strict(&input(&stage(), &["10.20.0.0/16"]));
}
