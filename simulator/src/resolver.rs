//! The Route 53 Resolver and Route 53 Profiles, as far as they tell which rules and zones
//! answer for names in a VPC.
//!
//! A request and its answer are the JSON of the API, in process and over HTTP; of a request
//! of Profiles, which has no body, its parameters. Source: the botocore models
//! `route53resolver/2018-04-01` and `route53profiles/2018-05-10`, and their pages in the
//! Route 53 API reference. The words of the messages are ours.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::authorization::Authorization;
use crate::calls::{ApiError, Caller};
use crate::context::Context;
use crate::ec2::{Ec2, Vpc};
use crate::faults::FaultKind;
use crate::scenario::{ProfileSpec, ResolverRuleSpec};

/// The largest page, and the size of one that nobody chose.
const LARGEST_PAGE: usize = 100;

/// The rule for what no other rule is for. It is in every Region and every VPC has it (Route
/// 53 developer guide, "Domain names that Resolver creates autodefined system rules for").
const INTERNET: &str = "rslvr-autodefined-rr-internet-resolver";

/// A request. What nobody uses of it is refused by name.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Asked {
    max_results: Option<usize>,
    next_token: Option<String>,
    #[serde(default)]
    filters: Vec<Filter>,
    profile_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Filter {
    name: String,
    values: Vec<String>,
}

/// What is listed, each with the id by which a page may begin.
type Listed = Vec<(String, Value)>;

/// Carries out one operation of either service.
pub(crate) fn call(
    mut context: Context<'_>,
    ec2: &Ec2,
    operation: &str,
    request: &Value,
) -> Result<Value, ApiError> {
    let caller = context.caller;
    let service = match operation.contains("Profile") {
        true => "route53profiles",
        false => "route53resolver",
    };
    let action = format!("{service}:{operation}");
    context.needs(|| vec![Authorization::new(caller, &action, "*")]);
    let asked = Asked::deserialize(request).map_err(|why| invalid(why.to_string()))?;
    let vpcs = vpcs_of(ec2, caller);
    let (member, listed) = match operation {
        "ListResolverRules" => ("ResolverRules", rules(&vpcs, caller)),
        "ListResolverRuleAssociations" => (
            "ResolverRuleAssociations",
            associations(&vpcs, rule_asked_for(&asked.filters)?),
        ),
        "ListProfileAssociations" => ("ProfileAssociations", profiles(&vpcs)),
        "ListProfileResourceAssociations" => {
            let id = asked.profile_id.as_deref().unwrap_or_default();
            let mut profiles = vpcs
                .iter()
                .filter_map(|vpc| Some((*vpc, vpc.profile.as_ref()?)));
            let found = profiles.find(|(_, profile)| profile.id == id);
            let (vpc, profile) = found.ok_or_else(|| {
                let message = format!("There is no Profile {id}.");
                ApiError::new(404, "ResourceNotFoundException", message)
            })?;
            ("ProfileResourceAssociations", resources(vpc, profile))
        }
        _ => return Err(ApiError::new(404, "UnknownOperationException", operation)),
    };
    page(listed, &asked, member)
}

fn vpcs_of<'w>(ec2: &'w Ec2, caller: &Caller) -> Vec<&'w Vpc> {
    let vpcs = ec2.vpcs.values();
    vpcs.filter(|vpc| vpc.owner == caller.account && vpc.region == caller.region)
        .collect()
}

fn rule_asked_for(filters: &[Filter]) -> Result<Option<&str>, ApiError> {
    match filters {
        [] => Ok(None),
        [only] if only.name == "ResolverRuleId" && only.values.len() == 1 => {
            Ok(Some(&only.values[0]))
        }
        [first, ..] => {
            let message = format!("The simulator does not know this filter by {}.", first.name);
            Err(invalid(message))
        }
    }
}

/// The rules that an account has: those of its VPCs, and of Profiles that are its own.
fn rules(vpcs: &[&Vpc], caller: &Caller) -> Listed {
    let of_profiles = vpcs.iter().filter_map(|vpc| vpc.profile.as_ref());
    let own = of_profiles.filter(|profile| profile.is_of(&caller.account));
    let of_vpcs = vpcs.iter().flat_map(|vpc| &vpc.resolver_rules);
    let all = of_vpcs.chain(own.flat_map(|profile| &profile.rules));
    let mut listed = vec![(
        INTERNET.to_owned(),
        json!({ "Id": INTERNET, "DomainName": ".", "RuleType": "RECURSIVE", "Status": "COMPLETE" }),
    )];
    for rule in all {
        let kind = if rule.system { "SYSTEM" } else { "FORWARD" };
        listed.push((
            rule.id.clone(),
            json!({
                "Id": rule.id,
                "Arn": arn(&caller.account, &caller.region, rule),
                "DomainName": format!("{}.", rule.domain.trim_end_matches('.')),
                "OwnerId": caller.account,
                "RuleType": kind,
                "ShareStatus": "NOT_SHARED",
                "Status": "COMPLETE",
            }),
        ));
    }
    listed.sort_by(|(one, _), (other, _)| one.cmp(other));
    listed.dedup_by(|(one, _), (other, _)| one == other);
    listed
}

