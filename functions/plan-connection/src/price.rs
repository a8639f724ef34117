//! What an endpoint costs.

/// Cents for an hour in one zone, in most Regions (AWS PrivateLink pricing).
const CENTS_PER_ZONE_HOUR: usize = 1;
/// The hours of a month as AWS counts them.
const HOURS_PER_MONTH: usize = 730;

/// The price of a month in cents, without traffic.
pub fn cents_per_month(zones: usize) -> usize {
    zones * CENTS_PER_ZONE_HOUR * HOURS_PER_MONTH
}

/// The price in a sentence.
pub fn told(zones: usize) -> String {
    let cents = cents_per_month(zones);
    let noun = if zones == 1 { "zone" } else { "zones" };
    format!(
        "${}.{:02} a month ({zones} {noun} × $0.01 × 730 h), plus $0.01 for each GB; some Regions cost a little more, \
         and the cluster's own charges for egress are not in it",
        cents / 100,
        cents % 100,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_zones_cost_about_22_dollars() {
        assert!(told(3).starts_with("$21.90 a month (3 zones × $0.01 × 730 h)"));
        assert!(told(1).starts_with("$7.30 a month (1 zone × "));
    }
}
