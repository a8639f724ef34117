//! Floods, duplicates, reordering, losses: whatever becomes of the events and of
//! the runs, in the end it is as the tags say.

use in_process::stage::entry;
use proptest::prelude::*;
use shared::executions::names;
use shared::ledger::{Connection, Phase};
use shared::ownership::Tags;
use shared::request::RequestedBy;
use simulator::step_functions::ExecutionStatus;

use super::scene::{A, B, Ending, PREFIX, Scene};

/// A cluster that a call connected to the same VPC.
const BY_CALL: &str = "1a2b3c4d-0000-4000-8000-00000000000c";

/// Something that happens. Numbers choose among what there is.
#[derive(Debug, Clone)]
enum Happening {
    /// The wish changes to one of [`WISHES`].
    Retag(usize),
    /// An event arrives, for the last time.
    Deliver(usize),
    /// An event arrives, and will once more.
    Duplicate(usize),
    /// An event never arrives.
    Lose(usize),
    /// A run takes a step.
    Work(usize, Ending),
    /// Lost events are searched for.
    Search,
}

/// What the tags ask for: clusters, and networks.
const WISHES: [(Option<&str>, Option<&str>); 6] = [
    (None, None),
    (Some(A), None),
    (Some(A), Some("10.0.0.0/8")),
    (
        Some("1a2b3c4d-0000-4000-8000-00000000000a 1a2b3c4d-0000-4000-8000-00000000000b"),
        None,
    ),
    (Some(B), None),
    (Some(BY_CALL), None),
];

fn endings(all: &[Ending]) -> impl Strategy<Value = Ending> + use<> {
    prop::sample::select(all.to_vec())
}

fn happenings(loses: bool, all: &[Ending]) -> impl Strategy<Value = Vec<Happening>> + use<> {
    let any = 0..64_usize;
    let lost = if loses { 2 } else { 0 };
    let happening = prop_oneof![
        3 => (0..WISHES.len()).prop_map(Happening::Retag),
        5 => any.clone().prop_map(Happening::Deliver),
        3 => any.clone().prop_map(Happening::Duplicate),
        lost => any.clone().prop_map(Happening::Lose),
        6 => (any, endings(all)).prop_map(|(n, ending)| Happening::Work(n, ending)),
        lost => Just(Happening::Search),
    ];
    prop::collection::vec(happening, 0..60)
}

fn scene() -> Scene {
    let scene = Scene::new();
    let mut request = scene.stage.request.clone();
    request.cluster_id = BY_CALL.parse().unwrap();
    request.requested_by = RequestedBy::Call;
    scene.stage.ports.put_connection(&Connection {
        timeline: vec![],
        execution: "arn:aws:states:eu-west-1:111122223333:execution:x:by-call".into(),
        ..entry(request, Phase::Ready, scene.now())
    });
    scene
}

fn happen(scene: &mut Scene, happening: &Happening) {
    let pick = |n: usize, of: usize| (of > 0).then(|| n % of);
    match *happening {
        Happening::Retag(n) => {
            let (clusters, cidrs) = WISHES[n];
            scene.retag(&[("cluster-id", clusters), ("cidrs", cidrs)]);
        }
        Happening::Deliver(n) => {
            if let Some(n) = pick(n, scene.events.len()) {
                let event = scene.events.remove(n);
                scene.answer(&event).unwrap();
            }
        }
        Happening::Duplicate(n) => {
            if let Some(n) = pick(n, scene.events.len()) {
                scene.answer(&scene.events[n]).unwrap();
            }
        }
        Happening::Lose(n) => {
            if let Some(n) = pick(n, scene.events.len()) {
                scene.events.remove(n);
            }
        }
        Happening::Work(n, ending) => {
            let running = scene.running();
            if let Some(n) = pick(n, running.len()) {
                // A second interruption in a row is not mended; see the story of it.
                let again = names::is_again(&running[n].arn);
                let lost = matches!(ending, Ending::Stopped | Ending::Unrecorded);
                let ending = if again && lost { Ending::Well } else { ending };
                scene.work(&running[n], ending);
            }
        }
        Happening::Search => {
            scene.find();
        }
    }
}

