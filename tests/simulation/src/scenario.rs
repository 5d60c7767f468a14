//! What a seed decides: the plan, the durations of the cloud, what goes wrong and how often, who the people are.

use fastrand::Rng;
use jiff::SignedDuration;
use protocol::name::Name;
use protocol::plan::{Limits, Mode, Plan};
use protocol::side::Side;

use crate::history::Condition;

/// Everything that a seed decides before the world begins.
#[derive(Clone, Debug)]
pub struct Draw {
    /// The seed.
    pub seed: u64,
    /// The plan.
    pub plan: Plan,
    /// How long each promotion takes.
    pub promotions: Vec<(Name, SignedDuration)>,
    /// How long each launch takes.
    pub launches: Vec<(Name, SignedDuration)>,
    /// What goes wrong, until the world is healed.
    pub faults: Faults,
    /// How the primary region changes, by seconds from the beginning.
    pub weather: Vec<(u32, Condition)>,
    /// Alarms by seconds from the beginning; which one of the plan, and whether it goes into ALARM.
    pub alarms: Vec<(u32, usize, bool)>,
    /// Seconds from the beginning in which fleets find no room, if any.
    pub no_room: Option<(u32, u32)>,
    /// Seconds from the beginning in which Global Accelerator's API refuses everything, if any.
    pub accelerator_down: Option<(u32, u32)>,
    /// Seconds from the beginning at which somebody opens every primary side that is closed.
    pub reopened: Vec<u32>,
    /// A database whose promotion can't end before the world is healed.
    pub stuck: Option<Name>,
    /// Lag in milliseconds, at least and at most.
    pub lag_ms: (u64, u64),
    /// The people.
    pub people: People,
    /// From when on nothing goes wrong, in seconds from the beginning.
    pub healed_at: u32,
    /// After how many records a snapshot of the state is due.
    pub snapshot_every: u64,
    /// Most records of a page of the journal.
    pub page_records_max: usize,
}

/// What goes wrong, and how often: chances in a thousand, for each call, message or tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// A call is throttled.
    pub throttled: u32,
    /// A call fails on the service's side.
    pub unavailable: u32,
    /// A call gets no answer and has no effect.
    pub times_out: u32,
    /// A call has its effect and gets no answer.
    pub loses_answer: u32,
    /// A call gets no answer, and has its effect up to 3 s later.
    pub late: u32,
    /// A call is refused for want of a permission.
    pub denied: u32,
    /// The caller dies before the effect.
    pub killed_before: u32,
    /// The caller dies after the effect.
    pub killed_after: u32,
    /// A call takes seconds.
    pub slow: u32,
    /// A probe sees nothing of what there is: half of them nothing at all, half of them a loss that is none.
    pub blind: u32,
    /// A message is lost.
    pub message_lost: u32,
    /// A message comes twice.
    pub message_doubled: u32,
    /// A message comes up to 90 s late, behind later ones.
    pub message_late: u32,
    /// A tick does not come.
    pub tick_lost: u32,
    /// How far the clock of an instance may be off, either way.
    pub skew_ms: u32,
    /// Whether the service invokes a function again that failed (after one minute, and two).
    pub invoked_again: bool,
}

/// How people behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct People {
    /// Whether they answer what they are asked.
    pub diligent: bool,
    /// Chance in a thousand, at each of their looks, of a command that nobody asked for.
    pub meddle: u32,
}

/// The first second at which the primary region may be lost: lag was sampled and the tick has seen good answers.
const QUIET_SECONDS: u32 = 150;

