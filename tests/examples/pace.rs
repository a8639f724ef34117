//! How late a run sees that what it waits for has come to be, and what its looks cost:
//! our schedule beside others, in the same 10,000 worlds.
//!
//! `cargo run -p system-tests --example pace` prints the table.

use shared::progress::seconds_until_next_look;
use shared::request::Limits;
use simulator::Pace;
use simulator::splitmix::mix;

const WORLDS: u64 = 10_000;

/// What is awaited takes as long as in the simulator, or up to so many times as long, or
/// as short.
const SPREAD: f64 = 3.0;

/// Seconds until a look is answered.
const ANSWERED: (f64, f64) = (0.2, 0.6);

/// US cents for one look, by list prices in us-east-1: three state transitions (task,
/// choice, pause) of $0.025 for 1,000, and a call of a function on arm64 with 128 MB.
const CENTS: f64 = 3.0 * 0.0025 + 0.0001;

/// Events of one look in the history of a run: five of the task, two each of choice and
/// pause.
const EVENTS: u64 = 9;

/// Seconds between two looks at the lease of another run (`WaitForLease`).
const LEASE_PACE: u64 = 15;

struct Schedule {
    name: &'static str,
    /// Seconds until the first look.
    first: u64,
    /// Seconds from a look to the next one, by the number of looks so far and by the
    /// seconds that the wait has lasted.
    next: fn(u64, u64) -> u64,
}

const SCHEDULES: [Schedule; 6] = [
    Schedule {
        name: "ours",
        first: 0,
        next: |_, waited| seconds_until_next_look(waited),
    },
    Schedule {
        name: "ours before, a quarter of the time waited",
        first: 0,
        next: |_, waited| (waited / 4).clamp(2, 20).max(waited / 45).min(60),
    },
    Schedule {
        name: "every 2 s",
        first: 0,
        next: |_, _| 2,
    },
    Schedule {
        name: "every 3 s",
        first: 0,
        next: |_, _| 3,
    },
    // Its controllers/vpcendpoint/cleanup.go, while an endpoint goes. What it makes it
    // looks at again after a minute or more.
    Schedule {
        name: "every 5 s, as aws-vpce-operator",
        first: 0,
        next: |_, _| 5,
    },
    // Its internal/service/ec2/wait.go (Delay and MinTimeout of 5 s) and
    // internal/backoff/backoff.go (doubled, at most 10 s).
    Schedule {
        name: "terraform-provider-aws",
        first: 5,
        next: |looks, _| if looks == 1 { 5 } else { 10 },
    },
];

/// Numbers that look random and follow from a seed.
struct Dice(u64);

impl Dice {
    fn between(&mut self, (low, high): (f64, f64)) -> f64 {
        self.0 = self.0.wrapping_add(1);
        let share = (mix(self.0) >> 11) as f64 / (1_u64 << 53) as f64;
        low + share * (high - low)
    }
}

/// How long the two long waits of a new connection last in a world: until both sides have
/// accepted it, and until private DNS is on.
fn waits(dice: &mut Dice) -> [f64; 2] {
    let pace = Pace::default();
    let usual = [pace.acceptance + pace.endpoint_building, pace.private_dns];
    usual.map(|usual| usual.as_secs_f64() * SPREAD.powf(dice.between((-1.0, 1.0))))
}

/// How many looks a wait takes that lasts so long, and how late its end is seen.
fn looked(schedule: &Schedule, lasts: f64, dice: &mut Dice) -> (u64, f64) {
    let mut at = schedule.first as f64;
    let mut looks = 0;
    loop {
        looks += 1;
        let answered = at + dice.between(ANSWERED);
        if at >= lasts {
            return (looks, answered - lasts);
        }
        at = answered + (schedule.next)(looks, at as u64) as f64;
    }
}

/// How many looks a wait takes that lasts as long as it may.
fn looks_until(schedule: &Schedule, limit: u64) -> u64 {
    let mut at = schedule.first;
    let mut looks = 1;
    while at < limit {
        at += (schedule.next)(looks, at);
        looks += 1;
    }
    looks
}

/// The events of all looks of the longest run that the limits allow: one that is undone
/// after its last step. `tests/it/limits.rs` counts all events of that run.
fn longest(schedule: &Schedule) -> u64 {
    let most = Limits::MAX;
    let story = [
        most.cluster_seconds,
        most.network_seconds,
        most.security_group_seconds,
        most.registration_seconds,
        most.change_seconds,
        most.acceptance_seconds,
        most.private_dns_seconds,
    ];
    let undos = [most.undo_seconds; 4];
    let all = story.into_iter().chain(undos);
    let looks: u64 = all.map(|limit| looks_until(schedule, limit)).sum();
    EVENTS * (looks + most.lease_seconds / LEASE_PACE)
}

fn main() {
    println!("{WORLDS} worlds: seconds late for one wait, the rest for one connection");
    println!(
        "{:42} {:>6} {:>6} {:>6} {:>12} {:>6} {:>16}",
        "schedule", "median", "p99", "looks", "transitions", "cents", "longest, events"
    );
    for schedule in &SCHEDULES {
        let mut looks = 0;
        let mut late = Vec::new();
        for world in 0..WORLDS {
            let mut dice = Dice(mix(world));
            for lasts in waits(&mut dice) {
                let (more, by) = looked(schedule, lasts, &mut dice);
                looks += more;
                late.push(by);
            }
        }
        late.sort_by(f64::total_cmp);
        let looks = looks as f64 / WORLDS as f64;
        println!(
            "{:42} {:6.1} {:6.1} {:6.1} {:12.0} {:6.2} {:16}",
            schedule.name,
            late[late.len() / 2],
            late[late.len() * 99 / 100],
            looks,
            looks * 3.0,
            looks * CENTS,
            longest(schedule),
        );
    }
}
