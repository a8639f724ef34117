//! The world: all its parts, its time, and what is due to happen in it.

use std::collections::BTreeMap;
use std::time::Duration;

use time::OffsetDateTime;

use crate::authorization::Authorization;
use crate::cloud::{self, CloudHappening};
use crate::ec2::{self, Ec2Happening};
use crate::pace::Pace;
use crate::scenario::{RoleSpec, Scenario, StackSpec};
use crate::{cloudwatch, dynamodb, notices, secrets, step_functions};

/// Everything there is at one moment.
#[derive(Debug, Clone)]
pub struct World {
    pub now: OffsetDateTime,
    pub pace: Pace,
    pub ec2: ec2::Ec2,
    pub cloud: cloud::Cloud,
    pub cloudwatch: cloudwatch::CloudWatch,
    pub secrets: secrets::Secrets,
    pub dynamodb: dynamodb::DynamoDb,
    pub step_functions: step_functions::StepFunctions,
    pub notices: notices::Notices,
    /// The names of what the stack has.
    pub stack: StackSpec,
    /// The roles in other accounts that trust the one of the scenario.
    pub roles: Vec<RoleSpec>,
    /// What the call that is being carried out needs, if somebody wants to know.
    pub(crate) needed: Option<Vec<Authorization>>,
    /// What is due, by its time and by its number, in which it was scheduled.
    agenda: BTreeMap<(OffsetDateTime, u64), Happening>,
    scheduled: u64,
}

/// Something that is going to happen by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    Ec2(Ec2Happening),
    Cloud(CloudHappening),
}

impl World {
    /// The world of a scenario, beginning now.
    pub fn new(scenario: &Scenario, now: OffsetDateTime) -> World {
        let mut world = World {
            now,
            pace: scenario.pace.clone(),
            ec2: ec2::Ec2::new(scenario),
            cloud: cloud::Cloud::new(scenario, now),
            cloudwatch: cloudwatch::CloudWatch::new(scenario, now),
            secrets: secrets::Secrets::new(scenario, now),
            dynamodb: dynamodb::DynamoDb::new(scenario, now),
            step_functions: step_functions::StepFunctions::new(scenario),
            notices: notices::Notices::default(),
            stack: scenario.stack.clone(),
            roles: scenario.roles.clone(),
            needed: None,
            agenda: BTreeMap::new(),
            scheduled: 0,
        };
        // The endpoint services of the clusters come into the world first,
        // because endpoints that exist already may belong to them.
        cloud::begin(&mut world, scenario);
        ec2::begin(&mut world, scenario);
        world
    }

    /// Lets something happen after a while. What is due at once happens before
    /// the next call, not within this one.
    pub fn schedule(&mut self, after: Duration, happening: Happening) {
        self.scheduled += 1;
        let due = (self.now + after, self.scheduled);
        self.agenda.insert(due, happening);
    }

    /// Brings the world up to the present: lets everything happen that is due
    /// by then, in order. Time never runs backwards.
    pub fn settle(&mut self, now: OffsetDateTime) {
        let now = now.max(self.now);
        while let Some(due) = self.agenda.first_entry()
            && due.key().0 <= now
        {
            let ((at, _), happening) = due.remove_entry();
            self.now = at;
            match happening {
                Happening::Ec2(happening) => ec2::happen(self, happening),
                Happening::Cloud(happening) => cloud::happen(self, happening),
            }
        }
        self.now = now;
    }
}
