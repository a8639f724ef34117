//! What requests are sent over, and how long an answer may be.
//!
//! What we send and read are keys, and what we are told decides what is deleted. So it
//! goes over TLS, other than on this machine; and an answer without end ends no process.

use std::net::{IpAddr, Ipv6Addr};

use url::{Host, Url};

/// Most bytes of one answer. The longest that we ask for are pages of a thousand
/// things; a function has 128 MB.
pub const LONGEST_ANSWER: usize = 8 * 1024 * 1024;

/// The base of URLs, if it is one that requests may be sent to: `https`, or `http` on
/// this machine.
///
/// # Errors
/// Which rule it breaks.
pub fn base(url: &str) -> Result<Url, String> {
    let parsed = Url::parse(url).ok().filter(|url| {
        let is_web = ["http", "https"].contains(&url.scheme());
        is_web && url.has_host() && url.username().is_empty() && url.password().is_none()
    });
    match parsed {
        None => Err(format!("`{url}` is not a URL such as https://example.com")),
        Some(url) if url.scheme() == "https" || is_on_this_machine(&url) => Ok(url),
        Some(_) => Err(format!(
            "`{url}` is not an https URL, and requests are sent unencrypted on this machine only"
        )),
    }
}

/// Whether it leads nowhere else.
fn is_on_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        _ => address(url).is_some_and(|address| address.is_loopback()),
    }
}

/// Whether it is where AWS hands out the credentials of an instance or a container,
/// without TLS, on links that leave no host (IMDS, ECS and EKS user guides).
pub fn is_for_credentials(url: &Url) -> bool {
    const IMDS: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    const EKS: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23);
    match address(url) {
        Some(IpAddr::V4(address)) => address.is_link_local(),
        Some(IpAddr::V6(address)) => address == IMDS || address == EKS,
        None => false,
    }
}

fn address(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_reached_without_tls() {
        for url in [
            "https://cockroachlabs.cloud",
            "https://example.com:8443/base",
            "http://127.0.0.1:8080",
            "http://localhost",
            "http://[::1]:8080",
        ] {
            assert!(base(url).is_ok(), "{url}");
        }
        for (url, said) in [
            ("http://cockroachlabs.cloud", "is not an https URL"),
            ("http://10.0.0.1", "is not an https URL"),
            ("http://localhost.example.com", "is not an https URL"),
            ("http://169.254.169.254", "is not an https URL"),
            ("https://me:secret@example.com", "is not a URL such as"),
            ("ftp://example.com", "is not a URL such as"),
            ("mailto:a@b", "is not a URL such as"),
            ("cockroachlabs.cloud", "is not a URL such as"),
            ("", "is not a URL such as"),
        ] {
            assert!(base(url).unwrap_err().contains(said), "{url}");
        }
    }

    #[test]
    fn credentials_come_from_links_of_the_host() {
        let is = |url: &str| is_for_credentials(&Url::parse(url).unwrap());
        for url in [
            "http://169.254.169.254/latest",
            "http://169.254.170.2/v2",
            "http://[fd00:ec2::254]/latest",
            "http://[fd00:ec2::23]/v1",
        ] {
            assert!(is(url), "{url}");
        }
        assert!(!is("http://10.0.0.1") && !is("http://169.254.169.254.example.com"));
    }
}
