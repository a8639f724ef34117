//! Whether private DNS can work, and under which host.

use shared::ec2::{Endpoint, EndpointService, VpcDns};
use shared::ids::{ServiceName, VpcId};
use shared::plan::ClusterFacts;
use shared::{Code, StepError};

/// Private DNS needs both attributes of the VPC.
pub(crate) fn check_attributes(vpc: &VpcId, dns: VpcDns) -> Result<(), StepError> {
    let off = |code, name| Err(StepError::new(code, format!("{vpc} has {name} = false")));
    if !dns.support {
        return off(Code::VpcDnsSupportDisabled, "enableDnsSupport");
    }
    if !dns.hostnames {
        return off(Code::VpcDnsHostnamesDisabled, "enableDnsHostnames");
    }
    Ok(())
}

/// The host that private DNS will answer for: what the Cloud API says, else the
/// service's own private name if it is a single host.
pub(crate) fn private_host(cluster: &ClusterFacts, service: &EndpointService) -> Result<String, StepError> {
    let Some(name) = &service.private_dns_name else {
        return Err(StepError::new(
            Code::PrivateDnsNotOffered,
            format!("{} has no private DNS name", cluster.service_name),
        ));
    };
    if !service.private_dns_verified {
        return Err(StepError::new(
            Code::PrivateDnsNotOffered,
            format!("the private DNS name {name} of {} is not verified", cluster.service_name),
        ));
    }
    match &cluster.private_host {
        Some(host) if covers(name, host) => Ok(host.clone()),
        Some(host) => Err(StepError::new(
            Code::PrivateHostUnknown,
            format!("the cluster says {host}, but the endpoint service answers for {name}"),
        )),
        None if !name.starts_with("*.") => Ok(name.clone()),
        None => Err(StepError::new(
            Code::PrivateHostUnknown,
            format!("the cluster names no private host, and the endpoint service answers for {name}"),
        )),
    }
}

/// An endpoint to another service that answers for the same host already. EC2
/// would refuse private DNS only after everything else has been made.
pub(crate) fn check_conflict(
    host: &str,
    service: &ServiceName,
    endpoints: &[Endpoint],
) -> Result<(), StepError> {
    let other = endpoints
        .iter()
        .filter(|endpoint| endpoint.private_dns && !endpoint.state.is_gone())
        .filter(|endpoint| endpoint.service_name != service.as_str())
        .find(|endpoint| endpoint.dns_names.iter().any(|name| covers(name, host)));
    match other {
        Some(endpoint) => Err(StepError::new(
            Code::PrivateDnsConflict,
            format!("endpoint {} to {} answers for {host} already", endpoint.id, endpoint.service_name),
        )),
        None => Ok(()),
    }
}

/// What a connection without private DNS means.
pub(crate) fn note_without_private_dns(private_host: Option<&str>) -> String {
    let name = private_host.unwrap_or("the cluster's private host");
    format!(
        "without private DNS the certificate cannot be verified by name; \
         to use sslmode=verify-full, make {name} an alias of the endpoint in a DNS of your own"
    )
}

/// Whether a DNS name, perhaps with a leading `*.`, covers the host.
fn covers(name: &str, host: &str) -> bool {
    let (name, host) = (name.to_ascii_lowercase(), host.to_ascii_lowercase());
    match name.strip_prefix("*.") {
        Some(domain) => host.strip_suffix(domain).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
        None => name == host,
    }
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_wildcard_covers_hosts_below_it_only() {
        assert!(covers("*.aws-eu-west-1.example.cloud", "internal-shop.aws-eu-west-1.example.cloud"));
        assert!(covers("Internal-Shop.example", "internal-shop.example"));
        assert!(!covers("*.example.cloud", "example.cloud"));
        assert!(!covers("*.example.cloud", "badexample.cloud"));
        assert!(!covers("internal-shop.example", "internal-book.example"));
    }
}
