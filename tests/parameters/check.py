"""Whether a changed parameter takes effect, by the translator that AWS itself uses.

    check.py TEMPLATE

Prints, for each parameter, what differs between two of its values, as JSON. Ends with 1
and sentences on stderr if a change would be without effect:

- A definition, a rule or an alias calls a version of a function. A version keeps the
  settings that it was made with, and SAM makes a new one when the template is written
  otherwise, not when a parameter has another value. So what such a function is set to
  must not depend on a parameter, but for EXCEPTED.
- The stage of an API keeps the body and the policy of its deployment.
- What people have put something into must not go with a parameter.
- A parameter on which nothing depends promises something.

Nothing is asked over the network.
"""

import json
import logging
import os
import pathlib
import re
import sys
import types
from concurrent.futures import ProcessPoolExecutor

# The working tree stays as it is.
sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "checkov"))

from expand import source_of, transformed  # noqa: E402
from samtranslator.model import apigateway  # noqa: E402

from resolve import resources_of  # noqa: E402

CLUSTER = "5a0e0000-0000-4000-8000-00000000000"
SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:key-"
LAYER = "arn:aws:lambda:eu-west-1:111122223333:layer:bundle:"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/"
POOL = "arn:aws:cognito-idp:eu-west-1:111122223333:userpool/eu-west-1_"

# Values of each parameter, two at least. With the first ones every parameter counts
# that means something only together with another.
VALUES = {
    "ApiKeySecretArn": (SECRET + "AAAAAA", SECRET + "BBBBBB", ""),
    "ApiKeySecretPattern": ("a/{cluster_id}", "b/{cluster_id}"),
    "ApiKeyKmsKeyArn": (KEY + "a", KEY + "b"),
    "AllowedClusters": (CLUSTER + "1", CLUSTER + "2"),
    "AllowedSources": ("10.0.0.0/8", "10.0.0.0/9"),
    "ResourceTags": ("Team=a", "Team=b"),
    "CloudApiUrl": ("https://cockroachlabs.cloud", "https://other.example"),
    "TagPrefix": ("one", "two"),
    "ApiAccess": ("COGNITO", "IAM"),
    "ApiUserPoolGroup": ("one", "two"),
    "ApiUserPoolArn": (POOL + "a", POOL + "b"),
    "ApiVpcEndpointIds": ("vpce-0000000a", "vpce-0000000b", ""),
    "ApiRequestsPerSecond": ("10", "20"),
    "ApiAccessLog": ("set-up", "off"),
    "CheckSchedule": ("rate(15 minutes)", "rate(1 hour)"),
    "OnDrift": ("report", "repair"),
    "SweepSchedule": ("rate(1 day)", "rate(2 days)"),
    "SweepPlaces": ("eu-central-1", "us-east-1"),
    "SweepMinimumAgeHours": ("24", "48"),
    "OnOrphans": ("report", "remove"),
    "NoticeEmail": ("a@example.com", "b@example.com"),
    "DocumentsUrl": ("docs", "https://docs.example.com"),
    "OtherAccountRole": ("one", "two"),
    "OtherAccountExternalId": ("one", "two"),
    "OtherAccounts": ("444455556666", "555566667777", ""),
    "Architecture": ("arm64", "x86_64"),
    "ReserveConcurrency": ("yes", "no"),
    "LogLevel": ("INFO", "DEBUG"),
    "LogRetentionDays": ("90", "30"),
    "SubnetIds": ("subnet-0000000a", "subnet-0000000b"),
    "SecurityGroupIds": ("sg-0000000a", "sg-0000000b"),
    "CaBundleLayer": (LAYER + "1", LAYER + "2", ""),
    "KmsKeyArn": (KEY + "c", KEY + "d", ""),
    "PermissionsBoundary": ("arn:aws:iam::111122223333:policy/a", "arn:aws:iam::111122223333:policy/b"),
}

