//! Could every fleet really launch what the plan wants? A group that may launch still fails for a type that its zones lack,
//! for a key that Auto Scaling may not use, for addresses, for the account's quota; and a scheduled action takes back what a
//! run has given it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::facts::{
    GroupFacts, KeyGrant, KeyRights, ReadinessFacts, ScheduledAction, TemplateFacts, Unseen, seen, seen_one,
};
use super::{Check, Scene};
use crate::arn::Arn;
use crate::plan::FleetAt;
use crate::words::list;

pub(super) const NAMES: &[&str] = &[SCHEDULED, OFFERED, KEYS, ADDRESSES, QUOTA];

const SCHEDULED: &str = "scheduled_actions_clear";
const OFFERED: &str = "instance_type_offered";
const KEYS: &str = "launch_keys_granted";
const ADDRESSES: &str = "addresses_free";
const QUOTA: &str = "vcpu_quota_suffices";

/// What a role needs of a key so that EC2 can work with it on the role's behalf.
const GRANTING: &str = "CreateGrant";

/// The quotas of running On-Demand instances, each with the letters that its families begin with, up to their number. A
/// family that is not listed (`mac`, `hpc`, `u`) is not counted.
const QUOTAS: [(&str, &[&str]); 8] = [
    ("L-1216C47A", &["a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z"]),
    ("L-74FC7D96", &["f"]),
    ("L-DB2E81BA", &["g", "gr", "vt"]),
    ("L-417A185B", &["p"]),
    ("L-7295265B", &["x"]),
    ("L-1945791B", &["inf"]),
    ("L-2C3B7624", &["trn"]),
    ("L-6E869C2A", &["dl"]),
];

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Check> {
    let mut checks: Vec<Check> = scene.fleets().flat_map(|fleet| of(scene, fleet)).collect();
    checks.extend((!scene.plan.fleets.is_empty()).then(|| quota(scene)));
    checks
}

fn of(scene: &Scene<'_>, fleet: FleetAt<'_>) -> Vec<Check> {
    let Ok(Some(group)) = seen(&scene.facts.groups, fleet.name) else {
        let unseen = Unseen::new("The group could not be read.", "See group_exists.");
        let rest = [SCHEDULED, OFFERED, KEYS, ADDRESSES];
        return rest.map(|check| Check::unknown(check, fleet.name, &unseen)).to_vec();
    };
    vec![
        scheduled(scene, fleet, group),
        offered(scene, fleet, group),
        keys_granted(scene, fleet, group),
        addresses(scene, fleet, group),
    ]
}

/// A scheduled action sets min, desired and max by itself, whoever set them before.
fn scheduled(scene: &Scene<'_>, fleet: FleetAt<'_>, group: &GroupFacts) -> Check {
    let name = fleet.name;
    let actions = match seen(&scene.facts.scheduled, name) {
        Ok(actions) => actions,
        Err(unseen) => return Check::unknown(SCHEDULED, name, &unseen),
    };
    let shrinking: Vec<String> = actions.iter().filter_map(|action| shrinks(fleet, action)).collect();
    if shrinking.is_empty() {
        let sentence = match actions.len() {
            0 => "No scheduled action changes its size.".to_owned(),
            1 => "Its scheduled action does not shrink it below the plan's size.".to_owned(),
            more => format!("Its {more} scheduled actions do not shrink it below the plan's size."),
        };
        return Check::ready(SCHEDULED, name, sentence);
    }
    if group.suspended.iter().any(|process| process == "ScheduledActions") {
        let sentence = format!(
            "The process ScheduledActions is suspended. Once it is resumed, {}.",
            list(shrinking.clone())
        );
        let remedy = format!(
            "Keep it suspended while the {} region serves, or give the actions the plan's capacity.",
            scene.side()
        );
        return Check::note(SCHEDULED, name, sentence, remedy);
    }
    let remedy = format!(
        "aws autoscaling delete-scheduled-action --region {} --auto-scaling-group-name {} --scheduled-action-name {}; or give \
         it the plan's capacity",
        scene.plan.own().region,
        fleet.group,
        actions.iter().find(|action| shrinks(fleet, action).is_some()).map_or("", |action| &action.name)
    );
    let sentence = format!(
        "After a failover {}. The run that scaled the fleet up has ended by then and does not correct it.",
        list(shrinking)
    );
    Check::not_ready(SCHEDULED, name, sentence, remedy)
}

