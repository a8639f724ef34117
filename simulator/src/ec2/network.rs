//! The network that endpoints are put into: zones, VPCs, subnets and peerings.

pub(super) mod interface;
pub(super) mod peering;
pub(super) mod subnet;
pub(super) mod vpc;
pub(super) mod zone;
