//! Clients for what a process is told to reach.

use shared::StepError;
use shared::config::Config;

use crate::accounts::Accounts;
use crate::aws::Aws;
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
    fn cloud(&self, aws: &Aws) -> Result<HttpCloud<SecretsManager>, StepError>;
    /// EC2 and CloudWatch of every account and Region.
    fn accounts(&self, aws: &Aws) -> Accounts;
    fn ledger(&self, aws: &Aws) -> DynamoLedger;
    /// The runs of the machines.
    fn executions(&self, aws: &Aws) -> StepFunctions;
}

impl Clients for Config {
    fn cloud(&self, aws: &Aws) -> Result<HttpCloud<SecretsManager>, StepError> {
        let secrets = SecretsManager::new(&aws.sdk, self.secrets.clone());
        HttpCloud::new(&self.cloud_url, aws.tls.clone(), secrets)
    }

    fn accounts(&self, aws: &Aws) -> Accounts {
        Accounts::new(aws.sdk.clone(), self.others.clone())
    }

    fn ledger(&self, aws: &Aws) -> DynamoLedger {
        DynamoLedger::new(&aws.sdk, self.tables.clone())
    }

    fn executions(&self, aws: &Aws) -> StepFunctions {
        StepFunctions::new(&aws.sdk, self.machines.clone())
    }
}
