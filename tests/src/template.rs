//! The template of the stack, as tests read it.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "neither JSON nor YAML gets further kinds of value"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::documents::root;

/// Where the template is, from the root of the repository.
pub const PATH: &str = "infra/template.yaml";

/// The template with its short tags written out: `!Ref X` is `{"Ref": "X"}` and
/// `!GetAtt X.Arn` is `{"Fn::GetAtt": ["X", "Arn"]}`.
#[derive(Debug)]
pub struct Template(Value);

#[derive(Debug, Clone, Copy)]
pub struct Resource<'a> {
    /// Its logical id.
    pub name: &'a str,
    pub value: &'a Value,
}

impl Template {
    /// Reads the template of the stack.
    ///
    /// # Panics
    /// When it is missing or no YAML.
    pub fn read() -> Self {
        Self::read_from(PATH)
    }

    /// Reads another template, by its path from the root of the repository.
    ///
    /// # Panics
    /// As with [`Template::read`].
    pub fn read_from(path: &str) -> Self {
        let path = root().join(path);
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self::parse(&text)
    }

    /// Reads a text.
    ///
    /// # Panics
    /// When it is no YAML.
    pub fn parse(text: &str) -> Self {
        let value: serde_norway::Value =
            serde_norway::from_str(text).unwrap_or_else(|error| panic!("{PATH}: {error}"));
        Self(written_out(value))
    }

    /// A section or what is in it, by JSON pointer; null if it is not there.
    pub fn at(&self, pointer: &str) -> &Value {
        self.0.pointer(pointer).unwrap_or(&Value::Null)
    }

    /// All resources, in no particular order.
    pub fn resources(&self) -> impl Iterator<Item = Resource<'_>> {
        let resources = self.0["Resources"].as_object().into_iter().flatten();
        resources.map(|(name, value)| Resource { name, value })
    }

    /// The resources of a type.
    pub fn of_type(&self, kind: &str) -> impl Iterator<Item = Resource<'_>> {
        self.resources()
            .filter(move |resource| resource.value["Type"].as_str() == Some(kind))
    }

    /// One resource.
    ///
    /// # Panics
    /// When there is none of that name.
    pub fn resource(&self, name: &str) -> Resource<'_> {
        self.resources()
            .find(|resource| resource.name == name)
            .unwrap_or_else(|| panic!("{PATH}: no resource {name}"))
    }

    /// The functions by their folders, which their `Binary` names.
    ///
    /// # Panics
    /// When one has no `Binary`.
    pub fn functions(&self) -> BTreeMap<&str, Resource<'_>> {
        self.of_type("AWS::Serverless::Function")
            .map(|function| {
                let binary = function.value["Metadata"]["BuildProperties"]["Binary"].as_str();
                let binary = binary.unwrap_or_else(|| panic!("{}: no Binary", function.name));
                (binary, function)
            })
            .collect()
    }

    /// The state machines by their definitions: the name of the file without
    /// `.asl.json`.
    ///
    /// # Panics
    /// When one has no such file.
    pub fn machines(&self) -> BTreeMap<&str, Resource<'_>> {
        self.of_type("AWS::Serverless::StateMachine")
            .map(|machine| {
                let uri = machine.text("DefinitionUri");
                let name = uri
                    .strip_prefix("../statemachine/")
                    .and_then(|file| file.strip_suffix(".asl.json"))
                    .unwrap_or_else(|| panic!("{}: {uri}", machine.name));
                (name, machine)
            })
            .collect()
    }

    /// What the role of that name allows.
    ///
    /// # Panics
    /// When the role has no inline policy.
    pub fn statements(&self, role: &str) -> Vec<Statement> {
        let role = self.resource(role);
        let policies = role.property("Policies").as_array();
        let policies = policies.unwrap_or_else(|| panic!("{}: no policy", role.name));
        policies
            .iter()
            .flat_map(|policy| list(&policy["PolicyDocument"]["Statement"]))
            .map(|statement| Statement::read(&statement))
            .collect()
    }
}

impl<'a> Resource<'a> {
    /// A property; null if it is not set.
    pub fn property(&self, name: &str) -> &'a Value {
        &self.value["Properties"][name]
    }

    /// Holds a property to what it must be.
    ///
    /// # Panics
    /// When it is something else.
    #[track_caller]
    pub fn has(&self, name: &str, expected: &Value) {
        assert_eq!(self.property(name), expected, "{}: {name}", self.name);
    }

    /// A property that is a text.
    ///
    /// # Panics
    /// When it is something else.
    pub fn text(&self, name: &str) -> &'a str {
        let property = self.property(name);
        property
            .as_str()
            .unwrap_or_else(|| panic!("{}: {name} is {property}", self.name))
    }
}

/// One statement of a policy.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The condition of the template under which it counts.
    pub counts_if: Option<String>,
    pub allows: bool,
    pub actions: BTreeSet<String>,
    pub resources: Vec<Value>,
    /// The condition of IAM; null if there is none.
    pub condition: Value,
}

impl Statement {
    fn read(value: &Value) -> Self {
        if let Some(choice) = value["Fn::If"].as_array() {
            assert_eq!(choice[2], json!({"Ref": "AWS::NoValue"}), "{value}");
            return Self {
                counts_if: choice[0].as_str().map(str::to_owned),
                ..Self::read(&choice[1])
            };
        }
        let actions = list(&value["Action"]).into_iter().map(|action| {
            let text = action.as_str().map(str::to_owned);
            text.unwrap_or_else(|| panic!("an action that is no text: {action}"))
        });
        Self {
            counts_if: None,
            allows: value["Effect"] == "Allow",
            actions: actions.collect(),
            resources: list(&value["Resource"]),
            condition: value["Condition"].clone(),
        }
    }
}

/// IAM takes one value in place of a list of one.
pub fn list(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values.clone(),
        Value::Null => Vec::new(),
        single => vec![single.clone()],
    }
}

/// The names of the folders of functions.
///
/// # Panics
/// When the folder of the functions cannot be read.
pub fn function_folders() -> BTreeSet<String> {
    entries("functions")
        .into_iter()
        .filter(|path| path.join("src/main.rs").exists())
        .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .collect()
}

/// What is in a folder of the repository.
///
/// # Panics
/// When it cannot be read.
pub fn entries(folder: &str) -> Vec<PathBuf> {
    let path = root().join(folder);
    let entries =
        std::fs::read_dir(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    entries.flatten().map(|entry| entry.path()).collect()
}

fn written_out(value: serde_norway::Value) -> Value {
    use serde_norway::Value as Yaml;
    match value {
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let name = match tag.trim_start_matches('!') {
                plain @ ("Ref" | "Condition") => plain.to_owned(),
                function => format!("Fn::{function}"),
            };
            let value = match (name.as_str(), written_out(tagged.value)) {
                ("Fn::GetAtt", Value::String(path)) => {
                    let (resource, attribute) = path.split_once('.').unwrap_or((&path, ""));
                    json!([resource, attribute])
                }
                (_, value) => value,
            };
            json!({ name: value })
        }
        Yaml::Sequence(values) => values.into_iter().map(written_out).collect(),
        Yaml::Mapping(members) => {
            let members = members.into_iter().map(|(key, value)| {
                let key = match key {
                    Yaml::String(key) => key,
                    other => serde_json::to_string(&written_out(other)).unwrap_or_default(),
                };
                (key, written_out(value))
            });
            Value::Object(members.collect::<Map<_, _>>())
        }
        plain => serde_json::to_value(plain).unwrap_or_default(),
    }
}
