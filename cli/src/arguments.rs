//! The command line.

use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue};
use clap::{ArgAction, Args, Parser, Subcommand};

use shared::customer_tags::CustomerTag;

use crate::exit;

/// Connects VPCs to CockroachDB Cloud clusters over AWS PrivateLink.
///
/// Without `--aws` everything happens in a simulated world on this machine: no
/// account is needed and nothing is billed. What came of it begins with `[simulated: …]`.
#[derive(Debug, Parser)]
#[command(version, name = "crdb-privatelink", after_help = exit::table())]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Log to stderr what goes on beneath, also what AWS and the Cloud API answer while something is
    /// awaited; twice for more.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Log by this filter to stderr, such as `shared=debug,aws_sdk_ec2=info`.
    #[arg(long, global = true, value_name = "FILTER")]
    pub log: Option<String>,
}

impl Arguments {
    /// Reads the command line of this process; ends the process if it is not valid, or asks
    /// for help.
    pub fn read() -> Self {
        Self::try_parse().unwrap_or_else(|error| careful(error).exit())
    }
}

/// The error with its suggestions in an order in which none that removes something comes
/// first. By its letters `provison` is as near to `deprovision`.
fn careful(mut error: clap::Error) -> clap::Error {
    const REMOVING: [&str; 2] = ["deprovision", "sweep"];
    let kind = ContextKind::SuggestedSubcommand;
    if let Some(ContextValue::Strings(names)) = error.get(kind) {
        let mut names = names.clone();
        names.sort_by_key(|name| REMOVING.contains(&name.as_str()));
        error.insert(kind, ContextValue::Strings(names));
    }
    error
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Connect a VPC to a cluster: ends in a working connection, or with nothing left behind.
    #[command(after_help = exit::table())]
    Provision(Provision),
    /// Show what `provision` would add, change and remove, what it costs, and an equivalent AWS CLI
    /// script; with `--destroy` what `deprovision` would remove.
    #[command(after_help = exit::table())]
    Plan(Plan),
    /// Remove a connection: ends with nothing of it left, or says what is left and why.
    #[command(after_help = exit::table())]
    Deprovision(Deprovision),
    /// Find what connections have left behind in every account and Region; removes it only with
    /// `--apply`.
    #[command(after_help = exit::table())]
    Sweep(Sweep),
    /// Rebuild a lost ledger from the tags; writes only with `--apply`.
    #[command(after_help = exit::table())]
    Rebuild(Rebuild),
    /// List the simulated worlds that are built in.
    Scenarios,
    /// Explain a code, an alarm, a phase or a health: what it means and what to do.
    Explain {
        /// The name, such as `private-dns-conflict`, `pending-too-long` or `rollback-incomplete`.
        name: String,
    },
    /// Print all error codes with causes and fixes, and the run book, as documents.
    Catalogue,
}

/// `sweep`.
///
/// In a simulated world, what is to be removed is removed in this process, one
/// connection after the other. In a real account the stack's own state machine
/// `deprovision` is started for it: its lease decides against every other execution of
/// the stack, and it announces how it ended.
#[derive(Debug, Args)]
pub struct Sweep {
    /// In which world.
    #[command(flatten)]
    pub place: Place,
    /// Whether it may be changed without a question.
    #[command(flatten)]
    pub consented: Consented,
    /// Which stack.
    #[command(flatten)]
    pub stack: Stack,
    /// Where.
    #[command(flatten)]
    pub scope: Scope,
    /// Remove what can be removed.
    #[arg(long, help_heading = "Sweep")]
    pub apply: bool,
    /// Keep what is younger than this.
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Sweep")]
    pub minimum_age: u32,
    /// Exit with 7 if something was found, also where nothing was to be removed.
    #[arg(long, help_heading = "Output")]
    pub detailed_exitcode: bool,
    /// Remove even if the ledger looks lost: it is complete, and what it does not have are orphans.
    #[arg(long, help_heading = "Sweep")]
    pub ledger_is_complete: bool,
    /// The ARN of the stack's state machine `deprovision`: output `DeprovisionMachineArn`. Needed
    /// with `--aws --apply`.
    #[arg(long, value_name = "ARN", requires = "aws", help_heading = "Stack")]
    pub deprovision_machine: Option<String>,
    /// Print nothing but one JSON document, on stdout.
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}

