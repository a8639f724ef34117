//! What besides private DNS answers for a host in a VPC: rules of the Route 53 Resolver,
//! and the private hosted zones and rules of the VPC's Route 53 Profile.
//!
//! The most specific domain that holds the host answers. Of two equal ones a rule goes
//! before a private hosted zone (Route 53 developer guide, "Considerations when working
//! with a private hosted zone"), and what is associated with the VPC itself before what its
//! Profile has ("How Route 53 Profile settings are prioritized"). Behind private DNS is a
//! private hosted zone of the VPC itself, named as the private name without its `*.`, so
//! Profiles count only where the private name is a wildcard.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{AccountId, VpcId};
use crate::surroundings::Remark;
use crate::{Code, StepError};

/// What rules and Profiles are there. Whoever may not ask gets the error [`denied`].
pub trait Resolver {
    /// The rules that this account has or is shown in this Region.
    async fn resolver_rules(&self) -> Result<Vec<ResolverRule>, StepError>;
    /// The VPCs that a rule is associated with itself.
    async fn vpcs_of_rule(&self, rule: &str) -> Result<BTreeSet<VpcId>, StepError>;
    /// The VPCs of each Profile, by its id.
    async fn profiles(&self) -> Result<BTreeMap<String, BTreeSet<VpcId>>, StepError>;
    async fn profile_resources(&self, profile: &str) -> Result<Vec<ProfileResource>, StepError>;
    /// The ids of this account's private hosted zones of this name.
    async fn zones_named(&self, name: &str) -> Result<BTreeSet<String>, StepError>;
}

/// That the caller may not do this, such as `route53resolver:ListResolverRules`.
pub fn denied(action: &str) -> StepError {
    StepError::new(Code::AwsAccessDenied, format!("{action} is missing"))
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolverRule {
    pub id: String,
    pub domain: String,
    /// Whether it forwards queries to other DNS servers. A system rule keeps them.
    pub forwards: bool,
}

/// What a Profile has: a private hosted zone, a rule, or something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileResource {
    pub arn: String,
    /// The account that put it there, if Route 53 says so.
    pub owner: Option<AccountId>,
}

impl ProfileResource {
    /// Its kind and its id, such as `hostedzone` and `Z01`.
    fn named(&self) -> Option<(&str, &str)> {
        self.arn.rsplit(':').next()?.split_once('/')
    }
}

/// A host that private DNS answers for in a VPC.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PrivateName {
    vpc: VpcId,
    owner: AccountId,
    name: String,
    host: String,
}

impl PrivateName {
    /// The host in the VPC of this account, where the endpoint service's private name is
    /// this one. `None` if that does not hold the host.
    pub fn new(vpc: &VpcId, owner: &AccountId, name: &str, host: &str) -> Option<Self> {
        let (name, host) = (bare(name), bare(host));
        holds(&name, &host).then(|| Self {
            vpc: vpc.clone(),
            owner: owner.clone(),
            name,
            host,
        })
    }

    /// The domains that hold the host and are more specific than the private name.
    fn below(&self) -> impl Iterator<Item = &str> {
        let mut domains = Some(self.host.as_str());
        let domains = std::iter::from_fn(move || {
            let domain = domains?;
            domains = domain.split_once('.').map(|(_, rest)| rest);
            Some(domain)
        });
        domains.take_while(|domain| *domain != self.name)
    }

    /// Whether a rule takes it that the VPC itself has.
    fn is_taken_by(&self, rule: &ResolverRule) -> bool {
        takes(&rule.domain, &self.name, &self.host)
    }

    /// Whether a Profile with these VPCs may take it.
    fn is_in_reach_of(&self, vpcs: &BTreeSet<VpcId>) -> bool {
        self.host != self.name && vpcs.contains(&self.vpc)
    }
}

/// Whether a rule or a zone of this domain answers for the host in place of the zone
/// behind private DNS, if it is associated with the VPC itself.
pub fn takes(domain: &str, name: &str, host: &str) -> bool {
    let domain = bare(domain);
    holds(&bare(name), &domain) && holds(&domain, &bare(host))
}

/// A domain without its last dot, and without the wildcard that begins a private name.
fn bare(name: &str) -> String {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name.strip_prefix("*.").map(str::to_owned).unwrap_or(name)
}

