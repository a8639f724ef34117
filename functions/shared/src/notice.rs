//! What is announced on the bus when a connection came to be, failed, went, or
//! changed its health.
//!
//! `report-outcome`, `check-fleet` and `find-orphans` make it, the definitions put it on
//! the bus as it is, and the JSON Schema is in `docs/`. Every field is always there; `null`
//! says that there is nothing to say. The same event may come twice.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::console::Deployed;
use crate::ids::{AccountId, ClusterId, Region, VpcId};
use crate::ledger::{HealthStatus, Phase};
use crate::subject::Subject;
use crate::{Code, bounds};

/// The `source` of all our events.
pub const SOURCE: &str = "crdb-privatelink";

/// The `detail-type` of all our events.
pub const DETAIL_TYPES: [&str; 6] = [
    "Connection Ready",
    "Connection Failed",
    "Connection Removed",
    "Connection Drifted",
    "Connection Recovered",
    "Connection Orphaned",
];

/// Most bytes of the name of a cluster. The Cloud API has names of 6 to 20 characters
/// (its OpenAPI document, `CreateClusterRequest`).
const NAME: usize = 100;

/// The `detail` of an event of source `crdb-privatelink`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// The version of this form, 1. Fields may be added to a version.
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// The connection.
    pub connection_id: String,
    /// The account of the VPC, as far as known.
    pub account_id: Option<AccountId>,
    /// The Region of the VPC.
    pub region: Region,
    /// The VPC.
    pub vpc_id: VpcId,
    /// The cluster.
    pub cluster_id: ClusterId,
    /// The name of the cluster, as far as known.
    pub cluster_name: Option<String>,
    /// How far the connection has come, where an execution has ended.
    pub phase: Option<Phase>,
    /// How it is, where a check has seen a change.
    pub health: Option<HealthStatus>,
    /// The code of what is not as it should be.
    pub code: Option<String>,
    /// What happened and what to do, for people.
    pub sentence: String,
    /// What is the case in general, from the catalogue.
    pub cause: Option<String>,
    /// What the reader can do, from the catalogue.
    pub fix: Option<String>,
    /// The ARN of the execution that says so.
    pub execution: String,
    /// Where to read on.
    pub links: Links,
}

/// Where to read on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Links {
    /// The execution in the console of Step Functions.
    pub execution: Option<String>,
    /// The dashboard of the stack.
    pub dashboard: Option<String>,
    /// The entry of the run book: a page of the folder `docs` of this project, with the
    /// anchor of its heading.
    pub run_book: String,
}

/// The cluster as a sentence has it: by name, if that is known, and id.
pub fn cluster(id: &ClusterId, name: Option<&str>) -> String {
    match name {
        Some(name) => format!("{} ({id})", bounds::text(name, NAME)),
        None => id.to_string(),
    }
}

impl Notice {
    /// What an execution says of a connection. Phase, health and code are still to be
    /// told; `run_book` is the entry that explains it, unless a code does.
    pub fn about(
        connection: Subject,
        cluster_name: Option<&str>,
        sentence: String,
        run_book: String,
        execution: &str,
    ) -> Self {
        let deployed = Deployed::of(execution);
        let own_account = || deployed.as_ref().and_then(Deployed::account);
        Self {
            version: 1,
            connection_id: connection.connection_id,
            account_id: connection.account_id.or_else(own_account),
            region: connection.region,
            vpc_id: connection.vpc_id,
            cluster_id: connection.cluster_id,
            cluster_name: cluster_name.map(|name| bounds::text(name, NAME)),
            phase: None,
            health: None,
            code: None,
            sentence,
            cause: None,
            fix: None,
            execution: execution.to_owned(),
            links: Links {
                execution: deployed.as_ref().map(Deployed::execution_url),
                dashboard: deployed.as_ref().map(Deployed::dashboard_url),
                run_book,
            },
        }
    }

    /// The same, explained by a code of the catalogue.
    pub fn explained(mut self, code: Code) -> Self {
        self.code = Some(code.to_string());
        self.cause = Some(code.cause().to_owned());
        self.fix = Some(code.fix().to_owned());
        self.links.run_book = code.place();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Place;
    use crate::runbook::Entry;

    fn about(account: Option<&str>, execution: &str) -> Notice {
        let place = Place {
            account_id: account.map(|it| it.parse().unwrap()),
            region: "eu-west-1".parse().unwrap(),
        };
        let vpc = "vpc-0a1b2c3d4e5f60718".parse().unwrap();
        let cluster = "1a2b3c4d-0000-4000-8000-000000000001".parse().unwrap();
        let entry = Entry::of_phase(Phase::RolledBack);
        Notice::about(
            Subject::of(place, vpc, cluster),
            Some("orders"),
            "It failed.".to_owned(),
            entry.place(),
            execution,
        )
    }

    const RUN: &str = "arn:aws:states:eu-central-1:111122223333:execution:net-provision:one";

    #[test]
    fn a_notice_leads_to_its_execution_the_dashboard_and_the_run_book() {
        let notice = about(None, RUN);
        let Links {
            execution,
            dashboard,
            run_book,
        } = &notice.links;
        // Where the stack is, not where the VPC is.
        let console = "https://eu-central-1.console.aws.amazon.com/";
        for (link, end) in [(execution, RUN), (dashboard, "/net")] {
            let link = link.as_deref().unwrap();
            assert!(link.starts_with(console) && link.ends_with(end), "{link}");
        }
        assert_eq!(run_book, "run-book.md#phase-rolled-back");
        let explained = notice.explained(Code::EndpointRejected);
        assert_eq!(
            explained.links.run_book,
            "errors.md#endpoint-rejected-rejected"
        );
        assert_eq!(explained.fix.as_deref(), Some(Code::EndpointRejected.fix()));
    }

    /// A VPC without an account is one of the stack's own.
    #[test]
    fn the_account_is_named_although_nobody_asked_for_it() {
        let account = |asked, execution| {
            let account = about(asked, execution).account_id;
            account.map(|it| it.to_string())
        };
        assert_eq!(account(None, RUN).as_deref(), Some("111122223333"));
        let other = Some("444455556666");
        assert_eq!(account(other, RUN).as_deref(), other);
        assert_eq!(account(None, "arn"), None);
    }

    #[test]
    fn a_name_is_bounded() {
        let subject = || {
            let Notice {
                region,
                vpc_id,
                cluster_id,
                ..
            } = about(None, RUN);
            let place = Place {
                account_id: None,
                region,
            };
            Subject::of(place, vpc_id, cluster_id)
        };
        let long = "\"".repeat(1000);
        let notice = Notice::about(subject(), Some(&long), String::new(), String::new(), RUN);
        let name = serde_json::to_string(&notice.cluster_name).unwrap();
        assert!(name.len() <= NAME + 2, "{name}");
    }
}
