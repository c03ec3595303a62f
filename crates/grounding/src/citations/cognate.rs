//! Words of two scripts that are one word: сервер and server, сертификат and certificate.

/// What is compared: the consonants in Latin letters, as they sound in both languages. Empty when too few are left to
/// tell anything.
pub(super) fn skeleton(word: &str) -> String {
    // Fewer are shared by words that have nothing in common.
    const FEWEST: usize = 3;
    let mut skeleton = String::new();
    let letters: Vec<char> = word.chars().collect();
    for (at, &c) in letters.iter().enumerate() {
        let next = letters.get(at + 1).copied().unwrap_or(' ');
        let soft = c == 'c' && matches!(next, 'e' | 'i' | 'y');
        let sound = match c {
            _ if soft => "s",
            'ф' | 'f' => "f",
            'p' if next == 'h' => "f",
            'б' | 'b' => "b",
            'в' | 'v' | 'w' => "v",
            'г' | 'g' => "g",
            'д' | 'd' => "d",
            'ж' | 'j' => "j",
            'з' | 'z' => "z",
            'к' | 'k' | 'c' | 'q' | 'х' => "k",
            'л' | 'l' => "l",
            'м' | 'm' => "m",
            'н' | 'n' => "n",
            'п' | 'p' => "p",
            'р' | 'r' => "r",
            'с' | 's' | 'ц' | 'ч' | 'ш' | 'щ' => "s",
            'т' | 't' => "t",
            'x' => "ks",
            _ => "",
        };
        // Doubled letters are one.
        if !skeleton.ends_with(sound) || sound.is_empty() {
            skeleton.push_str(sound);
        }
    }
    if skeleton.len() < FEWEST { String::new() } else { skeleton }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_came_from_one_have_one_skeleton() {
        for (russian, english) in [
            ("сервер", "server"),
            ("кластер", "cluster"),
            ("сертификат", "certificat"),
            ("контейнер", "contain"),
            ("администратор", "administrator"),
            ("телефон", "telephon"),
            ("аккаунт", "account"),
        ] {
            assert!(skeleton(russian).starts_with(&skeleton(english)), "{russian}");
        }
        assert_eq!(skeleton("пароль"), "prl");
        assert_eq!(skeleton("оно"), "");
    }
}
