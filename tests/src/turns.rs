//! Several executions in one world and one thread, whose calls come in an order that
//! a pilot decides, so that every order can be tried and repeated.
//!
//! An execution has the turn until it waits, until it ends, or until the pilot passes
//! the turn on before one of its calls. Calls take no time. Time passes when nobody
//! can go on, and when the turn is passed to somebody who waits: then a call of the
//! one that is left takes that long, as long as a function may.

use std::collections::BTreeSet;
use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use engine::{Clock, TaskFailure, Tasks, VirtualClock};
use in_process::Turns;
use serde_json::Value;
use steps::function_of;
use time::OffsetDateTime;

/// How long a function may take (infra/template.yaml, `Timeout`), so how long one may
/// still act whose execution is over.
pub const LONGEST_CALL: Duration = Duration::from_secs(30);

/// That the turn passes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    /// Who has it then.
    pub to: usize,
    /// What becomes of the one that had it.
    pub left: Left,
}

/// What becomes of an execution that the turn is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// It goes on later.
    Paused,
    /// Nothing of it ever happens again, as with a process that is killed.
    Killed,
    /// Its machine goes no further, but the function that is at work is not told
    /// (Step Functions API reference, `StopExecution`): it may finish later.
    Aborted,
}

/// Who decides about the turns.
pub trait Pilot: Send {
    /// Asked before each call: who it is, and how many calls it has made.
    fn passes(&mut self, who: usize, made: usize) -> Option<Pass>;

    /// Who goes on, of those that can; never asked about nobody.
    fn chooses(&mut self, ready: &[usize]) -> usize {
        ready.first().copied().unwrap_or_default()
    }
}

/// How an execution stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It begins when the turn is passed to it.
    Absent,
    /// The same, or when all others have ended.
    ToBegin,
    /// It is before a call, since this time.
    Paused(OffsetDateTime),
    /// It waits until this time.
    Waits(OffsetDateTime),
    /// It was aborted at this time, and its function is still at work.
    Aborted(OffsetDateTime),
    /// Nothing more comes of it.
    Ended,
}

/// A call that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    pub who: usize,
    /// Which of its calls, from 0.
    pub nth: usize,
    pub operation: String,
    pub at: OffsetDateTime,
    /// Whether it was made within a function.
    pub in_function: bool,
    /// How all stood then.
    pub states: Vec<State>,
}

struct Seat {
    state: State,
    made: usize,
    /// When it wakes; the number tells equal times apart.
    wakes: BTreeSet<(OffsetDateTime, u64)>,
    in_function: bool,
}

struct Board {
    pilot: Box<dyn Pilot>,
    seats: Vec<Seat>,
    passed: Option<Pass>,
    log: Vec<Made>,
    sleeps: u64,
}

/// The executions that share a world.
#[derive(Clone)]
pub struct Table {
    clock: VirtualClock,
    board: Arc<Mutex<Board>>,
}

/// An execution's place among them: its clock, and the turns of its calls.
#[derive(Clone)]
pub struct Place {
    table: Table,
    who: usize,
}

/// A future that is an execution with all that belongs to it.
pub type Life<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

impl Table {
    /// For executions that stand like this at first.
    pub fn new(clock: &VirtualClock, states: &[State], pilot: impl Pilot + 'static) -> Self {
        let seat = |state: &State| Seat {
            state: *state,
            made: 0,
            wakes: BTreeSet::new(),
            in_function: false,
        };
        let board = Board {
            pilot: Box::new(pilot),
            seats: states.iter().map(seat).collect(),
            passed: None,
            log: Vec::new(),
            sleeps: 0,
        };
        Self {
            clock: clock.clone(),
            board: Arc::new(Mutex::new(board)),
        }
    }

    /// The place of one of them.
    pub fn place(&self, who: usize) -> Place {
        Place {
            table: self.clone(),
            who,
        }
    }

    /// Every call so far.
    pub fn log(&self) -> Vec<Made> {
        self.lock().log.clone()
    }

    /// Brings all to their ends, the first one first. `None` for those that were killed
    /// or aborted, and those that never began.
    ///
    /// # Panics
    /// When one of them waits for something else than time.
    pub fn play<T>(&self, lives: Vec<Life<'_, T>>) -> Vec<Option<T>> {
        let mut lives: Vec<Option<Life<'_, T>>> = lives.into_iter().map(Some).collect();
        let mut ends: Vec<Option<T>> = lives.iter().map(|_| None).collect();
        let mut turn = 0;
        loop {
            let polled = lives[turn]
                .as_mut()
                .map(|life| life.as_mut().poll(&mut Context::from_waker(Waker::noop())));
            let passed = self.lock().passed.take();
            let state = match (polled, passed) {
                (Some(Poll::Ready(end)), _) => {
                    ends[turn] = Some(end);
                    State::Ended
                }
                (Some(Poll::Pending), Some(pass)) => self.left(turn, pass.left),
                (Some(Poll::Pending), None) => self.waits(turn),
                (None, _) => State::Ended,
            };
            self.lock().seats[turn].state = state;
            if state == State::Ended {
                lives[turn] = None;
            }
            let to = passed.map(|pass| pass.to);
            match to.filter(|to| self.reaches(*to)).or_else(|| self.next()) {
                Some(next) => turn = next,
                None => return ends,
            }
        }
    }

    fn left(&self, who: usize, left: Left) -> State {
        let now = self.clock.now();
        match left {
            Left::Paused => State::Paused(now),
            Left::Aborted if self.lock().seats[who].in_function => State::Aborted(now),
            Left::Killed | Left::Aborted => State::Ended,
        }
    }

