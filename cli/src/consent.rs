//! Before something is changed in a real account: whose account it is, what is going to
//! happen, and the question whether it shall.

use std::io::{BufRead, IsTerminal, Write};

use shared::request::{DeprovisionRequest, ProvisionRequest};
use shared::subject::Subject;
use shared::{Code, StepErrorName, plain};

use crate::Answer;
use crate::arguments::{Consented, Place};
use crate::display::text::{field, hanging};
use crate::error::Error;
use crate::exit::Exit;
use crate::plan;
use crate::removal::Removal;
use crate::world::World;

/// Whether whoever runs the command agrees to what it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// Nothing real is changed, or nobody wants to read what is.
    Silent,
    /// It was given beforehand: what changes is shown.
    Given,
    /// There is somebody to ask.
    Asked,
}

impl Consent {
    /// What the command line says.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`] where it is needed, was not given, and nobody can be asked.
    pub fn of(place: &Place, consented: Consented, json: bool) -> Result<Self, Error> {
        let somebody = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        Self::decide(place.aws, consented.yes, json, somebody)
    }

    fn decide(real: bool, yes: bool, json: bool, somebody: bool) -> Result<Self, Error> {
        match (real, yes, json) {
            (false, _, _) | (true, true, true) => Ok(Consent::Silent),
            (true, true, false) => Ok(Consent::Given),
            (true, false, false) if somebody => Ok(Consent::Asked),
            (true, false, _) => Err(Error::Told {
                code: Code::InvalidRequest,
                message: "this changes a real account, and there is nobody to be asked; nothing was changed".to_owned(),
                fix: "Add `--yes`. To see first what changes: `plan --aws`, `plan --destroy --aws`, or `sweep` and `rebuild` without `--apply`.".to_owned(),
            }),
        }
    }

    /// Shows what `provision` would do. An answer is why it does not begin.
    pub(crate) async fn to_provision(
        self,
        world: &World,
        request: &ProvisionRequest,
    ) -> Option<Answer> {
        if self == Consent::Silent {
            return None;
        }
        // Boxed, because futures that call the SDK nest deeper than the compiler wants to look.
        let preview = Box::pin(plan::preview(world, request)).await;
        match &preview.obstacle {
            // The execution meets it too, and may outlast what passes.
            Some(error) if self == Consent::Asked && error.name() != StepErrorName::Transient => {
                Some(Answer::text(preview.told, Exit::of_obstacle(error)))
            }
            Some(_) | None => {
                let name = preview.cluster_name.as_deref();
                self.to(world, &request.subject(), name, &preview.told)
            }
        }
    }

    /// Shows what `deprovision` would do. An answer is why it does not begin.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub(crate) async fn to_deprovision(
        self,
        world: &World,
        request: &DeprovisionRequest,
    ) -> Result<Option<Answer>, Error> {
        if self == Consent::Silent {
            return Ok(None);
        }
        let look = Box::pin(Removal::look(world, request));
        let removal = match look.await {
            Ok(removal) => removal,
            // The execution asks again.
            Err(error) if error.name() == StepErrorName::Transient => {
                let unknown = field("Not known", &error.to_string());
                return Ok(self.to(world, &request.subject(), None, &unknown));
            }
            Err(error) => return Err(error.into()),
        };
        if removal.refusal().is_some() && self == Consent::Asked {
            return Ok(Some(Answer::text(removal.text(), removal.exit(false))));
        }
        let name = removal.cluster_name();
        Ok(self.to(world, &request.subject(), name, &removal.body()))
    }

    /// Shows what a command over a whole stack would do.
    pub(crate) fn to_apply(self, world: &World, what: &str) -> Option<Answer> {
        let mut text = whose(world);
        for about in &world.about {
            text.push_str(&field("Where", about));
        }
        self.ask(&(text + &field("What", what)))
    }

    fn to(
        self,
        world: &World,
        subject: &Subject,
        cluster_name: Option<&str>,
        what: &str,
    ) -> Option<Answer> {
        let mut text = whose(world);
        if let Some(account) = &subject.account_id
            && world.caller.as_ref().map(|it| &it.account) != Some(account)
        {
            text.push_str(&field("VPC's account", account.as_str()));
        }
        text.push_str(&field("Region", subject.region.as_str()));
        text.push_str(&field("VPC", subject.vpc_id.as_str()));
        let id = &subject.cluster_id;
        let cluster = match cluster_name {
            Some(name) => format!("{name} ({id})"),
            None => id.to_string(),
        };
        text.push_str(&field("Cluster", &cluster));
        self.ask(&format!("{text}\n{what}"))
    }

    /// Shows it and asks. An answer is that of somebody who does not want it.
    fn ask(self, shown: &str) -> Option<Answer> {
        match self {
            Consent::Silent => None,
            Consent::Given => {
                tell(shown);
                None
            }
            Consent::Asked => {
                tell(&format!("{shown}\n  Type `yes` to go on: "));
                let mut said = String::new();
                let read = std::io::stdin().lock().read_line(&mut said);
                let agreed = read.is_ok() && is_yes(&said);
                (!agreed).then(|| {
                    let declined =
                        hanging("", "Not started: you did not say yes. Nothing was changed.");
                    Answer::text(declined, Exit::NotStarted)
                })
            }
        }
    }
}

fn is_yes(said: &str) -> bool {
    said.trim().eq_ignore_ascii_case("yes")
}

/// Whose credentials are used.
fn whose(world: &World) -> String {
    let mut text = "\n  This is real.\n\n".to_owned();
    if let Some(caller) = &world.caller {
        text.push_str(&field("Account", caller.account.as_str()));
        text.push_str(&field("Caller", &caller.arn));
    }
    text
}

/// The end of a pipe may be gone, and that is not worth a panic.
fn tell(text: &str) {
    let mut stderr = std::io::stderr();
    let _ = stderr.write_all(plain::text(text).as_bytes());
    let _ = stderr.flush();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_account_is_changed_only_by_who_says_so() {
        for somebody in [true, false] {
            for json in [true, false] {
                let decide = |real, yes| Consent::decide(real, yes, json, somebody);
                assert_eq!(decide(false, false).unwrap(), Consent::Silent);
                let given = if json {
                    Consent::Silent
                } else {
                    Consent::Given
                };
                assert_eq!(decide(true, true).unwrap(), given);
                match decide(true, false) {
                    Ok(asked) => assert!(asked == Consent::Asked && somebody && !json),
                    Err(error) => {
                        assert!(json || !somebody);
                        assert_eq!(error.exit(), Exit::BadRequest);
                        assert!(error.to_string().contains("nothing was changed"));
                        assert!(error.fix().unwrap().starts_with("Add `--yes`"));
                    }
                }
            }
        }
    }

    #[test]
    fn nothing_but_yes_is_yes() {
        assert!(is_yes("yes\n") && is_yes(" YES "));
        for said in ["", "\n", "y\n", "no", "yes please"] {
            assert!(!is_yes(said), "{said:?}");
        }
    }
}
