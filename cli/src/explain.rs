//! `explain`: one error code.

use shared::Code;

use crate::Answer;
use crate::display::text::field;
use crate::error::Error;
use crate::fixes;

/// Explains the code.
///
/// # Errors
/// When there is no such code; names those that look like it.
pub fn run(code: &str) -> Result<Answer, Error> {
    let asked = code.trim().to_ascii_lowercase();
    let Some(code) = Code::parse(&asked) else {
        return Err(Error::UnknownCode {
            code: code.to_owned(),
            hint: hint(&asked),
        });
    };
    let mut text = format!("{code}\n");
    text.push_str(&field("Cause", code.cause()));
    text.push_str(&field("Fix", &fixes::of(code, None)));
    text.push_str(&field("Error name", code.name().as_str()));
    Ok(Answer::done(text))
}

fn hint(asked: &str) -> String {
    match near(asked).as_slice() {
        [] => "`crdb-privatelink catalogue` lists them all".to_owned(),
        near => {
            let names: Vec<String> = near.iter().map(|code| format!("`{code}`")).collect();
            format!("did you mean {}?", names.join(", "))
        }
    }
}

/// At most three codes that are a few letters away, or share a word with what was asked for.
fn near(asked: &str) -> Vec<Code> {
    let words: Vec<&str> = asked
        .split(['-', '_', ' '])
        .filter(|word| word.len() > 3)
        .collect();
    let mut rated: Vec<(usize, Code)> = Code::ALL
        .iter()
        .map(|code| {
            let shared = code
                .as_str()
                .split('-')
                .filter(|word| words.contains(word))
                .count();
            (distance(asked, code.as_str()), shared, *code)
        })
        .filter(|(distance, shared, code)| *shared > 0 || *distance <= code.as_str().len() / 3)
        .map(|(distance, shared, code)| (distance.saturating_sub(4 * shared), code))
        .collect();
    rated.sort();
    rated.into_iter().take(3).map(|(_, code)| code).collect()
}

/// How many letters must be put in, taken out or changed.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let changed = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_can_be_explained() {
        for code in Code::ALL {
            let answer = run(code.as_str()).unwrap();
            assert!(answer.stdout.starts_with(code.as_str()), "{code}");
        }
    }

    #[test]
    fn a_code_with_a_slip_finds_the_right_one() {
        assert_eq!(distance("kitten", "sitting"), 3);
        for (asked, meant) in [
            ("private-dns-conflct", Code::PrivateDnsConflict),
            ("dns-conflict", Code::PrivateDnsConflict),
            ("vpc-notfound", Code::VpcNotFound),
            ("rejected", Code::EndpointRejected),
        ] {
            assert!(near(asked).contains(&meant), "{asked}: {:?}", near(asked));
        }
        assert!(near("xyzzy").is_empty());
    }
}
