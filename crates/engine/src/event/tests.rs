use super::*;

fn publish(events: &Events, action: &str, name: &str) {
    let attributes = BTreeMap::from([
        ("name".to_owned(), name.to_owned()),
        ("image".to_owned(), "busybox:1".to_owned()),
        ("a".to_owned(), "b".to_owned()),
    ]);
    events.publish(EventKind::Container, action, "0123abcd", attributes);
}

async fn actions(events: &Events, pairs: &[(&str, &str)]) -> Vec<String> {
    let query = EventQuery {
        since: Some(Timestamp::ZERO),
        until: Some(Timestamp::now()),
        filters: pairs.iter().copied().collect(),
    };
    let mut stream = events.subscribe(query).unwrap();
    let mut found = Vec::new();
    while let Some(event) = stream.next().await {
        found.push(event.action);
    }
    found
}

#[tokio::test]
async fn filters_are_alternatives_within_a_key_and_conditions_across() {
    let events = Events::new();
    for action in ["create", "start", "exec_create: sh -c x", "die"] {
        publish(&events, action, "web");
    }
    for (filters, expected) in [
        (vec![], 4),
        (vec![("event", "start")], 1),
        (vec![("event", "start"), ("event", "die")], 2),
        (vec![("event", "exec_create")], 1),
        (vec![("event", "exec")], 0),
        (vec![("type", "container"), ("event", "die")], 1),
        (vec![("type", "network")], 0),
        (vec![("container", "we")], 4),
        (vec![("container", "0123")], 4),
        (vec![("container", "other")], 0),
        (vec![("image", "busybox")], 4),
        (vec![("image", "busybox:1")], 4),
        (vec![("image", "busy")], 0),
        (vec![("label", "a=b")], 4),
        (vec![("label", "a"), ("label", "c")], 0),
    ] {
        assert_eq!(
            actions(&events, &filters).await.len(),
            expected,
            "{filters:?}"
        );
    }
}

#[tokio::test]
async fn live_events_follow_past_ones_without_a_gap() {
    let events = Events::new();
    publish(&events, "first", "x");
    let query = EventQuery {
        since: Some(Timestamp::ZERO),
        ..EventQuery::default()
    };
    let mut stream = events.subscribe(query).unwrap();
    publish(&events, "second", "x");
    assert_eq!(stream.next().await.unwrap().action, "first");
    assert_eq!(stream.next().await.unwrap().action, "second");
}

#[tokio::test]
async fn without_since_only_new_events_come() {
    let events = Events::new();
    publish(&events, "old", "x");
    let mut stream = events.subscribe(EventQuery::default()).unwrap();
    publish(&events, "new", "x");
    assert_eq!(stream.next().await.unwrap().action, "new");
}

#[tokio::test]
async fn the_ring_keeps_the_last_events() {
    let events = Events::new();
    for number in 0..RING + 10 {
        publish(&events, &number.to_string(), "x");
    }
    let kept = actions(&events, &[]).await;
    assert_eq!(kept.len(), RING);
    assert_eq!(kept[0], "10");
}
