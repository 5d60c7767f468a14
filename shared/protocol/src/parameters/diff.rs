//! What is to be written so that a copy is like its source: the least that suffices, or why nothing may be.

use std::collections::BTreeSet;

use super::entry::{Entry, Kind, Labels, Tags, Tier};
use super::ground::Ground;
use super::{COPY_TAG, is_copy_of};
use crate::plan::Existing;
use crate::words::list;

/// Everything that was seen of a pair.
#[derive(Clone, Debug)]
pub struct PairFacts<'a> {
    /// The parameter in the region that serves.
    pub source: &'a Entry,
    /// Its tags.
    pub source_tags: &'a Tags,
    /// Its labels.
    pub source_labels: &'a Labels,
    /// The other side, if it is there.
    pub copy: Option<Copy<'a>>,
}

/// The other side of a pair.
#[derive(Clone, Debug)]
pub struct Copy<'a> {
    /// The parameter.
    pub entry: &'a Entry,
    /// Its tags.
    pub tags: &'a Tags,
    /// Its labels.
    pub labels: &'a Labels,
    /// Whether its value is that of the source.
    pub has_same_value: bool,
}

/// What became of a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PairVerdict {
    /// Nothing is to be done.
    Same,
    /// This is to be written.
    Write(Box<Writes>),
    /// Something differs that may not be written.
    Blocked {
        /// What differs.
        what: Vec<&'static str>,
        /// Why it may not, and what helps.
        sentence: String,
    },
}

/// The least that makes a copy like its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writes {
    /// What differs, in words: `value`, `tier`, `tags`.
    pub what: Vec<&'static str>,
    /// The parameter itself.
    pub put: Option<Put>,
    /// Tags to set, after the put. A parameter that is made gets its tags with the put.
    pub tags: Tags,
    /// Labels to give to the current version, after the put.
    pub labels: BTreeSet<String>,
    /// What is written and why.
    pub sentence: String,
}

/// A parameter as it is to be written, without its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// Full name.
    pub name: String,
    /// Type.
    pub kind: Kind,
    /// Data type.
    pub data_type: String,
    /// Tier.
    pub tier: Tier,
    /// The destination's key, for a secure string; none is AWS's own.
    pub key: Option<String>,
    /// Description.
    pub description: String,
    /// Pattern of its values; empty if there is none.
    pub allowed_pattern: String,
    /// Texts of its policies.
    pub policies: Vec<String>,
    /// The tags of a new parameter, the mark of a copy among them; `None` where one is written over.
    pub created_with: Option<Tags>,
    /// Whether policies must be taken away.
    pub clears_policies: bool,
}

