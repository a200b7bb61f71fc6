//! Shell patterns over references: `*` and `?` stop at a slash, `[a-z]` is a class.

/// Whether all of `text` matches; `None` if the pattern is malformed.
pub(super) fn glob_matches(pattern: &str, text: &str) -> Option<bool> {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let tokens = tokens(&pattern)?;
    // reachable[n]: the tokens so far can match the first n characters.
    let mut reachable = vec![false; text.len() + 1];
    if let Some(start) = reachable.first_mut() {
        *start = true;
    }
    for token in &tokens {
        let mut next = vec![false; text.len() + 1];
        let mut running = false;
        for (at, slot) in next.iter_mut().enumerate() {
            let before = at.checked_sub(1).and_then(|before| text.get(before));
            let was = reachable.get(at).copied().unwrap_or(false);
            let came = at
                .checked_sub(1)
                .and_then(|b| reachable.get(b))
                .copied()
                .unwrap_or(false);
            *slot = match token {
                Token::Star => {
                    running = was || (running && before.is_some_and(|c| *c != '/'));
                    running
                }
                Token::One(class) => came && before.is_some_and(|c| class.has(*c)),
            };
        }
        reachable = next;
    }
    Some(reachable.last().copied().unwrap_or(false))
}

enum Token {
    Star,
    One(Class),
}

enum Class {
    Any,
    Literal(char),
    Set {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Class {
    fn has(&self, c: char) -> bool {
        match self {
            Self::Any => c != '/',
            Self::Literal(literal) => *literal == c,
            Self::Set { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
            }
        }
    }
}

fn tokens(pattern: &[char]) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = pattern.iter().copied();
    while let Some(c) = rest.next() {
        tokens.push(match c {
            '*' => Token::Star,
            '?' => Token::One(Class::Any),
            '\\' => Token::One(Class::Literal(rest.next()?)),
            '[' => Token::One(set(&mut rest)?),
            literal => Token::One(Class::Literal(literal)),
        });
    }
    Some(tokens)
}

/// What follows `[`, up to and with `]`.
fn set(rest: &mut (impl Iterator<Item = char> + Clone)) -> Option<Class> {
    let negated = rest.clone().next() == Some('^');
    if negated {
        rest.next();
    }
    let mut ranges = Vec::new();
    loop {
        let low = match rest.next()? {
            ']' if !ranges.is_empty() => return Some(Class::Set { negated, ranges }),
            ']' | '-' => return None,
            '\\' => rest.next()?,
            c => c,
        };
        let mut ahead = rest.clone();
        if ahead.next() == Some('-') {
            rest.next();
            let high = match rest.next()? {
                ']' | '-' => return None,
                '\\' => rest.next()?,
                c => c,
            };
            ranges.push((low, high));
        } else {
            ranges.push((low, low));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_rules_of_shell_patterns() {
        for (pattern, text, expected) in [
            ("busybox", "busybox", true),
            ("busy*", "busybox:latest", true),
            ("*", "user/app", false),
            ("*/*", "user/app:1", true),
            ("*:latest", "app:latest", true),
            ("a?c", "abc", true),
            ("a?c", "a/c", false),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("a\\*", "a*", true),
            ("", "", true),
            ("**a**", "xxax", true),
        ] {
            assert_eq!(
                glob_matches(pattern, text),
                Some(expected),
                "{pattern} {text}"
            );
        }
        for bad in ["[", "[]", "[a", "[a-", "a\\", "[-a]"] {
            assert_eq!(glob_matches(bad, "x"), None, "{bad}");
        }
    }
}
