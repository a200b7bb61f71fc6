//! Names for containers that were given none: a calm adjective and something found in a harbour.

use lockgate_types::ContainerName;

/// A random name; from the sixth attempt on with a digit, as the plain ones seem to be taken.
pub(crate) fn random_name(attempt: u32) -> ContainerName {
    loop {
        let [a, b, c] = random_bytes();
        let adjective = ADJECTIVES[usize::from(a) % ADJECTIVES.len()];
        let noun = NOUNS[usize::from(b) % NOUNS.len()];
        let text = if attempt < 5 {
            format!("{adjective}_{noun}")
        } else {
            format!("{adjective}_{noun}{}", c % 100)
        };
        // The words are within the grammar, so the first turn ends the loop.
        if let Ok(name) = ContainerName::parse(&text) {
            return name;
        }
    }
}

fn random_bytes() -> [u8; 3] {
    let mut bytes = [0; 3];
    if getrandom::fill(&mut bytes).is_err() {
        // Names need not be secret; any spread will do.
        let nanos = lockgate_types::Timestamp::now().unix_nanos().to_le_bytes();
        bytes.copy_from_slice(&nanos[..3]);
    }
    bytes
}

const ADJECTIVES: [&str; 64] = [
    "able", "amber", "ancient", "aqua", "bold", "brave", "breezy", "bright", "brisk", "calm",
    "candid", "chilly", "clear", "clever", "coastal", "cosy", "crisp", "daring", "deep", "eager",
    "early", "easy", "fair", "fleet", "fond", "frank", "fresh", "gentle", "glad", "golden",
    "grand", "happy", "hardy", "hazy", "honest", "humble", "jolly", "keen", "kind", "level",
    "light", "lively", "loyal", "lucky", "mellow", "merry", "misty", "neat", "noble", "patient",
    "plain", "polite", "proud", "quick", "quiet", "rapid", "ready", "silver", "smooth", "steady",
    "sunny", "tidal", "upbeat", "warm",
];

const NOUNS: [&str; 64] = [
    "anchor",
    "barge",
    "basin",
    "beacon",
    "bilge",
    "boatswain",
    "bollard",
    "bosun",
    "bow",
    "bridge",
    "brig",
    "buoy",
    "canal",
    "capstan",
    "captain",
    "cargo",
    "channel",
    "cleat",
    "clipper",
    "cog",
    "compass",
    "cooper",
    "coxswain",
    "crane",
    "cutter",
    "deckhand",
    "delta",
    "derrick",
    "dinghy",
    "dockyard",
    "estuary",
    "ferry",
    "fjord",
    "galley",
    "gull",
    "halyard",
    "harbour",
    "heron",
    "hull",
    "jetty",
    "keel",
    "ketch",
    "lagoon",
    "lantern",
    "mariner",
    "mast",
    "mole",
    "mooring",
    "navigator",
    "oar",
    "otter",
    "pelican",
    "pier",
    "pilot",
    "quay",
    "rudder",
    "sextant",
    "sluice",
    "sloop",
    "stevedore",
    "tide",
    "tiller",
    "tugboat",
    "wharf",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_makes_a_valid_name() {
        for word in ADJECTIVES.iter().chain(&NOUNS) {
            assert!(word.bytes().all(|b| b.is_ascii_lowercase()), "{word}");
        }
    }

    #[test]
    fn names_have_two_words_and_later_a_number() {
        assert_eq!(random_name(0).as_str().split('_').count(), 2);
        assert!(
            random_name(9)
                .as_str()
                .ends_with(|c: char| c.is_ascii_digit())
        );
    }
}