impl Draw {
    /// A disturbed world.
    pub fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let plan = plan(&mut rng);
        let healed_at = rng.u32(300..2_400);
        let (promotions, launches) = durations(&plan, &mut rng);
        let no_room = chance(&mut rng, 200).then(|| (rng.u32(0..600), rng.u32(600..2_400)));
        let accelerator_down = chance(&mut rng, 250).then(|| (rng.u32(0..600), rng.u32(600..2_400)));
        let stuck = chance(&mut rng, 100).then(|| rng.choice(&plan.databases).map(|db| db.name.clone()));
        // Mostly small; at times above the limit.
        let lag_ms = if chance(&mut rng, 150) { (30_000, 120_000) } else { (0, 2_000) };
        Self {
            seed,
            promotions,
            launches,
            faults: faults(&mut rng),
            weather: weather(&mut rng, healed_at),
            alarms: alarms(&plan, &mut rng),
            no_room,
            accelerator_down,
            reopened: reopened(seed),
            stuck: stuck.flatten(),
            lag_ms,
            people: People {
                diligent: chance(&mut rng, 700),
                meddle: if chance(&mut rng, 300) { rng.u32(5..60) } else { 0 },
            },
            healed_at,
            // Not by chance, so that the other draws stay what they are. Few: a world has some ten or some hundred records.
            snapshot_every: 1 + seed % 23,
            page_records_max: usize::try_from(1 + seed % 31).unwrap_or(1),
            plan,
        }
    }

    /// An undisturbed world: the primary region is lost all at once and for good, its alarm says so, nothing goes
    /// wrong; only the durations of the cloud and of its calls are left to chance.
    pub fn undisturbed(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut plan = plan(&mut rng);
        plan.mode = Mode::Automatic;
        plan.limits = Limits::default();
        let (promotions, launches) = durations(&plan, &mut rng);
        let lost_at = QUIET_SECONDS + rng.u32(0..120);
        Self {
            seed,
            plan,
            promotions,
            launches,
            faults: Faults::default(),
            weather: vec![(lost_at, Condition::LOST)],
            alarms: vec![(lost_at + rng.u32(1..60), 0, true)],
            no_room: None,
            accelerator_down: None,
            reopened: Vec::new(),
            stuck: None,
            lag_ms: (0, 2_000),
            people: People { diligent: true, meddle: 0 },
            healed_at: 0,
            snapshot_every: 1 + seed % 23,
            page_records_max: 2_000,
        }
    }
}

/// In one world of five somebody sets the primary sides' weights back, up to three times. Drawn apart, so that the rest of a
/// seed is what it was.
fn reopened(seed: u64) -> Vec<u32> {
    let mut rng = Rng::with_seed(seed ^ 0xf0_0d5e_7bac);
    if !chance(&mut rng, 200) {
        return Vec::new();
    }
    (0..rng.u32(1..4)).map(|_| rng.u32(200..2_400)).collect()
}

/// True in so many cases out of a thousand.
pub(crate) fn chance(rng: &mut Rng, in_thousand: u32) -> bool {
    rng.u32(0..1000) < in_thousand
}

/// From the common case (one of each) to several that depend on each other.
fn plan(rng: &mut Rng) -> Plan {
    let mode = if chance(rng, 600) { Mode::Automatic } else { Mode::Approve };
    let mut plan = if chance(rng, 400) {
        twin::plans::small_plan(mode)
    } else {
        let mut plan = twin::plans::example_plan(mode);
        grow(&mut plan, rng);
        plan
    };
    plan.detection.cooldown_seconds = *rng.choice(&[60, 300, 1_800]).unwrap_or(&300);
    // Shorter ones hand over more often.
    let timeouts = &mut plan.limits.function_timeout_seconds;
    timeouts.alarm_handler = *rng.choice(&[45, 170]).unwrap_or(&170);
    timeouts.promote_replica = *rng.choice(&[60, 840]).unwrap_or(&840);
    timeouts.scale_asg = *rng.choice(&[60, 840]).unwrap_or(&840);
    timeouts.shift_traffic = *rng.choice(&[45, 120]).unwrap_or(&120);
    plan.limits.approval_seconds_max = *rng.choice(&[600, 3_600]).unwrap_or(&600);
    plan
}

/// More databases, fleets and routes, the later ones after earlier ones at times.
fn grow(plan: &mut Plan, rng: &mut Rng) {
    let (databases, fleets, routes) = (rng.usize(0..4), rng.usize(0..3), rng.usize(0..3));
    for number in 0..databases {
        let mut database = plan.databases[0].clone();
        database.name = Name::new(format!("db-{number}"));
        *database.arn_mut(Side::Primary) = format!("{}-{number}", database.arn(Side::Primary));
        *database.arn_mut(Side::Recovery) = format!("{}-{number}", database.arn(Side::Recovery));
        database.after = if rng.bool() { vec![plan.databases[0].name.clone()] } else { Vec::new() };
        plan.databases.push(database);
    }
    for number in 0..fleets {
        let mut fleet = plan.fleets[0].clone();
        fleet.name = Name::new(format!("fleet-{number}"));
        if let Some(at) = &mut fleet.sides.recovery {
            at.group = format!("{}-{number}", at.group);
            at.target_groups = vec![format!("{}{number}", at.target_groups[0])];
        }
        fleet.after = if rng.bool() { vec![plan.databases[0].name.clone()] } else { Vec::new() };
        plan.fleets.push(fleet);
    }
    for number in 0..routes {
        let mut route = plan.routes[0].clone();
        route.name = Name::new(format!("route-{number}"));
        route.sides.primary.endpoint = format!("{}{number}", route.sides.primary.endpoint);
        route.sides.recovery.endpoint = format!("{}{number}", route.sides.recovery.endpoint);
        route.sides.recovery.probe = None;
        let database = rng.choice(&plan.databases).map(|item| item.name.clone());
        let fleet = rng.choice(&plan.fleets).map(|item| item.name.clone());
        route.after = database.into_iter().chain(fleet).collect();
        plan.routes.push(route);
    }
}

