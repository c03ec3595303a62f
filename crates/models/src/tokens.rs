//! How many tokens a text is, roughly: for trimming, and where a provider does not tell.
//!
//! No tokenizer: each model has its own, and they weigh tens of megabytes.

use crate::Request;

/// What the frame of one message costs: role and separators.
const OF_A_MESSAGE: u32 = 4;

/// About 4 characters a token in ASCII, 3.2 in Cyrillic and other alphabets, rounded towards more tokens, and 1
/// in Chinese, Japanese and Korean. Never 0 for a text that is not empty.
pub fn estimate(text: &str) -> u32 {
    // In twentieths of a token, so that it is exact.
    let of = |c: char| match c {
        '\0'..='\u{7f}' => 5_u64,
        '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{10000}'.. => 20,
        // 20 ÷ 3.2 is 6.25.
        _ => 7,
    };
    let twentieths: u64 = text.chars().map(of).sum();
    u32::try_from(twentieths.div_ceil(20)).unwrap_or(u32::MAX)
}

/// What a whole request weighs, without its answer.
pub fn estimate_prompt(request: &Request) -> u32 {
    let system = if request.system.is_empty() { 0 } else { estimate(&request.system) + OF_A_MESSAGE };
    let said = request.said.iter().map(|said| estimate(&said.text).saturating_add(OF_A_MESSAGE));
    said.fold(system, u32::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_follows_the_script() {
        assert_eq!(estimate(""), 0);
        assert_eq!(estimate("a"), 1);
        assert_eq!(estimate(&"word".repeat(100)), 100);
        assert_eq!(estimate(&"слово".repeat(64)), 112);
        assert_eq!(estimate("東京"), 2);
    }
}
