//! The only reader of the environment: read once, when a process starts. Of what a
//! definition tells ([`SETTINGS`]), its word counts and not that of the environment.
//!
//! | Variable | Meaning | Default |
//! | --- | --- | --- |
//! | `API_KEY_SECRET` | name or ARN of the secret with the Cloud API key | `crdb-privatelink/api-key` |
//! | `API_KEY_SECRET_PATTERN` | names of the secrets with the key of one cluster, with `{cluster_id}` in it; looked up first | all clusters have one key |
//! | `COCKROACH_SERVER` | base URL of the Cloud API (the Terraform provider's variable) | `https://cockroachlabs.cloud` |
//! | `OWN_ACCOUNT` | the account of the functions, 12 digits | every account is reached with the credentials that are there |
//! | `OTHER_ACCOUNT_ROLE` | name of the role that is assumed in every other account | other accounts are refused |
//! | `OTHER_ACCOUNT_EXTERNAL_ID` | external id that the role asks for | none |
//! | `OTHER_ACCOUNTS` | the accounts that may be reached by that role, a list of ids | all |
//! | `CONNECTIONS_TABLE` | name of the ledger's table of connections | what needs it fails |
//! | `LEASES_TABLE` | name of the ledger's table of leases | what needs it fails |
//! | `PROVISION_MACHINE` | ARN of the state machine, of a version or of an alias | what needs it fails |
//! | `DEPROVISION_MACHINE` | the same | what needs it fails |
//! | `CHECK_FLEET_MACHINE` | the same | what needs it fails |
//! | `STACK_NAME` | the stack that figures are counted for | nothing is counted |
//! | `ALLOWED_CLUSTERS` | the clusters that may be connected to, a list of ids | all |
//! | `ALLOWED_SOURCES` | what all sources must lie in, a list: networks, prefix lists, accounts whose groups may be named | all but networks that are too wide |
//! | `API_GROUP` | the group of the user pool that may call the API | all callers |
//! | `RESOURCE_TAGS` | tags for everything that is made, `Key=Value` between commas | none |
//! | `TAG_PREFIX` | what the keys of the tags begin with that people set on VPCs and subnets | `cockroachdb-privatelink` |
//! | `AWS_CA_BUNDLE` | path of a file with the certificates that are trusted, in PEM form (the AWS CLI's variable) | those of the process |
//! | `HTTPS_PROXY`, `NO_PROXY` | the proxy for AWS and the Cloud API, and the hosts that are reached without it ([`Proxy`]) | everybody is asked directly |
//!
//! The items of a list stand between commas, blanks or line feeds ([`crate::ids::words`]).
//!
//! Credentials, Region and endpoints of AWS come from the SDK's own variables
//! and files (`AWS_PROFILE`, `AWS_REGION`, `AWS_ENDPOINT_URL_EC2`, …).

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::accounts::OtherAccounts;
use crate::customer_tags::{self, CustomerTag};
use crate::executions::{Machine, Machines};
use crate::ids::{AccountId, ClusterId};
use crate::ledger::Tables;
use crate::ownership::Tags;
use crate::request::ProvisionRequest;
use crate::secret::SecretNames;
#[cfg(doc)]
use crate::settings::SETTINGS;
use crate::settings::Settings;
use crate::sources::AllowedSources;
use crate::{Code, StepError};

mod proxy;
mod setting;
pub use proxy::Proxy;
pub use setting::Setting;

/// Name of the secret when none is configured.
pub const DEFAULT_SECRET: &str = "crdb-privatelink/api-key";
/// The Cloud API.
pub const DEFAULT_CLOUD_URL: &str = "https://cockroachlabs.cloud";
/// What the keys of people's tags begin with when nothing else is configured.
pub const DEFAULT_TAG_PREFIX: &str = "cockroachdb-privatelink";

/// The variable of [`Config::ca_bundle`].
pub const CA_BUNDLE: &str = "AWS_CA_BUNDLE";

/// What a process is told by its surroundings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The secrets with the Cloud API keys.
    pub secrets: SecretNames,
    /// Base URL of the Cloud API, without a trailing slash.
    pub cloud_url: String,
    /// What the keys of the tags begin with that people set on VPCs.
    pub tag_prefix: String,
    /// How other accounts are reached.
    pub others: OtherAccounts,
    /// The tables of the ledger.
    pub tables: Tables,
    /// The machines that the doors start.
    pub machines: Machines,
    /// Path of a file with the certificates, in PEM form, that are trusted and no others.
    pub ca_bundle: Setting,
    /// The stack that figures are counted for; without one none are.
    pub stack: Setting,
    /// The proxy by which AWS and the Cloud API are asked.
    pub proxy: Proxy,
    allowed_clusters: Setting,
    allowed_sources: Setting,
    api_group: Setting,
    resource_tags: Setting,
    /// All of them as they were found.
    variables: BTreeMap<&'static str, String>,
}

