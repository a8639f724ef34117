//! A failure as the definition hands it over, and what is told of it.

use serde::{Deserialize, Serialize};
use shared::report::{Explained, ExplainedLeft, code_and_detail};
use shared::{Code, bounds};

/// Room for what was undone, for what is left, and for why it is left: the bytes of all
/// texts of one kind. With the catalogue's words a cause stays below [`bounds::CAUSE`].
const ROOM: usize = 6_000;

/// What failed first, as Step Functions keeps it, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// The state that failed first.
    pub failed_at: String,
    /// The name of the first error.
    pub error: String,
    /// The cause of the first error: JSON of Lambda, or plain text.
    pub cause: String,
    /// What was undone, in order.
    pub undone: Vec<String>,
    /// What is left, one entry for each undo that failed.
    pub left: Vec<Left>,
}

/// Something that an undo could not remove.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Left {
    /// What is left, by kind and name.
    pub what: String,
    /// The name of the undo's error.
    pub error: String,
    /// The cause of the undo's error.
    pub cause: String,
}

impl Failure {
    /// The catalogue's code of the first error.
    pub(crate) fn code(&self) -> Code {
        code_and_detail(&self.error, &self.cause).0
    }

    /// In the catalogue's words, and no longer than a cause may be; the history of the
    /// execution has all.
    pub(crate) fn explained(&self) -> Explained {
        let (code, detail) = code_and_detail(&self.error, &self.cause);
        let (told, others) = self.left.split_at(self.left.len().min(bounds::NOTES));
        let others = others.first().map(|first| Left {
            what: format!("and {} more", others.len()),
            ..first.clone()
        });
        let room_of_left = share(self.left.len());
        let left = told.iter().chain(&others);
        let room_of_undone = share(self.undone.len());
        let undone = self.undone.iter();
        Explained {
            failed_at: self.failed_at.clone(),
            code: code.to_string(),
            detail: bounds::text(&detail, bounds::DETAIL),
            cause: code.cause().to_owned(),
            fix: code.fix().to_owned(),
            undone: bounds::texts(
                undone.map(|it| bounds::text(it, room_of_undone)),
                bounds::NOTES,
            ),
            left: left.map(|left| left.explained(room_of_left)).collect(),
        }
    }
}

impl Left {
    /// In the catalogue's words, with so many bytes for each text that is not of it.
    fn explained(&self, most: usize) -> ExplainedLeft {
        let (code, detail) = code_and_detail(&self.error, &self.cause);
        ExplainedLeft {
            what: bounds::text(&self.what, most),
            code: code.to_string(),
            detail: bounds::text(&detail, most),
            fix: code.fix().to_owned(),
        }
    }
}

/// How long each of so many texts may be, if at most [`bounds::NOTES`] are told one by one.
fn share(texts: usize) -> usize {
    (ROOM / texts.clamp(1, bounds::NOTES + 1)).min(bounds::DETAIL)
}