/// What an action sets below the plan's size, to be read after a time.
fn shrinks(fleet: FleetAt<'_>, action: &ScheduledAction) -> Option<String> {
    let wanted = fleet.serving;
    let below = |word: &str, set: Option<u32>, wanted: u32| {
        set.filter(|set| *set < wanted).map(|set| format!("{word} to {set}, below the plan's {wanted}"))
    };
    let below = [
        below("min", action.min, wanted.min),
        below("desired", action.desired, wanted.desired),
        below("max", action.max, wanted.max),
    ];
    let below: Vec<String> = below.into_iter().flatten().collect();
    (!below.is_empty()).then(|| format!("the scheduled action {} sets {}", action.name, list(below)))
}

/// The instance types that a group would launch; why they are not known, where they are not.
fn types(facts: &ReadinessFacts, group: &GroupFacts) -> Result<BTreeSet<String>, Unseen> {
    if !group.types.is_empty() {
        return Ok(group.types.iter().cloned().collect());
    }
    let mut types = BTreeSet::new();
    for template in &group.templates {
        let Some(TemplateFacts { instance_type: Some(named), .. }) = seen(&facts.templates, template)? else {
            let why = format!("The launch template {} names no instance type.", template.id);
            return Err(Unseen::new(why, "Add one. See template_and_image."));
        };
        types.insert(named.clone());
    }
    if types.is_empty() {
        return Err(Unseen::new("It has no launch template.", "See template_and_image."));
    }
    Ok(types)
}

/// Every instance type whose zones and vCPUs have to be looked at.
pub fn instance_types(facts: &ReadinessFacts) -> BTreeSet<String> {
    let groups = groups(facts).filter(|group| !group.chooses_types);
    groups.filter_map(|group| types(facts, group).ok()).flatten().collect()
}

/// Every subnet whose free addresses have to be looked at.
pub fn subnets(facts: &ReadinessFacts) -> BTreeSet<&str> {
    groups(facts).flat_map(|group| group.subnets.iter().map(String::as_str)).collect()
}

/// The code of every quota that the fleets' instance types count against.
pub fn quotas(facts: &ReadinessFacts) -> BTreeSet<&'static str> {
    instance_types(facts).iter().filter_map(|named| quota_of(named)).collect()
}

/// Every key that a launch would use.
pub fn volume_keys(facts: &ReadinessFacts) -> BTreeSet<String> {
    let keys = groups(facts).filter_map(|group| keys_of(facts, group).ok());
    keys.flat_map(|keys| keys.named).collect()
}

fn groups(facts: &ReadinessFacts) -> impl Iterator<Item = &GroupFacts> {
    facts.groups.values().filter_map(|group| group.as_ref().ok()?.as_ref())
}

fn offered(scene: &Scene<'_>, fleet: FleetAt<'_>, group: &GroupFacts) -> Check {
    let name = fleet.name;
    if group.chooses_types {
        let sentence = "It selects instance types by attributes, so it skips a type that a zone does not \
                        offer.";
        return Check::ready(OFFERED, name, sentence);
    }
    let types = match types(scene.facts, group) {
        Ok(types) => types,
        Err(unseen) => return Check::unknown(OFFERED, name, &unseen),
    };
    let zones: BTreeSet<&String> = group.zones.iter().collect();
    let (mut nowhere, mut reached) = (Vec::new(), BTreeSet::new());
    for named in &types {
        match seen(&scene.facts.offerings, named.as_str()) {
            Ok(offering) => {
                let here: Vec<&String> =
                    zones.iter().copied().filter(|zone| offering.contains(*zone)).collect();
                if here.is_empty() {
                    nowhere.push(named.clone());
                }
                reached.extend(here);
            }
            Err(unseen) => return Check::unknown(OFFERED, name, &unseen),
        }
    }
    let listed = |zones: &BTreeSet<&String>| list(zones.iter());
    let remedy = "Give the launch template a type that aws ec2 describe-instance-type-offerings lists for \
                  these zones, or give the group subnets in zones that offer the type.";
    if reached.is_empty() {
        let sentence = format!("None of its zones offers {}: {}.", list(nowhere), listed(&zones));
        return Check::not_ready(OFFERED, name, sentence, remedy);
    }
    let lacking: BTreeSet<&String> = zones.difference(&reached).copied().collect();
    match (nowhere.as_slice(), lacking.is_empty()) {
        ([], true) => {
            let sentence = format!("{} is offered in {}.", list(types), listed(&zones));
            Check::ready(OFFERED, name, sentence)
        }
        (_, false) => {
            let sentence = format!(
                "It has zones that offer none of its types: {}. All of its instances would run in {}.",
                listed(&lacking),
                listed(&reached)
            );
            Check::note(OFFERED, name, sentence, remedy)
        }
        (_, true) => {
            let sentence =
                format!("None of its zones offers {}. Its other types are offered.", list(nowhere));
            Check::note(OFFERED, name, sentence, remedy)
        }
    }
}

