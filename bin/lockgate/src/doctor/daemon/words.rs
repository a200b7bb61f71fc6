//! Command lines of units as words, and back.

use super::known;

/// Words as systemd splits them: blanks, single and double quotes.
pub(crate) fn split(text: &str) -> Vec<String> {
    let (mut all, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in text.chars() {
        match quote {
            Some(end) if c == end => quote = None,
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => all.extend(word.take()),
            Some(_) | None => word.get_or_insert_default().push(c),
        }
    }
    all.extend(word);
    all
}

/// One line again.
pub(crate) fn join(words: &[String]) -> String {
    let quoted = words.iter().map(|word| {
        if word.is_empty() || word.contains(char::is_whitespace) {
            format!("\"{word}\"")
        } else {
            word.clone()
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

/// A flag of a command line: its name, its value if it is in the same word.
pub(super) fn flag(word: &str) -> Option<(&str, Option<String>)> {
    if let Some(long) = word.strip_prefix("--") {
        let (name, value) = long
            .split_once('=')
            .map_or((long, None), |(n, v)| (n, Some(v)));
        return Some((name, value.map(str::to_owned)));
    }
    // `-H`, `-Hunix://x`, `-H=unix://x`
    let letters = word.strip_prefix('-')?;
    let end = letters.chars().next()?.len_utf8();
    let (name, rest) = letters.split_at(end);
    let rest = rest.strip_prefix('=').unwrap_or(rest);
    Some((name, Some(rest.to_owned()).filter(|rest| !rest.is_empty())))
}

/// The words without the flags whose keys are `unwanted`, and those flags.
pub(crate) fn without_flags(
    words: &[String],
    unwanted: impl Fn(&str) -> bool,
) -> (Vec<String>, Vec<String>) {
    let (mut kept, mut dropped) = (Vec::new(), Vec::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match flag(word) {
            Some((name, value)) if unwanted(known::key_of(name)) => {
                let takes_next = value.is_none() && !known::is_switch(name);
                let next = if takes_next { words.next() } else { None };
                let whole = next.map_or_else(|| word.clone(), |next| format!("{word} {next}"));
                dropped.push(whole);
            }
            Some(_) | None => kept.push(word.clone()),
        }
    }
    (kept, dropped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_go_with_their_values() {
        let words =
            split("-/usr/bin/dockerd -H fd:// --tlsverify -H=tcp://x:1 --label \"a b\" $OPTS");
        let (kept, dropped) = without_flags(&words, |key| key == "hosts" || key == "tlsverify");
        assert_eq!(join(&kept), "-/usr/bin/dockerd --label \"a b\" $OPTS");
        assert_eq!(dropped, ["-H fd://", "--tlsverify", "-H=tcp://x:1"]);
    }
}
