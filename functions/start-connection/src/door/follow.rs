//! One look at a VPC's tags, and what follows from it.

use std::collections::BTreeSet;

use shared::StepError;
use shared::ec2::VpcTags;
use shared::executions::{self, Executions};
use shared::ids::{ClusterId, VpcId};
use shared::ledger::{Connection, Ledger, Phase};
use shared::ownership::{Tags, connection_id};
use shared::place::{Place, Places};
use shared::request::ProvisionRequest;

use super::Tally;
use crate::Door;
use crate::cause::is_over;
use crate::decide::{self, Occasion, Start, Step};
use crate::report::{Action, word};
use crate::tags::{Refusal, StatusTag, status_tag};
use crate::wish::{Wanted, Wish};

/// One look at the tags of a VPC.
pub(super) struct Look<'a> {
    pub(super) place: &'a Place,
    pub(super) vpc: &'a VpcId,
    pub(super) tags: &'a Tags,
    /// Clusters to decide about, besides those that the tags name.
    pub(super) clusters: BTreeSet<ClusterId>,
    pub(super) occasion: &'a Occasion,
}

impl<P: Places<Ec2: VpcTags>, L: Ledger, X: Executions> Door<'_, P, L, X> {
    /// Does what the tags of one VPC ask for, and tells there what cannot be done.
    pub(super) async fn follow(&self, ec2: &P::Ec2, look: Look<'_>, tally: &mut Tally) {
        let known = self.known;
        let admits = |request: &ProvisionRequest| known.config.admits(request);
        let wish = Wish::read(&known.keys, look.tags, look.place, look.vpc, admits);
        let Some(wish) = tally.keep(wish) else {
            return;
        };
        let mut refusals = wish.refusals.clone();
        let mut clusters = look.clusters.clone();
        clusters.extend(wish.clusters().cloned());
        clusters.extend(known.keys.clusters_with_status(look.tags));
        for cluster in &clusters {
            let id = connection_id(&look.place.region, look.vpc, cluster);
            let wanted = wish.about(cluster);
            let Some(connection) = tally.keep(self.connection(&id).await) else {
                continue;
            };
            if connection.is_none() && wanted == Wanted::Disconnected {
                let forgotten = self.forget(ec2, &look, cluster).await;
                tally.keep(forgotten);
            }
            if wanted == Wanted::Disconnected && self.was_refused(&look, cluster) {
                let why = "its removal was refused, and nobody has touched the tags since";
                tally.connection(&id, look.vpc, cluster, Action::left(why));
                continue;
            }
            let step = decide::decide(&id, wanted, connection.as_ref(), look.occasion);
            let action = match step {
                Step::Start(start) => self.start(&start).await,
                Step::Leave(why) => Ok(Action::left(why)),
                Step::Refuse(refusal) => {
                    refusals.push(refusal);
                    continue;
                }
            };
            if let Some(action) = tally.keep(action) {
                tally.connection(&id, look.vpc, cluster, action);
            }
        }
        for refusal in &refusals {
            tally.vpc(look.vpc, Action::refused(refusal.code, &refusal.detail));
        }
        let told = self.tell(ec2, look.vpc, look.tags, &refusals).await;
        tally.keep(told);
    }

    /// Writes to the VPC what is refused, and removes what was refused before.
    async fn tell(
        &self,
        ec2: &P::Ec2,
        vpc: &VpcId,
        tags: &Tags,
        refusals: &[Refusal],
    ) -> Result<(), StepError> {
        let key = self.known.keys.status();
        match status_tag(tags.get(&key).map(String::as_str), refusals, self.now) {
            StatusTag::Keep => Ok(()),
            StatusTag::Write(value) => ec2.tag_vpc(vpc, &Tags::from([(key, value)])).await,
            StatusTag::Remove => ec2.untag_vpc(vpc, &[key]).await,
        }
    }

    /// Removes what the status tag says of a run that left nothing, and that never
    /// came as far as the ledger. Any other status is left: it may be all that is
    /// known of a connection.
    async fn forget(
        &self,
        ec2: &P::Ec2,
        look: &Look<'_>,
        cluster: &ClusterId,
    ) -> Result<(), StepError> {
        let key = self.known.keys.status_of(cluster);
        let phase = look
            .tags
            .get(&key)
            .and_then(|value| value.split(' ').next());
        if phase == Some(Phase::RolledBack.as_str()) {
            ec2.untag_vpc(look.vpc, &[key]).await?;
        }
        Ok(())
    }

    /// Whether a search meets a connection whose removal was refused. A refusal
    /// leaves the ledger as it was, so without this each search would begin again
    /// and announce it again.
    fn was_refused(&self, look: &Look<'_>, cluster: &ClusterId) -> bool {
        let key = self.known.keys.status_of(cluster);
        let said = look.tags.get(&key).and_then(|it| it.split(' ').next());
        matches!(look.occasion, Occasion::Search(_))
            && said == Some(Phase::DisconnectRefused.as_str())
    }

    /// A connection as it stands: a run that is over counts as over, even if nobody
    /// told the ledger.
    pub(super) async fn connection(&self, id: &str) -> Result<Option<Connection>, StepError> {
        match self.ledger.connection(id).await? {
            Some(connection) => self.settled(connection).await,
            None => Ok(None),
        }
    }

    pub(super) async fn settled(
        &self,
        connection: Connection,
    ) -> Result<Option<Connection>, StepError> {
        if connection.phase.is_over() {
            return Ok(Some(connection));
        }
        let (machine, run) = (decide::last_goal(&connection), &connection.execution);
        let standing = self.executions.standing(machine, run).await?;
        let status = standing.as_ref().map(|run| run.status.as_str());
        if status.is_some_and(|status| !is_over(status)) {
            return Ok(Some(connection));
        }
        let Connection {
            connection_id,
            region,
            vpc_id,
            ..
        } = &connection;
        self.end_lease(region, vpc_id, run, status).await?;
        self.ledger.record_interruption(connection_id, run).await?;
        self.ledger.connection(connection_id).await
    }

    /// Starts a run under the first name that is free. Where all are taken, a run
    /// for the same cause was there before.
    pub(super) async fn start(&self, start: &Start) -> Result<Action, StepError> {
        let machine = word(start.machine);
        let mut last = String::new();
        for name in &start.names {
            match self
                .executions
                .start(start.machine, name, &start.input)
                .await?
            {
                executions::Start::Running { execution } => {
                    return Ok(Action::Started {
                        machine,
                        name: name.clone(),
                        execution,
                    });
                }
                executions::Start::NameTaken => last.clone_from(name),
            }
        }
        Ok(Action::AlreadyStarted {
            machine,
            name: last,
        })
    }
}