/// The keys that a group's launches use.
struct LaunchKeys {
    named: BTreeSet<String>,
    hidden: u32,
}

fn keys_of(facts: &ReadinessFacts, group: &GroupFacts) -> Result<LaunchKeys, Unseen> {
    let mut keys = LaunchKeys { named: BTreeSet::new(), hidden: 0 };
    for template in &group.templates {
        let Some(template) = seen(&facts.templates, template)? else {
            return Err(Unseen::new("A launch template could not be read.", "See template_and_image."));
        };
        keys.named.extend(template.volume_keys.iter().cloned());
        keys.hidden += template.hidden_volumes;
        if template.has_plain_volume {
            keys.named.extend(seen_one(facts.default_volume_key.as_ref())?.clone());
        }
    }
    Ok(keys)
}

/// Auto Scaling's service-linked role may use AWS's own keys, and no other unless the key says so: by a grant or by its
/// policy. Nothing that IAM says can give it the right, for its policies can't be changed.
fn keys_granted(scene: &Scene<'_>, fleet: FleetAt<'_>, group: &GroupFacts) -> Check {
    let name = fleet.name;
    let keys = match keys_of(scene.facts, group) {
        Ok(keys) => keys,
        Err(unseen) => return Check::unknown(KEYS, name, &unseen),
    };
    let (mut refused, mut elsewhere, mut unseen) = (Vec::new(), Vec::new(), None);
    for key in &keys.named {
        if Arn::parse(key).is_some_and(|arn| arn.account != scene.plan.own().account) {
            elsewhere.push(short(key).to_owned());
            continue;
        }
        match seen(&scene.facts.key_rights, key.as_str()) {
            Ok(Some(rights)) if may_use(rights, group.service_role.as_deref()) => {}
            Ok(Some(_)) => refused.push(short(key).to_owned()),
            Ok(None) => refused.push(format!("{} (it does not exist)", short(key))),
            Err(why) => unseen = unseen.or(Some(why)),
        }
    }
    let role = group.service_role.as_deref().unwrap_or("AWSServiceRoleForAutoScaling");
    let role_name = role.rsplit('/').next().unwrap_or(role);
    if let Some(first) = refused.first() {
        let key = first.split(' ').next().unwrap_or(first).trim_start_matches("key/");
        let sentence =
            format!("{role_name} may not use the keys that encrypt its volumes: {}.", list(refused.clone()));
        let remedy = format!(
            "aws kms create-grant --region {} --key-id {key} --grantee-principal {role} --operations Encrypt Decrypt \
             ReEncryptFrom ReEncryptTo GenerateDataKey GenerateDataKeyWithoutPlaintext DescribeKey CreateGrant",
            scene.plan.own().region
        );
        return Check::not_ready(KEYS, name, sentence, remedy);
    }
    if let Some(unseen) = unseen {
        return Check::unknown(KEYS, name, &unseen);
    }
    if keys.hidden > 0 || !elsewhere.is_empty() {
        let (belong, them) =
            if elsewhere.len() == 1 && keys.hidden == 0 { ("belongs", "it") } else { ("belong", "them") };
        elsewhere.extend((keys.hidden > 0).then(|| format!("those of {} volumes of its image", keys.hidden)));
        let sentence = format!(
            "Of the keys of its volumes, {} {belong} to another account. Whether {role_name} may use {them} \
             is not visible from this account.",
            list(elsewhere)
        );
        let remedy = "Launch one instance through the group and check that it runs. The other account's key \
                      needs a grant for the role.";
        return Check::note(KEYS, name, sentence, remedy);
    }
    match keys.named.len() {
        0 => Check::ready(KEYS, name, "Its volumes use no customer key."),
        1 => Check::ready(KEYS, name, format!("{role_name} may use the key of its volumes.")),
        more => Check::ready(KEYS, name, format!("{role_name} may use the {more} keys of its volumes.")),
    }
}