# Settings of functions that no version follows: parameter and property, and why.
EXCEPTED = {
    ("LogLevel", "LoggingConfig.ApplicationLogLevel"): "a version logs from the level that it was made with, and other code brings the next one",
    ("SubnetIds", "VpcConfig.SubnetIds"): "a version runs in the network that it was made in, and other code brings the next one",
    ("SecurityGroupIds", "VpcConfig.SecurityGroupIds"): "the same",
    ("CaBundleLayer", "Layers"): "a version trusts whom it was made to trust, and other code brings the next one",
    ("CaBundleLayer", "Environment.Variables.AWS_CA_BUNDLE"): "the same",
    ("Architecture", "Architectures"): "it needs other binaries, which are other code and so new versions",
    **{
        (parameter, f"Environment.Variables.{variable}"): "events come to the function as it is; a definition tells its version, and is another one"
        for parameter, variable in (
            ("AllowedClusters", "ALLOWED_CLUSTERS"),
            ("TagPrefix", "TAG_PREFIX"),
            ("OtherAccountRole", "OTHER_ACCOUNT_ROLE"),
            ("OtherAccountExternalId", "OTHER_ACCOUNT_EXTERNAL_ID"),
            ("OtherAccounts", "OTHER_ACCOUNTS"),
            ("AllowedSources", "ALLOWED_SOURCES"),
        )
    },
}

# Lambda keeps these for the function as a whole, so they count for its versions at once.
OF_NO_VERSION = {"ReservedConcurrentExecutions", "Tags", "RecursiveLoop", "CodeSigningConfigArn"}
KEPT = {"AWS::SecretsManager::Secret", "AWS::DynamoDB::Table"}
FUNCTION, VERSION, ALIAS = "AWS::Lambda::Function", "AWS::Lambda::Version", "AWS::Lambda::Alias"
API, DEPLOYMENT = "AWS::ApiGateway::RestApi", "AWS::ApiGateway::Deployment"
# They name a version without calling it.
NOT_CALLING = {ALIAS, "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Permission"}


def references_in(node):
    """Logical ids that a value names."""
    if isinstance(node, list):
        return {name for item in node for name in references_in(item)}
    if not isinstance(node, dict):
        return set()
    own = set()
    if isinstance(node.get("Ref"), str):
        own = {node["Ref"]}
    if attribute := node.get("Fn::GetAtt"):
        own = {attribute.split(".")[0] if isinstance(attribute, str) else attribute[0]}
    if text := node.get("Fn::Sub"):
        own = set(re.findall(r"\$\{([^!.}]+)", text if isinstance(text, str) else text[0]))
    return own.union(*(references_in(value) for value in node.values()))


def of_type(resources, kind):
    return {name for name, resource in resources.items() if resource["Type"] == kind}


def versions_called(resources):
    """Functions that somebody calls by a version, directly or by an alias: function to version."""
    called = {
        name
        for resource in resources.values()
        if resource["Type"] not in NOT_CALLING
        for name in references_in(resource.get("Properties", {}))
    }
    versions = of_type(resources, VERSION)
    for alias in of_type(resources, ALIAS) & called:
        called |= references_in(resources[alias]["Properties"]) & versions
    return {resources[version]["Properties"]["FunctionName"]["Ref"]: version for version in versions & called}


def paths_that_differ(before, after, path=""):
    """The places below which two values differ, such as Environment.Variables.TAG_PREFIX."""
    if before == after:
        return []
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return [path]
    keys = sorted(before.keys() | after.keys())
    return [found for key in keys for found in paths_that_differ(before.get(key), after.get(key), f"{path}.{key}" if path else key)]


def without(resources, kinds):
    """The resources that are of none of these types, with one name for all that are."""
    text = json.dumps({name: resource for name, resource in resources.items() if resource["Type"] not in kinds})
    for kind in kinds:
        for name in of_type(resources, kind):
            text = text.replace(f'"{name}"', f'"{kind}"')
    return json.loads(text)


