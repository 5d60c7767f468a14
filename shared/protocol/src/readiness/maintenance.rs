//! Is what a failover finds in the other region of today: the parameters, the snapshots? What the scheduled jobs
//! last found says it; nobody looks a second time.

use jiff::{SignedDuration, Timestamp};

use super::facts::{Unseen, seen_one};
use super::{Check, Scene};
use crate::maintenance::{ParameterPass, PassOutcome, SnapshotLook};
use crate::name::Name;
use crate::parameters::direction::direction;
use crate::plan::SnapshotPolicy;
use crate::schedule::Schedule;
use crate::words::{command_line, duration, list, sentence_of};

pub(super) const NAMES: &[&str] = &[PARAMETERS, SNAPSHOTS];

const PARAMETERS: &str = "parameters_same";
const SNAPSHOTS: &str = "snapshots_fresh";

/// Longest age of a full pass over the parameters. They follow each change by an event; a pass may come as seldom as once
/// a day, and the alarm on its silence waits as long.
const PASS_AGE_MAX: SignedDuration = SignedDuration::from_hours(24);

/// Longest age of a look at the snapshots, which comes every quarter of an hour.
const LOOK_AGE_MAX: SignedDuration = SignedDuration::from_hours(1);

/// How long a snapshot may take from when it is due to its good copy. The alarm on its age gives as much.
const MAKING_MAX: SignedDuration = SignedDuration::from_hours(2);

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Check> {
    let mut checks: Vec<Check> =
        scene.plan.snapshots.iter().flat_map(|policy| snapshots(scene, policy)).collect();
    checks.extend(scene.plan.parameters.is_some().then(|| parameters(scene)));
    checks
}

fn parameters(scene: &Scene<'_>) -> Check {
    const SUBJECT: &str = "parameters";
    let invoke = |command: &str| command_line(scene.plan, "ssm-replicator", command);
    let unknown = |why: String| Check::unknown(PARAMETERS, SUBJECT, &Unseen::new(why, invoke("pass")));
    let direction = match direction(scene.plan, scene.state) {
        Ok(direction) => direction,
        Err(why) => {
            let (sentence, remedy) = why.rsplit_once(": ").unwrap_or((&why, "Move the rest."));
            return Check::not_ready(PARAMETERS, SUBJECT, format!("{sentence}."), remedy);
        }
    };
    let ParameterPass { at, from, to, outcome } = match seen_one(scene.facts.parameter_pass.as_ref()) {
        Ok(Some(pass)) => pass,
        Ok(None) => return unknown("No full pass has compared the parameters yet.".to_owned()),
        Err(unseen) => return Check::unknown(PARAMETERS, SUBJECT, &unseen),
    };
    let age = scene.now.duration_since(*at);
    let ago = format!("{} ago", duration(age));
    if (from, to) != (&direction.from, &direction.to) {
        return unknown(format!(
            "The last full pass, {ago}, copied {from} to {to}, but {} serves now.",
            direction.from
        ));
    }
    if age > PASS_AGE_MAX {
        return unknown(format!("The last full pass was {ago}."));
    }
    match outcome {
        PassOutcome::Failed { why } => {
            unknown(format!("The last full pass, {ago}, failed: {}.", why.trim_end_matches('.')))
        }
        PassOutcome::Compared { same, overridden, differing: 0, .. } => {
            let on_purpose =
                if *overridden == 0 { String::new() } else { format!(", {overridden} differ on purpose") };
            let sentence = format!(
                "After the full pass {ago}, {same} parameters are the same in {to} as in {from}{on_purpose}."
            );
            Check::ready(PARAMETERS, SUBJECT, sentence)
        }
        PassOutcome::Compared { differing, why, .. } => {
            let why =
                why.as_deref().map(|why| format!(": {}", why.trim_end_matches('.'))).unwrap_or_default();
            let sentence = format!(
                "After the full pass {ago}, {differing} of the parameters differed between {from} and \
                 {to}{why}."
            );
            Check::not_ready(
                PARAMETERS,
                SUBJECT,
                sentence,
                format!("List them (names only, never values): {}", invoke("drift")),
            )
        }
    }
}

fn snapshots(scene: &Scene<'_>, policy: &SnapshotPolicy) -> Vec<Check> {
    let kept = scene.plan.databases.iter().map(|database| &database.name);
    let kept = kept.filter(|name| !policy.except.contains(name));
    let look = look(scene);
    let since = fresh_since(policy, scene.now);
    kept.map(|name| match (&look, since) {
        (Err(unseen), _) => Check::unknown(SNAPSHOTS, name, unseen),
        (Ok(look), Some(since)) => snapshots_of(scene, name, look, since),
        (Ok(_), None) => Check::ready(SNAPSHOTS, name, "The schedule has not required a snapshot yet."),
    })
    .collect()
}

/// What was last found, if it is of now.
fn look<'s>(scene: &'s Scene<'_>) -> Result<&'s SnapshotLook, Unseen> {
    let found = seen_one(scene.facts.snapshot_look.as_ref())?.as_ref();
    let why = match found.map(|look| scene.now.duration_since(look.at)) {
        None => "The snapshots have not been checked yet.".to_owned(),
        Some(age) if age > LOOK_AGE_MAX => {
            format!("The snapshots were last checked {} ago.", duration(age))
        }
        Some(_) => String::new(),
    };
    found.filter(|_| why.is_empty()).ok_or_else(|| Unseen::new(why, keep(scene)))
}

fn keep(scene: &Scene<'_>) -> String {
    command_line(scene.plan, "snapshot-scheduler", "keep")
}

/// The time of the schedule whose snapshot must be good by now.
fn fresh_since(policy: &SnapshotPolicy, now: Timestamp) -> Option<Timestamp> {
    Schedule::parse(&policy.schedule).ok()?.last_due(now.checked_sub(MAKING_MAX).ok()?)
}

/// Both regions, the worse of them.
fn snapshots_of(scene: &Scene<'_>, name: &Name, look: &SnapshotLook, since: Timestamp) -> Check {
    let regions = [&scene.plan.other().region, &scene.plan.own().region];
    let (mut fresh, mut stale, mut unlisted) = (Vec::new(), Vec::new(), Vec::new());
    for region in regions {
        let gap = look.gaps.iter().find(|(gap, _)| gap == region);
        let newest = look.newest.iter().find(|one| one.database == *name && one.region == *region);
        match (gap, newest) {
            (Some((_, why)), _) => unlisted.push(format!("{region} ({})", why.trim_end_matches('.'))),
            (None, None) => stale.push(format!("{region} has no good one")),
            (None, Some(newest)) => {
                let age = duration(scene.now.duration_since(newest.taken_at));
                let text = format!("the newest good one in {region} is {age} old");
                if newest.taken_at >= since { fresh.push(text) } else { stale.push(text) }
            }
        }
    }
    if !stale.is_empty() {
        let sentence = format!("A snapshot was due at {since}, but {}.", list(stale));
        let remedy = format!("Its answer names the obstacle: {}", keep(scene));
        return Check::not_ready(SNAPSHOTS, name, sentence, remedy);
    }
    if !unlisted.is_empty() {
        let why = format!("The snapshots of {} could not be listed.", list(unlisted));
        return Check::unknown(SNAPSHOTS, name, &Unseen::new(why, keep(scene)));
    }
    Check::ready(SNAPSHOTS, name, sentence_of(&list(fresh)))
}
