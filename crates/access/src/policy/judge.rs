//! Whether one role lets one call through.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use lockgate_api::Operation;
use lockgate_types::OWNER_LABEL;

use super::host::Places;
use super::operation::{OF_ALL, UNSEEN, runs_unjudged, starts, target};
use super::pattern::matches;
use super::question::Question;
use super::role::Role;
use super::scope::Scope;
use crate::facts::{Kind, Object, Power, Reference, Wish};
use crate::meant::Meant;
use crate::observer::Entered;

/// Why not.
#[derive(Debug)]
pub(super) enum Objection {
    Power(Wish),
    Condition(String),
    Hidden(Kind, String),
}

/// A question with the objects that it is about, looked up when somebody needs them.
pub(super) struct Known<'a> {
    pub(super) question: Question<'a>,
    owner: &'a str,
    looked_up: OnceCell<Vec<(Reference, Object)>>,
    pub(super) places: Places,
}

impl<'a> Known<'a> {
    pub(super) fn new(question: Question<'a>, owner: &'a str) -> Self {
        Self {
            question,
            owner,
            looked_up: OnceCell::new(),
            places: Places::default(),
        }
    }

    /// The objects that exist: the one of the path first.
    fn objects(&self) -> &[(Reference, Object)] {
        self.looked_up.get_or_init(|| {
            let question = self.question;
            let target = target(question.operation, question.target);
            let all = target
                .into_iter()
                .chain(question.facts.uses.iter().cloned());
            all.filter_map(|reference| {
                let found = question.objects.find(reference.kind, &reference.name)?;
                Some((reference, found))
            })
            .collect()
        })
    }

    /// The power that the call asks for and that it comes to by what it enters.
    pub(super) fn wishes(&self) -> impl Iterator<Item = &Wish> {
        let entered = self.objects().iter().filter(|(used, _)| used.enters);
        let borrowed = entered.flat_map(|(_, object)| object.wishes.iter());
        self.question.facts.wishes.iter().chain(borrowed)
    }

    /// Paths of the host that are mounted anew for whoever made the container: they may lead elsewhere
    /// than they did when it was made.
    pub(super) fn started(&self) -> impl Iterator<Item = &Wish> {
        let question = self.question;
        let own = Scope::of(self.owner, &[]);
        let objects = self.objects().iter().filter(move |(_, object)| {
            starts(question.operation) && own.sees(Some(&object.labels))
        });
        let wishes = objects.flat_map(|(_, object)| object.wishes.iter());
        wishes.filter(|wish| wish.power == Power::HostPath)
    }

    /// What a commit makes an image of: the container stands for the image that it was made from.
    fn committed(&self) -> Vec<String> {
        if self.question.operation != Operation::ImageCommit {
            return Vec::new();
        }
        let images = self.objects().iter();
        images.map(|(_, object)| object.image.clone()).collect()
    }

    /// Everything that was looked up and is there. What is everybody's keeps its name.
    pub(super) fn meant(&self) -> Meant {
        let Some(objects) = self.looked_up.get() else {
            return Meant::default();
        };
        let each = objects.iter().map(|(used, object)| {
            let id = if object.is_common {
                &used.name
            } else {
                &object.id
            };
            (used.kind, used.name.clone(), id.clone())
        });
        Meant::these(each.collect())
    }

    /// The id of the object of the path, if that was looked up and is there.
    pub(super) fn found_target(&self) -> Option<String> {
        let name = self.question.target?;
        let (reference, object) = self.looked_up.get()?.first()?;
        let is_target = target(self.question.operation, Some(name)).as_ref() == Some(reference);
        is_target.then(|| object.id.clone())
    }
}

/// What a call comes to by its objects, whatever any role says.
pub(crate) fn entered(question: Question<'_>) -> Entered {
    let owner = question.principal.owner();
    let known = Known::new(question, &owner);
    let scope = Scope::of(&owner, &[]);
    let mut owned = known
        .objects()
        .iter()
        .filter(|(_, object)| !object.is_common)
        .map(|(_, object)| scope.sees(Some(&object.labels)))
        .peekable();
    Entered {
        own: owned.peek().is_some().then(|| owned.all(|own| own)),
        wishes: known.wishes().cloned().collect(),
    }
}

