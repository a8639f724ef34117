//! From an input to the runs that it starts.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use shared::ec2::VpcTags;
use shared::executions::{self, Executions, Machine};
use shared::ids::{AccountId, ClusterId, VpcId};
use shared::ledger::{Connection, Ledger, Phase};
use shared::ownership::{Tags, connection_id};
use shared::place::{Place, Places};
use shared::request::RequestedBy;
use shared::{Code, StepError};

use crate::Door;
use crate::cause::{Cause, Change, Ended, Target, is_over};
use crate::decide::{self, Occasion, Start, Step};
use crate::report::{Action, Entry, Report, word};
use crate::tags::{Refusal, StatusTag, status_tag};
use crate::wish::{Wanted, Wish};

/// How long a VPC that an event tells of may stay unseen before it counts as gone.
/// EC2 shows what it made within seconds; an event may come minutes late.
const UNSEEN_SECONDS: i64 = 120;

/// How many connections of the ledger are asked for at once.
const PAGE: u32 = 100;

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

/// One look at the tags of a VPC.
struct Look<'a> {
    place: &'a Place,
    vpc: &'a VpcId,
    tags: &'a Tags,
    /// Clusters to decide about, besides those that the tags name.
    clusters: BTreeSet<ClusterId>,
    occasion: &'a Occasion,
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
                format!("the run {} is {}", ended.execution, ended.status)
            }
            Cause::Repair(ids) => {
                self.repair(&ids, &mut tally).await;
                "connections are to be repaired".to_owned()
            }
            Cause::Find(place) => {
                let found = self.find(&place, &mut tally).await;
                tally.keep(found);
                format!("lost events in {} are searched for", place.region)
            }
            Cause::Nothing(why) => why,
        };
        let report = Report {
            cause,
            done: tally.done,
        };
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
        self.ledger.release_lease(region, vpc_id, run).await?;
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
            let action = match decide::repair(&connection, self.now) {
                Step::Start(start) => self.start(&start).await,
                Step::Leave(why) => Ok(Action::left(why)),
                Step::Refuse(refusal) => Ok(Action::refused(refusal.code, &refusal.detail)),
            };
            if let Some(action) = tally.keep(action) {
                tally.connection(id, &connection.vpc_id, &connection.cluster_id, action);
            }
        }
    }

    /// Looks at every VPC of a place that has, or had, something to do with us.
    async fn find(&self, place: &Place, tally: &mut Tally) -> Result<(), StepError> {
        let own = self.known.config.own_account()?;
        let place = &Place {
            account_id: place.account_id.clone().or_else(|| own.clone()),
            region: place.region.clone(),
        };
        let ec2 = self.places.ec2(place).await?;
        let ec2: &P::Ec2 = ec2.borrow();
        let occasion = Occasion::Search(self.now);
        let tagged = ec2.tagged_vpcs(&self.known.keys.pattern()).await?;
        let mut recorded = self.recorded(place, own.as_ref(), tally).await?;
        for (vpc, tags) in tagged {
            let look = Look {
                place,
                vpc: &vpc,
                tags: &tags,
                clusters: recorded.remove(&vpc).unwrap_or_default(),
                occasion: &occasion,
            };
            self.follow(ec2, look, tally).await;
        }
        // All tags of these are gone, and perhaps the VPC.
        for (vpc, clusters) in recorded {
            let Some(tags) = tally.keep(ec2.vpc_tags(&vpc).await) else {
                continue;
            };
            let Some(tags) = tags else {
                let why = "the VPC is gone; the check of its connections says so";
                tally.vpc(&vpc, Action::left(why));
                continue;
            };
            let look = Look {
                place,
                vpc: &vpc,
                tags: &tags,
                clusters,
                occasion: &occasion,
            };
            self.follow(ec2, look, tally).await;
        }
        Ok(())
    }

    /// The connections of a place that tags asked for, by VPC. Those that a call
    /// asked for are completed on the way if they were interrupted.
    async fn recorded(
        &self,
        place: &Place,
        own: Option<&AccountId>,
        tally: &mut Tally,
    ) -> Result<BTreeMap<VpcId, BTreeSet<ClusterId>>, StepError> {
        let mut by_tag: BTreeMap<VpcId, BTreeSet<ClusterId>> = BTreeMap::new();
        let mut after = None;
        loop {
            let page = self.ledger.connections(after.as_deref(), PAGE).await?;
            for connection in page.connections {
                let account = connection.account_id.as_ref();
                let account = account.or(connection.request.account_id.as_ref()).or(own);
                if connection.region != place.region || account != place.account_id.as_ref() {
                    continue;
                }
                if connection.request.requested_by == RequestedBy::VpcTag {
                    let clusters = by_tag.entry(connection.vpc_id).or_default();
                    clusters.insert(connection.cluster_id);
                } else {
                    let completed = self.complete_call(connection, tally).await;
                    tally.keep(completed);
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(by_tag);
            }
        }
    }

    async fn complete_call(
        &self,
        connection: Connection,
        tally: &mut Tally,
    ) -> Result<(), StepError> {
        let settled = self.settled(connection).await?;
        if let Some((connection, start)) =
            settled.and_then(|it| decide::complete(&it).map(|start| (it, start)))
        {
            let action = self.start(&start).await?;
            let Connection {
                connection_id,
                vpc_id,
                cluster_id,
                ..
            } = &connection;
            tally.connection(connection_id, vpc_id, cluster_id, action);
        }
        Ok(())
    }

    /// Does what the tags of one VPC ask for, and tells there what cannot be done.
    async fn follow(&self, ec2: &P::Ec2, look: Look<'_>, tally: &mut Tally) {
        let known = self.known;
        let allows = |cluster: &ClusterId| known.config.allows(cluster);
        let wish = Wish::read(&known.keys, look.tags, look.place, look.vpc, allows);
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

    /// A connection as it stands: a run that is over counts as over, even if nobody
    /// told the ledger.
    async fn connection(&self, id: &str) -> Result<Option<Connection>, StepError> {
        match self.ledger.connection(id).await? {
            Some(connection) => self.settled(connection).await,
            None => Ok(None),
        }
    }

    async fn settled(&self, connection: Connection) -> Result<Option<Connection>, StepError> {
        if connection.phase.is_over() {
            return Ok(Some(connection));
        }
        let (machine, run) = (decide::last_goal(&connection), &connection.execution);
        let standing = self.executions.standing(machine, run).await?;
        if standing.is_some_and(|run| !is_over(&run.status)) {
            return Ok(Some(connection));
        }
        let Connection {
            connection_id,
            region,
            vpc_id,
            ..
        } = &connection;
        self.ledger.release_lease(region, vpc_id, run).await?;
        self.ledger.record_interruption(connection_id, run).await?;
        self.ledger.connection(connection_id).await
    }

    /// Starts a run under the first name that is free. Where all are taken, a run
    /// for the same cause was there before.
    async fn start(&self, start: &Start) -> Result<Action, StepError> {
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
