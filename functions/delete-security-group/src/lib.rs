//! The undo of `create-security-group`: takes this connection's claim off the
//! group, and deletes it if nobody else claims it.
//!
//! While others claim it, only the rules that this connection added to what they
//! had go too: they may rely on all older ones.
//!
//! Absent is success, but only when it has been absent for a while: EC2 may show
//! a fresh group late. A group stays in use until the endpoint's network
//! interfaces have drained, which is waited for. A rule of another group that names it
//! stays until somebody takes it off, and is told at once.

use serde::{Deserialize, Serialize};
use shared::ec2::{GroupRemoval, SecurityGroup, SecurityGroups};
use shared::ownership::{Claim, Release};
use shared::plan::Undone;
use shared::progress::{Progress, Wait};
use shared::subject::Subject;
use shared::{Code, StepError, bounds};

mod keepers;

use keepers::Kept;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The connection that lets go.
    pub connection: Subject,
    /// The group's name; `None` for whichever this connection claims.
    pub name: Option<String>,
    /// What earlier looks have begun to take back.
    pub begun: Vec<String>,
    /// How long this wait has lasted and may last.
    pub wait: Wait,
}

/// Lets go of the group and says whether it is gone.
///
/// # Errors
/// `security-group-not-gone-in-time`, which says what uses it; `security-group-referenced`,
/// which says what names it; and those of EC2.
pub async fn handle(
    ec2: &impl SecurityGroups,
    input: Input,
) -> Result<Progress<Undone>, StepError> {
    let claim = &input.connection.claim();
    let found = find(ec2, &input).await?;
    let claimed: Vec<&SecurityGroup> = found.iter().filter(|it| claim.is_in(&it.tags)).collect();
    let late = Code::SecurityGroupNotGoneInTime;
    let mut undone = input.begun.clone();
    undone.retain(|it| it.starts_with("security group "));
    // Nothing to undo is believed only when it has been so for a while.
    if claimed.is_empty() && !input.wait.is_settled() {
        let awaited = "checking that no security group is left";
        let pending = input.wait.pending(awaited, late);
        return pending.map(|pending| pending.having_begun(&undone));
    }
    let (mut done, mut awaited) = (Vec::new(), Vec::new());
    let (mut named, mut used_by) = (Vec::new(), Vec::new());
    for group in &claimed {
        match claim.release(&group.tags, group.is_of_our_kind()) {
            Release::Delete => match ec2.delete_group(&group.id).await? {
                GroupRemoval::Gone => done.push((group, "deleted".to_owned())),
                GroupRemoval::InUse => {
                    match keepers::look(ec2, &input.connection.vpc_id, group).await {
                        Kept::Named(how) => named.push(how),
                        Kept::InUse { what, by } => {
                            awaited.push(what);
                            used_by.push(by);
                        }
                    }
                }
            },
            Release::Untag(keys, why) => {
                revoke_added_rules(ec2, group, claim).await?;
                ec2.untag_group(&group.id, &keys).await?;
                done.push((group, format!("let go ({why})")));
            }
        }
    }
    // EC2 may call a group unknown that it has just shown; what is still shown is
    // still there.
    let shown = match done.is_empty() {
        true => Vec::new(),
        false => find(ec2, &input).await?,
    };
    for (SecurityGroup { id, name, .. }, how) in done {
        let is_left = |it: &SecurityGroup| it.id == *id && claim.is_in(&it.tags);
        if shown.iter().any(is_left) {
            awaited.push(format!(
                "EC2 does not show yet that security group {name} is {how}"
            ));
        }
        let what = format!("security group {name} {how}");
        let what = bounds::text(&what, bounds::DETAIL);
        if !undone.contains(&what) {
            undone.push(what);
        }
    }
    if !named.is_empty() {
        let detail = named.join("; ");
        return Err(StepError::new(Code::SecurityGroupReferenced, detail));
    }
    if !awaited.is_empty() {
        let awaited = awaited.join(", ");
        let pending = match used_by.is_empty() {
            true => input.wait.pending(awaited, late),
            // The interfaces go one after the other, and are told where it does not end.
            false => {
                let used_by = used_by.join("; ");
                input.wait.pending_despite(awaited, &used_by, late)
            }
        };
        return pending.map(|pending| pending.having_begun(&undone));
    }
    let nothing = nothing(input.name.as_deref(), found.first());
    Ok(Progress::Ready(Undone::of(&undone, nothing)))
}

