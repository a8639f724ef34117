//! EC2 of other accounts: who is asked, and with whose credentials.

use std::time::{Duration, Instant};

use adapters::accounts::Accounts;
use aws_config::SdkConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_credential_types::provider::SharedCredentialsProvider;
use shared::accounts::OtherAccounts;
use shared::ec2::Network;
use shared::place::Place;
use shared::{Code, StepError};
use simulator::scenario::RoleSpec;

use crate::stage::{ACCOUNT, REGION, Stage, VPC, once, parsed, says, setting};
use crate::stub::{Stub, answer, aws, unreadable};

const OTHER: &str = "222233334444";
const VPC_THERE: &str = "vpc-0a00000000000000e";
/// How an error of STS begins.
const ASKED: &str = "STS AssumeRole of arn:aws:iam::222233334444:role/privatelink/worker";

pub(crate) const SECRET_ACCESS_KEY: &str = "simulatedSecretOfTheOtherAccount";

/// Asks for a VPC in another account.
pub(crate) async fn look_around() {
    let stub = Stub::answering([assumed(), no_vpcs()]).await;
    let accounts = Accounts::new(aws(&stub.url()).await, others());
    let ec2 = accounts.ec2(&place(Some(OTHER), REGION)).await.unwrap();
    ec2.vpc(&parsed(VPC)).await.unwrap();
}

/// As the stack sets it up.
fn others() -> OtherAccounts {
    OtherAccounts {
        own: setting("OWN_ACCOUNT", ACCOUNT),
        role: setting("OTHER_ACCOUNT_ROLE", "privatelink/worker"),
        external_id: setting("OTHER_ACCOUNT_EXTERNAL_ID", "one-of-us"),
        allowed: setting("OTHER_ACCOUNTS", "999988887777,222233334444"),
    }
}

fn place(account: Option<&str>, region: &str) -> Place {
    Place {
        account_id: account.map(|account| account.parse().unwrap()),
        region: region.parse().unwrap(),
    }
}

fn assumed() -> String {
    let body = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
        <AssumedRoleUser><AssumedRoleId>AROA1:crdb-privatelink</AssumedRoleId>\
        <Arn>arn:aws:sts::222233334444:assumed-role/worker/crdb-privatelink</Arn></AssumedRoleUser>\
        <Credentials><AccessKeyId>ASIAOTHER</AccessKeyId><SecretAccessKey>simulatedSecretOfTheOtherAccount</SecretAccessKey>\
        <SessionToken>of-the-other</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>\
        </AssumeRoleResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></AssumeRoleResponse>";
    answer(200, "Content-Type: text/xml\r\n", body)
}

/// An error of STS.
pub(crate) fn refused(status: u16, code: &str) -> String {
    let body = format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>why</Message></Error><RequestId>1</RequestId></ErrorResponse>"
    );
    answer(status, "Content-Type: text/xml\r\n", &body)
}

fn no_vpcs() -> String {
    let body =
        "<DescribeVpcsResponse><requestId>1</requestId><vpcSet/></DescribeVpcsResponse>".to_owned();
    answer(200, "Content-Type: text/xml\r\n", &body)
}

fn no_zones() -> String {
    let body = "<ListHostedZonesByVPCResponse><HostedZoneSummaries/><MaxItems>100</MaxItems>\
                </ListHostedZonesByVPCResponse>";
    answer(200, "Content-Type: text/xml\r\n", body)
}

/// Asks for a VPC in the other account.
async fn vpc_error(aws: SdkConfig) -> StepError {
    let accounts = Accounts::new(aws, others());
    let ec2 = accounts.ec2(&place(Some(OTHER), REGION)).await.unwrap();
    ec2.vpc(&parsed(VPC)).await.unwrap_err()
}

/// A world with a VPC in another account and Region, and a role there.
async fn two_accounts() -> Stage {
    Stage::with(|scenario| {
        let mut there = scenario.vpcs[0].clone();
        there.id = VPC_THERE.to_owned();
        there.account = Some(OTHER.to_owned());
        there.region = Some("us-east-1".to_owned());
        (there.subnets, there.groups) = (Vec::new(), Vec::new());
        (there.endpoints, there.peerings) = (Vec::new(), Vec::new());
        there.hosted_zones = vec!["there.example.com".to_owned()];
        scenario.vpcs.push(there);
        scenario.roles.push(RoleSpec {
            account: OTHER.to_owned(),
            name: "privatelink/worker".to_owned(),
            external_id: Some("one-of-us".to_owned()),
        });
    })
    .await
}