impl Role {
    /// Looks at everything but the operation itself, which the role allows.
    pub(super) fn object(
        &self,
        known: &Known<'_>,
        controlled: &BTreeSet<String>,
    ) -> Result<(), Objection> {
        if self.is_total() {
            return Ok(());
        }
        let lacks = |wish: &&Wish| {
            !self.allow.powers.contains(&wish.power) && !self.host.gives(wish, &known.places)
        };
        let led_elsewhere = known.started().filter(|_| self.host.has_paths());
        if let Some(wish) = known.wishes().chain(led_elsewhere).find(lacks) {
            return Err(Objection::Power(wish.clone()));
        }
        let operation = known.question.operation;
        if self.is_limited() && (UNSEEN.contains(&operation) || runs_unjudged(operation)) {
            return Err(Objection::Condition(
                "what comes of it is not read, and cannot be held against the role's conditions: it needs a role \
                 without `only`"
                    .to_owned(),
            ));
        }
        let details = &known.question.facts.details;
        let broken = self.only.broken_by(details);
        if let Some(reason) = broken.or_else(|| self.only.image(&known.committed())) {
            return Err(Objection::Condition(reason));
        }
        self.labels(&details.labels, controlled)?;
        self.volumes(known)?;
        self.ownership(known)?;
        executes_own(known)
    }

    /// Labels that say whose an object is are set by whose role has them.
    fn labels(
        &self,
        labels: &[(String, String)],
        controlled: &BTreeSet<String>,
    ) -> Result<(), Objection> {
        // Daemons that write labels as `KEY=VALUE` read a key with `=` as a shorter one.
        let key = |label: &(String, String)| label.0.split('=').next().map(str::to_owned);
        let forged = labels.iter().find(|label| {
            key(label).is_some_and(|key| {
                key == OWNER_LABEL
                    || (controlled.contains(&key) && !self.own_labels.contains(label))
            })
        });
        match forged {
            Some((key, value)) => Err(Objection::Condition(format!(
                "the label {key}={value} says whose an object is, and is not this role's to set"
            ))),
            None => Ok(()),
        }
    }

    fn volumes(&self, known: &Known<'_>) -> Result<(), Objection> {
        let Some(allowed) = &self.only.volumes else {
            return Ok(());
        };
        if known.question.facts.details.borrows_volumes && !allowed.iter().any(|own| own == "*") {
            return Err(Objection::Condition(
                "the volumes of another container go by no name that the role's `volumes` could allow"
                    .to_owned(),
            ));
        }
        let uses = &known.question.facts.uses;
        let stranger = uses.iter().find(|used| {
            let fits = |pattern: &String| matches(pattern, &used.name);
            used.kind == Kind::Volume && !allowed.iter().any(fits)
        });
        match stranger {
            Some(used) => Err(Objection::Condition(format!(
                "the volume {:?} is not one of the role's `volumes`",
                used.name
            ))),
            None => Ok(()),
        }
    }

    fn ownership(&self, known: &Known<'_>) -> Result<(), Objection> {
        if !self.own {
            return Ok(());
        }
        let scope = Scope::of(known.owner, &self.own_labels);
        if OF_ALL.contains(&known.question.operation) {
            return Err(Objection::Condition(
                "that is about everybody's objects: it needs a role without `own`".to_owned(),
            ));
        }
        let stranger = known
            .objects()
            .iter()
            .find(|(_, object)| !object.is_common && !scope.sees(Some(&object.labels)));
        match stranger {
            Some((used, _)) => Err(Objection::Hidden(used.kind, used.name.clone())),
            None => Ok(()),
        }
    }
}

/// What one identity prepared another does not start: the two may have different rights.
fn executes_own(known: &Known<'_>) -> Result<(), Objection> {
    let stranger = known.objects().iter().find(|(used, object)| {
        let creator = object.creator.as_deref();
        used.kind == Kind::Exec && creator.is_some_and(|creator| creator != known.owner)
    });
    match stranger {
        Some((used, _)) => Err(Objection::Hidden(used.kind, used.name.clone())),
        None => Ok(()),
    }
}
