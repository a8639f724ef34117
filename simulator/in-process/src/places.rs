//! The same world as other accounts and Regions see it.

use shared::ids::AccountId;
use shared::place::{Place, Places};
use shared::{StepError, accounts};

use super::{InProcess, answered};
use simulator::Caller;
use simulator::sts::AssumeRole;

impl Places for InProcess {
    type Ec2 = InProcess;
    type Traffic = InProcess;

    async fn ec2(&self, place: &Place) -> Result<InProcess, StepError> {
        self.seen_from(place).await
    }

    async fn traffic(&self, place: &Place) -> Result<InProcess, StepError> {
        self.seen_from(place).await
    }
}

impl InProcess {
    /// The same world as a place sees it.
    async fn seen_from(&self, place: &Place) -> Result<InProcess, StepError> {
        let own = self.simulator.look(|world| world.ec2.caller().account);
        let account = match &place.account_id {
            Some(account) if account.as_str() != own => {
                self.assume_role(account).await?;
                account.to_string()
            }
            Some(_) | None => own,
        };
        Ok(self.seen_by(Caller {
            account,
            region: place.region.to_string(),
        }))
    }

    /// Assumes the role that the scenario has in another account, configured as
    /// the scenario has it.
    async fn assume_role(&self, account: &AccountId) -> Result<(), StepError> {
        let home = self.simulator.look(|world| world.ec2.caller());
        let role = self.simulator.look(|world| {
            let mut roles = world.roles.iter();
            roles.find(|role| role.account == account.as_str()).cloned()
        });
        let (name, external_id) = match role {
            Some(role) => (role.name, role.external_id),
            // The configuration is for all accounts, also those that have no role.
            None => (
                "crdb-privatelink".to_owned(),
                Some("a-handshake".to_owned()),
            ),
        };
        let request = AssumeRole {
            role_arn: format!("arn:aws:iam::{account}:role/{name}"),
            role_session_name: shared::accounts::SESSION_NAME.to_owned(),
            external_id,
            ..AssumeRole::default()
        };
        let assumed = self
            .called("sts:AssumeRole", |world| world.assume_role(&home, &request))
            .await;
        match answered("STS AssumeRole", assumed)? {
            Ok(_) => Ok(()),
            Err(error) => Err(accounts::errors::classify(
                &request.role_arn,
                &error.code,
                &error.message,
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::Code;
    use shared::ec2::Network;
    use simulator::scenario::RoleSpec;

    use super::*;
    use crate::stage::{Stage, at_once};

    const OTHER: &str = "444455556666";

    fn stage(roles: Vec<RoleSpec>) -> Stage {
        Stage::changed("fresh-vpc", |scenario| {
            scenario.vpcs[0].account = Some(OTHER.to_owned());
            scenario.roles = roles;
        })
    }

    fn sees(stage: &Stage, account: Option<&str>) -> Result<bool, StepError> {
        let place = Place {
            account_id: account.map(|account| account.parse().unwrap()),
            region: stage.request.region.clone(),
        };
        at_once(async {
            let ec2 = Places::ec2(&stage.ports, &place).await?;
            let vpc = ec2.vpc(&stage.request.vpc_id).await?;
            Ok(vpc.is_some())
        })
    }

    #[test]
    fn a_vpc_of_another_account_is_seen_from_there_only() {
        let role = RoleSpec {
            account: OTHER.to_owned(),
            name: "spoke".to_owned(),
            external_id: Some("secret-handshake".to_owned()),
        };
        let stage = stage(vec![role]);
        assert_eq!(sees(&stage, None), Ok(false));
        assert_eq!(sees(&stage, Some("111122223333")), Ok(false));
        assert_eq!(sees(&stage, Some(OTHER)), Ok(true));
        let calls = stage.ports.simulator().calls();
        let assumed = calls
            .iter()
            .filter(|call| call.operation == "sts:AssumeRole");
        assert_eq!(assumed.count(), 1);
    }

    #[test]
    fn an_account_without_a_role_that_trusts_us_is_out_of_reach() {
        let error = sees(&stage(Vec::new()), Some(OTHER)).unwrap_err();
        assert_eq!(error.code, Code::OtherAccountRoleRefused);
        assert!(error.detail.contains(OTHER), "{error}");
    }
}
