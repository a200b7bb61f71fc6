//! What can be asked of an authority.

use std::path::{Path, PathBuf};

use super::{AuthorityError, CA_DAYS_MAX, CERTIFICATE, ISSUER, IssueError, KEY, LEAF_DAYS_MAX};
use crate::certificate::CertificateInfo;
use crate::constraint::Constraints;
use crate::identifier::RoleName;
use crate::key::KeyType;
use crate::name::{AuthorityName, ClientName, NameError, SubjectName};

/// What a new authority is to be.
#[derive(Clone, Debug)]
pub struct NewAuthority {
    /// Its name, which becomes the common name.
    pub name: AuthorityName,
    /// How long it lives: 1 to [`CA_DAYS_MAX`] days.
    pub days: u32,
    /// The kind of its key.
    pub key_type: KeyType,
    /// The names that it may certify at all.
    pub constraints: Constraints,
}

impl NewAuthority {
    /// Whether it can be made; `Authority::create` asks the same.
    pub fn check(&self) -> Result<(), AuthorityError> {
        match self.days {
            1..=CA_DAYS_MAX => Ok(()),
            days => Err(AuthorityError::Days {
                days,
                limit: CA_DAYS_MAX,
            }),
        }
    }
}

/// Where an authority lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorityFiles {
    /// Its certificate, in PEM; further certificates of its chain may follow.
    pub certificate: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
    /// Its certificate, if `certificate` is the root above it.
    pub issuer: Option<PathBuf>,
}

impl AuthorityFiles {
    /// The files of an authority that `Authority::save` wrote.
    pub fn in_directory(directory: &Path) -> Self {
        Self {
            certificate: directory.join(CERTIFICATE),
            key: directory.join(KEY),
            issuer: Some(directory.join(ISSUER)).filter(|file| file.exists()),
        }
    }
}

/// How long a certificate is to be valid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Validity {
    /// Exactly that many days; refused if the authority ends before.
    Days(u32),
    /// [`LEAF_DAYS_MAX`] days, or until the authority ends.
    #[default]
    Longest,
}

impl Validity {
    /// Whether any authority could grant it.
    pub fn check(self) -> Result<(), IssueError> {
        match self {
            Self::Days(1..=LEAF_DAYS_MAX) | Self::Longest => Ok(()),
            Self::Days(days) => Err(IssueError::Days {
                days,
                limit: LEAF_DAYS_MAX,
            }),
        }
    }
}

/// What a server's certificate is to say.
#[derive(Clone, Debug)]
pub struct ServerRequest {
    /// The names it is reached by, the first of which becomes the common name.
    pub names: Vec<SubjectName>,
    /// How long it is valid.
    pub validity: Validity,
    /// The kind of its key.
    pub key_type: KeyType,
}

/// What a client's certificate is to say.
#[derive(Clone, Debug)]
pub struct ClientRequest {
    /// Who it is.
    pub name: ClientName,
    /// Its organisation, for policies that speak of one.
    pub organization: Option<AuthorityName>,
    /// Its organisational unit, for policies that speak of one.
    pub unit: Option<AuthorityName>,
    /// The role that it has on every daemon that believes its authority.
    pub role: Option<RoleName>,
    /// How long it is valid.
    pub validity: Validity,
    /// The kind of its key.
    pub key_type: KeyType,
}

impl ClientRequest {
    /// A client of that name, as long as possible and with the usual key.
    pub fn new(name: ClientName) -> Self {
        let (validity, key_type) = (Validity::default(), KeyType::default());
        Self {
            name,
            organization: None,
            unit: None,
            role: None,
            validity,
            key_type,
        }
    }
}

/// The names that were approved for a certificate, and what it is good for.
#[derive(Clone, Debug)]
pub enum Profile {
    /// A client.
    Client {
        /// Who it is.
        name: ClientName,
        /// Its organisation.
        organization: Option<AuthorityName>,
        /// Its organisational unit.
        unit: Option<AuthorityName>,
        /// Its role.
        role: Option<RoleName>,
    },
    /// A server.
    Server {
        /// The names it is reached by.
        names: Vec<SubjectName>,
    },
}

impl Profile {
    /// The same names again, read from a certificate that was proved: what a renewal gives.
    pub fn again(info: &CertificateInfo) -> Result<Self, NameError> {
        if info.is_for_servers() {
            let dns = info.dns_names.iter().map(|name| name.parse());
            let addresses = info.ip_addresses.iter().map(|ip| Ok(SubjectName::Ip(*ip)));
            let names = dns.chain(addresses).collect::<Result<_, _>>()?;
            return Ok(Self::Server { names });
        }
        let first = |names: &[String]| names.first().map(|name| name.parse()).transpose();
        Ok(Self::Client {
            name: info.common_name.as_deref().unwrap_or_default().parse()?,
            organization: first(&info.organizations)?,
            unit: first(&info.organizational_units)?,
            role: info.role(),
        })
    }
}
