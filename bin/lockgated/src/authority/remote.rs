//! An authority elsewhere: asked for what is revoked and trusted, and for our own certificate.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use lockgate_enroll::{Credentials, TrustPoll, Trusting};
use lockgate_pki::{PrivateKey, certificates};

use super::{Follower, files, tell};

/// Asks again as soon as there is an answer: the authority answers when something changed.
pub(super) async fn follow(follower: Arc<Follower>) {
    let mut tag = String::new();
    let mut told = String::new();
    let mut renewal = None;
    loop {
        let outcome = follower.round(&mut tag, &mut renewal).await;
        let pause = if tell(outcome, &mut told) {
            Duration::from_secs(follower.config.poll.into())
        } else {
            BREATH
        };
        tokio::time::sleep(pause).await;
    }
}

impl Follower {
    async fn round(&self, tag: &mut String, renewal: &mut Option<SystemTime>) -> Result<()> {
        let server = self.config.server.as_deref().unwrap_or_default();
        let trusting = Trusting::Roots(certificates(&self.files.ca)?);
        let ours = self.credentials()?;
        // Before the question: one that waits may be the last that our certificate opens.
        if let Some(info) = self.due(renewal)? {
            let key = PrivateKey::generate(info.key_type())?;
            let granted = lockgate_enroll::renew(server, &trusting, &ours, &key).await?;
            files::renewed(&self.files, &granted, &key, &info)?;
            return self.renewed(renewal);
        }
        let poll = TrustPoll {
            tag: tag.as_str(),
            wait: self.config.poll,
        };
        let news = lockgate_enroll::poll_trust(server, &trusting, Some(&ours), poll).await?;
        if let Some(trust) = news {
            files::take(&self.files, &trust.ca, &trust.crl)?;
            *tag = trust.tag;
            // The watcher would see it too, a little later.
            let gate = self.gate.clone();
            tokio::task::spawn_blocking(move || gate.reload_tls()).await??;
        }
        let seen = self.seen();
        if !seen.is_empty() {
            lockgate_enroll::report_seen(server, &trusting, &ours, &seen).await?;
        }
        Ok(())
    }

    fn credentials(&self) -> Result<Credentials> {
        Ok(Credentials {
            chain: certificates(&self.files.certificate)?,
            key: PrivateKey::read(&self.files.key, None)?.to_der(),
        })
    }
}

/// Between two questions that were answered.
const BREATH: Duration = Duration::from_millis(100);
