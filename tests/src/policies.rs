//! The policies of the templates as IAM gets them: with the parameters of a
//! deployment in their places, and with names where the template names resources.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use simulator::Scenario;
use simulator::scenario::RoleSpec;

use crate::template::{Template, list};

/// The account that the stack is in.
pub const HOME: &str = "111122223333";
/// The Region that the stack is in.
pub const REGION: &str = "eu-west-1";
pub const STACK: &str = "crdb-privatelink";
/// The account of which VPCs are connected, too.
pub const OTHER: &str = "444455556666";
/// An account that is nobody's to connect, although a role there trusts us.
pub const STRANGER: &str = "555566667777";
pub const OTHER_ROLE: &str = "crdb-privatelink";

/// The role in the other account that lets the stack in.
pub fn other_role() -> RoleSpec {
    RoleSpec {
        account: OTHER.to_owned(),
        name: OTHER_ROLE.to_owned(),
        external_id: Some("a-handshake".to_owned()),
    }
}

/// A deployment of a template.
#[derive(Debug)]
pub struct Deployment {
    template: Template,
    account: &'static str,
    parameters: BTreeMap<String, Value>,
}

/// A policy, by what it belongs to.
pub type Policies = BTreeMap<String, Value>;

impl Deployment {
    /// The stack with these parameters; the others have their defaults.
    pub fn of_stack(parameters: &[(&str, &str)]) -> Self {
        Self::of(Template::read(), HOME, parameters)
    }

    /// The stack in another account that lets this one in.
    pub fn of_other_account() -> Self {
        let template = Template::read_from("infra/other-account.yaml");
        let parameters = [("StackAccount", HOME), ("ExternalId", "a-handshake")];
        Self::of(template, OTHER, &parameters)
    }

    /// A template with these parameters in an account.
    ///
    /// # Panics
    /// When the template has no such parameter, or one has neither value nor default.
    fn of(template: Template, account: &'static str, given: &[(&str, &str)]) -> Self {
        let mut parameters = BTreeMap::new();
        for (name, about) in template.at("/Parameters").as_object().into_iter().flatten() {
            let value = given.iter().find(|(known, _)| known == name);
            let value = value.map(|(_, value)| json!(value));
            parameters.insert(
                name.clone(),
                value.unwrap_or_else(|| about["Default"].clone()),
            );
        }
        for (name, _) in given {
            assert!(parameters.contains_key(*name), "no parameter {name}");
        }
        Self {
            template,
            account,
            parameters,
        }
    }

    pub fn template(&self) -> &Template {
        &self.template
    }

    /// What the roles may do: for each role, by its logical id, a statement for every
    /// action on every resource, whose `Sid` says which one it is.
    pub fn identity(&self) -> Policies {
        let managed = self.of_resources("AWS::IAM::ManagedPolicy", "PolicyDocument");
        self.all_of("AWS::IAM::Role", |role, made| {
            let own = list(&made.value(&role["Policies"])?).into_iter();
            let own = own.map(|policy| {
                let name = policy["PolicyName"].as_str().unwrap_or_default().to_owned();
                (name, policy["PolicyDocument"].clone())
            });
            let attached = made.value(&role["ManagedPolicyArns"]).unwrap_or_default();
            let attached = list(&attached).into_iter().map(|arn| {
                let name = arn.as_str().and_then(|arn| arn.rsplit_once('-'));
                let name = name.map_or("", |(_, name)| name);
                (name.to_owned(), managed[name].clone())
            });
            let statements = own.chain(attached).flat_map(|(name, policy)| {
                let statements = list(&policy["Statement"]).into_iter().enumerate();
                let single = statements.flat_map(|(at, it)| singled(&format!("{name}{at}"), &it));
                single.collect::<Vec<_>>()
            });
            Some(document(statements.collect()))
        })
    }

    /// Who may assume the roles, by their logical ids.
    pub fn trust(&self) -> Policies {
        self.all_of("AWS::IAM::Role", |role, made| {
            made.value(&role["AssumeRolePolicyDocument"])
        })
    }

