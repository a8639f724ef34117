"""Writes the template as CloudFormation gets it, for checks that know nothing of SAM.

    expand.py TEMPLATE EXPANDED

TEMPLATE is expanded by the translator that AWS itself uses, with local paths in
place of uploads, and with what AWS::Include names put in its place, as AWS does
before it applies the SAM transform. Nothing is asked over the network.
"""

import copy
import json
import pathlib
import sys

from samcli.lib.translate.sam_template_validator import SamTemplateValidator
from samcli.yamlhelper import parse_yaml_file, yaml_parse

INCLUDE = "Fn::Transform"


class NoManagedPolicies:
    """The template names none, so nothing has to be looked up in an account."""

    def load(self):
        return {}


def included(node, folder):
    if isinstance(node, list):
        return [included(item, folder) for item in node]
    if not isinstance(node, dict):
        return node
    others = {key: included(value, folder) for key, value in node.items() if key != INCLUDE}
    if INCLUDE not in node:
        return others
    transform = node[INCLUDE]
    if transform["Name"] != "AWS::Include":
        sys.exit(f"expand.py: the transform {transform['Name']} is unknown")
    location = folder / transform["Parameters"]["Location"]
    return {**included(parse_yaml_file(str(location)), folder), **others}


def source_of(template):
    """The template as it is written, with what it includes."""
    path = pathlib.Path(template)
    return included(parse_yaml_file(str(path)), path.parent)


def transformed(source, parameters=None):
    """The template as CloudFormation gets it; SAM sees these values of parameters."""
    # Not the caller's Region: what is checked must not depend on who checks.
    validator = SamTemplateValidator(copy.deepcopy(source), NoManagedPolicies(), region="eu-west-1", parameter_overrides=parameters)
    return yaml_parse(validator.get_translated_template_if_valid())


if __name__ == "__main__":
    template, expanded = sys.argv[1:]
    pathlib.Path(expanded).write_text(json.dumps(transformed(source_of(template)), indent=2))