/// `rebuild`.
#[derive(Debug, Args)]
pub struct Rebuild {
    /// In which world.
    #[command(flatten)]
    pub place: Place,
    /// Whether it may be changed without a question.
    #[command(flatten)]
    pub consented: Consented,
    /// Which stack.
    #[command(flatten)]
    pub stack: Stack,
    /// Where.
    #[command(flatten)]
    pub scope: Scope,
    /// Write the entries that are missing. Those that are there stay as they are.
    #[arg(long, help_heading = "Rebuild")]
    pub apply: bool,
    /// Exit with 7 if entries are missing and were not to be written.
    #[arg(long, help_heading = "Output")]
    pub detailed_exitcode: bool,
    /// Print nothing but one JSON document, on stdout.
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}

/// Where to look.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Where")]
pub struct Scope {
    /// A Region, or an account and a Region: `eu-central-1`, `444455556666/us-east-1`; may be
    /// repeated. Without it: the Region of the stack, and every account and Region that the
    /// ledger has a connection in.
    #[arg(long = "place", value_name = "PLACE", value_parser = one_place)]
    pub places: Vec<String>,
}

/// The deployed stack whose ledger is meant. A simulated world has one that needs no
/// names.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Stack")]
pub struct Stack {
    /// The table of connections: output `ConnectionsTableName`. Needed with `--aws`.
    #[arg(long, value_name = "TABLE", requires = "aws")]
    pub connections_table: Option<String>,
    /// The table of leases: output `LeasesTableName`. Needed with `--aws`.
    #[arg(long, value_name = "TABLE", requires = "aws")]
    pub leases_table: Option<String>,
    /// The account of the stack, to be sure: nothing is asked unless it is that of your AWS
    /// credentials. Other accounts are reached by the role in OTHER_ACCOUNT_ROLE.
    #[arg(long, value_name = "ACCOUNT", requires = "aws")]
    pub own_account: Option<String>,
    /// The Region of the stack. [default: that of your AWS configuration]
    #[arg(long, requires = "aws")]
    pub region: Option<String>,
}

/// `deprovision`.
#[derive(Debug, Args)]
pub struct Deprovision {
    /// In which world.
    #[command(flatten)]
    pub place: Place,
    /// Whether it may be changed without a question.
    #[command(flatten)]
    pub consented: Consented,
    /// What is asked for.
    #[command(flatten)]
    pub asked: AskedAway,
    /// Print nothing but one JSON document, on stdout.
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}

/// Which connection to remove. Values are checked where every request is checked.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Request")]
pub struct AskedAway {
    /// A request as a JSON file, or `-` for standard input; the schema is
    /// docs/deprovision-request.schema.json. The flags below override its fields.
    #[arg(long, value_name = "FILE")]
    pub request: Option<PathBuf>,
    /// The cluster.
    #[arg(long, value_name = "UUID")]
    pub cluster_id: Option<String>,
    /// The AWS Region of the VPC. [default: with `--aws` that of your AWS configuration]
    #[arg(long)]
    pub region: Option<String>,
    /// The VPC.
    #[arg(long, value_name = "VPC")]
    pub vpc_id: Option<String>,
    /// The account that owns the VPC. With `--aws`: that of your AWS credentials, or one that
    /// they reach by the role in OTHER_ACCOUNT_ROLE.
    #[arg(long, value_name = "ACCOUNT")]
    pub account_id: Option<String>,
    /// Remove it even if it is protected or carries traffic.
    #[arg(long)]
    pub force: bool,
    /// You know that the cluster is gone: if the Cloud API does not show it either, its private endpoint
    /// connection counts as gone with it.
    #[arg(long)]
    pub cluster_is_gone: bool,
    /// Keep it if its endpoint carried traffic in the last so many minutes, by CloudWatch.
    #[arg(long, value_name = "MINUTES")]
    pub unless_traffic_minutes: Option<u32>,
    /// How long removing each part may take. [default: 900]
    #[arg(long, value_name = "SECONDS")]
    pub undo_seconds: Option<u64>,
    /// How long to wait for another execution that changes the VPC. [default: 3600]
    #[arg(long, value_name = "SECONDS")]
    pub lease_seconds: Option<u64>,
}

/// `provision`.
#[derive(Debug, Args)]
pub struct Provision {
    /// In which world.
    #[command(flatten)]
    pub place: Place,
    /// Whether it may be changed without a question.
    #[command(flatten)]
    pub consented: Consented,
    /// What is asked for.
    #[command(flatten)]
    pub asked: Asked,
    /// Print nothing but one JSON document, on stdout.
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}

