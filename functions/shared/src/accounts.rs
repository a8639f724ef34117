//! EC2 wherever a VPC is: in the function's own account with its own
//! credentials, in any other by a role there.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;

use crate::config::Setting;
use crate::ec2::AwsEc2;
use crate::ids::AccountId;
use crate::place::{Place, Places};
use crate::sts::Role;
use crate::{Code, StepError};

/// The name of our sessions in other accounts, as their CloudTrail shows it.
pub const SESSION_NAME: &str = "crdb-privatelink";

/// The limit of one request to STS, and of all attempts together: below the limit
/// of one attempt of whoever needs the credentials, so that the error names STS.
const STS_ATTEMPT: Duration = Duration::from_secs(3);
const STS_OPERATION: Duration = Duration::from_secs(7);

/// How other accounts are reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherAccounts {
    /// The account of the process. Unset on a person's machine, where the
    /// credentials that are there are those of the account that is meant.
    pub own: Setting,
    /// The name of the role, the same in every account, with its path if it has one.
    pub role: Setting,
    /// The external id that the role asks for, if any.
    pub external_id: Setting,
}

/// EC2 of every account and Region that this process is asked about.
#[derive(Debug)]
pub struct Accounts {
    base: SdkConfig,
    others: OtherAccounts,
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
            known: Mutex::default(),
        }
    }

    /// EC2 of a place.
    ///
    /// # Errors
    /// [`Code::AccountNotConfigured`] for another account without a role to
    /// assume, [`Code::ConfigurationInvalid`] if the own account is malformed.
    /// Whether the role may be assumed shows at the first call.
    pub async fn ec2(&self, place: &Place) -> Result<AwsEc2, StepError> {
        if let Some(ec2) = self.known().get(place) {
            return Ok(ec2.clone());
        }
        let ec2 = AwsEc2::new(&self.aws(place).await?);
        self.known().insert(place.clone(), ec2.clone());
        Ok(ec2)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, BTreeMap<Place, AwsEc2>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The configuration of the SDK for a place, for services that are no [`Places`]
    /// of ours.
    ///
    /// # Errors
    /// Those of [`Accounts::ec2`].
    pub async fn aws(&self, place: &Place) -> Result<SdkConfig, StepError> {
        let region = Region::new(place.region.as_str().to_owned());
        let config = self.base.clone().into_builder().region(region.clone());
        Ok(match self.other(place)? {
            Some(account) => {
                let role = self.role_in(account, region).await?;
                config.credentials_provider(role).build()
            }
            None => config.build(),
        })
    }

    /// The account of a place, if it is not our own.
    fn other<'p>(&self, place: &'p Place) -> Result<Option<&'p AccountId>, StepError> {
        let own: Option<AccountId> = self.others.own.parsed()?;
        let account = place.account_id.as_ref();
        Ok(account.filter(|account| own.is_some_and(|own| own != **account)))
    }

    /// The credentials of the role in that account, which are fetched when they
    /// are needed and renewed before they expire. STS is asked in the Region of the
    /// process; without one, as on a person's machine, in that of the VPC.
    async fn role_in(
        &self,
        account: &AccountId,
        region: Region,
    ) -> Result<SharedCredentialsProvider, StepError> {
        let role = self.others.role.value().ok_or_else(|| {
            let detail = format!("account {account}: no role is configured to reach it");
            StepError::new(Code::AccountNotConfigured, detail)
        })?;
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
        let provider = provider.build().await;
        Ok(SharedCredentialsProvider::new(Role { arn, provider }))
    }
}

impl Places for Accounts {
    type Ec2 = AwsEc2;

    async fn ec2(&self, place: &Place) -> Result<impl Borrow<AwsEc2>, StepError> {
        self.ec2(place).await
    }
}
