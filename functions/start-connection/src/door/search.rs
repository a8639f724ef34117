//! The search for what lost events did not tell.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use shared::ec2::VpcTags;
use shared::executions::Executions;
use shared::ids::{AccountId, ClusterId, VpcId};
use shared::ledger::{Connection, Ledger};
use shared::place::{Place, Places};
use shared::request::RequestedBy;
use shared::tour;
use shared::{StepError, StepErrorName};

use super::Tally;
use super::follow::Look;
use crate::Door;
use crate::cause::Search;
use crate::decide::{self, Occasion};
use crate::report::{Action, Report, Trouble};

/// How many connections of the ledger are asked for at once.
const PAGE: u32 = 100;

impl<P: Places<Ec2: VpcTags>, L: Ledger, X: Executions> Door<'_, P, L, X> {
    /// Looks at one of all places. What cannot be done there is part of the answer,
    /// so that the other places are searched all the same; what may pass is an error,
    /// because then this place is to be searched again first.
    pub(super) async fn search(&self, search: &Search) -> Result<Report, StepError> {
        let own = self.known.config.own_account()?;
        let listed = self.known.config.listed_accounts()?;
        let (own, always) = (own.as_ref(), search.always.as_str());
        let tour = tour::places(self.ledger, own, &[], always, &listed).await?;
        let mut tally = Tally::default();
        let cause = match tour.places.get(search.turn) {
            None => "every place has been searched".to_owned(),
            Some(place) => {
                let found = self.find(place, &mut tally).await;
                tally.keep(found);
                format!("lost events in {place} are searched for")
            }
        };
        if let Some(trouble) = &tally.trouble
            && trouble.name() == StepErrorName::Transient
        {
            return Err(trouble.clone());
        }
        // Last, because a check tells the first trouble only.
        if let Some(beyond) = tour.beyond
            && search.turn + 1 == tour.places.len()
        {
            tally.keep::<()>(Err(beyond));
        }
        let report = Report {
            places: Some(tour.places.len()),
            trouble: tally.trouble.as_ref().map(Trouble::from),
            ..Report::of(cause, tally.done)
        };
        tracing::info!("{}", serde_json::json!(report));
        Ok(report)
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
                let account = connection.account().or(own);
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
}
