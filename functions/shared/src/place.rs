//! Where a VPC is: the account and the Region that EC2 is asked in.

use serde::{Deserialize, Serialize};

use crate::StepError;
use crate::ids::{AccountId, Malformed, Region};

/// The account and the Region that EC2 is asked in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The account that owns the VPC; `None` for the account of the function.
    pub account_id: Option<AccountId>,
    /// The Region of the VPC.
    pub region: Region,
}

impl Place {
    /// The same under its one name: an account does not name itself.
    #[must_use]
    pub fn as_seen_from(self, own_account: Option<&AccountId>) -> Self {
        let account = self.account_id;
        Self {
            account_id: account.filter(|account| Some(account) != own_account),
            region: self.region,
        }
    }
}

/// As people write it: `444455556666/us-east-1`, or the Region alone for the
/// account of the function.
impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.account_id {
            Some(account) => write!(f, "{account}/{}", self.region),
            None => self.region.fmt(f),
        }
    }
}

impl std::str::FromStr for Place {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (account, region) = match text.split_once('/') {
            Some((account, region)) => (Some(account.parse()?), region),
            None => (None, text),
        };
        Ok(Self {
            account_id: account,
            region: region.parse()?,
        })
    }
}

/// EC2 and CloudWatch of every place.
pub trait Places {
    /// EC2 in one place.
    type Ec2;
    /// The metrics of endpoints in one place.
    type Traffic;
    /// EC2 of that place.
    async fn ec2(&self, place: &Place) -> Result<Self::Ec2, StepError>;
    /// The metrics of the endpoints there.
    async fn traffic(&self, place: &Place) -> Result<Self::Traffic, StepError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_does_not_name_itself() {
        let own: AccountId = "111122223333".parse().unwrap();
        for (place, expected) in [
            ("111122223333/us-east-1", "us-east-1"),
            ("us-east-1", "us-east-1"),
            ("444455556666/us-east-1", "444455556666/us-east-1"),
        ] {
            let place: Place = place.parse().unwrap();
            assert_eq!(place.clone().as_seen_from(None), place);
            assert_eq!(place.as_seen_from(Some(&own)).to_string(), expected);
        }
    }

    #[test]
    fn a_place_reads_back_as_it_is_written() {
        for text in ["eu-central-1", "444455556666/us-east-1"] {
            assert_eq!(text.parse::<Place>().unwrap().to_string(), text);
        }
        let written = " 4444-5555-6666/US-East-1\n".parse::<Place>().unwrap();
        assert_eq!(written.to_string(), "444455556666/us-east-1");
        for text in [
            "",
            "444455556666",
            "4444/us-east-1",
            "us-east-1/444455556666",
        ] {
            assert!(text.parse::<Place>().is_err(), "{text}");
        }
    }
}
