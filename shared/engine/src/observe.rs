//! Looking at the world from the recovery region: probes, replicas, lag and alarms, all at once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::{Either, select};
use futures::stream::{self, StreamExt};
use jiff::{SignedDuration, Timestamp};
use ports::{
    Alarms, Clock, Databases, Failure, FailureKind, Journal, Lag, Probes, ReplicaView, Replication, Witnesses,
};
use protocol::arn::Arn;
use protocol::group;
use protocol::name::Name;
use protocol::observation::{AlarmsSeen, LagSample, Observation, ProbeSeen, ReplicaSeen, ReplicaState};
use protocol::plan::{Database, Plan, Probe};
use protocol::side::Side;
use protocol::state::State;
use protocol::witness::Sight;

/// How far back lag samples are asked for, before now or before the first sign of loss of the run under way: long
/// enough to find the last one while the source lived, however late an operator approves.
const LAG_WINDOW: SignedDuration = SignedDuration::from_mins(15);

/// How often CloudWatch is asked for lag and for alarms while a run weighs evidence: lag is sampled once a minute, and alarms are
/// evaluated once a minute or every ten seconds. Asking more often only costs calls.
const CLOUDWATCH_ASKED_EVERY: SignedDuration = SignedDuration::from_secs(15);

/// For how long a replica's last answer stands in for one that can't be had.
const REPLICA_REMEMBERED: SignedDuration = SignedDuration::from_secs(30);

/// How long the witness is waited for. It bounds its own look at four seconds; one that hangs must not make the whole look old.
const WITNESS_WAIT: Duration = Duration::from_secs(6);

/// Parts in which the replicas of a kind are asked again.
const PARTS: usize = 4;

/// Calls under way at once.
const CONCURRENCY: usize = 32;

/// Until when each replica has replayed everything.
type Replayed = BTreeMap<Name, Timestamp>;

type Samples = BTreeMap<Name, Vec<LagSample>>;

/// What each region said of the plan's alarms.
type Regions = BTreeMap<String, AlarmsSeen>;

/// The ports that a look needs.
#[derive(Clone)]
pub struct Sources {
    /// Probes.
    pub probes: Arc<dyn Probes>,
    /// Databases.
    pub databases: Arc<dyn Databases>,
    /// Alarms.
    pub alarms: Arc<dyn Alarms>,
    /// Lag.
    pub lag: Arc<dyn Lag>,
    /// The witness of the own side, if the plan has one.
    pub witnesses: Arc<dyn Witnesses>,
    /// The vitals, which know when the primary last answered.
    pub journal: Arc<dyn Journal>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// Looks, and remembers what it saw a moment ago.
pub struct Observer {
    sources: Sources,
    /// Whether what CloudWatch and the witness said at the first look does for the later ones.
    is_at_rest: AtomicBool,
    /// The last answer about lag, and when it came.
    last_lag: Mutex<Option<(Timestamp, Samples)>>,
    /// What each replica last said, and when.
    last_replicas: Mutex<BTreeMap<Name, (Timestamp, ReplicaState)>>,
    /// What the witness last said, and when.
    last_replayed: Mutex<Option<(Timestamp, Replayed)>>,
    /// The last answers about alarms, and when they were asked for.
    last_alarms: Mutex<Option<(Timestamp, Regions)>>,
}

impl Observer {
    /// One that has seen nothing yet.
    pub fn new(sources: Sources) -> Self {
        Self {
            sources,
            is_at_rest: AtomicBool::new(false),
            last_lag: Mutex::new(None),
            last_replicas: Mutex::new(BTreeMap::new()),
            last_replayed: Mutex::new(None),
            last_alarms: Mutex::new(None),
        }
    }

    /// One that asks CloudWatch and the witness at its first look alone, until it is woken. All else it looks at each time.
    #[must_use]
    pub fn at_rest(self) -> Self {
        Self { is_at_rest: AtomicBool::new(true), ..self }
    }

    /// From now on it asks as it does for a run, for what forbids a failover must not be judged by what has grown old. Says whether it
    /// was at rest.
    pub fn wake(&self) -> bool {
        self.is_at_rest.swap(false, Ordering::Relaxed)
    }