fn arn(account: &str, region: &str, rule: &ResolverRuleSpec) -> String {
    let id = &rule.id;
    format!("arn:aws:route53resolver:{region}:{account}:resolver-rule/{id}")
}

fn associations(vpcs: &[&Vpc], of: Option<&str>) -> Listed {
    let every = vpcs.iter().flat_map(|vpc| {
        let rules = vpc.resolver_rules.iter().map(|rule| rule.id.as_str());
        let rules = rules.chain([INTERNET]);
        rules.map(move |rule| (rule, vpc.id.as_str()))
    });
    let asked_for = every.filter(|(rule, _)| of.is_none_or(|of| of == *rule));
    let listed = asked_for.map(|(rule, vpc)| {
        let id = format!("{}-{vpc}", rule.replacen("-rr-", "-rrassoc-", 1));
        let association = json!({
            "Id": id, "ResolverRuleId": rule, "VPCId": vpc, "Status": "COMPLETE",
        });
        (id, association)
    });
    listed.collect()
}

fn profiles(vpcs: &[&Vpc]) -> Listed {
    let listed = vpcs.iter().filter_map(|vpc| {
        let profile = vpc.profile.as_ref()?;
        let id = format!("rpassoc-{}", vpc.id);
        let association = json!({
            "Id": id,
            "OwnerId": vpc.owner,
            "ProfileId": profile.id,
            "ResourceId": vpc.id,
            "Status": "COMPLETE",
        });
        Some((id, association))
    });
    listed.collect()
}

/// Profiles have more than zones and rules: here always a rule group of DNS Firewall.
fn resources(vpc: &Vpc, profile: &ProfileSpec) -> Listed {
    let owner = profile.account.as_ref().unwrap_or(&vpc.owner);
    let firewall = format!(
        "arn:aws:route53resolver:{}:{owner}:firewall-rule-group/rslvr-frg-{}",
        vpc.region, profile.id
    );
    let zones = profile.zones.keys();
    let zones = zones.map(|id| format!("arn:aws:route53:::hostedzone/{id}"));
    let rules = profile.rules.iter();
    let rules = rules.map(|rule| arn(owner, &vpc.region, rule));
    let arns = std::iter::once(firewall).chain(zones).chain(rules);
    let listed = arns.enumerate().map(|(n, arn)| {
        let id = format!("rpr-{n:04}-{}", profile.id);
        let resource = json!({
            "Id": id,
            "OwnerId": owner,
            "ProfileId": profile.id,
            "ResourceArn": arn,
            "Status": "COMPLETE",
        });
        (id, resource)
    });
    listed.collect()
}

fn page(listed: Listed, asked: &Asked, member: &str) -> Result<Value, ApiError> {
    let size = asked.max_results.unwrap_or(LARGEST_PAGE);
    if !(1..=LARGEST_PAGE).contains(&size) {
        return Err(invalid("MaxResults must be from 1 to 100."));
    }
    // A token is the id of the first thing of its page.
    let start = match &asked.next_token {
        None => 0,
        Some(token) => {
            let first = listed.iter().position(|(id, _)| id == token);
            first.ok_or_else(|| {
                let message = "The pagination token is not valid.";
                ApiError::new(400, "InvalidNextTokenException", message)
            })?
        }
    };
    let next = listed.get(start + size).map(|(id, _)| id.clone());
    let page = listed.into_iter().skip(start).take(size);
    let page: Vec<Value> = page.map(|(_, thing)| thing).collect();
    let mut answer = json!({ member: page });
    if let Some(next) = next {
        answer["NextToken"] = next.into();
    }
    Ok(answer)
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "InvalidParameterException", message)
}

