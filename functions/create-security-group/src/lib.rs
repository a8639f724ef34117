//! Makes our security group be there with our rules: TCP 26257 from the planned
//! sources.
//!
//! Found again by name, the group must carry our tags; then missing rules are
//! added, and rules that others made are reported. What this connection asked for
//! earlier and asks for no more is taken away later, by `trim-security-group`. EC2 shows a
//! fresh group some seconds late, and until then it takes no rules: *not yet*.
//! The undo is `delete-security-group`.

use serde::{Deserialize, Serialize};
use shared::ec2::{IngressRule, NewSecurityGroup, SecurityGroup, SecurityGroups, Source};
use shared::ids::SecurityGroupId;
use shared::ownership::{Claim, Origin, SECURITY_GROUP_DESCRIPTION, Tags};
use shared::plan::SecurityGroupPlan;
use shared::progress::{Progress, Wait};
use shared::subject::Subject;
use shared::{Code, StepError, bounds, customer_tags};

mod rules;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// For which connection, and so in which VPC.
    pub connection: Subject,
    /// Name and sources.
    pub security_group: SecurityGroupPlan,
    /// Tags of the customer's own.
    pub tags: Tags,
    /// How long this wait has lasted and may last.
    pub wait: Wait,
}

/// What is there now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    pub group_id: SecurityGroupId,
    /// What the reader should know.
    pub notes: Vec<String>,
}

/// Finds or creates the group and completes its rules.
///
/// # Errors
/// `security-group-name-taken` for a foreign group,
/// `security-group-not-visible-in-time`, and those of EC2.
pub async fn handle(
    ec2: &impl SecurityGroups,
    input: Input,
) -> Result<Progress<Output>, StepError> {
    match complete(ec2, &input).await {
        Err(busy) if busy.code == Code::AwsResourceBusy => {
            let name = &input.security_group.name;
            let awaited = format!("the new security group {name} is not visible everywhere yet");
            let late = Code::SecurityGroupNotVisibleInTime;
            input.wait.pending_despite(awaited, &busy.detail, late)
        }
        completed => completed.map(Progress::Ready),
    }
}

async fn complete(ec2: &impl SecurityGroups, input: &Input) -> Result<Output, StepError> {
    let (plan, claim) = (&input.security_group, &input.connection.claim());
    let group = match find_ours(ec2, input).await? {
        Some(found) => found,
        None => create(ec2, input).await?,
    };
    let group_id = group.id;
    let rules = ec2.ingress_rules(std::slice::from_ref(&group_id)).await?;
    let difference = rules::compare(&rules, &plan.sources, claim);
    if !difference.missing.is_empty() {
        let description = if claim.others_in(&group.tags).is_empty() {
            claim.rule_description()
        } else {
            claim.added_rule_description()
        };
        ec2.authorize(&group_id, &difference.missing, &description)
            .await?;
    }
    let notes = notes(&group_id, &rules, &plan.sources, claim);
    Ok(Output { group_id, notes })
}

/// What the reader should know of rules that the group has. Told by a plan, too.
pub fn notes(
    group_id: &SecurityGroupId,
    rules: &[IngressRule],
    planned: &[Source],
    claim: &Claim,
) -> Vec<String> {
    let extra = rules::compare(rules, planned, claim).extra.into_iter();
    let told = extra.map(|rule| {
        format!("security group {group_id} has a rule that this connection did not ask for: {rule}")
    });
    bounds::texts(told, bounds::NOTES)
}

/// The planned sources that the group has no rule for. Told by a plan, too.
pub fn missing(rules: &[IngressRule], planned: &[Source], claim: &Claim) -> Vec<Source> {
    rules::compare(rules, planned, claim).missing
}

/// The group of that name, claimed for this connection, with the tags asked for.
async fn find_ours(
    ec2: &impl SecurityGroups,
    input: &Input,
) -> Result<Option<SecurityGroup>, StepError> {
    let (vpc, name) = (&input.connection.vpc_id, &input.security_group.name);
    let claim = &input.connection.claim();
    let Some(group) = ec2.group_named(vpc, name).await? else {
        return Ok(None);
    };
    if Origin::of(&group.tags) != Some(Origin::Made) {
        let id = &group.id;
        let detail = format!("{id} in {vpc} is named {name} and does not carry our tags");
        return Err(StepError::new(Code::SecurityGroupNameTaken, detail));
    }
    let mut tags = customer_tags::missing(&input.tags, &group.tags, claim);
    if !claim.is_in(&group.tags) {
        tags.extend(claim.tags(Origin::Made));
    }
    if !tags.is_empty() {
        ec2.tag_group(&group.id, &tags).await?;
    }
    Ok(Some(group))
}

