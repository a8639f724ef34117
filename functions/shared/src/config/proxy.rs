//! The proxy that stands between a process and everybody else.

use std::fmt;

use url::Url;

use super::Setting;
use crate::StepError;

/// What the surroundings say of a proxy for requests over TLS, read as the AWS CLI reads
/// it: `HTTPS_PROXY` and `NO_PROXY`, whose names in small letters take precedence, also
/// with an empty value (Python's `urllib.request.getproxies_environment`, which botocore
/// asks).
///
/// The URL may have a password in it, so nothing shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    url: Setting,
    without: Setting,
}

impl Proxy {
    /// Reads the variables from wherever `variable` finds them.
    pub fn of(variable: impl Fn(&'static str) -> Option<String>) -> Self {
        let setting = |small, large| match variable(small) {
            Some(value) => Setting::new(small, Some(value)),
            None => Setting::new(large, variable(large)),
        };
        Self {
            url: setting("https_proxy", "HTTPS_PROXY"),
            without: setting("no_proxy", "NO_PROXY"),
        }
    }

    /// Its URL, if there is a proxy.
    ///
    /// # Errors
    /// [`crate::Code::ConfigurationInvalid`] if it is no URL of a proxy that speaks HTTP.
    pub fn url(&self) -> Result<Option<Url>, StepError> {
        let Some(value) = self.url.value() else {
            return Ok(None);
        };
        // Many leave the scheme out.
        let text = match value.contains("://") {
            true => value.to_owned(),
            false => format!("http://{value}"),
        };
        let is_one = |url: &Url| ["http", "https"].contains(&url.scheme()) && url.has_host();
        match Url::parse(&text).ok().filter(is_one) {
            Some(url) => Ok(Some(url)),
            None => Err(self
                .url
                .wrong("is not the URL of a proxy, such as http://proxy.example.com:3128")),
        }
    }

    /// The hosts that are reached without it, between commas: names, with all below them,
    /// addresses, and networks.
    pub fn without(&self) -> &str {
        self.without.value().unwrap_or_default()
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proxy(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    fn proxy(variables: &[(&str, &str)]) -> Proxy {
        Proxy::of(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn url(variables: &[(&str, &str)]) -> Option<String> {
        proxy(variables).url().unwrap().map(String::from)
    }

    #[test]
    fn the_name_in_small_letters_takes_precedence() {
        let (one, other) = ("http://one.example:3128/", "https://kim:pw@other.example/");
        assert_eq!(url(&[]), None);
        assert_eq!(url(&[("HTTPS_PROXY", one)]).as_deref(), Some(one));
        let both = [("HTTPS_PROXY", one), ("https_proxy", other)];
        assert_eq!(url(&both).as_deref(), Some(other));
        assert_eq!(url(&[("HTTPS_PROXY", one), ("https_proxy", "")]), None);
        assert_eq!(proxy(&[("NO_PROXY", " .a, b ")]).without(), ".a, b");
        assert_eq!(proxy(&[("NO_PROXY", "a"), ("no_proxy", "")]).without(), "");
        // Requests over TLS are not for these.
        assert_eq!(url(&[("HTTP_PROXY", one), ("ALL_PROXY", one)]), None);
    }

    #[test]
    fn what_is_no_proxy_is_named_and_its_password_is_not() {
        for plain in ["proxy.example:3128", "127.0.0.1:3128"] {
            let read = url(&[("HTTPS_PROXY", plain)]);
            assert_eq!(read, Some(format!("http://{plain}/")));
        }
        for wrong in [
            "socks5://kim:secret@proxy.example",
            "http://",
            "kim:secret@",
        ] {
            let proxy = proxy(&[("HTTPS_PROXY", wrong)]);
            let error = proxy.url().unwrap_err();
            assert_eq!(error.code, Code::ConfigurationInvalid);
            assert!(error.detail.contains("setting HTTPS_PROXY"), "{error}");
            assert!(!format!("{error}{proxy:?}").contains("secret"), "{error}");
        }
    }
}
