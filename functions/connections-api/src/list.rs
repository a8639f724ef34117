//! Lists connections.

use std::str::FromStr;

use shared::Code;
use shared::executions::Executions;
use shared::gateway::{Answer, Refusal, Request};
use shared::ids::{ClusterId, Region, VpcId};
use shared::ledger::{Connection, HealthStatus, Ledger, Phase};
use shared::ownership::short_hash;

use crate::view::{ConnectionPage, ConnectionSummary};
use crate::{Door, is_connection_id};

/// How many connections a page has when the caller does not say.
const DEFAULT_LIMIT: usize = 25;
/// How many it can have at most. Each takes some 500 bytes, and Lambda answers up to 6 MB
/// (Lambda developer guide, "Lambda quotas"). One connection with all that is known of
/// it is one item of DynamoDB: 400 KB at most (DynamoDB developer guide, "Quotas").
const MAX_LIMIT: usize = 100;
/// How many connections are read from the ledger at once while filtering.
const READ: u32 = 100;
/// How many reads one page may take: a rare match must not cost a time-out.
const MAX_READS: usize = 10;

const PARAMETERS: [&str; 7] = [
    "region",
    "vpc_id",
    "cluster_id",
    "phase",
    "health",
    "limit",
    "next",
];

/// Which connections are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Filter {
    region: Option<Region>,
    vpc_id: Option<VpcId>,
    cluster_id: Option<ClusterId>,
    phase: Option<Phase>,
    health: Option<HealthStatus>,
}

/// One call's question.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Question {
    filter: Filter,
    limit: usize,
    /// The connection after which the page begins.
    after: Option<String>,
}

impl<L: Ledger, E: Executions> Door<'_, L, E> {
    /// One page of connections.
    pub(crate) async fn list(&self, request: &Request) -> Result<Answer, Refusal> {
        let Question {
            filter,
            limit,
            mut after,
        } = Question::read(request)?;
        let read = if filter == Filter::default() {
            u32::try_from(limit).unwrap_or(READ)
        } else {
            READ
        };
        let mut connections = Vec::new();
        for _ in 0..MAX_READS {
            let page = self.ledger.connections(after.as_deref(), read).await?;
            after = page.next;
            let mut looked_at = page.connections.into_iter().peekable();
            while let Some(connection) = looked_at.next() {
                let id = connection.connection_id.clone();
                if filter.takes(&connection) {
                    connections.push(ConnectionSummary::of(connection));
                }
                if connections.len() == limit && looked_at.peek().is_some() {
                    after = Some(id);
                    break;
                }
            }
            if after.is_none() || connections.len() == limit {
                break;
            }
        }
        let next = after.map(|id| filter.token(&id));
        Ok(Answer::json(200, &ConnectionPage { connections, next })?)
    }
}

impl Question {
    fn read(request: &Request) -> Result<Self, Refusal> {
        let query = request.query(&PARAMETERS)?;
        let get = |name: &'static str| query.get(name).map(|value| (name, *value));
        let filter = Filter {
            region: get("region").map(parsed).transpose()?,
            vpc_id: get("vpc_id").map(parsed).transpose()?,
            cluster_id: get("cluster_id").map(parsed).transpose()?,
            phase: get("phase")
                .map(one_of(&Phase::ALL, Phase::as_str))
                .transpose()?,
            health: get("health")
                .map(one_of(&HealthStatus::ALL, HealthStatus::as_str))
                .transpose()?,
        };
        let limit = match get("limit") {
            None => DEFAULT_LIMIT,
            Some((_, text)) => limit(text)
                .ok_or_else(|| broken("limit", text, &format!("a number from 1 to {MAX_LIMIT}")))?,
        };
        let after = match get("next") {
            None => None,
            Some((_, token)) => Some(filter.after(token).ok_or_else(|| {
                let rule = "what the page before gave as `next`, for the same filters";
                broken("next", token, rule)
            })?),
        };
        Ok(Self {
            filter,
            limit,
            after,
        })
    }
}

impl Filter {
    fn takes(&self, connection: &Connection) -> bool {
        fn fits<T: PartialEq>(wanted: Option<&T>, has: Option<&T>) -> bool {
            wanted.is_none() || wanted == has
        }
        let health = connection.health.as_ref().map(|health| health.status);
        fits(self.region.as_ref(), Some(&connection.region))
            && fits(self.vpc_id.as_ref(), Some(&connection.vpc_id))
            && fits(self.cluster_id.as_ref(), Some(&connection.cluster_id))
            && fits(self.phase.as_ref(), Some(&connection.phase))
            && fits(self.health.as_ref(), health.as_ref())
    }

    /// Where the next page begins, for callers: the last connection that was
    /// looked at, and a check sum over it and the filters.
    fn token(&self, id: &str) -> String {
        format!("{id}{}", self.sum(id))
    }

    /// The connection in a token, if the token is whole and goes with the filters.
    fn after(&self, token: &str) -> Option<String> {
        let id = token.get(..16)?;
        (is_connection_id(id) && self.token(id) == token).then(|| id.to_owned())
    }

    fn sum(&self, id: &str) -> String {
        let filters = format!("{self:?}");
        short_hash(&[id, &filters])
    }
}

/// All verdicts, in the order of the documentation.
fn parsed<T: FromStr<Err: std::fmt::Display>>((name, text): (&str, &str)) -> Result<T, Refusal> {
    text.parse()
        .map_err(|error| Refusal::new(Code::InvalidRequest, format!("{name}: {error}")))
}

fn one_of<T: Copy>(
    all: &[T],
    word: fn(T) -> &'static str,
) -> impl Fn((&str, &str)) -> Result<T, Refusal> {
    move |(name, text)| {
        let found = all.iter().copied().find(|value| word(*value) == text);
        found.ok_or_else(|| {
            let words: Vec<&str> = all.iter().map(|value| word(*value)).collect();
            broken(name, text, &format!("one of {}", words.join(", ")))
        })
    }
}

fn limit(text: &str) -> Option<usize> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let number = text.parse().ok().filter(|_| digits)?;
    (1..=MAX_LIMIT).contains(&number).then_some(number)
}

fn broken(name: &str, value: &str, rule: &str) -> Refusal {
    Refusal::new(
        Code::InvalidRequest,
        format!("{name}: `{value}` is not {rule}"),
    )
}