    /// One that waits; if it was aborted, its function has done what it did.
    fn waits(&self, who: usize) -> State {
        let board = self.lock();
        let seat = &board.seats[who];
        if matches!(seat.state, State::Aborted(_)) {
            return State::Ended;
        }
        let first = seat.wakes.first();
        let (until, _) = first.expect("an execution waits for nothing but time");
        State::Waits(*until)
    }

    /// Whether the turn can pass to this one; time passes until it can.
    fn reaches(&self, to: usize) -> bool {
        let now = self.clock.now();
        let states = self.states();
        match states[to] {
            State::Absent | State::ToBegin | State::Paused(_) => true,
            State::Aborted(at) => now - at < LONGEST_CALL,
            State::Ended => false,
            State::Waits(until) => {
                let in_time = |state: &State| !matches!(state, State::Paused(since) if until - *since >= LONGEST_CALL);
                let in_time = states.iter().all(in_time);
                if in_time {
                    self.pass_time(until);
                }
                in_time
            }
        }
    }

    /// Who goes on when nobody was told to.
    fn next(&self) -> Option<usize> {
        let now = self.clock.now();
        let states = self.states();
        let all = || states.iter().copied().enumerate();
        let can = |state| {
            matches!(state, State::Paused(_))
                || matches!(state, State::Waits(until) if until <= now)
        };
        let ready: Vec<usize> = all()
            .filter(|(_, it)| can(*it))
            .map(|(who, _)| who)
            .collect();
        if !ready.is_empty() {
            return Some(self.lock().pilot.chooses(&ready));
        }
        let waiting = all().filter_map(|(who, state)| {
            if let State::Waits(until) = state {
                Some((until, who))
            } else {
                None
            }
        });
        if let Some((until, who)) = waiting.min() {
            self.pass_time(until);
            return Some(who);
        }
        let to_begin = all().find(|(_, state)| *state == State::ToBegin);
        to_begin.map(|(who, _)| who)
    }

    fn pass_time(&self, until: OffsetDateTime) {
        let passes = Duration::try_from(until - self.clock.now());
        self.clock.advance(passes.unwrap_or_default());
    }

    fn states(&self) -> Vec<State> {
        self.lock().seats.iter().map(|seat| seat.state).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Its turns, for ports.
    pub fn turns(&self) -> Arc<dyn Turns> {
        Arc::new(self.clone())
    }
}

impl Turns for Place {
    fn poll_turn(&self, operation: &str, context: &mut Context<'_>) -> Poll<()> {
        let at = self.now();
        let mut board = self.table.lock();
        let board = &mut *board;
        let seat = &mut board.seats[self.who];
        // Who was aborted is asked nothing more: what is left of it happens at once.
        let is_over = matches!(seat.state, State::Aborted(_));
        // Several calls of one function may be under way; the turn passes once.
        let passes = board.passed.is_none() && !is_over;
        if passes && let Some(pass) = board.pilot.passes(self.who, seat.made) {
            board.passed = Some(pass);
        }
        if board.passed.is_some() {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let (nth, in_function) = (seat.made, seat.in_function);
        seat.made += 1;
        board.log.push(Made {
            who: self.who,
            nth,
            operation: operation.to_owned(),
            at,
            in_function,
            states: board.seats.iter().map(|seat| seat.state).collect(),
        });
        Poll::Ready(())
    }
}

impl Clock for Place {
    fn now(&self) -> OffsetDateTime {
        self.table.clock.now()
    }

    async fn sleep(&self, duration: Duration) {
        let duration = time::Duration::try_from(duration).unwrap_or(time::Duration::MAX);
        Sleep {
            place: self,
            until: self.now().saturating_add(duration),
            number: None,
        }
        .await;
    }
}

struct Sleep<'a> {
    place: &'a Place,
    until: OffsetDateTime,
    number: Option<u64>,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.place.now() >= self.until {
            return Poll::Ready(());
        }
        if self.number.is_none() {
            let mut board = self.place.table.lock();
            board.sleeps += 1;
            let number = board.sleeps;
            board.seats[self.place.who]
                .wakes
                .insert((self.until, number));
            drop(board);
            self.number = Some(number);
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            let mut board = self.place.table.lock();
            board.seats[self.place.who]
                .wakes
                .remove(&(self.until, number));
        }
    }
}

/// Tasks of an execution, each call of which waits for its turn: what the definition
/// calls itself here, what a function calls by its ports.
pub struct InTurns<T> {
    tasks: T,
    place: Place,
}

impl<T: Tasks> InTurns<T> {
    /// The tasks of the execution with this place.
    pub fn new(tasks: T, place: &Place) -> Self {
        Self {
            tasks,
            place: place.clone(),
        }
    }

    fn in_function(&self, is: bool) -> bool {
        let mut board = self.place.table.lock();
        let seat = &mut board.seats[self.place.who];
        seat.in_function = is;
        matches!(seat.state, State::Aborted(_))
    }
}

impl<T: Tasks> Tasks for InTurns<T> {
    async fn invoke(&self, resource: &str, arguments: Value) -> Result<Value, TaskFailure> {
        if function_of(resource).is_none() {
            let called = resource.trim_start_matches("arn:aws:states:::");
            poll_fn(|context| self.place.poll_turn(called, context)).await;
            return self.tasks.invoke(resource, arguments).await;
        }
        self.in_function(true);
        let answer = self.tasks.invoke(resource, arguments).await;
        match self.in_function(false) {
            // Nobody is there for the answer.
            true => pending().await,
            false => answer,
        }
    }
}
