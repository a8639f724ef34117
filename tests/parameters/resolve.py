"""Puts values of parameters into a transformed template, as CloudFormation does.

What only an account knows (Ref and Fn::GetAtt of resources) stays as it is written.
"""

import re

NOTHING = {"Ref": "AWS::NoValue"}
PSEUDO = {
    "AWS::AccountId": "111122223333",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::StackName": "stack",
    "AWS::URLSuffix": "amazonaws.com",
}


def values_of(template, given):
    """The value of every parameter: the given one or its default; lists are split."""
    values = dict(PSEUDO)
    for name, parameter in template.get("Parameters", {}).items():
        value = str(given.get(name, parameter.get("Default", "")))
        is_list = parameter["Type"].startswith(("CommaDelimitedList", "List<"))
        values[name] = [part for part in value.split(",") if part] if is_list else value
    return values


def resources_of(template, given):
    """The resources that are made with these parameters, resolved."""
    values = values_of(template, given)
    holds = conditions_of(template, values)
    return {
        name: resolve({key: value for key, value in resource.items() if key != "Condition"}, values, holds)
        for name, resource in template["Resources"].items()
        if holds.get(resource.get("Condition"), True)
    }


def conditions_of(template, values):
    rules = template.get("Conditions", {})
    holds = {}

    def truth(rule):
        if set(rule) == {"Condition"}:
            return of(rule["Condition"])
        (function, arguments), = rule.items()
        if function == "Fn::Equals":
            left, right = (resolve(argument, values, {}) for argument in arguments)
            return left == right
        if function == "Fn::Not":
            return not truth(arguments[0])
        if function == "Fn::And":
            return all(map(truth, arguments))
        if function == "Fn::Or":
            return any(map(truth, arguments))
        raise ValueError(f"the condition {function} is unknown")

    def of(name):
        if name not in holds:
            holds[name] = truth(rules[name])
        return holds[name]

    for name in rules:
        of(name)
    return holds


def resolve(node, values, holds):
    if isinstance(node, list):
        return [item for item in (resolve(item, values, holds) for item in node) if item != NOTHING]
    if not isinstance(node, dict):
        return node
    if len(node) == 1:
        (function, arguments), = node.items()
        if function == "Ref":
            return values.get(arguments, node)
        if function == "Fn::If":
            condition, yes, no = arguments
            return resolve(yes if holds[condition] else no, values, holds)
        if function == "Fn::Sub":
            return sub(arguments, values, holds)
        if function in ("Fn::Join", "Fn::Split", "Fn::Select"):
            return apply(function, resolve(arguments, values, holds))
    resolved = {key: resolve(value, values, holds) for key, value in node.items()}
    return {key: value for key, value in resolved.items() if value != NOTHING}


def sub(arguments, values, holds):
    text, own = (arguments, {}) if isinstance(arguments, str) else arguments
    known = {**values, **{key: resolve(value, values, holds) for key, value in own.items()}}
    left = {}

    def put(match):
        value = known.get(match[1])
        if isinstance(value, str):
            return value
        if value is not None:
            left[match[1]] = value
        return match[0]

    text = re.sub(r"\$\{([^!}]+)\}", put, text)
    if left:
        return {"Fn::Sub": [text, left]}
    return {"Fn::Sub": text} if re.search(r"\$\{[^!}]", text) else text


def apply(function, arguments):
    first, rest = arguments
    if function == "Fn::Split" and isinstance(rest, str):
        return rest.split(first)
    if isinstance(rest, list):
        if function == "Fn::Join" and all(isinstance(item, str) for item in rest):
            return first.join(rest)
        if function == "Fn::Select":
            return rest[int(first)]
    return {function: arguments}