async fn create(ec2: &impl SecurityGroups, input: &Input) -> Result<SecurityGroup, StepError> {
    let (vpc, name) = (&input.connection.vpc_id, &input.security_group.name);
    let mut tags = input.connection.claim().tags(Origin::Made);
    tags.extend(input.tags.clone());
    let new = NewSecurityGroup {
        vpc_id: vpc.clone(),
        name: name.clone(),
        description: SECURITY_GROUP_DESCRIPTION.to_owned(),
        tags,
    };
    match ec2.create_group(&new).await {
        // An earlier attempt made it, and EC2 does not show it everywhere yet.
        Err(error) if error.code == Code::SecurityGroupNameTaken => {
            find_ours(ec2, input).await?.ok_or_else(|| {
                let detail =
                    format!("a security group named {name} exists in {vpc} but is not visible yet");
                StepError::new(Code::AwsResourceBusy, detail)
            })
        }
        created => Ok(SecurityGroup {
            id: created?,
            name: new.name,
            tags: new.tags,
        }),
    }
}

#[cfg(test)]
mod tests {
    use in_process::stage::{Stage, assert_strict, at_once};
    use shared::StepErrorName;

    use super::*;

    const GROUP: &str = "sg-0a10000000000000d";

    fn source(text: &str) -> Source {
        Source::Cidr(text.parse().unwrap())
    }

    fn input(stage: &Stage, name: &str, sources: &[&str]) -> Input {
        Input {
            connection: stage.request.subject(),
            wait: stage.wait(),
            tags: stage.request.tags.clone(),
            security_group: SecurityGroupPlan {
                name: name.to_owned(),
                sources: sources.iter().map(|text| source(text)).collect(),
            },
        }
    }

    fn call(stage: &Stage, name: &str, sources: &[&str]) -> Result<Progress<Output>, StepError> {
        at_once(handle(&stage.ports, input(stage, name, sources)))
    }

    /// What the call answers, which must be ready.
    fn made(stage: &Stage, name: &str, sources: &[&str]) -> Output {
        let progress = call(stage, name, sources).unwrap();
        progress.ready().expect("the group is ready")
    }

    /// What the call waits for.
    fn awaited(stage: &Stage, name: &str, sources: &[&str]) -> String {
        match call(stage, name, sources).unwrap() {
            Progress::Pending(pending) => pending.waiting_for,
            Progress::Ready(output) => panic!("{output:?}"),
        }
    }

    /// Sources and descriptions of the rules that let somebody in.
    fn rules(stage: &Stage, group: &str) -> Vec<(String, String)> {
        let group = &stage.things().groups[group];
        let inbound = group.rules.iter().filter(|rule| !rule.is_egress);
        let described = inbound.map(|it| (it.source.text(), it.description.clone()));
        let described = described.map(|(source, told)| (source, told.unwrap_or_default()));
        described.collect()
    }

    /// A world in which what is new shows after so many seconds.
    fn visible_after(seconds: u64) -> Stage {
        Stage::changed("fresh-vpc", |scenario| {
            scenario.pace.visible = std::time::Duration::from_secs(seconds);
        })
    }

    /// The group of `half-made-by-hand`, named and tagged otherwise.
    fn with_group(name: &str, tags: fn(&Claim) -> Tags) -> Stage {
        Stage::changed("half-made-by-hand", |scenario| {
            let tags = tags(&in_process::stage::claim(scenario));
            let group = &mut scenario.vpcs[0].groups[0];
            group.name = name.to_owned();
            group.tags = tags;
        })
    }

    #[test]
    fn the_group_is_made_with_exactly_the_planned_rules_and_found_again() {
        let stage = Stage::shipped("fresh-vpc");
        let sources = ["10.20.0.0/16", "2001:db8::/56"];
        let told = "the new security group ours is not visible everywhere yet";
        assert_eq!(awaited(&stage, "ours", &sources), told);
        stage.advance(5);
        let (first, second) = stage.twice(async || made(&stage, "ours", &sources));
        assert_eq!(first, second);
        assert!(first.notes.is_empty(), "{:?}", first.notes);
        let description = stage.claim.rule_description();
        let expected = sources.map(|source| (source.to_owned(), description.clone()));
        assert_eq!(rules(&stage, first.group_id.as_str()), expected);
        let group = &stage.things().groups[first.group_id.as_str()];
        assert_eq!(group.tags, stage.claim.tags(Origin::Made));
    }

