//! Faults: what goes wrong, in which call, and at which moment.

use serde::Deserialize;

use crate::splitmix::{fold, mix};

/// A service of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Cloud,
    CloudWatch,
    DynamoDb,
    Ec2,
    EventBridge,
    Route53,
    Route53Profiles,
    Route53Resolver,
    SecretsManager,
    StepFunctions,
    Sts,
}

impl Service {
    /// The service that an operation such as `ec2:CreateVpcEndpoint` belongs to, and
    /// the name of the operation there.
    pub(crate) fn of(operation: &str) -> Option<(Service, &str)> {
        let (service, name) = operation.split_once(':')?;
        let service = match service {
            "cloud" => Service::Cloud,
            "cloudwatch" => Service::CloudWatch,
            "dynamodb" => Service::DynamoDb,
            "ec2" => Service::Ec2,
            "events" => Service::EventBridge,
            "route53" => Service::Route53,
            "route53profiles" => Service::Route53Profiles,
            "route53resolver" => Service::Route53Resolver,
            "secretsmanager" => Service::SecretsManager,
            "states" => Service::StepFunctions,
            "sts" => Service::Sts,
            _ => return None,
        };
        Some((service, name))
    }
}

/// What goes wrong. Every face says it in its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// The caller is too fast.
    Throttle,
    /// The service has trouble of its own.
    ServerError,
    /// No answer ever comes.
    Timeout,
    /// The caller may not do this.
    Denied,
    /// What the call names does not exist.
    NotFound,
    /// Something else is in the way.
    Conflict,
    /// An error that nobody documents.
    UnknownCode,
    /// The connection closes without an answer.
    CutOff,
}

impl FaultKind {
    /// Every kind, for tests that try them all.
    pub const ALL: [FaultKind; 8] = [
        FaultKind::Throttle,
        FaultKind::ServerError,
        FaultKind::Timeout,
        FaultKind::Denied,
        FaultKind::NotFound,
        FaultKind::Conflict,
        FaultKind::UnknownCode,
        FaultKind::CutOff,
    ];
}

/// Whether a fault hits before the call took effect or after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// Nothing happened.
    #[default]
    Before,
    /// The call did its work, and only the answer is lost.
    After,
}

impl Moment {
    /// Both moments, for tests that try them all.
    pub const ALL: [Moment; 2] = [Moment::Before, Moment::After];
}

/// One scripted fault: from the `nth` call of an operation on, `repeat` calls
/// in a row fail.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The operation, or `*` for all of them counted together.
    pub operation: String,
    /// The first call that is hit, counted from 1.
    #[serde(default = "once")]
    pub nth: u32,
    /// What goes wrong.
    pub kind: FaultKind,
    /// Before or after the effect.
    #[serde(default)]
    pub moment: Moment,
    /// How many calls in a row are hit; [`Fault::FOREVER`] for all from then on.
    #[serde(default = "once")]
    pub repeat: u32,
}

fn once() -> u32 {
    1
}

impl Fault {
    /// The number of repetitions that never ends.
    pub const FOREVER: u32 = u32::MAX;

    /// A fault that hits one call.
    pub fn once(operation: impl Into<String>, nth: u32, kind: FaultKind, moment: Moment) -> Self {
        Fault {
            operation: operation.into(),
            nth,
            kind,
            moment,
            repeat: 1,
        }
    }

    /// A fault that hits this call and every later one.
    pub fn from_then_on(
        operation: impl Into<String>,
        nth: u32,
        kind: FaultKind,
        moment: Moment,
    ) -> Self {
        Fault {
            repeat: Fault::FOREVER,
            ..Fault::once(operation, nth, kind, moment)
        }
    }

    /// Whether this fault hits the `nth` call of `operation`, which is the
    /// `overall`-th of all calls.
    pub(crate) fn hits(&self, operation: &str, nth: u32, overall: u32) -> bool {
        let count = if self.operation == "*" {
            overall
        } else if self.operation == operation {
            nth
        } else {
            return false;
        };
        count >= self.nth && count - self.nth < self.repeat
    }
}

/// Faults that look random and are not: the same seed hits the same calls. A caller may
/// hope to get over each of them by asking again.
#[derive(Debug, Clone, PartialEq)]
pub struct SeededFaults {
    seed: u64,
    /// The share of calls that are hit, between 0 and 1.
    rate: f64,
}

/// The kinds that a caller may hope to get over by asking again.
const PASSING: [FaultKind; 4] = [
    FaultKind::Throttle,
    FaultKind::ServerError,
    FaultKind::Timeout,
    FaultKind::CutOff,
];

impl SeededFaults {
    /// Passing faults with this seed at this rate.
    pub fn passing(seed: u64, rate: f64) -> Self {
        SeededFaults { seed, rate }
    }

    /// The fault that hits the `nth` call of `operation`, if one does. It
    /// depends on nothing else, so that callers who run at once and change
    /// places still meet the same faults.
    pub(crate) fn strike(&self, operation: &str, nth: u32) -> Option<(FaultKind, Moment)> {
        let dice = mix(self.seed ^ fold(operation) ^ mix(u64::from(nth)));
        let share = (dice >> 11) as f64 / (1u64 << 53) as f64;
        if share >= self.rate {
            return None;
        }
        let choice = mix(dice);
        let kind = PASSING[(choice >> 8) as usize % PASSING.len()];
        let moment = match kind {
            // Only these can reach a caller whose call was carried out.
            FaultKind::ServerError | FaultKind::Timeout | FaultKind::CutOff if choice & 1 == 1 => {
                Moment::After
            }
            FaultKind::Throttle
            | FaultKind::ServerError
            | FaultKind::Timeout
            | FaultKind::Denied
            | FaultKind::NotFound
            | FaultKind::Conflict
            | FaultKind::UnknownCode
            | FaultKind::CutOff => Moment::Before,
        };
        Some((kind, moment))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_hits_the_calls_it_names_and_no_others() {
        let fault = Fault {
            repeat: 2,
            ..Fault::once("ec2:DescribeVpcs", 3, FaultKind::Throttle, Moment::Before)
        };
        let hit: Vec<u32> = (1..=6)
            .filter(|nth| fault.hits("ec2:DescribeVpcs", *nth, 0))
            .collect();
        assert_eq!(hit, [3, 4]);
        assert!(!fault.hits("ec2:DescribeSubnets", 3, 3));
    }

    #[test]
    fn a_fault_for_every_operation_counts_all_calls_together() {
        let fault = Fault::from_then_on("*", 5, FaultKind::CutOff, Moment::After);
        assert!(!fault.hits("ec2:DescribeVpcs", 9, 4));
        assert!(fault.hits("cloud:GET cluster", 1, 5));
        assert!(fault.hits("cloud:GET cluster", 1, u32::MAX));
    }

    #[test]
    fn seeded_faults_are_the_same_every_time_and_near_their_rate() {
        let faults = SeededFaults::passing(7, 0.1);
        let strikes = |f: &SeededFaults| -> Vec<_> {
            (1..=10_000)
                .map(|n| f.strike("ec2:DescribeVpcs", n))
                .collect()
        };
        let first = strikes(&faults);
        assert_eq!(first, strikes(&faults));
        let hit = first.iter().flatten().count();
        assert!((800..1200).contains(&hit), "{hit} of 10000");
        assert!(first.iter().flatten().any(|(_, m)| *m == Moment::After));
        assert!(
            first
                .iter()
                .flatten()
                .all(|(k, m)| *k != FaultKind::Throttle || *m == Moment::Before),
            "a throttled call has no effect"
        );
    }
}
