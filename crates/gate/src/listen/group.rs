//! Group names without the C library's lookup, which a static binary must not call.

use std::path::Path;

/// The number of a group: a number itself, or a name in `/etc/group`.
pub(super) fn find(name: &str) -> Option<u32> {
    name.parse().ok().or_else(|| {
        let text = std::fs::read_to_string(Path::new("/etc/group")).ok()?;
        look_up(&text, name)
    })
}

fn look_up(text: &str, name: &str) -> Option<u32> {
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then(|| fields.nth(1)?.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_found() {
        let text = "root:x:0:\ndocker:x:997:alice,bob\nbroken\nhalf:x:\n";
        assert_eq!(look_up(text, "docker"), Some(997));
        assert_eq!(look_up(text, "half"), None);
        assert_eq!(look_up(text, "dock"), None);
        assert_eq!(find("1234"), Some(1234));
        assert_eq!(find("root"), Some(0));
    }
}