fn holds(domain: &str, name: &str) -> bool {
    let front = name.strip_suffix(domain);
    front.is_some_and(|front| front.is_empty() || front.ends_with('.'))
}

/// What the rules for private hosted zones and other such are called that the Resolver
/// makes itself ("Domain names that Resolver creates autodefined system rules for").
const AUTODEFINED: &str = "rslvr-autodefined-";

/// What takes each of these hosts away from private DNS, and what could not be looked at,
/// whatever the reason. Whoever asks can do without: not every Region has these services,
/// and not every network a way to them.
pub async fn look(
    resolver: &impl Resolver,
    names: BTreeSet<PrivateName>,
) -> BTreeMap<PrivateName, Vec<Remark>> {
    let mut seen = Seen::default();
    let looked = seen.look_at(resolver, &names).await;
    let unseen = looked.err().map(|error| {
        let told = format!(
            "could not look at all Resolver rules and Profiles of Route 53, which may take the \
             private host away from private DNS ({error})"
        );
        (error.code, told)
    });
    let told = names.into_iter().map(|name| {
        let remarks = seen.remarks(&name).into_iter();
        let remarks: Vec<Remark> = remarks.chain(unseen.clone()).collect();
        (name, remarks)
    });
    told.collect()
}

/// What was seen of rules and Profiles, as far as it matters for some name.
#[derive(Default)]
struct Seen {
    rules: Vec<ResolverRule>,
    /// The VPCs that a rule is associated with itself, by the rule's id.
    vpcs: BTreeMap<String, BTreeSet<VpcId>>,
    profiles: Vec<Profile>,
    /// The ids of the private hosted zones of a domain.
    zones: BTreeMap<String, BTreeSet<String>>,
}

struct Profile {
    id: String,
    vpcs: BTreeSet<VpcId>,
    resources: Vec<ProfileResource>,
}

impl Seen {
    /// Asks for no more than these names need.
    async fn look_at(
        &mut self,
        resolver: &impl Resolver,
        names: &BTreeSet<PrivateName>,
    ) -> Result<(), StepError> {
        if names.is_empty() {
            return Ok(());
        }
        self.rules = resolver.resolver_rules().await?;
        self.rules.retain(|rule| !rule.id.starts_with(AUTODEFINED));
        for rule in &self.rules {
            if names.iter().any(|name| name.is_taken_by(rule)) {
                let vpcs = resolver.vpcs_of_rule(&rule.id).await?;
                self.vpcs.insert(rule.id.clone(), vpcs);
            }
        }
        if names.iter().all(|name| name.host == name.name) {
            return Ok(());
        }
        for (id, vpcs) in resolver.profiles().await? {
            let in_reach = names.iter().filter(|name| name.is_in_reach_of(&vpcs));
            let mut domains: BTreeSet<&str> = in_reach.flat_map(PrivateName::below).collect();
            if domains.is_empty() {
                continue;
            }
            let resources = resolver.profile_resources(&id).await?;
            let mut kinds = resources.iter().filter_map(ProfileResource::named);
            let has_zones = kinds.any(|(kind, _)| kind == "hostedzone");
            self.profiles.push(Profile {
                id,
                vpcs,
                resources,
            });
            // Another Profile may have asked for them already.
            domains.retain(|domain| has_zones && !self.zones.contains_key(*domain));
            for domain in domains {
                let zones = resolver.zones_named(domain).await?;
                self.zones.insert(domain.to_owned(), zones);
            }
        }
        Ok(())
    }

