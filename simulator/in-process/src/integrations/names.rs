//! Which integrations there are, and the names of their members and errors.

use simulator::ApiError;

use super::Failed;

/// The id of every request; nobody needs to tell them apart.
pub(super) const REQUEST_ID: &str = "00000000-0000-4000-8000-000000000000";

/// A service as Step Functions sees it.
#[derive(Debug)]
pub(super) struct Service {
    /// Its name in resources and actions.
    pub(super) name: &'static str,
    /// What the names of its errors begin with.
    pub(super) prefix: &'static str,
    /// Its name in causes.
    in_causes: &'static str,
    /// The exception for errors that have none of their own.
    general: &'static str,
    /// The codes that have an exception of their own, which is called like the
    /// code, with `Exception` at its end.
    modeled: &'static [&'static str],
}

const SERVICES: [Service; 2] = [
    Service {
        name: "dynamodb",
        prefix: "DynamoDB",
        in_causes: "AmazonDynamoDBv2",
        general: "AmazonDynamoDBException",
        modeled: &[
            "ConditionalCheckFailedException",
            "InternalServerError",
            "ItemCollectionSizeLimitExceededException",
            "ProvisionedThroughputExceededException",
            "RequestLimitExceeded",
            "ResourceNotFoundException",
            "TransactionConflictException",
        ],
    },
    Service {
        name: "events",
        prefix: "EventBridge",
        in_causes: "AmazonEventBridge",
        general: "AmazonEventBridgeException",
        modeled: &[
            "ConcurrentModificationException",
            "InternalException",
            "ResourceNotFoundException",
        ],
    },
];

const OPERATIONS: [(&str, &str, &str); 5] = [
    ("dynamodb", "getItem", "GetItem"),
    ("dynamodb", "putItem", "PutItem"),
    ("dynamodb", "updateItem", "UpdateItem"),
    ("dynamodb", "deleteItem", "DeleteItem"),
    ("events", "putEvents", "PutEvents"),
];

/// The service and the operation that a resource names, if it is known.
pub(super) fn known(resource: &str) -> Option<(&'static Service, &'static str)> {
    let (service, action) = resource
        .strip_prefix("arn:aws:states:::")?
        .split_once(':')?;
    let (_, _, operation) = OPERATIONS
        .iter()
        .find(|(of, name, _)| (*of, *name) == (service, action))?;
    let service = SERVICES.iter().find(|known| known.name == service)?;
    Some((service, operation))
}

/// The arguments that the integration takes; of those of the API some are left
/// out (developer guide, pages of the optimized integrations).
pub(super) fn members(service: &Service, operation: &str) -> &'static [&'static str] {
    match (service.name, operation) {
        ("dynamodb", "GetItem") => &[
            "TableName",
            "Key",
            "ConsistentRead",
            "ExpressionAttributeNames",
            "ProjectionExpression",
            "ReturnConsumedCapacity",
        ],
        ("dynamodb", "PutItem") => &[
            "TableName",
            "Item",
            "ConditionExpression",
            "ExpressionAttributeNames",
            "ExpressionAttributeValues",
            "ReturnConsumedCapacity",
            "ReturnItemCollectionMetrics",
            "ReturnValues",
        ],
        ("dynamodb", _) => &[
            "TableName",
            "Key",
            // Of DeleteItem, the world refuses it.
            "UpdateExpression",
            "ConditionExpression",
            "ExpressionAttributeNames",
            "ExpressionAttributeValues",
            "ReturnConsumedCapacity",
            "ReturnItemCollectionMetrics",
            "ReturnValues",
        ],
        _ => &["Entries"],
    }
}

impl Service {
    /// An error of the service as the definition sees it.
    pub(super) fn failed(&self, error: &ApiError) -> Failed {
        let ApiError {
            status,
            code,
            message,
            ..
        } = error;
        let exception = if self.modeled.contains(&code.as_str()) {
            let end = if code.ends_with("Exception") {
                ""
            } else {
                "Exception"
            };
            format!("{code}{end}")
        } else {
            self.general.to_owned()
        };
        let cause = format!(
            "{message} (Service: {}; Status Code: {status}; Error Code: {code}; Request ID: \
             {REQUEST_ID}; Proxy: null)",
            self.in_causes
        );
        (format!("{}.{exception}", self.prefix), cause)
    }
}
