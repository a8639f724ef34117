//! The plan for people.

use plan_connection::{DifferenceAction, Differences, Outlook, Parts, Plan};
use shared::cloud::CC_VERSION;
use shared::request::ProvisionRequest;
use shared::{StepError, StepErrorName};

use crate::display::text::{field, hanging, item};
use crate::{fixes, script};

/// Stands for what depends on the cluster's endpoint service.
const LATER: &str = "(known after the cluster has its endpoint service)";

/// The plan as far as it is known, what it waits for, and what stands in the way; with the
/// commands, if there is something to do.
pub(super) fn told(outlook: &Outlook, commands: Option<&str>) -> String {
    let (plan, request) = (outlook.plan(), &outlook.request);
    let mut text = title(&plan, request);
    if let Some(differences) = &plan.differences {
        text += &changes(differences);
    }
    if let Some(parts) = &plan.parts {
        text += &told_of_parts(parts, request);
    }
    text += &not_ready(&plan, request);
    if let Some(error) = &outlook.in_the_way {
        text += &obstacle(error, request);
    }
    text + &commands.map_or_else(String::new, by_hand)
}

fn title(plan: &Plan, request: &ProvisionRequest) -> String {
    let name = match plan.parts.as_ref().and_then(|it| it.cluster_name.as_ref()) {
        Some(name) => name.clone(),
        None => request.cluster_id.to_string(),
    };
    let what = match (&plan.differences, &plan.parts) {
        (Some(_), _) => "Plan",
        (None, Some(_)) => "Plan as far as it is known",
        (None, None) => "No plan",
    };
    let (vpc, region) = (&request.vpc_id, &request.region);
    format!("{what}: {vpc} in {region} to cluster {name}. Nothing has been changed.\n\n")
}

/// What is different from what is there.
fn changes(differences: &Differences) -> String {
    let mut lead = "Changes";
    let mut text = String::new();
    for difference in &differences.list {
        let sign = match difference.action {
            DifferenceAction::Add => '+',
            DifferenceAction::Change => '~',
            DifferenceAction::Remove => '-',
        };
        // Further lines stand below the words, not below the sign.
        text += &hanging(&format!("  {lead:<16}{sign} "), &difference.what);
        lead = "";
    }
    text + &field(lead, &format!("{}.", differences.told)) + "\n"
}

fn told_of_parts(parts: &Parts, request: &ProvisionRequest) -> String {
    let mut text = group(parts) + &endpoint(parts) + &registration(parts);
    let dns = match &parts.private_host {
        Some(host) => format!("on: {host} resolves inside the VPC"),
        None if request.private_dns => format!("on; its host: {LATER}"),
        None => "off, as asked for".to_owned(),
    };
    text += &field("Private DNS", &dns);
    text += &field("Price", &parts.price.told);
    if !parts.notes.is_empty() {
        text.push_str("\nGood to know:\n");
        text.extend(parts.notes.iter().map(|note| item(note)));
    }
    text
}

fn group(parts: &Parts) -> String {
    let Some(group) = &parts.security_group else {
        return field("Security group", "those that the endpoint has");
    };
    let first = match (&group.existing, &group.name) {
        (Some(id), Some(name)) => format!("use {id} ({name})"),
        (Some(id), None) => format!("use {id}"),
        (None, Some(name)) => format!("make {name}"),
        (None, None) => format!("make one; its name: {LATER}"),
    };
    let sources = match group.sources.as_slice() {
        [] => "TCP 26257; from where is not known".to_owned(),
        sources => format!("TCP 26257 from {}", sources.join(", ")),
    };
    field("Security group", &first) + &field("", &sources)
}

fn endpoint(parts: &Parts) -> String {
    let endpoint = &parts.endpoint;
    let first = match &endpoint.existing {
        Some(id) => format!("use {id}"),
        None => "make one".to_owned(),
    };
    let service = match &endpoint.service_name {
        Some(service) => service.to_string(),
        None => LATER.to_owned(),
    };
    let mut text = field("Endpoint", &format!("{first}, to {service}"));
    if endpoint.subnets.is_empty() {
        return text + &field("", "no subnet that it can have is known yet");
    }
    if !endpoint.zones_known {
        text += &field(
            "",
            "in those of these zones in which the service is offered:",
        );
    }
    for subnet in &endpoint.subnets {
        let zone = subnet.zone_id.as_deref().unwrap_or("unknown zone");
        text += &field("", &format!("{} in {zone}", subnet.subnet_id));
    }
    text
}

fn registration(parts: &Parts) -> String {
    let name = parts.cluster_name.as_ref();
    let cluster = name.map_or_else(|| "the cluster".to_owned(), |it| format!("cluster {it}"));
    let told = match parts.registration.exists {
        Some(true) => format!("{cluster} knows the endpoint already"),
        Some(false) => format!("tell {cluster} of the endpoint"),
        None => format!("tell {cluster} of the endpoint, unless it knows it already"),
    };
    let mut text = field("Registration", &told);
    if let Some(account) = &parts.registration.trust_account {
        text += &field(
            "Trusted owner",
            &format!("add account {account} to the cluster's list"),
        );
    }
    text
}

/// What is waited for, if something is.
fn not_ready(plan: &Plan, request: &ProvisionRequest) -> String {
    let Some(waiting_for) = &plan.waiting_for else {
        return String::new();
    };
    let before = if plan.parts.is_some() { "\n" } else { "" };
    let mut text = format!("{before}Not yet: all is known once this is ready.\n\n");
    text += &field("Waiting for", waiting_for);
    let advice = if plan.service_missing {
        "Nobody has asked the cluster for its endpoint service yet; `provision` does that by itself. \
         It is free of charge and takes some minutes. `plan --ask-for-service --wait` does the same \
         and then makes the plan; by hand:"
    } else {
        "Run again later, or with `--wait`."
    };
    text += &field("What to do", advice);
    if plan.service_missing {
        text += &ask_by_hand(request);
    }
    text
}

fn obstacle(error: &StepError, request: &ProvisionRequest) -> String {
    let title = match error.name() {
        StepErrorName::InvalidInput | StepErrorName::Denied | StepErrorName::Rejected => {
            "Something stands in the way: `provision` would fail."
        }
        StepErrorName::Transient | StepErrorName::Unexpected => "Not all could be looked at.",
    };
    let mut text = format!("\n{title}\n\n");
    text += &field("What happened", &error.detail);
    text += &field("Code", error.code.as_str());
    text += &field("Cause", error.code.cause());
    text + &field("What to do", &fixes::of(error.code, Some(&request.vpc_id)))
}

fn by_hand(commands: &str) -> String {
    let mut text = "\nThe same by hand (alone with `--script`):\n\n".to_owned();
    for line in commands.lines() {
        let line = if line.is_empty() {
            String::new()
        } else {
            format!("    {line}")
        };
        text.push_str(&line);
        text.push('\n');
    }
    text
}

fn ask_by_hand(request: &ProvisionRequest) -> String {
    format!(
        r#"
    curl --fail-with-body --request POST --header @- --header 'Cc-Version: {CC_VERSION}' \
      "{}/networking/private-endpoint-services" \
      <<< "Authorization: Bearer $CRDB_API_KEY"
"#,
        script::cluster_url(&request.cluster_id)
    )
}