/// Whether a role may have EC2 use a key for it.
fn may_use(rights: &KeyRights, role: Option<&str>) -> bool {
    if rights.is_of_aws {
        return true;
    }
    let Some(role) = role else { return false };
    let granted = |grant: &KeyGrant| {
        grant.grantee == role && grant.operations.iter().any(|operation| operation == GRANTING)
    };
    rights.grants.iter().any(granted) || admits(&rights.policy, role)
}

/// Whether a statement of a key's policy allows a role, by its own name or by everybody's, what it needs. Conditions are not
/// weighed: the ones that AWS documents for this bind the use, not the right.
fn admits(policy: &str, role: &str) -> bool {
    let Ok(policy) = serde_json::from_str::<Value>(policy) else { return false };
    let statements = match policy.get("Statement") {
        Some(Value::Array(statements)) => statements.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    statements.iter().any(|statement| {
        statement.get("Effect").and_then(Value::as_str) == Some("Allow")
            && texts(statement.get("Action")).any(|action| {
                let action = action.to_ascii_lowercase();
                let wanted = format!("kms:{}", GRANTING.to_ascii_lowercase());
                match action.strip_suffix('*') {
                    Some(start) => wanted.starts_with(start),
                    None => action == wanted,
                }
            })
            && statement.get("Principal").is_some_and(|principal| {
                let named = principal.get("AWS").unwrap_or(principal);
                texts(Some(named)).any(|named| named == role || named == "*")
            })
    })
}

/// A text, or a list of texts.
fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let many = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    value.and_then(Value::as_str).into_iter().chain(many.iter().filter_map(Value::as_str))
}

fn short(key: &str) -> &str {
    key.rsplit(':').next().unwrap_or(key)
}

/// How many instances a fleet still has to launch.
fn wanting(fleet: FleetAt<'_>, group: &GroupFacts) -> u32 {
    fleet.serving.desired.saturating_sub(group.instances)
}

fn addresses(scene: &Scene<'_>, fleet: FleetAt<'_>, group: &GroupFacts) -> Check {
    let name = fleet.name;
    let wanted = wanting(fleet, group);
    if group.subnets.is_empty() {
        let sentence = "It names no subnets, so it launches into those of the default VPC, which this check \
                        does not read.";
        return Check::note(ADDRESSES, name, sentence, "Give the group subnets (VPCZoneIdentifier).");
    }
    let mut free = 0_u32;
    for subnet in &group.subnets {
        match seen(&scene.facts.free_addresses, subnet.as_str()) {
            Ok(Some(count)) => free = free.saturating_add(*count),
            Ok(None) => {
                let sentence = format!("Its subnet {subnet} does not exist.");
                return Check::not_ready(ADDRESSES, name, sentence, "Give the group subnets that exist.");
            }
            Err(unseen) => return Check::unknown(ADDRESSES, name, &unseen),
        }
    }
    let counted = format!("Its subnets have {free} free addresses. Instances to launch: {wanted}.");
    let remedy = "Free addresses in the subnets, or give the group another subnet.";
    if free < wanted {
        return Check::not_ready(ADDRESSES, name, counted, remedy);
    }
    // Others that launch into the same subnets at the same time.
    let shares = |other: &GroupFacts| other.subnets.iter().any(|subnet| group.subnets.contains(subnet));
    let together: u32 = scene
        .fleets()
        .filter_map(|other| Some((other, scene.facts.groups.get(other.name)?.as_ref().ok()?.as_ref()?)))
        .filter(|(_, facts)| shares(facts))
        .map(|(other, facts)| wanting(other, facts))
        .fold(0, u32::saturating_add);
    if free < together {
        let sentence = format!(
            "Its subnets have {free} free addresses. Instances to launch, with the fleets that share them: \
             {together}."
        );
        return Check::note(ADDRESSES, name, sentence, remedy);
    }
    Check::ready(ADDRESSES, name, counted)
}

