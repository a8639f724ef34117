//! Every failure that a user can meet: a stable code, its cause and its fix.
//!
//! Codes are interface: people search for them, alarms filter by them. A code
//! is never renamed or given another meaning; `docs/errors.md` is generated
//! from this table.

use crate::StepErrorName::{self, Denied, InvalidInput, Rejected, Transient, Unexpected};

macro_rules! catalogue {
    ($($variant:ident = $code:literal, $name:ident, $cause:literal, $fix:literal;)*) => {
        /// The stable code of a failure.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $cause] $variant,)*
        }

        impl Code {
            /// All codes, in the order of the story.
            pub const ALL: &'static [Code] = &[$(Code::$variant),*];

            /// The code as people see it.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $code,)* }
            }

            /// What the definition does next.
            pub fn name(self) -> StepErrorName {
                match self { $(Code::$variant => $name,)* }
            }

            /// What is the case, in general. The message says what it was this time.
            pub fn cause(self) -> &'static str {
                match self { $(Code::$variant => $cause,)* }
            }

            /// What the reader can do.
            pub fn fix(self) -> &'static str {
                match self { $(Code::$variant => $fix,)* }
            }
        }
    };
}

catalogue! {
    // The request.
    InvalidRequest = "invalid-request", InvalidInput,
        "A field of the request is missing, unknown or breaks its rule.",
        "Correct the field that the message names; the schema is docs/provision-request.schema.json.";

    ClusterNotAllowed = "cluster-not-allowed", InvalidInput,
        "This installation may not connect to the cluster.",
        "Correct the cluster id, or have the operator of the stack add it to AllowedClusters (ALLOWED_CLUSTERS).";
    AccountNotAllowed = "account-not-allowed", InvalidInput,
        "This installation may not reach the AWS account.",
        "Correct account_id, or have the operator of the stack add the account to OtherAccounts (OTHER_ACCOUNTS).";
    SourceNotAllowed = "source-not-allowed", InvalidInput,
        "A source is outside what this installation allows: a network in none of the allowed ones, or very wide and not allowed by name; or a prefix list or a group of another account that is not allowed by name.",
        "Name other sources or narrower networks (sources.cidrs), or have the operator of the stack add the network, the id of the prefix list, or the account of the group to AllowedSources (ALLOWED_SOURCES).";
    TagValueInvalid = "tag-value-invalid", InvalidInput,
        "A tag on the VPC that asks for a connection, or on a subnet that says whether it is to be used, has a value that cannot be read, or a key that is unknown or in another case.",
        "Correct the tag that the message names. Until then, nothing is connected or removed because of it.";
    AskedForByTag = "asked-for-by-tag", InvalidInput,
        "A tag on the VPC asks for the connection, so a call cannot change or remove it.",
        "Change the VPC's tags. Taking the cluster's id out of the tag (`aws ec2 delete-tags` or `create-tags`) removes the connection.";
    AskedForByCall = "asked-for-by-call", InvalidInput,
        "The connection was asked for by a call, so the VPC's tags cannot change or remove it.",
        "Change it by a call. Or remove it by a call and leave the cluster's id in the tag.";

    AccountDiffers = "account-differs", InvalidInput,
        "The connection is in another account than the request names.",
        "Correct account_id. If that account is lost and you want the connection to be forgotten, remove it first.";
    ConnectionBusy = "connection-busy", Rejected,
        "Another execution was changing this VPC's connections and had not ended when the limit was reached.",
        "Wait until that execution has ended (the table of leases names it), then run again, or raise limits.lease_seconds.";
    Interrupted = "interrupted", Rejected,
        "Whoever ran the command stopped it, by Ctrl-C, SIGTERM or SIGHUP.",
        "Run it again to go on: what is there by now is found by its tags.";
    ConnectionProtected = "connection-protected", Rejected,
        "The connection is protected, so it was not removed. Nothing was changed.",
        "Ask whoever protects it. Then take the protection off (connect again without protect, or remove the tag that the message names), or remove the connection with force. Where the VPC's tags lost protect and the cluster's id at once, set protect to false there, or name the cluster again.";

    ConnectionCarriesTraffic = "connection-carries-traffic", Rejected,
        "The connection was to be removed only if it carries no traffic, and it carried some. Nothing was changed.",
        "Find who uses it (the VPC's flow logs name them) and move them first, or remove it with force.";
    TrafficUnknown = "traffic-unknown", Rejected,
        "The connection was to be removed only if it carries no traffic, and that could not be found out. Nothing was changed.",
        "Grant cloudwatch:ListMetrics and cloudwatch:GetMetricData in the VPC's account, as the templates do, and run again; or ask without unless_traffic_minutes, or with force.";

    // The HTTP API.
    ConnectionNotFound = "connection-not-found", InvalidInput,
        "The ledger has no such connection: it was never asked for, it has been removed, or its execution has not begun yet.",
        "Check the id. If it was asked for a moment ago, ask again: its first record follows within seconds. GET /connections lists all.";
    IdempotencyKeyReused = "idempotency-key-reused", InvalidInput,
        "The Idempotency-Key was used before, for another request.",
        "Send a new key with a new request; a key is remembered for 90 days.";
    CallerNotInGroup = "caller-not-in-group", Denied,
        "The API answers only members of one group of the user pool, and the token does not name that group.",
        "Ask an administrator of the user pool to add you to the group that the message names, then get a new token.";
    ResourceNotFound = "resource-not-found", InvalidInput,
        "The API has nothing under this path.",
        "Check method and path against infra/openapi.yaml.";
    MethodNotAllowed = "method-not-allowed", InvalidInput,
        "The API has something under this path, but not for this method.",
        "Use one of the methods that the header Allow lists.";
    UnsupportedMediaType = "unsupported-media-type", InvalidInput,
        "The body of the call is not declared as JSON.",
        "Send JSON, with the header Content-Type: application/json.";

    // The cluster.
    ClusterNotFound = "cluster-not-found", InvalidInput,
        "The Cloud API shows no such cluster to this API key. Whether there is none, or the key is of another organization or has lost its role, the answer does not tell.",
        "Check the cluster id (the UUID in the Cloud Console's address bar), and that the key belongs to the cluster's organization and has a role on the cluster; then run again. If you want a connection removed and know that its cluster is gone, remove it with cluster_is_gone.";
    ClusterNotOnAws = "cluster-not-on-aws", InvalidInput,
        "The cluster does not run on AWS.",
        "Use Private Service Connect on GCP or Private Link on Azure; this tool connects VPCs to clusters on AWS.";
    ClusterPlanWithoutPrivatelink = "cluster-plan-without-privatelink", InvalidInput,
        "The cluster's plan (Basic) does not offer AWS PrivateLink.",
        "Move the cluster to the Standard or Advanced plan, then run again.";
    ClusterNotInRegion = "cluster-not-in-region", InvalidInput,
        "The cluster has no nodes in the requested Region, and so no endpoint service there.",
        "Ask for one of the Regions that the message lists, or add the Region to the cluster.";
    ClusterDeleted = "cluster-deleted", InvalidInput,
        "The cluster has been deleted.",
        "Use the id of a cluster that exists.";
    ClusterCreationFailed = "cluster-creation-failed", Rejected,
        "The cluster itself could not be created.",
        "Look at the cluster in the Cloud Console. Once it is healthy, run again.";
    ClusterNotReadyInTime = "cluster-not-ready-in-time", Rejected,
        "The cluster was still being created or locked by another operation when the limit was reached.",
        "Wait until the cluster is idle in the Cloud Console and run again, or raise limits.cluster_seconds.";
    ServiceCreationFailed = "service-creation-failed", Rejected,
        "CockroachDB Cloud could not create the cluster's private endpoint service, or is removing it.",
        "Open a support ticket with Cockroach Labs, naming the cluster and the Region; the API gives no reason.";
    ServiceNotReadyInTime = "service-not-ready-in-time", Rejected,
        "The cluster's private endpoint service was not available when the limit was reached.",
        "Look at Networking > Private endpoint in the Cloud Console and run again, or raise limits.cluster_seconds.";
    AccountNotTrusted = "account-not-trusted", InvalidInput,
        "The cluster keeps a list of trusted endpoint owners and the VPC's AWS account is not on it.",
        "Add the account to the cluster's trusted owners, or run again with add_trusted_owner (the API key then needs the role Cluster Admin).";
    PrivateHostUnknown = "private-host-unknown", InvalidInput,
        "Neither the cluster nor its endpoint service names a private host for the Region.",
        "Check internal_dns of the cluster's Region in the Cloud API; if it stays empty, ask Cockroach Labs support, or connect without private DNS.";

    // The network.
    VpcNotFound = "vpc-not-found", InvalidInput,
        "There is no such VPC in this account and Region.",
        "Check vpc_id, region and the account of your AWS credentials.";
    VpcInOtherAccount = "vpc-in-other-account", InvalidInput,
        "The VPC does not belong to the AWS account that the request names.",
        "Correct account_id, or use credentials of the account that owns the VPC.";
    VpcShared = "vpc-shared", InvalidInput,
        "The VPC belongs to another AWS account, which only shares it (AWS RAM) with the one that asks. Interface endpoints in it are the owner's to make.",
        "Ask with the owner's account, which the message names, as account_id. The stack needs a role there (parameter OtherAccountRole); the command needs credentials of that account.";
    VpcDnsSupportDisabled = "vpc-dns-support-disabled", InvalidInput,
        "Private DNS needs the VPC attribute enableDnsSupport, and it is off.",
        "Run `aws ec2 modify-vpc-attribute --enable-dns-support Value=true --vpc-id` and the VPC's id, or connect with private_dns false.";
    VpcDnsHostnamesDisabled = "vpc-dns-hostnames-disabled", InvalidInput,
        "Private DNS needs the VPC attribute enableDnsHostnames, and it is off.",
        "Run `aws ec2 modify-vpc-attribute --enable-dns-hostnames Value=true --vpc-id` and the VPC's id, or connect with private_dns false.";
    ServiceNotVisible = "service-not-visible", InvalidInput,
        "EC2 knows no endpoint service of this name in this Region, or this account may not use it.",
        "Check that the VPC is in the cluster's Region and that the account is a trusted owner of the cluster; permissions on the service can take minutes to arrive.";
    NoSubnetInServiceZones = "no-subnet-in-service-zones", InvalidInput,
        "None of the VPC's subnets is in an Availability Zone that the endpoint service offers.",
        "Create a subnet in one of the zones that the message lists, by zone id: zone names differ between accounts.";
    SubnetsNotReadyInTime = "subnets-not-ready-in-time", Rejected,
        "The VPC had no usable subnet when the limit was reached.",
        "Create the subnets and run again, or raise limits.network_seconds.";
    SubnetNotFound = "subnet-not-found", InvalidInput,
        "A subnet of the request does not exist in the VPC.",
        "Correct subnet_ids, or leave it out: then one subnet in each zone is chosen.";
    SubnetZoneNotOffered = "subnet-zone-not-offered", InvalidInput,
        "A subnet is in a zone where the endpoint service is not offered.",
        "Choose subnets in the zones that the message lists, by zone id.";
    SubnetsShareZone = "subnets-share-zone", InvalidInput,
        "Two subnets of the request are in the same Availability Zone; an endpoint takes one in each zone.",
        "Keep one subnet for each zone in subnet_ids.";
    OnlyZoneSwapped = "only-zone-swapped", InvalidInput,
        "The endpoint is in one zone only, and another subnet of that zone is to take its place, by the request or because a tag shuts out the present one. EC2 allows one subnet for each zone, so the connection would have none for some minutes.",
        "Ask for the new subnet together with one of another zone (subnet_ids); when that execution is ready, ask without the other one. Or disconnect and connect again.";
    SubnetUnusable = "subnet-unusable", InvalidInput,
        "A subnet cannot take the endpoint's network interface: no free address, not available, IPv6 only, or on an Outpost; or tags shut out all subnets that could.",
        "Free addresses in the subnet, or choose or add another one of the same zone that has IPv4 addresses and is not on an Outpost; or change the tag on a subnet that shuts it out.";
    NoFreeAddresses = "no-free-addresses", InvalidInput,
        "No subnet in the service's zones can be used: one at least has no free address, and the message says what is wrong with the others.",
        "Free some addresses or add a subnet in one of the zones that the message lists; or change the tag on a subnet that shuts it out.";
    TooManySources = "too-many-sources", InvalidInput,
        "The security group would have more inbound rules of an address family than its quota allows, or the connection more sources than an execution can carry. Rules that the group has already count too, and a prefix list counts for as many rules as it may have entries; while a connection is changed, so do those that go in the end.",
        "Give fewer, larger networks in sources.cidrs, or have the quota L-0EA8095F (inbound or outbound rules per security group) raised in the VPC's account and Region, then run again.";
    SourceGroupNotFound = "source-group-not-found", InvalidInput,
        "A security group that is named as a source does not exist in the account that it is looked for in (the VPC's own, unless another one stands before it), or nothing connects its VPC with this one, such as an active peering within the Region.",
        "Correct sources.security_group_ids. A group of another account is written with that account before it, as in 222222222222/sg-0123456789abcdef0; without a peering between the VPCs, name networks in sources.cidrs instead.";
    PrefixListNotFound = "prefix-list-not-found", InvalidInput,
        "A prefix list that is named as a source does not exist in the VPC's Region, or is not shared with the VPC's account.",
        "Correct sources.prefix_list_ids (`aws ec2 describe-managed-prefix-lists` shows those that can be named), or have the list's owner share it with the VPC's account (AWS RAM).";
    EndpointQuotaReached = "endpoint-quota-reached", InvalidInput,
        "The VPC holds as many interface endpoints as its quota allows.",
        "Delete unused endpoints or have the quota L-29B6F2EB (interface endpoints per VPC) raised, then run again.";
    SecurityGroupQuotaReached = "security-group-quota-reached", InvalidInput,
        "The account's quota of security groups in the Region, or of groups on one network interface, is used up.",
        "Delete unused security groups or have the quota raised (L-E79EC296, security groups per Region; L-2AFB9258, per network interface), then run again.";
    NetworkInterfaceQuotaReached = "network-interface-quota-reached", InvalidInput,
        "The account's quota of network interfaces in the Region is used up.",
        "Delete unused network interfaces or have the quota L-DF5E4CA3 (network interfaces per Region) raised, then run again.";
    TagLimitReached = "tag-limit-reached", InvalidInput,
        "The VPC has 50 tags, as many as AWS allows, so the outcome cannot be written there.",
        "Remove a tag that nobody needs. The connection itself is not affected.";
    SecurityGroupNameTaken = "security-group-name-taken", InvalidInput,
        "The VPC has a security group with the name that we use and without our tags.",
        "Delete that group (EC2 cannot rename one); this tool never changes what it does not own.";
    ExistingEndpointUnusable = "existing-endpoint-unusable", InvalidInput,
        "The VPC has an endpoint to this service that this tool did not make, or whose security group was deleted, and that cannot be used as it is.",
        "Do what the message says to that endpoint, or delete it; then run again.";
    PrivateDnsConflict = "private-dns-conflict", InvalidInput,
        "Another endpoint with private DNS, or a Route 53 private hosted zone, of the VPC or of its Profile, already answers for the cluster's host in this VPC.",
        "Switch private DNS off on the other endpoint, or delete that endpoint if it was rejected and carries no traffic; or disassociate the hosted zone from the VPC, or take it out of the Profile; or connect with private_dns false.";
    PrivateDnsNotOffered = "private-dns-not-offered", InvalidInput,
        "The endpoint service has no verified private DNS name.",
        "Ask Cockroach Labs support to have the name verified, or connect with private_dns false.";

    // Credentials and permissions.
    AwsAccessDenied = "aws-access-denied", Denied,
        "AWS denied a call because a permission is missing.",
        "Grant the action that the message names (and route53:AssociateVPCWithHostedZone for private DNS), or take off the deny: for a function deploy the templates again, in the VPC's account too; for the command see to your own role. `aws sts decode-authorization-message` decodes an encoded message.";
    AwsDeniedByOrganization = "aws-denied-by-organization", Denied,
        "A policy of the AWS organization (a service control policy or a resource control policy) forbids the call. No permission within the account can allow it.",
        "Have whoever administers the organization allow the action that the message names, in this account and Region. If the policy demands tags, give them: tags in the request, or the stack's parameter ResourceTags.";
    AwsDeniedByBoundary = "aws-denied-by-boundary", Denied,
        "The permissions boundary of the role or user that asked does not allow the call.",
        "Have whoever owns the boundary allow the action that the message names. The roles of the stack have the boundary of its parameter PermissionsBoundary, the role in another account that of the same parameter there.";
    AwsDeniedBySession = "aws-denied-by-session", Denied,
        "The session policy with which the role was assumed does not allow the call.",
        "For the command, assume the role with a session policy that allows the action that the message names, or without one. A function limits its own session in another account to what it does: deploy the stack again, and report it as a bug if that does not help.";
    AwsDeniedByEndpoint = "aws-denied-by-endpoint", Denied,
        "The policy of the VPC endpoint by which AWS was asked does not allow the call.",
        "Allow the action that the message names in the policy of that endpoint: it is in the VPC in which the functions run (parameter SubnetIds), or in the network of the machine that runs the command.";
    AwsCredentialsInvalid = "aws-credentials-invalid", Denied,
        "AWS did not accept the credentials: missing, expired, wrong, or not known in this Region.",
        "If `aws sts get-caller-identity --region us-east-1` answers, they are good, and the Region that the message names is not enabled. If not, sign in again (`aws sso login`, `aws login`) or renew the keys. Lambda renews those of functions: there run again.";
    AwsClockDiffers = "aws-clock-differs", Denied,
        "AWS did not accept the time at which the request was signed: the clock of the machine is minutes off, or the credentials have expired.",
        "Set the clock of the machine that runs the command (by NTP). If it is right, renew your AWS credentials. A function has clock and credentials from Lambda: there run again.";
    AwsRegionNotEnabled = "aws-region-not-enabled", Denied,
        "The Region that the message names is not enabled in the AWS account, so that AWS does not know the account's credentials there.",
        "Correct the Region, or enable it in that account (console, Account, AWS Regions; it can take hours). If STS refused, activate it for the Region (IAM, Account settings). If it is enabled, the session is of the global endpoint of STS and not valid there: get it with AWS_STS_REGIONAL_ENDPOINTS=regional.";
    AwsAccountInactive = "aws-account-inactive", Denied,
        "AWS does not serve the account: it is suspended or blocked, or new and not verified yet, or has not signed up for the service.",
        "Have whoever owns the account look into its billing and its messages from AWS, or ask AWS Support; then run again. If the account is in use otherwise, check whether the Region is enabled in it.";
    AccountNotConfigured = "account-not-configured", Denied,
        "The VPC is in another AWS account than the functions, and no role to assume there is configured.",
        "Create the role in that account, name it in the stack's parameter OtherAccountRole (the variable OTHER_ACCOUNT_ROLE of a function) and run again; or correct account_id.";
    OtherAccountRoleRefused = "other-account-role-refused", Denied,
        "AWS did not let the role in the VPC's account be assumed.",
        "Check in that account that the role exists, that its trust policy names the role of the function that failed, and that it asks for the external id that is configured (OtherAccountExternalId, OTHER_ACCOUNT_EXTERNAL_ID).";
    SecretNotFound = "secret-not-found", Denied,
        "The secret with the Cloud API key does not exist.",
        "Create it with the key, by `read -rs KEY; printf %s \"$KEY\" | aws secretsmanager create-secret --secret-string file:///dev/stdin --name` and the name that the message gives; or correct the name that is configured (API_KEY_SECRET).";
    SecretEmpty = "secret-empty", Denied,
        "The secret for the Cloud API key exists, but has no value yet.",
        "Put the key into it, by `read -rs KEY; printf %s \"$KEY\" | aws secretsmanager put-secret-value --secret-string file:///dev/stdin --secret-id` and the name that the message gives.";
    SecretUnreadable = "secret-unreadable", Denied,
        "The secret with the Cloud API key cannot be read or decrypted, or holds no key.",
        "Grant secretsmanager:GetSecretValue (and kms:Decrypt for a KMS key of your own); the value must be the key itself, or JSON that has it in the field api_key or in its only field.";
    ApiKeyRefused = "api-key-refused", Denied,
        "The Cloud API did not accept the API key.",
        "Create a key for a service account in the Cloud Console (Access Management) and put it into the secret.";
    ApiKeyLacksRole = "api-key-lacks-role", Denied,
        "The API key's service account does not have the role for this call.",
        "Give the service account the role Cluster Operator on this cluster (Cluster Admin to change trusted owners).";

    // The stack.
    ConfigurationInvalid = "configuration-invalid", Denied,
        "A setting of a function (an environment variable, or what its definition tells it) is missing or malformed.",
        "Correct what the message names. The stack sets all of them from its parameters, so deploy it again if something was changed by hand.";
    LedgerTableNotFound = "ledger-table-not-found", Denied,
        "A table of the ledger does not exist in the account and Region of the functions.",
        "Deploy the stack again; CONNECTIONS_TABLE and LEASES_TABLE must name its tables.";
    LedgerItemUnreadable = "ledger-item-unreadable", Unexpected,
        "An item in the table of connections cannot be read: it was edited by hand, or written by another version.",
        "Correct the attribute that the message names, or delete the item and connect again: what exists is found and used.";
    MachineNotFound = "machine-not-found", Denied,
        "A state machine that was to be started does not exist in the account and Region of the functions.",
        "Deploy the stack again; PROVISION_MACHINE, DEPROVISION_MACHINE and CHECK_FLEET_MACHINE must be the ARNs of its state machines.";

    // Nobody on the other side was reached.
    CertificateNotTrusted = "certificate-not-trusted", Denied,
        "The certificate that came for the host is not trusted. As a rule a proxy that inspects TLS has put its own in place of that of AWS or the Cloud API.",
        "Give the certificates of your company's authority, in PEM form: for the command, the path of the file in AWS_CA_BUNDLE; for the functions, a layer in the stack's parameter CaBundleLayer. If the message says that it has expired or is not valid yet, look at the clock of the machine.";
    HostUnreachable = "host-unreachable", Transient,
        "No connection to the host came about: its name is not resolved, or nothing leads there, also when asked again.",
        "Functions in a VPC (parameter SubnetIds) need a NAT gateway, or for AWS interface endpoints with private DNS, and TCP 443 let out; docs/network.md lists the hosts. For the command, see to DNS and firewall of the machine; behind a proxy, name it in HTTPS_PROXY.";
    ProxyRefused = "proxy-refused", Transient,
        "The proxy that the environment names (HTTPS_PROXY) made no connection to the host, also when asked again.",
        "Have the proxy let the host through that the message names, or correct HTTPS_PROXY with user and password if it wants them; NO_PROXY names hosts that are reached without it.";

    // The other side is busy or silent.
    AwsThrottled = "aws-throttled", Transient,
        "AWS throttled the calls of this account, also when asked again.",
        "Run again later; see which other automation calls EC2 in this account and Region.";
    AwsUnavailable = "aws-unavailable", Transient,
        "AWS answered with a server error, with something that cannot be read, or not at all.",
        "Run again later; see the AWS Health Dashboard. If an answer could not be read, check whether a proxy is in between.";
    AwsResourceBusy = "aws-resource-busy", Transient,
        "An AWS resource was changing its state, or was not visible yet, also when asked again.",
        "Run again in a few minutes.";
    CloudRateLimited = "cloud-rate-limited", Transient,
        "The Cloud API limited the rate of this API key (10 requests a second), also when asked again.",
        "Run again later; give each application a service account and key of its own.";
    CloudUnavailable = "cloud-unavailable", Transient,
        "The Cloud API answered with a server error, with something that cannot be read, or not at all.",
        "Run again later; see the CockroachDB Cloud status page. If an answer could not be read, check whether a proxy is in between.";
    ClusterBusy = "cluster-busy", Transient,
        "Another operation kept the cluster locked, or changed the same at the same time, also when asked again.",
        "Wait until the operation that the Cloud Console shows has ended, then run again.";

    // The endpoint and its registration.
    EndpointRejected = "endpoint-rejected", Rejected,
        "The cluster's side rejected the endpoint connection.",
        "Check the cluster's trusted owners and private endpoint connections in the Cloud Console, then run again: a new endpoint is made.";
    EndpointFailed = "endpoint-failed", Rejected,
        "AWS could not build the endpoint.",
        "Put right what the message gives as the reason, then run again: a new endpoint is made.";
    EndpointExpired = "endpoint-expired", Rejected,
        "The endpoint was not accepted before AWS let the request expire.",
        "Run again: a new endpoint is made and registered.";
    EndpointGone = "endpoint-gone", Rejected,
        "The endpoint was deleted by somebody else.",
        "Find out who deleted it (CloudTrail, DeleteVpcEndpoints), then run again.";
    EndpointNotAcceptedInTime = "endpoint-not-accepted-in-time", Rejected,
        "The endpoint and its private endpoint connection were not both available when the limit was reached.",
        "Look at both consoles for the state that the message names; run again, or raise limits.acceptance_seconds.";
    RegistrationRefused = "registration-refused", Rejected,
        "The Cloud API refused to register the endpoint, also when asked again.",
        "Read the reason in the message; usually the account is not trusted or the endpoint belongs to another cluster's service.";
    RegistrationFailed = "registration-failed", Rejected,
        "CockroachDB Cloud could not set up the private endpoint connection.",
        "Run again: a new endpoint is made and registered; an adopted endpoint must be deleted by hand first. If it persists, ask Cockroach Labs support.";
    RegistrationExpired = "registration-expired", Rejected,
        "CockroachDB Cloud did not see the endpoint in time and gave up its private endpoint connection.",
        "Run again: a new endpoint is made and registered; an adopted endpoint must be deleted by hand first.";
    RegistrationStale = "registration-stale", Rejected,
        "CockroachDB Cloud says that the endpoint was deleted on the AWS side.",
        "Find out who deleted it (CloudTrail, DeleteVpcEndpoints), then run again.";
    RegistrationNotAcceptedInTime = "registration-not-accepted-in-time", Rejected,
        "An earlier private endpoint connection of the endpoint was still being removed when the limit was reached.",
        "Wait until it is gone in the Cloud Console, then run again, or raise limits.registration_seconds.";
    PrivateDnsNotReadyInTime = "private-dns-not-ready-in-time", Rejected,
        "Private DNS was switched on, but the endpoint was not available again when the limit was reached.",
        "Run again, or raise limits.private_dns_seconds.";

    SecurityGroupNotVisibleInTime = "security-group-not-visible-in-time", Rejected,
        "EC2 created the security group, but did not show it before the limit was reached.",
        "Run again in a few minutes, or raise limits.security_group_seconds.";

    // Drift: what a check of a connection that worked can find, besides the above.
    EndpointOfOtherService = "endpoint-of-other-service", Rejected,
        "The connection's endpoint does not lead to the cluster's endpoint service, which may have been replaced since.",
        "Disconnect, then connect again: a new endpoint is made. One that was adopted, or that others use too, is not deleted with the connection.";
    EndpointSubnetsChanged = "endpoint-subnets-changed", Rejected,
        "The endpoint has lost subnets that were asked for, and with them its addresses in their zones.",
        "Connect again: the endpoint gets them back. If it is in no subnet any more, disconnect first.";
    EndpointLacksZone = "endpoint-lacks-zone", Rejected,
        "The VPC has a subnet in a zone that the cluster's service offers, and the endpoint is not in that zone: the subnet or the zone came after the endpoint. Clients there reach the cluster through another zone.",
        "Connect again with the same request: the endpoint gets a subnet in each such zone, which is billed. If it is not to be there, name its subnets in subnet_ids, or shut the new subnet out by its tag (cockroachdb-privatelink:subnet, or with the stack's TagPrefix, with the value false).";
    EndpointInShutOutSubnet = "endpoint-in-shut-out-subnet", Rejected,
        "The endpoint is in a subnet that was shut out by its tag (cockroachdb-privatelink:subnet, or with the stack's TagPrefix, with the value false) after it was chosen.",
        "Connect again with the same request: the endpoint is led to another subnet of that zone, or out of the zone if it has none. If it is to stay there, take the tag off the subnet, or name it in subnet_ids.";
    OwnershipTagsMissing = "ownership-tags-missing", Rejected,
        "The endpoint has lost the tags that say whose it is, so it would be left behind when the connection is removed.",
        "Connect again: the tags are put back, and the endpoint counts as adopted, so it stays when the connection is removed. If it is to go with it, set its tag cockroachdb-privatelink:origin to made. Find out who removed the tags (CloudTrail, DeleteTags): Terraform removes tags that it did not set.";
    PrivateDnsSwitchedOff = "private-dns-switched-off", Rejected,
        "Somebody switched off private DNS of the endpoint: the cluster's private host does not resolve in the VPC any more.",
        "Connect again: private DNS is switched on.";
    SecurityGroupDetached = "security-group-detached", Rejected,
        "The connection's security group is not on the endpoint any more, so its rules have no effect.",
        "Connect again: the group is put back; groups that were added stay on. If it was deleted, the endpoint goes on with the groups that it has, as far as they let in what was asked for. Find out who took it off (CloudTrail, ModifyVpcEndpoint).";
    SecurityGroupRuleMissing = "security-group-rule-missing", Rejected,
        "The endpoint's security group does not let in all that was asked for on TCP 26257: a rule was removed, or a network was added to the VPC. Where an adopted endpoint lets in a prefix list, this is not known, because what is on the list is not looked at.",
        "Connect again: missing rules are added. Find out who removed them (CloudTrail, RevokeSecurityGroupIngress).";
    SecurityGroupRuleUnplanned = "security-group-rule-unplanned", Rejected,
        "The connection's security group lets in more than was asked for. The connection works, so this is only reported.",
        "Remove the rule that the message names, unless somebody needs it.";
    NetworkAclShutsOut = "network-acl-shuts-out", Rejected,
        "A network ACL of the endpoint's subnets does not let TCP 26257 in, or the answers to ports 1024 to 65535 out, for networks that clients may come from. It was not so, or was not told, when the VPC was connected. It is only reported, because there may be no clients there.",
        "Ask whoever changed the ACL (CloudTrail: CreateNetworkAclEntry, ReplaceNetworkAclEntry, DeleteNetworkAclEntry, ReplaceNetworkAclAssociation). Let in TCP 26257 from the networks of your clients, and TCP 1024-65535 out to them.";
    DnsServersOfOwn = "dns-servers-of-own", Rejected,
        "The VPC's DHCP options name other DNS servers than Amazon's, or none. It was not so, or was not told, when the VPC was connected. Private DNS is known to the Route 53 Resolver of the VPC alone. It is only reported, because these servers may forward to it.",
        "Have these DNS servers forward the cluster's private host to the Route 53 Resolver of the VPC (its address is the base of the VPC's network plus two; from outside of the VPC, an inbound endpoint of the Resolver), or name AmazonProvidedDNS in the DHCP options.";
    ResolverRuleTakesName = "resolver-rule-takes-name", Rejected,
        "A Resolver rule of Route 53, of the VPC or of its Profile, forwards queries for the cluster's private host to other DNS servers, in place of private DNS. It was not so, or was not told, when the VPC was connected.",
        "Disassociate the rule from the VPC, or take it out of the Profile; or associate a system rule for the private host with the VPC. If the servers know the addresses of the endpoint, connect again: the execution notes the rule, and checks say no more of it.";
    RegistrationGone = "registration-gone", Rejected,
        "The cluster does not know the endpoint any more: somebody removed its private endpoint connection.",
        "Connect again: the endpoint is registered anew. Find out who removed it (audit log of the Cloud organization).";
    StateNotSettled = "state-not-settled", Rejected,
        "The endpoint or its private endpoint connection is changing, or is in a state that we do not know.",
        "Look at both consoles. If it stays so, disconnect and connect again.";

    // Orphans: what a sweep finds, besides the above.
    OrphanedResources = "orphaned-resources", Rejected,
        "An endpoint or a security group carries the tags of a connection, and the ledger has no such connection, or one that has ended.",
        "Have it removed: `crdb-privatelink sweep --apply`, or the state machine sweep with {\"apply\": true}, or the parameter OnOrphans=remove. If the ledger was lost, rebuild it instead: `crdb-privatelink rebuild`.";
    EntryWithoutResources = "entry-without-resources", Rejected,
        "The ledger has a connection of which nothing is left in its VPC.",
        "Connect again, or disconnect. If it does not work by the ledger either, `crdb-privatelink sweep --apply`, or the state machine sweep with {\"apply\": true}, forgets it. Find out who deleted the endpoint (CloudTrail, DeleteVpcEndpoints).";
    EndpointMadeTwice = "endpoint-made-twice", Rejected,
        "A connection that works has a second endpoint, made by an execution that was lost. Nobody uses it, and it is billed.",
        "Connect again with the same request: an execution that ends ready deletes what nobody can be using. Delete by hand what stays, once you know that nobody uses it.";
    ForeignRegistrationStale = "foreign-registration-stale", Rejected,
        "A cluster still lists an endpoint that was deleted, and nothing proves that this tool made the private endpoint connection, because those carry no tags.",
        "If nobody needs it, remove it by hand: Cloud Console, the cluster, Networking, Private endpoint.";
    TagsOfAnotherVpc = "tags-of-another-vpc", Rejected,
        "By its tags a resource belongs to a connection of another VPC: somebody has copied them.",
        "Remove the tags that begin with cockroachdb-privatelink: from the resource that the message names.";
    LedgerLooksLost = "ledger-looks-lost", Rejected,
        "At least as many connections have our tags and no entry in the ledger as the ledger has entries: it was lost, or belongs to another stack.",
        "Rebuild it from the tags: `crdb-privatelink rebuild --apply`, or the state machine sweep with {\"rebuild\": true, \"apply\": true}. If they really are orphans: `crdb-privatelink sweep --apply --ledger-is-complete`, or {\"apply\": true, \"ledger_is_complete\": true}.";
    SweepIncomplete = "sweep-incomplete", Rejected,
        "Some accounts, Regions or clusters could not be looked at; all others were.",
        "Correct what the message names (a role, a key, a Region that is disabled), then sweep again.";
    ConnectionChanged = "connection-changed", Rejected,
        "Another execution has changed the connection since this one was decided on. Nothing was done.",
        "Nothing to do: the next check or sweep looks at the connection as it is now.";
    LedgerRebuilt = "ledger-rebuilt", Rejected,
        "The entry was rebuilt from tags. Whether the connection works has not been checked yet.",
        "Wait for the next check, or ask for one.";

    // Undoing.
    PrivateDnsNotOffInTime = "private-dns-not-off-in-time", Rejected,
        "Private DNS could not be switched off again before the limit was reached.",
        "Once the endpoint is available, switch private DNS off in the VPC console (Modify private DNS name), or by `aws ec2 modify-vpc-endpoint --no-private-dns-enabled --vpc-endpoint-id` and the id that the message gives.";
    EndpointNotChangedInTime = "endpoint-not-changed-in-time", Rejected,
        "The endpoint did not have the subnets and private DNS that were asked for when the limit was reached.",
        "Look at the endpoint in the VPC console. Once it is available, run again; if it was only slow, raise limits.change_seconds.";
    RegistrationNotGoneInTime = "registration-not-gone-in-time", Rejected,
        "The private endpoint connection was still being removed when the limit was reached.",
        "Remove it under Networking > Private endpoint in the Cloud Console.";
    EndpointNotGoneInTime = "endpoint-not-gone-in-time", Rejected,
        "The endpoint was still being deleted when the limit was reached.",
        "Look at the endpoint in the VPC console, and delete it there if it stays. It is billed until it is gone.";
    SecurityGroupNotGoneInTime = "security-group-not-gone-in-time", Rejected,
        "The security group was still in use when the limit was reached.",
        "Have what the message names let go of the group: an interface that is not going by itself is deleted or given another group by whoever made it. Then run again, or disconnect again: the group is deleted.";
    SecurityGroupReferenced = "security-group-referenced", Rejected,
        "A rule of another security group names the connection's group, and as long as it does, EC2 does not let the group be deleted.",
        "Take the rules that name it out of the groups that the message names, or have their owners do it. Then run again, or disconnect again: the group is deleted.";

    // What should not happen.
    IdempotencyMismatch = "idempotency-mismatch", Unexpected,
        "EC2 knows the request's client token with other parameters: one execution asked for two different endpoints.",
        "Report this as a bug; a new execution uses a new token.";
    UnexpectedAwsAnswer = "unexpected-aws-answer", Unexpected,
        "AWS gave an answer that we do not know.",
        "Read the code and message that AWS gave; report it as a bug if it should have been understood.";
    UnexpectedCloudAnswer = "unexpected-cloud-answer", Unexpected,
        "The Cloud API gave an answer that we do not know.",
        "Read the message that the Cloud API gave; report it as a bug if it should have been understood.";
    StepTimedOut = "step-timed-out", Unexpected,
        "A step did not end within its time limit.",
        "Run again. For private DNS, check the permission route53:AssociateVPCWithHostedZone: without it the call can hang.";
    StepCrashed = "step-crashed", Unexpected,
        "A step ended without an answer: out of memory, killed, or a panic.",
        "Read the log of the function that the message names and report it as a bug.";
    DefinitionError = "definition-error", Unexpected,
        "The definition of the state machine could not go on with the data that it had.",
        "Report this as a bug, with the execution's history.";
}

