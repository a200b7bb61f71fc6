//! The role that a certificate is to carry: a policy must know it, or it would open nothing.

use std::path::Path;

use lockgate_access::Policy;
use lockgate_pki::RoleName;

use super::ca::told;
use crate::failure::Failure;

/// Looks the role up in the policy file, or among the built-in ones where there is none.
pub(super) fn of_policy(role: &str, file: &Path) -> Result<RoleName, Failure> {
    let name: RoleName = role.parse().map_err(told)?;
    let policy = Policy::load(file).map_err(|error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        let text = format!("{}: {error}{}", file.display(), cause.unwrap_or_default());
        Failure::new(text).hint("try it with `lockgate policy check`")
    })?;
    let roles = policy.roles();
    let origin = if policy.is_absent() {
        "the built-in roles".to_owned()
    } else {
        file.display().to_string()
    };
    match roles.iter().find(|(known, _)| *known == role) {
        Some((_, true)) => Ok(name),
        Some((_, false)) => Err(Failure::new(format!(
            "{origin}: certificate_roles does not name `{role}`, so nobody would have it"
        ))),
        None => {
            let mut names: Vec<&str> = roles.iter().map(|(name, _)| *name).collect();
            names.sort_unstable();
            let text = format!(
                "there is no role `{role}` in {origin}, only {}",
                names.join(", ")
            );
            Err(Failure::new(text).hint("name the policy of the daemons with --policy FILE"))
        }
    }
}