/// `plan`.
#[derive(Debug, Args)]
pub struct Plan {
    /// In which world.
    #[command(flatten)]
    pub place: Place,
    /// What is asked for.
    #[command(flatten)]
    pub asked: Asked,
    /// Wait until all is known, within the limits of the request, as `provision` does. An endpoint
    /// service that nobody has asked for does not come by waiting: see `--ask-for-service`.
    #[arg(long, help_heading = "Looking")]
    pub wait: bool,
    /// Show what `deprovision` would remove, what goes through it and what it costs, and remove
    /// nothing.
    #[arg(long, conflicts_with_all = NOT_OF_A_REMOVAL, help_heading = "Looking")]
    pub destroy: bool,
    /// Ask an Advanced cluster for its endpoint service if it has none. The only thing that `plan`
    /// ever changes, and only with this flag; it is free of charge and cannot be undone.
    #[arg(long, help_heading = "Looking")]
    pub ask_for_service: bool,
    /// Print nothing but one JSON document, on stdout.
    #[arg(long, conflicts_with = "script", help_heading = "Output")]
    pub json: bool,
    /// Print nothing but the AWS CLI commands, as a bash script; nothing at all if there is nothing
    /// to change.
    #[arg(long, help_heading = "Output")]
    pub script: bool,
    /// Exit with 7 in place of 0 if something would be added, changed or removed.
    #[arg(long, help_heading = "Output")]
    pub detailed_exitcode: bool,
}

/// What is asked for with `plan` that says nothing of a removal.
const NOT_OF_A_REMOVAL: [&str; 15] = [
    "wait",
    "ask_for_service",
    "script",
    "subnet_id",
    "cidr",
    "source_group",
    "prefix_list",
    "include_peered_vpcs",
    "no_private_dns",
    "add_trusted_owner",
    "protect",
    "tag",
    "on_failure",
    "sql_user",
    "database",
];

/// Whether something real may be changed without a question.
#[derive(Debug, Default, Clone, Copy, Args)]
#[command(next_help_heading = "World")]
pub struct Consented {
    /// With `--aws`: change what is shown without asking. Needed where nobody can be asked, as in
    /// a script, and with `--json`.
    #[arg(long)]
    pub yes: bool,
}

/// In which world.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "World")]
pub struct Place {
    /// A simulated world: a name from `crdb-privatelink scenarios`, or a TOML file. Its `[request]`
    /// is what is asked for unless flags say otherwise. [default: fresh-vpc; for `deprovision` and
    /// `plan --destroy`: connected; for `sweep`: orphans; for `rebuild`: ledger-lost]
    #[arg(long, value_name = "NAME|FILE", conflicts_with = "aws")]
    pub scenario: Option<String>,
    /// A simulator that is already running (`cargo run -p simulator`), so that its world stays
    /// between commands. Say what is asked for, or name its world with `--scenario`.
    #[arg(long, value_name = "URL", value_parser = url, conflicts_with = "aws")]
    pub endpoint: Option<String>,
    /// How many times faster the simulated time runs while something is awaited; 1 is real time.
    /// With `--endpoint`, give the speed of that simulator. [default: 25, with `--endpoint` 1]
    #[arg(long, value_name = "N", value_parser = speed, conflicts_with = "aws")]
    pub speed: Option<f64>,
    /// Use your current AWS credentials and the real Cloud API. What is made is billed.
    #[arg(long)]
    pub aws: bool,
    /// The AWS profile whose credentials and Region count, also before keys in the environment.
    /// [default: AWS_PROFILE]
    #[arg(long, value_name = "NAME", requires = "aws")]
    pub profile: Option<String>,
    /// The secret in Secrets Manager that holds the Cloud API key. [default: API_KEY_SECRET, else
    /// crdb-privatelink/api-key]
    #[arg(long, value_name = "NAME")]
    pub secret: Option<String>,
}

