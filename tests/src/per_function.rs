//! What is written down for each function and follows from the folders and from the
//! template: its process, what it may do in other accounts, and what it reaches.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::documents::between;
use crate::template::{Resource, Template, function_folders};

/// What Lambda does with a function's role from outside of it, and what is used on
/// behalf of others only.
const NOT_BY_THE_CODE: [&str; 4] = ["kms", "logs", "sqs", "xray"];

/// Where EC2 asks by itself.
const BY_EC2: &str = "route53:AssociateVPCWithHostedZone";

const SERVICES: [(&str, &str); 8] = [
    ("cloudwatch", "CloudWatch"),
    ("dynamodb", "DynamoDB"),
    ("ec2", "EC2"),
    ("route53", "Route 53"),
    ("route53profiles", "Route 53 Profiles"),
    ("route53resolver", "Route 53 Resolver"),
    ("secretsmanager", "Secrets Manager"),
    ("states", "Step Functions"),
];

/// The services that are asked where a connection is, in whatever account.
const OF_THE_PLACE: [&str; 5] = [
    "cloudwatch",
    "ec2",
    "route53",
    "route53profiles",
    "route53resolver",
];

/// The manifest of the processes with one of each folder that has a `main.rs`. Its name is
/// that of the folder: what cargo builds under another one is not found by `sam build`.
pub(crate) fn with_processes(manifest: &str) -> String {
    let mut text = String::new();
    for name in function_folders() {
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "\n[dependencies.{name}]\npath = \"../{name}\"\n\
             \n[[bin]]\nname = \"{name}\"\npath = \"../{name}/src/main.rs\"\ntest = false\ndoc = false\n"
        );
    }
    let begin = "# The functions, written by write-documents from their folders.\n";
    between(manifest, begin, "\n# End of the functions.\n", &text)
}

/// The code of the session policies with the actions of each function that reaches other
/// accounts: it may do there what it may do at home.
pub(crate) fn with_actions(code: &str) -> String {
    let template = Template::read();
    let mut text = String::new();
    for (function, resource) in template.functions() {
        let role = role_of(&template, resource);
        if role.property("Path").is_null() {
            continue;
        }
        let actions: Vec<String> = actions_of(&template, role)
            .into_iter()
            .filter(|action| OF_THE_PLACE.contains(&service(action)))
            .map(|action| format!("{action:?}"))
            .collect();
        let _ = writeln!(text, "    ({function:?}, &[{}]),", actions.join(", "));
    }
    let begin = "pub const ACTIONS: &[(&str, &[&str])] = &[\n";
    between(code, begin, "];\n", &text)
}

/// The page with a row for each function: the services that it reaches.
pub(crate) fn with_reach(page: &str) -> String {
    let template = Template::read();
    let mut text = "\n| Function | Reaches |\n| --- | --- |\n".to_owned();
    for function in template.functions().into_keys() {
        let reached: Vec<&str> = reached(&template, function).into_iter().collect();
        let reached = match reached.is_empty() {
            true => "nothing; it runs there all the same, for organizations that require it of every function".to_owned(),
            false => reached.join(", "),
        };
        let _ = writeln!(text, "| `{function}` | {reached} |");
    }
    let begin = "<!-- functions, generated -->\n";
    between(page, begin, "\n<!-- end of functions -->\n", &text)
}

/// The services that a function calls, by what its role allows. Whoever reads the key
/// calls the Cloud API.
///
/// # Panics
/// When the template has no such function, or its role allows what no service is known
/// for.
pub fn reached(template: &Template, function: &str) -> BTreeSet<&'static str> {
    let role = role_of(template, template.functions()[function]);
    let mut reached = BTreeSet::new();
    for action in actions_of(template, role) {
        let prefix = service(&action);
        if action == BY_EC2 || NOT_BY_THE_CODE.contains(&prefix) {
            continue;
        }
        let name = BTreeMap::from(SERVICES).get(prefix).copied();
        reached.insert(name.unwrap_or_else(|| panic!("{action}: add it to SERVICES")));
    }
    let attached = role.property("ManagedPolicyArns");
    if attached.to_string().contains("OtherAccountsPolicy") {
        reached.insert("STS");
    }
    if reached.contains("Secrets Manager") {
        reached.insert("Cloud API");
    }
    reached
}

fn role_of<'a>(template: &'a Template, function: Resource<'_>) -> Resource<'a> {
    let role = function.property("Role")["Fn::GetAtt"][0].as_str();
    template.resource(role.unwrap_or_else(|| panic!("{}: no role", function.name)))
}

fn actions_of(template: &Template, role: Resource<'_>) -> BTreeSet<String> {
    let statements = template.statements(role.name).into_iter();
    statements.flat_map(|statement| statement.actions).collect()
}

fn service(action: &str) -> &str {
    action.split(':').next().unwrap_or_default()
}
