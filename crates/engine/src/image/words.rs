//! Words of a Dockerfile instruction: quotes, escapes and variables.

/// Splits `text` at blanks outside quotes, takes quotes away and puts variables in.
/// `None` if a quote or a brace does not end.
pub(super) fn split_words(text: &str, variables: &[String]) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut lexer = Lexer {
        rest: text,
        variables,
    };
    while let Word::Text(word) = lexer.word()? {
        words.push(word);
    }
    Some(words)
}

/// All of `text` as one word.
pub(super) fn one_word(text: &str, variables: &[String]) -> Option<String> {
    let mut lexer = Lexer {
        rest: text.trim(),
        variables,
    };
    let mut word = String::new();
    loop {
        match lexer.word()? {
            Word::End => return Some(word),
            Word::Text(part) => {
                if !word.is_empty() {
                    word.push(' ');
                }
                word.push_str(&part);
            }
        }
    }
}

struct Lexer<'a> {
    rest: &'a str,
    variables: &'a [String],
}

enum Word {
    Text(String),
    End,
}

impl Lexer<'_> {
    /// The next word; `None` if a quote or a brace does not end.
    fn word(&mut self) -> Option<Word> {
        self.rest = self.rest.trim_start();
        if self.rest.is_empty() {
            return Some(Word::End);
        }
        let mut word = String::new();
        while let Some(c) = self.next() {
            match c {
                '\'' => self.single_quoted(&mut word)?,
                '"' => self.double_quoted(&mut word)?,
                '\\' => word.push(self.next().unwrap_or('\\')),
                '$' => self.variable(&mut word)?,
                c if c.is_whitespace() => break,
                c => word.push(c),
            }
        }
        Some(Word::Text(word))
    }

    fn single_quoted(&mut self, word: &mut String) -> Option<()> {
        loop {
            match self.next()? {
                '\'' => return Some(()),
                c => word.push(c),
            }
        }
    }

    fn double_quoted(&mut self, word: &mut String) -> Option<()> {
        loop {
            match self.next()? {
                '"' => return Some(()),
                '$' => self.variable(word)?,
                '\\' => match self.next()? {
                    c @ ('"' | '\\' | '$') => word.push(c),
                    c => word.extend(['\\', c]),
                },
                c => word.push(c),
            }
        }
    }

    /// `$name`, `${name}`, `${name:-default}`, `${name:+instead}`.
    fn variable(&mut self, word: &mut String) -> Option<()> {
        let braced = self.rest.starts_with('{');
        if braced {
            self.next();
        }
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = self.rest.find(|c| !is_name(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        let value = self.variables.iter().rev().find_map(|variable| {
            variable
                .split_once('=')
                .filter(|(key, _)| *key == name)
                .map(|(_, value)| value)
        });
        if !braced {
            match (name, value) {
                ("", _) => word.push('$'),
                (_, value) => word.push_str(value.unwrap_or_default()),
            }
            return Some(());
        }
        let (modifier, rest) = self.rest.split_once('}')?;
        self.rest = rest;
        let is_set = value.is_some_and(|value| !value.is_empty());
        match (
            modifier.get(..2).unwrap_or(modifier),
            modifier.get(2..).unwrap_or_default(),
        ) {
            ("", _) => word.push_str(value.unwrap_or_default()),
            (":-", default) => word.push_str(value.filter(|_| is_set).unwrap_or(default)),
            (":+", instead) => word.push_str(if is_set { instead } else { "" }),
            _ => return None,
        }
        Some(())
    }

    fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let c = characters.next();
        self.rest = characters.as_str();
        c
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_escapes_and_variables_are_understood() {
        let variables = ["A=1".to_owned(), "E=".to_owned()];
        let words = |text| split_words(text, &variables);
        let expect = |list: &[&str]| Some(list.iter().map(ToString::to_string).collect());
        assert_eq!(words("a  b"), expect(&["a", "b"]));
        assert_eq!(words("x='a b' y=\"$A c\""), expect(&["x=a b", "y=1 c"]));
        assert_eq!(words(r"a\ b \$A"), expect(&["a b", "$A"]));
        assert_eq!(
            words("${A}x ${N:-d} ${E:-d} ${A:+y} $N."),
            expect(&["1x", "d", "d", "y", "."])
        );
        assert_eq!(words("'a"), None);
        assert_eq!(words("${A"), None);
        assert_eq!(words(""), expect(&[]));
    }
}
