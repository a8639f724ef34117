//! Holds the template to limits of AWS that show only when somebody deploys with a
//! long name or many values: lengths of names, and the environment of a function.

use serde_json::{Map, Value, json};
use system_tests::documents::read;
use system_tests::template::Template;

/// All variables of a function together (Lambda developer guide, "Lambda quotas").
const ENVIRONMENT: usize = 4096;

/// What quotation marks, colon and comma of a variable take, if Lambda counts them.
const MARKS: usize = 6;

/// What CloudFormation adds to a name that it makes.
const RANDOM: usize = "-1ABCDEFGHIJKL".len();

/// The longest names, by type of resource, its property, and the limit.
const NAMES: [(&str, &str, usize); 9] = [
    ("AWS::Serverless::Function", "FunctionName", 64),
    ("AWS::Serverless::StateMachine", "Name", 80),
    ("AWS::Logs::LogGroup", "LogGroupName", 512),
    ("AWS::SNS::Topic", "TopicName", 256),
    ("AWS::Scheduler::Schedule", "Name", 64),
    ("AWS::CloudWatch::Alarm", "AlarmName", 255),
    ("AWS::CloudWatch::Dashboard", "DashboardName", 255),
    ("AWS::SecretsManager::Secret", "Name", 512),
    ("AWS::Serverless::Api", "Name", 1024),
];

/// The longest name of a stack, as the template says it, and `docs/operate.md`.
fn longest_stack_name(template: &Template) -> usize {
    let said = template.at("/Description").as_str().unwrap_or_default();
    let (_, rest) = said.split_once("at most ").expect("a limit");
    let number = rest.split(' ').next().and_then(|it| it.parse().ok());
    let number: usize = number.expect("a number");
    let sentence = format!("at most {number} characters");
    assert!(said.contains(&sentence) && read("docs/operate.md").contains(&sentence));
    number
}

/// A text with the longest value in place of each pseudo parameter.
fn substituted(template: &Template, text: &str) -> usize {
    let stack = "s".repeat(longest_stack_name(template));
    let text = text
        .replace("${AWS::StackName}", &stack)
        .replace("${AWS::Region}", "ap-southeast-10");
    assert!(!text.contains("${"), "{text}");
    text.len()
}

#[test]
fn names_with_the_longest_stack_name_are_not_too_long() {
    let template = Template::read();
    let stack = longest_stack_name(&template);
    let mut seen = 0;
    for (kind, property, limit) in NAMES {
        for resource in template.of_type(kind) {
            let name = resource.property(property);
            let length = match name["Fn::Sub"].as_str() {
                Some(text) => substituted(&template, text),
                None if name == &json!({ "Ref": "AWS::StackName" }) => stack,
                None => panic!("{}: {name}", resource.name),
            };
            assert!(length <= limit, "{}: {length} characters", resource.name);
            seen += 1;
        }
    }
    assert!(seen > 50, "only {seen} names");

    // CloudFormation cuts the name of the stack short in the names of roles that come
    // out too long.
    for role in template.of_type("AWS::IAM::Role") {
        assert!(role.property("RoleName").is_null(), "{}", role.name);
        let length = stack + 1 + role.name.len() + RANDOM;
        assert!(length <= 64, "{}: {length} characters", role.name);
    }
}

/// The longest that a value of the template may become.
fn longest(template: &Template, value: &Value) -> usize {
    let stack = longest_stack_name(template);
    if let Some(text) = value.as_str() {
        return text.len();
    }
    if let Some(choice) = value["Fn::If"].as_array() {
        let cases = choice[1..].iter();
        return cases.map(|it| longest(template, it)).max().unwrap_or(0);
    }
    if value["Fn::GetAtt"] == json!(["ApiKeySecret", "Id"]) {
        let arn = "arn:aws:secretsmanager:ap-southeast-10:111122223333:secret:/api-key-AbCdEf";
        return arn.len() + stack;
    }
    let name = value["Ref"].as_str();
    let name = name.unwrap_or_else(|| panic!("how long is {value}?"));
    if name == "AWS::AccountId" {
        return 12;
    }
    if name == "AWS::StackName" {
        return stack;
    }
    if let Some(machine) = name.strip_suffix("Aliaslive") {
        let text = template.resource(machine).property("Name")["Fn::Sub"].as_str();
        let arn = "arn:aws:states:ap-southeast-10:111122223333:stateMachine::live";
        return arn.len() + substituted(template, text.expect("a name"));
    }
    let parameter = template.at(&format!("/Parameters/{name}"));
    if parameter.is_null() {
        // Such as a table, which CloudFormation names.
        return stack + 1 + template.resource(name).name.len() + RANDOM;
    }
    let longest = parameter["MaxLength"].as_u64();
    let longest = longest.unwrap_or_else(|| panic!("{name} has no MaxLength"));
    usize::try_from(longest).unwrap_or(usize::MAX)
}

#[test]
fn the_environment_of_every_function_has_room_for_the_longest_values() {
    let template = Template::read();
    let none = Map::new();
    let variables = |value: &Value| {
        let variables = value["Environment"]["Variables"].as_object();
        variables.unwrap_or(&none).clone()
    };
    let common = variables(template.at("/Globals/Function"));
    for (folder, function) in template.functions() {
        let mut all = common.clone();
        all.extend(variables(&function.value["Properties"]));
        let size: usize = all
            .iter()
            .map(|(name, value)| name.len() + longest(&template, value) + MARKS)
            .sum();
        assert!(size <= ENVIRONMENT, "{folder}: {size} bytes");
    }
}

/// A value that is as long as its parameter allows keeps to its pattern, too.
#[test]
fn the_longest_list_of_clusters_is_one_of_whole_ids() {
    let template = Template::read();
    let longest = template.at("/Parameters/AllowedClusters/MaxLength");
    let longest = longest.as_u64().and_then(|it| usize::try_from(it).ok());
    let id = "1a2b3c4d-0000-4000-8000-000000000001";
    let many = vec![id; (longest.expect("a limit") + 1) / (id.len() + 1)];
    assert!(many.len() >= 64, "only {} clusters", many.len());
    let schema = json!({ "pattern": template.at("/Parameters/AllowedClusters/AllowedPattern") });
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    assert!(validator.is_valid(&json!(many.join(","))));
}
