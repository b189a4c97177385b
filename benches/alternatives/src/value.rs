//! `serde_json::Value`, and a regular expression for the number.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::Answer;

static OPTED_OUT: LazyLock<Regex> = LazyLock::new(|| {
    let phrase = r"(?i)recipient\s+(?:(?:is|has|was)\s+)?opted[ _-]out";
    let number = r"(?:\s*:\s*\+?([0-9][0-9x*]{6,14}))?";
    Regex::new(&format!("{phrase}{number}")).expect("a regular expression")
});

/// Parses the body to a tree, and looks into it.
pub fn answer(status: u16, body: &[u8], show: &mut dyn FnMut(Answer<'_>)) {
    let Ok(response) = serde_json::from_slice::<Value>(body) else {
        return show(Answer::Error { code: status, text: "not JSON" });
    };
    let id = response["record"]["id"].as_str().or_else(|| response["id"].as_str());
    if let (200..=299, Some(id)) = (status, id) {
        return show(Answer::Accepted { id });
    }
    let code = response["code"].as_u64().and_then(|code| code.try_into().ok()).unwrap_or(status);
    let text =
        response["message"].as_str().or_else(|| response["error"].as_str()).unwrap_or("no text");
    show(match OPTED_OUT.captures(text) {
        Some(found) => {
            Answer::OptedOut { code, number: found.get(1).map(|number| number.as_str()) }
        }
        None => Answer::Error { code, text },
    });
}
