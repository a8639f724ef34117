//! A state that two machines have under one name does the same in both, but for the
//! differences of a table: so a change of one is not forgotten in the other.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use system_tests::documents::{DEFINITIONS, read};

const LEADS_ON: &str = "each goes on with its own story";
const ENDINGS: &str = "each has endings of its own";
const FIRST: &str = "an undo follows a failure; a removal may fail here first";
const NAMED: &str = "what is left is named by what is known of it";
const NO_PLAN: &str = "a removal has no plan";
const IN_TURN: &str = "a removal takes back one registration after the other";
const KNOWN: &str = "who connects must know more of the entry";

/// A state, where it differs as a JSON pointer, and why. What is named is compared as a
/// whole.
#[rustfmt::skip]
const DIFFERENCES: &[(&str, &str, &str)] = &[
    ("AnnounceOutcome", "/Arguments/Entries/0/DetailType", ENDINGS),
    ("Begin", "/Assign", "each has variables of its own; settings are held by another test"),
    ("Begin", "/Next", LEADS_ON),
    ("ConnectionBusy", "/Next", LEADS_ON),
    ("ConnectionChanged", "/Next", LEADS_ON),
    ("DeleteEndpoint", "/Arguments/endpoint_ids", "all endpoints that were found, not the one of this run"),
    ("DeleteEndpoint", "/Arguments/only_these", "a connection that stands keeps what else carries its claim"),
    ("DeleteEndpoint", "/Arguments/service_name", NO_PLAN),
    ("DeleteEndpoint", "/Catch/0/Assign/failure", FIRST),
    ("DeleteEndpoint", "/Catch/0/Assign/left", NAMED),
    ("DeleteEndpoint", "/Catch/0/Next", LEADS_ON),
    ("DeleteSecurityGroup", "/Arguments/name", NO_PLAN),
    ("DeleteSecurityGroup", "/Catch/0/Assign/failure", FIRST),
    ("DeleteSecurityGroup", "/Catch/0/Assign/left", NAMED),
    ("DeregisterEndpoint", "/Arguments/cluster_is_gone", "only who removes a connection may say so"),
    ("DeregisterEndpoint", "/Arguments/distrust_account", NO_PLAN),
    ("DeregisterEndpoint", "/Arguments/endpoint_id", IN_TURN),
    ("DeregisterEndpoint", "/Catch/0/Assign/failure", FIRST),
    ("DeregisterEndpoint", "/Catch/0/Assign/left", NAMED),
    ("DeregisterEndpoint", "/Catch/0/Assign/remembered", "the endpoint leads to a registration that the ledger does not know"),
    ("DeregisterEndpoint", "/Catch/0/Assign/turn", IN_TURN),
    ("DeregisterEndpoint", "/Catch/0/Next", LEADS_ON),
    ("HowItEnded", "/Choices", ENDINGS),
    ("HowItEnded", "/Default", LEADS_ON),
    ("IsAnythingLeft", "/Choices/0/Assign", ENDINGS),
    ("IsEndpointDeregistered", "/Choices/0/Assign/registrations", "the entry goes as a whole"),
    ("IsEndpointDeregistered", "/Choices/0/Assign/turn", IN_TURN),
    ("IsEndpointDeregistered", "/Choices/0/Next", LEADS_ON),
    ("IsEndpointGone", "/Choices/0/Next", LEADS_ON),
    ("IsEntryAsSeen", "/Choices/0/Condition", "only a request to connect is parted from what must not have changed"),
    ("IsItElsewhere", "/Choices/0/Condition", KNOWN),
    ("IsItElsewhere", "/Choices/1", "a tag keeps asking; a removal goes where the connection is"),
    ("IsItElsewhere", "/Default", LEADS_ON),
    ("ItIsElsewhere", "/Assign/failure/cause", KNOWN),
    ("ItIsElsewhere", "/Next", LEADS_ON),
    ("NothingIsLeft", "/Assign/forgets", ENDINGS),
    ("NothingIsLeft", "/Assign/phase", ENDINGS),
    ("NothingIsLeft", "/Assign/removed", ENDINGS),
    ("ReadEntry", "/Assign/former", KNOWN),
    ("ReadEntry", "/Assign/generation", KNOWN),
    ("ReadEntry", "/Assign/known", "what the guard must know before anything is written over it"),
    ("ReadEntry", "/Assign/recorded_account", "a removal goes where the connection is"),
    ("ReadEntry", "/Assign/registrations", KNOWN),
    ("ReadEntry", "/Assign/stands", KNOWN),
    ("ReadEntry", "/Assign/untouched", KNOWN),
    ("ReadEntry", "/Catch/0/Next", LEADS_ON),
    ("RecordOutcome", "/Arguments/ExpressionAttributeValues/:phase/S", "a connection that stood may stand all the same"),
    ("RecordOutcome", "/Arguments/ExpressionAttributeValues/:registrations", "what the run has made, and what a removal has taken away"),
    ("RecordOutcome", "/Arguments/UpdateExpression", "what the run has made, and what a removal has taken away"),
    ("ReportOutcome", "/Arguments/account_id", "the plan names the account even where the request does not"),
    ("ReportOutcome", "/Arguments/ready", "what each has to report"),
    ("ReportOutcome", "/Arguments/removed", "what each has to report"),
    ("ReportOutcome", "/Arguments/seen_to_work", "what each has to report"),
    ("ReportOutcome", "/Arguments/worked_before", "what each has to report"),
    ("ReportOutcome", "/Catch/0/Assign/outcome/ready", "what each has to report"),
    ("ReportOutcome", "/Catch/0/Next", LEADS_ON),
    ("ReportOutcome", "/Next", LEADS_ON),
    ("TagVpc", "/Arguments/status", "the tag of a connection that is gone goes"),
    ("TakeLease", "/Arguments/ExpressionAttributeValues/:until/N", "longer than the machine may run"),
    ("TakeLease", "/Assign/timeline", "the first milestone of each"),
    ("TakeLease", "/Catch/1/Next", LEADS_ON),
];