/// The groups that may be this connection's.
async fn find(ec2: &impl SecurityGroups, input: &Input) -> Result<Vec<SecurityGroup>, StepError> {
    let vpc = &input.connection.vpc_id;
    match &input.name {
        Some(name) => Ok(Vec::from_iter(ec2.group_named(vpc, name).await?)),
        None => {
            let key = input.connection.claim().key();
            ec2.groups_tagged(vpc, &key).await
        }
    }
}

/// What is said when this connection claims no group.
fn nothing(name: Option<&str>, found: Option<&SecurityGroup>) -> String {
    match (name, found) {
        (Some(name), Some(_)) => format!("security group {name} has no claim of this connection"),
        (Some(name), None) => format!("there is no security group {name}"),
        (None, _) => "no security group of this connection is left".to_owned(),
    }
}

/// Takes off the rules that this connection added to those of others.
async fn revoke_added_rules(
    ec2: &impl SecurityGroups,
    group: &SecurityGroup,
    claim: &Claim,
) -> Result<(), StepError> {
    let rules = ec2.ingress_rules(std::slice::from_ref(&group.id)).await?;
    let description = claim.added_rule_description();
    let own: Vec<String> = rules
        .into_iter()
        .filter(|rule| rule.description == description)
        .map(|rule| rule.id)
        .collect();
    if own.is_empty() {
        return Ok(());
    }
    ec2.revoke(&group.id, &own).await
}

#[cfg(test)]
mod tests {
    use in_process::stage::{Stage, assert_strict, at_once};
    use shared::StepErrorName;
    use shared::ownership::Origin;
    use simulator::FaultKind;
    use simulator::scenario::GroupSpec;

    use super::*;

    const GROUP: &str = "sg-0a10000000000000d";
    const OURS: &str = "crdb-privatelink-a8f02bd8d0c2d341";

    /// The only group of `half-made-by-hand` or `shared-endpoint`, with a change.
    fn stage(name: &str, change: impl FnOnce(&mut GroupSpec, &Claim)) -> Stage {
        Stage::changed(name, |scenario| {
            let claim = in_process::stage::claim(scenario);
            let group = &mut scenario.vpcs[0].groups[0];
            group.name = OURS.to_owned();
            change(group, &claim);
        })
    }

    /// Our own group, which an endpoint uses.
    fn in_use() -> Stage {
        stage("half-made-by-hand", |group, claim| {
            group.tags = claim.tags(Origin::Made);
        })
    }

    /// Our own group, which no endpoint uses.
    fn own() -> Stage {
        let stage = in_use();
        stage.meddle(|world| world.ec2.endpoints.clear());
        stage
    }

    fn input(stage: &Stage, wait: Wait) -> Input {
        let group = stage.look(|world| world.ec2.groups.get(GROUP).cloned());
        Input {
            connection: stage.request.subject(),
            name: Some(group.map_or("gone".to_owned(), |group| group.name)),
            begun: Vec::new(),
            wait,
        }
    }

    fn undo(stage: &Stage) -> Result<String, StepError> {
        let undone = stage.until_ready(async |wait| handle(&stage.ports, input(stage, wait)).await);
        undone.map(|undone| undone.undone)
    }

    fn look(stage: &Stage) -> Progress<Undone> {
        at_once(handle(&stage.ports, input(stage, stage.wait()))).unwrap()
    }

    fn sources(stage: &Stage) -> Vec<String> {
        let group = &stage.things().groups[GROUP];
        let inbound = group.rules.iter().filter(|rule| !rule.is_egress);
        inbound.map(|rule| rule.source.text()).collect()
    }

    #[test]
    fn our_group_is_deleted_and_stays_so() {
        let stage = own();
        let (first, second) = stage.twice(async || look(&stage));
        let deleted = format!("security group {OURS} deleted");
        assert_eq!(first.ready().unwrap().undone, deleted);
        assert!(second.ready().is_none(), "absent is not believed at once");
        assert!(!stage.things().groups.contains_key(GROUP));
        stage.advance(shared::progress::SETTLING_SECONDS);
        let again = look(&stage).ready().unwrap();
        assert!(!again.was_there, "{again:?}");
    }

    #[test]
    fn without_a_name_it_is_found_by_its_claim() {
        let by_claim = |stage: &Stage| {
            stage.until_ready(async |wait| {
                let mut input = input(stage, wait);
                input.name = None;
                handle(&stage.ports, input).await
            })
        };
        let stage = own();
        let undone = by_claim(&stage).unwrap().undone;
        assert_eq!(undone, format!("security group {OURS} deleted"));
        assert!(!stage.things().groups.contains_key(GROUP));
        let undone = by_claim(&stage).unwrap().undone;
        assert_eq!(undone, "no security group of this connection is left");
        let foreign = Stage::shipped("half-made-by-hand");
        by_claim(&foreign).unwrap();
        assert!(foreign.things().groups.contains_key(GROUP));
    }