/// The quota that a type counts against; nothing where it is not one that is looked at.
fn quota_of(named: &str) -> Option<&'static str> {
    let letters: String = named.chars().take_while(char::is_ascii_alphabetic).collect();
    QUOTAS.iter().find(|(_, families)| families.contains(&letters.as_str())).map(|(code, _)| *code)
}

/// Whether the account may run as many vCPUs as the plan wants, as far as that can be seen: the least that the fleets take
/// against the whole quota. What else runs is not seen.
fn quota(scene: &Scene<'_>) -> Check {
    let subject = &scene.plan.name;
    let (mut needed, mut unseen): (BTreeMap<&'static str, u64>, Option<Unseen>) = (BTreeMap::new(), None);
    let mut uncounted = Vec::new();
    for fleet in scene.fleets() {
        match least_vcpus(scene, fleet) {
            Ok(Some((code, vcpus))) => *needed.entry(code).or_default() += vcpus,
            Ok(None) => uncounted.push(fleet.name.to_string()),
            Err(why) => unseen = unseen.or(Some(why)),
        }
    }
    let (mut short, mut fine) = (Vec::new(), Vec::new());
    for (code, vcpus) in &needed {
        match seen(&scene.facts.quotas, *code) {
            Ok(quota) if u64::from(*quota) < *vcpus => {
                short.push(format!("the fleets need {vcpus} vCPUs of the quota {code}, which is {quota}"));
            }
            Ok(quota) => fine.push(format!("{vcpus} of {quota} vCPUs ({code})")),
            Err(why) => unseen = unseen.or(Some(why)),
        }
    }
    if !short.is_empty() {
        let region = &scene.plan.own().region;
        let code = needed
            .keys()
            .find(|code| short.iter().any(|text| text.contains(**code)))
            .copied()
            .unwrap_or_default();
        let remedy = format!(
            "aws service-quotas request-service-quota-increase --region {region} --service-code ec2 --quota-code {code} \
             --desired-value <vCPUs>; it takes AWS hours to days"
        );
        return Check::not_ready(QUOTA, subject, format!("In {region} {}.", list(short)), remedy);
    }
    if let Some(unseen) = unseen {
        return Check::unknown(QUOTA, subject, &unseen);
    }
    let rest = if uncounted.is_empty() {
        String::new()
    } else {
        format!(" The types of {} are not counted.", list(uncounted))
    };
    let counted = if fine.is_empty() {
        "Nothing was counted".to_owned()
    } else {
        format!("The fleets take {}", list(fine))
    };
    Check::ready(QUOTA, subject, format!("{counted}. Other instances in the account are not counted.{rest}"))
}

/// The quota of a fleet, and the fewest vCPUs that its wanted size takes; nothing where its types count against several
/// quotas, or against one that is not looked at.
fn least_vcpus(scene: &Scene<'_>, fleet: FleetAt<'_>) -> Result<Option<(&'static str, u64)>, Unseen> {
    let group = match seen(&scene.facts.groups, fleet.name)? {
        Some(group) if !group.chooses_types => group,
        Some(_) => return Ok(None),
        None => return Err(Unseen::new("A group could not be read.", "See group_exists.")),
    };
    let types = types(scene.facts, group)?;
    let codes: BTreeSet<Option<&'static str>> = types.iter().map(|named| quota_of(named)).collect();
    let mut codes = codes.into_iter();
    let (Some(Some(code)), None) = (codes.next(), codes.next()) else { return Ok(None) };
    let mut least = None;
    for named in &types {
        if let Some(vcpus) = seen(&scene.facts.vcpus, named.as_str())? {
            least = Some(least.map_or(*vcpus, |least: u32| least.min(*vcpus)));
        }
    }
    Ok(least.map(|vcpus| (code, u64::from(vcpus) * u64::from(fleet.serving.desired))))
}
