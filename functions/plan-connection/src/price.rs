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
    /// leaves more zones than it gets.
    pub usd_cents_per_month: isize,
    /// The same in a sentence.
    pub told: String,
}

impl Price {
    /// Of an endpoint that goes from so many zones to so many; it has none before it
    /// is made.
    pub fn of(zones_before: usize, zones: usize) -> Self {
        let change = zones as isize - zones_before as isize;
        let usd_cents_per_month = change * CENTS_PER_ZONE_HOUR * HOURS_PER_MONTH;
        let count = change.unsigned_abs();
        let noun = if count == 1 { "zone" } else { "zones" };
        let cents = usd_cents_per_month.unsigned_abs();
        let sum = format!("${}.{:02} a month", cents / 100, cents % 100);
        let why = format!("({count} {noun} × $0.01 × 730 h)");
        let rest = "some Regions cost a little more, and the cluster's own charges for egress are not in it";
        let told = match (zones_before, change) {
            (0, _) => format!("{sum} {why}, plus $0.01 for each GB; {rest}"),
            (_, 0) => "nothing more than the endpoint costs already".to_owned(),
            (_, 1..) => format!("{sum} more than now {why}; {rest}"),
            (_, ..0) => format!("{sum} less than now {why}"),
        };
        Self {
            usd_cents_per_month,
            told,
        }
    }
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
            assert!(price.told.starts_with(told), "{}", price.told);
        }
    }
}