/// The states of a definition.
fn states(path: &str) -> Map<String, Value> {
    let definition: Value = serde_json::from_str(&read(path)).expect("a definition");
    definition["States"].as_object().expect("States").clone()
}

/// Where two values differ; what is listed is not looked into. Comments are left out,
/// because they tell the story of their machine.
fn compare(
    (one, other): (Option<&Value>, Option<&Value>),
    at: String,
    listed: &BTreeSet<&str>,
    found: &mut Vec<String>,
) {
    if one == other {
        return;
    }
    let goes_on = !listed.contains(at.as_str());
    match (one, other) {
        (Some(Value::Object(one)), Some(Value::Object(other))) if goes_on => {
            let fields: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for field in fields.into_iter().filter(|field| *field != "Comment") {
                let at = format!("{at}/{}", field.replace('~', "~0").replace('/', "~1"));
                compare((one.get(field), other.get(field)), at, listed, found);
            }
        }
        (Some(Value::Array(one)), Some(Value::Array(other))) if goes_on => {
            for n in 0..one.len().max(other.len()) {
                compare(
                    (one.get(n), other.get(n)),
                    format!("{at}/{n}"),
                    listed,
                    found,
                );
            }
        }
        _ => found.push(at),
    }
}

/// As it stands in the table.
fn row((state, pointer): &(String, String)) -> String {
    let why = "\"why\"";
    format!("    ({state:?}, {pointer:?}, {why}),\n")
}

#[test]
fn states_of_one_name_differ_as_listed_and_nowhere_else() {
    let machines = DEFINITIONS.map(states);
    let mut found = BTreeSet::new();
    for (n, one) in machines.iter().enumerate() {
        for other in &machines[n + 1..] {
            for (state, here) in one.iter().filter(|(state, _)| other.contains_key(*state)) {
                let of_state = DIFFERENCES.iter().filter(|(of, ..)| of == state);
                let listed: BTreeSet<&str> = of_state.map(|(_, pointer, _)| *pointer).collect();
                let mut pointers = Vec::new();
                let both = (Some(here), other.get(state));
                compare(both, String::new(), &listed, &mut pointers);
                found.extend(pointers.into_iter().map(|pointer| (state.clone(), pointer)));
            }
        }
    }
    let listed = DIFFERENCES.iter();
    let listed = listed.map(|(state, pointer, _)| ((*state).to_owned(), (*pointer).to_owned()));
    let listed: BTreeSet<(String, String)> = listed.collect();
    assert_eq!(listed.len(), DIFFERENCES.len(), "each once");
    let unlisted: String = found.difference(&listed).map(row).collect();
    let gone: String = listed.difference(&found).map(row).collect();
    assert!(
        unlisted.is_empty() && gone.is_empty(),
        "Make these equal, or list them with the reason:\n{unlisted}\
         Take these out of the table, because they are equal:\n{gone}"
    );
}
