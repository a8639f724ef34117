//! The Cloud API as the simulator plays it.

use shared::cloud::{
    Cloud, CloudService, Cluster, ClusterRegion, ClusterState, Plan, Registration,
    RegistrationStatus, ServiceStatus, TrustedOwner,
};
use shared::ec2::Endpoints;
use shared::ids::{ClusterId, EndpointId};
use shared::{Code, StepErrorName};
use simulator::scenario::{ConnectionStatus, KeySpec};

use crate::endpoints::new_endpoint;
use crate::stage::{
    ABSENT_ENDPOINT, ACCOUNT, CLUSTER, KEY, OTHER_KEY, SECRET, SERVICE, STANDARD_CLUSTER, Stage,
    parsed, says,
};

const ABSENT_CLUSTER: &str = "1a2b3c4d-0000-4000-8000-00000000000f";
const BASIC_CLUSTER: &str = "1a2b3c4d-0000-4000-8000-000000000003";

fn id(text: &str) -> ClusterId {
    parsed(text)
}

async fn endpoint(stage: &Stage) -> EndpointId {
    let ec2 = stage.ec2().await;
    ec2.create_endpoint(&new_endpoint()).await.unwrap().id
}

fn rotate(stage: &Stage, known: &str) {
    stage.sim.meddle(|world| {
        let now = world.now;
        world.cloud.keys.revoke(KEY);
        let roles = vec!["CLUSTER_ADMIN".to_owned()];
        world.cloud.keys.add(&KeySpec {
            secret: known.to_owned(),
            roles,
            clusters: Vec::new(),
            other_organization: false,
        });
        world.secrets.put(SECRET, OTHER_KEY.to_owned(), now);
    });
}

#[tokio::test]
async fn a_cluster_is_read_with_plan_state_and_private_hosts() {
    let stage = Stage::new().await;
    let cloud = stage.cloud().await;
    let region = |name: &str, host: Option<&str>| ClusterRegion {
        name: name.to_owned(),
        internal_dns: host.map(str::to_owned),
    };
    let orders = Cluster {
        name: "orders".to_owned(),
        cloud_provider: "AWS".to_owned(),
        plan: Plan::Advanced,
        state: ClusterState::Created,
        regions: vec![
            region(
                "eu-west-1",
                Some("internal-orders-k4x.aws-eu-west-1.cockroachlabs.cloud"),
            ),
            // The API leaves it empty.
            region("us-east-1", None),
        ],
    };
    assert_eq!(cloud.cluster(&id(CLUSTER)).await, Ok(Some(orders)));
    let plan = async |text| cloud.cluster(&id(text)).await.unwrap().unwrap().plan;
    let routing_id = "shop-1234".parse().ok();
    assert_eq!(plan(STANDARD_CLUSTER).await, Plan::Standard { routing_id });
    assert_eq!(plan(BASIC_CLUSTER).await, Plan::Basic);
    assert_eq!(cloud.cluster(&id(ABSENT_CLUSTER)).await, Ok(None));
}

#[tokio::test]
async fn words_that_we_do_not_know_are_kept() {
    let stage = Stage::with(|scenario| {
        scenario.clusters[0].state =
            simulator::scenario::ClusterState::Unknown("NAPPING".to_owned());
        scenario.clusters[0].words.registering =
            Some(ConnectionStatus::Unknown("STATUS_NEW".to_owned()));
        let made = simulator::scenario::ServiceStatus::Unknown("MOVING".to_owned());
        scenario.clusters[0].regions[0].service.status = Some(made);
    })
    .await;
    let cloud = stage.cloud().await;
    let cluster = cloud.cluster(&id(CLUSTER)).await.unwrap().unwrap();
    assert_eq!(cluster.state, ClusterState::Unknown("NAPPING".to_owned()));
    let services = cloud.endpoint_services(&id(CLUSTER)).await.unwrap();
    assert_eq!(
        services[0].status,
        ServiceStatus::Unknown("MOVING".to_owned())
    );
}

