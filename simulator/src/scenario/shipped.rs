//! The scenarios that come with the crate.

/// Names and texts; the first is the default.
pub(super) const ALL: &[(&str, &str)] = &[
    ("fresh-vpc", include_str!("../../scenarios/fresh-vpc.toml")),
    (
        "standard-cluster",
        include_str!("../../scenarios/standard-cluster.toml"),
    ),
    ("connected", include_str!("../../scenarios/connected.toml")),
    ("orphans", include_str!("../../scenarios/orphans.toml")),
    (
        "ledger-lost",
        include_str!("../../scenarios/ledger-lost.toml"),
    ),
    (
        "half-made-by-hand",
        include_str!("../../scenarios/half-made-by-hand.toml"),
    ),
    (
        "shared-endpoint",
        include_str!("../../scenarios/shared-endpoint.toml"),
    ),
    (
        "zones-do-not-match",
        include_str!("../../scenarios/zones-do-not-match.toml"),
    ),
    (
        "api-key-refused",
        include_str!("../../scenarios/api-key-refused.toml"),
    ),
    (
        "endpoint-rejected",
        include_str!("../../scenarios/endpoint-rejected.toml"),
    ),
    (
        "slow-world",
        include_str!("../../scenarios/slow-world.toml"),
    ),
    (
        "private-dns-conflict",
        include_str!("../../scenarios/private-dns-conflict.toml"),
    ),
    (
        "own-dns-and-acls",
        include_str!("../../scenarios/own-dns-and-acls.toml"),
    ),
    (
        "fresh-vpc-without-subnets",
        include_str!("../../scenarios/fresh-vpc-without-subnets.toml"),
    ),
    (
        "cluster-is-creating",
        include_str!("../../scenarios/cluster-is-creating.toml"),
    ),
];