    /// A property of the resources of a type, or all of them if it has no name, by
    /// their logical ids.
    pub fn of_resources(&self, kind: &str, property: &str) -> Policies {
        self.all_of(kind, |all, made| match property {
            "" => made.value(all),
            property => made.value(&all[property]),
        })
    }

    /// Who may call the functions: a policy for each function, version or alias, by its
    /// ARN.
    pub fn permissions(&self) -> Policies {
        let mut statements: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for permission in self
            .of_resources("AWS::Lambda::Permission", "")
            .into_values()
        {
            let function = permission["FunctionName"].as_str().unwrap_or_default();
            let function = function_arn(self.account, function);
            let statement = json!({
                "Effect": "Allow",
                "Principal": { "Service": permission["Principal"] },
                "Action": permission["Action"],
                "Resource": function,
                "Condition": { "ArnLike": { "aws:SourceArn": permission["SourceArn"] } },
            });
            statements.entry(function).or_default().push(statement);
        }
        let policies = statements.into_iter();
        policies
            .map(|(function, all)| (function, document(all)))
            .collect()
    }

    /// Who may call the API, if it has a policy: with its ARN written out, as API Gateway
    /// keeps it.
    pub fn of_api(&self) -> Option<Value> {
        let body = self
            .template
            .resource("ConnectionsApi")
            .property("DefinitionBody");
        let policy = self.value(&body["x-amazon-apigateway-policy"])?;
        let api = format!("{}/", self.arn("ConnectionsApi"));
        let written_out = policy.to_string().replace("execute-api:/", &api);
        serde_json::from_str(&written_out).ok()
    }

    /// A property of a resource, or something else of the template, with everything in
    /// its place; `None` for what is not there with these parameters.
    pub fn value(&self, value: &Value) -> Option<Value> {
        match value {
            Value::Object(members) if members.len() == 1 => {
                let (name, inner) = members.iter().next()?;
                match name.as_str() {
                    "Ref" => self.reference(inner.as_str()?),
                    "Fn::GetAtt" => {
                        let path = inner.as_array()?;
                        Some(self.attribute(path[0].as_str()?, path[1].as_str()?))
                    }
                    "Fn::Sub" => Some(self.substituted(inner)),
                    "Fn::If" => {
                        let choice = inner.as_array()?;
                        let at = if self.holds(choice[0].as_str()?) {
                            1
                        } else {
                            2
                        };
                        self.value(&choice[at])
                    }
                    "Fn::Join" => {
                        let parts: Vec<String> = self.texts(&inner[1]);
                        Some(json!(parts.join(inner[0].as_str()?)))
                    }
                    "Fn::Split" => {
                        let text = self.text(&inner[1]);
                        Some(text.split(inner[0].as_str()?).collect())
                    }
                    "Fn::Select" => {
                        let at: usize = self.text(&inner[0]).parse().ok()?;
                        self.texts(&inner[1]).get(at).map(|text| json!(text))
                    }
                    _ => Some(self.members(members)),
                }
            }
            Value::Object(members) => Some(self.members(members)),
            Value::Array(values) => Some(
                values
                    .iter()
                    .filter_map(|value| self.value(value))
                    .collect(),
            ),
            Value::Null => None,
            plain @ (Value::Bool(_) | Value::Number(_) | Value::String(_)) => Some(plain.clone()),
        }
    }

    /// The same, as text.
    pub fn text(&self, value: &Value) -> String {
        match self.value(value) {
            Some(Value::String(text)) => text,
            Some(other) => other.to_string(),
            None => String::new(),
        }
    }