#[tokio::test]
async fn a_vpc_of_another_account_is_found_there_and_nowhere_else() {
    let stage = two_accounts().await;
    let accounts = Accounts::new(stage.aws().await, others());
    let vpc = parsed(VPC_THERE);
    let there = accounts
        .ec2(&place(Some(OTHER), "us-east-1"))
        .await
        .unwrap();
    let found = there.vpc(&vpc).await.unwrap().unwrap();
    assert_eq!(found.owner.as_str(), OTHER);
    let zones = there.hosted_zones(&vpc).await.unwrap().unwrap();
    assert_eq!(zones, ["there.example.com"]);
    for elsewhere in [
        place(None, "us-east-1"),
        place(Some(ACCOUNT), "us-east-1"),
        place(Some(OTHER), REGION),
    ] {
        let ec2 = accounts.ec2(&elsewhere).await.unwrap();
        assert_eq!(ec2.vpc(&vpc).await.unwrap(), None, "{elsewhere:?}");
    }
    assert_eq!(stage.count("sts:AssumeRole"), 2, "once for each place");
}

/// The role there may do what all functions need; each asks for its own part of it.
#[tokio::test]
async fn a_function_gets_a_session_for_what_it_does_itself() {
    let stage = two_accounts().await;
    let there = place(Some(OTHER), "us-east-1");
    for function in ["inspect-network", "no-function-of-ours"] {
        let accounts = Accounts::new(stage.aws().await, others()).limited_to(function);
        let ec2 = accounts.ec2(&there).await.unwrap();
        let found = ec2.vpc(&parsed(VPC_THERE)).await;
        assert_eq!(found.is_ok(), function == "inspect-network", "{found:?}");
    }
    let stub = Stub::answering([assumed(), no_vpcs()]).await;
    let accounts = Accounts::new(aws(&stub.url()).await, others()).limited_to("check-status");
    let ec2 = accounts.ec2(&there).await.unwrap();
    ec2.vpc(&parsed(VPC)).await.unwrap();
    let request = stub.requests().remove(0);
    let (_, form) = request.split_once("\r\n\r\n").unwrap();
    let mut form = url::form_urlencoded::parse(form.as_bytes());
    let (_, policy) = form.find(|(name, _)| name == "Policy").unwrap();
    let policy: serde_json::Value = serde_json::from_str(&policy).unwrap();
    assert_eq!(
        policy["Statement"][0]["Action"],
        serde_json::json!(["ec2:DescribeVpcEndpoints"])
    );
}

/// A person's machine does not know it, so STS is asked, and not before it is needed.
#[tokio::test]
async fn the_account_that_acts_is_known_or_asked_for() {
    let stage = two_accounts().await;
    let unset = OtherAccounts {
        own: setting("OWN_ACCOUNT", ""),
        ..others()
    };
    for (others, account, expected, asked) in [
        (others(), Some(OTHER), OTHER, 0),
        (others(), Some(ACCOUNT), ACCOUNT, 0),
        (others(), None, ACCOUNT, 0),
        (unset.clone(), None, ACCOUNT, 1),
        // What a request says is not what the credentials are.
        (unset, Some(OTHER), ACCOUNT, 2),
    ] {
        let accounts = Accounts::new(stage.aws().await, others);
        let ec2 = accounts.ec2(&place(account, REGION)).await.unwrap();
        for _ in 0..2 {
            assert_eq!(ec2.account().await, Some(parsed(expected)), "{account:?}");
        }
        assert_eq!(stage.count("sts:GetCallerIdentity"), asked, "{account:?}");
    }
}

#[tokio::test]
async fn that_sts_does_not_tell_the_account_is_no_failure() {
    let stub = Stub::answering([refused(403, "AccessDenied")]).await;
    let ec2 = adapters::ec2::AwsEc2::new(&once(aws(&stub.url()).await));
    assert_eq!(ec2.account().await, None);
}

/// Callers name places, and there is no end to them.
#[tokio::test]
async fn not_every_place_is_remembered() {
    let stage = two_accounts().await;
    let accounts = Accounts::new(stage.aws().await, others());
    for n in 0..300 {
        let region = format!("eu-west-{n}");
        accounts.ec2(&place(Some(OTHER), &region)).await.unwrap();
    }
    let known = format!("{accounts:?}");
    let is_known = |n: &u32| known.contains(&format!("\"eu-west-{n}\""));
    let known = (0..300).filter(is_known).count();
    assert!((1..100).contains(&known), "{known}");
}

