//! Pages of the Describe operations.

use super::error::{client, invalid_value};
use crate::calls::ApiError;

/// Which page of a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// The size of a page.
    pub max_results: Option<i32>,
    /// Where the last page ended.
    pub next_token: Option<String>,
}

/// Cuts one page out of a list and says how to ask for the next.
pub(super) fn page<T>(
    mut list: Vec<T>,
    asked: &Page,
    limits: std::ops::RangeInclusive<i32>,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    let start = match asked.next_token.as_deref() {
        // What the last page gave as its token leads to the beginning again.
        None | Some("") => 0,
        Some(token) => offset(token)
            .filter(|start| *start <= list.len())
            .ok_or_else(|| client("InvalidNextToken", "The pagination token is not valid"))?,
    };
    let Some(max) = asked.max_results else {
        return Ok((list.split_off(start), None));
    };
    if !limits.contains(&max) {
        return Err(invalid_value(format!(
            "Value ( {max} ) for parameter maxResults is invalid. Expecting a value between {} and {}.",
            limits.start(),
            limits.end()
        )));
    }
    let mut rest = list.split_off(start);
    let max = max as usize;
    if rest.len() <= max {
        return Ok((rest, None));
    }
    rest.truncate(max);
    Ok((rest, Some(token(start + max))))
}

const SALT: u64 = 0x5eed_0f4a_61c3_77d1;

fn token(offset: usize) -> String {
    format!("{:016x}", offset as u64 ^ SALT)
}

fn offset(token: &str) -> Option<usize> {
    let number = u64::from_str_radix(token, 16).ok()? ^ SALT;
    usize::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_one_another_and_end() {
        let list: Vec<u32> = (0..12).collect();
        let mut seen = Vec::new();
        let mut asked = Page {
            max_results: Some(5),
            next_token: None,
        };
        loop {
            let (part, next) = page(list.clone(), &asked, 5..=1000).unwrap();
            seen.extend(part);
            if next.is_none() {
                break;
            }
            asked.next_token = next;
        }
        assert_eq!(seen, list);
    }

    #[test]
    fn a_token_that_nobody_gave_is_refused() {
        for (max_results, next_token, code) in [
            (None, Some("abc"), "InvalidNextToken"),
            (Some(4), None, "InvalidParameterValue"),
        ] {
            let asked = Page {
                max_results,
                next_token: next_token.map(str::to_owned),
            };
            assert_eq!(page(vec![1], &asked, 5..=1000).unwrap_err().code, code);
        }
    }
}
