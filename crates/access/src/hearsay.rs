//! Sentences about other people's objects.
//!
//! An error names what stands in the way: the container that has a name, uses an image or is on a network. A
//! caller who sees a part of what there is only is not told which of the others' that is.

/// In place of an id or a name.
const ANOTHERS: &str = "(another's)";
/// As short as ids are shown.
const SHORT_ID: usize = 12;
const LONG_ID: usize = 64;
/// How the daemon names who is on a network.
const NAME: &str = "name:\"";

/// The words of a message that could be ids or names of containers.
pub fn named_in(message: &str) -> Vec<&str> {
    ids(message).chain(names(message)).collect()
}

/// The message without the ids and names that are somebody else's.
pub fn without_others(message: &str, is_anothers: impl Fn(&str) -> bool) -> String {
    let mut told = message.to_owned();
    for id in ids(message).filter(|id| is_anothers(id)) {
        told = told.replace(id, ANOTHERS);
    }
    for name in names(message).filter(|name| is_anothers(name)) {
        // A name can be a word of the sentence, too.
        told = told.replace(&format!("{NAME}{name}\""), &format!("{NAME}{ANOTHERS}\""));
    }
    told
}

fn ids(message: &str) -> impl Iterator<Item = &str> {
    let words = message.split(|letter: char| !letter.is_ascii_alphanumeric());
    words.filter(|word| {
        (SHORT_ID..=LONG_ID).contains(&word.len())
            && word
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

fn names(message: &str) -> impl Iterator<Item = &str> {
    let rests = message.split(NAME).skip(1);
    rests.filter_map(|rest| rest.split('"').next().filter(|name| !name.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    // T: indirect-object
    #[test]
    fn an_error_does_not_say_which_of_the_others_it_is() {
        let (short, image) = ("0123456789ab", "aaaaaaaaaaaa");
        let hers = format!("{short}{}", "c".repeat(52));
        let is_hers = |word: &str| hers.starts_with(word) || ["hers", "e"].contains(&word);
        for (message, expected) in [
            (
                format!("Conflict. The container name \"/hers\" is already in use by container \"{hers}\". You"),
                "Conflict. The container name \"/hers\" is already in use by container \"(another's)\". You".to_owned(),
            ),
            (
                format!("(must force) - container {short} is using its referenced image {image}"),
                format!("(must force) - container (another's) is using its referenced image {image}"),
            ),
            (
                format!("remove v: volume is in use - [{hers}, {}]", "f".repeat(64)),
                format!("remove v: volume is in use - [(another's), {}]", "f".repeat(64)),
            ),
            (
                format!("network n has active endpoints (name:\"hers\" id:\"{image}\", name:\"his\" id:\"{image}\")"),
                format!("network n has active endpoints (name:\"(another's)\" id:\"{image}\", name:\"his\" id:\"{image}\")"),
            ),
            (
                "network n has active endpoints (name:\"e\" id:\"\")".to_owned(),
                "network n has active endpoints (name:\"(another's)\" id:\"\")".to_owned(),
            ),
            ("No such container: hers".to_owned(), "No such container: hers".to_owned()),
            (String::new(), String::new()),
        ] {
            assert_eq!(without_others(&message, is_hers), expected);
        }
    }
}
