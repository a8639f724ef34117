//! Refuses expressions that Step Functions would refuse or that would not run
//! the same here (developer guide, "Transforming data with JSONata").

use std::collections::BTreeSet;

use jsonata_core::ast::AstNode;
use serde_json::Value;

/// What `$states` has in the field that an expression stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sees {
    /// `input` and `context` only.
    Input,
    /// Also `result`, after a task answered.
    Result,
    /// Also `errorOutput`, in a catcher.
    ErrorOutput,
}

/// What was found in an expression.
#[derive(Debug, Default)]
pub(crate) struct Vetted {
    /// Rules that it breaks.
    pub(crate) faults: Vec<String>,
    /// Variables that it reads and does not bind itself.
    pub(crate) variables: BTreeSet<String>,
}

/// JSONata's functions without `eval` (not offered by Step Functions) and
/// those whose result cannot be repeated.
const FUNCTIONS: &str = "
    abs append assert average base64decode base64encode boolean ceil contains count
    decodeUrl decodeUrlComponent distinct each encodeUrl encodeUrlComponent error exists
    filter floor formatBase formatInteger formatNumber fromMillis join keys length lookup
    lowercase map match max merge millis min not now number pad parse parseInteger power
    reduce replace reverse round sift single sort split spread sqrt string substring
    substringAfter substringBefore sum toMillis trim type uppercase zip
";

/// Functions that exist on Step Functions or in JSONata and are refused here.
const REFUSED: &str = "eval random shuffle uuid hash partition range";

fn is_one_of(functions: &str, name: &str) -> bool {
    functions
        .split_whitespace()
        .any(|function| function == name)
}

/// Looks through a parsed expression.
pub(crate) fn vet(ast: &AstNode, sees: Sees) -> Vetted {
    // The tree is walked as JSON: thirty kinds of node need no code of their
    // own that way. A tree that the parser made always serialises.
    let tree = serde_json::to_value(ast).unwrap_or_default();
    let mut walk = Walk {
        sees,
        vetted: Vetted::default(),
        bound: BTreeSet::new(),
        called: BTreeSet::new(),
    };
    walk.node(&tree, true);
    let Walk {
        mut vetted,
        bound,
        called,
        ..
    } = walk;
    for name in called.difference(&bound) {
        if is_one_of(REFUSED, name) {
            vetted.faults.push(format!("`${name}` is not supported"));
        } else if !is_one_of(FUNCTIONS, name) {
            vetted.faults.push(format!("`${name}` is not a function"));
        }
    }
    vetted.variables = &vetted.variables - &bound;
    for name in REFUSED.split_whitespace() {
        if vetted.variables.remove(name) {
            vetted.faults.push(format!("`${name}` is not supported"));
        }
    }
    // A function that is handed to another one is not a variable.
    vetted.variables.retain(|name| !is_one_of(FUNCTIONS, name));
    vetted
}

struct Walk {
    sees: Sees,
    vetted: Vetted,
    /// Names that the expression binds somewhere. Scopes inside an expression
    /// are not told apart; that lets some mistakes pass and refuses nothing
    /// that is right.
    bound: BTreeSet<String>,
    called: BTreeSet<String>,
}