fn after(story: &[Happening]) -> Scene {
    let mut scene = scene();
    for happening in story {
        happen(&mut scene, happening);
    }
    scene
}

/// What the tags ask for is connected, as they ask for it, and nothing else is.
fn assert_as_the_tags_say(scene: &Scene) {
    let tags: Tags = scene.tags();
    let value = |name: &str| {
        tags.get(&format!("{PREFIX}:{name}"))
            .map_or("", String::as_str)
    };
    for cluster in [A, B] {
        let connection = scene.connection(cluster);
        let status = value(&format!("status:{cluster}"));
        if value("cluster-id").contains(cluster) {
            let connection = connection.expect("a connection");
            assert_eq!(connection.phase, Phase::Ready);
            let cidrs = connection.request.sources.cidrs.iter();
            let cidrs: Vec<String> = cidrs.map(ToString::to_string).collect();
            assert_eq!(cidrs.join(" "), value("cidrs"));
            assert!(status.starts_with("ready - "), "{status}");
        } else {
            assert_eq!(connection, None);
            assert_eq!(status, "");
        }
    }
    scene.stage.advance(61);
    assert_eq!(scene.holder(), None, "a lease is left");
    assert_call_is_left_alone(scene);
}

fn assert_call_is_left_alone(scene: &Scene) {
    assert!(scene.runs().iter().all(|run| !run.input.contains(BY_CALL)));
    assert_eq!(scene.connection(BY_CALL).unwrap().phase, Phase::Ready);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Every event comes at least once, at any time after what it tells, in any order.
    #[test]
    fn in_any_order_it_ends_as_the_tags_say(
        story in happenings(false, &[Ending::Well, Ending::Stopped, Ending::Unrecorded]),
    ) {
        let mut scene = after(&story);
        scene.come_to_rest();
        assert_as_the_tags_say(&scene);
    }

    /// Events are lost, those about the ends of runs too.
    #[test]
    fn what_lost_events_did_not_tell_the_search_finds(
        story in happenings(true, &[Ending::Well, Ending::Stopped, Ending::Unrecorded]),
    ) {
        let mut scene = after(&story);
        // A search may find runs at work, and is told of their end afterwards.
        for _ in 0..2 {
            scene.stage.advance(3600);
            scene.find();
            scene.come_to_rest();
        }
        assert_as_the_tags_say(&scene);
        let runs = scene.runs().len();
        scene.stage.advance(3600);
        scene.find();
        prop_assert_eq!(scene.runs().len(), runs, "a search that finds nothing starts nothing");
    }

    /// Runs fail too. What failed is tried again when somebody touches the tags.
    #[test]
    fn what_failed_is_mended_by_touching_the_tags(
        story in happenings(false, &[Ending::Well, Ending::Badly, Ending::Stopped]),
    ) {
        let mut scene = after(&story);
        scene.come_to_rest();
        let runs = scene.runs().len();
        scene.find();
        prop_assert_eq!(scene.runs().len(), runs, "failures alone are no reason to try again");
        scene.stage.advance(1);
        let touch = scene.tag_change(&["cluster-id"]);
        scene.events.push(touch);
        scene.come_to_rest();
        assert_as_the_tags_say(&scene);
    }

    /// However many events tell of one change, and whenever they come, one run.
    #[test]
    fn a_flood_about_one_change_is_one_run(
        order in prop::collection::vec((0..64_usize, any::<bool>()), 1..40),
    ) {
        let mut scene = scene();
        scene.retag(&[("cluster-id", Some(A))]);
        let events = scene.events.clone();
        for (n, works) in order {
            scene.answer(&events[n % events.len()]).unwrap();
            if works {
                for run in scene.running() {
                    scene.work(&run, Ending::Well);
                }
            }
        }
        scene.come_to_rest();
        prop_assert_eq!(scene.story(), ["provision"]);
        assert_as_the_tags_say(&scene);
    }
}

