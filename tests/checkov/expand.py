"""Writes the template as CloudFormation gets it, for checks that know nothing of SAM.

    expand.py TEMPLATE EXPANDED

TEMPLATE is expanded by the translator that AWS itself uses, with local paths in
place of uploads, and with what AWS::Include names put in its place, as AWS does
before it applies the SAM transform. Nothing is asked over the network.
"""

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


def main(template, expanded):
    path = pathlib.Path(template)
    source = included(parse_yaml_file(str(path)), path.parent)
    # Not the caller's Region: what is checked must not depend on who checks.
    validator = SamTemplateValidator(source, NoManagedPolicies(), region="eu-west-1")
    text = validator.get_translated_template_if_valid()
    pathlib.Path(expanded).write_text(json.dumps(yaml_parse(text), indent=2))


main(*sys.argv[1:])
