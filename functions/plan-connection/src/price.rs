//! What an endpoint costs.

use schemars::JsonSchema;
use serde::Serialize;

/// Cents for an hour in one zone, in most Regions (AWS PrivateLink pricing).
const CENTS_PER_ZONE_HOUR: isize = 1;
/// The hours of a month as AWS counts them.
const HOURS_PER_MONTH: isize = 730;

/// What is added to the bill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Price {
    /// US cents a month more than now, without traffic; negative if the endpoint
    /// leaves more zones than it gets. The most that it can be while the zones are not
    /// known.
    pub usd_cents_per_month: isize,
    /// The least that it can be; the same once the zones are known.
    pub usd_cents_per_month_at_least: isize,
    /// The same in a sentence.
    pub told: String,
}

/// What is not in a sum.
const REST: &str =
    "some Regions cost a little more, and the cluster's own charges for egress are not in it";

impl Price {
    /// Of an endpoint that goes from so many zones to so many; it has none before it
    /// is made.
    pub fn of(zones_before: usize, zones: usize) -> Self {
        let change = zones as isize - zones_before as isize;
        let (sum, why) = (dollars(change), format!("({} × {RATE})", zones_of(change)));
        let told = match (zones_before, change) {
            (0, _) => format!("{sum} a month {why}, plus $0.01 for each GB; {REST}"),
            (_, 0) => "nothing more than the endpoint costs already".to_owned(),
            (_, 1..) => format!("{sum} a month more than now {why}; {REST}"),
            (_, ..0) => format!("{sum} a month less than now {why}"),
        };
        Self {
            usd_cents_per_month: cents(change),
            usd_cents_per_month_at_least: cents(change),
            told,
        }
    }

    /// Of a new endpoint in one to so many zones.
    pub(crate) fn up_to(zones: usize) -> Self {
        let most = zones as isize;
        let told = match most {
            0 => format!(
                "{} a month for each zone ({RATE}), plus $0.01 for each GB; {REST}",
                dollars(1)
            ),
            1 => return Self::of(0, 1),
            _ => format!(
                "{} to {} a month (1 to {} × {RATE}), plus $0.01 for each GB; {REST}",
                dollars(1),
                dollars(most),
                zones_of(most)
            ),
        };
        Self {
            usd_cents_per_month: cents(most.max(1)),
            usd_cents_per_month_at_least: cents(1),
            told,
        }
    }
}

const RATE: &str = "$0.01 × 730 h";

fn cents(zones: isize) -> isize {
    zones * CENTS_PER_ZONE_HOUR * HOURS_PER_MONTH
}

fn dollars(zones: isize) -> String {
    let cents = cents(zones).unsigned_abs();
    format!("${}.{:02}", cents / 100, cents % 100)
}

fn zones_of(number: isize) -> String {
    let number = number.unsigned_abs();
    let noun = if number == 1 { "zone" } else { "zones" };
    format!("{number} {noun}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_zones_cost_about_22_dollars() {
        let told = |before, zones| Price::of(before, zones).told;
        assert!(told(0, 3).starts_with("$21.90 a month (3 zones × $0.01 × 730 h), plus"));
        assert!(told(0, 1).starts_with("$7.30 a month (1 zone × "));
    }

    #[test]
    fn a_change_costs_the_difference() {
        for (before, zones, cents, told) in [
            (2, 3, 730, "$7.30 a month more than now (1 zone × "),
            (1, 3, 1460, "$14.60 a month more than now (2 zones × "),
            (3, 1, -1460, "$14.60 a month less than now (2 zones × "),
            (3, 3, 0, "nothing more than the endpoint costs already"),
        ] {
            let price = Price::of(before, zones);
            assert_eq!(price.usd_cents_per_month, cents);
            assert_eq!(price.usd_cents_per_month_at_least, cents);
            assert!(price.told.starts_with(told), "{}", price.told);
        }
    }

    #[test]
    fn until_the_zones_are_known_it_is_a_range() {
        for (zones, least, most, told) in [
            (
                0,
                730,
                730,
                "$7.30 a month for each zone ($0.01 × 730 h), plus",
            ),
            (1, 730, 730, "$7.30 a month (1 zone × $0.01 × 730 h), plus"),
            (
                3,
                730,
                2190,
                "$7.30 to $21.90 a month (1 to 3 zones × $0.01 × 730 h), plus",
            ),
        ] {
            let price = Price::up_to(zones);
            let range = (
                price.usd_cents_per_month_at_least,
                price.usd_cents_per_month,
            );
            assert_eq!(range, (least, most));
            assert!(price.told.starts_with(told), "{}", price.told);
        }
    }
}
