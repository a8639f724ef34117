//! Clients for what a process is told to reach.

use aws_config::SdkConfig;
use shared::StepError;
use shared::config::Config;

use crate::accounts::Accounts;
use crate::cloud::HttpCloud;
use crate::executions::StepFunctions;
use crate::ledger::DynamoLedger;
use crate::secrets::SecretsManager;

/// What is made of a configuration. `aws` has the credentials of the process.
pub trait Clients {
    /// The Cloud API, with the keys from Secrets Manager.
    ///
    /// # Errors
    /// See [`HttpCloud::new`].
    fn cloud(&self, aws: &SdkConfig) -> Result<HttpCloud<SecretsManager>, StepError>;
    /// EC2 and CloudWatch of every account and Region.
    fn accounts(&self, aws: &SdkConfig) -> Accounts;
    /// The ledger.
    fn ledger(&self, aws: &SdkConfig) -> DynamoLedger;
    /// The runs of the machines.
    fn executions(&self, aws: &SdkConfig) -> StepFunctions;
}

impl Clients for Config {
    fn cloud(&self, aws: &SdkConfig) -> Result<HttpCloud<SecretsManager>, StepError> {
        let secrets = SecretsManager::new(aws, self.secrets.clone());
        HttpCloud::new(&self.cloud_url, secrets)
    }

    fn accounts(&self, aws: &SdkConfig) -> Accounts {
        Accounts::new(aws.clone(), self.others.clone())
    }

    fn ledger(&self, aws: &SdkConfig) -> DynamoLedger {
        DynamoLedger::new(aws, self.tables.clone())
    }

    fn executions(&self, aws: &SdkConfig) -> StepFunctions {
        StepFunctions::new(aws, self.machines.clone())
    }
}
