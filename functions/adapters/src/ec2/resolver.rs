//! Rules of the Route 53 Resolver, and Route 53 Profiles. Only notes and findings come of
//! them, so that it is an answer not to be allowed to ask. Few functions ask, so their
//! clients are made when they do.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use aws_sdk_ec2::config::http::HttpResponse;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_route53resolver::types::{Filter, RuleTypeOption};
use shared::StepError;
use shared::ec2::errors;
use shared::ec2::resolver::{ProfileResource, Resolver, ResolverRule};
use shared::ids::VpcId;

use super::{AwsEc2, code_of};
use crate::sdk;

/// The largest page of all three services (their API references).
pub(super) const PAGE: i32 = 100;

impl Resolver for AwsEc2 {
    async fn resolver_rules(&self) -> Result<Option<Vec<ResolverRule>>, StepError> {
        let client = aws_sdk_route53resolver::Client::new(&self.config);
        let request = client.list_resolver_rules();
        let mut pages = request.into_paginator().page_size(PAGE).items().send();
        let mut rules = Vec::new();
        while let Some(rule) = pages.next().await {
            let Some(rule) = unless_denied("ListResolverRules", rule)? else {
                return Ok(None);
            };
            // A delegation rule has no domain.
            if let (Some(id), Some(domain)) = (rule.id, rule.domain_name) {
                rules.push(ResolverRule {
                    id,
                    domain,
                    forwards: rule.rule_type == Some(RuleTypeOption::Forward),
                });
            }
        }
        Ok(Some(rules))
    }

    async fn vpcs_of_rule(&self, rule: &str) -> Result<Option<BTreeSet<VpcId>>, StepError> {
        let client = aws_sdk_route53resolver::Client::new(&self.config);
        let filter = Filter::builder()
            .name("ResolverRuleId")
            .values(rule)
            .build();
        let request = client.list_resolver_rule_associations().filters(filter);
        let mut pages = request.into_paginator().page_size(PAGE).items().send();
        let mut vpcs = BTreeSet::new();
        while let Some(it) = pages.next().await {
            let Some(it) = unless_denied("ListResolverRuleAssociations", it)? else {
                return Ok(None);
            };
            let holds = holds(it.status.as_ref().map(|status| status.as_str()));
            let vpc = it.vpc_id().and_then(|vpc| vpc.parse().ok());
            if let (true, Some(vpc)) = (holds, vpc) {
                vpcs.insert(vpc);
            }
        }
        Ok(Some(vpcs))
    }

    async fn profiles(&self) -> Result<Option<BTreeMap<String, BTreeSet<VpcId>>>, StepError> {
        let client = aws_sdk_route53profiles::Client::new(&self.config);
        let request = client.list_profile_associations();
        let mut pages = request.into_paginator().page_size(PAGE).items().send();
        let mut profiles: BTreeMap<String, BTreeSet<VpcId>> = BTreeMap::new();
        while let Some(it) = pages.next().await {
            let Some(it) = unless_denied("ListProfileAssociations", it)? else {
                return Ok(None);
            };
            let holds = holds(it.status.as_ref().map(|status| status.as_str()));
            let vpc = it.resource_id().and_then(|vpc| vpc.parse().ok());
            if let (true, Some(profile), Some(vpc)) = (holds, it.profile_id, vpc) {
                profiles.entry(profile).or_default().insert(vpc);
            }
        }
        Ok(Some(profiles))
    }

    async fn profile_resources(
        &self,
        profile: &str,
    ) -> Result<Option<Vec<ProfileResource>>, StepError> {
        let client = aws_sdk_route53profiles::Client::new(&self.config);
        let request = client.list_profile_resource_associations();
        let request = request.profile_id(profile);
        let mut pages = request.into_paginator().page_size(PAGE).items().send();
        let mut resources = Vec::new();
        while let Some(it) = pages.next().await {
            let Some(it) = unless_denied("ListProfileResourceAssociations", it)? else {
                return Ok(None);
            };
            let holds = holds(it.status.as_ref().map(|status| status.as_str()));
            let owner = it.owner_id().and_then(|owner| owner.parse().ok());
            if let (true, Some(arn)) = (holds, it.resource_arn) {
                resources.push(ProfileResource { arn, owner });
            }
        }
        Ok(Some(resources))
    }

    /// All of a name come first from that name on, and nobody has a page of them.
    async fn zones_named(&self, name: &str) -> Result<Option<BTreeSet<String>>, StepError> {
        let client = aws_sdk_route53::Client::new(&self.config);
        let request = client.list_hosted_zones_by_name().dns_name(name);
        let sent = request.max_items(PAGE).send().await;
        let page = unless_denied("ListHostedZonesByName", sent)?;
        Ok(page.map(|page| {
            let zones = page.hosted_zones().iter();
            let zones = zones
                .filter(|zone| zone.name().trim_end_matches('.') == name)
                .filter(|zone| zone.config().is_some_and(|config| config.private_zone()));
            // Here an id comes as a path.
            let ids = zones.filter_map(|zone| zone.id().rsplit('/').next());
            ids.map(str::to_owned).collect()
        }))
    }
}

/// Whether an association in this state is in force, or will be soon.
fn holds(status: Option<&str>) -> bool {
    !matches!(
        status,
        Some("DELETED" | "DELETING" | "FAILED" | "OVERRIDDEN")
    )
}

/// What Route 53 answered; `None` if it refuses to tell.
pub(super) fn unless_denied<T, E>(
    operation: &str,
    sent: Result<T, SdkError<E, HttpResponse>>,
) -> Result<Option<T>, StepError>
where
    E: ProvideErrorMetadata + Error + 'static,
{
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
