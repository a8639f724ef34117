//! The deployment, by the command line that people use.

use std::collections::BTreeMap;
use std::path::Path;

use tokio::process::Command;

use super::aws::Aws;
use super::{ACCOUNT, REGION};
use crate::tools::python;

/// The name of the stack.
pub const NAME: &str = "emulated";

/// What was deployed: the physical name of each resource.
#[derive(Debug)]
pub struct Stack(BTreeMap<String, String>);

impl Stack {
    /// Deploys the template with these parameters, with `sam deploy`.
    ///
    /// # Panics
    /// With what it says, if it fails.
    pub async fn deploy(
        folder: &Path,
        template: &Path,
        emulator: &str,
        parameters: &[(&str, &str)],
    ) -> Self {
        let sam = python("sam", "tests/emulator/sam.txt");
        let overrides = parameters
            .iter()
            .map(|(name, value)| format!("ParameterKey={name},ParameterValue=\"{value}\""));
        let deployed = Command::new(sam.join("bin/sam"))
            .arg("deploy")
            .arg("--template-file")
            .arg(template)
            .args(["--stack-name", NAME, "--resolve-s3"])
            .args(["--capabilities", "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"])
            .args([
                "CAPABILITY_AUTO_EXPAND",
                "--no-confirm-changeset",
                "--no-progressbar",
            ])
            .arg("--parameter-overrides")
            .args(overrides)
            // Nothing of the machine's own configuration may get in, and no
            // samconfig.toml of ours either.
            .current_dir(folder)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", folder)
            .env("AWS_ENDPOINT_URL", emulator)
            .env("AWS_ACCESS_KEY_ID", ACCOUNT)
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_REGION", REGION)
            .env("AWS_DEFAULT_REGION", REGION)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("NO_PROXY", "127.0.0.1")
            .env("SAM_CLI_TELEMETRY", "0")
            .output()
            .await
            .expect("sam runs");
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&deployed.stdout),
            String::from_utf8_lossy(&deployed.stderr)
        );
        assert!(
            deployed.status.success(),
            "the template cannot be deployed:\n{said}"
        );
        let xml = Aws::at(emulator)
            .query(
                "cloudformation",
                &[
                    ("Action", "DescribeStackResources"),
                    ("Version", "2010-05-15"),
                    ("StackName", NAME),
                ],
            )
            .await;
        Self(resources(&xml))
    }

    /// The physical name of a resource.
    ///
    /// # Panics
    /// If there is no such resource.
    pub fn name(&self, resource: &str) -> &str {
        let name = self.0.get(resource);
        name.unwrap_or_else(|| panic!("no resource {resource} is deployed: {self:?}"))
    }
}

/// The resources in an answer to `DescribeStackResources`.
fn resources(xml: &str) -> BTreeMap<String, String> {
    let element = |part: &str, name: &str| {
        let (_, after) = part.split_once(&format!("<{name}>"))?;
        let (text, _) = after.split_once(&format!("</{name}>"))?;
        Some(text.to_owned())
    };
    xml.split("<member>")
        .filter_map(|part| {
            let physical = element(part, "PhysicalResourceId")?;
            Some((element(part, "LogicalResourceId")?, physical))
        })
        .collect()
}
