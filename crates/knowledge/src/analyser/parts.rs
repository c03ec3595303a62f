//! The words inside an identifier: `maxSurge` is also "max" and "surge". Dots, underscores and hyphens part
//! words anyway; here are the parts that only capitals tell.

/// The parts of a word as written, in order; none when it is not written in `camelCase`.
/// `HTTPServerPort2` has the parts `HTTP`, `Server`, `Port`, `2`.
pub(super) fn parts(word: &str) -> impl Iterator<Item = &str> {
    let bytes = word.as_bytes();
    let camel = word.is_ascii()
        && bytes.windows(2).any(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
    let mut rest = if camel { word } else { "" };
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (part, after) = rest.split_at(part_length(rest.as_bytes()));
        rest = after;
        Some(part)
    })
}

/// Where the first part of an ASCII word ends.
fn part_length(word: &[u8]) -> usize {
    let run = |from: usize, kind: fn(&u8) -> bool| {
        word[from..].iter().position(|byte| !kind(byte)).map_or(word.len(), |length| from + length)
    };
    if word[0].is_ascii_digit() {
        return run(0, u8::is_ascii_digit);
    }
    let capitals = run(0, u8::is_ascii_uppercase);
    match capitals {
        0 | 1 => run(capitals, u8::is_ascii_lowercase),
        // The last capital of several begins the next part, when small letters follow it.
        _ if word.get(capitals).is_some_and(u8::is_ascii_lowercase) => capitals - 1,
        _ => capitals,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_part_the_words_of_an_identifier() {
        let of = |word| parts(word).collect::<Vec<_>>();
        assert_eq!(of("maxSurge"), ["max", "Surge"]);
        assert_eq!(of("HTTPServerPort2"), ["HTTP", "Server", "Port", "2"]);
        assert_eq!(of("apiV1Beta"), ["api", "V", "1", "Beta"]);
        assert_eq!(of("kubeAPI"), ["kube", "API"]);
        assert_eq!(of("Password"), Vec::<&str>::new());
        assert_eq!(of("PASSWORD"), Vec::<&str>::new());
        assert_eq!(of("парольАдмина"), Vec::<&str>::new());
    }
}
