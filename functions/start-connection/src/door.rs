//! From an input to the runs that it starts.

use std::borrow::Borrow;
use std::collections::BTreeSet;

use serde_json::Value;
use shared::ec2::VpcTags;
use shared::executions::{Executions, Machine};
use shared::ids::{ClusterId, Region, VpcId};
use shared::ledger::Ledger;
use shared::ownership::connection_id;
use shared::place::{Place, Places};
use shared::request::{DeprovisionRequest, RequestedBy};
use shared::{Code, StepError};
use time::Duration;

use crate::Door;
use crate::cause::{Cause, Change, Ended, Target};
use crate::decide::{self, Occasion, Step};
use crate::report::{Action, Entry, Report};
use crate::tags::Refusal;

mod follow;
mod search;

use follow::Look;

/// How long a VPC that an event tells of may stay unseen before it counts as gone.
/// EC2 shows what it made within seconds; an event may come minutes late.
const UNSEEN_SECONDS: i64 = 120;

/// How long a function may go on whose run was stopped: it may take 30 seconds
/// (infra/template.yaml, `Timeout`), and clocks differ.
const OUTLIVES_SECONDS: i64 = 60;

/// What was done so far, and the first thing that could not be done. One VPC or
/// connection that makes trouble does not keep the others waiting.
#[derive(Default)]
struct Tally {
    done: Vec<Entry>,
    trouble: Option<StepError>,
}

impl Tally {
    fn keep<T>(&mut self, result: Result<T, StepError>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                tracing::warn!("{error}");
                self.trouble.get_or_insert(error);
                None
            }
        }
    }

    fn vpc(&mut self, vpc: &VpcId, action: Action) {
        self.done.push(Entry {
            vpc_id: Some(vpc.clone()),
            cluster_id: None,
            connection_id: None,
            action,
        });
    }

    fn connection(&mut self, id: &str, vpc: &VpcId, cluster: &ClusterId, action: Action) {
        self.done.push(Entry {
            vpc_id: Some(vpc.clone()),
            cluster_id: Some(cluster.clone()),
            connection_id: Some(id.to_owned()),
            action,
        });
    }
}