    /// The ARN of a function, machine, role or another resource, by its logical id.
    pub fn arn(&self, name: &str) -> String {
        self.attribute(name, "Arn")
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Whether something is there with these parameters.
    pub fn is_there(&self, resource: &Value) -> bool {
        resource["Condition"]
            .as_str()
            .is_none_or(|condition| self.holds(condition))
    }

    fn all_of(&self, kind: &str, read: impl Fn(&Value, &Self) -> Option<Value>) -> Policies {
        let there = self
            .template
            .of_type(kind)
            .filter(|it| self.is_there(it.value));
        there
            .filter_map(|it| Some((it.name.to_owned(), read(&it.value["Properties"], self)?)))
            .collect()
    }

    fn members(&self, members: &Map<String, Value>) -> Value {
        let there = members
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), self.value(value)?)));
        Value::Object(there.collect())
    }

    fn texts(&self, value: &Value) -> Vec<String> {
        let values = self.value(value).unwrap_or_default();
        list(&values).iter().map(|value| self.text(value)).collect()
    }

    fn holds(&self, condition: &str) -> bool {
        self.is_true(self.template.at(&format!("/Conditions/{condition}")))
    }

    fn is_true(&self, condition: &Value) -> bool {
        let (name, inner) = condition
            .as_object()
            .and_then(|members| members.iter().next())
            .unwrap_or_else(|| panic!("no condition: {condition}"));
        let parts = list(inner);
        match name.as_str() {
            "Fn::Equals" => self.text(&parts[0]) == self.text(&parts[1]),
            "Fn::Not" => !self.is_true(&parts[0]),
            "Fn::And" => parts.iter().all(|part| self.is_true(part)),
            "Fn::Or" => parts.iter().any(|part| self.is_true(part)),
            "Condition" => self.holds(inner.as_str().unwrap_or_default()),
            other => panic!("no test knows {other}"),
        }
    }

    fn reference(&self, name: &str) -> Option<Value> {
        let text = match name {
            "AWS::NoValue" => return None,
            "AWS::AccountId" => self.account.to_owned(),
            "AWS::Partition" => "aws".to_owned(),
            "AWS::Region" => REGION.to_owned(),
            "AWS::StackName" => STACK.to_owned(),
            "AWS::URLSuffix" => "amazonaws.com".to_owned(),
            name => match self.parameters.get(name) {
                Some(value) => return Some(value.clone()),
                None => return Some(self.attribute(name, "Ref")),
            },
        };
        Some(json!(text))
    }

    fn substituted(&self, value: &Value) -> Value {
        let parts = list(value);
        let own = parts.get(1).unwrap_or(&Value::Null);
        let mut rest = parts[0].as_str().unwrap_or_default();
        let mut text = String::new();
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            text.push_str(before);
            rest = after;
            let value = match (own.get(name), name.split_once('.')) {
                (Some(value), _) => self.value(value),
                (None, Some((resource, attribute))) => Some(self.attribute(resource, attribute)),
                (None, None) => self.reference(name),
            };
            text.push_str(&self.text(&value.unwrap_or_default()));
        }
        text.push_str(rest);
        json!(text)
    }

    /// What a resource answers to `Ref` or `Fn::GetAtt`, with a name made up where
    /// CloudFormation makes one up.
    fn attribute(&self, name: &str, attribute: &str) -> Value {
        let account = self.account;
        if let Some(machine) = name.strip_suffix("Aliaslive") {
            return json!(format!("{}:live", self.arn(machine)));
        }
        for (ending, qualifier) in [(".Version", "7"), (".Alias", "live")] {
            if let Some(function) = name.strip_suffix(ending) {
                return json!(format!("{}:{qualifier}", self.arn(function)));
            }
        }
        if ["Version", "Alias"].contains(&attribute) {
            return self.attribute(&format!("{name}.{attribute}"), "Ref");
        }
        let resource = self.template.resource(name);
        let kind = resource.value["Type"].as_str().unwrap_or_default();
        let given = |property: &str| match resource.property(property) {
            unnamed if unnamed.is_null() => None,
            named => Some(self.text(named)),
        };
        let given_or = |property: &str| given(property).unwrap_or(format!("{STACK}-{name}"));
        let regional =
            |service: &str, rest: String| format!("arn:aws:{service}:{REGION}:{account}:{rest}");
        let (own, arn) = match kind {
            "AWS::Serverless::Function" => {
                let own = given_or("FunctionName");
                (own.clone(), function_arn(account, &own))
            }
            "AWS::Serverless::StateMachine" => {
                let arn = regional("states", format!("stateMachine:{}", given_or("Name")));
                (arn.clone(), arn)
            }
            "AWS::Logs::LogGroup" => {
                let own = given_or("LogGroupName");
                (own.clone(), regional("logs", format!("log-group:{own}:*")))
            }
            "AWS::DynamoDB::Table" => {
                let own = table(name);
                (own.clone(), regional("dynamodb", format!("table/{own}")))
            }
            "AWS::SQS::Queue" => {
                let own = given_or("QueueName");
                (own.clone(), regional("sqs", own))
            }
            "AWS::SNS::Topic" => {
                let arn = regional("sns", given_or("TopicName"));
                (arn.clone(), arn)
            }
            "AWS::SecretsManager::Secret" => {
                let arn = secret_arn(&given_or("Name"));
                (arn.clone(), arn)
            }
            "AWS::IAM::Role" => {
                let own = given("RoleName").unwrap_or(format!("{STACK}-{name}-1A2B3C4D5E6F"));
                let path = given("Path").unwrap_or("/".to_owned());
                (
                    own.clone(),
                    format!("arn:aws:iam::{account}:role{path}{own}"),
                )
            }
            "AWS::Events::Rule" => {
                let own = format!("{STACK}-{name}-1A2B3C4D5E6F");
                (own.clone(), regional("events", format!("rule/{own}")))
            }
            "AWS::CloudWatch::Alarm" => {
                let own = given_or("AlarmName");
                (own.clone(), regional("cloudwatch", format!("alarm:{own}")))
            }
            "AWS::KMS::Key" => {
                let own = "0a1b2c3d-0000-4000-8000-000000000001".to_owned();
                (own.clone(), regional("kms", format!("key/{own}")))
            }
            "AWS::Serverless::Api" => {
                let own = "a1b2c3d4e5".to_owned();
                (own.clone(), regional("execute-api", own))
            }
            _ => {
                let own = format!("{STACK}-{name}");
                (own.clone(), own)
            }
        };
        json!(if attribute == "Arn" { arn } else { own })
    }
}