/// Whose key a request is signed with, for which Region and service.
fn signed_for(request: &str) -> String {
    let (_, credential) = request.split_once("Credential=").unwrap();
    let (credential, _) = credential.split_once("/aws4_request").unwrap();
    let parts: Vec<&str> = credential.split('/').collect();
    format!("{} {} {}", parts[0], parts[2], parts[3])
}

#[tokio::test]
async fn another_account_is_asked_by_its_role_and_ec2_and_route_53_by_the_same() {
    let stub = Stub::answering([assumed(), no_vpcs(), no_zones(), no_vpcs()]).await;
    let accounts = Accounts::new(aws(&stub.url()).await, others());
    let there = place(Some(OTHER), "us-east-1");
    let ec2 = accounts.ec2(&there).await.unwrap();
    assert_eq!(
        stub.requests().len(),
        0,
        "nothing is sent before it is needed"
    );
    let vpc = parsed(VPC);
    assert_eq!(ec2.vpc(&vpc).await.unwrap(), None);
    assert_eq!(ec2.hosted_zones(&vpc).await.unwrap().unwrap().len(), 0);
    let again = accounts.ec2(&there).await.unwrap();
    assert_eq!(again.vpc(&vpc).await.unwrap(), None);

    let requests = stub.requests();
    let signed: Vec<String> = requests.iter().map(|request| signed_for(request)).collect();
    assert_eq!(
        signed,
        [
            "simulated eu-west-1 sts",
            "ASIAOTHER us-east-1 ec2",
            "ASIAOTHER us-east-1 route53",
            "ASIAOTHER us-east-1 ec2",
        ]
    );
    for part in [
        "Action=AssumeRole",
        "RoleArn=arn%3Aaws%3Aiam%3A%3A222233334444%3Arole%2Fprivatelink%2Fworker",
        "RoleSessionName=crdb-privatelink",
        "ExternalId=one-of-us",
    ] {
        assert!(requests[0].contains(part), "{part} in {}", requests[0]);
    }
    assert!(requests[1].contains("x-amz-security-token: of-the-other"));
}

#[tokio::test]
async fn a_role_without_an_external_id_is_asked_for_without_one() {
    let stub = Stub::answering([assumed(), no_vpcs()]).await;
    let others = OtherAccounts {
        external_id: setting("OTHER_ACCOUNT_EXTERNAL_ID", ""),
        ..others()
    };
    let accounts = Accounts::new(aws(&stub.url()).await, others);
    let ec2 = accounts.ec2(&place(Some(OTHER), REGION)).await.unwrap();
    ec2.vpc(&parsed(VPC)).await.unwrap();
    assert!(!stub.requests()[0].contains("ExternalId"));
}

#[tokio::test]
async fn the_own_account_needs_no_role_in_any_region() {
    let unset = OtherAccounts {
        own: setting("OWN_ACCOUNT", ""),
        ..others()
    };
    for (others, account) in [
        (others(), None),
        (others(), Some(ACCOUNT)),
        // On a person's machine, the credentials say which account is meant.
        (unset, Some(OTHER)),
    ] {
        let stub = Stub::answering([no_vpcs()]).await;
        let accounts = Accounts::new(aws(&stub.url()).await, others);
        let ec2 = accounts.ec2(&place(account, "us-east-1")).await.unwrap();
        ec2.vpc(&parsed(VPC)).await.unwrap();
        let requests = stub.requests();
        assert_eq!(requests.len(), 1);
        assert_eq!(signed_for(&requests[0]), "simulated us-east-1 ec2");
    }
}

#[tokio::test]
async fn what_is_not_configured_is_said_before_anything_is_sent() {
    let stage = Stage::new().await;
    let without_role = OtherAccounts {
        role: setting("OTHER_ACCOUNT_ROLE", ""),
        ..others()
    };
    let not_listed = OtherAccounts {
        allowed: setting("OTHER_ACCOUNTS", "999988887777"),
        ..others()
    };
    let malformed = OtherAccounts {
        own: setting("OWN_ACCOUNT", "ours"),
        ..others()
    };
    for (others, code, named) in [
        (without_role, Code::AccountNotConfigured, OTHER),
        (not_listed, Code::AccountNotAllowed, OTHER),
        (malformed, Code::ConfigurationInvalid, "OWN_ACCOUNT"),
    ] {
        let accounts = Accounts::new(stage.aws().await, others);
        let error = accounts
            .ec2(&place(Some(OTHER), REGION))
            .await
            .map(|_| ())
            .unwrap_err();
        says(&error, code, named);
    }
    assert_eq!(stage.sim.calls(), []);
}