    /// Whoever may set tags can set ours on anything.
    #[test]
    fn a_group_of_another_name_is_never_deleted_whatever_its_tags_say() {
        let stage = stage("half-made-by-hand", |group, claim| {
            group.name = "application".to_owned();
            group.tags = claim.tags(Origin::Made);
        });
        let let_go = "security group application let go (it was not made by this tool)";
        assert_eq!(undo(&stage).unwrap(), let_go);
        assert!(stage.things().groups[GROUP].tags.is_empty());
    }

    #[test]
    fn a_group_that_shows_late_is_deleted_all_the_same() {
        let stage = own();
        stage.meddle(|world| {
            let visible = world.now + std::time::Duration::from_secs(10);
            world.ec2.groups.get_mut(GROUP).unwrap().visible = visible;
        });
        undo(&stage).unwrap();
        assert!(!stage.things().groups.contains_key(GROUP));
    }

    #[test]
    fn a_call_that_was_cut_off_or_was_answered_with_not_found_is_completed_by_the_next_one() {
        for (operation, name) in [
            ("ec2:DeleteSecurityGroup", "half-made-by-hand"),
            ("ec2:DeleteTags", "shared-endpoint"),
        ] {
            let claimed = || {
                let stage = stage(name, |group, claim| {
                    group.tags.extend(claim.tags(Origin::Made));
                });
                stage.meddle(|world| world.ec2.endpoints.clear());
                stage
            };
            let let_go = |stage: &Stage| {
                undo(stage).unwrap();
                let groups = stage.things().groups;
                let is_let_go = |it: &simulator::ec2::SecurityGroup| !stage.claim.is_in(&it.tags);
                assert!(groups.get(GROUP).is_none_or(is_let_go), "{operation}");
            };
            let stage = claimed();
            stage.cut_off(operation);
            let error = undo(&stage).unwrap_err();
            assert_eq!(error.name(), StepErrorName::Transient, "{operation}");
            let_go(&stage);
            // EC2 only says that it is unknown, which is not believed.
            let stage = claimed();
            stage.fails_once(operation, FaultKind::NotFound);
            assert!(look(&stage).ready().is_none(), "{operation}");
            let_go(&stage);
        }
    }

    #[test]
    fn a_group_in_use_is_waited_for_and_named_at_the_limit() {
        let stage = in_use();
        let error = undo(&stage).unwrap_err();
        assert_eq!(error.code, Code::SecurityGroupNotGoneInTime);
        let told = [
            "is still in use by network interfaces (eni-",
            " (VPC Endpoint Interface vpce-0a10000000000000e)",
        ];
        for told in told {
            assert!(error.detail.contains(told), "{error}");
        }
        assert!(stage.things().groups.contains_key(GROUP));
        // What is awaited is not told anew whenever one of them has gone.
        stage.begin();
        let Progress::Pending(pending) = look(&stage) else {
            panic!("{GROUP} is gone");
        };
        let awaited = format!("security group {OURS} is still in use by network interfaces");
        assert_eq!(pending.waiting_for, awaited);
    }

    /// Our group, in use by nothing, and another one with a rule that names it.
    fn referenced(is_egress: bool) -> Stage {
        let stage = Stage::changed("half-made-by-hand", |scenario| {
            let claim = in_process::stage::claim(scenario);
            let groups = &mut scenario.vpcs[0].groups;
            groups[0].name = OURS.to_owned();
            groups[0].tags = claim.tags(Origin::Made);
            let mut other = groups[0].clone();
            (other.id, other.name) = (OTHER.to_owned(), "payments-app".to_owned());
            other.tags.clear();
            other.rules.truncate(1);
            other.rules[0].source = GROUP.to_owned();
            other.rules[0].is_egress = is_egress;
            groups.push(other);
        });
        stage.meddle(|world| world.ec2.endpoints.clear());
        stage
    }

    const OTHER: &str = "sg-0b20000000000000d";

