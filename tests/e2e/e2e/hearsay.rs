//! What a tenant could learn of others by numbers, errors and filters, on our engine and at a door before a stock
//! dockerd. Threats: indirect-object, response-side.

use serde_json::{Value, json};

use crate::ownership::{ALICE, BOB, House};

/// What is alice's: a running container in a network and with a volume of hers, and a stopped one.
fn furnish(house: &House) -> String {
    let alice = |line: &str| house.docker(ALICE, line).ok().to_owned();
    alice("network create hernet");
    let id = alice(
        "run -d --pull never --network none --name hers -v hervolume:/data -e SECRET=hush busybox sleep 600",
    );
    alice("create --pull never --name herstopped busybox");
    house
        .docker(BOB, "create --pull never --network none --name his busybox")
        .ok();
    id
}

fn object(house: &House, target: &str) -> Value {
    let (status, body) = house.api(BOB, "GET", target, None);
    assert_eq!(status, 200, "{target}: {body}");
    serde_json::from_str(&body).unwrap()
}

fn numbers_count_own_containers_alone(house: &House) {
    let newest = object(house, "/version")["ApiVersion"].clone();
    // Images are counted in lists since 1.51, and everything in sums since 1.52.
    let newest = format!("/v{}", newest.as_str().unwrap());
    for version in ["/v1.41", &newest] {
        let info = object(house, &format!("{version}/info"));
        let counts = ["", "Running", "Paused", "Stopped"];
        let counts = counts.map(|state| info[format!("Containers{state}")].as_i64().unwrap());
        assert_eq!(counts, [1, 0, 0, 1], "{version}");
        for list in [
            object(house, &format!("{version}/images/json")),
            object(house, &format!("{version}/system/df"))["Images"].clone(),
        ] {
            let images = list.as_array().into_iter().flatten();
            for image in images.filter(|image| image["Containers"].is_i64()) {
                assert!(
                    image["Containers"].as_i64().unwrap() <= 1,
                    "{version}: {image}"
                );
            }
        }
    }
    let df = house.docker(
        BOB,
        "system df --format {{.Type}}={{.TotalCount}}/{{.Active}}",
    );
    assert!(df.ok().contains("Containers=1/0"), "{df}");
    assert!(
        df.ok()
            .contains("Local~Volumes=0/0".replace('~', " ").as_str()),
        "{df}"
    );
    let (status, body) = house.api(BOB, "GET", "/metrics", None);
    assert_eq!(status, 403, "{body}");
}

fn refusals_name_nobody_elses_container(house: &House, id: &str) {
    let taken = json!({ "Image": "busybox" });
    let image = object(house, "/images/busybox/json")["Id"].clone();
    let image = image.as_str().unwrap();
    for (method, target, body) in [
        ("POST", "/containers/create?name=hers", Some(&taken)),
        ("POST", "/containers/create?name=%2Fhers", Some(&taken)),
        ("POST", "/containers/his/rename?name=hers", None),
        ("DELETE", "/images/busybox", None),
        ("DELETE", &format!("/images/{image}?force=1"), None),
    ] {
        let (status, said) = house.api(BOB, method, target, body);
        assert_eq!(status, 409, "{method} {target}: {said}");
        assert!(!said.contains(&id[..12]), "{method} {target}: {said}");
    }
    let (_, said) = house.api(BOB, "POST", "/containers/create?name=hers", Some(&taken));
    assert!(said.contains("(another's)"), "{said}");
    // Who sees it is told which one it is.
    let (_, said) = house.api(ALICE, "POST", "/containers/create?name=hers", Some(&taken));
    assert!(said.contains(id), "{said}");
    // What is one's own, and others use: root may do that.
    house.docker(BOB, "volume create hisvolume").ok();
    let roots = house.root("create --name roots --network none -v hisvolume:/x busybox");
    let (status, said) = house.api(BOB, "DELETE", "/volumes/hisvolume", None);
    assert_eq!(status, 409, "{said}");
    assert!(
        said.contains("in use") && !said.contains(&roots[..12]),
        "{said}"
    );
    house.root("rm roots");
    house.docker(BOB, "volume rm hisvolume").ok();
}

/// An answer by a filter is the same for what is somebody else's and for what never was.
fn filters_say_nothing_of_others(house: &House, id: &str) {
    for (list, key, hers) in [
        ("/containers/json?all=1&", "volume", "hervolume"),
        ("/containers/json?all=1&", "volume", "/data"),
        ("/containers/json?all=1&", "network", "hernet"),
        ("/containers/json?all=1&", "name", "hers"),
        ("/containers/json?all=1&", "id", &id[..12]),
        ("/containers/json?all=1&", "status", "running"),
        (
            "/containers/json?all=1&",
            "label",
            "lockgate.owner=uid=2001",
        ),
        ("/containers/json?limit=1&", "name", "hers"),
        ("/volumes?", "name", "hervolume"),
        ("/volumes?", "label", "lockgate.owner=uid=2001"),
        ("/volumes?", "dangling", "false"),
        ("/networks?", "name", "hernet"),
        ("/networks?", "label", "lockgate.owner=uid=2001"),
        ("/events?since=0&until=1999999999&", "container", "hers"),
        ("/events?since=0&until=1999999999&", "volume", "hervolume"),
        ("/events?since=0&until=1999999999&", "network", "hernet"),
    ] {
        let asked = |name: &str| {
            let filters = json!({ key: [name] }).to_string();
            let filters = filters
                .bytes()
                .fold(String::new(), |text, byte| text + &format!("%{byte:02x}"));
            let until = crate::tenants::now().to_string();
            let target = format!("{list}filters={filters}").replace("1999999999", &until);
            house.api(BOB, "GET", &target, None)
        };
        let never = match key {
            "dangling" => "true",
            "status" => "paused",
            _ => "never",
        };
        assert_eq!(asked(hers), asked(never), "{list} {key}={hers}");
    }
}

fn a_tenant_learns_nothing_of_others(house: &House) {
    let id = furnish(house);
    numbers_count_own_containers_alone(house);
    refusals_name_nobody_elses_container(house, &id);
    filters_say_nothing_of_others(house, &id);
    house.docker(ALICE, "rm -f hers herstopped").ok();
}

// T: indirect-object, response-side
#[test]
fn numbers_errors_and_filters_say_nothing_of_others() {
    let house = House::open();
    a_tenant_learns_nothing_of_others(&house);
    // A network of one's own, with somebody else's container on it.
    house.docker(BOB, "network create hisnet").ok();
    house.root("run -d --name roots --network hisnet busybox sleep 600");
    let refused = house.docker(BOB, "network rm hisnet");
    assert_ne!(refused.code(), 0, "{refused}");
    assert!(
        refused.stderr.contains("active endpoints") && !refused.stderr.contains("roots"),
        "{refused}"
    );
}

// T: indirect-object, response-side
#[test]
fn numbers_errors_and_filters_say_nothing_of_others_before_a_stock_daemon() {
    a_tenant_learns_nothing_of_others(&House::guarding());
}