#[tokio::test]
async fn a_role_that_is_refused_has_a_code_of_its_own_and_other_trouble_keeps_its_own() {
    for (status, name, code) in [
        (403, "AccessDenied", Code::OtherAccountRoleRefused),
        (400, "Throttling", Code::AwsThrottled),
        (500, "SomethingNew", Code::AwsUnavailable),
        (400, "SomethingNew", Code::UnexpectedAwsAnswer),
    ] {
        let canned = refused(status, name);
        let stub = Stub::answering([canned]).await;
        let error = vpc_error(once(aws(&stub.url()).await)).await;
        assert_eq!(error.code, code, "{error}");
        assert!(
            error.detail.starts_with(&format!("{ASKED} answered "))
                && error.detail.ends_with(": why"),
            "{error}"
        );
    }
    let empty = "<AssumeRoleResponse><AssumeRoleResult/></AssumeRoleResponse>";
    let empty = (answer(200, "", empty), Code::UnexpectedAwsAnswer);
    let unreadable = unreadable().map(|canned| (canned, Code::AwsUnavailable));
    for (canned, code) in unreadable.into_iter().chain([empty]) {
        let stub = Stub::answering([canned]).await;
        let error = vpc_error(once(aws(&stub.url()).await)).await;
        assert_eq!(error.code, code, "{error}");
        assert!(error.detail.starts_with(ASKED), "{error}");
    }
}

#[tokio::test]
async fn a_passing_trouble_of_sts_is_got_over() {
    let stub = Stub::answering([
        refused(503, "ServiceUnavailable"),
        refused(400, "Throttling"),
        assumed(),
        no_vpcs(),
    ])
    .await;
    let accounts = Accounts::new(aws(&stub.url()).await, others());
    let ec2 = accounts.ec2(&place(Some(OTHER), REGION)).await.unwrap();
    ec2.vpc(&parsed(VPC)).await.unwrap();
    assert_eq!(stub.requests().len(), 4);
}

/// The next call asks STS once more: a role may have been made meanwhile.
#[tokio::test]
async fn a_refusal_is_not_kept() {
    let stub = Stub::answering([refused(403, "AccessDenied"), assumed(), no_vpcs()]).await;
    let accounts = Accounts::new(aws(&stub.url()).await, others());
    let there = place(Some(OTHER), REGION);
    let vpc = parsed(VPC);
    let error = accounts.ec2(&there).await.unwrap().vpc(&vpc).await;
    assert_eq!(error.unwrap_err().code, Code::OtherAccountRoleRefused);
    let second = accounts.ec2(&there).await.unwrap().vpc(&vpc).await;
    assert_eq!(second.unwrap(), None);
}

#[tokio::test]
async fn a_silent_sts_becomes_an_error_in_time_that_names_it() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let started = Instant::now();
    let error = vpc_error(aws(&url).await).await;
    assert_eq!(error.code, Code::AwsUnavailable, "{error}");
    assert!(
        error.detail.starts_with(&format!("{ASKED} gave no answer")),
        "{error}"
    );
    assert!(
        started.elapsed() < Duration::from_secs(8),
        "{:?}",
        started.elapsed()
    );
}

/// The credentials that a person has may come from STS as well. That these are
/// refused does not mean that the role of another account is.
#[tokio::test]
async fn own_credentials_that_are_refused_are_no_refused_role() {
    let stub = Stub::answering([refused(403, "AccessDenied")]).await;
    let aws = once(aws(&stub.url()).await);
    let profile = AssumeRoleProvider::builder("arn:aws:iam::111122223333:role/me");
    let profile = profile.configure(&aws).build().await;
    let profile = SharedCredentialsProvider::new(profile);
    let aws = aws.into_builder().credentials_provider(profile).build();
    let error = vpc_error(aws.clone()).await;
    assert_eq!(error.code, Code::AwsCredentialsInvalid, "{error}");
    assert!(error.detail.starts_with(ASKED), "{error}");
    let ec2 = adapters::ec2::AwsEc2::new(&aws);
    let error = ec2.vpc(&parsed(VPC)).await.unwrap_err();
    assert_eq!(error.code, Code::AwsCredentialsInvalid, "{error}");
}
