//! The same for commands that look at every account and Region at once, and at the
//! ledger of a stack.

use adapters::Clients;
use shared::config::Config;
use shared::ids::{AccountId, Region};
use shared::{Code, StepError};

use super::{Chosen, World, private, surroundings, with_account};
use crate::arguments::{Place, Stack};
use crate::caller::Caller;
use crate::clock::StoryClock;
use crate::error::Error;

impl Chosen {
    /// Builds the ports; starts a world of our own. `machine` is the ARN of the
    /// machine `deprovision` of the stack.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`] if the stack of a real account is not named. Those of
    /// [`Chosen::open`].
    pub async fn open_everywhere(
        self,
        place: &Place,
        stack: &Stack,
        machine: Option<&str>,
    ) -> Result<World, Error> {
        let clock = StoryClock::new(self.speed(place));
        match self.simulated(place, &clock).await? {
            Some(simulated) => {
                let region = region(&simulated.region)?;
                simulated.open(region, clock).await
            }
            None => real(place, stack, machine, clock).await,
        }
    }
}

async fn real(
    place: &Place,
    stack: &Stack,
    machine: Option<&str>,
    clock: StoryClock,
) -> Result<World, Error> {
    let flags = |name: &'static str| {
        let told = match name {
            "API_KEY_SECRET" => place.secret.as_deref(),
            "CONNECTIONS_TABLE" => stack.connections_table.as_deref(),
            "LEASES_TABLE" => stack.leases_table.as_deref(),
            "DEPROVISION_MACHINE" => machine,
            _ => None,
        };
        told.map(str::to_owned)
    };
    let told = stack.region.as_deref().map(region).transpose()?;
    let told = told.as_ref().map(Region::as_str);
    let config = Config::from_env_unless(flags);
    let aws = surroundings(&config, place, told).await;
    let region = match aws.sdk.region() {
        Some(found) => region(found.as_ref())?,
        None => {
            let detail = "missing: give --region, the Region of the stack";
            return Err(StepError::new(Code::InvalidRequest, detail).into());
        }
    };
    // What is malformed is refused before anybody is asked.
    let cloud = config.cloud(&aws)?;
    let (config, caller) = with_account(&aws, flags).await?;
    is_own(stack, &caller)?;
    let about = format!(
        "The stack in {region} of account {}, as {}, with the ledger {}, and the Cloud API at {}, with the key in the secret {}.",
        caller.account,
        caller.arn,
        stack.connections_table.as_deref().unwrap_or_default(),
        config.cloud_url,
        config.secrets.default
    );
    Ok(World {
        ledger: config.ledger(&aws),
        machines: machine.map(|_| config.executions(&aws)),
        accounts: config.accounts(&aws),
        cloud,
        config,
        caller: Some(caller),
        services: private(&clock)?.into(),
        region,
        clock,
        about: vec![about],
        _server: None,
    })
}

/// Whether the account that is named is that of the credentials.
fn is_own(stack: &Stack, caller: &Caller) -> Result<(), StepError> {
    let Some(named) = &stack.own_account else {
        return Ok(());
    };
    if named.parse::<AccountId>().as_ref() == Ok(&caller.account) {
        return Ok(());
    }
    let detail = format!(
        "--own-account: `{named}` is not the account of your AWS credentials, which is {} ({})",
        caller.account, caller.arn
    );
    Err(StepError::new(Code::InvalidRequest, detail))
}

fn region(text: &str) -> Result<Region, Error> {
    let read = text.parse();
    Ok(read.map_err(|error| {
        StepError::new(Code::InvalidRequest, format!("region: `{text}`: {error}"))
    })?)
}

/// What a command that needs the ledger of a stack is not told.
///
/// # Errors
/// [`Code::InvalidRequest`], which names the flags that are missing.
pub fn nothing_is_missing(
    place: &Place,
    stack: &Stack,
    machine: Option<Option<&str>>,
) -> Result<(), StepError> {
    if !place.aws {
        return Ok(());
    }
    let flags = [
        ("--connections-table", stack.connections_table.is_some()),
        ("--leases-table", stack.leases_table.is_some()),
        ("--deprovision-machine", machine != Some(None)),
    ];
    let missing: Vec<&str> = flags
        .into_iter()
        .filter(|(_, is_there)| !is_there)
        .map(|(flag, _)| flag)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let detail = format!(
        "missing: give {} of the deployed stack; without its ledger everything would look like an orphan",
        missing.join(", ")
    );
    Err(StepError::new(Code::InvalidRequest, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_account_is_not_looked_at_without_the_ledger_of_its_stack() {
        let text = |text: &str| Some(text.to_owned());
        let here = Place::default();
        let real = Place {
            aws: true,
            ..Place::default()
        };
        let nothing = Stack::default();
        assert_eq!(nothing_is_missing(&here, &nothing, Some(None)), Ok(()));
        let error = nothing_is_missing(&real, &nothing, None).unwrap_err();
        assert_eq!(error.code, Code::InvalidRequest);
        let flags = "--connections-table, --leases-table of";
        assert!(error.detail.contains(flags), "{error}");
        let stack = Stack {
            connections_table: text("connections"),
            leases_table: text("leases"),
            own_account: None,
            region: None,
        };
        assert_eq!(nothing_is_missing(&real, &stack, None), Ok(()));
        let error = nothing_is_missing(&real, &stack, Some(None)).unwrap_err();
        assert!(error.detail.contains("give --deprovision-machine of"));
        assert_eq!(nothing_is_missing(&real, &stack, Some(Some("arn"))), Ok(()));
    }

    #[test]
    fn an_account_that_is_named_is_that_of_the_credentials() {
        let caller = Caller {
            account: "111122223333".parse().unwrap(),
            arn: "arn:aws:iam::111122223333:user/kim".to_owned(),
        };
        let own = |named: Option<&str>| {
            let own_account = named.map(str::to_owned);
            let stack = Stack {
                own_account,
                ..Stack::default()
            };
            is_own(&stack, &caller)
        };
        assert_eq!(own(None), Ok(()));
        assert_eq!(own(Some("1111-2222-3333")), Ok(()));
        for other in ["444455556666", "prod"] {
            let error = own(Some(other)).unwrap_err();
            assert!(error.detail.contains("user/kim"), "{error}");
        }
    }
}
