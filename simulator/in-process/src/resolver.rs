//! Rules of the Route 53 Resolver, and Route 53 Profiles.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use shared::ec2::errors;
use shared::ec2::resolver::{ProfileResource, Resolver, ResolverRule, denied};
use shared::ids::VpcId;
use shared::{Code, StepError};
use simulator::Refusal;
use simulator::route53::ListHostedZonesByName;

use super::InProcess;

impl Resolver for InProcess {
    async fn resolver_rules(&self) -> Result<Vec<ResolverRule>, StepError> {
        let operation = "route53resolver:ListResolverRules";
        let rules = self.listed(operation, json!({}), "ResolverRules").await?;
        let rules = rules.iter().filter_map(|rule| {
            Some(ResolverRule {
                id: text(rule, "Id")?,
                domain: text(rule, "DomainName")?,
                forwards: rule["RuleType"] == "FORWARD",
            })
        });
        Ok(rules.collect())
    }

    async fn vpcs_of_rule(&self, rule: &str) -> Result<BTreeSet<VpcId>, StepError> {
        let operation = "route53resolver:ListResolverRuleAssociations";
        let request = json!({ "Filters": [{ "Name": "ResolverRuleId", "Values": [rule] }] });
        let listed = self.listed(operation, request, "ResolverRuleAssociations");
        let vpcs = listed.await?;
        let vpcs = vpcs.iter().filter_map(|it| it["VPCId"].as_str());
        Ok(vpcs.filter_map(|vpc| vpc.parse().ok()).collect())
    }

    async fn profiles(&self) -> Result<BTreeMap<String, BTreeSet<VpcId>>, StepError> {
        let operation = "route53profiles:ListProfileAssociations";
        let listed = self.listed(operation, json!({}), "ProfileAssociations");
        let mut profiles: BTreeMap<String, BTreeSet<VpcId>> = BTreeMap::new();
        for it in listed.await? {
            let vpc = it["ResourceId"].as_str().and_then(|vpc| vpc.parse().ok());
            if let (Some(profile), Some(vpc)) = (text(&it, "ProfileId"), vpc) {
                profiles.entry(profile).or_default().insert(vpc);
            }
        }
        Ok(profiles)
    }

    async fn profile_resources(&self, profile: &str) -> Result<Vec<ProfileResource>, StepError> {
        let operation = "route53profiles:ListProfileResourceAssociations";
        let request = json!({ "ProfileId": profile });
        let listed = self.listed(operation, request, "ProfileResourceAssociations");
        let resources = listed.await?;
        let resources = resources.iter().filter_map(|it| {
            Some(ProfileResource {
                arn: text(it, "ResourceArn")?,
                owner: it["OwnerId"].as_str().and_then(|owner| owner.parse().ok()),
            })
        });
        Ok(resources.collect())
    }

    async fn zones_named(&self, name: &str) -> Result<BTreeSet<String>, StepError> {
        let operation = "route53:ListHostedZonesByName";
        let request = ListHostedZonesByName {
            dns_name: name.to_owned(),
            max_items: None,
        };
        let answered = self
            .called(operation, |world| {
                world.list_hosted_zones_by_name(&self.caller, &request)
            })
            .await;
        let page = unless_denied(operation, answered)?.ok_or_else(|| denied(operation))?;
        let zones = page.hosted_zones.into_iter();
        let zones = zones.filter(|(_, it)| it.trim_end_matches('.') == name);
        Ok(zones.map(|(id, _)| id).collect())
    }
}

impl InProcess {
    /// All pages of a list.
    async fn listed(
        &self,
        operation: &str,
        mut request: Value,
        member: &str,
    ) -> Result<Vec<Value>, StepError> {
        let name = operation.rsplit(':').next().unwrap_or_default();
        let mut all = Vec::new();
        loop {
            let answered = self
                .called(operation, |world| {
                    world.resolver(&self.caller, name, &request)
                })
                .await;
            let page = unless_denied(operation, answered)?;
            let mut page = page.ok_or_else(|| denied(operation))?;
            if let Value::Array(listed) = page[member].take() {
                all.extend(listed);
            }
            if page["NextToken"].is_null() {
                return Ok(all);
            }
            request["NextToken"] = page["NextToken"].take();
        }
    }
}

fn text(of: &Value, member: &str) -> Option<String> {
    of[member].as_str().map(str::to_owned)
}

/// What Route 53 answered to an operation such as `route53:ListHostedZonesByVPC`; `None` if
/// it refuses to tell.
pub(super) fn unless_denied<T>(
    operation: &str,
    answered: Result<T, Refusal>,
) -> Result<Option<T>, StepError> {
    let name = operation.rsplit(':').next().unwrap_or_default();
    match answered {
        Ok(answer) => Ok(Some(answer)),
        Err(Refusal::Answer(error)) if errors::is_denied(&error.code) => Ok(None),
        Err(Refusal::Answer(error)) => {
            Err(errors::classify_route53(name, &error.code, &error.message))
        }
        Err(refusal @ (Refusal::TimedOut | Refusal::CutOff)) => {
            let detail = format!("Route 53 {name} gave no answer: {refusal}");
            Err(StepError::new(Code::AwsUnavailable, detail))
        }
    }
}