/// The fault as both services would say it in an answer to this operation.
pub(crate) fn render_fault(kind: FaultKind, operation: &str) -> ApiError {
    let (status, code, message) = match kind {
        FaultKind::Throttle => (400, "ThrottlingException", "Rate exceeded"),
        FaultKind::Denied => {
            let message = format!(
                "User is not authorized to perform: {operation} because no identity-based policy \
                 allows the {operation} action"
            );
            return ApiError::new(400, "AccessDeniedException", message);
        }
        FaultKind::NotFound => (400, "ResourceNotFoundException", "It is not found."),
        FaultKind::Conflict => (400, "ConflictException", "Something else is being done."),
        FaultKind::UnknownCode => (400, "SomethingNewException", "Something new went wrong."),
        // The last two never get here; they have no words.
        FaultKind::ServerError | FaultKind::Timeout | FaultKind::CutOff => (
            500,
            "InternalServiceErrorException",
            "An error occurred on the server side.",
        ),
    };
    ApiError::new(status, code, message)
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;
    use crate::World;
    use crate::scenario::Scenario;

    fn world() -> World {
        let scenario = Scenario::parse(
            r#"
title = "Resolver"
story = "A VPC with rules and a Profile, and one with neither."
[[vpcs]]
id = "vpc-0a000000000000001"
cidr = "10.0.0.0/16"
resolver_rules = [{ id = "rslvr-rr-1", domain = "corp.example" }]
[vpcs.profile]
id = "rp-1"
zones = { Z01 = "db.example" }
rules = [{ id = "rslvr-rr-2", domain = "a.example", system = true }]
[[vpcs]]
id = "vpc-0a000000000000002"
cidr = "10.1.0.0/16"
"#,
        );
        World::new(&scenario.unwrap(), OffsetDateTime::UNIX_EPOCH)
    }

    fn ask(world: &mut World, operation: &str, request: Value) -> Result<Value, ApiError> {
        let caller = world.ec2.caller();
        world.resolver(&caller, operation, &request)
    }

    fn told<'a>(answer: &'a Value, list: &str, member: &str) -> Vec<&'a str> {
        let list = answer[list].as_array().unwrap();
        list.iter().map(|it| it[member].as_str().unwrap()).collect()
    }

    #[test]
    fn rules_are_listed_with_that_for_the_internet_and_page_by_page() {
        let mut world = world();
        let all = ask(&mut world, "ListResolverRules", json!({})).unwrap();
        let ids = told(&all, "ResolverRules", "Id");
        assert_eq!(ids, [INTERNET, "rslvr-rr-1", "rslvr-rr-2"]);
        let kinds = told(&all, "ResolverRules", "RuleType");
        assert_eq!(kinds, ["RECURSIVE", "FORWARD", "SYSTEM"]);
        let two = ask(&mut world, "ListResolverRules", json!({ "MaxResults": 2 })).unwrap();
        let next = json!({ "MaxResults": 2, "NextToken": two["NextToken"] });
        let rest = ask(&mut world, "ListResolverRules", next).unwrap();
        assert_eq!(told(&rest, "ResolverRules", "Id"), ["rslvr-rr-2"]);
        assert_eq!(rest["NextToken"], Value::Null);
        let of =
            |rule: &str| json!({ "Filters": [{ "Name": "ResolverRuleId", "Values": [rule] }] });
        for (rule, vpcs) in [
            ("rslvr-rr-1", &["vpc-0a000000000000001"][..]),
            ("rslvr-rr-2", &[]),
            (
                INTERNET,
                &["vpc-0a000000000000001", "vpc-0a000000000000002"],
            ),
        ] {
            let found = ask(&mut world, "ListResolverRuleAssociations", of(rule)).unwrap();
            assert_eq!(told(&found, "ResolverRuleAssociations", "VPCId"), vpcs);
        }
    }

    #[test]
    fn a_profile_of_another_account_is_seen_and_its_rules_are_not() {
        let mut world = world();
        let of = json!({ "ProfileId": "rp-1" });
        for (account, rules) in [(None, 3), (Some("444455556666".to_owned()), 2)] {
            let vpc = world.ec2.vpcs.get_mut("vpc-0a000000000000001").unwrap();
            vpc.profile.as_mut().unwrap().account = account;
            let profiles = ask(&mut world, "ListProfileAssociations", json!({})).unwrap();
            let vpcs = told(&profiles, "ProfileAssociations", "ResourceId");
            assert_eq!(vpcs, ["vpc-0a000000000000001"]);
            let operation = "ListProfileResourceAssociations";
            let found = ask(&mut world, operation, of.clone()).unwrap();
            let arns = told(&found, "ProfileResourceAssociations", "ResourceArn");
            assert_eq!(arns.len(), 3, "{arns:?}");
            assert_eq!(arns[1], "arn:aws:route53:::hostedzone/Z01");
            let found = ask(&mut world, "ListResolverRules", json!({})).unwrap();
            assert_eq!(told(&found, "ResolverRules", "Id").len(), rules);
        }
    }

    #[test]
    fn what_nobody_uses_is_refused_by_name() {
        let mut world = world();
        let vpc = json!([{ "Name": "VPCId", "Values": ["vpc-0a000000000000001"] }]);
        for (operation, request, code, part) in [
            (
                "ListResolverRules",
                json!({ "Foo": 1 }),
                "InvalidParameterException",
                "Foo",
            ),
            (
                "ListResolverRuleAssociations",
                json!({ "Filters": vpc }),
                "InvalidParameterException",
                "VPCId",
            ),
            (
                "ListProfileAssociations",
                json!({ "ResourceId": "vpc-1" }),
                "InvalidParameterException",
                "ResourceId",
            ),
            (
                "ListProfileAssociations",
                json!({ "MaxResults": 101 }),
                "InvalidParameterException",
                "MaxResults",
            ),
            (
                "ListResolverRules",
                json!({ "NextToken": "made up" }),
                "InvalidNextTokenException",
                "",
            ),
            (
                "ListProfileResourceAssociations",
                json!({ "ProfileId": "rp-2" }),
                "ResourceNotFoundException",
                "rp-2",
            ),
            (
                "ListProfiles",
                json!({}),
                "UnknownOperationException",
                "ListProfiles",
            ),
        ] {
            let error = ask(&mut world, operation, request).unwrap_err();
            assert_eq!(error.code, code, "{operation}: {error}");
            assert!(error.message.contains(part), "{operation}: {error}");
        }
    }
}