    /// What takes this host away, and what of a Profile is not known.
    fn remarks(&self, name: &PrivateName) -> Vec<Remark> {
        let is_of_vpc = |rule: &ResolverRule| {
            let vpcs = self.vpcs.get(&rule.id);
            vpcs.is_some_and(|vpcs| vpcs.contains(&name.vpc))
        };
        let own = self.rules.iter();
        let own = own.filter(|rule| name.is_taken_by(rule) && is_of_vpc(rule));
        // With the Profile that they come by.
        let mut rules: Vec<(&ResolverRule, Option<&str>)> = own.map(|rule| (rule, None)).collect();
        let (mut zones, mut hidden) = (BTreeSet::new(), BTreeSet::new());
        let of_vpc = |profile: &&Profile| name.is_in_reach_of(&profile.vpcs);
        for Profile { id, resources, .. } in self.profiles.iter().filter(of_vpc) {
            for resource in resources {
                match resource.named() {
                    Some(("hostedzone", zone)) => {
                        let is_named = |domain: &&str| {
                            let ids = self.zones.get(*domain);
                            ids.is_some_and(|ids| ids.contains(zone))
                        };
                        let named = name.below().filter(is_named);
                        zones.extend(named.map(|domain| taken_by_zone(zone, domain, id)));
                        let owner = resource.owner.as_ref();
                        if owner.is_some_and(|owner| *owner != name.owner) {
                            hidden.insert(not_known(id));
                        }
                    }
                    Some(("resolver-rule", rule)) => {
                        match self.rules.iter().find(|it| it.id == rule) {
                            Some(rule) if name.below().any(|it| it == bare(&rule.domain)) => {
                                rules.push((rule, Some(id.as_str())));
                            }
                            Some(_) => {}
                            None => {
                                hidden.insert(not_known(id));
                            }
                        }
                    }
                    // DNS Firewall, query logs, endpoints.
                    Some(_) | None => {}
                }
            }
        }
        let first = rules.into_iter().max_by_key(|(rule, profile)| {
            let labels = bare(&rule.domain).split('.').count();
            (labels, profile.is_none())
        });
        let forwards = first.filter(|(rule, _)| rule.forwards);
        let taken = forwards.map(|(rule, profile)| taken_by_rule(rule, profile));
        taken.into_iter().chain(zones).chain(hidden).collect()
    }
}

fn taken_by_rule(rule: &ResolverRule, profile: Option<&str>) -> Remark {
    let (id, domain) = (&rule.id, bare(&rule.domain));
    let by = profile.map(|profile| format!(" (by the VPC's Profile {profile})"));
    let told = format!(
        "the Resolver rule {id} of Route 53{} forwards {domain} to other DNS servers: clients \
         resolve the private host only if these know the endpoint's addresses",
        by.unwrap_or_default()
    );
    (Code::ResolverRuleTakesName, told)
}

fn taken_by_zone(zone: &str, domain: &str, profile: &str) -> Remark {
    let told = format!(
        "the private hosted zone {zone} ({domain}) of the VPC's Route 53 Profile {profile} answers \
         for the private host in place of private DNS"
    );
    (Code::PrivateDnsConflict, told)
}