    /// Looks at everything that the plan's detection is about.
    pub async fn observe(&self, plan: &Plan, state: &State) -> Observation {
        let began_at = self.sources.clock.now();
        if !group::is_watching(plan, state) {
            return Observation::blank(began_at, &plan.own().region);
        }
        let staying: Vec<&Database> =
            plan.databases.iter().filter(|database| !state.holdings.is_active(&database.name)).collect();
        let lag_since = lag_window_start(state, began_at);
        let (probes, replicas, lag, replayed, alarms, vitals) = futures::join!(
            self.ask_all(&plan.watched().probes),
            self.look_at(&staying, plan.seat),
            self.sample(&staying, plan.seat, began_at, lag_since),
            self.ask_witness(plan, &staying),
            self.ask_for_alarms(&plan.watched().alarms, began_at),
            self.sources.journal.load_vitals(&plan.name)
        );
        let at = self.sources.clock.now();
        // Without the vitals the first sign of loss stands in for the last answer.
        let last_answer = vitals.ok().flatten().and_then(|vitals| vitals.answered_at);
        let vantage = plan.own().region.clone();
        let seen =
            Observation { at, vantage, probes, replicas, lag, replayed, answered_at: last_answer, alarms };
        if seen.answers_now() { Observation { answered_at: Some(began_at), ..seen } } else { seen }
    }

    async fn ask_all(&self, probes: &[Probe]) -> Vec<ProbeSeen> {
        let asked: Vec<_> = probes.iter().map(|probe| self.ask(probe)).collect();
        stream::iter(asked).buffered(CONCURRENCY).collect().await
    }

    async fn ask(&self, probe: &Probe) -> ProbeSeen {
        let answer = self.sources.probes.ask(probe).await;
        ProbeSeen { name: probe.name().clone(), answer }
    }

    async fn look_at(&self, databases: &[&Database], side: Side) -> Vec<ReplicaSeen> {
        if databases.is_empty() {
            return Vec::new();
        }
        let states = match self.sources.databases.look(databases, side).await {
            Ok(views) => views.into_iter().map(state_of).collect(),
            Err(failure) if is_passing(&failure) => self.look_again(databases, side).await,
            Err(failure) => vec![unasked(&failure); databases.len()],
        };
        let now = self.sources.clock.now();
        let names = databases.iter().map(|database| database.name.clone());
        let seen = names.zip(states).map(|(database, state)| {
            let state = self.with_memory(&database, state, now);
            ReplicaSeen { database, state }
        });
        seen.collect()
    }

    /// What failed quickly is asked again at once and in parts, so that one that can't be asked does not stand for all.
    async fn look_again(&self, databases: &[&Database], side: Side) -> Vec<ReplicaState> {
        let look = async |part: Vec<(usize, &Database)>| {
            let wanted: Vec<&Database> = part.iter().map(|(_, database)| *database).collect();
            let states = match self.sources.databases.look(&wanted, side).await {
                Ok(views) => views.into_iter().map(state_of).collect(),
                Err(failure) => vec![unasked(&failure); wanted.len()],
            };
            part.into_iter().map(|(place, _)| place).zip(states).collect::<Vec<_>>()
        };
        let mut by_kind: Vec<(usize, &Database)> = databases.iter().copied().enumerate().collect();
        by_kind.sort_by_key(|(place, database)| (database.is_aurora() != databases[0].is_aurora(), *place));
        let parts: Vec<_> = by_kind
            .chunk_by(|(_, one), (_, other)| one.is_aurora() == other.is_aurora())
            .flat_map(|kind| kind.chunks(kind.len().div_ceil(PARTS).max(1)))
            .map(|part| look(part.to_vec()))
            .collect();
        let mut seen: Vec<(usize, ReplicaState)> =
            stream::iter(parts).buffered(PARTS).collect::<Vec<_>>().await.into_iter().flatten().collect();
        seen.sort_by_key(|(place, _)| *place);
        seen.into_iter().map(|(_, state)| state).collect()
    }

