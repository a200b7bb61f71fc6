use super::*;
use crate::container::log_driver::LOCAL;

/// The answer to one line of the recording; tags belong to another module.
fn answer(driver: &str, options: &BTreeMap<String, String>) -> String {
    let options = Options(options);
    if let Err(text) = options.check(driver) {
        return format!("create: {text}");
    }
    let files = match driver {
        "json-file" => options.json_file(),
        "local" => options.local("", &LOCAL),
        _ => Ok(LOCAL),
    };
    match files {
        Err(text) => format!("start: {text}"),
        Ok(_) => "taken".to_owned(),
    }
}

#[test]
fn options_are_taken_and_refused_as_by_dockerd() {
    let mut count = 0;
    for line in include_str!("../dockerd.txt")
        .lines()
        .filter(|line| !line.starts_with('!'))
    {
        let (question, expected) = line.split_once(" => ").unwrap();
        let (driver, json) = question.split_once(' ').unwrap();
        let options: BTreeMap<String, String> = serde_json::from_str(json).unwrap();
        if !options.contains_key("tag") || driver == "local" {
            assert_eq!(answer(driver, &options), expected, "{question}");
            count += 1;
        }
    }
    assert!(count > 70, "{count}");
}

#[test]
fn sizes_and_durations_have_units() {
    for (text, bytes) in [
        ("100", Some(100)),
        ("1k", Some(1024)),
        ("1.5m", Some(3 << 19)),
        ("1GiB", Some(1 << 30)),
        ("-1", None),
        ("", None),
        ("m", None),
        ("99999999999g", None),
    ] {
        assert_eq!(size(text), bytes, "{text}");
    }
    assert_eq!(nanos("1m30s").unwrap(), 90_000_000_000);
    assert!(nanos("").is_err() && nanos("5").is_err() && nanos("x").is_err());
}