fn not_known(profile: &str) -> Remark {
    let told = format!(
        "the VPC's Route 53 Profile {profile} has hosted zones or Resolver rules of another \
         account: whether one of them takes the private host away from private DNS is not known"
    );
    (Code::AwsAccessDenied, told)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// What Route 53 answers, and which actions are allowed.
    #[derive(Default)]
    struct Route53 {
        rules: Vec<ResolverRule>,
        /// The rules that the VPC itself has.
        own: Vec<&'static str>,
        resources: Vec<ProfileResource>,
        /// By name and id.
        zones: Vec<(&'static str, &'static str)>,
        denied: &'static str,
        /// How every call fails.
        failing: Option<Code>,
        /// A VPC with a Profile of its own.
        other: Option<VpcId>,
        /// How often zones were asked for.
        asked: Cell<usize>,
    }

    impl Route53 {
        fn may<T>(&self, action: &str, answer: T) -> Result<T, StepError> {
            if let Some(code) = self.failing {
                return Err(StepError::new(code, "no way"));
            }
            match action == self.denied {
                true => Err(denied(action)),
                false => Ok(answer),
            }
        }
    }

    impl Resolver for Route53 {
        async fn resolver_rules(&self) -> Result<Vec<ResolverRule>, StepError> {
            self.may("ListResolverRules", self.rules.clone())
        }

        async fn vpcs_of_rule(&self, rule: &str) -> Result<BTreeSet<VpcId>, StepError> {
            let vpc = self.own.contains(&rule).then(vpc);
            self.may("ListResolverRuleAssociations", vpc.into_iter().collect())
        }

        async fn profiles(&self) -> Result<BTreeMap<String, BTreeSet<VpcId>>, StepError> {
            let profiles = [("rp-1", Some(vpc())), ("rp-2", self.other.clone())];
            let profiles = profiles
                .into_iter()
                .filter_map(|(id, vpc)| Some((id.to_owned(), BTreeSet::from([vpc?]))));
            self.may("ListProfileAssociations", profiles.collect())
        }

        async fn profile_resources(&self, _: &str) -> Result<Vec<ProfileResource>, StepError> {
            self.may("ListProfileResourceAssociations", self.resources.clone())
        }

        async fn zones_named(&self, name: &str) -> Result<BTreeSet<String>, StepError> {
            self.asked.set(self.asked.get() + 1);
            let named = self.zones.iter().filter(|(it, _)| *it == name);
            let named = named.map(|(_, id)| (*id).to_owned()).collect();
            self.may("ListHostedZonesByName", named)
        }
    }

    const EXACT: &str = "internal-a.aws.example.cloud";
    const WILDCARD: &str = "*.aws.example.cloud";
    const RULE: &str = "arn:aws:route53resolver:eu-west-1:111122223333:resolver-rule/rslvr-rr-1";
    const ZONE: &str = "arn:aws:route53:::hostedzone/Z1";
    const ENDPOINT: &str = "arn:aws:ec2:eu-west-1:111122223333:vpc-endpoint/vpce-1";
    const OWN: &str = "111122223333";

    fn vpc() -> VpcId {
        "vpc-0a000001".parse().unwrap()
    }

    fn rule(id: &str, domain: &str, forwards: bool) -> ResolverRule {
        ResolverRule {
            id: id.to_owned(),
            domain: domain.to_owned(),
            forwards,
        }
    }

    fn resource(arn: &str, owner: &str) -> ProfileResource {
        ProfileResource {
            arn: arn.to_owned(),
            owner: owner.parse().ok(),
        }
    }

    /// What is told of the host `EXACT` behind a private name.
    async fn told(name: &str, route53: &Route53) -> Vec<Remark> {
        let owner = OWN.parse().unwrap();
        let name = PrivateName::new(&vpc(), &owner, name, EXACT).unwrap();
        let told = look(route53, BTreeSet::from([name])).await;
        told.into_values().flatten().collect()
    }

    fn codes(told: &[Remark]) -> Vec<Code> {
        told.iter().map(|(code, _)| *code).collect()
    }

    #[tokio::test]
    async fn a_rule_takes_the_host_if_none_is_more_specific_and_it_forwards() {
        let taken = [Code::ResolverRuleTakesName];
        for (name, rules, expected) in [
            (EXACT, &[(EXACT, true)][..], &taken[..]),
            (EXACT, &[("Internal-A.aws.example.cloud.", true)], &taken),
            (EXACT, &[(".", true), ("example.cloud.", true)], &[]),
            (EXACT, &[("aws.example.cloud", true)], &[]),
            (EXACT, &[("b.internal-a.aws.example.cloud", true)], &[]),
            (EXACT, &[("nal-a.aws.example.cloud", true)], &[]),
            (EXACT, &[(EXACT, false)], &[]),
            (WILDCARD, &[("aws.example.cloud", true)], &taken),
            (WILDCARD, &[(EXACT, true)], &taken),
            (WILDCARD, &[("example.cloud", true)], &[]),
            (
                WILDCARD,
                &[("aws.example.cloud", true), (EXACT, false)],
                &[],
            ),
            (
                WILDCARD,
                &[("aws.example.cloud", false), (EXACT, true)],
                &taken,
            ),
        ] {
            let rules_of = |id: &str| -> Vec<ResolverRule> {
                let numbered = rules.iter().enumerate();
                let rules = numbered
                    .map(|(n, (domain, forwards))| rule(&format!("{id}-{n}"), domain, *forwards));
                rules.collect()
            };
            let mut route53 = Route53 {
                rules: rules_of("rslvr-rr"),
                own: vec!["rslvr-rr-0", "rslvr-rr-1", "rslvr-autodefined-rr-0"],
                ..Default::default()
            };
            let found = told(name, &route53).await;
            assert_eq!(codes(&found), expected, "{name} {rules:?}");
            route53.rules = rules_of("rslvr-autodefined-rr");
            let zone = "the zone behind private DNS";
            assert_eq!(told(name, &route53).await, [], "{zone}");
            route53.rules = rules_of("rslvr-rr");
            route53.own.clear();
            assert_eq!(told(name, &route53).await, [], "of another VPC");
        }
    }

    #[tokio::test]
    async fn a_profile_takes_the_host_only_by_a_more_specific_domain() {
        let route53 = |domain: &'static str, arn: &str| Route53 {
            rules: vec![rule("rslvr-rr-1", domain, true)],
            zones: vec![(domain, "Z0"), (domain, "Z1")],
            resources: vec![resource(ENDPOINT, OWN), resource(arn, OWN)],
            ..Default::default()
        };
        let by_rule = (Code::ResolverRuleTakesName, "(by the VPC's Profile rp-1)");
        let by_zone = (
            Code::PrivateDnsConflict,
            "Z1 (internal-a.aws.example.cloud) of",
        );
        for (name, domain, takes) in [
            (WILDCARD, EXACT, true),
            (WILDCARD, "aws.example.cloud", false),
            (WILDCARD, "example.cloud", false),
            (EXACT, EXACT, false),
        ] {
            for (arn, (code, part)) in [(RULE, by_rule), (ZONE, by_zone)] {
                let found = told(name, &route53(domain, arn)).await;
                let expected: &[Code] = if takes { &[code] } else { &[] };
                assert_eq!(codes(&found), expected, "{name} {domain} {arn}");
                let mut told = found.iter().map(|(_, told)| told);
                assert!(told.all(|told| told.contains(part)), "{found:?}");
            }
        }
        // What the VPC has itself goes before.
        let mut kept = route53(EXACT, RULE);
        kept.rules[0].forwards = false;
        kept.rules.push(rule("rslvr-rr-2", EXACT, true));
        kept.resources = vec![resource(&RULE.replace("rr-1", "rr-2"), OWN)];
        assert_eq!(
            codes(&told(WILDCARD, &kept).await),
            [Code::ResolverRuleTakesName]
        );
        kept.own = vec!["rslvr-rr-1"];
        assert_eq!(told(WILDCARD, &kept).await, []);
    }

    #[tokio::test]
    async fn what_could_not_be_looked_at_is_told() {
        let mut route53 = Route53 {
            rules: vec![rule("rslvr-rr-1", EXACT, false)],
            own: vec!["rslvr-rr-1"],
            resources: vec![resource(ZONE, OWN)],
            ..Default::default()
        };
        for action in [
            "ListResolverRules",
            "ListResolverRuleAssociations",
            "ListProfileAssociations",
            "ListProfileResourceAssociations",
            "ListHostedZonesByName",
        ] {
            route53.denied = action;
            let found = told(WILDCARD, &route53).await;
            assert_eq!(codes(&found), [Code::AwsAccessDenied], "{action}");
            let part = format!("(aws-access-denied: {action} is missing)");
            assert!(found[0].1.contains(&part), "{found:?}");
        }
        route53.denied = "";
        assert_eq!(told(WILDCARD, &route53).await, []);
        for resource in [
            resource(ZONE, "444455556666"),
            resource(&format!("{RULE}2"), ""),
        ] {
            route53.resources = vec![resource];
            let found = told(WILDCARD, &route53).await;
            assert_eq!(codes(&found), [Code::AwsAccessDenied]);
            assert!(found[0].1.contains("of another account"), "{found:?}");
        }
        for code in [
            Code::HostUnreachable,
            Code::ProxyRefused,
            Code::CertificateNotTrusted,
            Code::AwsThrottled,
            Code::AwsUnavailable,
            Code::AwsAccountInactive,
            Code::UnexpectedAwsAnswer,
        ] {
            route53.failing = Some(code);
            let found = told(EXACT, &route53).await;
            assert_eq!(codes(&found), [code]);
            let part = format!("({code}: no way)");
            assert!(found[0].1.contains(&part), "{found:?}");
        }
        assert_eq!(look(&route53, BTreeSet::new()).await, BTreeMap::new());
    }

    /// VPCs that have Profiles of their own, and connections to the same cluster.
    #[tokio::test]
    async fn the_zones_of_a_domain_are_asked_for_once() {
        let other: VpcId = "vpc-0a000002".parse().unwrap();
        let route53 = Route53 {
            zones: vec![(EXACT, "Z1")],
            resources: vec![resource(ZONE, OWN)],
            other: Some(other.clone()),
            ..Default::default()
        };
        let owner = OWN.parse().unwrap();
        let names = [vpc(), other].map(|vpc| PrivateName::new(&vpc, &owner, WILDCARD, EXACT));
        let found = look(&route53, names.into_iter().flatten().collect()).await;
        let found: Vec<Vec<Code>> = found.values().map(|told| codes(told)).collect();
        assert_eq!(found, [[Code::PrivateDnsConflict]; 2]);
        assert_eq!(route53.asked.get(), 1);
    }
}
