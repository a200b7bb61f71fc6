//! Which options of `ps` may show the environments of processes.

/// System V's letters without an argument of their own.
const SYSTEM_V: &str = "AacdefFjHlLmMPTwyZ";
/// BSD's, and those that the two understand differently, none of which shows an environment.
const OTHERS: &str = "grsSuvx";

/// Whether environments may be shown: by BSD's letter `e`, or as a column. What is not known to be harmless may.
///
/// `ps` reads all words as BSD's when it cannot read one of them as System V's (`-ef -aux` is one with an `e`), so
/// that letter is harmless only among words that it never reads so.
pub(super) fn may_show_environments(options: &str) -> bool {
    let mut words = options.split_whitespace();
    let (mut has_e, mut all_system_v) = (false, true);
    while let Some(word) = words.next() {
        let letters = word.strip_prefix('-').unwrap_or(word);
        let flags = letters.strip_suffix('o').unwrap_or(letters);
        let known = |letter: char| SYSTEM_V.contains(letter) || OTHERS.contains(letter);
        if letters.is_empty() || !flags.chars().all(known) {
            return true;
        }
        if flags.len() < letters.len() && !words.next().is_some_and(are_columns) {
            return true;
        }
        has_e |= flags.contains('e');
        let is_system_v = |letter| SYSTEM_V.contains(letter);
        all_system_v &= word.starts_with('-') && flags.chars().all(is_system_v);
    }
    has_e && !all_system_v
}

/// A list such as `pid,comm`, each perhaps with a title.
fn are_columns(list: &str) -> bool {
    list.split(',').all(|column| {
        let name = column.split('=').next().unwrap_or_default();
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte == b'%' || byte == b'_';
        name != "environ" && !name.is_empty() && name.bytes().all(is_name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_ask_for_shows_no_environment() {
        for options in [
            "",
            "-ef",
            "aux",
            "-aux",
            "auxww",
            "-o pid,comm",
            "-eo pid,ppid,%cpu,args",
            "-o pid=ID,cmd",
            "axo pid,cmd",
            "-e -f",
            "-eLf",
        ] {
            assert!(!may_show_environments(options), "{options}");
        }
    }

    #[test]
    fn what_shows_one_however_it_is_spelt_may() {
        for options in [
            "e",
            "auxe",
            "auxeww",
            "-auxe",
            "-ef e",
            "-ef -aux",
            "-e aux",
            "-o pid,environ",
            "-o pid,environ=X",
            "-opid,environ",
            "o pid,environ",
            "-o",
            "--format pid,environ",
            "-O environ",
            "axk pid e",
            "-e -o pid,\u{65}nviron",
            "-u root e",
            "E",
            "-",
        ] {
            assert!(may_show_environments(options), "{options}");
        }
    }
}
