//! Rules of the Route 53 Resolver, and Route 53 Profiles. Few functions ask for them, so
//! their clients are made when they do.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use aws_sdk_ec2::config::http::HttpResponse;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_route53resolver::types::{Filter, RuleTypeOption};
use shared::StepError;
use shared::ec2::errors;
use shared::ec2::resolver::{ProfileResource, Resolver, ResolverRule, denied};
use shared::ids::VpcId;

use super::{AwsEc2, code_of};
use crate::sdk;

/// The largest page of all three services (their API references).
pub(super) const PAGE: i32 = 100;

impl Resolver for AwsEc2 {
    async fn resolver_rules(&self) -> Result<Vec<ResolverRule>, StepError> {
        let client = aws_sdk_route53resolver::Client::new(&self.config);
        let pages = client.list_resolver_rules().into_paginator();
        let rules = pages.page_size(PAGE).items().send().try_collect().await;
        let rules = answered("route53resolver:ListResolverRules", rules)?;
        // A delegation rule has no domain.
        let rules = rules.into_iter().filter_map(|rule| {
            Some(ResolverRule {
                id: rule.id?,
                domain: rule.domain_name?,
                forwards: rule.rule_type == Some(RuleTypeOption::Forward),
            })
        });
        Ok(rules.collect())
    }

    async fn vpcs_of_rule(&self, rule: &str) -> Result<BTreeSet<VpcId>, StepError> {
        let client = aws_sdk_route53resolver::Client::new(&self.config);
        let filter = Filter::builder().name("ResolverRuleId").values(rule);
        let request = client.list_resolver_rule_associations();
        let pages = request.filters(filter.build()).into_paginator();
        let listed = pages.page_size(PAGE).items().send().try_collect().await;
        let listed = answered("route53resolver:ListResolverRuleAssociations", listed)?;
        let holding = listed
            .iter()
            .filter(|it| holds(it.status().map(|status| status.as_str())));
        Ok(holding.filter_map(|it| it.vpc_id()?.parse().ok()).collect())
    }

    async fn profiles(&self) -> Result<BTreeMap<String, BTreeSet<VpcId>>, StepError> {
        let client = aws_sdk_route53profiles::Client::new(&self.config);
        let pages = client.list_profile_associations().into_paginator();
        let listed = pages.page_size(PAGE).items().send().try_collect().await;
        let listed = answered("route53profiles:ListProfileAssociations", listed)?;
        let mut profiles: BTreeMap<String, BTreeSet<VpcId>> = BTreeMap::new();
        for it in listed {
            let holds = holds(it.status().map(|status| status.as_str()));
            let vpc = it.resource_id().and_then(|vpc| vpc.parse().ok());
            if let (true, Some(profile), Some(vpc)) = (holds, it.profile_id, vpc) {
                profiles.entry(profile).or_default().insert(vpc);
            }
        }
        Ok(profiles)
    }

    async fn profile_resources(&self, profile: &str) -> Result<Vec<ProfileResource>, StepError> {
        let client = aws_sdk_route53profiles::Client::new(&self.config);
        let request = client.list_profile_resource_associations();
        let pages = request.profile_id(profile).into_paginator();
        let listed = pages.page_size(PAGE).items().send().try_collect().await;
        let listed = answered("route53profiles:ListProfileResourceAssociations", listed)?;
        let holding = listed
            .into_iter()
            .filter(|it| holds(it.status().map(|status| status.as_str())));
        let resources = holding.filter_map(|it| {
            let owner = it.owner_id().and_then(|owner| owner.parse().ok());
            let arn = it.resource_arn?;
            Some(ProfileResource { arn, owner })
        });
        Ok(resources.collect())
    }

    /// All of a name come first from that name on, and nobody has a page of them.
    async fn zones_named(&self, name: &str) -> Result<BTreeSet<String>, StepError> {
        let client = aws_sdk_route53::Client::new(&self.config);
        let request = client.list_hosted_zones_by_name().dns_name(name);
        let page = request.max_items(PAGE).send().await;
        let page = answered("route53:ListHostedZonesByName", page)?;
        let named = page
            .hosted_zones()
            .iter()
            .filter(|zone| zone.name().trim_end_matches('.') == name)
            .filter(|zone| zone.config().is_some_and(|config| config.private_zone()));
        // Here an id comes as a path.
        let ids = named.filter_map(|zone| zone.id().rsplit('/').next());
        Ok(ids.map(str::to_owned).collect())
    }
}

/// Whether an association in this state is in force, or will be soon.
fn holds(status: Option<&str>) -> bool {
    !matches!(
        status,
        Some("DELETED" | "DELETING" | "FAILED" | "OVERRIDDEN")
    )
}

fn answered<T, E>(action: &str, sent: Result<T, SdkError<E, HttpResponse>>) -> Result<T, StepError>
where
    E: ProvideErrorMetadata + Error + 'static,
{
    unless_denied(action, sent)?.ok_or_else(|| denied(action))
}

/// What Route 53 answered to an action such as `route53:ListHostedZonesByVPC`; `None` if it
/// refuses to tell.
pub(super) fn unless_denied<T, E>(
    action: &str,
    sent: Result<T, SdkError<E, HttpResponse>>,
) -> Result<Option<T>, StepError>
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let operation = action.rsplit(':').next().unwrap_or_default();
    match sent {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if code_of(&error).is_some_and(errors::is_denied) => Ok(None),
        Err(error) => {
            let asked = format!("Route 53 {operation}");
            Err(sdk::failure(&asked, &error, |code, message| {
                errors::classify_route53(operation, code, message)
            }))
        }
    }
}
