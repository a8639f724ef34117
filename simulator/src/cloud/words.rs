//! The words of the Cloud API that clients decide by.
//!
//! The service adds words without a new API version (`STATUS_STALE` came that
//! way in 2026), so every list has room for a word that nobody knows yet.

use serde::{Deserialize, Deserializer};

macro_rules! words {
    (
        $(#[$doc:meta])*
        $name:ident, $prefix:literal { $( $(#[$variant_doc:meta])* $variant:ident = $word:literal, )+ }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum $name {
            $( $(#[$variant_doc])* $variant, )+
            /// A word that the official document does not know.
            Unknown(String),
        }

        impl $name {
            /// The word on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $( $name::$variant => $word, )+
                    $name::Unknown(word) => word,
                }
            }

            /// Whether the official document knows the word.
            pub fn is_known(&self) -> bool {
                !matches!(self, $name::Unknown(_))
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word {
                    $( $word => $name::$variant, )+
                    _ => $name::Unknown(word.to_owned()),
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            /// A scenario may write `pending_acceptance` for
            /// `STATUS_PENDING_ACCEPTANCE`. A word that is meant to be unknown
            /// is written in capitals, so that a typing mistake is none.
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                if text.chars().any(|letter| letter.is_ascii_lowercase()) {
                    let word = $name::from(format!("{}{}", $prefix, text.to_ascii_uppercase()).as_str());
                    return match word {
                        $name::Unknown(_) => Err(serde::de::Error::custom(format!(
                            "`{text}` is none of {}",
                            [$( $word ),+].join(", "),
                        ))),
                        known => Ok(known),
                    };
                }
                Ok($name::from(text.as_str()))
            }
        }
    };
}

words! {
    /// A plan (Cloud API 2024-09-16, `Plan.Type`).
    Plan, "" {
        /// No PrivateLink.
        Basic = "BASIC",
        /// Endpoint services exist from the start.
        Standard = "STANDARD",
        /// Endpoint services must be asked for.
        Advanced = "ADVANCED",
    }
}

words! {
    /// A cloud (Cloud API, `CloudProvider.Type`).
    #[derive(Default)]
    CloudProvider, "" {
        #[default]
        Aws = "AWS",
        Gcp = "GCP",
        Azure = "AZURE",
    }
}

words! {
    /// The state of a cluster (Cloud API, `ClusterState.Type`).
    #[derive(Default)]
    ClusterState, "" {
        Creating = "CREATING",
        #[default]
        Created = "CREATED",
        CreationFailed = "CREATION_FAILED",
        Deleted = "DELETED",
        /// An exclusive operation is running.
        Locked = "LOCKED",
    }
}

words! {
    /// How an endpoint service stands (Cloud API,
    /// `PrivateEndpointServiceStatus.Type`, and one word of our own).
    ServiceStatus, "" {
        /// Nobody has asked for it, or it has not shown up in the list yet.
        /// This word is never said on the wire.
        Absent = "ABSENT",
        Creating = "CREATING",
        Available = "AVAILABLE",
        /// Could not be made. There is no field that says why.
        CreateFailed = "CREATE_FAILED",
        Deleting = "DELETING",
        DeleteFailed = "DELETE_FAILED",
    }
}

words! {
    /// How a cluster sees an endpoint (Cloud API,
    /// `PrivateEndpointConnectionStatus`).
    #[derive(Default)]
    ConnectionStatus, "STATUS_" {
        /// Being set up.
        Pending = "STATUS_PENDING",
        /// Waiting for acceptance, and still said for a while afterwards
        /// (terraform-provider-cockroach, pull request 60).
        PendingAcceptance = "STATUS_PENDING_ACCEPTANCE",
        /// Accepted and usable.
        #[default]
        Available = "STATUS_AVAILABLE",
        /// Removed before; registering again attaches it again
        /// (terraform-provider-cockroach, `private_endpoint_connection_resource.go`).
        Rejected = "STATUS_REJECTED",
        Deleting = "STATUS_DELETING",
        Deleted = "STATUS_DELETED",
        Failed = "STATUS_FAILED",
        /// Acceptance did not come in time.
        Expired = "STATUS_EXPIRED",
        /// The endpoint was deleted behind the cluster's back; the entry stays
        /// until somebody deletes it.
        Stale = "STATUS_STALE",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ConnectionStatus, String> {
        serde_json::from_value(serde_json::Value::String(text.to_owned()))
            .map_err(|e| e.to_string())
    }

    #[test]
    fn a_scenario_may_write_a_word_short_or_as_on_the_wire() {
        assert_eq!(
            read("pending_acceptance"),
            Ok(ConnectionStatus::PendingAcceptance)
        );
        assert_eq!(
            read("STATUS_PENDING_ACCEPTANCE"),
            Ok(ConnectionStatus::PendingAcceptance)
        );
    }

    #[test]
    fn an_unknown_word_must_be_written_in_capitals() {
        let word = ConnectionStatus::Unknown("STATUS_SOMETHING_NEW".to_owned());
        assert_eq!(read("STATUS_SOMETHING_NEW"), Ok(word));
        assert!(read("pendng").is_err_and(|error| error.contains("STATUS_PENDING")));
    }
}