impl<P: Places<Ec2: VpcTags>, L: Ledger, X: Executions> Door<'_, P, L, X> {
    pub(crate) async fn answer(&self, input: &Value) -> Result<Report, StepError> {
        let mut tally = Tally::default();
        let cause = match Cause::read(input, self.known)? {
            Cause::Change(change) => {
                self.change(&change, &mut tally).await;
                "the tags of a VPC may have been changed".to_owned()
            }
            Cause::Ended(ended) => {
                let ending = self.ended(&ended, &mut tally).await;
                tally.keep(ending);
                format!("the execution {} is {}", ended.execution, ended.status)
            }
            Cause::Repair(ids) => {
                self.repair(&ids, &mut tally).await;
                "connections are to be repaired".to_owned()
            }
            Cause::Remove(requests) => {
                self.remove(&requests, &mut tally).await;
                "orphans are to be removed".to_owned()
            }
            Cause::Search(search) => return self.search(&search).await,
            Cause::Nothing(why) => why,
        };
        let report = Report::of(cause, tally.done);
        // Whoever sends an event does not read the answer; the log keeps it.
        tracing::info!("{}", serde_json::json!(report));
        tally.trouble.map_or(Ok(report), Err)
    }

    async fn change(&self, change: &Change, tally: &mut Tally) {
        let Some(ec2) = tally.keep(self.places.ec2(&change.place).await) else {
            return;
        };
        let ec2: &P::Ec2 = ec2.borrow();
        let occasion = Occasion::Change(change.at);
        for vpc in &change.vpcs {
            let Some(tags) = tally.keep(ec2.vpc_tags(vpc).await) else {
                continue;
            };
            let Some(tags) = tags else {
                let unseen = self.unseen(vpc, change);
                if tally.keep(unseen).is_some() {
                    tally.vpc(vpc, Action::left("the VPC is gone"));
                }
                continue;
            };
            let look = Look {
                place: &change.place,
                vpc,
                tags: &tags,
                clusters: BTreeSet::new(),
                occasion: &occasion,
            };
            self.follow(ec2, look, tally).await;
        }
    }

    /// Whether a VPC that EC2 does not show is gone, or too new to be shown.
    fn unseen(&self, vpc: &VpcId, change: &Change) -> Result<(), StepError> {
        let age = (self.now - change.at).whole_seconds();
        if change.must_exist && age < UNSEEN_SECONDS {
            let detail = format!("EC2 does not show {vpc} yet, {age} s after the event about it");
            return Err(StepError::new(Code::AwsResourceBusy, detail));
        }
        Ok(())
    }

    /// A run is over. Its lease goes back, the ledger learns of it if the run could
    /// not tell itself, and what changed in the meantime is followed now.
    async fn ended(&self, ended: &Ended, tally: &mut Tally) -> Result<(), StepError> {
        let Some(target) = self.target(ended).await? else {
            return Ok(());
        };
        let Target {
            cluster_id,
            region,
            vpc_id,
            ..
        } = &target;
        let run = ended.execution.as_str();
        let id = connection_id(region, vpc_id, cluster_id);
        let status = Some(ended.status.as_str());
        self.end_lease(region, vpc_id, run, status).await?;
        self.ledger.record_interruption(&id, run).await?;
        let connection = self.ledger.connection(&id).await?;

        let requested_by = connection
            .as_ref()
            .map_or(target.requested_by, |it| it.request.requested_by);
        if requested_by == RequestedBy::Call {
            if let Some(start) = connection.as_ref().and_then(decide::complete) {
                let action = self.start(&start).await?;
                tally.connection(&id, vpc_id, cluster_id, action);
                return Ok(());
            }
            // What a call took away may be what tags have asked for meanwhile.
            if ended.machine != Machine::Deprovision {
                return Ok(());
            }
        }
        let place = Place {
            account_id: match &target.account_id {
                Some(account) => Some(account.clone()),
                None => self.known.config.own_account()?,
            },
            region: region.clone(),
        };
        let ec2 = self.places.ec2(&place).await?;
        let ec2: &P::Ec2 = ec2.borrow();
        let Some(tags) = ec2.vpc_tags(vpc_id).await? else {
            tally.vpc(vpc_id, Action::left("the VPC is gone"));
            return Ok(());
        };
        let occasion = Occasion::End {
            machine: ended.machine,
            execution: ended.execution.clone(),
        };
        let look = Look {
            place: &place,
            vpc: vpc_id,
            tags: &tags,
            clusters: BTreeSet::from([cluster_id.clone()]),
            occasion: &occasion,
        };
        self.follow(ec2, look, tally).await;
        Ok(())
    }

    /// Gives the lease of a run back that is over. One that did not come to its own end
    /// keeps it for a while: the function that was at work is not told (Step Functions
    /// API reference, `StopExecution`), and nobody else may change the VPC meanwhile.
    async fn end_lease(
        &self,
        region: &Region,
        vpc_id: &VpcId,
        run: &str,
        status: Option<&str>,
    ) -> Result<(), StepError> {
        match status {
            Some("SUCCEEDED" | "FAILED") => self.ledger.release_lease(region, vpc_id, run).await,
            Some(_) | None => {
                let until = self.now + Duration::seconds(OUTLIVES_SECONDS);
                self.ledger.shorten_lease(region, vpc_id, run, until).await
            }
        }
    }

    /// The connection that a run was for; `None` if its input was no request, so
    /// that it cannot have done anything.
    async fn target(&self, ended: &Ended) -> Result<Option<Target>, StepError> {
        let input = match &ended.input {
            Some(input) => Some(input.clone()),
            None => {
                let run = self.executions.standing(ended.machine, &ended.execution);
                run.await?.map(|run| run.input)
            }
        };
        Ok(input.and_then(|input| serde_json::from_value(input).ok()))
    }

    async fn remove(&self, requests: &[DeprovisionRequest], tally: &mut Tally) {
        for request in requests {
            let action = self.start(&decide::remove(request, self.now)).await;
            if let Some(action) = tally.keep(action) {
                let id = request.subject().connection_id;
                tally.connection(&id, &request.vpc_id, &request.cluster_id, action);
            }
        }
    }

    async fn repair(&self, ids: &[String], tally: &mut Tally) {
        for id in ids {
            let Some(connection) = tally.keep(self.connection(id).await) else {
                continue;
            };
            let Some(connection) = connection else {
                tally.done.push(Entry {
                    vpc_id: None,
                    cluster_id: None,
                    connection_id: Some(id.clone()),
                    action: Action::left("the ledger does not know it"),
                });
                continue;
            };
            let step = match self.known.config.admits(&connection.request) {
                Ok(()) => decide::repair(&connection, self.now),
                Err(error) if error.code == Code::ConfigurationInvalid => {
                    tally.keep::<()>(Err(error));
                    continue;
                }
                Err(error) => Step::Refuse(Refusal::new(error.code, error.detail)),
            };
            let action = match step {
                Step::Start(start) => self.start(&start).await,
                Step::Leave(why) => Ok(Action::left(why)),
                Step::Refuse(refusal) => Ok(Action::refused(refusal.code, &refusal.detail)),
            };
            if let Some(action) = tally.keep(action) {
                tally.connection(id, &connection.vpc_id, &connection.cluster_id, action);
            }
        }
    }
}