type Durations = Vec<(Name, SignedDuration)>;

/// Promotions take 3 to 12 minutes, launches 40 s to 5 minutes.
fn durations(plan: &Plan, rng: &mut Rng) -> (Durations, Durations) {
    let mut draw = |from: i64, to: i64| SignedDuration::from_millis(rng.i64(from * 1000..to * 1000));
    let promotions = plan.databases.iter().map(|item| (item.name.clone(), draw(180, 720))).collect();
    let launches = plan.fleets.iter().map(|item| (item.name.clone(), draw(40, 300))).collect();
    (promotions, launches)
}

/// Each kind of fault is there in half of the worlds, seldom or often: what hides behind another one shows then.
fn faults(rng: &mut Rng) -> Faults {
    let mut rate = |often: &[u32]| if rng.bool() { 0 } else { *rng.choice(often).unwrap_or(&0) };
    Faults {
        throttled: rate(&[10, 40, 120]),
        unavailable: rate(&[10, 40, 120]),
        times_out: rate(&[5, 20, 60]),
        loses_answer: rate(&[5, 20, 60]),
        late: rate(&[5, 20]),
        denied: rate(&[0, 2, 8]),
        killed_before: rate(&[2, 8, 25]),
        killed_after: rate(&[2, 8, 25]),
        slow: rate(&[5, 20, 60]),
        blind: rate(&[10, 50, 200]),
        message_lost: rate(&[20, 100, 300]),
        message_doubled: rate(&[20, 100, 300]),
        message_late: rate(&[20, 100, 300]),
        tick_lost: rate(&[50, 200]),
        skew_ms: rate(&[200, 2_000, 10_000]),
        invoked_again: rate(&[1]) == 1,
    }
}

/// Lost for good, lost and back, flapping, lost in part, or never lost.
fn weather(rng: &mut Rng, healed_at: u32) -> Vec<(u32, Condition)> {
    let lost_at = rng.u32(QUIET_SECONDS..900);
    let in_part = Condition { answers: rng.bool(), replicates: rng.bool(), controls: rng.bool() };
    let mut changes = match rng.u32(0..10) {
        0 => Vec::new(),
        1..=4 => vec![(lost_at, Condition::LOST)],
        5 | 6 => vec![(lost_at, Condition::LOST), (lost_at + rng.u32(5..1_200), Condition::WELL)],
        7 | 8 => {
            let mut at = lost_at;
            let mut flapping = Vec::new();
            for turn in 0..rng.u32(3..12) {
                flapping.push((at, if turn % 2 == 0 { Condition::LOST } else { Condition::WELL }));
                at += rng.u32(3..150);
            }
            flapping
        }
        _ => vec![(lost_at, in_part), (lost_at + rng.u32(30..600), Condition::LOST)],
    };
    // In the end it is either well or lost, so that what must become of the run is known.
    if rng.bool() {
        changes.push((
            healed_at.max(lost_at) + rng.u32(0..600),
            *rng.choice(&[Condition::WELL, Condition::LOST]).unwrap_or(&Condition::WELL),
        ));
    }
    changes.sort_by_key(|(at, _)| *at);
    changes
}

/// None, one, two at once, or some at any time; some of them go back to OK.
fn alarms(plan: &Plan, rng: &mut Rng) -> Vec<(u32, usize, bool)> {
    let count = plan.detection.sides.primary.alarms.len();
    let at = rng.u32(QUIET_SECONDS..960);
    let mut alarms = match rng.u32(0..6) {
        0 => Vec::new(),
        1 | 2 => vec![(at, rng.usize(0..count), true)],
        3 => vec![(at, 0, true), (at, count - 1, true)],
        _ => (0..rng.u32(2..8)).map(|_| (rng.u32(30..1_500), rng.usize(0..count), rng.bool())).collect(),
    };
    alarms.sort_unstable();
    alarms
}