def compare(before, after, renewed):
    """What differs, by kind; resources of the types `renewed` are others at every transform."""
    new = {kind: sorted(of_type(before, kind) ^ of_type(after, kind)) for kind in (VERSION, DEPLOYMENT)}
    pinned, versions = versions_called(before), of_type(after, VERSION)
    before, after = without(before, renewed), without(after, renewed)
    changed = {
        name: paths_that_differ(before[name].get("Properties", {}), after[name].get("Properties", {}))
        for name in sorted(before.keys() & after.keys())
        if before[name] != after[name]
    }
    only_one = before.keys() ^ after.keys()
    either = {**before, **after}

    def changes_of(kind):
        return {name: paths for name, paths in changed.items() if either[name]["Type"] == kind}

    pinned = versions_called(before)
    of_versions = {name: [path for path in paths if path.split(".")[0] not in OF_NO_VERSION] for name, paths in changes_of(FUNCTION).items()}
    return {
        "differs": {name: either[name]["Type"] for name in sorted(only_one | changed.keys())},
        "new_versions": new[VERSION],
        "new_deployments": new[DEPLOYMENT],
        "functions_whose_version_stays": {name: paths for name, paths in of_versions.items() if paths and pinned.get(name) in versions},
        "other_functions": {name: paths for name, paths in of_versions.items() if paths and name not in pinned},
        "machines": changes_of("AWS::StepFunctions::StateMachine"),
        "apis": changes_of(API),
        "lost": sorted(name for name in only_one if either[name]["Type"] in KEPT and either[name].get("DeletionPolicy") not in ("Retain", "RetainExceptOnCreate")),
    }


def verdicts(report, declared):
    """Sentences on what would be without effect, or would lose something."""
    sentences = [f"{name} is a parameter of the template, but has no values in VALUES." for name in sorted(declared - VALUES.keys())]
    sentences += [f"{name} is in VALUES, but is no parameter of the template." for name in sorted(VALUES.keys() - declared)]
    used = set()
    for (parameter, value), found in report.items():
        case = f"{parameter}, set to '{value}',"
        if not found["differs"]:
            sentences.append(f"{case} changes nothing.")
        staying = {}
        for function, paths in found["functions_whose_version_stays"].items():
            for path in paths:
                if (parameter, path) in EXCEPTED:
                    used.add((parameter, path))
                else:
                    staying.setdefault(path, []).append(function)
        for path, functions in sorted(staying.items()):
            sentences.append(f"{case} changes {path}, but versions that are called stay as they were: {', '.join(functions)}.")
        if found["apis"] and not found["new_deployments"]:
            sentences.append(f"{case} changes {', '.join(found['apis'])}, but the stage keeps its deployment.")
        sentences += [f"{case} makes or deletes {name}, which has no DeletionPolicy that keeps it." for name in found["lost"]]
    sentences += [f"{parameter} is excepted, but changes {path} of no function whose version stays." for parameter, path in sorted(EXCEPTED.keys() - used)]
    return sentences


def deployed_at(second, source, parameters):
    """The transformed template of a deployment of its own.

    AlwaysDeploy names a deployment by the second, and several of these templates are made in one.
    """
    apigateway.time = types.SimpleNamespace(time=lambda: second)
    return transformed(source, parameters)


def main(template):
    # The translator and its command line say what nobody asked for.
    logging.disable(logging.WARNING)
    source = source_of(template)
    declared = set(source["Parameters"])
    first = {name: values[0] for name, values in VALUES.items() if name in declared}
    others = {(name, value): {**first, name: value} for name in first for value in VALUES[name][1:]}
    cases = [first, first, *others.values()]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        templates = pool.map(deployed_at, range(len(cases)), [source] * len(cases), cases)
        before, again, *after = [resources_of(made, case) for made, case in zip(templates, cases)]
    renewed = {{**before, **again}[name]["Type"] for name in before.keys() ^ again.keys()}
    report = {case: compare(before, changed, renewed) for case, changed in zip(others, after)}
    print(json.dumps([{"parameter": name, "from": first[name], "to": value, **found} for (name, value), found in report.items()], indent=2))
    if found := verdicts(report, declared):
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main(sys.argv[1])
