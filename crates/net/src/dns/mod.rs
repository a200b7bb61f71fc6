//! The name server that containers on a network of one's own have at 127.0.0.11: what it answers
//! itself, and its sockets.

mod inside;

use std::net::{IpAddr, Ipv4Addr};

use hickory_proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::{Name, RData, Record, RecordType};

pub use inside::{Sockets, forwarding_socket, forwarding_stream, open};

/// Where containers find their name server.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 11);

/// What one container may know of the others.
pub trait Names {
    /// The addresses of a name in lower case, without a final dot; `None` for a name that is not
    /// of a container.
    fn addresses(&self, name: &str) -> Option<Vec<Ipv4Addr>>;
    /// The name of the container with this address.
    fn name_of(&self, address: Ipv4Addr) -> Option<String>;
}

/// What becomes of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// This is the answer.
    Answer(Vec<u8>),
    /// Others have to be asked.
    Forward,
}

/// Judges one query; `None` if it is none, which is not worth an answer.
pub fn judge(query: &[u8], names: &dyn Names) -> Option<Verdict> {
    let query = parse(query)?;
    let [question] = query.queries.as_slice() else {
        return encode(&refusal(&query, ResponseCode::FormErr));
    };
    let name = question.name();
    let kind = question.query_type();
    let text = name.to_ascii().trim_end_matches('.').to_ascii_lowercase();
    if kind == RecordType::PTR {
        let Some(found) = reverse(&text).and_then(|address| names.name_of(address)) else {
            return Some(Verdict::Forward);
        };
        let target = Name::from_ascii(format!("{found}.")).ok()?;
        let data = RData::PTR(hickory_proto::rr::rdata::PTR(target));
        return encode(&reply(&query, [data]));
    }
    let Some(found) = names.addresses(&text) else {
        return Some(Verdict::Forward);
    };
    // A name of a container has addresses of IPv4 and nothing else, which is no reason to ask others.
    let addresses = found
        .into_iter()
        .filter(|_| matches!(kind, RecordType::A | RecordType::ANY))
        .map(|address| RData::A(address.into()));
    encode(&reply(&query, addresses))
}

/// The answer when nobody can be asked.
pub fn failure(query: &[u8]) -> Option<Vec<u8>> {
    match encode(&refusal(&parse(query)?, ResponseCode::ServFail))? {
        Verdict::Answer(bytes) => Some(bytes),
        Verdict::Forward => None,
    }
}

/// The same answer without its records, for who should ask again over TCP.
pub fn truncated(answer: &[u8]) -> Option<Vec<u8>> {
    Message::from_vec(answer).ok()?.truncate().to_vec().ok()
}

fn parse(query: &[u8]) -> Option<Message> {
    let message = Message::from_vec(query).ok()?;
    let is_query = message.metadata.message_type == MessageType::Query
        && message.metadata.op_code == OpCode::Query;
    is_query.then_some(message)
}

fn reply(query: &Message, data: impl IntoIterator<Item = RData>) -> Message {
    let mut reply = refusal(query, ResponseCode::NoError);
    if let Some(question) = query.queries.first() {
        for data in data {
            let record = Record::from_rdata(question.name().clone(), TTL, data);
            reply.add_answer(record);
        }
    }
    reply
}

fn refusal(query: &Message, code: ResponseCode) -> Message {
    let mut reply = Message::error_msg(query.metadata.id, OpCode::Query, code);
    reply.metadata.recursion_desired = query.metadata.recursion_desired;
    reply.metadata.recursion_available = true;
    reply.add_queries(query.queries.iter().cloned());
    reply
}

fn encode(message: &Message) -> Option<Verdict> {
    message.to_vec().ok().map(Verdict::Answer)
}

/// `2.0.18.172.in-addr.arpa` is 172.18.0.2.
fn reverse(name: &str) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    let mut labels = name.strip_suffix(".in-addr.arpa")?.split('.');
    for octet in octets.iter_mut().rev() {
        *octet = labels.next()?.parse().ok()?;
    }
    labels.next().is_none().then(|| octets.into())
}

/// Whether a name server is one of the host's own, which only the host itself can reach.
pub fn is_of_host(server: IpAddr) -> bool {
    server.is_loopback()
}

/// Seconds that an answer may be kept; containers come and go, so dockerd's figure is as good as any.
const TTL: u32 = 600;

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::op::Query;
    use proptest::prelude::*;

    struct Two;

    impl Names for Two {
        fn addresses(&self, name: &str) -> Option<Vec<Ipv4Addr>> {
            (name == "web").then(|| vec![[10, 0, 0, 2].into(), [10, 0, 0, 3].into()])
        }

        fn name_of(&self, address: Ipv4Addr) -> Option<String> {
            (address == Ipv4Addr::new(10, 0, 0, 2)).then(|| "web.net".to_owned())
        }
    }

    fn ask(name: &str, kind: RecordType) -> Option<Message> {
        let mut query = Message::new(7, MessageType::Query, OpCode::Query);
        query.metadata.recursion_desired = true;
        query.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
        match judge(&query.to_vec().unwrap(), &Two).unwrap() {
            Verdict::Answer(bytes) => Some(Message::from_vec(&bytes).unwrap()),
            Verdict::Forward => None,
        }
    }

    #[test]
    fn containers_are_found_by_name_whatever_its_case() {
        let answer = ask("WEB.", RecordType::A).unwrap();
        assert_eq!((answer.metadata.id, answer.answers.len()), (7, 2));
        assert_eq!(answer.answers[0].data.to_string(), "10.0.0.2");
    }

    #[test]
    fn a_known_name_without_such_a_record_is_answered_empty() {
        let answer = ask("web.", RecordType::AAAA).unwrap();
        assert_eq!(answer.metadata.response_code, ResponseCode::NoError);
        assert!(answer.answers.is_empty());
    }

    #[test]
    fn addresses_have_names_and_others_are_asked_for_the_rest() {
        let answer = ask("2.0.0.10.in-addr.arpa.", RecordType::PTR).unwrap();
        assert_eq!(answer.answers[0].data.to_string(), "web.net.");
        for (name, kind) in [
            ("example.org.", RecordType::A),
            ("4.0.0.10.in-addr.arpa.", RecordType::PTR),
            ("x.0.0.10.in-addr.arpa.", RecordType::PTR),
        ] {
            assert!(ask(name, kind).is_none(), "{name}");
        }
    }

    #[test]
    fn who_can_ask_nobody_says_so() {
        let mut query = Message::new(9, MessageType::Query, OpCode::Query);
        query.add_query(Query::query(Name::from_ascii("a.").unwrap(), RecordType::A));
        let bytes = failure(&query.to_vec().unwrap()).unwrap();
        let answer = Message::from_vec(&bytes).unwrap();
        assert_eq!(answer.metadata.response_code, ResponseCode::ServFail);
        let answer_is_no_query = failure(&bytes);
        assert_eq!(answer_is_no_query, None);
    }

    proptest! {
        #[test]
        fn no_bytes_bring_it_down(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            judge(&bytes, &Two);
            failure(&bytes);
        }
    }
}
