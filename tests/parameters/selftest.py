"""The check of parameters, on small templates. Needs nothing but Python."""

import sys
import types
import unittest

# The working tree stays as it is, and the translator is not asked.
sys.dont_write_bytecode = True
sys.modules["expand"] = types.SimpleNamespace(source_of=None, transformed=None)
sys.modules["samtranslator.model"] = types.SimpleNamespace(apigateway=None)

import check  # noqa: E402
from resolve import resources_of  # noqa: E402

TEMPLATE = {
    "Parameters": {"P": {"Type": "String"}, "L": {"Type": "CommaDelimitedList", "Default": "a,b"}},
    "Conditions": {
        "IsOne": {"Fn::Equals": [{"Ref": "P"}, "one"]},
        "IsNot": {"Fn::And": [{"Fn::Not": [{"Condition": "IsOne"}]}, {"Fn::Equals": ["x", "x"]}]},
    },
    "Resources": {
        "Function": {"Type": check.FUNCTION, "Properties": {"Environment": {"P": {"Ref": "P"}}, "Role": {"Fn::GetAtt": ["Role", "Arn"]}}},
        "Version": {"Type": check.VERSION, "Properties": {"FunctionName": {"Ref": "Function"}}},
        "Alias": {"Type": check.ALIAS, "Properties": {"FunctionVersion": {"Fn::GetAtt": ["Version", "Version"]}, "Name": "live"}},
        "Secret": {"Type": "AWS::SecretsManager::Secret", "Condition": "IsNot", "Properties": {}},
    },
}


def machine(**substitutions):
    return {"Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"DefinitionSubstitutions": substitutions}}}


def compared(change, more=None, renewed=frozenset()):
    made = {**TEMPLATE, "Resources": {**TEMPLATE["Resources"], **(more or {})}}
    before, after = (resources_of(made, {"P": value}) for value in ("one", "two"))
    change(after)
    return check.compare(before, after, renewed)


def nothing(after):
    pass


def newer_version(after):
    after["Version2"] = after.pop("Version")


class Check(unittest.TestCase):
    def sentences(self, found):
        return [said for said in check.verdicts({("P", "two"): found}, set(check.VALUES)) if "excepted" not in said]

    def test_what_a_definition_calls_by_its_version_must_not_depend_on_a_parameter(self):
        found = compared(nothing, machine(F={"Ref": "Version"}))
        self.assertEqual(found["functions_whose_version_stays"], {"Function": ["Environment.P"]})
        self.assertIn("P, set to 'two', changes Environment.P, but versions that are called stay as they were: Function.", self.sentences(found))

    def test_an_alias_stands_for_its_version(self):
        for reference in ({"Ref": "Alias"}, {"Fn::Sub": "${Alias}"}, {"Fn::GetAtt": ["Alias", "AliasArn"]}):
            self.assertEqual(list(compared(nothing, machine(F=reference))["functions_whose_version_stays"]), ["Function"])

    def test_a_new_version_takes_the_setting_up(self):
        found = compared(newer_version, machine(F={"Ref": "Version"}))
        self.assertEqual((found["functions_whose_version_stays"], found["new_versions"]), ({}, ["Version", "Version2"]))

    def test_a_function_that_is_called_as_it_is_takes_a_setting_up_at_once(self):
        found = compared(nothing, machine(P={"Ref": "P"}))
        self.assertEqual((found["functions_whose_version_stays"], found["other_functions"]), ({}, {"Function": ["Environment.P"]}))
        self.assertEqual(found["machines"], {"Machine": ["DefinitionSubstitutions.P"]})

    def test_reserved_concurrency_is_of_no_version(self):
        def reserved(after):
            after["Function"]["Properties"] = {**after["Function"]["Properties"], "Environment": {"P": "one"}, "ReservedConcurrentExecutions": 2}

        self.assertEqual(compared(reserved, machine(F={"Ref": "Version"}))["functions_whose_version_stays"], {})

    def test_another_body_needs_another_deployment(self):
        api = {
            "Api": {"Type": check.API, "Properties": {"Body": {"Fn::If": ["IsOne", 1, 2]}}},
            "Deployment1": {"Type": check.DEPLOYMENT},
        }

        def deployed(after):
            after["Deployment2"] = after.pop("Deployment1")

        self.assertTrue(any("keeps its deployment" in said for said in self.sentences(compared(nothing, api))))
        self.assertFalse(any("keeps its deployment" in said for said in self.sentences(compared(deployed, api))))

    def test_a_secret_does_not_go_with_a_parameter(self):
        self.assertEqual(compared(nothing)["lost"], ["Secret"])
        kept = {"Secret": {**TEMPLATE["Resources"]["Secret"], "DeletionPolicy": "Retain"}}
        self.assertEqual(compared(nothing, kept)["lost"], [])

    def test_a_parameter_changes_something(self):
        self.assertIn("P, set to 'two', changes nothing.", self.sentences(check.compare({}, {}, set())))

    def test_a_deployment_that_is_always_new_is_no_effect_of_a_parameter(self):
        def made(name, limit):
            return {name: {"Type": check.DEPLOYMENT}, "Stage": {"Type": "S", "Properties": {"DeploymentId": {"Ref": name}, "Limit": limit}}}

        def found(limit):
            return check.compare(made("Deployment1", 1), made("Deployment2", limit), {check.DEPLOYMENT})

        self.assertEqual(found(1)["differs"], {})
        self.assertEqual(found(2)["differs"], {"Stage": "S"})
        self.assertEqual(found(1)["new_deployments"], ["Deployment1", "Deployment2"])

    def test_every_parameter_has_values(self):
        said = check.verdicts({}, (set(check.VALUES) - {"LogLevel"}) | {"New"})
        self.assertIn("New is a parameter of the template, but has no values in VALUES.", said)
        self.assertIn("LogLevel is in VALUES, but is no parameter of the template.", said)
        self.assertTrue(any(line.startswith("LogLevel is excepted, but changes") for line in said))

    def test_intrinsics_are_resolved_but_for_what_only_an_account_knows(self):
        inner = {"Fn::Split": [",", "a,${P}"]}
        properties = {
            "Text": {"Fn::Sub": ["${P}-${Own}-${Role.Arn}-${!Kept}", {"Own": {"Fn::Join": ["*", {"Fn::Split": ["|", "a|b"]}]}}]},
            "All": {"Fn::Sub": "${P} in ${AWS::Region}"},
            "List": [{"Ref": "L"}, {"Fn::If": ["IsOne", {"Ref": "AWS::NoValue"}, "other"]}],
            "Gone": {"Fn::If": ["IsOne", {"Ref": "AWS::NoValue"}, "other"]},
            "Second": {"Fn::Select": ["1", inner]},
            "Unknown": {"Fn::Select": ["1", {"Fn::Split": [":", {"Ref": "Topic"}]}]},
        }
        made = resources_of({**TEMPLATE, "Resources": {"R": {"Type": "T", "Properties": properties}}}, {"P": "one"})
        self.assertEqual(
            made["R"]["Properties"],
            {
                "Text": {"Fn::Sub": "one-a*b-${Role.Arn}-${!Kept}"},
                "All": "one in eu-west-1",
                "List": [["a", "b"]],
                "Second": "${P}",
                "Unknown": properties["Unknown"],
            },
        )


if __name__ == "__main__":
    unittest.main()