/// A statement, taken apart: one for each action on each resource.
pub(crate) fn singled(name: &str, statement: &Value) -> Vec<Value> {
    let resources = list(&statement["Resource"]);
    let mut all = Vec::new();
    for (at, action) in list(&statement["Action"]).iter().enumerate() {
        for (on, resource) in resources.iter().enumerate() {
            let mut single = statement.clone();
            let sid = format!("{name}A{at}R{on}");
            let sid: String = sid.chars().filter(char::is_ascii_alphanumeric).collect();
            single["Sid"] = json!(sid);
            single["Action"] = action.clone();
            single["Resource"] = resource.clone();
            all.push(single);
        }
    }
    all
}

pub(crate) fn document(statements: Vec<Value>) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// The ARN of a function by its name, its ARN, or either with a version or an alias.
fn function_arn(account: &str, name: &str) -> String {
    match name.starts_with("arn:") {
        true => name.to_owned(),
        false => format!("arn:aws:lambda:{REGION}:{account}:function:{name}"),
    }
}

/// The name of a table in the simulated worlds.
fn table(name: &str) -> String {
    let stack = simulator::scenario::StackSpec::default();
    match name {
        "ConnectionsTable" => stack.connections_table,
        "LeasesTable" => stack.leases_table,
        other => panic!("no world has the table {other}"),
    }
}

/// The ARN of a secret in the simulated worlds; its end is made up there.
fn secret_arn(name: &str) -> String {
    let scenario = Scenario::shipped("fresh-vpc").expect("a shipped scenario");
    let world = simulator::World::new(&scenario, time::OffsetDateTime::UNIX_EPOCH);
    let secret = world.secrets.secret(name).map(|secret| secret.arn.clone());
    secret.unwrap_or_else(|| format!("arn:aws:secretsmanager:{REGION}:{HOME}:secret:{name}-a1B2c3"))
}
