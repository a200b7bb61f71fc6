//! The text of `policy.toml`; docs/reference/policy.md says what each key means.

mod role;
mod who;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::binding::{Binding, Bindings};
use super::carried::Believed;
use super::role::{REPLACEABLE, Role, built_in};
use super::{File, PolicyError};
use crate::Principal;
use role::RoleText;
pub(crate) use role::bytes;
use who::WhoText;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    #[serde(default)]
    roles: BTreeMap<String, Spanned<RoleText>>,
    #[serde(default)]
    bindings: Vec<Spanned<WhoText>>,
    #[serde(default)]
    tests: Vec<Spanned<CaseText>>,
    /// Which roles of certificates count; all if it is not there.
    certificate_roles: Option<Vec<Spanned<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseText {
    who: WhoText,
    does: String,
    expect: Expectation,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Expectation {
    Allow,
    Deny,
}

/// A case that a policy file has for itself: `lockgate policy test` tries it.
#[derive(Clone, Debug)]
pub struct PolicyCase {
    /// Where it stands.
    pub line: usize,
    /// Who asks.
    pub who: Principal,
    /// A command line.
    pub does: String,
    /// Whether it must be allowed.
    pub allowed: bool,
}

/// The text, for saying where in it something is.
#[derive(Clone, Copy)]
struct Source<'a>(&'a str);

impl Source<'_> {
    fn place(self, span: &Range<usize>) -> (usize, usize) {
        let before = self.0.get(..span.start).unwrap_or(self.0);
        let line = before.matches('\n').count() + 1;
        let column = before.len() - before.rfind('\n').map_or(0, |end| end + 1) + 1;
        (line, column)
    }

    fn at(self, span: &Range<usize>, cause: PolicyError) -> PolicyError {
        let (line, column) = self.place(span);
        PolicyError::At {
            line,
            column,
            cause: Box::new(cause),
        }
    }
}

pub(super) fn parse(text: &str) -> Result<File, PolicyError> {
    let source = Source(text);
    let file: FileText =
        toml::from_str(text).map_err(|error| PolicyError::Syntax(Box::new(error)))?;
    let roles = roles(source, file.roles)?;
    let bindings = file
        .bindings
        .into_iter()
        .enumerate()
        .map(|(index, text)| binding(source, index + 1, text, &roles))
        .collect::<Result<_, _>>()?;
    let cases = file
        .tests
        .into_iter()
        .map(|text| case(source, text))
        .collect::<Result<_, _>>()?;
    let believed = file
        .certificate_roles
        .map(|names| believed(source, names, &roles))
        .transpose()?
        .unwrap_or_default();
    let labels = roles.iter().flat_map(|role| &role.own_labels);
    let controlled: BTreeSet<String> = labels
        .map(|(key, _)| key.clone())
        .chain([lockgate_types::OWNER_LABEL.to_owned()])
        .collect();
    Ok(File {
        controlled,
        roles,
        believed,
        bindings: Bindings::new(bindings),
        cases,
    })
}

fn roles(
    source: Source<'_>,
    texts: BTreeMap<String, Spanned<RoleText>>,
) -> Result<Vec<Role>, PolicyError> {
    let mut roles = built_in();
    for (name, text) in texts {
        let span = text.span();
        let is_fixed = |role: &Role| role.name == name && !REPLACEABLE.contains(&name.as_str());
        if roles.iter().any(is_fixed) {
            return Err(source.at(&span, PolicyError::BuiltInRole { role: name }));
        }
        roles.retain(|role| role.name != name);
        roles.push(role::read(source, name, text)?);
    }
    Ok(roles)
}

fn believed(
    source: Source<'_>,
    names: Vec<Spanned<String>>,
    roles: &[Role],
) -> Result<Believed, PolicyError> {
    let known = |name: Spanned<String>| {
        if roles.iter().any(|role| role.name == *name.get_ref()) {
            return Ok(name.into_inner());
        }
        let span = name.span();
        let role = name.into_inner();
        Err(source.at(&span, PolicyError::UnknownCarried { role }))
    };
    let names: Result<_, _> = names.into_iter().map(known).collect();
    names.map(Believed::Only)
}

fn binding(
    source: Source<'_>,
    number: usize,
    text: Spanned<WhoText>,
    roles: &[Role],
) -> Result<Binding, PolicyError> {
    let span = text.span();
    let mut text = text.into_inner();
    let names = std::mem::take(&mut text.roles);
    let conditions = text
        .conditions(number)
        .map_err(|cause| source.at(&span, cause))?;
    if conditions.is_empty() || names.is_empty() {
        return Err(source.at(&span, PolicyError::EmptyBinding { binding: number }));
    }
    let index = |name: &Spanned<String>| {
        let found = roles.iter().position(|role| role.name == *name.get_ref());
        found.ok_or_else(|| {
            let role = name.get_ref().clone();
            let cause = PolicyError::UnknownRole {
                binding: number,
                role,
            };
            source.at(&name.span(), cause)
        })
    };
    Ok(Binding {
        conditions,
        roles: names.iter().map(index).collect::<Result<_, _>>()?,
    })
}

fn case(source: Source<'_>, text: Spanned<CaseText>) -> Result<PolicyCase, PolicyError> {
    let span = text.span();
    let text = text.into_inner();
    let who = text
        .who
        .principal(0)
        .map_err(|cause| source.at(&span, cause))?;
    Ok(PolicyCase {
        line: source.place(&span).0,
        who,
        does: text.does,
        allowed: matches!(text.expect, Expectation::Allow),
    })
}
