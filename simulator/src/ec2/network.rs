//! The network that endpoints are put into: zones, VPCs, subnets, peerings and prefix lists,
//! and what lies around them.

pub(super) mod acl;
pub(super) mod dhcp;
pub(super) mod interface;
pub(super) mod peering;
pub(super) mod prefix_list;
pub(super) mod subnet;
pub(super) mod vpc;