    /// What a replica said a moment ago, where it can't be asked now. An error is not repeated, only remembered: it is
    /// no evidence of this look.
    fn with_memory(&self, database: &Name, state: ReplicaState, now: Timestamp) -> ReplicaState {
        let Ok(mut last) = self.last_replicas.lock() else { return state };
        if !matches!(state, ReplicaState::Unasked { .. }) {
            last.insert(database.clone(), (now, state.clone()));
            return state;
        }
        match last.get(database) {
            Some((at, before)) if now.duration_since(*at) <= REPLICA_REMEMBERED => match before {
                ReplicaState::Broken { detail } => {
                    ReplicaState::Unknown { detail: format!("not read just now; last seen: {detail}") }
                }
                before => before.clone(),
            },
            _ => state,
        }
    }

    /// Each region by itself: one that does not answer keeps no other from being heard.
    async fn ask_for_alarms(&self, arns: &[String], now: Timestamp) -> Regions {
        let remembered = self.last_alarms.lock().ok().and_then(|last| last.clone());
        if let Some((asked_at, regions)) = remembered
            && self.is_recent(asked_at, now)
        {
            return regions;
        }
        let mut by_region: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (arn, parsed) in arns.iter().filter_map(|arn| Some((arn, Arn::parse(arn)?))) {
            by_region.entry(parsed.region).or_default().push(arn);
        }
        let asked: Vec<_> =
            by_region.iter().map(|(region, arns)| self.ask_region(region, arns, now)).collect();
        let regions: Regions = stream::iter(asked).buffer_unordered(CONCURRENCY).collect().await;
        if let Ok(mut last) = self.last_alarms.lock() {
            *last = Some((now, regions.clone()));
        }
        regions
    }

    async fn ask_region(&self, region: &str, arns: &[&str], at: Timestamp) -> (String, AlarmsSeen) {
        let seen = match self.sources.alarms.states(region, arns).await {
            Ok(alarms) => AlarmsSeen::Answered { at, alarms },
            Err(failure) => {
                tracing::warn!(%failure, region, "the alarms of the region can't be read");
                let detail = failure.to_string();
                match failure.kind {
                    FailureKind::Denied | FailureKind::Invalid | FailureKind::Missing => {
                        AlarmsSeen::Refused { detail }
                    }
                    _ => AlarmsSeen::Silent { at, detail },
                }
            }
        };
        (region.to_owned(), seen)
    }

    /// Until when each replica has replayed everything, as the own side's witness sees it; what it said a moment ago where it gives
    /// no word now, for a replica only ever replays more.
    async fn ask_witness(&self, plan: &Plan, databases: &[&Database]) -> Replayed {
        let Some((function, command)) = plan.question_to_witness(plan.seat, databases) else {
            return Replayed::new();
        };
        if self.is_at_rest.load(Ordering::Relaxed)
            && let Some((_, replayed)) = self.last_replayed.lock().ok().and_then(|last| last.clone())
        {
            return replayed;
        }
        let asked = self.sources.witnesses.look(function, &command);
        let answer = match select(asked, self.sources.clock.sleep(WITNESS_WAIT)).await {
            Either::Left((answer, _)) => answer.map_err(|failure| failure.to_string()),
            Either::Right(_) => Err(format!("it has not answered within {} s", WITNESS_WAIT.as_secs())),
        };
        let now = self.sources.clock.now();
        let Ok(mut last) = self.last_replayed.lock() else { return Replayed::new() };
        match answer {
            Ok(witnessed) => {
                let replayed = witnessed.into_iter().filter_map(|witnessed| match witnessed.sight {
                    Sight::Seen(seen) => Some((witnessed.name, seen.replayed_until()?)),
                    Sight::Unreached(unreached) => {
                        let code = unreached.code.as_str();
                        tracing::warn!(database = %witnessed.name, code, why = unreached.message, "not witnessed");
                        None
                    }
                });
                let replayed: Replayed = replayed.collect();
                *last = Some((now, replayed.clone()));
                replayed
            }
            Err(why) => {
                tracing::warn!(function, why, "the witness gives no word");
                let recent = last.as_ref().filter(|(at, _)| now.duration_since(*at) <= REPLICA_REMEMBERED);
                let replayed = recent.map(|(_, replayed)| replayed.clone()).unwrap_or_default();
                // One that hangs is not waited for at each look while all is well.
                last.get_or_insert_with(|| (now, Replayed::new()));
                replayed
            }
        }
    }