#[tokio::test]
async fn services_are_asked_for_and_listed() {
    let stage = Stage::with(|scenario| {
        scenario.pace.service_creating = std::time::Duration::from_secs(90);
    })
    .await;
    let cloud = stage.cloud().await;
    let ours = CloudService {
        region: parsed("eu-west-1"),
        name: Some(parsed(SERVICE)),
        status: ServiceStatus::Available,
        zone_ids: vec![parsed("euw1-az1"), parsed("euw1-az2")],
    };
    let list = async || cloud.endpoint_services(&id(CLUSTER)).await.unwrap();
    assert_eq!(list().await, std::slice::from_ref(&ours));
    // Twice is harmless.
    for _ in 0..2 {
        assert_eq!(cloud.request_endpoint_services(&id(CLUSTER)).await, Ok(()));
    }
    let statuses =
        async || -> Vec<ServiceStatus> { list().await.into_iter().map(|it| it.status).collect() };
    assert_eq!(
        statuses().await,
        [ServiceStatus::Available, ServiceStatus::Creating]
    );
    stage.advance(90);
    assert_eq!(
        statuses().await,
        [ServiceStatus::Available, ServiceStatus::Available]
    );
    assert_eq!(list().await[0], ours);
}

#[tokio::test]
async fn an_endpoint_is_registered_listed_and_removed() {
    let stage = Stage::with(|scenario| {
        scenario.pace.acceptance = std::time::Duration::from_secs(30);
    })
    .await;
    let (cloud, endpoint) = (stage.cloud().await, endpoint(&stage).await);
    let listed = async || {
        let mut listed = cloud.registrations(&id(CLUSTER)).await.unwrap();
        assert_eq!(listed.remove(0).endpoint_id, "vpce-0a000000000000004");
        listed
    };
    assert_eq!(listed().await, []);
    cloud.register(&id(CLUSTER), &endpoint).await.unwrap();
    let registration = |status| Registration {
        endpoint_id: endpoint.to_string(),
        status,
        account: Some(ACCOUNT.to_owned()),
    };
    let first = listed().await;
    assert!(
        matches!(
            first[0].status,
            RegistrationStatus::Pending | RegistrationStatus::PendingAcceptance
        ),
        "{first:?}"
    );
    stage.advance(30);
    assert_eq!(
        listed().await,
        [registration(RegistrationStatus::Available)]
    );
    for _ in 0..2 {
        assert_eq!(cloud.deregister(&id(CLUSTER), &endpoint).await, Ok(()));
    }
    assert_eq!(listed().await, []);
}

#[tokio::test]
async fn a_registration_that_is_refused_can_be_told_from_other_failures() {
    let stage = Stage::new().await;
    let cloud = stage.cloud().await;
    let absent = parsed(ABSENT_ENDPOINT);
    let error = cloud.register(&id(CLUSTER), &absent).await.unwrap_err();
    says(
        &error,
        Code::RegistrationRefused,
        "404 to POST private-endpoint-connections: private",
    );
    let error = cloud
        .register(&id(BASIC_CLUSTER), &absent)
        .await
        .unwrap_err();
    assert_eq!(error.code, Code::RegistrationRefused);
    assert_eq!(cloud.deregister(&id(CLUSTER), &absent).await, Ok(()));
}

#[tokio::test]
async fn lists_of_a_cluster_that_is_being_built_are_not_there_yet() {
    let stage = Stage::new().await;
    let cloud = stage.cloud().await;
    for error in [
        cloud
            .endpoint_services(&id(ABSENT_CLUSTER))
            .await
            .unwrap_err(),
        cloud.registrations(&id(ABSENT_CLUSTER)).await.unwrap_err(),
    ] {
        assert_eq!(error.code, Code::ClusterBusy, "{error}");
    }
}

#[tokio::test]
async fn a_locked_cluster_is_busy_whatever_the_status() {
    for status in [503, 400] {
        let stage = Stage::with(|scenario| {
            scenario.habits.lock_status = status;
            scenario.clusters[0].state = simulator::scenario::ClusterState::Locked;
            scenario.pace.cluster_locked = std::time::Duration::from_secs(60);
        })
        .await;
        let cloud = stage.cloud().await;
        let state = cloud.cluster(&id(CLUSTER)).await.unwrap().unwrap().state;
        assert_eq!(state, ClusterState::Locked);
        let error = cloud
            .request_endpoint_services(&id(CLUSTER))
            .await
            .unwrap_err();
        assert_eq!(error.code, Code::ClusterBusy, "{error}");
    }
}