/// What a listing shows of a pair that would have to be written.
pub fn differences(ground: &Ground<'_>, source: &Entry, copy: &Entry) -> Vec<&'static str> {
    let mut what = Vec::new();
    let mut note = |differs: bool, name| {
        if differs {
            what.push(name);
        }
    };
    note(source.kind != copy.kind, "type");
    note(source.data_type != copy.data_type, "data type");
    // There is no way back from the advanced tier, and the copy may need it for reasons of its own.
    note(source.tier == Tier::Advanced && copy.tier != Tier::Advanced, "tier");
    note(source.description != copy.description, "description");
    note(source.allowed_pattern != copy.allowed_pattern, "allowed pattern");
    note(source.policies != copy.policies, "policies");
    note(source.kind == Kind::SecureString && is_another_key(ground.key(), copy.key.as_deref()), "key");
    what
}

/// Whether two names of keys surely mean different keys. An alias and an id may be the same: that is no difference.
fn is_another_key(wanted: Option<&str>, found: Option<&str>) -> bool {
    let short = |key: &str| match key.rsplit_once(':') {
        Some((_, resource)) => resource.strip_prefix("key/").unwrap_or(resource).to_owned(),
        None => key.to_owned(),
    };
    let wanted = short(wanted.unwrap_or("alias/aws/ssm"));
    let Some(found) = found.map(short) else {
        return false;
    };
    wanted.starts_with("alias/") == found.starts_with("alias/") && wanted != found
}

/// Decides what becomes of a pair.
pub fn decide_pair(ground: &Ground<'_>, sides: &PairFacts<'_>) -> PairVerdict {
    if let Some(verdict) = image(ground, sides) {
        return verdict;
    }
    match &sides.copy {
        None => PairVerdict::Write(Box::new(creation(ground, sides))),
        Some(copy) => existing(ground, sides, copy),
    }
}

/// The data type of a parameter that names an image. Parameter Store takes a value that is no image of its region with a
/// good answer, and drops it a little later; it does not change the data type of a parameter to this one or from it.
pub(super) const IMAGE: &str = "aws:ec2:image";

/// Why a parameter that names an image is not copied: it never is, whatever stands on the other side.
fn image(ground: &Ground<'_>, sides: &PairFacts<'_>) -> Option<PairVerdict> {
    let (to, name) = (&ground.direction.to, &sides.source.name);
    let is_image = |entry: &Entry| entry.data_type == IMAGE;
    let copy = sides.copy.as_ref().map(|copy| copy.entry);
    if is_image(sides.source) {
        let what = copy.map_or("missing", |copy| if is_image(copy) { "value" } else { "data type" });
        let sentence = format!(
            "{name} is not written in {to}: its data type is {IMAGE}, and each region has its own image ids; \
             list it under parameters.overrides, and set it to the id of the image in {to}"
        );
        return Some(PairVerdict::Blocked { what: vec![what], sentence });
    }
    let sentence = format!(
        "{name} is not written in {to}: its data type there is {IMAGE}, and Parameter Store can't change a \
         data type; delete the copy in {to}, and the next pass creates it again, or list it under \
         parameters.overrides"
    );
    copy.filter(|copy| is_image(copy)).map(|_| PairVerdict::Blocked { what: vec!["data type"], sentence })
}

fn creation(ground: &Ground<'_>, sides: &PairFacts<'_>) -> Writes {
    let mut tags = own_tags(sides.source_tags);
    tags.insert(COPY_TAG.to_owned(), ground.plan.name.to_string());
    let put = put(ground, sides.source, None, Some(tags));
    let sentence = format!("{} is created in {}.", put.name, ground.direction.to);
    Writes {
        what: vec!["missing"],
        put: Some(put),
        tags: Tags::new(),
        labels: sides.source_labels.current.clone(),
        sentence,
    }
}

fn existing(ground: &Ground<'_>, sides: &PairFacts<'_>, copy: &Copy<'_>) -> PairVerdict {
    let to = &ground.direction.to;
    let name = &sides.source.name;
    let mut what = differences(ground, sides.source, copy.entry);
    if !copy.has_same_value {
        what.insert(0, "value");
    }
    let is_put = !what.is_empty();
    let tags = missing_tags(sides.source_tags, copy.tags);
    let labels = wanted_labels(sides.source_labels, copy.labels, is_put);
    let is_pair = is_copy_of(copy.tags, &ground.plan.name)
        || is_copy_of(sides.source_tags, &ground.plan.name)
        || ground.parameters.existing == Existing::Adopt;
    if !is_pair {
        // What nobody made a copy of needs no tags and labels of another.
        if !is_put {
            return PairVerdict::Same;
        }
        let sentence = format!(
            "{name} is not written in {to} although it differs in {}: it already existed there and is not a \
             copy; list it under parameters.overrides, or set parameters.existing to adopt",
            words(&what)
        );
        return PairVerdict::Blocked { what, sentence };
    }
    if what.contains(&"type") {
        let sentence = format!(
            "{name} is not written in {to}: its type differs, and Parameter Store can't change a type; delete \
             it there, and the next pass creates it again"
        );
        return PairVerdict::Blocked { what, sentence };
    }
    if !tags.is_empty() {
        what.push("tags");
    }
    if !labels.is_empty() {
        what.push("labels");
    }
    if what.is_empty() {
        return astray(sides, copy, to);
    }
    let put = is_put.then(|| put(ground, sides.source, Some(copy.entry), None));
    let sentence = format!("{name} is written in {to}: it differed in {}.", words(&what));
    PairVerdict::Write(Box::new(Writes { what, put, tags, labels, sentence }))
}

/// A label that the source gave to an earlier version. Which version of the copy has that value, nobody knows.
fn astray(sides: &PairFacts<'_>, copy: &Copy<'_>, to: &str) -> PairVerdict {
    let astray: Vec<&String> = copy.labels.current.intersection(&sides.source_labels.earlier).collect();
    if astray.is_empty() {
        return PairVerdict::Same;
    }
    let sentence = format!(
        "{} has the label {} on its current version in {to}, but the source has that label on an earlier \
         version; move the label by hand",
        sides.source.name,
        list(astray.into_iter().cloned())
    );
    PairVerdict::Blocked { what: vec!["labels"], sentence }
}

fn put(ground: &Ground<'_>, source: &Entry, copy: Option<&Entry>, created_with: Option<Tags>) -> Put {
    let keeps_advanced = copy.is_some_and(|copy| copy.tier == Tier::Advanced);
    Put {
        name: source.name.clone(),
        kind: source.kind,
        data_type: source.data_type.clone(),
        tier: if keeps_advanced { Tier::Advanced } else { source.tier },
        key: ground.key().filter(|_| source.kind == Kind::SecureString).map(str::to_owned),
        description: source.description.clone(),
        allowed_pattern: source.allowed_pattern.clone(),
        policies: source.policies.clone(),
        created_with,
        clears_policies: source.policies.is_empty() && copy.is_some_and(|copy| !copy.policies.is_empty()),
    }
}

/// The tags that go along: neither those of AWS nor the mark of a copy.
fn own_tags(tags: &Tags) -> Tags {
    let goes_along = |key: &str| key != COPY_TAG && !key.starts_with("aws:");
    tags.iter().filter(|(key, _)| goes_along(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Tags that the copy lacks. One that only the copy has is somebody's own, and stays.
fn missing_tags(source: &Tags, copy: &Tags) -> Tags {
    own_tags(source).into_iter().filter(|(key, value)| copy.get(key) != Some(value)).collect()
}

/// Labels that the current version lacks; all of them where it gets a new version.
fn wanted_labels(source: &Labels, copy: &Labels, is_put: bool) -> BTreeSet<String> {
    if is_put {
        return source.current.clone();
    }
    source.current.difference(&copy.current).cloned().collect()
}

fn words(what: &[&str]) -> String {
    list(what.iter().map(|word| (*word).to_owned()))
}
