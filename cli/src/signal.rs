//! The signals by which a run is asked to stop.

use std::fs;
use std::future::pending;
use std::io;

use tokio::signal::unix::{self, SignalKind, signal};

use crate::exit::Exit;
use crate::interrupt::Interrupt;

/// Who asks a run to stop. Whichever comes first means the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C: SIGINT.
    Interrupt,
    /// SIGTERM, as from a pipeline that is cancelled or a machine that shuts down.
    Terminate,
    /// SIGHUP: the terminal is gone.
    Hangup,
}

impl Signal {
    const ALL: [Signal; 3] = [Signal::Interrupt, Signal::Terminate, Signal::Hangup];

    /// As people call it.
    pub fn name(self) -> &'static str {
        match self {
            Signal::Interrupt => "Ctrl-C",
            Signal::Terminate => "SIGTERM",
            Signal::Hangup => "SIGHUP",
        }
    }

    /// What happened: the message of a step that was stopped.
    pub fn told(self) -> &'static str {
        match self {
            Signal::Interrupt => "Ctrl-C was pressed",
            Signal::Terminate => "SIGTERM was received",
            Signal::Hangup => "SIGHUP was received",
        }
    }

    /// Reads such a message back. What reports it makes a sentence of it.
    pub fn of(message: &str) -> Option<Self> {
        let message = message.trim_end_matches('.');
        Self::ALL.into_iter().find(|it| it.told() == message)
    }

    /// Whether this one, after those, means that the run is to be left at once and nothing
    /// undone. Who means that asks twice in the same way. Others ask in two ways because
    /// nothing has ended yet: GitHub Actions by SIGINT and then SIGTERM ("Workflow
    /// cancellation reference"), systemd by SIGTERM and SIGHUP (systemd.kill(5),
    /// `SendSIGHUP=`). And of a terminal that is closed both the shell (Bash manual,
    /// "Signals") and the kernel tell by SIGHUP.
    pub fn leaves(self, earlier: &[Signal]) -> bool {
        self != Signal::Hangup && earlier.contains(&self)
    }

    /// How a command ends that it has stopped.
    pub fn exit(self) -> Exit {
        match self {
            Signal::Interrupt => Exit::Interrupt,
            Signal::Terminate => Exit::Terminate,
            Signal::Hangup => Exit::Hangup,
        }
    }
}

/// The signals of this process. As long as nobody listens, they end it as they end any
/// other; once somebody has listened, they do so no more.
pub struct Signals {
    interrupt: Interrupt,
    on_interrupt: unix::Signal,
    on_terminate: unix::Signal,
    /// `None` where it does not count.
    on_hangup: Option<unix::Signal>,
}

impl Signals {
    /// Listens from now on. SIGHUP does not count where it was ignored when the process
    /// began, as `nohup` has it.
    ///
    /// # Errors
    /// When the system lets nobody listen.
    pub fn listen() -> io::Result<Self> {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let listens = !ignores_hangup(&status);
        let on_hangup = listens.then(|| signal(SignalKind::hangup()));
        Ok(Self {
            interrupt: Interrupt::default(),
            on_interrupt: signal(SignalKind::interrupt())?,
            on_terminate: signal(SignalKind::terminate())?,
            on_hangup: on_hangup.transpose()?,
        })
    }

    /// What the runs know of them.
    pub fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> Signal {
        let (interrupt, terminate) = (&mut self.on_interrupt, &mut self.on_terminate);
        tokio::select! {
            _ = interrupt.recv() => Signal::Interrupt,
            _ = terminate.recv() => Signal::Terminate,
            () = hung_up(&mut self.on_hangup) => Signal::Hangup,
        }
    }
}

async fn hung_up(stream: &mut Option<unix::Signal>) {
    match stream {
        Some(stream) => {
            stream.recv().await;
        }
        None => pending().await,
    }
}

/// Whether `/proc/self/status` has SIGHUP, the first bit, among the ignored signals
/// (proc_pid_status(5)). Other systems have no such file; there it counts.
fn ignores_hangup(status: &str) -> bool {
    let mut lines = status.lines();
    let mask = lines.find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_back_from_a_report() {
        for it in Signal::ALL {
            assert_eq!(Signal::of(it.told()), Some(it));
            assert_eq!(Signal::of(&format!("{}.", it.told())), Some(it));
        }
        assert_eq!(Signal::of("the cluster is busy"), None);
    }

    #[test]
    fn who_asks_twice_in_the_same_way_leaves_but_a_terminal_does_not() {
        use Signal::{Hangup, Interrupt, Terminate};
        for (earlier, signal, leaves) in [
            (&[][..], Interrupt, false),
            (&[], Terminate, false),
            (&[], Hangup, false),
            (&[Interrupt], Interrupt, true),
            (&[Terminate], Terminate, true),
            (&[Hangup], Hangup, false),
            (&[Hangup, Hangup], Hangup, false),
            (&[Interrupt], Terminate, false),
            (&[Terminate], Hangup, false),
            (&[Terminate], Interrupt, false),
            (&[Hangup], Terminate, false),
            (&[Hangup], Interrupt, false),
            (&[Interrupt, Terminate], Interrupt, true),
            (&[Terminate, Hangup], Terminate, true),
        ] {
            assert_eq!(signal.leaves(earlier), leaves, "{earlier:?} {signal:?}");
        }
    }

    #[test]
    fn what_was_ignored_is_read_from_the_mask() {
        let status = |mask| format!("Name:\tit\nSigBlk:\t0000000000000001\nSigIgn:\t{mask}\n");
        assert!(ignores_hangup(&status("0000000000001001")));
        assert!(!ignores_hangup(&status("0000000000001000")));
        assert!(!ignores_hangup(""));
    }
}
