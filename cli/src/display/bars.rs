//! Progress on a terminal: what is done stays, what happens now moves.

use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use console::{Style, style};
use engine::Clock;
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use time::OffsetDateTime;

use super::lines::{Line, Mark, line};
use super::text::{clock, clock_of, count};
use crate::clock::StoryClock;
use crate::story::{News, Story};

const NOW: &str = "  {spinner:.cyan} {elapsed_here:>7}  {prefix:26} {wide_msg:.dim}";
const BAR: &str = "\n    {bar:36.green/dim}  {msg}{waited}";
const BAR_OF_UNDO: &str = "\n    {bar:36.yellow/dim}  {msg}{waited}";

/// Two moving lines: the current step, and how far the story has come.
pub struct Bars {
    all: MultiProgress,
    now: ProgressBar,
    bar: ProgressBar,
    since: Arc<Mutex<Since>>,
    clock: StoryClock,
}

/// What the moving times are counted from.
#[derive(Debug, Clone, Default)]
struct Since {
    began: Option<OffsetDateTime>,
    /// Since when something is awaited, and for how many seconds at most.
    awaited: Option<(OffsetDateTime, u64)>,
}

impl Bars {
    /// Nothing is shown before the first news.
    pub(super) fn new(clock: StoryClock) -> Self {
        let since = Arc::new(Mutex::new(Since::default()));
        let all = MultiProgress::new();
        let now = all.add(ProgressBar::new_spinner());
        let bar = all.add(ProgressBar::new(1));
        let bars = Self {
            all,
            now,
            bar,
            since,
            clock,
        };
        bars.now.set_style(bars.style(NOW));
        bars.bar.set_style(bars.style(BAR));
        bars
    }

    pub(super) fn tell(&self, news: &News, story: &Story, now: OffsetDateTime) {
        let lines = line(news, story, now);
        for line in lines
            .iter()
            .filter(|line| !matches!(line.mark, Mark::Waiting | Mark::Again))
        {
            self.say(&coloured(line));
        }
        let Some(step) = story.last() else { return };
        // Drawing reads what the times are counted from, so this is not kept locked.
        self.count_from(|since| {
            since.began = story.began();
            match news {
                News::Awaiting(pending) => {
                    since.awaited = Some((step.began, pending.limit_seconds))
                }
                News::Begun | News::Done | News::Failed => since.awaited = None,
                News::Retrying { .. } => {}
            }
        });
        match news {
            News::Begun => {
                self.now.set_prefix(step.words.doing);
                self.now.set_message("");
            }
            News::Awaiting(pending) => self.now.set_message(pending.waiting_for.clone()),
            News::Retrying { code, seconds } => {
                self.now
                    .set_message(format!("{code}; again in {seconds:.0} s"));
            }
            News::Failed => {
                self.now.set_prefix("");
                self.now.set_message("");
            }
            News::Done => {}
        }
        self.move_bar(story);
    }

    /// Shows a text that stays, above what moves.
    pub(super) fn say(&self, text: &str) {
        // Nobody may be looking any more, and that must not end the run.
        // What draws swallows an empty last line.
        let blank = if text.ends_with('\n') { " " } else { "" };
        let _ = self.all.println(format!("{text}{blank}"));
    }

    /// Takes what moves off the screen.
    pub(super) fn end(&self) {
        self.now.finish_and_clear();
        self.bar.finish_and_clear();
    }

    fn count_from(&self, change: impl FnOnce(&mut Since)) {
        change(&mut self.since.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn move_bar(&self, story: &Story) {
        let (done, total) = (story.done(), story.total());
        self.bar.set_length(u64::try_from(total).unwrap_or(1));
        self.bar.set_position(u64::try_from(done).unwrap_or(0));
        if story.is_undoing() {
            self.bar.set_style(self.style(BAR_OF_UNDO));
            self.bar.set_message("undoing");
        } else {
            self.bar
                .set_message(format!("{done} of {}", count(total, "step")));
        }
        for bar in [&self.now, &self.bar] {
            bar.enable_steady_tick(Duration::from_millis(100));
        }
    }

    fn style(&self, template: &str) -> ProgressStyle {
        let (since, clock) = (Arc::clone(&self.since), self.clock.clone());
        let elapsed = move |_: &ProgressState, out: &mut dyn Write| {
            let since = since.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(began) = since.began {
                let _ = write!(out, "{}", self::clock(clock.now() - began));
            }
        };
        let (since, clock) = (Arc::clone(&self.since), self.clock.clone());
        let waited = move |_: &ProgressState, out: &mut dyn Write| {
            let since = since.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((began, limit)) = since.awaited {
                let waited = self::clock(clock.now() - began);
                let _ = write!(out, " · waited {waited} of at most {}", clock_of(limit));
            }
        };
        ProgressStyle::with_template(template)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .tick_strings(&["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏", " "])
            .progress_chars("━╸─")
            .with_key("elapsed_here", elapsed)
            .with_key("waited", waited)
    }
}

/// The line in the colours of its mark.
fn coloured(line: &Line) -> String {
    let colour = match line.mark {
        Mark::Done => Style::new().green(),
        Mark::Undone => Style::new().yellow(),
        Mark::Failed => Style::new().red().bold(),
        Mark::Waiting | Mark::Again => Style::new().cyan(),
        Mark::Turn => return style(line.plain()).for_stderr().yellow().to_string(),
    };
    format!(
        "  {} {}  {:<26} {}",
        colour.for_stderr().apply_to(line.mark.sign()),
        style(format!("{:>7}", line.at)).for_stderr().dim(),
        line.label,
        line.detail
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_valid() {
        for template in [NOW, BAR, BAR_OF_UNDO] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