impl Walk {
    /// `top` is true where no step of a path has given a context yet.
    fn node(&mut self, node: &Value, top: bool) {
        match node {
            Value::Array(items) => items.iter().for_each(|item| self.node(item, top)),
            Value::Object(fields) => {
                for (kind, content) in fields {
                    self.kind(kind, content, top);
                }
            }
            Value::String(kind) if top && (kind == "Wildcard" || kind == "Descendant") => {
                self.fault("a wildcard at the top has nothing to choose from");
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn kind(&mut self, kind: &str, content: &Value, top: bool) {
        match kind {
            "Path" => self.path(&content["steps"], top),
            "Variable" => self.variable(content, None, top),
            "ParentVariable" if content == "" => {
                self.fault("`$$` is nothing, an expression has no input document");
            }
            "Name" if top => self.fault(&format!(
                "`{}` stands alone; write `$states.input.{0}` or a variable",
                text(content)
            )),
            "Function" => {
                let name = text(&content["name"]);
                let has_arguments = content["args"].as_array().is_some_and(|a| !a.is_empty());
                if (name == "now" || name == "millis") && has_arguments {
                    self.fault(&format!("`${name}` is supported without arguments only"));
                }
                self.called.insert(name.to_owned());
                self.node(&content["args"], top);
            }
            "Lambda" => {
                self.bind(content["params"].as_array().into_iter().flatten());
                self.node(&content["body"], top);
            }
            "Binary" if content["op"] == "ColonEqual" => {
                self.bind([&content["lhs"]["Variable"]]);
                self.node(&content["rhs"], top);
            }
            // What stands in braces or behind `^` is evaluated for each item.
            "ObjectTransform" => {
                self.node(&content["input"], top);
                self.node(&content["pattern"], false);
            }
            "Sort" => {
                self.node(&content["input"], top);
                self.node(&content["terms"], false);
            }
            "Transform" => self.node(content, false),
            "String" | "Name" | "Regex" | "signature" => {}
            _ => self.node(content, top),
        }
    }

    fn path(&mut self, steps: &Value, top: bool) {
        let steps: Vec<&Value> = steps.as_array().into_iter().flatten().collect();
        for (index, step) in steps.iter().enumerate() {
            self.bind([&step["focus"], &step["index_var"]]);
            let first = index == 0;
            let variable = &step["node"]["Variable"];
            if first && variable.is_string() {
                let next = steps.get(1).map(|next| &next["node"]["Name"]);
                self.variable(variable, next, top);
            } else {
                self.node(&step["node"], first && top);
            }
            self.node(&step["stages"], false);
        }
    }

    fn variable(&mut self, name: &Value, next: Option<&Value>, top: bool) {
        match text(name) {
            "" if top => self.fault("`$` is nothing, an expression has no input document"),
            "" => {}
            "states" => self.states(next.and_then(Value::as_str)),
            name => {
                self.vetted.variables.insert(name.to_owned());
            }
        }
    }

    fn states(&mut self, field: Option<&str>) {
        let available = match (field, self.sees) {
            (Some("input" | "context") | None, _) => true,
            (Some("result"), sees) => sees == Sees::Result,
            (Some("errorOutput"), sees) => sees == Sees::ErrorOutput,
            (Some(_), _) => false,
        };
        if !available {
            self.fault(&format!(
                "`$states.{}` does not exist in this field",
                field.unwrap_or_default()
            ));
        }
    }

    fn bind<'v>(&mut self, names: impl IntoIterator<Item = &'v Value>) {
        let names = names.into_iter().filter_map(Value::as_str);
        self.bound.extend(names.map(str::to_owned));
    }

    fn fault(&mut self, fault: &str) {
        self.vetted.faults.push(fault.to_owned());
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use jsonata_core::parser::parse;

    use super::*;

    fn faults(source: &str, sees: Sees) -> Vec<String> {
        vet(&parse(source).unwrap(), sees).faults
    }

    fn variables(source: &str) -> Vec<String> {
        let vetted = vet(&parse(source).unwrap(), Sees::Input);
        assert_eq!(vetted.faults, [""; 0], "{source}");
        vetted.variables.into_iter().collect()
    }

    #[test]
    fn ordinary_expressions_pass() {
        for source in [
            "$states.input.a.b[c = 1].d",
            "$states.context.Execution.Name & '-' & $string(1)",
            "{'a': $states.input.a, 'b': [1..3]}",
            "$map($states.input.items, function($v, $i) { $v.a + $i })",
            "$states.input.items[$ > 1]",
            "$states.input.items^(>a).b",
            "$states.input.items{a: $sum(b)}",
            "$states.input.items.(a + b)",
            "($f := function($n) { $n * 2 }; $f(2))",
            "$filter($states.input.items, $exists)",
            "$states.input ~> $keys ~> $count",
            "$now() & $millis()",
            "$states.input.items.$string()",
            "$states",
        ] {
            assert_eq!(faults(source, Sees::Input), [""; 0], "{source}");
        }
    }

    #[test]
    fn what_step_functions_refuses_is_refused() {
        for (source, part) in [
            ("$eval('1')", "`$eval`"),
            ("$map([1], $eval)", "`$eval`"),
            ("$uuid()", "`$uuid`"),
            ("$random()", "`$random`"),
            ("$shuffle([1])", "`$shuffle`"),
            ("$hash('a', 'MD5')", "`$hash`"),
            ("$partition([1], 1)", "`$partition`"),
            ("$nosuch(1)", "`$nosuch` is not a function"),
            ("$now('[Y]')", "without arguments"),
            ("$", "`$` is nothing"),
            ("$$.a", "`$$` is nothing"),
            ("foo", "`foo` stands alone"),
            ("foo.bar", "`foo` stands alone"),
            ("$states.input.a + foo", "`foo` stands alone"),
            ("$states.nosuch", "`$states.nosuch`"),
            ("$states.result", "`$states.result`"),
            ("$states.errorOutput.Error", "`$states.errorOutput`"),
        ] {
            let faults = faults(source, Sees::Input);
            assert!(
                faults.iter().any(|fault| fault.contains(part)),
                "{source}: {faults:?}"
            );
        }
    }

    #[test]
    fn result_and_error_output_exist_only_where_there_is_one() {
        assert!(faults("$states.result.a", Sees::Result).is_empty());
        assert!(!faults("$states.result.a", Sees::ErrorOutput).is_empty());
        assert!(faults("$states.errorOutput.Cause", Sees::ErrorOutput).is_empty());
        assert!(!faults("$states.errorOutput.Cause", Sees::Result).is_empty());
    }

    #[test]
    fn variables_that_are_read_are_listed() {
        assert_eq!(variables("$a.b + $c"), ["a", "c"]);
        assert_eq!(variables("($x := $a; $x + 1)"), ["a"]);
        assert_eq!(variables("$map($a, function($v) { $v + $b })"), ["a", "b"]);
        assert_eq!(variables("$states.input.a[b = $c]"), ["c"]);
        assert_eq!(variables("$states.input@$i.a[$i.b = 1]"), [""; 0]);
    }
}