    async fn sample(&self, databases: &[&Database], side: Side, now: Timestamp, since: Timestamp) -> Samples {
        if let Some((asked_at, samples)) = self.remembered()
            && self.is_recent(asked_at, now)
        {
            return samples;
        }
        let asked: Vec<_> = databases.iter().map(|database| self.sample_one(database, side, since)).collect();
        let answers: BTreeMap<Name, Option<Vec<LagSample>>> =
            stream::iter(asked).buffered(CONCURRENCY).collect().await;
        let is_complete = answers.values().all(Option::is_some);
        // A sample stays true: where the question failed, what was answered before still tells of the time before.
        let mut known = self.remembered().map(|(_, samples)| samples).unwrap_or_default();
        let samples: Samples = answers
            .into_iter()
            .filter_map(|(name, points)| Some((name.clone(), points.or_else(|| known.remove(&name))?)))
            .collect();
        // What is not complete is asked for again at the next look, unless all is well.
        let asked_at = if is_complete { now } else { Timestamp::MIN };
        if let Ok(mut last) = self.last_lag.lock() {
            *last = Some((asked_at, samples.clone()));
        }
        samples
    }

    /// The samples of a database; nothing when the question failed. Not known is not zero. What failed quickly is asked
    /// again at once: this may be the look that decides.
    async fn sample_one(
        &self,
        database: &Database,
        side: Side,
        since: Timestamp,
    ) -> (Name, Option<Vec<LagSample>>) {
        let answer = match self.sources.lag.samples(database, side, since).await {
            Err(failure) if is_passing(&failure) => self.sources.lag.samples(database, side, since).await,
            answer => answer,
        };
        let points = match answer {
            Ok(samples) => Some(samples),
            Err(failure) => {
                tracing::warn!(%failure, database = %database.name, "the lag can't be read");
                None
            }
        };
        (database.name.clone(), points)
    }

    /// Whether what CloudWatch answered then does for a look now.
    fn is_recent(&self, asked_at: Timestamp, now: Timestamp) -> bool {
        self.is_at_rest.load(Ordering::Relaxed) || now.duration_since(asked_at) < CLOUDWATCH_ASKED_EVERY
    }

    fn remembered(&self) -> Option<(Timestamp, Samples)> {
        self.last_lag.lock().ok()?.clone()
    }
}

/// Whether a question that failed may well be answered a moment later.
fn is_passing(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::Throttled | FailureKind::Unavailable)
}

fn unasked(failure: &Failure) -> ReplicaState {
    ReplicaState::Unasked { detail: failure.to_string() }
}

fn lag_window_start(state: &State, now: Timestamp) -> Timestamp {
    let first_sign = match state.active_run() {
        Some(run) => Some(run.first_signal_at),
        // An operator may begin one with this look in hand.
        None => state.shown_since(),
    };
    let from = first_sign.map_or(now, |first| first.min(now));
    from.checked_sub(LAG_WINDOW).unwrap_or(Timestamp::MIN)
}

fn state_of(view: ReplicaView) -> ReplicaState {
    match view {
        ReplicaView::Replica { replication: Replication::Running, .. } => ReplicaState::Replicating,
        ReplicaView::Replica { replication: Replication::Degraded { detail }, .. } => {
            ReplicaState::Degraded { detail }
        }
        ReplicaView::Replica { replication: Replication::Halted { detail }, .. } => {
            ReplicaState::Halted { detail }
        }
        ReplicaView::Replica { replication: Replication::Broken { detail }, .. } => {
            ReplicaState::Broken { detail }
        }
        ReplicaView::Replica { replication: Replication::Unknown, status } => {
            ReplicaState::Unknown { detail: format!("status {status}, replication state not reported") }
        }
        ReplicaView::Writable | ReplicaView::Changing { .. } => ReplicaState::Detached,
        ReplicaView::Headless => ReplicaState::Unknown { detail: "the cluster has no instance".to_owned() },
        ReplicaView::Missing => ReplicaState::Unknown { detail: "the replica does not exist".to_owned() },
    }
}
