//! The plan for people.

use shared::cloud::CC_VERSION;
use shared::request::ProvisionRequest;

use super::{Found, Outlook, commands};
use crate::display::text::{field, item};
use crate::{fixes, script};

/// A plan with its commands.
pub(super) fn planned(found: &Found) -> String {
    let (request, cluster) = (&found.request, &found.cluster);
    let mut text = format!(
        "Plan: {} in {} to cluster {}. Nothing has been changed.\n\n",
        request.vpc_id, request.region, cluster.cluster_name
    );
    text += &body(found);
    text.push_str("\nThe same by hand (alone with `--script`):\n\n");
    for line in commands(found).lines() {
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

/// What there would be, and what it costs.
pub(super) fn body(found: &Found) -> String {
    let plan = &found.plan;
    let mut text = change(found);
    text += &group(found);
    text += &endpoint(found);
    text += &registration(found);
    text += &match &plan.private_host {
        Some(host) => field(
            "Private DNS",
            &format!("on: {host} resolves inside the VPC"),
        ),
        None => field("Private DNS", "off, as asked for"),
    };
    text += &field("Price", &found.price().told);
    if !plan.notes.is_empty() {
        text.push_str("\nGood to know:\n");
        text.extend(plan.notes.iter().map(|note| item(note)));
    }
    text
}

/// What is different from what is there, if something is there.
fn change(found: &Found) -> String {
    let Some(change) = &found.plan.change else {
        return String::new();
    };
    if change.is_nothing() && found.is_registered() {
        return field("Changes", "nothing to change") + "\n";
    }
    let told = |sources: &[shared::ec2::Source]| {
        let sources: Vec<String> = sources.iter().map(ToString::to_string).collect();
        sources.join(", ")
    };
    let mut lines = Vec::new();
    if !change.sources_added.is_empty() {
        lines.push(format!("+ let in {}", told(&change.sources_added)));
    }
    if let (Some(shape), Some(former)) = (&change.endpoint, &change.former_endpoint) {
        if let Some(group) = &shape.group {
            lines.push(format!("+ security group {}, which goes back on", group.id));
        }
        let added = shape.subnet_ids.iter();
        let added = added.filter(|id| !former.subnet_ids.contains(id));
        lines.extend(added.map(|id| format!("+ subnet {id}")));
        let removed = former.subnet_ids.iter();
        let removed = removed.filter(|id| !shape.subnet_ids.contains(id));
        lines.extend(removed.map(|id| format!("- subnet {id}")));
        match shape.protected {
            Some(true) => lines.push("+ protection".to_owned()),
            Some(false) => lines.push("- protection".to_owned()),
            None => {}
        }
        if shape.private_dns == Some(false) {
            lines.push("- private DNS, which goes off".to_owned());
        }
    }
    let was_on = change.former_endpoint.as_ref().map(|it| it.private_dns);
    if was_on == Some(Some(false)) && found.request.private_dns {
        lines.push("+ private DNS, which goes on".to_owned());
    }
    if !change.sources_removed.is_empty() {
        lines.push(format!(
            "- let in {}, when the rest is done",
            told(&change.sources_removed)
        ));
    }
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        text += &field(if index == 0 { "Changes" } else { "" }, line);
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

fn group(found: &Found) -> String {
    let Some(plan) = &found.plan.security_group else {
        return field("Security group", "those that the endpoint has");
    };
    let sources: Vec<String> = plan.sources.iter().map(ToString::to_string).collect();
    let first = match &found.group {
        Some(id) => format!("use {id} ({})", plan.name),
        None => format!("make {}", plan.name),
    };
    field("Security group", &first) + &field("", &format!("TCP 26257 from {}", sources.join(", ")))
}

fn endpoint(found: &Found) -> String {
    let endpoint = &found.plan.endpoint;
    let first = match &endpoint.existing {
        Some(id) => format!("use {id}"),
        None => "make one".to_owned(),
    };
    let mut text = field(
        "Endpoint",
        &format!("{first}, to {}", endpoint.service_name),
    );
    for (subnet, zone) in &found.subnets {
        let zone = zone.as_deref().unwrap_or("unknown zone");
        text += &field("", &format!("{subnet} in {zone}"));
    }
    text
}

fn registration(found: &Found) -> String {
    let name = &found.cluster.cluster_name;
    let mut text = if found.is_registered() {
        field(
            "Registration",
            &format!("cluster {name} knows the endpoint already"),
        )
    } else {
        field(
            "Registration",
            &format!("tell cluster {name} of the endpoint"),
        )
    };
    if let Some(account) = &found.plan.trust_account {
        text += &field(
            "Trusted owner",
            &format!("add account {account} to the cluster's list"),
        );
    }
    text
}

/// Why there is no plan.
pub(super) fn not_planned(outlook: &Outlook, request: &ProvisionRequest) -> String {
    match outlook {
        Outlook::Planned(found) => planned(found),
        Outlook::NotYet {
            pending,
            service_missing,
        } => {
            let mut text = "Not yet: a plan can be made once this is ready.\n\n".to_owned();
            text += &field("Waiting for", &pending.waiting_for);
            let advice = if *service_missing {
                "Nobody has asked the cluster for its endpoint service yet; `provision` does that by itself. \
                 It is free of charge and takes some minutes. `plan --ask-for-service --wait` does the same \
                 and then makes the plan; by hand:"
            } else {
                "Run again later, or with `--wait`."
            };
            text += &field("What to do", advice);
            if *service_missing {
                text += &ask_by_hand(request);
            }
            text
        }
        Outlook::InTheWay(error) => {
            let mut text =
                "No plan: something stands in the way. Nothing has been changed.\n\n".to_owned();
            text += &field("What happened", &error.detail);
            text += &field("Code", error.code.as_str());
            text += &field("Cause", error.code.cause());
            text + &field("What to do", &fixes::of(error.code, Some(&request.vpc_id)))
        }
    }
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
