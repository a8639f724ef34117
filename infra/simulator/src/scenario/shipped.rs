//! The scenarios that come with the crate.

/// Names and texts; the first is the default.
pub(super) const ALL: &[(&str, &str)] =
    &[("fresh-vpc", include_str!("../../scenarios/fresh-vpc.toml"))];