impl Config {
    /// Reads the environment of this process.
    pub fn from_env() -> Self {
        Self::of(variable)
    }

    /// The same, where `told` does not know better.
    pub fn from_env_unless(told: impl Fn(&'static str) -> Option<String>) -> Self {
        Self::of(|name| told(name).or_else(|| variable(name)))
    }

    /// Reads the variables from wherever `variable` finds them.
    pub fn of(variable: impl Fn(&'static str) -> Option<String>) -> Self {
        let variables = RefCell::new(BTreeMap::new());
        let setting = |name| {
            let setting = Setting::new(name, variable(name));
            if let Some(value) = setting.value() {
                variables.borrow_mut().insert(name, value.to_owned());
            }
            setting
        };
        let or = |name, default: &str| setting(name).value().unwrap_or(default).to_owned();
        let config = Self {
            secrets: SecretNames {
                default: or("API_KEY_SECRET", DEFAULT_SECRET),
                pattern: setting("API_KEY_SECRET_PATTERN"),
            },
            cloud_url: or("COCKROACH_SERVER", DEFAULT_CLOUD_URL),
            tag_prefix: or("TAG_PREFIX", DEFAULT_TAG_PREFIX),
            others: OtherAccounts {
                own: setting("OWN_ACCOUNT"),
                role: setting("OTHER_ACCOUNT_ROLE"),
                external_id: setting("OTHER_ACCOUNT_EXTERNAL_ID"),
                allowed: setting("OTHER_ACCOUNTS"),
            },
            tables: Tables {
                connections: setting("CONNECTIONS_TABLE"),
                leases: setting("LEASES_TABLE"),
            },
            machines: Machines {
                provision: setting("PROVISION_MACHINE"),
                deprovision: setting("DEPROVISION_MACHINE"),
                check_fleet: setting("CHECK_FLEET_MACHINE"),
            },
            ca_bundle: setting(CA_BUNDLE),
            stack: setting("STACK_NAME"),
            // Not among the variables, which are for everybody to see.
            proxy: Proxy::of(&variable),
            allowed_clusters: setting("ALLOWED_CLUSTERS"),
            allowed_sources: setting("ALLOWED_SOURCES"),
            api_group: setting("API_GROUP"),
            resource_tags: setting("RESOURCE_TAGS"),
            variables: BTreeMap::new(),
        };
        Self {
            variables: variables.into_inner(),
            ..config
        }
    }

    /// The same, where these settings do not know better.
    pub fn told(&self, settings: &Settings) -> Self {
        let told = Self::of(|name| match settings.get(name) {
            Some(told) => Some(told.to_owned()),
            None => self.variables.get(name).cloned(),
        });
        Self {
            proxy: self.proxy.clone(),
            ..told
        }
    }

    /// What a definition tells its functions so that they are as this says.
    pub fn settings(&self) -> Settings {
        Settings::of(|name| self.variables.get(name).cloned())
    }

    /// The account of the process, if it is told.
    ///
    /// # Errors
    /// [`Code::ConfigurationInvalid`] if it is malformed.
    pub fn own_account(&self) -> Result<Option<AccountId>, StepError> {
        self.others.own.parsed()
    }

    /// The accounts that are listed as those that may be reached; none if all may.
    ///
    /// # Errors
    /// [`Code::ConfigurationInvalid`] if the list cannot be read.
    pub fn listed_accounts(&self) -> Result<Vec<AccountId>, StepError> {
        self.others.allowed.list()
    }

    /// Which of our machines has this ARN, of whichever version or alias.
    pub fn machine_of(&self, arn: &str) -> Option<Machine> {
        self.machines.machine_of(arn)
    }

    /// Whether what a request asks for may be connected at all, whoever asks.
    ///
    /// # Errors
    /// [`Code::ClusterNotAllowed`], [`Code::AccountNotConfigured`],
    /// [`Code::AccountNotAllowed`], [`Code::SourceNotAllowed`]; and
    /// [`Code::ConfigurationInvalid`] if a list of what is allowed cannot be read.
    pub fn admits(&self, request: &ProvisionRequest) -> Result<(), StepError> {
        let cluster = &request.cluster_id;
        let allowed: Vec<ClusterId> = self.allowed_clusters.list()?;
        if !allowed.is_empty() && !allowed.contains(cluster) {
            let detail = format!("cluster {cluster} is not among the allowed clusters");
            return Err(StepError::new(Code::ClusterNotAllowed, detail));
        }
        self.others.role_for(&request.subject().place())?;
        let owner = request.account_id.as_ref();
        let named = request.sources.resolve(owner, &[], &[]);
        self.allowed_sources()?.admit(&named)
    }

    /// What all sources must lie in.
    ///
    /// # Errors
    /// [`Code::ConfigurationInvalid`] if they cannot be read.
    pub fn allowed_sources(&self) -> Result<AllowedSources, StepError> {
        Ok(AllowedSources(self.allowed_sources.list()?))
    }

    /// Whether a caller of the API may call it: a member of the group, if one is told.
    ///
    /// # Errors
    /// [`Code::CallerNotInGroup`].
    pub fn admits_caller(&self, groups: &[String]) -> Result<(), StepError> {
        match self.api_group.value() {
            Some(group) if !groups.iter().any(|it| it == group) => {
                let detail = format!("the token names no group {group}");
                Err(StepError::new(Code::CallerNotInGroup, detail))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The tags of the customer's own for what a request makes: those for everything,
    /// and those of the request in place of any of the same key.
    ///
    /// # Errors
    /// [`Code::ConfigurationInvalid`] if those for everything break a rule,
    /// [`Code::InvalidRequest`] if they become too many by those of the request.
    pub fn tags_for(&self, request: &ProvisionRequest) -> Result<Tags, StepError> {
        let own: Vec<CustomerTag> = self.resource_tags.between_commas()?;
        let mut tags: Tags = own.into_iter().map(|tag| (tag.key, tag.value)).collect();
        customer_tags::check(&tags).map_err(|error| {
            let why = format!("is malformed: {}", error.detail);
            self.resource_tags.wrong(why)
        })?;
        tags.extend(request.tags.clone());
        customer_tags::check(&tags)?;
        Ok(tags)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(variables: &[(&str, &str)]) -> Config {
        Config::of(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn nothing_has_to_be_set() {
        let empty = config(&[("TAG_PREFIX", ""), ("ALLOWED_CLUSTERS", "")]);
        assert_eq!(empty, config(&[]));
        assert_eq!(empty.secrets.default, DEFAULT_SECRET);
        assert_eq!(empty.cloud_url, DEFAULT_CLOUD_URL);
        assert_eq!(empty.tag_prefix, DEFAULT_TAG_PREFIX);
    }

    #[test]
    fn what_a_definition_tells_counts_and_not_the_environment() {
        let around = config(&[
            ("TAG_PREFIX", "old"),
            ("ALLOWED_CLUSTERS", "old"),
            ("OWN_ACCOUNT", "111122223333"),
            ("HTTPS_PROXY", "http://proxy.example:3128"),
        ]);
        let told = config(&[("TAG_PREFIX", "new"), ("OTHER_ACCOUNT_ROLE", "reach")]);
        // That there is none is told, too.
        let expected = config(&[
            ("TAG_PREFIX", "new"),
            ("OTHER_ACCOUNT_ROLE", "reach"),
            ("OWN_ACCOUNT", "111122223333"),
            ("HTTPS_PROXY", "http://proxy.example:3128"),
        ]);
        assert_eq!(around.told(&told.settings()), expected);
        assert_eq!(around.told(&Settings::default()), around);
        assert_eq!(told.told(&told.settings()), told);
    }

    #[test]
    fn every_setting_is_read() {
        let read = RefCell::new(Vec::new());
        let _ = Config::of(|name| {
            read.borrow_mut().push(name);
            None
        });
        for name in crate::settings::SETTINGS {
            assert!(read.borrow().contains(&name), "{name}");
        }
    }

    #[test]
    fn an_arn_tells_its_machine_of_whichever_version_or_alias() {
        let arn = |name| format!("arn:aws:states:eu-west-1:111122223333:stateMachine:{name}");
        let (one, other) = (arn("connect:live"), arn("disconnect"));
        let config = config(&[
            ("PROVISION_MACHINE", one.as_str()),
            ("DEPROVISION_MACHINE", other.as_str()),
        ]);
        for (name, machine) in [
            ("connect", Some(Machine::Provision)),
            ("connect:7", Some(Machine::Provision)),
            ("disconnect", Some(Machine::Deprovision)),
            ("disconnected", None),
        ] {
            assert_eq!(config.machine_of(&arn(name)), machine, "{name}");
        }
    }

    #[test]
    fn only_what_is_allowed_is_admitted() {
        let request = |account: Option<&str>, cidrs: &[&str]| {
            ProvisionRequest::parse(&serde_json::json!({
                "cluster_id": "1a2b3c4d-0000-4000-8000-000000000001",
                "region": "eu-west-1",
                "vpc_id": "vpc-0a71e831",
                "account_id": account,
                "sources": { "cidrs": cidrs },
            }))
            .unwrap()
        };
        let elsewhere = |account: Option<&str>| {
            let mut request = request(account, &[]);
            request.sources.prefix_list_ids = vec!["pl-63a5400a".parse().unwrap()];
            let group = "222222222222/sg-0a71e831".parse().unwrap();
            request.sources.security_group_ids = vec![group];
            request
        };
        let plain = || request(None, &[]);
        let there = || request(Some("444455556666"), &[]);
        let own = ("OWN_ACCOUNT", "111122223333");
        let role = ("OTHER_ACCOUNT_ROLE", "reach");
        let [a, b] = [1, 2].map(|n| format!("1a2b3c4d-0000-4000-8000-00000000000{n}"));
        let both = format!("{b}, {a}");
        let upper = format!("{b},,\n{}\n", a.to_uppercase());
        for (variables, request, refused) in [
            (&[][..], plain(), None),
            (&[("ALLOWED_CLUSTERS", both.as_str())], plain(), None),
            (
                &[("ALLOWED_CLUSTERS", b.as_str())],
                plain(),
                Some(Code::ClusterNotAllowed),
            ),
            (&[("ALLOWED_CLUSTERS", upper.as_str())], plain(), None),
            (
                &[("ALLOWED_CLUSTERS", "prod")],
                plain(),
                Some(Code::ConfigurationInvalid),
            ),
            (&[own], request(Some(own.1), &[]), None),
            (&[own], there(), Some(Code::AccountNotConfigured)),
            (&[own, role], there(), None),
            (
                &[own, role, ("OTHER_ACCOUNTS", "555566667777,444455556666")],
                there(),
                None,
            ),
            (
                &[
                    own,
                    role,
                    ("OTHER_ACCOUNTS", "5555-6666-7777\n4444-5555-6666"),
                ],
                request(Some(" 4444-5555-6666"), &[]),
                None,
            ),
            (
                &[own, role, ("OTHER_ACCOUNTS", "555566667777")],
                there(),
                Some(Code::AccountNotAllowed),
            ),
            (
                &[own, role, ("OTHER_ACCOUNTS", "all")],
                there(),
                Some(Code::ConfigurationInvalid),
            ),
            (
                &[],
                request(None, &["10.0.0.0/8", "0.0.0.0/0"]),
                Some(Code::SourceNotAllowed),
            ),
            (
                &[("ALLOWED_SOURCES", "0.0.0.0/0")],
                request(None, &["0.0.0.0/0"]),
                None,
            ),
            (&[], elsewhere(None), None),
            (
                &[("ALLOWED_SOURCES", "0.0.0.0/0,pl-63a5400a")],
                elsewhere(None),
                Some(Code::SourceNotAllowed),
            ),
            (
                &[("ALLOWED_SOURCES", "0.0.0.0/0,222222222222")],
                elsewhere(None),
                Some(Code::SourceNotAllowed),
            ),
            (
                &[("ALLOWED_SOURCES", "pl-63a5400a,222222222222")],
                elsewhere(None),
                None,
            ),
            // The group is of the VPC's own account.
            (
                &[("ALLOWED_SOURCES", "pl-63a5400a"), own, role],
                elsewhere(Some("222222222222")),
                None,
            ),
            (
                &[("ALLOWED_SOURCES", "all")],
                plain(),
                Some(Code::ConfigurationInvalid),
            ),
        ] {
            let refusal = config(variables).admits(&request).err();
            assert_eq!(refusal.map(|it| it.code), refused, "{variables:?}");
        }
    }

    #[test]
    fn with_a_group_only_its_members_call() {
        let groups = ["readers".to_owned(), "operators".to_owned()];
        assert_eq!(config(&[]).admits_caller(&[]), Ok(()));
        let grouped = config(&[("API_GROUP", "operators")]);
        assert_eq!(grouped.admits_caller(&groups), Ok(()));
        for others in [&groups[..1], &[]] {
            let error = grouped.admits_caller(others).unwrap_err();
            assert_eq!(error.code, Code::CallerNotInGroup);
        }
    }
}
