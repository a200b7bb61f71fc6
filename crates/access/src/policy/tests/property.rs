//! What holds for every policy and every call.

use super::*;

proptest! {
    #[test]
    fn another_deny_never_allows_more(
        allow in proptest::sample::subsequence(Operation::ALL.to_vec(), 0..20),
        deny in proptest::sample::subsequence(Operation::ALL.to_vec(), 0..20),
        more in proptest::sample::select(Operation::ALL.to_vec()),
    ) {
        let policy = |deny: &[Operation]| {
            let list = |operations: &[Operation]| {
                let names: Vec<_> = operations.iter().map(|o| format!("\"{o}\"")).collect();
                names.join(", ")
            };
            Policy::parse(&format!(
                "[roles.x]\nallow = [{}]\ndeny = [{}]\n[[bindings]]\nroles = [\"x\"]\nuid = 7\n",
                list(&allow),
                list(deny)
            ))
            .unwrap()
        };
        let wider: Vec<_> = deny.iter().copied().chain([more]).collect();
        let (before, after) = (policy(&deny), policy(&wider));
        let somebody = unix(7, 7, &[]);
        for operation in Operation::ALL {
            let allowed = allows(&before, &somebody, *operation);
            prop_assert_eq!(allowed, allow.contains(operation) && !deny.contains(operation));
            prop_assert!(allowed || !allows(&after, &somebody, *operation));
        }
    }
}

proptest! {
    /// Whatever is denied in addition, nothing becomes allowed by it.
    #[test]
    fn another_denied_power_never_allows_more(
        powers in proptest::sample::subsequence(Power::ALL.to_vec(), 0..10),
        more in proptest::sample::select(Power::ALL.to_vec()),
        asked in proptest::sample::subsequence(Power::ALL.to_vec(), 0..4),
    ) {
        let policy = |deny: &[Power]| {
            let names: Vec<String> = deny.iter().map(|power| format!("\"{}\"", power.name())).collect();
            Policy::parse(&format!(
                "[roles.x]\nallow = [\"ContainerCreate\"]\npowers = true\ndeny = [{}]\n[[bindings]]\nroles = [\"x\"]\nuid = 7\n",
                names.join(", ")
            )).unwrap()
        };
        let wider: Vec<Power> = powers.iter().copied().chain([more]).collect();
        let somebody = unix(7, 7, &[]);
        let before = is_allowed(&ask(&policy(&powers), &somebody, Operation::ContainerCreate, &asked));
        let after = is_allowed(&ask(&policy(&wider), &somebody, Operation::ContainerCreate, &asked));
        prop_assert_eq!(before, asked.iter().all(|power| !powers.contains(power)));
        prop_assert!(before || !after);
    }

    /// The order and the spelling of keys do not matter, nor does how an object is named.
    #[test]
    fn a_decision_does_not_depend_on_spelling(
        upper in any::<u32>(),
        reverse in any::<bool>(),
        privileged in any::<bool>(),
        name in proptest::sample::select(vec!["priv", "aaaa", "aa"]),
    ) {
        let spell = |key: &str, shift: usize| -> String {
            key.chars().enumerate().map(|(index, letter)| {
                if upper >> ((index + shift) % 32) & 1 == 1 { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() }
            }).collect()
        };
        let mut members = [
            format!("\"{}\":\"i\"", spell("Image", 0)),
            format!("\"{}\":{{\"{}\":{privileged},\"{}\":[\"container:x\"]}}", spell("HostConfig", 3), spell("Privileged", 7), spell("SecurityOpt", 1)),
        ];
        if reverse {
            members.reverse();
        }
        let body = format!("{{{}}}", members.join(","));
        let grant = request(OPERATOR, "POST", "/containers/create", &body);
        let power = if privileged { Power::Privileged } else { Power::Security };
        prop_assert!(matches!(&grant, Grant::Power { wish } if wish.power == power), "{} {:?}", body, grant);
        let exec = request(OPERATOR, "POST", &format!("/containers/{name}/exec"), "{}");
        let is_refused = matches!(exec, Grant::Power { .. });
        prop_assert!(is_refused);
        let stop = request(OPERATOR, "POST", &format!("/containers/{name}/stop"), "");
        let is_that_one = matches!(stop, Grant::Allow { target: Some(id), .. } if id == "aaaa");
        prop_assert!(is_that_one);
    }
}

/// A role, as a random policy has it.
#[derive(Clone, Debug)]
struct Drawn {
    allow: Vec<&'static str>,
    deny: Vec<&'static str>,
    own: bool,
    images: bool,
    paths: bool,
}

const WORDS: [&str; 17] = [
    "container.read",
    "container.create",
    "container.lifecycle",
    "exec",
    "image.manage",
    "image.pull",
    "image.load",
    "build",
    "network.connect",
    "volume.create",
    "operator",
    "viewer",
    "deployer",
    "*",
    "host.privileged",
    "host.paths",
    "host.root-equivalent",
];

