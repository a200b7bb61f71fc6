//! A command line as words.

use crate::failure::Failure;

/// Words as a shell would divide them, without expansions.
pub(super) fn words(line: &str) -> Result<Vec<String>, Failure> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(end), letter) if letter == end => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => {
                let next = letters.next().unwrap_or('\\');
                word.get_or_insert_default().push(next);
            }
            (None, ' ' | '\t' | '\n') => words.extend(word.take()),
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    if quote.is_some() {
        return Err(Failure::new("the command line ends inside quotes"));
    }
    words.extend(word);
    Ok(words)
}

/// `container rm` is `rm`, `image ls` is `images`, `system info` is `info`.
pub(super) fn plain(words: &[String]) -> Vec<String> {
    let (group, verb) = (words.get(1), words.get(2));
    let of = |word: Option<&String>| word.cloned().unwrap_or_default();
    let short = match (of(group).as_str(), of(verb).as_str()) {
        ("container" | "image", "inspect" | "prune") => None,
        ("container", "ls" | "list" | "ps") => Some("ps"),
        ("container", "remove") => Some("rm"),
        ("image", "ls" | "list") => Some("images"),
        ("image", "rm" | "remove") => Some("rmi"),
        ("container" | "image", _) | ("system", "events" | "info") => verb.map(String::as_str),
        _ => None,
    };
    let Some(short) = short else {
        return words.to_vec();
    };
    let rest = words.iter().skip(3).cloned();
    let first = words.iter().take(1).cloned();
    first.chain([short.to_owned()]).chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_divided_as_by_a_shell() {
        let words = words(r#"docker run -e 'A=b c' "x\"y" z\ w ''"#).unwrap();
        assert_eq!(words, ["docker", "run", "-e", "A=b c", "x\"y", "z w", ""]);
    }
}
