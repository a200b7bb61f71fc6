//! An authority in a temporary directory, served on loopback.

use std::time::{Duration, Instant};

use lockgate_enroll::{Credentials, Granted, LinkError, Service, ServiceConfig, Token, Trusting};
use lockgate_pki::{
    Authorities, Authority, AuthorityDirectory, CertificateInfo, Clock, Constraints, Invited,
    KeyType, NewAuthority, Overwrite, PrivateKey, Protection,
};
use lockgate_types::Timestamp;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tempfile::TempDir;

pub(crate) struct Lab {
    pub(crate) directory: AuthorityDirectory,
    pub(crate) address: String,
    _dir: TempDir,
}

/// A certificate that was fetched, and its key.
pub(crate) struct Member {
    pub(crate) granted: Granted,
    pub(crate) key: PrivateKey,
}

pub(crate) fn root(name: &str) -> NewAuthority {
    NewAuthority {
        name: name.parse().unwrap(),
        days: 400,
        key_type: KeyType::EcdsaP256,
        constraints: Constraints::default(),
    }
}

impl Lab {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ca");
        let mut authority = Authority::create(&root("Lab CA"), Clock::System).unwrap();
        authority
            .save(&path, &Protection::Plain, Overwrite::Refuse)
            .unwrap();
        Self::serve(dir, AuthorityDirectory::new(&path)).await
    }

    /// An authority below a root that lies in a directory of its own, and the root.
    pub(crate) async fn below() -> (Self, AuthorityDirectory, Authority) {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("root");
        let (plain, refuse) = (Protection::Plain, Overwrite::Refuse);
        let mut above = Authority::create_root(&root("Lab"), Clock::System).unwrap();
        above.save(&place, &plain, refuse).unwrap();
        let (place, directory) = (
            AuthorityDirectory::new(place),
            AuthorityDirectory::new(dir.path().join("ca")),
        );
        directory
            .found_below(&place, &above, &root("Lab Issuing 1"), &plain, refuse)
            .unwrap();
        (Self::serve(dir, directory).await, place, above)
    }

    async fn serve(dir: TempDir, directory: AuthorityDirectory) -> Self {
        let service = Service::bind(ServiceConfig {
            directory: directory.clone(),
            passphrase: None,
            // Reached as 127.0.0.2 too, which its certificate does not name.
            listen: ([0, 0, 0, 0], 0).into(),
            names: vec!["127.0.0.1".parse().unwrap(), "localhost".parse().unwrap()],
            advertise: "127.0.0.1:0".to_owned(),
            grace: Duration::from_hours(1),
            crl_days: 7,
        })
        .await
        .unwrap();
        let address = format!("127.0.0.1:{}", service.address().unwrap().port());
        tokio::spawn(service.serve(std::future::pending()));
        Self {
            directory,
            address,
            _dir: dir,
        }
    }

    pub(crate) fn opened(&self) -> Authorities {
        self.directory.open(None, Clock::System).unwrap()
    }

    pub(crate) fn client(name: &str) -> Invited {
        Invited::Client {
            name: name.to_owned(),
            organization: None,
            unit: None,
            role: None,
            hosts: vec!["tcp://daemon:2376".to_owned()],
        }
    }

    pub(crate) fn invite(&self, invited: Invited) -> Token {
        self.invite_at(invited, Timestamp::now())
    }

    pub(crate) fn invite_at(&self, invited: Invited, now: Timestamp) -> Token {
        let root = self.directory.service_root(now).unwrap();
        let set = match &invited {
            Invited::Client { name, .. } => format!("client-{name}"),
            Invited::Server { .. } => "server".to_owned(),
        };
        let (invite, secret) = self.directory.invite(invited, 60, now).unwrap();
        let pin: Vec<u8> = (0..32)
            .map(|at| u8::from_str_radix(&root.spki_sha256[at * 2..at * 2 + 2], 16).unwrap())
            .collect();
        Token {
            address: self.address.clone(),
            pin: pin.try_into().unwrap(),
            set,
            id: invite.id,
            secret,
            expires: invite.expires.unix_seconds(),
        }
    }

    pub(crate) async fn member(&self, invited: Invited) -> Member {
        let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
        let granted = lockgate_enroll::join(&self.invite(invited), &key)
            .await
            .unwrap();
        Member { granted, key }
    }

    pub(crate) fn journal(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("journal.jsonl")).unwrap_or_default()
    }

    pub(crate) async fn renew(&self, member: &Member) -> Result<Member, LinkError> {
        let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
        let granted = lockgate_enroll::renew(
            &self.address,
            &member.trusting(),
            &member.credentials(),
            &key,
        )
        .await?;
        Ok(Member { granted, key })
    }
}

impl Member {
    pub(crate) fn credentials(&self) -> Credentials {
        Credentials {
            chain: pem(&self.granted.certificate),
            key: self.key.to_der(),
        }
    }

    pub(crate) fn trusting(&self) -> Trusting {
        Trusting::Roots(pem(&self.granted.ca))
    }

    pub(crate) fn info(&self) -> CertificateInfo {
        CertificateInfo::from_der(&pem(&self.granted.certificate)[0]).unwrap()
    }
}

pub(crate) fn pem(text: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(text.as_bytes())
        .collect::<Result<_, _>>()
        .unwrap()
}

/// Waits for something that another task does.
pub(crate) async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "waited in vain: {what}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