impl Code {
    /// Where it is explained: the page in `docs`, and the anchor of its heading, which is
    /// that of GitHub for `code (Name)`.
    pub fn place(self) -> String {
        let name = self.name().as_str().to_ascii_lowercase();
        format!("errors.md#{self}-{name}")
    }

    /// The code of that name, if there is one.
    pub fn parse(text: &str) -> Option<Code> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }

    /// Whether the key of the Cloud API is missing, refused, or may too little: a
    /// person must see to it, and until then every run and every check fails.
    pub fn is_about_api_key(self) -> bool {
        matches!(
            self,
            Code::ApiKeyRefused
                | Code::ApiKeyLacksRole
                | Code::SecretNotFound
                | Code::SecretEmpty
                | Code::SecretUnreadable
        )
    }

    /// Whether AWS knows who asks and refuses: an account, a Region or an action is out of
    /// reach. Who asks without valid credentials has learned nothing of that.
    pub fn is_refused_access(self) -> bool {
        matches!(
            self,
            Code::AwsAccessDenied
                | Code::AwsDeniedByOrganization
                | Code::AwsDeniedByBoundary
                | Code::AwsDeniedBySession
                | Code::AwsDeniedByEndpoint
                | Code::AwsRegionNotEnabled
                | Code::AwsAccountInactive
                | Code::AccountNotConfigured
                | Code::OtherAccountRoleRefused
        )
    }

    /// The code for a failure as Step Functions reports it: ours by the prefix of
    /// its message, the service's own by its error name (Step Functions developer
    /// guide, "Handling errors in Step Functions workflows").
    pub fn of_failure(error: &str, message: &str) -> Code {
        let ours = message.split(": ").next().and_then(Code::parse);
        ours.unwrap_or(match error {
            "States.Timeout" | "Sandbox.Timedout" => Code::StepTimedOut,
            "States.QueryEvaluationError"
            | "States.Runtime"
            | "States.NoChoiceMatched"
            | "States.DataLimitExceeded" => Code::DefinitionError,
            _ => Code::StepCrashed,
        })
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The catalogue as a document for readers, `docs/errors.md`.
pub fn document() -> String {
    let mut text = String::from(
        "# Errors\n\n\
         Generated from `functions/shared/src/catalogue.rs`; a test keeps the two together.\n\
         The name in brackets is what the state machine sees and acts on.\n\
         `crdb-privatelink explain CODE` prints one of these. Alarms, phases and health are in [run-book.md](run-book.md).\n",
    );
    for code in Code::ALL {
        text.push_str(&format!(
            "\n## {code} ({})\n\n**Cause:** {}\n\n**Fix:** {}\n",
            code.name().as_str(),
            code.cause(),
            code.fix()
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_unique_and_written_alike() {
        let codes: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(codes.len(), Code::ALL.len());
        for code in codes {
            assert!(
                code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'),
                "{code}"
            );
        }
    }

    /// By their names, so that a new code about the key or its secret is not forgotten.
    #[test]
    fn what_is_about_the_api_key_is_told_by_its_name() {
        for code in Code::ALL {
            let words = code.as_str();
            let expected = words.starts_with("api-key-") || words.starts_with("secret-");
            assert_eq!(code.is_about_api_key(), expected, "{code}");
        }
    }

    /// Whoever is busy or silent is asked again, and nobody else is.
    #[test]
    fn only_what_may_pass_is_transient() {
        let transient = Code::ALL.iter().filter(|code| code.name() == Transient);
        let transient: Vec<&str> = transient.map(|code| code.as_str()).collect();
        assert_eq!(
            transient,
            [
                "host-unreachable",
                "proxy-refused",
                "aws-throttled",
                "aws-unavailable",
                "aws-resource-busy",
                "cloud-rate-limited",
                "cloud-unavailable",
                "cluster-busy",
            ]
        );
    }

    /// Nor the beginning of one, so that nobody completes it on a command line.
    #[test]
    fn no_fix_shows_a_key() {
        for code in Code::ALL {
            let fix = code.fix();
            assert!(!fix.contains("CCDB1_"), "{fix}");
        }
    }

    /// Who reads a fix copies its commands. What they are about is known where the code
    /// is given, and the message tells it.
    #[test]
    fn no_command_in_a_fix_has_a_placeholder() {
        for code in Code::ALL {
            let fix = code.fix();
            // Between backticks, which come in pairs.
            for command in fix.split('`').skip(1).step_by(2) {
                let words = command.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                let shouted = words
                    .filter(|word| word.len() > 1 && word.bytes().all(|b| b.is_ascii_uppercase()));
                // The one variable of the shell, which the command itself reads.
                let placeholders: Vec<&str> = shouted.filter(|word| *word != "KEY").collect();
                assert!(placeholders.is_empty(), "{code}: {placeholders:?} in {fix}");
            }
            assert!(
                !fix.contains("/CLUSTER") && !fix.contains('<'),
                "{code}: {fix}"
            );
        }
    }

    #[test]
    fn every_code_has_a_cause_and_a_fix_in_full_sentences() {
        for code in Code::ALL {
            for text in [code.cause(), code.fix()] {
                assert!(text.ends_with('.') && text.len() > 20, "{code}: {text}");
            }
        }
    }

    #[test]
    fn a_code_is_read_back_from_what_step_functions_keeps() {
        for code in Code::ALL {
            let error = crate::StepError::new(*code, "anything: at all");
            assert_eq!(
                Code::of_failure(error.name().as_str(), &error.to_string()),
                *code
            );
        }
        assert_eq!(
            Code::of_failure("Sandbox.Timedout", "{}"),
            Code::StepTimedOut
        );
        assert_eq!(
            Code::of_failure("Lambda.Unknown", "killed"),
            Code::StepCrashed
        );
        assert_eq!(
            Code::of_failure("States.QueryEvaluationError", ""),
            Code::DefinitionError
        );
    }
}
