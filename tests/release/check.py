"""What infra/from-release makes: check.py FOLDER

FOLDER is made, with stubs for functions. It must hold the template of the
repository but for the code of the functions and their processor, and all that
this names; and what is not whole must be refused. Runs in the environment of
the SAM command line, which reads the template as sam deploy does.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
import zipfile

from samcli.yamlhelper import parse_yaml_file

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FUNCTION = "AWS::Serverless::Function"
MACHINE = "AWS::Serverless::StateMachine"
ARM64, X86_64, RISC_V = 0xB7, 0x3E, 0xF3

def parsed(template):
    """In plain dictionaries, whose order does not matter."""
    return json.loads(json.dumps(parse_yaml_file(str(template))))


def original():
    return parsed(ROOT / "infra/template.yaml")


def of_type(template, wanted):
    return {name: one for name, one in template["Resources"].items() if one["Type"] == wanted}


NAMES = sorted(one["Metadata"]["BuildProperties"]["Binary"] for one in of_type(original(), FUNCTION).values())


def build(folder, machine):
    """What cargo-lambda leaves, with the head of a program in place of each."""
    for name in NAMES:
        pack(folder, name, b"\x7fELF" + bytes(14) + machine.to_bytes(2, "little"))


def pack(folder, name, content, entry="bootstrap"):
    (folder / name).mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / name / "bootstrap.zip", "w") as archive:
        archive.writestr(entry, content)


def lay_out(built, folder):
    return subprocess.run([ROOT / "infra/from-release", built, folder], capture_output=True, text=True)


class Release(unittest.TestCase):
    folder = None

    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.place = pathlib.Path(place.name)
        self.built = self.place / "lambda"
        self.built.mkdir()

    def laid_out(self, machine, folder):
        build(self.built, machine)
        done = lay_out(self.built, folder)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        return parsed(folder / "template.yaml")

    def refused(self, reason):
        done = lay_out(self.built, self.place / "stack")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(reason, done.stderr)
        self.assertFalse((self.place / "stack").exists())

    def test_only_the_code_and_the_processor_differ(self):
        wanted = original()
        del wanted["Globals"]["Function"]["CodeUri"]
        for function in of_type(wanted, FUNCTION).values():
            name = function.pop("Metadata")["BuildProperties"]["Binary"]
            function["Properties"]["CodeUri"] = f"functions/{name}.zip"
        for machine in of_type(wanted, MACHINE).values():
            properties = machine["Properties"]
            properties["DefinitionUri"] = properties["DefinitionUri"].removeprefix("../")
        for machine, processor in [(ARM64, "arm64"), (X86_64, "x86_64")]:
            folder = self.folder if machine == ARM64 else self.place / "stack"
            made = self.laid_out(machine, folder)
            description = made["Parameters"]["Architecture"]["Description"]
            wanted["Parameters"]["Architecture"] = {
                "Type": "String",
                "Default": processor,
                "AllowedValues": [processor],
                "Description": description,
            }
            self.assertEqual(made, wanted)

    def test_all_that_is_named_is_there(self):
        folder = self.place / "stack"
        made = self.laid_out(ARM64, folder)
        named = [one["Properties"]["CodeUri"] for one in of_type(made, FUNCTION).values()]
        self.assertEqual(sorted(named), [f"functions/{name}.zip" for name in NAMES])
        for name in NAMES:
            self.assertEqual(
                (folder / f"functions/{name}.zip").read_bytes(), (self.built / name / "bootstrap.zip").read_bytes()
            )
        definitions = [one["Properties"]["DefinitionUri"] for one in of_type(made, MACHINE).values()]
        copied = dict(zip(definitions, definitions))
        copied |= {name: f"infra/{name}" for name in ["openapi.yaml", "other-account.yaml"]}
        for name, original in copied.items():
            self.assertEqual((folder / name).read_bytes(), (ROOT / original).read_bytes())
        self.assertNotIn("../", (folder / "template.yaml").read_text())
        self.assertNotIn("infra/", (folder / "samconfig.toml").read_text())

    def test_a_function_that_is_missing(self):
        build(self.built, ARM64)
        (self.built / NAMES[0] / "bootstrap.zip").unlink()
        self.refused(NAMES[0])

    def test_two_processors(self):
        build(self.built, ARM64)
        pack(self.built, NAMES[-1], b"\x7fELF" + bytes(14) + X86_64.to_bytes(2, "little"))
        self.refused("arm64', 'x86_64")

    def test_what_lambda_cannot_run(self):
        for content, entry in [
            (b"\x7fELF" + bytes(14) + RISC_V.to_bytes(2, "little"), "bootstrap"),
            (b"#!/bin/sh\n", "bootstrap"),
            (b"\x7fELF" + bytes(14) + ARM64.to_bytes(2, "little"), "create-endpoint"),
        ]:
            with self.subTest(content=content, entry=entry):
                build(self.built, ARM64)
                pack(self.built, "create-endpoint", content, entry)
                self.refused("create-endpoint/bootstrap.zip")

    def test_nothing_is_laid_over_what_is_there(self):
        build(self.built, ARM64)
        (self.place / "stack").mkdir()
        self.assertNotEqual(lay_out(self.built, self.place / "stack").returncode, 0)
        self.assertEqual(list((self.place / "stack").iterdir()), [])


if __name__ == "__main__":
    Release.folder = pathlib.Path(sys.argv.pop())
    unittest.main()