/// What is asked for. Values are checked where every request is checked.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Request")]
pub struct Asked {
    /// A request as a JSON file, or `-` for standard input; the schema is
    /// docs/provision-request.schema.json. The flags below override its fields.
    #[arg(long, value_name = "FILE")]
    pub request: Option<PathBuf>,
    /// The cluster.
    #[arg(long, value_name = "UUID")]
    pub cluster_id: Option<String>,
    /// The AWS Region of the VPC. [default: with `--aws` that of your AWS configuration]
    #[arg(long)]
    pub region: Option<String>,
    /// The VPC.
    #[arg(long, value_name = "VPC")]
    pub vpc_id: Option<String>,
    /// The account that must own the VPC. With `--aws`: that of your AWS credentials, or one that
    /// they reach by the role in OTHER_ACCOUNT_ROLE.
    #[arg(long, value_name = "ACCOUNT")]
    pub account_id: Option<String>,
    /// A subnet of the endpoint, at most one for each zone; may be repeated.
    #[arg(long, value_name = "SUBNET")]
    pub subnet_id: Vec<String>,
    /// A network that may connect; may be repeated. Without any source: all networks of the VPC.
    #[arg(long, value_name = "NETWORK")]
    pub cidr: Vec<String>,
    /// A security group whose members may connect; may be repeated. One of another account, in a
    /// peered VPC: `222222222222/sg-0123456789abcdef0`.
    #[arg(long, value_name = "GROUP")]
    pub source_group: Vec<String>,
    /// A managed prefix list whose networks may connect; may be repeated.
    #[arg(long, value_name = "LIST")]
    pub prefix_list: Vec<String>,
    /// Let the networks of peered VPCs connect too.
    #[arg(long)]
    pub include_peered_vpcs: bool,
    /// Leave private DNS off.
    #[arg(long)]
    pub no_private_dns: bool,
    /// Add the VPC's account to the cluster's trusted owners if needed.
    #[arg(long)]
    pub add_trusted_owner: bool,
    /// Protect the connection: `deprovision` then removes it only with `--force`.
    #[arg(long)]
    pub protect: bool,
    /// A tag of your own for what is made; may be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    pub tag: Vec<CustomerTag>,
    /// What to do with what was made when a later step fails.
    #[arg(long, value_name = "WHAT", value_parser = ["rollback", "keep"])]
    pub on_failure: Option<String>,
    /// SQL user of the connection string.
    #[arg(long, value_name = "NAME")]
    pub sql_user: Option<String>,
    /// Database of the connection string.
    #[arg(long, value_name = "NAME")]
    pub database: Option<String>,
}

impl Scope {
    /// What is named of it: accounts and Regions.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.places.iter().flat_map(|place| place.split('/'))
    }
}

fn url(text: &str) -> Result<String, String> {
    let text = text.trim();
    shared::transport::base(text)?;
    Ok(text.trim_end_matches('/').to_owned())
}

fn one_place(text: &str) -> Result<String, String> {
    let place: Result<shared::place::Place, _> = text.parse();
    place
        .map(|place| place.to_string())
        .map_err(|error| error.to_string())
}

/// Outside these bounds a run is either endless or faster than its own calls.
fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if (0.1..=1000.0).contains(&speed) => Ok(speed),
        _ => Err("not a number from 0.1 to 1000".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn an_account_and_a_simulated_world_exclude_each_other() {
        for world in [
            "--scenario=fresh-vpc",
            "--endpoint=http://127.0.0.1:1",
            "--speed=2",
        ] {
            assert!(
                Arguments::try_parse_from(["it", "provision", "--aws", world]).is_err(),
                "{world}"
            );
        }
    }

    #[test]
    fn what_removes_something_is_not_suggested_first() {
        let told = |word: &str| {
            let error = Arguments::try_parse_from(["it", word]).unwrap_err();
            careful(error).render().to_string()
        };
        let said = told("provison");
        let at = |name: &str| said.find(&format!("'{name}'"));
        assert!(at("provision") < at("deprovision"), "{said}");
        assert!(at("provision").is_some(), "{said}");
        assert!(told("deprovison").contains("'deprovision'"));
    }

    #[test]
    fn a_profile_is_of_a_real_account() {
        let parse = |more: &[&str]| {
            let line = ["it", "provision", "--profile", "work"].into_iter();
            Arguments::try_parse_from(line.chain(more.iter().copied()))
        };
        assert!(parse(&[]).is_err());
        assert!(parse(&["--aws"]).is_ok());
    }

    #[test]
    fn a_speed_is_a_reasonable_number() {
        assert_eq!(speed("25"), Ok(25.0));
        for text in ["0", "-1", "NaN", "inf", "1e9", "fast"] {
            assert!(speed(text).is_err(), "{text}");
        }
    }
}