const CALLS: [(&str, &str, &str); 13] = [
    ("GET", "/containers/json", ""),
    ("POST", "/containers/alices/stop", ""),
    ("POST", "/containers/bobs/stop", ""),
    ("POST", "/containers/priv/exec", r#"{"Cmd":["sh"]}"#),
    ("POST", "/containers/create", r#"{"Image":"good"}"#),
    ("POST", "/containers/create", r#"{"Image":"evil"}"#),
    (
        "POST",
        "/containers/create",
        r#"{"Image":"good","HostConfig":{"Privileged":true}}"#,
    ),
    (
        "POST",
        "/containers/create",
        r#"{"Image":"good","HostConfig":{"Binds":["/usr/share:/x:ro"]}}"#,
    ),
    ("POST", "/images/evil/tag?repo=good", ""),
    ("POST", "/images/create?fromSrc=-&repo=good", ""),
    ("POST", "/build?t=good", ""),
    ("POST", "/services/create", "{}"),
    (
        "POST",
        "/networks/bobs-net/connect",
        r#"{"Container":"alices"}"#,
    ),
];

fn drawn() -> impl Strategy<Value = Drawn> {
    let words = || proptest::sample::subsequence(WORDS.to_vec(), 0..4);
    let all = (
        words(),
        words(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    );
    all.prop_map(|(allow, deny, own, images, paths)| Drawn {
        allow,
        deny,
        own,
        images,
        paths,
    })
}

/// The text of a policy in which alice has all of these.
fn written(roles: &[Drawn], order: &[usize]) -> String {
    let mut text = String::new();
    for (number, role) in roles.iter().enumerate() {
        // Roles are read in the order of their names.
        let name = format!("r{}", order.get(number).unwrap_or(&number));
        text.push_str(&format!(
            "[roles.{name}]\nallow = {:?}\ndeny = {:?}\nown = {}\n",
            role.allow, role.deny, role.own
        ));
        if role.images {
            text.push_str(&format!("[roles.{name}.only]\nimages = [\"good\"]\n"));
        }
        if role.paths {
            text.push_str(&format!("[roles.{name}.host]\npaths = [\"/usr:ro\"]\n"));
        }
    }
    for number in 0..roles.len() {
        text.push_str(&format!(
            "[[bindings]]\nroles = [\"r{number}\"]\ncommon_name = \"alice\"\n"
        ));
    }
    text
}

fn verdicts(text: &str) -> Vec<bool> {
    let policy = Policy::parse(text).unwrap();
    let judge = |(method, target, body): &(&str, &str, &str)| {
        is_allowed(&judged(&policy, method, target, body))
    };
    CALLS.iter().map(judge).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// In whatever policy, another word in whichever role's `deny` takes and never gives; another word in `allow`
    /// gives and never takes.
    #[test]
    fn more_denied_is_never_more_allowed_and_more_allowed_is_never_less(
        roles in proptest::collection::vec(drawn(), 1..4),
        which in any::<proptest::sample::Index>(),
        word in proptest::sample::select(WORDS.to_vec()),
    ) {
        let before = verdicts(&written(&roles, &[]));
        let mut stricter = roles.clone();
        stricter[which.index(roles.len())].deny.push(word);
        let mut wider = roles.clone();
        wider[which.index(roles.len())].allow.push(word);
        let (stricter, wider) = (verdicts(&written(&stricter, &[])), verdicts(&written(&wider, &[])));
        for (index, call) in CALLS.iter().enumerate() {
            prop_assert!(before[index] || !stricter[index], "denied {word}: {call:?}");
            prop_assert!(wider[index] || !before[index], "allowed {word}: {call:?}");
        }
    }

    /// The order in which roles and bindings stand in a file decides nothing.
    #[test]
    fn the_order_of_roles_decides_nothing(
        roles in proptest::collection::vec(drawn(), 3),
        order in Just(vec![0_usize, 1, 2]).prop_shuffle(),
    ) {
        prop_assert_eq!(verdicts(&written(&roles, &[])), verdicts(&written(&roles, &order)));
    }

    /// A role that is lent takes nothing away, unless it denies something itself.
    #[test]
    fn what_is_lent_takes_nothing_away(roles in proptest::collection::vec(drawn(), 1..3), lent in drawn()) {
        let lent = Drawn { deny: Vec::new(), ..lent };
        let all: Vec<Drawn> = roles.iter().cloned().chain([lent]).collect();
        let bound = written(&all, &[]);
        let both = verdicts(&bound);
        let last = format!("[[bindings]]\nroles = [\"r{}\"]\ncommon_name = \"alice\"\n", roles.len());
        let policy = Policy::parse(&bound.replace(&last, "")).unwrap();
        let lent = [Lent { id: "e".to_owned(), role: format!("r{}", roles.len()) }];
        for (index, (method, target, body)) in CALLS.iter().enumerate() {
            let without = is_allowed(&asked(&policy, &[], method, target, body));
            let with = is_allowed(&asked(&policy, &lent, method, target, body));
            prop_assert!(with || !without);
            // Lent or bound is one.
            prop_assert_eq!(with, both[index]);
        }
    }
}
