//! EC2 and CloudWatch wherever a VPC is: in the function's own account with its own
//! credentials, in any other by a role there.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
#[cfg(doc)]
use shared::Code;
use shared::StepError;
use shared::accounts::{OtherAccounts, SESSION_NAME, session};
use shared::ids::AccountId;
use shared::place::{Place, Places};

use crate::cloudwatch::CloudWatch;
use crate::ec2::AwsEc2;
use crate::sts::Role;

/// The limit of one request to STS, and of all attempts together: below the limit
/// of one attempt of whoever needs the credentials, so that the error names STS.
pub(crate) const STS_ATTEMPT: Duration = Duration::from_secs(3);
pub(crate) const STS_OPERATION: Duration = Duration::from_secs(7);

/// So many places are known at once.
const MOST_KNOWN: usize = 64;

/// EC2 and CloudWatch of every account and Region that this process is asked about.
#[derive(Debug)]
pub struct Accounts {
    base: SdkConfig,
    others: OtherAccounts,
    /// What a session in another account may do at most; `None` for all that the role
    /// there allows.
    policy: Option<String>,
    /// A client keeps its connections and credentials, so each is made once.
    known: Mutex<BTreeMap<Place, AwsEc2>>,
}

impl Accounts {
    /// `base` has the credentials and the Region of the process. Nothing is sent
    /// before EC2 is asked something.
    pub fn new(base: SdkConfig, others: OtherAccounts) -> Self {
        Self {
            base,
            others,
            policy: None,
            known: Mutex::default(),
        }
    }

    /// The same, for a function that does in other accounts what it does itself and
    /// nothing else that the role there allows.
    #[must_use]
    pub fn limited_to(mut self, function: &str) -> Self {
        self.policy = Some(session::policy(function).to_string());
        self
    }

    /// EC2 of a place.
    ///
    /// # Errors
    /// [`Code::AccountNotConfigured`] for another account without a role to assume,
    /// [`Code::AccountNotAllowed`] for one that is not listed,
    /// [`Code::ConfigurationInvalid`] if a setting is malformed. Whether the role may
    /// be assumed shows at the first call.
    pub async fn ec2(&self, place: &Place) -> Result<AwsEc2, StepError> {
        if let Some(ec2) = self.known().get(place) {
            return Ok(ec2.clone());
        }
        let ec2 = AwsEc2::of(&self.aws(place).await?, self.acting(place)?);
        let mut known = self.known();
        // Callers name places, so there is no end to them.
        if known.len() >= MOST_KNOWN {
            known.clear();
        }
        known.insert(place.clone(), ec2.clone());
        Ok(ec2)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, BTreeMap<Place, AwsEc2>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The account that acts in a place; `None` if nobody has told it.
    fn acting(&self, place: &Place) -> Result<Option<AccountId>, StepError> {
        match self.others.role_for(place)? {
            Some((account, _)) => Ok(Some(account.clone())),
            None => self.others.own.parsed(),
        }
    }

    /// The configuration of the SDK for a place.
    async fn aws(&self, place: &Place) -> Result<SdkConfig, StepError> {
        let region = Region::new(place.region.as_str().to_owned());
        let config = self.base.clone().into_builder().region(region.clone());
        Ok(match self.others.role_for(place)? {
            Some((account, role)) => {
                let role = self.role_in(account, role, region).await;
                config.credentials_provider(role).build()
            }
            None => config.build(),
        })
    }

    /// The credentials of the role in that account, which are fetched when they
    /// are needed and renewed before they expire. STS is asked in the Region of the
    /// process; without one, as on a person's machine, in that of the VPC.
    async fn role_in(
        &self,
        account: &AccountId,
        role: &str,
        region: Region,
    ) -> SharedCredentialsProvider {
        let limits = TimeoutConfig::builder()
            .operation_attempt_timeout(STS_ATTEMPT)
            .operation_timeout(STS_OPERATION)
            .build();
        let asking = self.base.clone().into_builder().timeout_config(limits);
        let asking = asking.region(self.base.region().cloned().unwrap_or(region));
        let arn = format!("arn:aws:iam::{account}:role/{role}");
        let mut provider = AssumeRoleProvider::builder(&arn)
            .session_name(SESSION_NAME)
            .configure(&asking.build());
        if let Some(external_id) = self.others.external_id.value() {
            provider = provider.external_id(external_id);
        }
        if let Some(policy) = &self.policy {
            provider = provider.policy(policy);
        }
        let provider = provider.build().await;
        SharedCredentialsProvider::new(Role { arn, provider })
    }
}

impl Places for Accounts {
    type Ec2 = AwsEc2;
    type Traffic = CloudWatch;

    async fn ec2(&self, place: &Place) -> Result<AwsEc2, StepError> {
        self.ec2(place).await
    }

    async fn traffic(&self, place: &Place) -> Result<CloudWatch, StepError> {
        Ok(CloudWatch::new(&self.aws(place).await?))
    }
}