    /// No interface drains, and the rule does not go by itself.
    #[test]
    fn a_rule_that_names_the_group_is_told_at_once_and_when_it_is_off_the_group_goes() {
        for is_egress in [false, true] {
            let stage = referenced(is_egress);
            let refused = at_once(handle(&stage.ports, input(&stage, stage.wait())));
            let error = refused.unwrap_err();
            assert_eq!(error.code, Code::SecurityGroupReferenced);
            assert_eq!(error.name(), StepErrorName::Rejected, "not tried again");
            let told = format!("is named by rules of payments-app ({OTHER})");
            assert!(error.detail.ends_with(&told), "{error}");
            stage.meddle(|world| world.ec2.groups.remove(OTHER));
            undo(&stage).unwrap();
            assert!(!stage.things().groups.contains_key(GROUP));
        }
    }

    /// EC2 tells of each direction alone, and of the group's own rules as well.
    #[test]
    fn a_group_that_names_it_twice_is_told_once_and_its_own_rules_do_not_count() {
        let first = "sg-0a20000000000000d";
        let stage = referenced(false);
        stage.meddle(|world| {
            let groups = &mut world.ec2.groups;
            let ours = simulator::ec2::Source::Group(GROUP.to_owned());
            let mut rules = groups[OTHER].rules.iter();
            let naming = rules.find(|rule| rule.source == ours).unwrap().clone();
            let outbound = simulator::ec2::Rule {
                is_egress: true,
                ..naming.clone()
            };
            let mut another = groups[OTHER].clone();
            (another.id, another.name) = (first.to_owned(), "billing-app".to_owned());
            another.rules = vec![outbound.clone()];
            groups.insert(first.to_owned(), another);
            groups.get_mut(OTHER).unwrap().rules.push(outbound);
            groups.get_mut(GROUP).unwrap().rules.push(naming);
        });
        let refused = at_once(handle(&stage.ports, input(&stage, stage.wait())));
        let told = format!("is named by rules of billing-app ({first}), payments-app ({OTHER})");
        let error = refused.unwrap_err();
        assert!(error.detail.ends_with(&told), "{error}");
    }

    /// Such as an association with another VPC.
    #[test]
    fn a_group_that_is_kept_by_what_we_do_not_ask_for_is_waited_for_and_the_command_is_told() {
        let stage = own();
        stage.fails("ec2:DeleteSecurityGroup", FaultKind::Conflict);
        let error = undo(&stage).unwrap_err();
        assert_eq!(error.code, Code::SecurityGroupNotGoneInTime);
        let command = format!("--filters Name=group-id,Values={GROUP}`");
        assert!(error.detail.contains(&command), "{error}");
    }

    /// Roles of an older release may not ask.
    #[test]
    fn whoever_may_not_ask_what_uses_the_group_waits_for_it_all_the_same() {
        let stage = in_use();
        stage.fails("ec2:DescribeNetworkInterfaces", FaultKind::Denied);
        let error = undo(&stage).unwrap_err();
        assert_eq!(error.code, Code::SecurityGroupNotGoneInTime);
        for told in [GROUP, "could not be found out: aws-access-denied"] {
            assert!(error.detail.contains(told), "{error}");
        }
    }

    #[test]
    fn what_is_not_ours_is_not_touched_and_not_said_to_be_deleted() {
        for name in ["half-made-by-hand", "shared-endpoint"] {
            let stage = Stage::shipped(name);
            let before = stage.things();
            let undone = undo(&stage).unwrap();
            let nothing = "has no claim of this connection";
            assert!(undone.ends_with(nothing), "{undone}");
            assert_eq!(stage.things(), before);
        }
    }

    /// Both connections admit the networks of the VPC, and the rule was made once.
    #[test]
    fn rules_that_others_may_rely_on_stay_with_a_shared_group() {
        for founder in [true, false] {
            let stage = stage("shared-endpoint", |group, claim| {
                group.tags.extend(claim.tags(Origin::Made));
                let mut added = group.rules[0].clone();
                added.source = "10.9.0.0/16".to_owned();
                added.description = Some(claim.added_rule_description());
                if founder {
                    group.rules[0].description = Some(claim.rule_description());
                }
                group.rules.push(added);
            });
            let undone = undo(&stage).unwrap();
            assert!(undone.contains("still uses it"), "{undone}");
            assert_eq!(sources(&stage), ["10.20.0.0/16"], "founder: {founder}");
            let tags = &stage.things().groups[GROUP].tags;
            assert!(!stage.claim.is_in(tags), "{tags:?}");
            assert_eq!(stage.claim.others_in(tags).len(), 1, "{tags:?}");
            assert_eq!(Origin::of(tags), Some(Origin::Made));
        }
    }

    #[test]
    fn a_misspelled_field_is_refused() {
        let stage = own();
        assert_strict(&input(&stage, stage.wait()));
    }
}