#[test]
fn connected_and_taken_away_and_connected_again() {
    let mut scene = scene();
    for _ in 0..3 {
        scene.retag(&[("cluster-id", Some(A))]);
        scene.come_to_rest();
        assert_as_the_tags_say(&scene);
        scene.retag(&[("cluster-id", None)]);
        scene.come_to_rest();
        assert_as_the_tags_say(&scene);
    }
    assert_eq!(scene.story(), ["provision", "deprovision"].repeat(3));
}

#[test]
fn what_is_no_longer_wanted_while_it_is_made_is_taken_away_afterwards() {
    let mut scene = scene();
    scene.at_work(A);
    scene.retag(&[("cluster-id", None)]);
    for event in std::mem::take(&mut scene.events) {
        scene.answer(&event).unwrap();
    }
    // The run at work is left alone.
    assert_eq!(scene.story(), ["provision"]);
    scene.come_to_rest();
    assert_eq!(scene.story(), ["provision", "deprovision"]);
    assert_as_the_tags_say(&scene);
}

#[test]
fn an_interrupted_run_is_completed_once_and_not_a_second_time() {
    for (machine, wish) in [("provision", Some(A)), ("deprovision", None)] {
        let mut scene = scene();
        scene.retag(&[("cluster-id", Some(A))]);
        if wish.is_none() {
            scene.come_to_rest();
            scene.retag(&[("cluster-id", None)]);
        }
        let before = scene.story().len();
        while !(scene.events.is_empty() && scene.running().is_empty()) {
            for event in std::mem::take(&mut scene.events) {
                scene.answer(&event).unwrap();
            }
            for run in scene.running() {
                scene.work(&run, Ending::Stopped);
            }
        }
        let story = scene.story().split_off(before);
        assert_eq!(story, [machine; 2]);
        let connection = scene.connection(A).unwrap();
        assert_eq!(connection.phase, Phase::Interrupted);
        assert!(names::is_again(&connection.execution));
        scene.stage.advance(61);
        assert_eq!(scene.holder(), None, "its function may act for a minute");
        // Nor does a search try it again; touching the tags does.
        scene.stage.advance(3600);
        scene.find();
        assert_eq!(scene.running().len(), 0);
        let touch = scene.tag_change(&["cluster-id"]);
        scene.answer(&touch).unwrap();
        scene.come_to_rest();
        assert_as_the_tags_say(&scene);
    }
}

/// A run that cannot take the lease in time ends before it reaches the ledger.
#[test]
fn a_run_that_never_reaches_the_ledger_does_not_cause_itself() {
    for wish in [Some(A), None] {
        let mut scene = scene();
        if wish.is_none() {
            scene.retag(&[("cluster-id", Some(A))]);
            scene.come_to_rest();
        }
        let (before, recorded) = (scene.story().len(), scene.connection(A));
        scene.retag(&[("cluster-id", wish)]);
        fail_all(&mut scene);
        let first = scene.story().len();
        // One for each event.
        assert!((before + 1..=before + 2).contains(&first), "{first}");
        // The search tries again, once in an hour.
        for hour in 1..=3 {
            scene.stage.advance(3600);
            for _ in 0..3 {
                scene.find();
                fail_all(&mut scene);
            }
            assert_eq!(scene.story().len(), first + hour);
        }
        assert_eq!(scene.connection(A), recorded);
    }
}

/// Delivers everything, and lets all runs fail without a trace in the ledger.
fn fail_all(scene: &mut Scene) {
    for _ in 0..50 {
        let events = std::mem::take(&mut scene.events);
        for event in &events {
            scene.answer(event).unwrap();
        }
        let running = scene.running();
        if events.is_empty() && running.is_empty() {
            return;
        }
        for run in running {
            let failed = ExecutionStatus::Failed;
            scene.stage.ports.end_run(&run.arn, failed);
            let event = scene.status_change(&run, failed);
            scene.events.push(event);
        }
    }
    panic!("no rest: {:?}", scene.story());
}
