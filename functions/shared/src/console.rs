//! Links into the AWS console. Nothing but the ARN of an execution is needed: it tells
//! partition, Region, account, and by the name of its state machine the stack.
//!
//! The host is documented for the partition `aws` (AWS General Reference, "AWS Management
//! Console endpoints"); those of the others, and the paths, are what the console shows in
//! the address bar, and AWS promises them nowhere.

use crate::ids::AccountId;

/// The host of the console, by partition. `Mappings` of the template has the same.
pub const HOSTS: [(&str, &str); 3] = [
    ("aws", "console.aws.amazon.com"),
    ("aws-us-gov", "console.amazonaws-us-gov.com"),
    ("aws-cn", "console.amazonaws.cn"),
];

/// What stands after the stack's name in the names of its state machines.
const MACHINES: [&str; 4] = ["provision", "deprovision", "check-fleet", "sweep"];

/// An execution of a deployed stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deployed<'a> {
    arn: &'a str,
    host: &'static str,
    region: &'a str,
    account: &'a str,
    stack: &'a str,
}

impl<'a> Deployed<'a> {
    /// Reads the ARN of an execution,
    /// `arn:PARTITION:states:REGION:ACCOUNT:execution:STACK-MACHINE:NAME`. `None` for one
    /// that no stack has started, which no console shows.
    pub fn of(execution: &'a str) -> Option<Self> {
        let parts: Vec<&str> = execution.split(':').collect();
        let &[
            "arn",
            partition,
            "states",
            region,
            account,
            "execution",
            machine,
            _,
        ] = &parts[..]
        else {
            return None;
        };
        let (_, host) = HOSTS.into_iter().find(|(known, _)| *known == partition)?;
        let stack = MACHINES
            .into_iter()
            .find_map(|name| machine.strip_suffix(name)?.strip_suffix('-'))?;
        Some(Self {
            arn: execution,
            host,
            region,
            account,
            stack,
        })
    }

    /// The name of the stack.
    pub fn stack(&self) -> &'a str {
        self.stack
    }

    /// The account of the stack.
    pub fn account(&self) -> Option<AccountId> {
        self.account.parse().ok()
    }

    /// The execution, with the states that it has passed.
    pub fn execution_url(&self) -> String {
        self.url("states", &format!("/v2/executions/details/{}", self.arn))
    }

    /// The dashboard of the stack, which has the stack's name.
    pub fn dashboard_url(&self) -> String {
        self.url(
            "cloudwatch",
            &format!("dashboards/dashboard/{}", self.stack),
        )
    }

    fn url(&self, service: &str, place: &str) -> String {
        let Self { host, region, .. } = self;
        format!("https://{region}.{host}/{service}/home?region={region}#{place}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arn(partition: &str, region: &str, machine: &str) -> String {
        format!("arn:{partition}:states:{region}:111122223333:execution:{machine}:tag-1")
    }

    #[test]
    fn links_lead_to_the_console_of_partition_and_region() {
        for (partition, region, host) in [
            ("aws", "eu-west-1", "eu-west-1.console.aws.amazon.com"),
            (
                "aws-us-gov",
                "us-gov-west-1",
                "us-gov-west-1.console.amazonaws-us-gov.com",
            ),
            ("aws-cn", "cn-north-1", "cn-north-1.console.amazonaws.cn"),
        ] {
            let arn = arn(partition, region, "my-stack-provision");
            let deployed = Deployed::of(&arn).unwrap();
            assert_eq!(
                deployed.execution_url(),
                format!("https://{host}/states/home?region={region}#/v2/executions/details/{arn}")
            );
            assert_eq!(
                deployed.dashboard_url(),
                format!(
                    "https://{host}/cloudwatch/home?region={region}#dashboards/dashboard/my-stack"
                )
            );
            let account = deployed.account().map(|it| it.to_string());
            assert_eq!(account.as_deref(), Some("111122223333"));
        }
    }

    #[test]
    fn the_name_of_a_machine_tells_the_stack() {
        for machine in MACHINES {
            let arn = arn("aws", "eu-west-1", &format!("a-provision-b-{machine}"));
            let stack = Deployed::of(&arn).map(|it| it.stack());
            assert_eq!(stack, Some("a-provision-b"), "{machine}");
        }
    }

    #[test]
    fn what_no_stack_has_started_has_no_link() {
        for execution in [
            "arn",
            "",
            "arn:aws:states:eu-west-1:111122223333:stateMachine:my-stack-provision",
            &arn("aws", "local", "provision"),
            &arn("aws", "eu-west-1", "somebody-elses"),
            &arn("aws-iso", "us-iso-east-1", "my-stack-provision"),
        ] {
            assert_eq!(Deployed::of(execution), None, "{execution}");
        }
    }
}