    #[test]
    fn a_call_that_was_cut_off_is_completed_by_the_next_one() {
        for operation in [
            "ec2:CreateSecurityGroup",
            "ec2:AuthorizeSecurityGroupIngress",
        ] {
            let stage = visible_after(0);
            let groups = stage.things().groups.len();
            stage.cut_off(operation);
            let error = call(&stage, "ours", &["10.20.0.0/16"]).unwrap_err();
            assert_eq!(error.name(), StepErrorName::Transient, "{operation}");
            let output = made(&stage, "ours", &["10.20.0.0/16"]);
            assert_eq!(stage.things().groups.len(), groups + 1, "{operation}");
            let rules = rules(&stage, output.group_id.as_str());
            assert_eq!(rules.len(), 1, "{operation}");
        }
    }

    #[test]
    fn a_group_that_was_made_and_cannot_be_seen_yet_is_asked_for_again_later() {
        let stage = Stage::shipped("fresh-vpc");
        stage.cut_off("ec2:CreateSecurityGroup");
        let cut_off = call(&stage, "ours", &[]).unwrap_err();
        assert_eq!(cut_off.name(), StepErrorName::Transient);
        awaited(&stage, "ours", &[]);
        stage.advance(5);
        made(&stage, "ours", &[]);
    }

    #[test]
    fn a_group_that_does_not_show_before_the_limit_is_given_up() {
        let stage = visible_after(1_000_000);
        let given_up = stage.until_ready(async |wait| {
            let mut input = input(&stage, "ours", &["10.20.0.0/16"]);
            input.wait = wait;
            handle(&stage.ports, input).await
        });
        let code = given_up.unwrap_err().code;
        assert_eq!(code, Code::SecurityGroupNotVisibleInTime);
    }

    #[test]
    fn a_foreign_group_of_the_same_name_is_left_alone() {
        // Adopting is for endpoints: a group that we did not make is not changed.
        for tags in [
            |_: &Claim| Default::default(),
            |claim: &Claim| claim.tags(Origin::Adopted),
        ] {
            let stage = with_group("ours", tags);
            let before = stage.things();
            let error = call(&stage, "ours", &["10.20.0.0/16"]).unwrap_err();
            assert_eq!(error.code, Code::SecurityGroupNameTaken);
            assert_eq!(stage.things(), before);
        }
    }

    #[test]
    fn rules_that_nobody_planned_are_reported_and_stay() {
        let stage = with_group("ours", |claim| claim.tags(Origin::Made));
        let output = made(&stage, "ours", &["10.9.0.0/16"]);
        let [note] = &output.notes[..] else {
            panic!("{output:?}");
        };
        assert!(note.contains("tcp 26257-26257 from 10.20.0.0/16"), "{note}");
        assert_eq!(rules(&stage, GROUP).len(), 2);
    }

    #[test]
    fn a_group_of_another_connection_is_claimed_and_what_is_added_to_it_is_told_apart() {
        let stage = Stage::shipped("shared-endpoint");
        let name = stage.things().groups[GROUP].name.clone();
        let sources = ["10.20.0.0/16", "10.9.0.0/16"];
        let (first, second) = stage.twice(async || made(&stage, &name, &sources));
        assert_eq!((&first, first.group_id.as_str()), (&second, GROUP));
        let tags = &stage.things().groups[GROUP].tags;
        assert!(stage.claim.is_in(tags), "{tags:?}");
        assert_eq!(stage.claim.others_in(tags).len(), 1, "{tags:?}");
        let theirs = "crdb-privatelink 0641d0de83b3ac79".to_owned();
        let descriptions = [theirs, stage.claim.added_rule_description()];
        let expected = sources.into_iter().map(str::to_owned).zip(descriptions);
        assert!(rules(&stage, GROUP).into_iter().eq(expected));
    }

    #[test]
    fn tags_of_the_customers_are_there_from_the_beginning_and_kept() {
        let mut stage = visible_after(0);
        let own = |value: &str| Tags::from([("CostCenter".to_owned(), value.to_owned())]);
        stage.request.tags = own("41");
        let made = made(&stage, "ours", &["10.20.0.0/16"]);
        let tags = |stage: &Stage| stage.things().groups[made.group_id.as_str()].tags.clone();
        let mut expected = stage.claim.tags(Origin::Made);
        expected.extend(own("41"));
        assert_eq!(tags(&stage), expected);

        stage.request.tags = own("42");
        stage.twice(async || call(&stage, "ours", &["10.20.0.0/16"]).is_ok());
        expected.extend(own("42"));
        assert_eq!(tags(&stage), expected);

        stage.request.tags = Tags::new();
        assert!(call(&stage, "ours", &["10.20.0.0/16"]).is_ok());
        assert_eq!(tags(&stage), expected, "nothing is taken away");
    }

    #[test]
    fn a_misspelled_field_is_refused() {
        let stage = Stage::shipped("fresh-vpc");
        assert_strict(&input(&stage, "ours", &["10.0.0.0/8"]));
    }
}
