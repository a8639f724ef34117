//! What the VPC's DHCP options and the network ACLs of the endpoint's subnets mean for
//! clients. They stand in nobody's way here, so they become notes.

use shared::StepError;
use shared::ec2::{Network, Source, Vpc};
use shared::ids::SubnetId;
use shared::surroundings::{client_networks, of_acls, of_dhcp_options};

pub(crate) async fn notes(
    ec2: &impl Network,
    vpc: &Vpc,
    private_dns: bool,
    subnets: &[SubnetId],
    sources: &[Source],
) -> Result<Vec<String>, StepError> {
    let mut remarks = Vec::new();
    if let Some(options) = vpc.dhcp_options.as_ref().filter(|_| private_dns) {
        let servers = ec2.dns_servers(std::slice::from_ref(options)).await?;
        remarks.extend(of_dhcp_options(options, servers.as_ref(), &vpc.cidrs));
    }
    let acls = ec2.network_acls(subnets).await?;
    let clients = client_networks(sources, &vpc.cidrs);
    remarks.extend(of_acls(acls.as_deref(), subnets, &clients));
    Ok(remarks.into_iter().map(|(_, told)| told).collect())
}
