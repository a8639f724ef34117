//! One finding, and how it is told.

use serde::{Deserialize, Serialize};
use shared::Code;
use shared::ids::{ClusterId, VpcId};
use shared::notice::Notice;
use shared::place::Place;
use shared::request::DeprovisionRequest;
use shared::subject::Subject;

/// What kind of thing was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Something carries our tags, and the ledger has no such connection.
    Unrecorded,
    /// Something carries our tags, and the ledger says that nothing is left of the connection.
    LeftOver,
    /// Our tags are on something in a VPC that they are not for.
    TagsCopied,
    /// The ledger has a connection, and nothing of it is there.
    EntryOnly,
    /// A cluster lists an endpoint that is gone.
    RegistrationStale,
    /// An endpoint of a connection is not registered any more.
    RegistrationGone,
    /// A connection that works has another endpoint, which nobody uses.
    MadeTwice,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// What kind of thing.
    pub kind: Kind,
    /// The code; what it means stands in the catalogue.
    pub code: String,
    /// The connection, if it is about one.
    pub connection_id: Option<String>,
    /// The account and the Region.
    pub place: Place,
    /// The VPC, if it is about one.
    pub vpc_id: Option<VpcId>,
    pub cluster_id: ClusterId,
    /// What it consists of, by id: endpoints and security groups.
    pub things: Vec<String>,
    /// The age of the youngest part that is known, in hours.
    pub age_hours: Option<u32>,
    /// What was found, for people.
    pub sentence: String,
    /// Why a sweep does not remove it, if it does not.
    pub kept: Option<String>,
    /// What the reader can do.
    pub fix: String,
    /// The request that removes it, if a sweep may.
    pub removal: Option<DeprovisionRequest>,
}

impl Finding {
    /// What tells it from all others of its place, and orders them.
    pub(crate) fn key(&self) -> String {
        let what = match &self.connection_id {
            Some(id) => format!("connection/{id}"),
            None => "registration".to_owned(),
        };
        let vpc = self.vpc_id.as_ref().map_or("-", |vpc| vpc.as_str());
        format!("{what}/{vpc}/{}/{}", self.cluster_id, self.things.join(","))
    }

    /// The announcement; none of what is about no connection of ours, and none without a
    /// code of the catalogue, which every finding has.
    pub(crate) fn notice(&self, cluster_name: Option<&str>, execution: &str) -> Option<Notice> {
        let code = Code::parse(&self.code)?;
        let kept = self.kept.as_ref();
        let kept = kept.map_or(String::new(), |why| format!(" It is not removed: {why}."));
        let connection = Subject {
            // Not made anew: copied tags name the connection of another VPC.
            connection_id: self.connection_id.clone()?,
            account_id: self.place.account_id.clone(),
            region: self.place.region.clone(),
            vpc_id: self.vpc_id.clone()?,
            cluster_id: self.cluster_id.clone(),
        };
        let sentence = format!("{}{kept}", self.sentence);
        let notice = Notice::about(connection, cluster_name, sentence, code.place(), execution);
        Some(Notice {
            fix: Some(self.fix.clone()),
            ..notice.explained(code)
        })
    }
}