#[tokio::test]
async fn trusted_owners_are_listed_added_and_removed() {
    let stage = Stage::new().await;
    let cloud = stage.cloud().await;
    let accounts = async || -> Vec<String> {
        let owners = cloud.trusted_owners(&id(CLUSTER)).await.unwrap().unwrap();
        owners.into_iter().map(|owner| owner.account).collect()
    };
    assert_eq!(accounts().await, ["444455556666", "*"]);
    cloud
        .trust_owner(&id(CLUSTER), &parsed(ACCOUNT))
        .await
        .unwrap();
    assert_eq!(accounts().await, ["444455556666", "*", ACCOUNT]);
    let owners: Vec<TrustedOwner> = cloud.trusted_owners(&id(CLUSTER)).await.unwrap().unwrap();
    for _ in 0..2 {
        assert_eq!(
            cloud.distrust_owner(&id(CLUSTER), &owners[2].id).await,
            Ok(())
        );
    }
    assert_eq!(accounts().await, ["444455556666", "*"]);
}

/// Both VPCs of an account have read the list, and one comes second.
#[tokio::test]
async fn an_owner_that_somebody_else_has_just_added_is_looked_for_again() {
    let stage = Stage::with(|scenario| scenario.habits.second_owner_conflicts = true).await;
    let cloud = stage.cloud().await;
    let trust = async || cloud.trust_owner(&id(CLUSTER), &parsed(ACCOUNT)).await;
    assert_eq!(trust().await, Ok(()));
    let error = trust().await.unwrap_err();
    assert_eq!(error.name(), StepErrorName::Transient, "{error}");
}

#[tokio::test]
async fn an_organization_without_trusted_owners_has_none() {
    for status in [403, 404] {
        let stage = Stage::with(|scenario| {
            scenario.habits.trusted_owners_enrolled = false;
            scenario.habits.not_enrolled_status = status;
        })
        .await;
        assert_eq!(
            stage.cloud().await.trusted_owners(&id(CLUSTER)).await,
            Ok(None)
        );
    }
}

#[tokio::test]
async fn a_key_without_the_role_is_told_from_one_that_is_refused() {
    let stage = Stage::with(|scenario| scenario.keys[0].roles = vec!["ORG_ADMIN".to_owned()]).await;
    let cloud = stage.cloud().await;
    assert!(cloud.cluster(&id(CLUSTER)).await.unwrap().is_some());
    let error = cloud.endpoint_services(&id(CLUSTER)).await.unwrap_err();
    assert_eq!(error.code, Code::ApiKeyLacksRole, "{error}");
}

#[tokio::test]
async fn the_key_is_read_once_for_many_calls() {
    let stage = Stage::new().await;
    let cloud = stage.cloud().await;
    for _ in 0..3 {
        cloud.cluster(&id(CLUSTER)).await.unwrap();
    }
    assert_eq!(stage.count("secretsmanager:GetSecretValue"), 1);
}

#[tokio::test]
async fn a_rotated_key_is_read_again_once() {
    let stage = Stage::new().await;
    let cloud = stage.cloud().await;
    cloud.cluster(&id(CLUSTER)).await.unwrap();
    rotate(&stage, OTHER_KEY);
    assert!(cloud.cluster(&id(CLUSTER)).await.unwrap().is_some());
    cloud.registrations(&id(CLUSTER)).await.unwrap();
    assert_eq!(stage.count("secretsmanager:GetSecretValue"), 2);
    assert_eq!(stage.count("cloud:GET cluster"), 3);
}

#[tokio::test]
async fn a_key_that_stays_refused_is_an_error_after_one_more_look() {
    let stage = Stage::new().await;
    let cloud = stage.cloud().await;
    stage.sim.meddle(|world| world.cloud.keys.revoke(KEY));
    let error = cloud.cluster(&id(CLUSTER)).await.unwrap_err();
    assert_eq!(error.code, Code::ApiKeyRefused);
    // The secret holds the same key still, so there is nothing to try again with.
    assert_eq!(stage.count("secretsmanager:GetSecretValue"), 2);
    assert_eq!(stage.count("cloud:GET cluster"), 1);

    rotate(&stage, "CCDB1_somebody_else");
    let error = cloud.cluster(&id(CLUSTER)).await.unwrap_err();
    assert_eq!(error.code, Code::ApiKeyRefused);
    assert_eq!(stage.count("cloud:GET cluster"), 3);
}
