//! Progress as it happens, on stderr: bars on a terminal, plain lines elsewhere.

use std::io::{IsTerminal, Write};

use shared::plain;

use crate::clock::StoryClock;
use crate::story::{News, Story};

mod bars;
mod lines;
pub mod text;

use bars::Bars;
pub use lines::{Line, Mark, line};

/// Shows progress.
pub enum Display {
    Bars(Box<Bars>),
    /// A line for each thing worth telling.
    Lines,
    Silent,
}

impl Display {
    /// The display that suits where stderr goes. Log lines would tear bars apart.
    pub fn new(silent: bool, logging: bool, clock: &StoryClock) -> Self {
        if silent {
            Display::Silent
        } else if std::io::stderr().is_terminal() && !logging {
            Display::Bars(Box::new(Bars::new(clock.clone())))
        } else {
            Display::Lines
        }
    }

    /// Shows news of a story.
    pub fn tell(&self, news: &News, story: &Story, now: time::OffsetDateTime) {
        match self {
            Display::Bars(bars) => bars.tell(news, story, now),
            Display::Lines => {
                for line in line(news, story, now) {
                    write(&line.plain());
                }
            }
            Display::Silent => {}
        }
    }

    /// Shows a text that stays.
    pub fn say(&self, text: &str) {
        let text = plain::text(text);
        match self {
            Display::Bars(bars) => bars.say(&text),
            Display::Lines => write(&text),
            Display::Silent => {}
        }
    }

    /// Takes everything that moves off the screen.
    pub fn end(&self) {
        if let Display::Bars(bars) = self {
            bars.end();
        }
    }
}

/// Nobody may be reading, and that must not end the run.
fn write(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
