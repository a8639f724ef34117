//! The services beside EC2 and the Cloud API, as callers reach them, and faults in
//! the words of every service.
//!
//! These services know nothing of the world: what they need of it comes with the
//! call.

use serde_json::Value;

use crate::calls::{ApiError, Caller, Refusal};
use crate::cloudwatch::{GetMetricData, ListMetrics, Metric, MetricDataResult};
use crate::context::Context;
use crate::faults::{FaultKind, Service};
use crate::route53::{
    ListHostedZonesByName, ListHostedZonesByNameResult, ListHostedZonesByVpc,
    ListHostedZonesByVpcResult,
};
use crate::sts::{AssumeRole, Session};
use crate::world::World;
use crate::{
    cloud, cloudwatch, dynamodb, ec2, notices, resolver, route53, secrets, step_functions, sts,
};

impl World {
    /// One operation of DynamoDB, such as `UpdateItem`.
    pub fn dynamodb(
        &mut self,
        caller: &Caller,
        operation: &str,
        request: &Value,
    ) -> Result<Value, ApiError> {
        let context = Context::new(caller, self.ec2.caller(), self.now, &mut self.needed);
        let behind = self.pace.reads_behind;
        self.dynamodb.call(context, behind, operation, request)
    }

    /// One operation of Step Functions, such as `StartExecution`.
    pub fn step_functions(
        &mut self,
        caller: &Caller,
        operation: &str,
        request: &Value,
    ) -> Result<Value, ApiError> {
        let context = Context::new(caller, self.ec2.caller(), self.now, &mut self.needed);
        self.step_functions.call(context, operation, request)
    }

    pub fn get_secret_value(
        &mut self,
        caller: &Caller,
        request: &Value,
    ) -> Result<Value, ApiError> {
        let context = Context::new(caller, self.ec2.caller(), self.now, &mut self.needed);
        self.secrets.get_secret_value(context, request)
    }

    pub fn put_events(&mut self, caller: &Caller, request: &Value) -> Result<Value, ApiError> {
        let context = Context::new(caller, self.ec2.caller(), self.now, &mut self.needed);
        self.notices.put_events(context, request)
    }

    pub fn list_metrics(&mut self, caller: &Caller, request: &ListMetrics) -> Vec<Metric> {
        let context = Context::new(caller, self.ec2.caller(), self.now, &mut self.needed);
        let endpoints = &self.ec2.endpoints;
        self.cloudwatch.list_metrics(context, endpoints, request)
    }

    pub fn get_metric_data(
        &mut self,
        caller: &Caller,
        request: &GetMetricData,
    ) -> Result<Vec<MetricDataResult>, ApiError> {
        let context = Context::new(caller, self.ec2.caller(), self.now, &mut self.needed);
        let endpoints = &self.ec2.endpoints;
        self.cloudwatch.get_metric_data(context, endpoints, request)
    }

    pub fn list_hosted_zones_by_vpc(
        &mut self,
        caller: &Caller,
        request: &ListHostedZonesByVpc,
    ) -> Result<ListHostedZonesByVpcResult, ApiError> {
        let context = Context::new(caller, self.ec2.caller(), self.now, &mut self.needed);
        route53::list_hosted_zones_by_vpc(context, &self.ec2, request)
    }

    /// `ListHostedZonesByName` of Route 53.
    pub fn list_hosted_zones_by_name(
        &mut self,
        caller: &Caller,
        request: &ListHostedZonesByName,
    ) -> Result<ListHostedZonesByNameResult, ApiError> {
        let context = Context::new(caller, self.ec2.caller(), self.now, &mut self.needed);
        route53::list_hosted_zones_by_name(context, &self.ec2, request)
    }

    /// One operation of the Route 53 Resolver, such as `ListResolverRules`, or of Route 53
    /// Profiles.
    pub fn resolver(
        &mut self,
        caller: &Caller,
        operation: &str,
        request: &Value,
    ) -> Result<Value, ApiError> {
        let context = Context::new(caller, self.ec2.caller(), self.now, &mut self.needed);
        resolver::call(context, &self.ec2, operation, request)
    }

    pub fn assume_role(
        &mut self,
        caller: &Caller,
        request: &AssumeRole,
    ) -> Result<Session, ApiError> {
        let context = Context::new(caller, self.ec2.caller(), self.now, &mut self.needed);
        sts::assume_role(context, &self.roles, request)
    }
}

impl FaultKind {
    /// The fault as a service would say it in an answer to the operation of this name.
    pub(crate) fn render(self, service: Service, name: &str) -> Refusal {
        match self {
            FaultKind::Timeout => return Refusal::TimedOut,
            FaultKind::CutOff => return Refusal::CutOff,
            FaultKind::Throttle
            | FaultKind::ServerError
            | FaultKind::Denied
            | FaultKind::NotFound
            | FaultKind::Conflict
            | FaultKind::UnknownCode => {}
        }
        Refusal::Answer(match service {
            Service::Cloud => cloud::render_fault(self, name),
            Service::CloudWatch => cloudwatch::render_fault(self, name),
            Service::DynamoDb => dynamodb::render_fault(self, name),
            Service::Ec2 => ec2::render_fault(self, name),
            Service::EventBridge => notices::render_fault(self, name),
            Service::Route53 => route53::render_fault(self, name),
            Service::Route53Profiles | Service::Route53Resolver => {
                resolver::render_fault(self, name)
            }
            Service::SecretsManager => secrets::render_fault(self, name),
            Service::StepFunctions => step_functions::render_fault(self, name),
            Service::Sts => sts::render_fault(self, name),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    /// An operation of each service, and how that service says a conflict.
    const CONFLICTS: [(&str, &str); 11] = [
        ("cloud:GET cluster", "14"),
        ("cloudwatch:ListMetrics", "ConflictException"),
        ("dynamodb:UpdateItem", "TransactionConflictException"),
        ("ec2:CreateVpcEndpoint", "IncorrectState"),
        ("events:PutEvents", "ConcurrentModificationException"),
        ("route53:ListHostedZonesByVPC", "PriorRequestNotComplete"),
        (
            "route53profiles:ListProfileAssociations",
            "ConflictException",
        ),
        ("route53resolver:ListResolverRules", "ConflictException"),
        ("secretsmanager:GetSecretValue", "InvalidRequestException"),
        ("states:StartExecution", "StateMachineDeleting"),
        ("sts:AssumeRole", "RegionDisabledException"),
    ];

    #[test]
    fn every_kind_can_be_said_by_every_service_in_its_own_words() {
        for (operation, conflict) in CONFLICTS {
            let (service, name) = Service::of(operation).unwrap();
            for kind in FaultKind::ALL {
                let refusal = kind.render(service, name);
                assert!(!refusal.code().is_empty(), "{kind:?} of {operation}");
            }
            let refusal = FaultKind::Conflict.render(service, name);
            assert_eq!(refusal.code(), conflict, "{operation}");
        }
    }

    #[test]
    fn a_scenario_can_script_a_fault_of_every_service_and_of_no_other() {
        let scenario = |operation: &str| {
            let fault = format!("[[faults]]\noperation = \"{operation}\"\nkind = \"denied\"\n");
            Scenario::parse(&(Scenario::shipped_text("connected").unwrap().to_owned() + &fault))
        };
        for (operation, _) in CONFLICTS {
            assert!(scenario(operation).is_ok(), "{operation}");
            assert!(scenario(&format!("x{operation}")).is_err(), "{operation}");
        }
        assert!(scenario("*").is_ok());
    }
}
