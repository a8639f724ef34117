//! Where a VPC is: the account and the Region that EC2 is asked in.

use std::borrow::Borrow;

use serde::{Deserialize, Serialize};

use crate::StepError;
use crate::ids::{AccountId, Region};

/// The account and the Region that EC2 is asked in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The account that owns the VPC; `None` for the account of the function.
    pub account_id: Option<AccountId>,
    /// The Region of the VPC.
    pub region: Region,
}

/// EC2 of every place, for functions that look at many of them in one call.
pub trait Places {
    /// EC2 in one place.
    type Ec2;
    /// EC2 of that place.
    async fn ec2(&self, place: &Place) -> Result<impl Borrow<Self::Ec2>, StepError>;
}
